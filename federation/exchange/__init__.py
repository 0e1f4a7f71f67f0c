"""The exchange: the relay at the aggregator through which the seats of a session reach each other.

The coordinator runs it, and transports import its frames. It may never reach a key, a cipher or a message
type (contract `a-relay-cannot-open`).
"""
