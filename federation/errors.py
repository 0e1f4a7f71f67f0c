"""What can go wrong between roles. The tree's root and its exit codes stand in `crypto.errors`.

Refusal
├── EgressRefused      the guard stopped a message, by the rule it names
├── MessageRefused     bytes from outside are not a message we accept
├── IdentityRefused    a key, certificate or signature is not the pinned one
├── PlanRefused        the plan breaks a rule or a budget
│   └── GrantRefused   no signed grant of the data's owner covers it, or not any more
└── BundleRefused      the coordinator's bundle is not the pinned one
PeerFailure
├── PeerSilent         a bounded wait for a named party ran out
└── SessionEnded       someone ended the session, with the cause given
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from crypto.codes import Code, parted
from crypto.errors import IsthmusError, PeerFailure, Refusal, UsageError

__all__ = [
    "BundleRefused",
    "EgressRefused",
    "GrantRefused",
    "GrantRule",
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


#: The rules of the guard that are kinds of error by themselves.
_CODES: Mapping[str, Code] = {
    "T-EGRESS-TYPE": Code.EGRESS_TYPE,
    "T-EGRESS-SIZE": Code.EGRESS_SIZE,
    "T-EGRESS-CANON": Code.EGRESS_FORM,
    "T-EGRESS-CANARY": Code.EGRESS_CANARY,
    "T-VERDICT": Code.EGRESS_UNDECIDED,
    "CN-IMPORTANT": Code.EGRESS_IMPORTANT,
    "G-GRANT": Code.GRANT_MISSING,
    "G-PURPOSE": Code.GRANT_PURPOSE,
    "G-GRADE": Code.GRANT_GRADE,
    "G-EXPIRED": Code.GRANT_EXPIRED,
    "G-LIMIT": Code.GRANT_LIMIT,
    "G-TRANSFER": Code.GRANT_TRANSFER,
    "G-RIGHTS": Code.GRANT_RIGHTS,
    "G-MANIFEST": Code.GRANT_MANIFEST,
}


class EgressRefused(Refusal):
    """The guard stopped a message; nothing left this role. `rule` is the one that it breaks."""

    code = Code.EGRESS
    advice = "Run `isthmus policy explain` for what the rules demand and where they come from."

    def __init__(
        self, what: str, *, rule: str = "T-EGRESS-TYPE", party: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(
            f"{rule}: {what}",
            party=party,
            field=field,
            advice=f"Run `isthmus policy explain {rule}` for what the rule demands and where it comes from.",
            code=_CODES.get(rule),
        )
        self.rule = rule


class MessageRefused(Refusal):
    """Bytes from outside are not a message that this role accepts; nothing of them was used."""

    code = Code.MESSAGE
    advice = "Check that every role runs the same version of Isthmus."


class IdentityRefused(Refusal):
    """A key, certificate or signature is not the one that was pinned."""

    code = Code.IDENTITY
    advice = "Compare fingerprints out of band, then pin them with `isthmus party trust`."


class PlanRefused(Refusal):
    """The plan breaks a rule, a budget or this party's own configuration."""

    code = Code.PLAN
    advice = "Change the plan and launch again."


#: Which demand on manifest and grants was not met; the names of compliance/controls.yaml.
GrantRule: TypeAlias = Literal[
    "G-GRANT", "G-PURPOSE", "G-GRADE", "G-EXPIRED", "G-LIMIT", "G-TRANSFER", "G-RIGHTS", "G-MANIFEST"
]

#: What the other roles are told of each: no column, no figure and no reason of this party's own.
_TOLD: dict[GrantRule, str] = {
    "G-GRANT": "no grant of the owner covers this",
    "G-PURPOSE": "no grant of the owner is for this purpose",
    "G-GRADE": "the manifest does not let a column be used so",
    "G-EXPIRED": "the owner's grant is not, or no longer, in force",
    "G-LIMIT": "a limit of the owner's grant would be exceeded",
    "G-TRANSFER": "the owner's grant has no valid mechanism for a border that is crossed",
    "G-RIGHTS": "a right to the data has run out",
    "G-MANIFEST": "the manifest is missing, or is not the one that was granted",
}


class GrantRefused(PlanRefused):
    """Manifest and grants of this party do not cover what is asked; nothing left.

    `what` is for this party's own people. The other roles hear `told`: party, plan field and rule, not which
    column, figure or document it was. `told`: what they hear instead, as of a grant that was taken back in
    mid-run its name and when.
    """

    advice = "Look at `isthmus grant list`; make a grant with `isthmus grant new --plan plan.toml`."

    def __init__(
        self,
        rule: GrantRule,
        what: str,
        *,
        party: str | None = None,
        file: str | None = None,
        field: str | None = None,
        advice: str | None = None,
        told: str | None = None,
    ) -> None:
        super().__init__(
            f"{rule}: {what}", party=party, file=file, field=field, advice=advice, code=_CODES[rule]
        )
        self.rule: GrantRule = rule
        self._told = _TOLD[rule] if told is None else told

    @property
    def told(self) -> str:
        return PlanRefused(f"{self.rule}: {self._told}", party=self.party, field=self.field).told


class BundleRefused(Refusal):
    """The bundle that came with the run is not the pinned one; none of it was unpacked."""

    code = Code.BUNDLE
    advice = "Install the same version of Isthmus at the coordinator and at the party."


class PeerSilent(PeerFailure):
    """A bounded wait ran out. The message names who was waited for, for what, and how long."""

    code = Code.PEER_SILENT
    advice = "Ask that party to run `isthmus party status`; then launch the round again."

    def __init__(self, peer: str, doing: str, seconds: float) -> None:
        super().__init__(f"waited {seconds:g} s for {peer} ({doing})", party=peer)
        self.peer = peer
        self.doing = doing
        self.seconds = seconds


class SessionEnded(PeerFailure):
    """The session was ended by another seat, which gave `cause`. Its code is the one that the cause has."""

    code = Code.SESSION_ENDED
    advice = "Ask the people of the role that ended it: they were told more than its cause."

    def __init__(self, by: str, cause: str) -> None:
        code, sentence = parted(cause)
        super().__init__(f"{by} ended the session: {sentence}", code=code)
        self.by = by
        self.given_cause = cause
