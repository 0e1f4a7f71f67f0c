"""One party's part of a round: from the shared vector and its own rows to an update of the vector.

Federated averaging (McMahan et al., AISTATS 2017): a few epochs of Adam (Kingma and Ba, ICLR 2015) on the
party's own rows, begun afresh in every round. Adam and not plain SGD: a coefficient of a rare code moves as
fast as one of a common number, and parties with a few hundred rows take few steps. The learning rate should
fall to zero over the rounds (`schedule = "cosine"`): otherwise the last round's sampling noise stays in the
model.

With strategy = "scaffold" every step is corrected by what this party's gradient at the shared vector lacks of
all parties' (Karimireddy et al., "SCAFFOLD", ICML 2020, with every party in every round and fresh gradients):
parties whose rows differ then step together and do not drift each to its own optimum.

Repeatable: order, dropout, the rows that are taken and noise follow from (seed, party, round) and from
nothing else, on one thread, on which torch's CPU kernels add in a fixed order. So a round that is begun again
after a crash gives the same update bit for bit, on the same machine and version of torch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from crypto.errors import UsageError
from crypto.private import Private
from crypto.summation.stream import KeyStream
from federation import files
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.tables import Model, Training
from parties.evaluation.delong import auc
from parties.evaluation.inputs import labelled
from parties.features.support import Floats, Mask
from parties.horizontal.examples import Examples, derived
from parties.horizontal.models import personal_parts
from parties.horizontal.recordwise import (
    RecordPrivacy,
    StreamNoiseOptimizer,
    by_row,
    check_recordwise,
    sampled,
    take_none,
)
from parties.horizontal.shares import Shares
from parties.horizontal.vector import Layout

#: Adam's decay rates. The first is below the usual 0.9: a small party takes a few dozen steps in a round, and
#: a long memory of the first of them carries it away from what the others find.
_BETAS = (0.5, 0.999)

#: Rows scored at a time, to bound memory.
_CHUNK = 8192


@dataclass(frozen=True, slots=True, repr=False)
class Update:
    """What a round of local training gives; none of it leaves the party as it is.

    `delta` (size,) is the trained vector less the shared one, exactly 0 where the model stays local.
    `personal` (m,) is the local part after training, empty unless the strategy is "personalised": the caller
    keeps it and hands it to the next round.
    """

    delta: Private[Floats]
    personal: Private[Floats]


@dataclass(frozen=True, slots=True, repr=False)
class Validation:
    """How a vector does on a party's own validation rows.

    `loss` is the mean log loss, each row with its class weight, and `weight` the sum of these weights: so the
    loss over all parties is sum(loss * weight) / sum(weight). `auc` is None where fewer than two rows of an
    outcome are there. Both depend on rows without any noise.
    """

    loss: float
    weight: float
    auc: float | None


class LocalTrainer:
    """Trains one party's copy of the model, and holds nothing between rounds but the rows."""

    def __init__(
        self,
        party: PartyId,
        model: Model,
        network: nn.Module,
        training: Training,
        rows: Private[Examples],
        *,
        seed: bytes,
        class_counts: tuple[int, int] | None = None,
        privacy: RecordPrivacy | None = None,
        shares: Shares | None = None,
    ) -> None:
        """`network` is what `models.build` made of `model`; its values are overwritten in every round.

        `seed`: 16 bytes or more that the party alone knows and keeps with its run; who knows it can take the
        noise off again. `class_counts`: good and bad rows over all parties, for class_weight = "balanced".
        `privacy`: train with DP-SGD. `shares`: for "scaffold". Raises `UsageError` where a party has no rows
        or counts are missing, and `PlanRefused` where the model cannot be trained so.
        """
        examples = rows.open_locally()
        if not len(examples):
            raise UsageError(
                "there is no row to train on", party=party, advice="Leave the party out of this round."
            )
        if len(seed) < 16:
            raise UsageError("a training seed has 16 bytes or more", advice="Draw it with os.urandom.")
        self.party = party
        self.layout = Layout.of(network)
        self._network = network
        self._training = training
        self._examples = examples
        self._seed = seed
        self._weights = _class_weights(training, class_counts)
        self._personal = self._mask(model)
        self._privacy = privacy
        self.shares = shares
        if privacy is not None:
            check_recordwise(network, examples.numeric.shape[1], examples.codes.shape[1], party)
        self.sampling = None if privacy is None else privacy.sampling(len(examples), *self._batching)

    @property
    def personal_size(self) -> int:
        """How many values of the vector stay at this party."""
        return int(self._personal.sum())

    def run(
        self,
        current: Floats,
        number: int,
        personal: Private[Floats] | None = None,
        correction: Private[Floats] | None = None,
    ) -> Update:
        """Train from the shared vector `current` (size,) in round `number` (from 1).

        `personal` is that of the round before; None begins with the shared vector's own values. `correction`
        (size,) is added to the gradient of every step. Raises `PlanRefused` where the model diverges: nothing
        of it may reach a sum.
        """
        start = self.merged(current, personal)
        with _one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(self._seed, f"dropout|{self.party}|{number}"))
            self.layout.write(self._network, start)
            # What the network holds is rounded to float32: the update is measured from there.
            held = self.layout.read(self._network)
            self._network.train()
            if self._privacy is None:
                self._train(number, correction)
            else:
                self._train_recordwise(self._privacy, held, number)
            trained = self.layout.read(self._network)
        if not np.isfinite(trained).all():
            raise PlanRefused(
                "the model did not stay finite in local training",
                party=self.party,
                field="training.learning_rate",
                advice="Lower training.learning_rate in the plan and launch again.",
            )
        delta = np.where(self._personal, 0.0, trained - held)
        return Update(Private(delta), Private(trained[self._personal]))

    def gradient(self, vector: Floats) -> Private[Floats]:
        """The gradient (size,) of this party's mean loss and of its part of the penalty at `vector` (size,).

        Over all its rows, in one order, and without dropout: the same bits each time.
        """
        self.layout.write(self._network, vector)
        self._network.eval()
        self._network.zero_grad()
        rows = len(self._examples)
        with _one_thread():
            for start in range(0, rows, _CHUNK):
                chunk = self._examples.take(np.arange(start, min(start + _CHUNK, rows)))
                loss = self._loss(self._network, chunk) * (len(chunk) / rows)
                loss.backward()  # type: ignore[no-untyped-call]
        found = {name: value.grad for name, value in self._network.named_parameters()}
        gradient = np.concatenate(
            [
                _numbers(found[name], shape)
                for name, shape in zip(self.layout.names, self.layout.shapes, strict=True)
            ]
        )
        return Private(gradient + self._penalties() * vector)

    def merged(self, current: Floats, personal: Private[Floats] | None) -> Floats:
        """The vector that this party uses: the shared one, with its own part put in its place."""
        if personal is None:
            return current
        values = personal.open_locally()
        if values.shape != (self.personal_size,):
            raise UsageError(
                "the local part is not of this model",
                party=self.party,
                advice="Check that the saved round is of this plan.",
            )
        vector = current.copy()
        vector[self._personal] = values
        return vector

    def logits(self, vector: Floats, examples: Private[Examples]) -> Private[Floats]:
        """The logits (n,) of rows under `vector` (size,), as the model gives them outside training."""
        self.layout.write(self._network, vector)
        return Private(logits_of(self._network, examples.open_locally()))

    def validate(self, vector: Floats, examples: Private[Examples]) -> Private[Validation]:
        """Loss and AUC of `vector` (size,) on rows that were not trained on; at least one row."""
        rows = examples.open_locally()
        if not len(rows):
            raise UsageError(
                "there is no row to validate on",
                party=self.party,
                advice="Raise training.validation_share, or stop after a fixed number of rounds.",
            )
        logits = self.logits(vector, examples).open_locally()
        labels = rows.labels.numpy().astype(np.float64)
        weights = np.where(labels == 1, self._weights[1], self._weights[0])
        losses = np.logaddexp(0, logits) - labels * logits
        bad = rows.positives
        area = auc(labelled(labels, logits)).auc if 2 <= bad <= len(rows) - 2 else None
        weight = float(weights.sum())
        return Private(Validation(float(weights @ losses) / weight, weight, area))

    # -- one round ---------------------------------------------------------------------------------

    def _train(self, number: int, correction: Private[Floats] | None) -> None:
        optimiser = self._optimiser(number)
        steering = self._steering(correction)
        anchor = self._anchor()
        order = np.random.Generator(np.random.PCG64(derived(self._seed, f"order|{self.party}|{number}")))
        rows = len(self._examples)
        batch_size, epochs = self._batching
        for _ in range(epochs):
            # Batches of nearly one size: a last batch of a few rows would step as far as a full one.
            for places in np.array_split(order.permutation(rows), math.ceil(rows / batch_size)):
                batch = self._examples.take(places)
                optimiser.zero_grad()
                self._loss(self._network, batch).backward()  # type: ignore[no-untyped-call]
                self._pull(anchor)
                for parameter, penalty, lacking in steering:
                    if parameter.grad is not None:
                        parameter.grad.add_(parameter.detach() * penalty + lacking)
                optimiser.step()

    def _train_recordwise(self, privacy: RecordPrivacy, start: Floats, number: int) -> None:
        sampling = privacy.sampling(len(self._examples), *self._batching)
        binding = self._binding(privacy, start, number)
        chosen, noise = KeyStream(self._seed, f"rows|{binding}"), KeyStream(self._seed, f"noise|{binding}")
        expected = sampling.rate * len(self._examples)
        optimiser = StreamNoiseOptimizer(self._optimiser(number), privacy, expected, noise)
        anchor = self._anchor()
        # Beside the noise, and after it: neither depends on a row.
        optimiser.attach_step_hook(lambda _: self._pull(anchor))
        with by_row(self._network) as wrapped:
            for _ in range(sampling.steps):
                optimiser.zero_grad()
                places = sampled(chosen, len(self._examples), sampling.rate)
                if len(places):
                    self._loss(wrapped, self._examples.take(places)).backward()  # type: ignore[no-untyped-call]
                else:
                    take_none(wrapped)
                optimiser.step()

    @property
    def _batching(self) -> tuple[int, int]:
        return self._training.batch_size, self._training.local_epochs

    def _optimiser(self, number: int) -> torch.optim.Optimizer:
        rate = learning_rate(self._training, number)
        decay = self._training.weight_decay if self.shares is None else 0.0  # Else see `_steering`.
        # One parameter at a time: grouping kernels is for GPUs.
        return torch.optim.Adam(
            self._network.parameters(), lr=rate, betas=_BETAS, weight_decay=decay, foreach=False
        )

    def _loss(self, network: nn.Module, batch: Examples) -> torch.Tensor:
        logits = network(batch.numeric, batch.codes)
        weights = torch.where(batch.labels == 1, self._weights[1], self._weights[0])
        return nn.functional.binary_cross_entropy_with_logits(logits, batch.labels, weights)

    def _penalties(self) -> Floats:
        """The weight decay of each value (size,): with `shares` by where the rows are that move it."""
        decay = self._training.weight_decay
        return np.full(self.layout.size, decay) if self.shares is None else decay * self.shares.density

    def _steering(
        self, correction: Private[Floats] | None
    ) -> list[tuple[nn.Parameter, torch.Tensor, torch.Tensor]]:
        """Each parameter with its weight decay and what its gradient lacks; none without `shares`."""
        if self.shares is None:
            return []
        lacking = np.zeros(self.layout.size) if correction is None else correction.open_locally()
        penalties, parts = self.layout.arrays(self._penalties()), self.layout.arrays(lacking)
        return [
            (parameter, torch.from_numpy(penalties[name]), torch.from_numpy(parts[name]))
            for name, parameter in self._network.named_parameters()
        ]

    def _anchor(self) -> list[torch.Tensor]:
        if self._training.strategy != "fedprox":
            return []
        return [parameter.detach().clone() for parameter in self._network.parameters()]

    def _pull(self, anchor: list[torch.Tensor]) -> None:
        """Add the gradient of mu / 2 |w - w_shared|^2 (FedProx: Li et al., MLSys 2020)."""
        if anchor:
            for parameter, shared in zip(self._network.parameters(), anchor, strict=True):
                if parameter.grad is not None:
                    parameter.grad.add_(parameter.detach() - shared, alpha=self._training.mu)

    def _binding(self, privacy: RecordPrivacy, start: Floats, number: int) -> str:
        """A label for all that the noise is added to: for other rows or another vector there is other noise.

        Noise used twice on different gradients would be taken off by subtraction.
        """
        digest = hashlib.sha256(self.layout.digest)
        digest.update(files.canonical_json([self.party, number, repr(privacy), self._weights]))
        digest.update(self._training.model_dump_json().encode())
        for array in (start, *(part.numpy() for part in self._examples.parts)):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _mask(self, model: Model) -> Mask:
        if self._training.strategy != "personalised":
            return np.zeros(self.layout.size, dtype=bool)
        return self.layout.mask(personal_parts(model))


def learning_rate(training: Training, number: int) -> float:
    """The learning rate of round `number` (from 1): constant, or half a cosine towards zero."""
    if training.schedule == "constant":
        return training.learning_rate
    return training.learning_rate * (1 + math.cos(math.pi * (number - 1) / training.rounds)) / 2


def _class_weights(training: Training, counts: tuple[int, int] | None) -> tuple[float, float]:
    """What a good and a bad row weigh: n / (2 n_class) when balanced, so their mean is 1 over all rows."""
    if training.class_weight == "none":
        return 1.0, 1.0
    if counts is None or min(counts) < 1:
        raise UsageError(
            "balanced classes need both outcomes, counted over all parties",
            advice='Let the parties sum their class counts first, or set training.class_weight = "none".',
        )
    good, bad = counts
    return (good + bad) / (2 * good), (good + bad) / (2 * bad)


def _numbers(gradient: torch.Tensor | None, shape: tuple[int, ...]) -> Floats:
    """The gradient of a tensor, flat; 0 where no row reaches it."""
    if gradient is None:
        return np.zeros(math.prod(shape))
    return gradient.numpy().astype(np.float64).ravel()


def logits_of(network: nn.Module, examples: Examples) -> Floats:
    """The logits (n,) of rows, as the network gives them outside training."""
    network.eval()
    with _one_thread(), torch.no_grad():
        chunks = [
            network(examples.numeric[start : start + _CHUNK], examples.codes[start : start + _CHUNK])
            for start in range(0, len(examples), _CHUNK)
        ]
    return torch.cat(chunks).numpy().astype(np.float64) if chunks else np.empty(0)


@contextmanager
def _one_thread() -> Iterator[None]:
    """On several threads torch may add in another order from run to run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
