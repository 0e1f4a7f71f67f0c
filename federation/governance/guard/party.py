"""What a party's exit asks before each message: may it leave, of whose fields, under which grants?

`GuardPolicy` counts and looks (size, number, form, bytes left, canaries, revocations), lets the Cedar policy
decide on what it found, and binds the message to the verdict. Equal requests are decided once in a run.
What it refuses did not leave; the session ends with the cause, which names the rule and no column.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol, get_args

from crypto.envelope import OVERHEAD
from federation import codec
from federation.egress import BINDING_BYTES, GREETING, NO_LINEAGE, Binding
from federation.errors import EgressRefused, GrantRefused, GrantRule
from federation.governance.authorisation import Authorisation, Lapse
from federation.governance.guard import contents, policy, sizes
from federation.governance.guard.forms import carried_in, form_of
from federation.governance.guard.verdict import UNKNOWN, Judge, Verdict
from federation.governance.terms import Form, Operation
from federation.ids import PartyId
from federation.message import NOTHING, REGISTRY, Carried, Message, Role
from federation.messages import registered
from federation.plan import Plan

#: The rule that a message breaks of which nothing was decided.
UNDECIDED = "T-VERDICT"
_CAUSES: Mapping[str, str] = {
    "T-EGRESS-TYPE": "{type} is no message of this plan, or holds a text, or a name of no seat",
    "T-EGRESS-SIZE": "{type} is larger, or goes to {to} more often, than this plan's messages can be",
    "T-EGRESS-CANON": "{type} holds a ciphertext or a value that is not in its one form",
    "T-EGRESS-CANARY": "{type} holds something of a planted record",
    "G-EXPIRED": "{lapse}, so {type} did not leave for {to}",
    "G-GRANT": "no grant lets what {type} carries go to {to} for this operation",
    "G-PURPOSE": "no grant is for this purpose, so {type} did not leave for {to}",
    "G-GRADE": "the manifest does not let the fields leave in the form of {type}",
    "CN-IMPORTANT": "{type} carries something of important data abroad without a security assessment",
    "G-TRANSFER": "no mechanism covers the border to {to} that {type} would cross",
    "G-LIMIT": "the bytes that the grants allow are used up, so {type} did not leave for {to}",
    UNDECIDED: "it could not be decided whether {type} may leave for {to}",
}


class Needles(Protocol):
    """Planted records and their encodings, that must not be in anything that leaves."""

    def found(self, encoded: bytes) -> int:
        """How many of them are in these bytes."""


class NoNeedles:
    """Nothing was planted."""

    def found(self, encoded: bytes) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What decides a run's verdicts again: the policy, its entities, each distinct verdict's line."""

    policy: str
    entities: bytes
    verdicts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which attempt at which plan the messages are of."""

    plan: Plan
    run: str
    roles: Mapping[PartyId, Role]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the guard found out about one message."""

    within_size: bool
    expected: bool
    canonical: bool
    no_canary: bool
    within_bytes: bool
    in_force: bool


class GuardPolicy:
    """A party's policy for one attempt at a run; `federation.egress.Policy`.

    `note` is given a verdict's line before anything leaves by it; what it raises keeps that from leaving.
    """

    def __init__(
        self,
        authorisation: Authorisation,
        attempt: Attempt,
        me: PartyId,
        *,
        needles: Needles | None = None,
        note: Callable[[bytes], None] = lambda line: None,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
    ) -> None:
        registered()
        self._authorisation = authorisation
        self._attempt = attempt
        self._me = me
        self._needles = needles or NoNeedles()
        self._note = note
        self._types = sizes.types_of(attempt.plan, attempt.roles[me])
        uses = {kind.OF for kind in REGISTRY.values() if kind.NAME in self._types} | {()}
        self._lineages = {
            policy.lineage_name(use): policy.Lineage.of(authorisation, use) for use in sorted(uses, key=str)
        }
        self._entities = policy.entities_of(me, authorisation, self._types, self._lineages)
        self._judge = Judge(policy.TEXT, self._entities)
        self._measures = sizes.measures_of(attempt.plan, authorisation.manifest, me)
        self._origin = authorisation.manifest.party.jurisdiction
        self._today = today
        self._day, self._mechanisms = dt.date.min, dict[PartyId, str]()
        self._lock = threading.Lock()
        self._verdicts: dict[object, Verdict] = {}
        self._counts: Counter[tuple[str, PartyId]] = Counter()
        self._number = 0
        self._bytes = 0
        self._looked: tuple[Message, bool, bool, bool] | None = None

    def permit(self, to: PartyId, message: Message, encoded: bytes) -> Binding:
        """The binding of `message`; see `federation.egress.Policy`."""
        with self._lock:
            expected, canonical, no_canary = self._look(message, encoded)
            size = BINDING_BYTES + len(encoded) + OVERHEAD
            revoked = self._authorisation.revoked()
            found = _Found(
                self._fits(message.NAME, to, len(encoded)) and self._measures.admits(message),
                expected,
                canonical,
                no_canary,
                self._within_bytes(size),
                revoked is None,
            )
            carried = carried_in(self._attempt.plan, message)
            binding = self._bind(to, type(message), carried, found, size, revoked)
            self._measures.told(self._me, message)  # What was refused announces nothing.
            return binding

    def greet(self, to: PartyId, greeting: bytes) -> Binding:
        """The binding of the greeting to `to`."""
        with self._lock:
            revoked = self._authorisation.revoked()
            found = _Found(
                self._fits(GREETING, to, len(greeting)),
                True,
                True,
                self._needles.found(greeting) == 0,
                self._within_bytes(len(greeting)),
                revoked is None,
            )
            return self._bind(to, _Greeting, NOTHING, found, len(greeting), revoked)

    def heard(self, sender: PartyId, message: Message) -> None:
        """Note what others announce."""
        with self._lock:
            self._measures.told(sender, message)

    def holds(self, rows: int) -> None:
        """Note how many rows were read."""
        with self._lock:
            self._measures.holds(rows)

    def forecast(self, to: PartyId, kind: type[Message]) -> Verdict:
        """What would be decided of a well-formed message of this type to `to`: nothing is sent or counted."""
        fine = _Found(True, True, True, True, self._within_bytes(0), self._authorisation.revoked() is None)
        form = form_of(self._attempt.plan, kind)
        return self._decide(to, kind, Carried(form, kind.OF, kind.OPERATION), fine)

    def evidence(self) -> Evidence:
        """Policy, entities and the distinct verdicts so far, in the order in which they were made."""
        with self._lock:
            return Evidence(
                policy.TEXT, self._entities, tuple(verdict.line for verdict in self._verdicts.values())
            )

    # -- what is found ------------------------------------------------------------------------------

    def _look(self, message: Message, encoded: bytes) -> tuple[bool, bool, bool]:
        """Names, forms and canaries. One message to several recipients is looked at once."""
        if self._looked is None or self._looked[0] is not message:
            seats = {*self._attempt.roles}
            self._looked = (
                message,
                contents.expected(message, seats, self._attempt.run),
                contents.canonical(message),
                self._needles.found(encoded) == 0,
            )
        _, expected, canonical, no_canary = self._looked
        return expected, canonical, no_canary

    def _fits(self, kind: str, to: PartyId, size: int) -> bool:
        most, count = sizes.bound(self._measures, kind)
        return size <= min(most, codec.LIMIT) and self._counts[kind, to] < count

    def _within_bytes(self, size: int) -> bool:
        left = self._authorisation.left.egress_bytes
        return left is None or self._bytes + size <= left

    # -- what is decided ----------------------------------------------------------------------------

    def _bind(
        self,
        to: PartyId,
        kind: type[Message],
        carried: Carried,
        found: _Found,
        size: int,
        revoked: Lapse | None,
    ) -> Binding:
        verdict = self._decide(to, kind, carried, found)
        self._note(verdict.line)
        if not verdict.allowed:
            self._refuse(verdict, kind.NAME, to, revoked)
        lineage = self._lineages[policy.lineage_name(carried.of)]
        operation = self._operation(kind, carried)
        binding = Binding(
            policy.grants_behind(self._authorisation, to, operation, lineage.columns),
            self._attempt.plan.purpose,
            self._number,
            lineage.digest if carried.of else NO_LINEAGE,
            carried.form,
            verdict.digest,
        )
        self._number += 1
        self._bytes += size
        self._counts[kind.NAME, to] += 1
        return binding

    def _decide(self, to: PartyId, kind: type[Message], carried: Carried, found: _Found) -> Verdict:
        mechanism = self._mechanism(to)
        key = (to, kind.NAME, carried, found, mechanism)
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._judge.decide(
                self._me,
                policy.lineage_name(carried.of),
                {
                    "type": kind.NAME,
                    "form": carried.form.value,
                    "operation": self._operation(kind, carried).value,
                    "purpose": self._attempt.plan.purpose,
                    "to": to,
                    "origin": self._origin,
                    "destination": self._authorisation.places.get(to, ""),
                    "mechanism": mechanism,
                    "within_size": found.within_size,
                    "expected": found.expected,
                    "canonical": found.canonical,
                    "no_canary": found.no_canary,
                    "within_bytes": found.within_bytes,
                    "in_force": found.in_force,
                },
            )
            self._verdicts[key] = verdict
        return verdict

    def _mechanism(self, to: PartyId) -> str:
        """By what the border to a seat is crossed today; looked up anew on each day of a run."""
        if (day := self._today()) != self._day:
            places = self._authorisation.places
            self._mechanisms = {
                seat: policy.mechanism_for(self._authorisation, seat, place, day)
                for seat, place in places.items()
            }
            self._day = day
        return self._mechanisms.get(to, "")

    def _operation(self, kind: type[Message], carried: Carried) -> Operation:
        return carried.operation or sizes.training_of(self._attempt.plan, kind)

    def _refuse(self, verdict: Verdict, kind: str, to: PartyId, revoked: Lapse | None) -> NoReturn:
        rule = verdict.rules[0] if verdict.rules and verdict.decision != UNKNOWN else UNDECIDED
        lapse = "" if revoked is None else revoked.what
        told = revoked.told if revoked is not None and rule == "G-EXPIRED" else None
        refuse(rule, _CAUSES[rule].format(type=kind, to=to, lapse=lapse), self._me, told)


class _Greeting(Message):
    """Stands for the greeting, which is no message of a protocol."""

    NAME = GREETING
    FORM = Form.CONTROL


def refuse(rule: str, what: str, party: PartyId, told: str | None = None) -> NoReturn:
    """Raise what `rule` calls for: `GrantRefused` where manifest and grants said no, else `EgressRefused`.

    `told`: what the other roles hear of a grant, where that is more than the rule.
    """
    for known in get_args(GrantRule):
        if rule == known:
            raise GrantRefused(known, what, party=party, told=told)
    raise EgressRefused(what, rule=rule, party=party)
