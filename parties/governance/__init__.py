"""How a party governs its own data: drafted manifests, grants, what was spent, what each run was and did.

From its own rows and files, which stay here; what leaves is digests of the ledger, for others to witness.
"""
