"""One gradient: exact, fresh, and blind to every single row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crypto.bfv import Ciphertexts
from crypto.sealed import MaskedWords, TorusWords, WireRefused
from federation.errors import Refusal
from federation.ids import AGGREGATOR, PartyId
from federation.message import Message
from federation.messages.logistic import (
    BfvKey,
    Harmonics,
    Headroom,
    LogitRange,
    LogitShare,
    MaskedLogit,
    Opened,
    Products,
    Residual,
    ResidualShare,
)
from federation.session import Session
from tests.parties.logistic.world import SCHEME, Ears, Floats, World, one_gradient, side_of, world
from tests.seats import run_seats

ROWS = 1200


def inputs(made: World) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Features as a round gives them (an intercept column at the bank) and a point to stand at."""
    rng = np.random.default_rng(7)
    ones = np.ones((len(made.labels), 1))
    features = {
        name: np.hstack([ones, columns]) if name == "bank" else columns
        for name, columns in made.columns.items()
    }
    return features, {name: rng.normal(size=block.shape[1]) * 0.4 for name, block in features.items()}


def logits(features: dict[str, Floats], theta: dict[str, Floats]) -> dict[str, Floats]:
    return {name: features[name] @ theta[name] for name in features}


@pytest.mark.parametrize("parties", [2, 3, 4])
def test_one_iterations_gradient_is_numpys(parties: int) -> None:
    made = world(parties, ROWS)
    features, theta = inputs(made)
    out = one_gradient(made, features, theta)
    rounded = {name: out[name][1].rounded.open_locally() for name in features}
    z = sum(logits(rounded, theta).values())
    residual = 1 / (1 + np.exp(-z)) - made.labels
    for name, block in rounded.items():
        assert np.abs(out[name][0] - block.T @ residual / ROWS).max() < 1e-5
        assert np.abs(block - features[name]).max() < 2**-7


@pytest.mark.parametrize(("blocks", "stretches"), [(8, 1), (1, 2)])
def test_rows_that_fill_a_block_and_begin_the_next_are_counted_once(
    blocks: int, stretches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the sines of no more than a block travel in one message."""
    monkeypatch.setattr("parties.logistic.hidden._BLOCKS", blocks)
    made, ears = world(2, 8192 + 3), Ears()  # One row left out or counted twice would be off by 1e-4.
    features, theta = inputs(made)
    out = one_gradient(made, features, theta, ears)
    for kind in (Harmonics, Residual):
        assert sum(isinstance(message, kind) for _, _, message in ears.heard) == stretches
    rounded = {name: out[name][1].rounded.open_locally() for name in features}
    residual = 1 / (1 + np.exp(-sum(logits(rounded, theta).values()))) - made.labels
    for name, block in rounded.items():
        assert np.abs(out[name][0] - block.T @ residual / len(residual)).max() < 3e-5


@pytest.mark.parametrize("largest", [18.0, 38.0])
def test_a_wider_range_of_logits_takes_a_higher_rung_and_stays_right(largest: float) -> None:
    made = world(3, ROWS)
    features, theta = inputs(made)
    peak = max(np.abs(z).max() for z in logits(features, theta).values())
    theta["platform"] = theta["platform"] * largest / peak
    out = one_gradient(made, features, theta)
    rounded = {name: out[name][1].rounded.open_locally() for name in features}
    z = sum(logits(rounded, theta).values())
    assert out["bank"][1].rung > 0
    residual = 1 / (1 + np.exp(-z)) - made.labels
    for name, block in rounded.items():
        assert np.abs(out[name][0] - block.T @ residual / ROWS).max() < 3e-4


@pytest.fixture(scope="module")
def heard() -> dict[str, Any]:
    """One gradient among three parties, all that each could read, and the truth about it."""
    made = world(3, ROWS, strength=1.0)
    features, theta = inputs(made)
    ears = Ears()
    out = one_gradient(made, features, theta, ears)
    rounded = {name: out[name][1].rounded.open_locally() for name in features}
    parts = logits(rounded, theta)
    z = sum(parts.values())
    residual = 1 / (1 + np.exp(-z)) - made.labels
    secrets = {
        "labels": made.labels.astype(float),
        "residuals": residual,
        "logits": z,
        **{f"logits of {name}": part for name, part in parts.items()},
        **{f"column {j} of {n}": b[:, j] for n, b in rounded.items() for j in range(1, b.shape[1])},
    }
    return {"ears": ears, "secrets": secrets, "sides": {name: out[name][1] for name in features}}


def blind(values: Any, size: int, secrets: dict[str, Floats]) -> None:
    """`values` (one a row, in [0, size)) are uniform and follow none of the secrets.

    Bounds: 8 sigma of chi-square with 31 degrees of freedom, 6 sigma of each correlation.
    """
    share = values.astype(np.float64) / size
    assert share.min() >= 0 and share.max() < 1
    counts, _ = np.histogram(share, bins=32, range=(0, 1))
    expected = len(share) / 32
    assert ((counts - expected) ** 2 / expected).sum() < 31 + 8 * np.sqrt(62)
    signed = (share + 0.5) % 1  # As a number around zero.
    waves = (share, signed, np.cos(2 * np.pi * share), np.sin(2 * np.pi * share))
    for name, secret in secrets.items():
        for wave in waves:
            follows = np.corrcoef(wave, secret)[0, 1]
            assert abs(follows) < 6 / np.sqrt(len(share)), name


def test_the_measure_would_notice_what_is_not_masked(heard: dict[str, Any]) -> None:
    secrets = heard["secrets"]
    mask = np.random.default_rng(0).integers(0, 1 << 32, ROWS)
    for part in (0.0, 0.3):  # No mask at all; a mask that covers a third of the range.
        words = (secrets["logits"] * 2**32 / 28 + part * mask) % 2**32
        with pytest.raises(AssertionError):
            blind(words, 1 << 32, secrets)
    blind(mask, 1 << 32, secrets)


def test_every_word_of_a_logit_that_travels_is_uniform_to_its_reader(heard: dict[str, Any]) -> None:
    words = [
        (reader, message.words.words())
        for reader, _, message in heard["ears"].heard
        if isinstance(message, MaskedLogit | LogitShare)
    ]
    assert sorted(reader for reader, _ in words) == ["bank", "bank", "platform"]
    for _, each in words:
        blind(each, 1 << 32, heard["secrets"])
    at_bank = [each for reader, each in words if reader == "bank"]
    blind(at_bank[0] + at_bank[1], 1 << 32, heard["secrets"])  # Their sum still holds the helper's mask.


def test_what_the_helper_opens_of_the_residual_is_uniform(heard: dict[str, Any]) -> None:
    (told,) = heard["ears"].of("platform", Residual)
    helper = heard["sides"]["platform"]
    opened = helper._keys.decrypt_answer(told.shifted, helper.packing.length).open_locally()
    for piece in opened.reshape(-1, ROWS):
        blind(piece, SCHEME.modulus, heard["secrets"])
    blind(helper.packing.added(opened, SCHEME.modulus), SCHEME.modulus, heard["secrets"])


@pytest.mark.parametrize("holder", ["bank", "platform"])
def test_what_a_key_holder_opens_for_others_is_uniform_in_every_slot(
    heard: dict[str, Any], holder: str
) -> None:
    keys = heard["sides"][holder]._keys
    answers = [part for told in heard["ears"].of(holder, Products) for part in told.answers.parts]
    packing = heard["sides"][holder].packing
    assert packing.pieces == 6
    assert len(answers) == 2  # One from each of the two others: at most six columns each.
    for part in answers:
        slots = keys._decrypt(part)
        for piece in slots[: packing.length].reshape(-1, ROWS):
            blind(piece, SCHEME.modulus, heard["secrets"])
        blind(slots[-ROWS:], SCHEME.modulus, heard["secrets"])


def ciphertexts(message: Message) -> list[Ciphertexts]:
    found: list[Ciphertexts] = []
    for name in getattr(message, "__slots__", ()):
        value = getattr(message, name)
        found += [value] if isinstance(value, Ciphertexts) else []
        found += value if isinstance(value, tuple) else []
    return found


def test_shares_and_harmonics_are_never_under_a_key_of_their_reader(heard: dict[str, Any]) -> None:
    """Whoever could open both Enc(v) and Enc(s) would have every residual; the label party the mask r too."""
    ids = {name: heard["sides"][name]._keys.public.key_id for name in ("bank", "platform")}
    under = {
        (reader, type(message).__name__, "bank" if each.key_id == ids["bank"] else "platform")
        for reader, _, message in heard["ears"].heard
        for each in ciphertexts(message)
    }
    assert under == {
        ("bank", "Harmonics", "platform"),
        ("bank", "ResidualShare", "platform"),
        ("bank", "Products", "bank"),
        ("platform", "Residual", "platform"),
        ("platform", "ResidualShare", "bank"),
        ("platform", "Products", "platform"),
        ("public", "ResidualShare", "bank"),
        ("public", "ResidualShare", "platform"),
    }


def test_each_role_reads_only_the_kinds_of_message_that_its_part_needs(heard: dict[str, Any]) -> None:
    kinds: dict[str, set[type]] = {}
    for reader, _, message in heard["ears"].heard:
        kinds.setdefault(reader, set()).add(type(message))
    assert kinds == {
        "bank": {BfvKey, Headroom, Harmonics, MaskedLogit, LogitShare, ResidualShare, Products, Opened},
        "platform": {BfvKey, LogitRange, LogitShare, Residual, ResidualShare, Products, Opened},
        "public": {BfvKey, LogitRange, ResidualShare, Opened},
    }


def test_the_only_plain_numbers_of_an_iteration_are_coarse(heard: dict[str, Any]) -> None:
    for _, _, message in heard["ears"].heard:
        if isinstance(message, Headroom):
            assert 0 <= message.typical <= 200
        if isinstance(message, LogitRange):
            assert 0 <= message.rung <= 4


def test_two_runs_on_the_same_data_send_different_bytes_and_find_the_same_gradient() -> None:
    made = world(3, ROWS)
    features, theta = inputs(made)
    runs = []
    for _ in range(2):
        ears = Ears()
        out = one_gradient(made, features, theta, ears)
        runs.append((ears, {name: out[name][0] for name in features}))
    (first, gradient), (second, again) = runs
    for name in features:
        assert np.abs(gradient[name] - again[name]).max() < 1e-5

    def sealed(ears: Ears) -> set[bytes]:
        found: set[bytes] = set()
        for _, _, message in ears.heard:
            found.update(part for each in ciphertexts(message) for part in each.parts)
            for name in message.__slots__:
                value = getattr(message, name)
                found |= {value.data} if isinstance(value, TorusWords | MaskedWords) else set()
        return found

    assert len(sealed(first)) > 15
    assert not sealed(first) & sealed(second)


# -- a party that does not keep to the protocol --------------------------------------------------------


def altered(kind: type[Any], change: Callable[[Any], Message]) -> Callable[[Session], None]:
    """Send `change(message)` in the place of every `kind`."""

    def apply(session: Session) -> None:
        send = session.egress.send

        def changed(to: PartyId, message: Any) -> None:
            send(to, change(message) if isinstance(message, kind) else message)

        session.egress.send = changed  # type: ignore[method-assign]

    return apply


@pytest.mark.parametrize(
    ("who", "kind", "change"),
    [
        ("platform", Harmonics, lambda m: Harmonics(m.terms[:-1])),
        ("platform", Harmonics, lambda m: Harmonics(())),
        ("platform", Harmonics, lambda m: Harmonics(m.terms * 2)),
        ("platform", MaskedLogit, lambda m: MaskedLogit(TorusWords(m.words.data[:-4]))),
        ("public", LogitShare, lambda m: LogitShare(TorusWords(m.words.data + bytes(4)))),
        ("bank", LogitRange, lambda m: LogitRange(99)),
        ("bank", LogitRange, lambda m: LogitRange(-1)),
        ("bank", Residual, lambda m: Residual(Ciphertexts(bytes(16), m.shifted.rows, m.shifted.parts))),
        ("bank", Residual, lambda m: Residual(Ciphertexts(m.shifted.key_id, 7, m.shifted.parts))),
        ("bank", ResidualShare, lambda m: ResidualShare(Ciphertexts(m.share.key_id, m.share.rows, ()))),
        ("public", Products, lambda m: Products(Ciphertexts(m.answers.key_id, 16384, m.answers.parts * 2))),
        ("public", Products, lambda m: Products(Ciphertexts(m.answers.key_id, 8192, ()))),
        ("bank", Opened, lambda m: Opened(MaskedWords(m.sums.data[:-8]))),
        ("platform", Opened, lambda m: Opened(MaskedWords(b""))),
    ],
)
def test_a_message_of_the_wrong_size_or_key_is_refused(
    who: str, kind: type[Any], change: Callable[[Any], Message]
) -> None:
    made = world(3, 300)
    features, theta = inputs(made)

    def part(session: Session) -> Any:
        if session.me == who:
            altered(kind, change)(session)
        return side_of(session, features[session.me], made).gradient(theta[session.me])

    with pytest.raises(Refusal) as refused:
        run_seats(made.roles, {**dict.fromkeys(made.columns, part), AGGREGATOR: lambda session: None})
    assert isinstance(refused.value, WireRefused)
    if kind in (Harmonics, LogitRange):
        assert refused.value.party == who and kind.__name__ in refused.value.what


@pytest.mark.parametrize(("rows", "why"), [(300, "3 sums instead of 4"), (4200, "values instead of")])
def test_more_sums_than_a_party_announced_are_not_opened_for_it(rows: int, why: str) -> None:
    """The equation budget is kept by those who open: a wider party gets nothing more."""
    made = world(3, rows)
    features, theta = inputs(made)
    features["public"] = np.hstack([features["public"], features["public"][:, :1] ** 2])
    theta["public"] = np.append(theta["public"], 0.1)

    def part(session: Session) -> Any:
        return side_of(session, features[session.me], made).gradient(theta[session.me])

    with pytest.raises(WireRefused, match=why):
        run_seats(made.roles, {**dict.fromkeys(made.columns, part), AGGREGATOR: lambda session: None})
