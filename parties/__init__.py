"""The party's side: connectors, keys, features, models, its part in each protocol, its node.

`cli` and `benchmarks` may import it; it imports `federation` and `crypto`. The only room that reads rows,
so it may never open a connection of its own: what leaves goes through the session's exit.
"""
