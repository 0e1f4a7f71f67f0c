"""The data owner's privacy budget: what a run releases, what that costs, and the ledger that adds it up."""
