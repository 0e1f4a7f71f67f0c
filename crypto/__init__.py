"""Sealed types, BFV, the ring's group operations, masks, envelopes, identities and certificates.

The lowest room: every other room may import it, and it imports none of them. It may never know what a
party, a round or a model is.
"""
