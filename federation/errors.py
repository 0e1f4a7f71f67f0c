"""What can go wrong between roles. The tree's root and its exit codes stand in `crypto.errors`.

Refusal
├── EgressRefused      the guard stopped a message
├── MessageRefused     bytes from outside are not a message we accept
├── IdentityRefused    a key, certificate or signature is not the pinned one
├── PlanRefused        the plan breaks a rule or a budget
└── BundleRefused      the coordinator's bundle is not the pinned one
PeerFailure
├── PeerSilent         a bounded wait for a named party ran out
└── SessionEnded       someone ended the session, with the cause given
"""

from __future__ import annotations

from crypto.errors import IsthmusError, PeerFailure, Refusal, UsageError

__all__ = [
    "BundleRefused",
    "EgressRefused",
    "IdentityRefused",
    "IsthmusError",
    "MessageRefused",
    "PeerFailure",
    "PeerSilent",
    "PlanRefused",
    "Refusal",
    "SessionEnded",
    "UsageError",
]


class EgressRefused(Refusal):
    """The guard stopped a message; nothing left this role."""

    advice = "Look at the party's journal for the last message that was let through."


class MessageRefused(Refusal):
    """Bytes from outside are not a message that this role accepts; nothing of them was used."""

    advice = "Check that every role runs the same version of Isthmus."


class IdentityRefused(Refusal):
    """A key, certificate or signature is not the one that was pinned."""

    advice = "Compare fingerprints out of band, then pin them with `isthmus party trust`."


class PlanRefused(Refusal):
    """The plan breaks a rule, a budget or this party's own configuration."""

    advice = "Change the plan and launch again."


class BundleRefused(Refusal):
    """The bundle that came with the run is not the pinned one; none of it was unpacked."""

    advice = "Install the same version of Isthmus at the coordinator and at the party."


class PeerSilent(PeerFailure):
    """A bounded wait ran out. The message names who was waited for, for what, and how long."""

    advice = "Ask that party to run `isthmus party status`; then launch the round again."

    def __init__(self, peer: str, doing: str, seconds: float) -> None:
        super().__init__(f"waited {seconds:g} s for {peer} ({doing})", party=peer)
        self.peer = peer
        self.doing = doing
        self.seconds = seconds


class SessionEnded(PeerFailure):
    """The session was ended by another seat, which gave `cause`."""

    advice = "See `isthmus round status` for the cause at the role that ended it."

    def __init__(self, by: str, cause: str) -> None:
        super().__init__(f"{by} ended the session: {cause}")
        self.by = by
        self.given_cause = cause
