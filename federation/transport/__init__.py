"""How sealed frames travel: in memory, or over the exchange. A protocol never knows which.

The two composition roots build a transport and `federation.session` uses it; nobody else may import one
(contract `single-exit`). It may never look into a frame.
"""
