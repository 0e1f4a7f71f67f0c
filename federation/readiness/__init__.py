"""Whether a role is ready for a round: what was looked at, what was found, and the next step for each.

Used by `isthmus doctor`. Nothing is changed by looking; every look that waits has a bound.
"""
