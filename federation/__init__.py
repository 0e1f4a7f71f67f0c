"""What the roles say to each other: messages, codec, session, the one exit, transports, coordinator, Flower.

`parties`, `cli` and `benchmarks` may import it; it imports `crypto` alone. It may never import pandas,
torch or anything under `parties`: a coordinator cannot read a row.
"""
