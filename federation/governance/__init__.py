"""Governance that binds: what data is (manifest), what may be done with it (grant), and what leaves (guard).

No row is in here and none can be read from here: a manifest names columns and grades, a grant names parties,
purposes and limits. Both are written by the owner of the data and never by another side; the guard refuses
what neither allows, before anything has left.
"""
