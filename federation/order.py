"""The order: what travels over Flower to each party of a round. The plan, the roster, the run's name.

Signed by the coordinator's identity, which each party pinned when it was admitted. Nothing in it is
secret, and nothing in it is believed without the signature.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity
from federation.errors import MessageRefused
from federation.exchange.frames import run_name
from federation.files import canonical_json
from federation.ids import PartyId, RunId
from federation.plan import Plan, parse
from federation.roster import Roster, decode, encode, expect

_LIMIT = 4 << 20
#: A party's reply to a further copy of an order that it has, or had, in hand. Copies are sent because Flower
#: hands a message out once, and its answer can be lost on the line.
TAKEN_BEFORE = b"taken before"


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt at one round."""

    run: RunId
    attempt: int
    party: PartyId  # whom it is addressed to
    plan: Plan
    roster: Roster
    members: tuple[PartyId, ...]  # who takes part in this attempt: the plan's parties, or those that came

    def seal(self, coordinator: Identity) -> bytes:
        """The signed bytes for Flower."""
        statement = self._statement()
        return canonical_json(
            {
                "isthmus_order": 1,
                "statement": statement.decode("ascii"),
                "signature": encode(coordinator.sign("order", statement)),
            }
        )

    @staticmethod
    def open(payload: bytes, coordinator: PublicIdentity, me: PartyId) -> Order:
        """Check the signature and the addressee; `SignatureRefused`, `PlanRefused` or `MessageRefused`."""
        if len(payload) > _LIMIT:
            raise MessageRefused("the order is too large", code=Code.MESSAGE_SIZE)
        outer = expect(_json(payload), "isthmus_order", "statement", "signature")
        statement = str(outer["statement"]).encode("utf-8")
        coordinator.verify(decode(outer["signature"]), "order", statement)
        fields = expect(
            _json(statement), "isthmus_statement", "run", "attempt", "party", "plan", "roster", "members"
        )
        if fields["party"] != me:
            raise MessageRefused("the order is addressed to another party")
        if type(fields["attempt"]) is not int:
            raise MessageRefused("the order does not say which attempt it is")
        return Order(
            run_name(str(fields["run"])),  # A folder is named after it: no path gets in here.
            fields["attempt"],
            me,
            parse(str(fields["plan"]).encode("utf-8")),
            Roster.from_json(fields["roster"]),
            _members(fields["members"]),
        )

    @property
    def digest(self) -> str:
        """SHA-256 of what the coordinator signs, in hexadecimal: what the ledgers name it by."""
        return hashlib.sha256(self._statement()).hexdigest()

    def _statement(self) -> bytes:
        return canonical_json(
            {
                "isthmus_statement": 1,
                "run": self.run,
                "attempt": self.attempt,
                "party": self.party,
                "plan": self.plan.canonical().decode("ascii"),
                "roster": self.roster.to_json(),
                "members": list(self.members),
            }
        )


def _members(value: object) -> tuple[PartyId, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise MessageRefused("the order does not say who takes part")
    return tuple(map(PartyId, value))


def _json(data: bytes) -> object:
    try:
        parsed: object = json.loads(data)
    except (ValueError, RecursionError):
        raise MessageRefused("the order is not JSON") from None
    return parsed
