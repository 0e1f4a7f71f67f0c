"""What is checked of a pack. Each check takes what was read of one pack and ends in an `Outcome`.

A check never raises over what a pack says: `federation.ledger.verify` makes a failure of what it cannot read.
"""
