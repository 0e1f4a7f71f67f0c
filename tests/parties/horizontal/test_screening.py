"""What a screen says is what stood out; what it keeps, it has again in another attempt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crypto.errors import UsageError
from crypto.private import Private
from federation.ids import PartyId
from federation.secure_sum.interface import Floats
from parties.horizontal.combining import Combined, Groups
from parties.horizontal.screening import Screen, judge_groups, judge_own

ME, STEP = PartyId("bank-a"), np.array([1.0, 0.5, 0.0, 0.0])
GROUPS: Groups = tuple(
    tuple(PartyId(f"bank-{letter}") for letter in letters) for letters in ("abc", "def", "ghi")
)


def means(*factors: float) -> Floats:
    return np.stack([factor * STEP for factor in factors])


def test_like_groups_are_not_flagged() -> None:
    assert judge_groups(means(1.0, 1.2, 0.9), 1.0, np.array([0.5, 0.45, 0.44, 0.46])) == [(), (), ()]


def test_a_long_mean_is_flagged_and_a_short_one_beside_it_is_not() -> None:
    assert judge_groups(means(1.0, 2.0, 0.8), 1.0, None) == [(), ("long",), ()]


def test_a_mean_that_points_away_is_flagged_only_while_the_others_agree() -> None:
    assert judge_groups(means(1.0, -1.0, 1.1), 1.0, None) == [(), ("away",), ()]
    apart = np.stack([STEP, -STEP - STEP[::-1], STEP[::-1]])
    assert "away" not in judge_groups(apart, 1.0, None)[1]


def test_a_mean_that_alone_raises_this_members_loss_is_flagged() -> None:
    assert judge_groups(means(1.0, 1.0, 1.0), 1.0, np.array([0.5, 0.49, 0.56, 0.49])) == [(), ("worse",), ()]
    little = np.array([0.5, 0.499, 0.505, 0.499])
    alike = np.array([0.5, 0.54, 0.56, 0.54])
    assert judge_groups(means(1.0, 1.0, 1.0), 1.0, little) == [(), (), ()]
    assert judge_groups(means(1.0, 1.0, 1.0), 1.0, alike) == [(), (), ()]


def test_a_model_that_has_settled_flags_nobody() -> None:
    assert judge_groups(means(0.1, -0.25, 0.1), 1.2, np.array([0.5, 0.5, 0.6, 0.5])) == [(), (), ()]


def test_a_group_of_zeros_is_no_error() -> None:
    assert judge_groups(means(1.0, 0.0, 1.0), 1.0, None) == [(), (), ()]


def test_an_own_update_is_compared_while_the_others_move() -> None:
    assert judge_own(-STEP, STEP, 1.0) is True
    assert judge_own(STEP, STEP, 1.0) is False
    assert judge_own(-STEP, 0.1 * STEP, 1.0) is None


def look(screen: Screen, number: int, told: Floats, own: Floats = STEP) -> None:
    change = told[0] if len(told) == 1 else np.median(told, axis=0)
    screen.look(number, Combined(change, told), Private(own), 1.0, lambda change: None)


def test_a_group_is_named_from_half_of_its_rounds_on(tmp_path: Path) -> None:
    screen = Screen(tmp_path / "screen.json", ME, GROUPS, 0.1)
    look(screen, 1, means(1.0, 1.0, 1.0))
    look(screen, 2, means(1.0, 1.0, 1.0))
    look(screen, 3, means(1.0, 1.0, 3.0))
    assert screen.flags() == []
    look(screen, 4, means(1.0, 1.0, -3.0))
    (flag,) = screen.flags()
    assert flag.startswith("The group of bank-g, bank-h and bank-i stood out in 2 of the 4 rounds")
    assert "far longer than the other groups' (round 3, 4)" in flag and "away from theirs (round 4)" in flag


def test_one_round_names_nobody(tmp_path: Path) -> None:
    screen = Screen(tmp_path / "screen.json", ME, GROUPS, 0.1)
    look(screen, 1, means(1.0, 1.0, 3.0))
    assert screen.flags() == []


def test_what_was_seen_is_there_after_a_crash_and_a_repeated_round_counts_once(tmp_path: Path) -> None:
    before = Screen(tmp_path / "screen.json", ME, GROUPS, 0.1)
    look(before, 1, means(1.0, 3.0, 1.0))
    look(before, 2, means(1.0, 3.0, 1.0))
    assert (tmp_path / "screen.json").stat().st_mode & 0o777 == 0o600
    again = Screen(tmp_path / "screen.json", ME, GROUPS, 0.1)
    look(again, 2, means(1.0, 3.0, 1.0))
    assert again.flags() == before.flags()
    assert "2 of the 2 rounds" in again.flags()[0]


def test_with_one_group_an_owner_finds_that_its_own_update_points_away(tmp_path: Path) -> None:
    all_members: Groups = (tuple(member for group in GROUPS for member in group),)
    screen, fair = (Screen(tmp_path / name, ME, all_members, 0.25) for name in ("one", "other"))
    own = -STEP
    total = 0.75 * STEP + 0.25 * own
    for number in (1, 2):
        look(screen, number, total[None], own)
        look(fair, number, STEP[None], STEP)
    look(screen, 3, (0.75 * 0.1 * STEP + 0.25 * own)[None], own)  # The others hardly move.
    (flag,) = screen.flags()
    assert flag.startswith("In 2 of the 2 rounds that were looked at (1, 2)")
    assert "own update pointed away" in flag
    assert fair.flags() == []


def test_two_groups_are_not_judged(tmp_path: Path) -> None:
    screen = Screen(tmp_path / "screen.json", ME, GROUPS[:2], 0.1)
    look(screen, 1, means(1.0, -5.0))
    assert screen.flags() == []


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "screen.json").write_text("{")
    with pytest.raises(UsageError):
        Screen(tmp_path / "screen.json", ME, GROUPS, 0.1)
