"""The other lender's outcomes: right counts for bands, and nothing that tells a firm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.bfv import Ciphertexts, Columns, Scheme
from crypto.private import Private
from crypto.sealed import MaskedWords
from federation.errors import MessageRefused, PlanRefused
from federation.ids import AGGREGATOR
from federation.messages.alignment import RingTags
from federation.messages.reject import BandQuestions, BandSums, LenderOutcomes
from federation.protocols.matching import common_rows
from federation.session import Session
from parties.alignment import align
from parties.reject import ObservedBands, ask, tell
from parties.reject.lookup import _noisy
from tests.seats import TWO, run_seats

MINIMUM, COMMON = 50, 400
SCHEME = Scheme()


class World:
    """A bank's applicants (scores, who was rejected) and a lender's firms, 400 of them common."""

    def __init__(self, rejected: float = 0.6) -> None:
        rng = np.random.default_rng(4)
        applicants = rng.permutation(700)
        self.ids = [f"F{number}".encode() for number in applicants]
        self.scores = rng.normal(size=700)
        self.rejected = rng.random(700) < rejected
        customers = rng.permutation(np.arange(700 - COMMON, 1000))
        self.customers = [f"F{number}".encode() for number in customers]
        self.bad = (rng.random(len(customers)) < 0.3).astype(np.int8)

    def expected(self, found: ObservedBands) -> list[int]:
        outcome = dict(zip(self.customers, self.bad.tolist(), strict=True))
        counts = [0] * found.bands.count
        for firm, score, turned_down in zip(self.ids, self.scores, self.rejected, strict=True):
            if turned_down and firm in outcome:
                counts[int(found.bands.of(np.array([score]))[0])] += outcome[firm]
        return counts


def matcher(session: Session) -> None:
    told = session.gather(session.seating.parties, RingTags)
    tags = {message.owner: message.tags for message in told.values()}
    for name, rows in common_rows(tags, MINIMUM).items():
        session.send(name, rows)


def play(
    world: World, bank: Any = None, lender: Any = None, deviation: float = 0.0, fewest: int = 50
) -> dict[str, Any]:
    def asks(session: Session) -> ObservedBands:
        applicants = (Private(world.ids), Private(world.scores), Private(world.rejected))
        return ask(session, *applicants, minimum=MINIMUM, most=4, scheme=SCHEME)

    def tells(session: Session) -> int:
        own = (Private(world.customers), Private(world.bad))
        return tell(session, *own, minimum=MINIMUM, deviation=deviation, fewest=fewest, scheme=SCHEME)

    return run_seats(TWO, {"bank": bank or asks, "platform": lender or tells, AGGREGATOR: matcher})


def test_the_bank_learns_the_count_of_bad_firms_in_each_band_of_fifty() -> None:
    world = World()
    out = play(world)
    found = out["bank"]
    assert found.bands.count == out["platform"] == 4
    assert min(found.rows) >= 50
    assert list(found.bad) == world.expected(found)
    assert found.rates == tuple(bad / rows for bad, rows in zip(found.bad, found.rows, strict=True))
    assert "F1" not in repr(found.bands)


def test_noise_moves_counts_by_firms_and_not_by_bands() -> None:
    world = World()
    found = play(world, deviation=2.0)["bank"]
    errors = np.array(found.bad) - world.expected(found)
    assert errors.any()  # All four are 0 once in 600 times.
    assert np.abs(errors).max() <= 20
    assert all(
        0 <= rate <= 1 for rate in ObservedBands(found.bands, (50,) * 4, (-3.0, 0.0, 50.0, 53.0)).rates
    )


def test_what_the_lender_sends_back_is_uniform_to_itself() -> None:
    world = World()

    def bank(session: Session) -> None:
        align(session, Private(world.ids), MINIMUM)
        told = session.receive(session.others()[0], LenderOutcomes)
        loaded = SCHEME.load(told.outcomes, told.key, COMMON)
        ones = Columns(SCHEME, Private(np.ones((COMMON, 2), dtype=np.int64)))
        answers, _ = SCHEME.inner_products(loaded, ones, told.key)
        session.send(session.others()[0], BandQuestions(2, answers))
        words = session.receive(session.others()[0], BandSums).sums.words()
        # Twice the same question: two answers that have nothing in common but their masks.
        assert words[0] != words[1]
        assert (words > COMMON).all()

    play(world, bank=bank)


@pytest.mark.parametrize(("bands", "fewest"), [(0, 50), (9, 50), (7, 60)])
def test_a_lender_answers_no_more_bands_than_one_for_fifty_firms(bands: int, fewest: int) -> None:
    def bank(session: Session) -> None:
        align(session, Private(World().ids), MINIMUM)
        lender = session.others()[0]
        told = session.receive(lender, LenderOutcomes)
        session.send(lender, BandQuestions(bands, Ciphertexts(told.key.key_id, 0, ())))
        session.receive(lender, BandSums)

    with pytest.raises(MessageRefused, match=f"fewer than {fewest} firms a band"):
        play(World(), bank=bank, fewest=fewest)


def test_a_bank_with_too_few_common_rejects_asks_nothing_and_does_not_say_how_many() -> None:
    world = World(rejected=0.05)
    with pytest.raises(PlanRefused, match="fewer than 50 of the common firms were rejected") as refused:
        play(world)
    few = sum(
        firm in set(world.customers) for firm, out in zip(world.ids, world.rejected, strict=True) if out
    )
    assert str(few) not in str(refused.value)


def test_noise_under_the_mask_is_what_is_drawn() -> None:
    masked = MaskedWords.of(np.full(3000, SCHEME.modulus - 1, dtype=np.uint64))
    words = _noisy(masked, 2.0, SCHEME).words()
    errors = np.array([SCHEME.signed(word + 1) for word in words.tolist()])
    assert abs(errors.mean()) < 0.25
    assert 3.5 < errors.var() < 4.5
    assert _noisy(masked, 0.0, SCHEME) is masked
