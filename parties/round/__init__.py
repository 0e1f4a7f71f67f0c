"""A party's whole round: acceptance, own rows, matrix, the vertical shape, evaluation, what is kept.

`parties.node` and the commands that show results import it. It may never start before the order is accepted.
"""
