"""The aggregator: its folder, its service, and the conducting of rounds.

`cli` starts it and looks into its folder. It may never open an envelope between parties or import `parties`.
"""
