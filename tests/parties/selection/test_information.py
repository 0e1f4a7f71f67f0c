"""P-values and stepwise selection from a hidden model, against the pooled columns in the clear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.errors import UsageError
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.session import Session
from parties.features.whitening import Whitening
from parties.selection import joint, wald
from parties.selection.information import Information, information
from parties.selection.stepwise import Rule, stepwise
from tests.parties.logistic.world import Ears, World, side_of, world
from tests.parties.selection.test_stepwise import fitted
from tests.seats import run_seats

RULE = Rule("bic")


def optimum(made: World) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Party -> features, turn, and its block of a ridge optimum: where training ends."""
    features, turns = {}, {}
    for name, columns in made.columns.items():
        whitening = Whitening.fit(columns)
        features[name], turns[name] = whitening.apply(columns), whitening.w
    features["bank"] = np.hstack([np.ones((len(made.labels), 1)), features["bank"]])
    turns["bank"] = wald.with_intercept_turn(turns["bank"])
    x = np.hstack([*features.values()])
    theta = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-x @ theta))
        hessian = x.T @ (x * (p * (1 - p))[:, None]) + np.eye(len(theta))
        theta = theta + np.linalg.solve(hessian, x.T @ (made.labels - p) - theta)
    ends = np.cumsum([block.shape[1] for block in features.values()])[:-1]
    return features, turns, dict(zip(features, np.split(theta, ends), strict=True))


@pytest.fixture(scope="module")
def played() -> dict[str, Any]:
    """A whole selection among three parties, from a ridge optimum."""
    made = world(3, 800, strength=0.25)
    features, turns, theta = optimum(made)
    ears = Ears()

    def part(session: Session) -> Any:
        ears.on(session)
        name = str(session.me)
        either = [0] * made.columns[name].shape[1]
        found = information(side_of(session, features[name], made), theta[name], made.widths)
        if session.role is Role.LABEL:
            block = wald.tell_blocks(session, found, theta[name])
            chosen = joint.choose(session, found, block, turns[name], RULE, either)
        else:
            assert found is None
            block = wald.hear_block(session, theta[name])
            chosen = joint.offer(session, block, turns[name], either)
        return wald.coefficients(block, turns[name]), chosen

    out = run_seats(made.roles, {**dict.fromkeys(made.columns, part), AGGREGATOR: lambda session: None})
    pooled = np.hstack([np.ones((len(made.labels), 1)), made.pooled])
    estimate, covariance, _ = fitted(pooled, made.labels.astype(float))
    return {
        "made": made,
        "out": out,
        "ears": ears,
        "ridge": np.concatenate([turns[name] @ theta[name] for name in made.columns]),
        "estimate": estimate,
        "covariance": covariance,
        "error": np.sqrt(np.diag(covariance)),
    }


def test_standard_errors_estimates_and_p_values_are_those_of_the_pooled_fit(played: dict[str, Any]) -> None:
    own = [each for name in played["made"].columns for each in played["out"][name][0]]
    errors = np.array([each.standard_error for each in own])
    estimates = np.array([each.estimate for each in own])
    assert np.abs(errors / played["error"] - 1).max() < 0.01
    assert np.abs((estimates - played["estimate"]) / played["error"]).max() < 0.02
    # The ridge optimum itself is ten times farther away.
    assert np.abs((played["ridge"] - played["estimate"]) / played["error"]).max() > 0.02
    z = played["estimate"] / played["error"]
    assert np.array([each.z for each in own]) == pytest.approx(z, rel=0.01, abs=0.02)
    two_sided = [float(each.p) for each in own]
    assert min(two_sided) < 1e-3 < max(two_sided) <= 1


def test_every_party_keeps_the_columns_that_pooled_selection_keeps(played: dict[str, Any]) -> None:
    made = played["made"]
    size = len(played["estimate"])
    # By itself the rule would leave the last party nothing, so its most telling column stays.
    first = size - made.columns["public"].shape[1]
    z = np.abs(played["estimate"] / played["error"])
    only = first + int(z[first:].argmax())
    free, bound = (
        stepwise(
            played["estimate"],
            played["covariance"],
            RULE,
            rows=len(made.labels),
            groups=[-1, *(-1 if place == stay else place for place in range(1, size))],
            expected=[0] * size,
        )
        for stay in (None, only)
    )
    assert max(free.kept) < first
    selected, bank = played["out"]["bank"][1]
    kept = [0, *(1 + at for at in bank.kept)]
    start = 5
    for name in ("platform", "public"):
        kept += [start + at for at in played["out"][name][1].kept]
        start += made.columns[name].shape[1]
    assert tuple(kept) == selected.kept == bound.kept
    assert bank.forced is played["out"]["platform"][1].forced is None
    assert played["out"]["public"][1].forced == only - first
    assert 1 < len(kept) < size


def test_only_the_label_party_hears_other_parties_numbers(played: dict[str, Any]) -> None:
    ears = played["ears"]
    asked = {"Curvature", "ModelBlock", "CovarianceBlock", "KeptColumns"}
    heard = {
        who: {type(message).__name__ for reader, _, message in ears.heard if reader == who} & asked
        for who in played["made"].columns
    }
    assert heard["bank"] == {"Curvature", "ModelBlock"}
    assert heard["platform"] == heard["public"] == {"CovarianceBlock", "KeptColumns"}
    senders = {
        sender for who, sender, message in ears.heard if type(message).__name__ in asked and who != "bank"
    }
    assert senders == {"bank"}


def test_columns_that_two_parties_share_are_refused_before_an_error_is_told() -> None:
    twice = np.array([[1.0, 1.0], [1.0, 1.0]])
    found = Information(1000, {PartyId("bank"): 1, PartyId("platform"): 1}, twice, np.zeros(2))
    with pytest.raises(UsageError, match="repeat each other"):
        found.covariance()


def test_a_coefficient_that_repeats_others_has_no_p_value() -> None:
    columns = np.random.default_rng(1).normal(size=(400, 3))
    columns[:, 2] = -columns[:, 0]
    whitening = Whitening.fit(columns)
    block = wald.OwnBlock(np.array([0.5, -0.2]), np.eye(2) * 0.01)
    found = wald.coefficients(block, whitening.w)
    assert [each.p is None for each in found] == [True, False, True]
    assert found[1].z == pytest.approx(found[1].estimate / found[1].standard_error)


def test_a_party_whose_columns_repeat_each_other_cannot_offer_them() -> None:
    block = wald.OwnBlock(np.zeros(2), np.eye(2))
    with pytest.raises(UsageError, match="repeat each other"):
        joint.offer(None, block, np.ones((3, 2)), [0, 0, 0])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="expected sign"):
        joint.offer(None, block, np.eye(2), [0])  # type: ignore[arg-type]
