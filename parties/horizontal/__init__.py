"""A party's side of a horizontal round: one model over parties with the same columns of different firms.

`participation` reads top to bottom as a round goes. Rows, updates of one party, its local part and its seeds
stay here; what leaves goes through `federation.secure_sum` or is a digest, the encoding or the model that all
members were told. `parties.participation` and `parties.results` import it.
"""
