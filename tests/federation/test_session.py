"""A session opens between the pinned identities on the same plan, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from crypto.envelope import EnvelopeRefused, EphemeralKey
from crypto.errors import Refusal
from crypto.identity import Identity
from federation.errors import EgressRefused, IdentityRefused, MessageRefused, PeerSilent, SessionEnded
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import MemoryJournal
from federation.message import Role
from federation.messages.logistic import LogitRange, LogitWords
from federation.messages.round import Prepared, Progress
from federation.rehearsal import Ungoverned
from federation.session import Seating, Session, _parse_greeting, open_session
from federation.transport.memory import MemoryExchange
from tests.seats import THREE, TWO, run_seats, seating

BANK, PLATFORM, PUBLIC = (PartyId(name) for name in ("bank", "platform", "public"))


def nothing(session: Session) -> None:
    return None


def idle(*names: str) -> dict[str, Callable[[Session], Any]]:
    return dict.fromkeys(names, nothing)


def test_every_pair_of_seats_can_talk_and_only_the_addressee_can_read() -> None:
    frames: list[tuple[str, str, bytes]] = []

    def talk(session: Session) -> dict[str, int]:
        for other in session.others():
            session.send(other, Prepared(len(session.me)))
        return {p: m.columns for p, m in session.gather(session.others(), Prepared).items()}

    out = run_seats(
        THREE,
        {**dict.fromkeys(("bank", "platform", "public"), talk), AGGREGATOR: nothing},
        tap=lambda sender, to, envelope: frames.append((sender, to, envelope)),
    )
    assert out["bank"] == {"platform": 8, "public": 6}
    to_public = next(e for s, t, e in reversed(frames) if (s, t) == ("bank", "public"))
    for reader in ("platform", AGGREGATOR):
        with pytest.raises(EnvelopeRefused):
            out["sessions"][reader]._keys.open(BANK, to_public)


def test_a_key_that_the_aggregator_swapped_is_refused_before_anything_is_sealed() -> None:
    mine = EphemeralKey()
    sealed = []

    def swap(sender: PartyId, to: PartyId, envelope: bytes) -> bytes:
        if (sender, to) == (BANK, PLATFORM):
            _, signature = msgpack.unpackb(envelope)
            return bytes(msgpack.packb([mine.public, signature]))
        return envelope

    def send(session: Session) -> None:
        sealed.append(session.me)
        session.send(BANK, Prepared(1))

    with pytest.raises(IdentityRefused, match="greeting of bank") as refused:
        run_seats(TWO, {**idle("bank", AGGREGATOR), "platform": send}, meddle=swap)
    assert refused.value.party == "bank"
    assert sealed == []


def test_a_key_that_the_aggregator_signs_itself_is_refused() -> None:
    mallory, mine = Identity.generate(), EphemeralKey()

    def swap(sender: PartyId, to: PartyId, envelope: bytes) -> bytes:
        if to == PLATFORM and sender == BANK:
            return bytes(msgpack.packb([mine.public, mallory.sign("session greeting", bytes(32))]))
        return envelope

    with pytest.raises(IdentityRefused):
        run_seats(TWO, idle("bank", "platform", AGGREGATOR), meddle=swap)


def test_a_greeting_sent_on_to_another_seat_is_refused() -> None:
    kept: dict[str, bytes] = {}

    def cross(sender: PartyId, to: PartyId, envelope: bytes) -> bytes:
        if sender == BANK and to == PLATFORM:
            kept["greeting"] = envelope
        return kept["greeting"] if sender == BANK and to == PUBLIC else envelope

    with pytest.raises(IdentityRefused):
        run_seats(THREE, idle("bank", "platform", "public", AGGREGATOR), meddle=cross)


Change = Callable[[Seating], Seating]


def with_identity(seats: Seating) -> Seating:
    return dataclasses.replace(
        seats, identities={**seats.identities, PartyId("public"): Identity.generate().public}
    )


def without_public(seats: Seating) -> Seating:
    roles = {party: role for party, role in seats.roles.items() if party != PUBLIC}
    return dataclasses.replace(seats, roles=roles)


def swapped_roles(seats: Seating) -> Seating:
    return dataclasses.replace(seats, roles={**seats.roles, PLATFORM: Role.FEATURE, PUBLIC: Role.HELPER})


def another_order(seats: Seating) -> Seating:
    return dataclasses.replace(seats, roles={party: seats.roles[party] for party in reversed([*seats.roles])})


@pytest.mark.parametrize(
    "change",
    [
        lambda seats: dataclasses.replace(seats, run=RunId("other-run")),
        lambda seats: dataclasses.replace(seats, attempt=2),
        lambda seats: dataclasses.replace(seats, plan_digest=bytes(32)),
        swapped_roles,
        another_order,
        with_identity,
        without_public,
    ],
    ids=["run", "attempt", "plan", "roles", "order", "member's key", "missing member"],
)
def test_a_seat_that_was_told_another_session_is_refused(change: Change) -> None:
    def see(name: str, seats: Seating) -> Seating:
        return change(seats) if name == "platform" else seats

    with pytest.raises(Refusal) as refused:
        run_seats(THREE, idle("bank", "platform", "public", AGGREGATOR), see=see, patience=5)
    assert isinstance(refused.value, IdentityRefused)


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"\xc1",
        bytes(1025),
        b"\x91" * 1000,
        msgpack.packb([bytes(32)]),
        msgpack.packb([bytes(31), bytes(64)]),
        msgpack.packb([bytes(32), bytes(63)]),
        msgpack.packb([bytes(32), bytes(64), b""]),
        msgpack.packb(["a" * 32, bytes(64)]),
        msgpack.packb({"key": bytes(32), "signature": bytes(64)}),
        msgpack.packb({1: 2}),
        msgpack.packb([bytes(32), bytes(64)]) + b"\0",
        msgpack.packb(None),
    ],
)
def test_what_is_no_greeting_is_refused(greeting: bytes) -> None:
    with pytest.raises(MessageRefused, match="greeting"):
        _parse_greeting(greeting)


def test_a_seat_that_does_not_come_is_named() -> None:
    identities = {name: Identity.generate() for name in TWO}
    seats = seating(TWO, identities, patience=0.1)
    exchange = MemoryExchange(seats.run, list(seats.roles))
    with pytest.raises(PeerSilent, match="for bank"):
        open_session(
            PLATFORM, identities["platform"], seats, exchange.seat(PLATFORM), MemoryJournal(), Ungoverned()
        )


def test_a_bounded_wait_names_whom_it_waited_for() -> None:
    with pytest.raises(PeerSilent, match=r"waited 0\.1 s for bank"):
        run_seats(
            TWO,
            {
                **idle("bank", AGGREGATOR),
                "platform": lambda session: session.receive(BANK, LogitRange, patience=0.1),
            },
        )


def test_a_message_of_the_right_type_from_the_wrong_role_is_refused() -> None:
    def forge(session: Session) -> None:
        """A helper whose own guard was taken out sends what only the label party may."""
        object.__setattr__(session.egress._guard, "roles", {**session.seating.roles, PLATFORM: Role.LABEL})
        session.send(PUBLIC, LogitRange(1))

    with pytest.raises(EgressRefused, match="does not flow from helper to feature"):
        run_seats(
            THREE,
            {
                **idle("bank", AGGREGATOR),
                "platform": forge,
                "public": lambda session: session.receive(PLATFORM, LogitRange),
            },
        )


def test_another_message_than_the_one_due_is_refused() -> None:
    with pytest.raises(MessageRefused, match="round/prepared came where logistic/scores was due"):
        run_seats(
            TWO,
            {
                "platform": lambda session: session.send(BANK, Prepared(1)),
                "bank": lambda session: session.receive(PLATFORM, LogitWords),
                AGGREGATOR: nothing,
            },
        )


def test_envelopes_that_the_carrier_swaps_alters_or_repeats_are_refused() -> None:
    for deed in ("swap", "alter", "repeat"):
        held: list[bytes] = []

        def meddle(
            sender: PartyId, to: PartyId, envelope: bytes, deed: str = deed, held: list[bytes] = held
        ) -> bytes:
            if (sender, to) != (PLATFORM, BANK) or len(envelope) > 80:  # Greetings are longer.
                return envelope
            held.append(envelope)
            if deed == "alter":
                return envelope[:-1] + bytes([envelope[-1] ^ 1])
            return held[0] if deed == "repeat" else b"\x01" + (1).to_bytes(8, "little") + envelope[9:]

        def listen(session: Session) -> list[int]:
            return [session.receive(PLATFORM, Prepared).columns for _ in range(2)]

        def tell(session: Session) -> None:
            session.send(BANK, Prepared(1))
            session.send(BANK, Prepared(2))

        with pytest.raises(EnvelopeRefused):
            run_seats(TWO, {"platform": tell, "bank": listen, AGGREGATOR: nothing}, meddle=meddle)


def test_an_error_in_one_seat_ends_the_session_with_its_cause_at_every_other() -> None:
    def fail(session: Session) -> None:
        raise MessageRefused("this is not what was agreed", party="public")

    waiting = {
        "bank": lambda session: session.receive(PLATFORM, LogitWords),
        "public": lambda session: session.receive(BANK, LogitRange),
        AGGREGATOR: lambda session: session.receive(BANK, Progress),
    }
    with pytest.raises(MessageRefused) as failed:
        run_seats(THREE, {**waiting, "platform": fail})
    seats = failed.value.seats  # type: ignore[attr-defined]
    told = {name: error.given_cause for name, error in seats.items() if isinstance(error, SessionEnded)}
    cause = "IST-3200: party public: this is not what was agreed"
    assert told == dict.fromkeys(("bank", "public", AGGREGATOR), cause)


def test_masks_of_a_session_cancel_over_its_parties_and_the_aggregator_has_no_part_in_them() -> None:
    partners = frozenset({"bank", "platform", "public"})

    def words(session: Session) -> Any:
        return session.masks.words("sum", partners - {session.me}, 8)

    out = run_seats(
        THREE, {**dict.fromkeys(("bank", "platform", "public"), words), AGGREGATOR: lambda s: s.masks}
    )
    assert not (out["bank"] + out["platform"] + out["public"]).any()
    for session in out["sessions"].values():
        assert AGGREGATOR not in session.masks._secrets


def test_others_are_in_the_plans_order_and_can_be_chosen_by_role() -> None:
    out = run_seats(
        THREE,
        {
            **idle("bank", "public", AGGREGATOR),
            "platform": lambda s: (s.others(), s.others(Role.FEATURE), s.seating.playing(Role.LABEL), s.role),
        },
    )
    assert out["platform"] == (("bank", "public"), ("public",), "bank", Role.HELPER)


TWO_BY_TWO = {
    "bank": Role.LABEL,
    "platform": Role.HELPER,
    "bank-b": Role.LABEL,
    "platform-b": Role.HELPER,
    AGGREGATOR: Role.AGGREGATOR,
}
HOMES = {PartyId(name): "b" if name.endswith("-b") else "a" for name in TWO_BY_TWO if name != AGGREGATOR}


def run_consortia(part: Callable[[Session], Any]) -> dict[str, Any]:
    parts = {**dict.fromkeys(HOMES, part), AGGREGATOR: nothing}
    return run_seats(TWO_BY_TWO, parts, see=lambda _, seats: dataclasses.replace(seats, consortia=HOMES))


def test_a_view_of_a_session_knows_its_own_consortium_and_reaches_nobody_else() -> None:
    def part(session: Session) -> tuple[Any, ...]:
        own = session.seating.fellows(session.me)
        view = session.among(own, "fit")
        stranger = next(party for party in session.others() if party not in own)
        for refused in (view, session):
            with pytest.raises(EgressRefused):
                refused.send(stranger, Prepared(1))
        view.send_all(view.others(), Prepared(len(session.me)))
        told = view.gather(view.others(), Prepared)
        return view.seating.parties, view.seating.playing(Role.LABEL), [m.columns for m in told.values()]

    out = run_consortia(part)
    assert out["platform"] == ((BANK, PLATFORM), BANK, [4])
    assert out["bank-b"] == (("bank-b", "platform-b"), "bank-b", [10])


def test_the_masks_of_a_view_cancel_within_it_and_are_its_own() -> None:
    def part(session: Session) -> list[Any]:
        own = session.seating.fellows(session.me)
        words = []
        for purpose in ("fit 1", "fit 2"):
            view = session.among(own, purpose)
            words.append(view.masks.words("gram|1", frozenset(view.others()), 4))
        words.append(session.masks.words("gram|1", frozenset(own) - {session.me}, 4))
        with pytest.raises(ValueError, match="a purpose that no other had"):
            view.among(own, "fit 2")
        return words

    out = run_consortia(part)
    for pair in (("bank", "platform"), ("bank-b", "platform-b")):
        for one, other in zip(out[pair[0]], out[pair[1]], strict=True):
            assert (one + other == 0).all() and one.any()
        assert len({words.tobytes() for words in out[pair[0]]}) == 3


def test_a_message_that_is_bound_to_nothing_is_refused() -> None:
    def bare(session: Session) -> None:
        sealed = session._keys.seal(PLATFORM, b"short")
        session._transport.send(PLATFORM, sealed)

    with pytest.raises(MessageRefused, match="bound to"):
        run_seats(
            TWO,
            {
                **idle(AGGREGATOR),
                "bank": bare,
                "platform": lambda session: session.receive(BANK, LogitRange),
            },
        )


def test_a_frame_that_its_carrier_changed_is_not_counted_as_its_senders() -> None:
    """Else an honest sender's journal would lack it."""
    counts: dict[str, int] = {}

    sent: list[bytes] = []

    def spoil(sender: PartyId, to: PartyId, envelope: bytes) -> bytes:
        if (sender, to) != (BANK, PLATFORM):
            return envelope
        sent.append(envelope)
        return envelope if len(sent) == 1 else envelope[:-1] + bytes([envelope[-1] ^ 1])

    def hear(session: Session) -> None:
        with pytest.raises(EnvelopeRefused):
            session.receive(BANK, Prepared)
        counts["bank"] = session.heard[BANK].count

    run_seats(
        TWO,
        {"bank": lambda session: session.send(PLATFORM, Prepared(1)), "platform": hear, AGGREGATOR: nothing},
        meddle=spoil,
    )
    assert counts == {"bank": 1}  # Its greeting.


def test_a_greeting_in_another_form_than_its_sender_wrote_down_is_refused() -> None:
    public, signature = bytes(32), bytes(64)
    assert _parse_greeting(msgpack.packb([public, signature])) == (public, signature)
    other = b"\xdc\x00\x02" + msgpack.packb(public) + msgpack.packb(signature)
    with pytest.raises(MessageRefused, match="session key and its signature"):
        _parse_greeting(other)
