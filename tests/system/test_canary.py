"""No identifier and no value of a party reaches another role, in any form; and the search could find one.

Every party's table holds canaries: identifiers, numbers and a text that stand in no other table. They are
looked for in every frame as it is relayed and in every message that another role can open (and by
`test_round` in every file that another role, its logs or its databases wrote); in plain, in other encodings,
as floats and fixed-point words, as hashes. The same search over a round whose guard was broken on purpose
does find them.
"""

from __future__ import annotations

import numpy as np
import pytest

from crypto.curve import BlindedPoints, RingKey
from crypto.envelope import SessionKeys
from crypto.private import Private
from crypto.sealed import Disclosed, Wire, wire_bytes
from federation import message as messages
from federation.errors import EgressRefused
from federation.governance.guard.party import Evidence
from federation.governance.terms import Form
from federation.message import Flow, Message, Role, message
from federation.rehearsal import Ungoverned
from parties import participation
from parties.round import vertical
from parties.round.rows import OwnTable, aligned
from tests.system.canaries import common_firms, needles
from tests.system.federation import Federation
from tests.system.in_memory import Seen, rehearse
from tests.system.search import found_in_files
from tests.system.tables import PARTIES, canary


def seen_by_others(seen: Seen) -> dict[str, set[str]]:
    """ "who: whose" -> the forms in which somebody holds what is not its own. Empty when nothing leaked."""
    found: dict[str, set[str]] = {}
    for party in PARTIES:
        searched = needles(party, seen.attempt)
        for frame in seen.relayed:
            _note(found, f"relay: {party}", searched.forms_in(frame))
        for role, heard in seen.opened.items():
            if role != party:
                for sender, opened in heard.items():
                    for plain in opened:
                        _note(found, f"{role} from {sender}: {party}", searched.forms_in(plain))
    firms = common_firms(seen.attempt)
    for frame in [*seen.relayed, *(m for heard in seen.opened["aggregator"].values() for m in heard)]:
        _note(found, "aggregator: common firms", firms.forms_in(frame))
    return found


def _note(found: dict[str, set[str]], where: str, forms: set[str]) -> None:
    if forms:
        found.setdefault(where, set()).update(forms)


# -- the product as it is --------------------------------------------------------------------------------


def test_no_frame_and_no_message_holds_a_canary(unstarted: Federation) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    assert seen.errors == {}
    # It was a whole round, and everybody heard from everybody.
    assert sum(map(len, seen.relayed)) > 1_000_000
    assert {role: set(heard) for role, heard in seen.opened.items()} == {
        role: {*PARTIES, "aggregator"} - {role} - ({"aggregator"} if role == "aggregator" else set())
        for role in (*PARTIES, "aggregator")
    }
    assert seen_by_others(seen) == {}


def test_the_search_finds_them_where_they_belong(unstarted: Federation) -> None:
    for party in PARTIES:
        (table,) = (table for table in unstarted.tables if (table.party, table.name) == (party, "data"))
        forms = set[str]().union(*found_in_files(needles(party), [table.file]).values())
        assert {"identifier in utf-8", "value as text"} <= forms
        assert ("text in utf-8" in forms) == (party == "public")  # The one that has a column of words.


@pytest.mark.parametrize(
    "leak",
    [
        canary("bank").identifiers[3].upper().encode("utf-16-le"),
        np.array(canary("bank").values[:8]).astype(">f4").tobytes(),
        np.array([canary("bank").values[7]]).tobytes(),
        str(canary("bank").values[7]).encode(),
        np.rint(np.array(canary("bank").values[:1]) * 2**20).astype("<i8").tobytes(),
    ],
)
def test_every_form_is_found_in_the_midst_of_other_bytes(leak: bytes) -> None:
    noise = np.random.default_rng(5).bytes(200_000)
    searched = needles("bank")
    assert searched.forms_in(noise) == set()
    assert searched.forms_in(noise[:777] + leak + noise[777:]) != set()


# -- the product with its guard broken -------------------------------------------------------------------


def raw_identifiers(key: RingKey, ids: Private[tuple[bytes, ...]]) -> BlindedPoints:
    """An alignment that "blinds" by padding."""
    plain = ids.open_locally()
    return BlindedPoints(b"".join(each[:32].ljust(32, b"\0") for each in plain))


@pytest.fixture
def raw_alignment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RingKey, "first", raw_identifiers)
    monkeypatch.setattr(BlindedPoints, "from_wire", classmethod(lambda cls, wire: cls(wire)))


@pytest.fixture
def no_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionKeys, "seal", lambda self, to, plain: plain)
    monkeypatch.setattr(SessionKeys, "open", lambda self, sender, envelope: envelope)


class Unguarded(Ungoverned):
    """A policy that asks for nothing."""

    def evidence(self) -> Evidence:
        return Evidence("", b"", ())


class Numbers(Disclosed):
    """A type that somebody declared fit to travel, with a column of a table inside."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Numbers:
        return cls(wire_bytes(wire, of="Numbers"))


@pytest.fixture
def plain_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every party tells the aggregator its turnover before it aligns."""
    monkeypatch.setattr(messages, "REGISTRY", dict(messages.REGISTRY))

    @message("test/turnover", Flow(Role.PARTY, Role.AGGREGATOR), form=Form.CONTROL)
    class Turnover(Message):
        column: Numbers

    def telling(session: object, table: OwnTable, *rest: object) -> object:
        column = table.frame.open_locally()["turnover"].to_numpy()
        session.send("aggregator", Turnover(Numbers(column.tobytes())))  # type: ignore[attr-defined]
        return aligned(session, table, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(vertical, "aligned", telling)


@pytest.mark.usefixtures("raw_alignment")
def test_an_alignment_that_sends_raw_identifiers_is_stopped_as_they_are_no_points(
    unstarted: Federation,
) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    refused = [error for error in seen.errors.values() if isinstance(error, EgressRefused)]
    assert refused and {error.rule for error in refused} == {"T-EGRESS-CANON"}


@pytest.mark.usefixtures("raw_alignment", "no_guard")
def test_an_alignment_that_sends_raw_identifiers_is_found_at_the_neighbour(unstarted: Federation) -> None:
    found = seen_by_others(rehearse(unstarted, unstarted.plan()))
    assert found["platform from bank: bank"] >= {"identifier in utf-8"}
    assert not any(where.startswith("relay") for where in found)  # Still sealed on its way.


@pytest.mark.usefixtures("raw_alignment", "no_seal", "no_guard")
def test_the_same_without_envelopes_is_found_at_the_relay(unstarted: Federation) -> None:
    found = seen_by_others(rehearse(unstarted, unstarted.plan()))
    assert found["relay: bank"] >= {"identifier in utf-8"}
    assert found["aggregator: common firms"] >= {"identifier in utf-8"}


@pytest.mark.usefixtures("plain_message")
def test_a_message_that_carries_a_column_does_not_leave(unstarted: Federation) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    refused = [error for error in seen.errors.values() if isinstance(error, EgressRefused)]
    assert refused and {error.rule for error in refused} == {"T-EGRESS-TYPE"}
    heard = [plain for sent in seen.opened.get("aggregator", {}).values() for plain in sent]
    assert not any(b"test/turnover" in plain for plain in heard)


@pytest.fixture
def no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parties whose exit asks no policy."""
    monkeypatch.setattr(participation, "guard_of", lambda accepted, folder, canaries: Unguarded())


@pytest.mark.usefixtures("plain_message", "no_guard")
def test_a_message_that_carries_a_column_is_found_at_the_aggregator(unstarted: Federation) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    assert seen.errors  # The aggregator knows no such message.
    found = seen_by_others(seen)
    # The first one ends the session; the others' may not be opened any more.
    assert "value as float64" in set[str]().union(
        *(found.get(f"aggregator from {party}: {party}", set()) for party in PARTIES)
    )


def test_an_alignment_that_forgets_to_blind_is_found(
    unstarted: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crypto.x25519 import hash_to_curve

    def unblinded(key: RingKey, ids: Private[tuple[bytes, ...]]) -> BlindedPoints:
        return BlindedPoints(b"".join(hash_to_curve(key._name, each) for each in ids.open_locally()))

    monkeypatch.setattr(RingKey, "first", unblinded)
    found = seen_by_others(rehearse(unstarted, unstarted.plan()))
    assert found["platform from bank: bank"] == {"identifier on the curve, not blinded"}
