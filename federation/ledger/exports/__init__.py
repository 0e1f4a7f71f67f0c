"""What others' tools read of the ledger and of governance: W3C PROV and ODRL, NIST OSCAL, Bitol ODCS.

Each export says again, in the words of a standard, what a pack, a grant or a manifest says. None is evidence
by itself: every export names the SHA-256 of what it was made from. The same input gives the same bytes, so
that two readers can compare what they were given. No row, no cell and no secret is in any of them; titles and
holders of documents and the owner's reasons stay out too.
"""
