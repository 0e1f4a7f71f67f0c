"""The exchange: the relay at the aggregator through which the seats of a session reach each other."""
