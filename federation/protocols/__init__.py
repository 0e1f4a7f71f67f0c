"""The aggregator's own part in the parties' protocols.

The coordinator imports it. It may never see more than opaque tags, sizes and sealed envelopes.
"""
