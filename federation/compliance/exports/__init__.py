"""Judgements in the formats of auditors' tools."""
