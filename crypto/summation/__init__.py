"""Sums of vectors that nobody but the parties together can open. Knows no party, no round and no model.

A member quantises its vector (`grid`), packs it (`lanes`), adds masks that cancel over all members
(`crypto.masks`) and one mask of its own (`stream`), and seals it (`protection`). The aggregator adds what
is sealed. Members open the total and, once each has released its own mask, read the sum and nothing else.
"""
