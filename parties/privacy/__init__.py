"""What a run tells of a data set, what it costs, and the ledger that holds it against the owner's budget."""
