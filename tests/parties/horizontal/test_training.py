"""A round at one party: the same bits when it is begun again, and near what pooled rows would have given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from crypto.errors import UsageError
from crypto.private import Private
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.tables import Model, Training
from parties.features.support import Floats
from parties.horizontal.encoding import Encoded
from parties.horizontal.examples import Examples
from parties.horizontal.models import build
from parties.horizontal.recordwise import RecordPrivacy
from parties.horizontal.training import LocalTrainer, learning_rate

BANK, SEED = PartyId("bank"), bytes(range(32))
MLP = Model(kind="mlp", hidden=(8,), dropout=0.2)


def firms(count: int, seed: int, shift: float = 0.0) -> Examples:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(shift, 1, (count, 4)).astype(np.float32)
    codes = generator.integers(0, 3, (count, 1))
    logit = numbers @ [1.0, -0.5, 0.25, 0.0] + np.array([-1.0, 0.0, 1.5])[codes[:, 0]] - 1
    return Examples.of(Encoded(numbers, codes), generator.random(count) < 1 / (1 + np.exp(-logit)))


def trainer(
    rows: Examples,
    model: Model | None = None,
    *,
    party: PartyId = BANK,
    seed: bytes = SEED,
    privacy: RecordPrivacy | None = None,
    class_counts: tuple[int, int] | None = None,
    **training: Any,
) -> LocalTrainer:
    model = model or Model()
    network = build(model, 4, (3,), seed=7, approved={}, party=party)
    table = Training(**{"rounds": 10, "batch_size": 32, "schedule": "cosine", **training})
    return LocalTrainer(
        party, model, network, table, Private(rows), seed=seed, class_counts=class_counts, privacy=privacy
    )


def start(model: Model | None = None) -> Floats:
    made = trainer(firms(9, 1), model)
    return made.layout.read(build(model or Model(), 4, (3,), seed=7, approved={}, party=BANK))


def delta(made: LocalTrainer, number: int = 1, vector: Floats | None = None) -> Floats:
    shared = np.zeros(made.layout.size) if vector is None else vector
    return made.run(shared, number).delta.open_locally()


# -- repeatable ------------------------------------------------------------------------------------

PRIVACY = [None, RecordPrivacy(1.0, 1.0)]


@pytest.mark.parametrize("privacy", PRIVACY, ids=["plain", "by record"])
def test_a_round_that_is_begun_again_gives_the_same_bits(privacy: RecordPrivacy | None) -> None:
    rows, vector = firms(100, 1), start(MLP)
    first = trainer(rows, MLP, privacy=privacy)
    through = [delta(first, number, vector) for number in (1, 2, 3)]
    torch.manual_seed(12345)
    torch.rand(7)
    again = trainer(rows, MLP, privacy=privacy)
    np.testing.assert_array_equal(delta(again, 3, vector), through[2])
    np.testing.assert_array_equal(delta(again, 1, vector), through[0])
    assert not np.array_equal(through[0], through[1])


@pytest.mark.parametrize("privacy", PRIVACY, ids=["plain", "by record"])
def test_training_leaves_torchs_generator_and_threads_alone(privacy: RecordPrivacy | None) -> None:
    made = trainer(firms(50, 1), MLP, privacy=privacy)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        before = torch.random.get_rng_state()
        delta(made)
        assert torch.equal(torch.random.get_rng_state(), before)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_the_order_of_the_rows_is_each_partys_and_seeds_own() -> None:
    rows = firms(100, 1)
    made = [
        delta(trainer(rows)),
        delta(trainer(rows, party=PartyId("other"))),
        delta(trainer(rows, seed=bytes(32))),
    ]
    assert not any(np.array_equal(made[one], made[other]) for one, other in ((0, 1), (0, 2), (1, 2)))


# -- what it learns --------------------------------------------------------------------------------


def federate(parties: list[LocalTrainer], vector: Floats, rows: list[int], rounds: int = 10) -> Floats:
    for number in range(1, rounds + 1):
        mean = sum(delta(made, number, vector) * count for made, count in zip(parties, rows, strict=True))
        vector = vector + mean / sum(rows)
    return vector


def onehot(rows: Examples) -> Floats:
    return np.hstack([rows.numeric.numpy(), np.eye(3)[rows.codes[:, 0].numpy()]])


def test_three_parties_reach_what_pooled_rows_give() -> None:
    own = [firms(600, 1), firms(300, 2, 0.7), firms(200, 3, -0.7)]
    test = firms(5000, 9)
    pooled = LogisticRegression().fit(
        np.vstack([onehot(rows) for rows in own]), np.concatenate([rows.labels for rows in own])
    )
    best = roc_auc_score(test.labels, pooled.decision_function(onehot(test)))
    parties = [trainer(rows, party=PartyId(f"bank-{place}")) for place, rows in enumerate(own)]
    vector = federate(parties, start(), [len(rows) for rows in own])
    logits = parties[0].logits(vector, Private(test)).open_locally()
    assert roc_auc_score(test.labels, logits) == pytest.approx(best, abs=0.003)
    alone = federate([parties[2]], start(), [1], rounds=1)
    assert roc_auc_score(test.labels, parties[0].logits(alone, Private(test)).open_locally()) < best - 0.003


def test_balanced_classes_weigh_by_the_counts_of_all_parties() -> None:
    rows = firms(400, 1)
    bad = rows.positives
    plain, balanced, swapped = (
        trainer(rows, class_weight=weight, class_counts=counts)
        for weight, counts in (
            ("none", None),
            ("balanced", (400 - bad, bad)),
            ("balanced", (bad, 400 - bad)),
        )
    )
    means = [
        float(made.logits(federate([made], start(), [1]), Private(rows)).open_locally().mean())
        for made in (plain, balanced, swapped)
    ]
    assert means[1] > means[0] + 0.3
    assert means[2] < means[0] - 0.3
    with pytest.raises(UsageError, match="counted over all parties"):
        trainer(rows, class_weight="balanced")
    with pytest.raises(UsageError, match="counted over all parties"):
        trainer(rows, class_weight="balanced", class_counts=(3, 0))


def test_the_learning_rate_falls_to_zero_over_the_rounds() -> None:
    constant = Training(learning_rate=0.4, rounds=4, schedule="constant")
    assert [learning_rate(constant, number) for number in (1, 4)] == [0.4, 0.4]
    falling = Training(learning_rate=0.4, rounds=4, schedule="cosine")
    assert [round(learning_rate(falling, number), 4) for number in (1, 2, 3, 5)] == [0.4, 0.3414, 0.2, 0.0]


def test_fedprox_holds_the_model_to_the_shared_one() -> None:
    rows, vector = firms(200, 1), start()
    free, held, tight = (
        float(np.linalg.norm(delta(trainer(rows, strategy=name, mu=mu), 1, vector)))
        for name, mu in (("fedavg", 100.0), ("fedprox", 0.1), ("fedprox", 100.0))
    )
    assert tight < held < free
    assert tight < 0.25 * free


def test_fedprox_with_no_pull_is_federated_averaging() -> None:
    rows = firms(100, 1)
    np.testing.assert_array_equal(
        delta(trainer(rows, strategy="fedprox", mu=0.0)), delta(trainer(rows, strategy="fedavg"))
    )


def test_fedprox_finds_the_minimum_of_its_own_objective() -> None:
    """Where training has converged, the rows' gradient and mu (w - w_shared) cancel."""
    rows, mu, shared = firms(64, 1), 0.5, np.full(8, 0.3)
    made = trainer(
        rows, strategy="fedprox", mu=mu, weight_decay=0.0, local_epochs=100, batch_size=64, learning_rate=0.02
    )
    moved = shared + delta(made, 1, shared)
    logits = made.logits(moved, Private(rows)).open_locally()
    residual = 1 / (1 + np.exp(-logits)) - rows.labels.numpy()
    features = np.hstack([rows.numeric.numpy(), np.ones((64, 1)), np.eye(3)[rows.codes[:, 0].numpy()]])
    gradient = features.T @ residual / 64 + mu * (moved - shared)
    assert np.abs(gradient).max() < 2e-3
    assert np.abs(mu * (moved - shared)).max() > 0.02


# -- personalised ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "local"), [(Model(), 1), (MLP, 9)])
def test_the_local_part_stays_and_goes_on_from_round_to_round(model: Model, local: int) -> None:
    made = trainer(firms(200, 1), model, strategy="personalised")
    vector = start(model)
    own = made._personal
    first = made.run(vector, 1)
    assert made.personal_size == own.sum() == local
    assert not first.delta.open_locally()[own].any()
    assert first.delta.open_locally()[~own].any()
    kept = first.personal.open_locally()
    assert not np.array_equal(kept, vector[own])
    with_it, without = made.run(vector, 2, first.personal), made.run(vector, 2)
    assert not np.array_equal(with_it.delta.open_locally(), without.delta.open_locally())
    np.testing.assert_array_equal(made.merged(vector, first.personal)[own], kept)
    np.testing.assert_array_equal(made.merged(vector, first.personal)[~own], vector[~own])


def test_a_local_part_of_another_model_is_refused() -> None:
    made = trainer(firms(50, 1), strategy="personalised")
    with pytest.raises(UsageError, match="local part"):
        made.run(start(), 1, Private(np.zeros(2)))


def test_in_other_strategies_nothing_stays_local() -> None:
    made = trainer(firms(50, 1))
    assert made.personal_size == 0
    assert made.run(start(), 1).personal.open_locally().size == 0


def test_an_own_intercept_helps_a_party_whose_firms_default_more() -> None:
    base = firms(600, 1)
    worse = Examples(
        base.numeric, base.codes, torch.maximum(base.labels, (torch.arange(600) % 3 == 0).float())
    )
    own = [base, worse]
    losses = {}
    for strategy in ("fedavg", "personalised"):
        parties = [trainer(rows, party=PartyId(f"bank-{n}"), strategy=strategy) for n, rows in enumerate(own)]
        vector, parts = start(), [None, None]
        for number in range(1, 11):
            updates = [made.run(vector, number, part) for made, part in zip(parties, parts, strict=True)]
            vector = vector + sum(update.delta.open_locally() for update in updates) / 2
            parts = [update.personal for update in updates]
        losses[strategy] = [
            made.validate(made.merged(vector, part), Private(rows)).open_locally().loss
            for made, part, rows in zip(parties, parts, own, strict=True)
        ]
    assert losses["personalised"][0] < losses["fedavg"][0]
    assert losses["personalised"][1] < losses["fedavg"][1]


# -- by record -------------------------------------------------------------------------------------


def test_noise_by_record_is_there_and_the_model_learns_still() -> None:
    rows, test = firms(2000, 1), firms(3000, 9)
    plain, noisy, drowned = (
        trainer(rows, privacy=privacy)
        for privacy in (None, RecordPrivacy(1.0, 1.0), RecordPrivacy(1.0, 1000.0))
    )
    areas = [
        roc_auc_score(
            test.labels, made.logits(federate([made], start(), [1], 5), Private(test)).open_locally()
        )
        for made in (plain, noisy, drowned)
    ]
    assert areas[0] - 0.05 < areas[1]
    assert areas[2] < areas[0] - 0.1


def test_the_accountant_is_told_what_is_done() -> None:
    made = trainer(firms(330, 1), privacy=RecordPrivacy(1.0, 1.3), batch_size=33, local_epochs=3)
    assert made.sampling is not None
    assert (made.sampling.rate, made.sampling.steps, made.sampling.noise_multiplier) == (0.1, 30, 1.3)
    assert trainer(firms(30, 1)).sampling is None


def test_as_many_noisy_steps_are_taken_as_were_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from parties.horizontal import recordwise

    steps = []
    own = recordwise.StreamNoiseOptimizer.add_noise
    monkeypatch.setattr(
        recordwise.StreamNoiseOptimizer, "add_noise", lambda self: (steps.append(1), own(self))[1]
    )
    made = trainer(firms(100, 1), privacy=RecordPrivacy(1.0, 1.0), batch_size=8, local_epochs=4)
    delta(made)
    assert made.sampling is not None
    assert len(steps) == made.sampling.steps == 4 * 13


def test_noise_is_never_used_for_another_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """With equal noise the difference of two updates would be that of the rows."""
    from parties.horizontal import training

    drawn: list[str] = []
    own = training.KeyStream

    def watched(secret: bytes, label: str) -> Any:
        drawn.append(label)
        return own(secret, label)

    monkeypatch.setattr(training, "KeyStream", watched)

    def labels(made: LocalTrainer, number: int = 1, shift: float = 0.0) -> tuple[str, ...]:
        drawn.clear()
        delta(made, number, start() + shift)
        return tuple(drawn)

    one, privacy = firms(64, 1), RecordPrivacy(1.0, 1.0)
    relabelled = Examples(one.numeric, one.codes, 1 - one.labels)
    used = [
        labels(trainer(one, privacy=privacy)),
        labels(trainer(firms(64, 2), privacy=privacy)),
        labels(trainer(relabelled, privacy=privacy)),
        labels(trainer(one, privacy=privacy), shift=1e-3),
        labels(trainer(one, privacy=privacy), number=2),
        labels(trainer(one, privacy=privacy, batch_size=16)),
        labels(trainer(one, privacy=RecordPrivacy(1.0, 1.1))),
        labels(trainer(one, privacy=privacy, party=PartyId("other"))),
    ]
    assert labels(trainer(one, privacy=privacy)) == used[0]
    assert all(len(pair) == 2 for pair in used)
    assert len({label for pair in used for label in pair}) == 2 * len(used)


def test_fedprox_and_noise_go_together() -> None:
    rows, privacy = firms(300, 1), RecordPrivacy(1.0, 1.0)
    free = delta(trainer(rows, privacy=privacy))
    tight = delta(trainer(rows, privacy=privacy, strategy="fedprox", mu=100.0))
    assert np.linalg.norm(tight) < np.linalg.norm(free)


@pytest.mark.parametrize("numeric", [0, 2])
def test_training_by_record_takes_any_columns(numeric: int) -> None:
    model = Model()
    rows = Examples(torch.ones((40, numeric)), torch.arange(40)[:, None] % 3, (torch.arange(40) % 2).float())
    network = build(model, numeric, (3,), seed=7, approved={}, party=BANK)
    made = LocalTrainer(
        BANK, model, network, Training(), Private(rows), seed=SEED, privacy=RecordPrivacy(1.0, 1.0)
    )
    assert np.isfinite(delta(made)).all()


# -- validation, and what is refused ---------------------------------------------------------------


def test_validation_is_the_mean_log_loss_and_the_auc() -> None:
    rows = firms(300, 1)
    made = trainer(rows)
    vector = start() + delta(made)
    told = made.validate(vector, Private(rows)).open_locally()
    logits = made.logits(vector, Private(rows)).open_locally()
    chance, labels = 1 / (1 + np.exp(-logits)), rows.labels.numpy()
    expected = -np.mean(labels * np.log(chance) + (1 - labels) * np.log(1 - chance))
    assert told.loss == pytest.approx(expected, rel=1e-6)
    assert told.weight == 300
    assert told.auc == pytest.approx(roc_auc_score(labels, logits))
    assert "0." not in repr(told)


def test_validation_weighs_as_training_does() -> None:
    rows = firms(100, 1)
    good, bad = 100 - rows.positives, rows.positives
    made = trainer(rows, class_weight="balanced", class_counts=(good, bad))
    assert made.validate(start(), Private(rows)).open_locally().weight == pytest.approx(100)


def test_one_outcome_alone_has_no_auc() -> None:
    rows = firms(300, 1)
    good = rows.take(np.flatnonzero(rows.labels.numpy() == 0)[:20])
    assert trainer(rows).validate(start(), Private(good)).open_locally().auc is None
    with pytest.raises(UsageError, match="no row to validate"):
        trainer(rows).validate(start(), Private(rows.take(np.array([], dtype=np.int64))))


def test_a_model_that_diverges_is_refused_before_any_sum() -> None:
    rows = firms(100, 1)
    broken = Examples(rows.numeric * torch.inf, rows.codes, rows.labels)
    with pytest.raises(PlanRefused, match="did not stay finite") as refused:
        delta(trainer(broken))
    assert refused.value.party == BANK


def test_a_party_without_rows_and_a_weak_seed_are_refused() -> None:
    with pytest.raises(UsageError, match="no row to train"):
        trainer(firms(5, 1).take(np.array([], dtype=np.int64)))
    with pytest.raises(UsageError, match="16 bytes"):
        trainer(firms(5, 1), seed=bytes(8))
