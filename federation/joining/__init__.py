"""Joining a federation by invitation, and what a member asks of the coordinator between rounds.

    coordinator: `federation invite bank`      an invitation: what to reach, whom to trust, a single-use key
    party:       `party join INVITATION`       request, signed by its identity and by the invitation's key
    coordinator: the desk                      checks both, spends the invitation, signs the admission

The desk is a listener of its own. It answers a request for admission without a client certificate, and a
member's request for the roster or for a renewed certificate with one; nothing else.
"""
