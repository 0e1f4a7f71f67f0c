"""The ledger: one RFC 6962 log per role, of hashes and enumerations only; co-signed by the others.

What was granted, planned, sent, trained and scored can be proved from it to somebody who has no key and no
data. No row, no column name and no figure of a model is in an entry: what is logged cannot be erased.
"""
