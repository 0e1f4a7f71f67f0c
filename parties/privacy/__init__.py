"""What a run tells of a data set, what that costs, and the ledger that holds it against the owner's budget."""
