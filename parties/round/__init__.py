"""A party's whole round: acceptance, own rows, matrix, participation, evaluation, what is kept.

`parties.node` and the commands that show results import it. It may never start before the order is accepted.
"""
