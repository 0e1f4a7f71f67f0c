"""Sums that a resumed round repeats bit for bit, and each member's own noise inside the masked integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from crypto.accounting import DiscreteGaussian, rounded_sensitivity
from crypto.errors import Refusal
from crypto.private import Private
from crypto.summation.grid import Grid
from crypto.summation.lanes import Lanes
from crypto.summation.schemes import protection
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.messages.sum import OwnMask, Upload
from federation.secure_sum.adder import Adder
from federation.secure_sum.draws import Draws, NoisyGrid, lanes_of, noisy_grid, within_norm
from federation.secure_sum.member import SecureSum
from federation.session import Session
from tests.seats import run_seats
from tests.sums import run_members

Floats = npt.NDArray[np.float64]
THREE = ("north", "south", "west")
CLIP = 2.0


def seed_of(name: str, run: str = "first") -> bytes:
    return f"{run} {name}".encode().ljust(32, b".")[:32]


def run(
    part: Callable[[SecureSum], Any],
    names: tuple[str, ...] = THREE,
    *,
    scheme: str = "mask",
    seed: Callable[[str], bytes | None] = seed_of,
    before_release: Callable[[str, str], None] = lambda name, label: None,
) -> dict[str, Any]:
    """`part` at every member of one session; `before_release` is told the member too."""
    members = tuple(map(PartyId, names))

    def aggregator(session: Session) -> None:
        adder = Adder(session, protection(scheme))
        for _ in range(sums):
            for member in members:
                adder.take(member, session.receive(member, Upload))

    def member(session: Session) -> Any:
        return part(
            SecureSum(
                session,
                members,
                protection(scheme),
                noisy=True,
                seed=seed(session.me),
                before_release=lambda label: before_release(session.me, label),
            )
        )

    sums = len(part.labels) if isinstance(part, Sums) else 1
    roles = {**dict.fromkeys(members, Role.MEMBER), AGGREGATOR: Role.AGGREGATOR}
    return run_seats(roles, {**dict.fromkeys(members, member), AGGREGATOR: aggregator}, patience=20)


class Sums:
    """A part that makes one noisy sum of `values` (member -> vector) for each multiplier."""

    def __init__(self, values: Callable[[str], Floats], *multipliers: float) -> None:
        self.values = values
        self.labels = {f"round {i}": multiplier for i, multiplier in enumerate(multipliers)}

    def __call__(self, sums: SecureSum) -> list[Floats]:
        mine = Private(self.values(sums.me))
        return [sums.noisy_total(label, mine, CLIP, each) for label, each in self.labels.items()]


def update(name: str, n: int = 3000) -> Floats:
    """A vector with an L2 norm of the clip."""
    drawn = np.random.default_rng(len(name) + ord(name[0])).normal(size=n)
    return drawn * (CLIP / math.sqrt(math.fsum(np.square(drawn))))


def plain(sums: SecureSum) -> Floats:
    return sums.total("round 0", Private(update(sums.me)), CLIP)


# -- a sum that is repeated ------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [plain, Sums(update, 1.0)])
@pytest.mark.parametrize("scheme", ["he", "mask"])
def test_a_repeated_session_opens_to_the_same_sum_bit_for_bit(part: Any, scheme: str) -> None:
    first, again = (run(part, scheme=scheme) for _ in range(2))
    assert np.array_equal(first["north"], again["north"])
    assert np.array_equal(first["north"], first["west"])


@pytest.mark.parametrize("part", [plain, Sums(update, 1.0)])
@pytest.mark.parametrize("seed", [lambda name: None, lambda name: seed_of(name, "second")])
def test_without_the_same_seed_a_sum_is_drawn_anew(part: Any, seed: Callable[[str], bytes | None]) -> None:
    assert (np.asarray(run(part)["north"]) != np.asarray(run(part, seed=seed)["north"])).mean() > 0.3


def test_rounding_and_noise_follow_from_the_label_and_every_value() -> None:
    values, grid = update("north"), NoisyGrid.within(10**6, 1.0)
    draws, changed = Draws(seed_of("north")), values.copy()
    changed[-1] = np.nextafter(changed[-1], 9)
    integers, other = np.arange(9), np.append(np.arange(8), 9)
    words = [
        source.words64(4).tobytes()
        for source in (
            draws.rounding("a", Private(values)),
            draws.rounding("a", Private(changed)),
            draws.rounding("b", Private(values)),
            Draws(seed_of("south")).rounding("a", Private(values)),
            draws.noise("a", grid, Private(integers)),
            draws.noise("a", grid, Private(other)),
            draws.noise("b", grid, Private(integers)),
            draws.noise("a", NoisyGrid.within(10**6, 2.0), Private(integers)),
            draws.noise("a", NoisyGrid.within(10**7, 1.0), Private(integers)),
        )
    ]
    assert len(set(words)) == len(words)
    assert words[0] == draws.rounding("a", Private(values.copy())).words64(4).tobytes()
    assert words[4] == draws.noise("a", grid, Private(integers.copy())).words64(4).tobytes()


def test_the_difference_of_two_sums_of_other_values_is_not_that_of_the_values() -> None:
    """One value moves by little: all noise of its owner is another, and nobody else's is."""

    def moved(name: str) -> Floats:
        values = update(name) * 0.9
        values[0] += 1e-4 if name == "west" else 0.0
        return values

    first = run(Sums(lambda name: update(name) * 0.9, 1.0))["north"][0]
    second = run(Sums(moved, 1.0))["north"][0]
    # Noise of sd 1.0 x clip twice, once taken from once, from one member.
    assert (second - first).std() == pytest.approx(math.sqrt(2) * CLIP, rel=0.06)


def test_a_seed_has_32_bytes_and_is_not_shown() -> None:
    with pytest.raises(ValueError, match="32 bytes") as error:
        Draws(b"too short a seed")
    assert "too short" not in str(error.value) + repr(Draws(seed_of("north")))
    assert "first north" not in repr(Draws(seed_of("north")))


# -- the noise -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["he", "mask", "ckks"])
def test_each_members_noise_is_whole_and_the_sum_is_not_biased(scheme: str) -> None:
    """n = 40,000: a standard deviation is estimated to within 1 / sqrt(2 n) = 0.35 %; 4 of those pass."""
    n, multiplier = 40_000, 0.5
    found = run(Sums(lambda name: update(name, n), multiplier), scheme=scheme)["south"][0]
    noise = found - sum(update(name, n) for name in THREE)
    wanted = math.sqrt(3) * multiplier * CLIP
    assert noise.std() == pytest.approx(wanted, rel=4 / math.sqrt(2 * n))
    assert abs(noise.mean()) < 4 * wanted / math.sqrt(n)
    assert stats.kstest(noise / wanted, "norm").pvalue > 1e-3


def test_two_members_see_of_each_other_what_has_the_others_whole_noise() -> None:
    n, multiplier = 40_000, 1.0
    uploads: dict[str, Floats] = {}

    def part(sums: SecureSum) -> Floats:
        values, grid = Private(update(sums.me, n)), sums.noise_grid(multiplier)
        draws = Draws(seed_of(sums.me))
        steps = Grid(CLIP, grid.levels).quantise(values, draws.rounding("x", values))
        mine = grid.add_noise(steps, draws.noise("x", grid, steps)).open_locally()
        uploads[sums.me] = mine * (CLIP / grid.levels)
        return sums.noisy_total("x", values, CLIP, multiplier) - uploads[sums.me]

    seen = run(part, ("north", "south"))["north"]
    assert np.allclose(seen, uploads["south"])
    assert (seen - update("south", n)).std() == pytest.approx(multiplier * CLIP, rel=4 / math.sqrt(2 * n))


@pytest.mark.parametrize("members", [2, 3, 16])
@pytest.mark.parametrize("scheme", ["he", "mask", "ckks"])
def test_values_and_noise_fit_the_lanes(scheme: str, members: int) -> None:
    lanes = lanes_of(protection(scheme), members)
    for multiplier in (0.05, 1.0, 4.0):
        grid = noisy_grid(protection(scheme), members, multiplier)
        assert grid.limit == lanes.levels
        assert grid.levels + 12 * grid.sigma <= lanes.levels < 1.001 * (grid.levels + 12 * grid.sigma)
        assert grid.sigma == multiplier * grid.levels
        # What the accounting takes: hardly coarser than the noise by itself.
        counted = DiscreteGaussian(grid.sigma, rounded_sensitivity(grid.levels, 1000)).noise_multiplier
        assert 0.99 * multiplier < counted < multiplier


@pytest.mark.parametrize("members", [2, 3, 16])
def test_a_sum_of_the_largest_vectors_is_never_refused(members: int) -> None:
    names = tuple(f"member-{number}" for number in range(members))
    largest = np.append(CLIP, np.zeros(400))  # All of the norm in one value.
    multipliers = (0.05, 1.0, 4.0)
    found = run(Sums(lambda name: largest, *multipliers), names)
    for total, multiplier in zip(found[names[0]], multipliers, strict=True):
        assert np.abs(total - members * largest).max() < 5 * math.sqrt(members) * multiplier * CLIP


def test_noise_beyond_the_lane_is_cut_and_the_sum_stays_whole() -> None:
    """Such noise comes once in 10^32 draws, so the grid here is one that `within` does not make."""
    grid, lanes = NoisyGrid(limit=100, levels=90, sigma=400.0), Lanes(1, 10, 4)
    noisy = grid.add_noise(Private(np.full(500, 90)), Draws(None).noise("x", grid, Private(np.zeros(1, int))))
    held = noisy.open_locally()
    assert held.min() == -100 and held.max() == 100
    assert np.array_equal(lanes.unpack(4 * lanes.pack(held), 500), 4 * held)


@pytest.mark.parametrize(
    ("scheme", "members", "multiplier", "told"),
    [("he", 16, 2000.0, "leaves 38 steps"), ("he", 16, 1e-6, "less than the grid can carry")],
)
def test_noise_that_the_integers_cannot_carry_is_refused_beforehand(
    scheme: str, members: int, multiplier: float, told: str
) -> None:
    with pytest.raises(Refusal, match=told) as error:
        noisy_grid(protection(scheme), members, multiplier)
    assert error.value.field == "privacy.noise_multiplier" and "noise_multiplier" in error.value.advice


@pytest.mark.parametrize("multiplier", [0.0, -1.0, math.nan, math.inf])
def test_a_multiplier_that_is_no_noise_is_an_error(multiplier: float) -> None:
    with pytest.raises(ValueError, match="noise multiplier"):
        NoisyGrid.within(10**6, multiplier)


# -- the clip --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("excess", [1 + 2e-9, 3.0, 1e200, math.inf])
def test_a_vector_beyond_the_clip_is_refused_and_nothing_is_told_of_it(excess: float) -> None:
    with pytest.raises(Refusal, match="larger norm") as error:
        run(Sums(lambda name: update(name) * (excess if name == "west" else 1.0), 1.0))
    assert not any(letter.isdigit() for letter in error.value.told)


@pytest.mark.parametrize("value", [CLIP * (1 + 2e-9), -1.5 * CLIP, 1e300])
def test_a_single_value_beyond_the_clip_is_refused(value: float) -> None:
    with pytest.raises(Refusal, match="larger norm"):
        within_norm(Private(np.append(np.zeros(5), value)), CLIP)


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(Refusal, match="not finite"):
        run(Sums(lambda name: np.append(update(name, 8), np.nan), 1.0))


def test_a_rounding_error_above_the_clip_is_taken_off() -> None:
    values = update("north") * (1 + 0.9e-9)
    held = within_norm(Private(values), CLIP).open_locally()
    assert math.sqrt(math.fsum(np.square(held))) <= CLIP * (1 + 1e-15)
    assert np.array_equal(within_norm(Private(values / 2), CLIP).open_locally(), values / 2)


# -- the release -----------------------------------------------------------------------------------------


def test_a_member_is_told_before_any_mask_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[tuple[str, str]] = []
    watch_masks(monkeypatch, events)
    run(Sums(update, 1.0, 1.0), before_release=lambda name, label: events.append((name, label)))
    for name in THREE:
        mine = [what for member, what in events if member == name]
        assert mine == ["round 0", "mask", "round 1", "mask"]


def test_a_member_that_cannot_write_it_down_releases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[tuple[str, str]] = []
    watch_masks(monkeypatch, events)

    def full(name: str, label: str) -> None:
        if name == "west":
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        run(Sums(update, 1.0), before_release=full)
    assert ("west", "mask") not in events


def watch_masks(monkeypatch: pytest.MonkeyPatch, events: list[tuple[str, str]]) -> None:
    send = Session.send_all

    def noted(self: Session, to: Any, message: Any) -> None:
        if isinstance(message, OwnMask):
            events.append((self.me, "mask"))
        send(self, to, message)

    monkeypatch.setattr(Session, "send_all", noted)


# -- the same law without a session ----------------------------------------------------------------------


def test_sums_in_plain_carry_the_same_noise() -> None:
    n, multiplier = 40_000, 0.5
    found = run_members(
        {
            name: lambda sums: sums.noisy_total("x", Private(update(sums.me, n)), CLIP, multiplier)
            for name in THREE
        }
    )
    noise = found["south"] - sum(update(name, n) for name in THREE)
    assert noise.std() == pytest.approx(math.sqrt(3) * multiplier * CLIP, rel=4 / math.sqrt(2 * n))
