"""Training from two to four seats ends where scikit-learn on pooled data ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from crypto.private import Private
from crypto.sealed import DisclosedNumbers, WireRefused
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.messages.logistic import Direction, GramShare, Move
from federation.session import Session
from parties.features.whitening import Whitening
from parties.logistic.hidden import HelperGradient, LabelGradient
from parties.logistic.training import Stopping, train, with_intercept
from tests.parties.logistic.world import SCHEME, Ears, World, side_of, trained, world
from tests.seats import TWO, run_seats

STOPPING = Stopping(5e-5, 60)


def pooled(made: World) -> LogisticRegression:
    return LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(made.pooled, made.labels)


@pytest.mark.parametrize("parties", [2, 3, 4])
def test_the_model_is_the_one_that_pooled_data_would_give(parties: int) -> None:
    made = world(parties, 1500)
    ears = Ears()
    coefficients, intercept, account = trained(made, STOPPING, ears.on)
    reference = pooled(made)
    assert account.converged and account.iterations <= 60
    assert np.abs(coefficients - reference.coef_[0]).max() < 1e-3
    assert abs(intercept - reference.intercept_[0]) < 1e-3
    scores = made.pooled @ coefficients + intercept
    true = roc_auc_score(made.labels, reference.decision_function(made.pooled))
    assert abs(roc_auc_score(made.labels, scores) - true) < 1e-3
    # The account that the label party keeps is of norms and rungs: one an iteration.
    assert [p.iteration for p in account.history] == [*range(1, account.iterations + 1)]
    for reader, _, message in ears.heard:
        assert not isinstance(message, GramShare) or reader == "bank"


def test_logits_beyond_the_first_period_still_end_at_the_right_optimum() -> None:
    made = world(2, 1500, strength=2.5, seed=4)
    coefficients, intercept, account = trained(made, STOPPING)
    reference = pooled(made)
    assert np.abs(reference.decision_function(made.pooled)).max() > 14
    assert account.converged and account.history[-1].rung > 1
    scale = np.abs(reference.coef_[0]).max()
    assert np.abs(coefficients - reference.coef_[0]).max() < 1e-3 * max(1.0, scale)
    assert abs(intercept - reference.intercept_[0]) < 1e-3 * max(1.0, scale)


def test_training_that_may_not_go_on_says_that_it_did_not_converge() -> None:
    _, _, account = trained(world(2, 300), Stopping(1e-6, 2))
    assert account.converged is False and account.iterations == 2


def test_a_label_party_that_never_ends_training_is_given_no_more_gradients() -> None:
    """The others count for themselves: after the plan's most gradients they stop."""
    made = world(2, 300)
    asked: list[int] = []

    def endless(session: Session) -> None:
        send = session.egress.send

        def changed(to: PartyId, message: object) -> None:
            if isinstance(message, Direction):
                message = Direction(Move.STEP, DisclosedNumbers.of([0.0] * len(message.coefficients.values)))
            send(to, message)  # type: ignore[arg-type]

        if session.me == "bank":
            session.egress.send = changed  # type: ignore[method-assign]

    def watch(session: Session) -> None:
        endless(session)
        if session.me == "platform":
            asked.append(1)

    with pytest.raises(WireRefused, match="did not end after 3 gradients") as refused:
        trained(made, Stopping(1e-4, 3), watch)
    assert refused.value.party == "bank"


def test_a_party_whose_columns_are_not_whitened_to_the_announced_width_does_not_train() -> None:
    made = world(2, 300)
    widths = {**made.widths, PartyId("platform"): 2}

    def helper(session: Session) -> None:
        features = Whitening.fit(made.columns["platform"]).apply(made.columns["platform"])
        train(
            HelperGradient(session, Private(features), SCHEME, widths),
            np.eye(3),
            np.zeros(3),
            Stopping(),
        )

    def label(session: Session) -> None:
        ones = np.ones((300, 1))
        side = LabelGradient(session, Private(ones), Private(made.labels), SCHEME, widths)
        side.gradient(np.zeros(1))

    with pytest.raises(WireRefused):
        run_seats(TWO, {"bank": label, "platform": helper, AGGREGATOR: lambda session: None})


def test_a_pull_holds_the_model_to_another_one() -> None:
    """With penalty P and pull P c the optimum is that of a model whose coefficients are counted from c."""
    made, centre, weight = world(2, 300), 0.5, 200.0

    def part(session: Session) -> tuple[Any, bool]:
        columns = made.columns[session.me]
        whitening = Whitening.fit(columns)
        features, penalty = whitening.apply(columns), whitening.penalty(weight)
        held = np.linalg.lstsq(whitening.w, np.full(columns.shape[1], centre), rcond=None)[0]
        pull, start = penalty @ held, held
        if session.role is Role.LABEL:
            features, penalty, start = with_intercept(features, penalty, float(made.labels.mean()))
            pull = np.concatenate([[0.0], pull])
        result = train(side_of(session, features, made), penalty, start, STOPPING, pull=pull)
        block = result.theta[1:] if session.role is Role.LABEL else result.theta
        return whitening.unwhiten(block), bool(result.converged)

    out = run_seats(TWO, {**dict.fromkeys(made.columns, part), AGGREGATOR: lambda session: None})
    coefficients = np.concatenate([out[name][0] for name in made.columns])

    def objective(theta: Any) -> Any:
        z, off = made.pooled @ theta[1:] + theta[0], theta[1:] - centre
        return np.logaddexp(0, z).sum() - made.labels @ z + weight / 2 * off @ off

    reference = minimize(objective, np.zeros(1 + made.pooled.shape[1]), method="BFGS").x
    assert out["bank"][1] and np.abs(coefficients - reference[1:]).max() < 1e-3
