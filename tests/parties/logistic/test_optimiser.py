"""Two-loop recursion on inner products alone, and the label party's decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from crypto.sealed import DisclosedNumbers, MaskedWords, WireRefused
from federation.ids import AGGREGATOR, PartyId
from federation.messages.logistic import Direction, GramShare, Move
from federation.session import Session
from parties.logistic.optimiser import Block, Optimiser, share_gram, two_loop
from tests.seats import FOUR, THREE, TWO, run_seats

Floats = npt.NDArray[np.float64]


def textbook(steps: list[Floats], changes: list[Floats], gradient: Floats, scale: float) -> Floats:
    """Nocedal & Wright, Numerical Optimization (2006), algorithm 7.4, on explicit vectors."""
    q = gradient.copy()
    alphas = []
    for s, y in zip(reversed(steps), reversed(changes), strict=True):
        alpha = (s @ q) / (y @ s)
        alphas.append(alpha)
        q = q - alpha * y
    r = scale * q
    for s, y, alpha in zip(steps, changes, reversed(alphas), strict=True):
        beta = (y @ r) / (y @ s)
        r = r + s * (alpha - beta)
    return r


def history(pairs: int, size: int = 12, seed: int = 0) -> tuple[list[Floats], list[Floats], Floats]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    hessian = root @ root.T / size + 0.2 * np.eye(size)
    steps = [rng.normal(size=size) for _ in range(pairs)]
    return steps, [hessian @ s for s in steps], rng.normal(size=size)


def gram(vectors: list[Floats]) -> Floats:
    stacked = np.array(vectors)
    return np.asarray(stacked @ stacked.T)


@pytest.mark.parametrize("pairs", [0, 1, 2, 5, 9])
def test_the_recursion_on_inner_products_is_the_textbooks(pairs: int) -> None:
    steps, changes, gradient = history(pairs, seed=pairs)
    vectors = [*steps, *changes, gradient]
    found = two_loop(gram(vectors), 1.75) @ np.array(vectors)
    assert np.allclose(found, textbook(steps, changes, gradient, 1.75), rtol=1e-9, atol=1e-11)


def test_from_the_point_before_the_gradient_there_is_used() -> None:
    steps, changes, gradient = history(4)
    vectors = [*steps, *changes, gradient]
    found = two_loop(gram(vectors), 1.0, from_before=True) @ np.array(vectors)
    assert np.allclose(found, textbook(steps, changes, gradient - changes[-1], 1.0))


@pytest.mark.parametrize("bad", ["negative", "zero", "noise"])
def test_a_pair_without_positive_curvature_is_left_out(bad: str) -> None:
    steps, changes, gradient = history(3)
    good = textbook([steps[0], steps[2]], [changes[0], changes[2]], gradient, 1.5)
    if bad == "negative":
        changes[1] = -changes[1]
    elif bad == "zero":
        steps[1] = np.zeros_like(steps[1])
    else:
        steps[1], changes[1] = steps[1] * 1e-9, changes[1] * 1e-9  # Below the fixed point's step.
    vectors = [*steps, *changes, gradient]
    found = two_loop(gram(vectors), 1.5) @ np.array(vectors)
    assert np.isfinite(found).all() and np.allclose(found, good)


def test_the_direction_goes_down() -> None:
    for seed in range(20):
        steps, changes, gradient = history(6, seed=seed)
        vectors = [*steps, *changes, gradient]
        assert two_loop(gram(vectors), 1.75) @ np.array(vectors) @ gradient > 0


def direction(move: Move, *coefficients: float) -> Direction:
    return Direction(move, DisclosedNumbers.of(coefficients))


def test_a_retreat_goes_back_and_steps_from_there() -> None:
    block = Block(np.array([1.0, 0.0]))
    block.observe(np.array([1.0, 1.0]))
    block.move(direction(Move.STEP, 0.5))
    block.observe(np.array([2.0, 0.0]))
    block.move(direction(Move.RETREAT, 0.0, 0.0, 0.25))
    assert block.before is not None and np.allclose(block.before, [1.0, 0.0])
    assert np.allclose(block.theta, [0.5, 0.0])


@pytest.mark.parametrize(
    "told", [direction(Move.STEP), direction(Move.STEP, 1.0, 2.0), direction(Move.RETREAT, 1.0)]
)
def test_a_direction_that_does_not_fit_this_partys_vectors_is_refused(told: Direction) -> None:
    block = Block(np.zeros(2))
    block.observe(np.ones(2))
    with pytest.raises(WireRefused):
        block.move(told)


def block_of(name: str) -> Block:
    rng = np.random.default_rng(sum(name.encode()))
    block = Block(rng.normal(size=3))
    block.observe(rng.normal(size=3))
    block.move(direction(Move.STEP, 0.3))
    block.observe(rng.normal(size=3))
    return block


@pytest.mark.parametrize("roles", [TWO, THREE, FOUR], ids=["two", "three", "four"])
def test_the_label_party_hears_the_sum_of_the_inner_products_only(roles: dict[str, Any]) -> None:
    heard: dict[PartyId, MaskedWords] = {}

    def label(session: Session) -> Any:
        gather = session.gather

        def watched(senders: Any, kind: Any) -> Any:
            told = gather(senders, kind)
            heard.update({party: share.words for party, share in told.items()})
            return told

        session.gather = watched  # type: ignore[method-assign]
        return Optimiser(session, 0.3, 1e-4, 30)._whole_gram(block_of("bank"))

    def other(session: Session) -> None:
        share_gram(session, block_of(session.me), 1)

    names = [name for name in roles if name != AGGREGATOR]
    out = run_seats(roles, {**dict.fromkeys(names, other), "bank": label, AGGREGATOR: str})
    total = sum(gram([*block_of(name).vectors()]) for name in names)
    assert np.abs(out["bank"] - total).max() < 1e-12
    alone = {party: words.words().astype(np.int64) / 2.0**48 for party, words in heard.items()}
    true = {party: gram([*block_of(party).vectors()])[np.triu_indices(3)] for party in heard}
    for party, words in alone.items():
        shown = np.abs(words - true[party]).max() < 1e-12
        assert shown == (len(names) == 2)  # With one other party its part is what the sum tells in any case.


def test_a_share_of_another_size_is_refused_and_its_sender_named() -> None:
    def short(session: Session) -> None:
        session.send(PartyId("bank"), GramShare(MaskedWords(bytes(8))))

    def label(session: Session) -> None:
        Optimiser(session, 0.3, 1e-4, 30).decide(block_of("bank"), 1, 0)

    with pytest.raises(WireRefused, match="another size") as refused:
        run_seats(TWO, {"bank": label, "platform": short, AGGREGATOR: str})
    assert refused.value.party == "platform"


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(("size", "parties"), [(2.0**6.5, TWO), (2.0**6, FOUR), (1e200, TWO), (np.nan, TWO)])
def test_inner_products_too_large_for_the_sum_are_refused_not_wrapped(
    size: float, parties: dict[str, Any]
) -> None:
    def diverged(session: Session) -> None:
        block = Block(np.zeros(4))
        block.observe(np.full(4, size))
        share_gram(session, block, 1)

    names = [name for name in parties if name != AGGREGATOR]
    with pytest.raises(WireRefused, match="diverged"):
        run_seats(
            parties,
            {**dict.fromkeys(names, lambda session: None), "platform": diverged, AGGREGATOR: str},
        )


def test_the_largest_shares_that_are_allowed_add_up_without_wrapping() -> None:
    def near(session: Session) -> Block:
        block = Block(np.zeros(1))
        block.observe(np.array([np.sqrt(2.0**15 / 4 - 1)]))
        return block

    def label(session: Session) -> Any:
        return Optimiser(session, 0.3, 1e-4, 30)._whole_gram(near(session))

    def other(session: Session) -> None:
        share_gram(session, near(session), 1)

    names = [name for name in FOUR if name != AGGREGATOR]
    out = run_seats(FOUR, {**dict.fromkeys(names, other), "bank": label, AGGREGATOR: str})
    assert np.isclose(out["bank"][0, 0], 2.0**15 - 4)
