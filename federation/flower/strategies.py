"""Flower's strategies as the server's optimiser, run by every party over a sum that was opened already.

In Flower a strategy runs at the server, on the updates of single nodes. Here no server may see one: the
secure sum gives every party the mean, and each hands it to the same strategy as the reply of one node. What
the strategy makes of a mean - nothing more, a momentum, an adaptive step - is Flower's own code.

    fedavg, personalised,           the mean itself (what the last three change happens in local training)
    fedprox, scaffold
    fedadam                         Reddi et al., "Adaptive federated optimization", ICLR 2021, algorithm 2

FedAdam as Flower 1.41 has it departs from that algorithm twice: v starts at 0, not at tau^2 or more; and the
server's learning rate is corrected for the moments' start, sqrt(1 - beta_2^(t+1)) / (1 - beta_1^(t+1)) in
round t from 1 (Kingma and Ba, ICLR 2015, which has t where Flower has t + 1).

Every party must get the same vector. Sums, products, quotients and square roots round alike everywhere
(IEEE 754); the powers in that correction need not, from one processor to the next. So a step is rounded to
float32, which the model holds anyway: a last bit of a float64 then almost never shows. The parties compare
what they hold, as they do anyhow.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, Message, MessageType, Metadata, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAdam, FedAvg, FedProx

from federation.errors import PlanRefused, Refusal, UsageError

Floats = npt.NDArray[np.float64]

#: A strategy of a plan, by name.
NAMES: Final = ("fedavg", "scaffold", "fedprox", "fedadam", "personalised")

_VECTOR, _ROWS = "vector", "num-examples"
#: The run and the nodes of the reply: the strategy looks at neither.
_NONE = 0


class ServerOptimiser:
    """One strategy and its state. Equal calls at all parties give equal vectors."""

    def __init__(self, name: str, strategy: FedAvg) -> None:
        self._name = name
        self._strategy = strategy

    @staticmethod
    def of(name: str, *, learning_rate: float = 0.1, mu: float = 0.01) -> ServerOptimiser:
        """The strategy `name` of a plan.

        `learning_rate` is FedAdam's step at the server; its beta_1 = 0.9, beta_2 = 0.99 and tau = 1e-3 are
        Flower's defaults. `mu` is FedProx's, for the record: local training applies it. Raises `PlanRefused`
        for another name.
        """
        with _quiet():
            if name in ("fedavg", "scaffold", "personalised"):
                return ServerOptimiser(name, FedAvg())
            if name == "fedprox":
                return ServerOptimiser(name, FedProx(proximal_mu=mu))
            if name == "fedadam":
                return ServerOptimiser(name, FedAdam(eta=learning_rate))
        raise PlanRefused(
            "there is no such training strategy",
            field="training.strategy",
            advice=f"Choose one of: {', '.join(NAMES)}.",
        )

    def step(self, number: int, current: Floats, mean_delta: Floats) -> Floats:
        """The vector after round `number` (from 1), from the one before and the opened mean of the updates.

        All are float64 (n,); the result holds float32 values. Rounds come in order, each once: the moments
        move with every call. Raises `Refusal` where anything is not finite: then nothing has moved.
        """
        if current.ndim != 1 or current.shape != mean_delta.shape:
            raise UsageError(
                "the mean of the updates is not of this model: its length differs",
                advice="Check that every party runs the same plan and version of Isthmus.",
            )
        before = self._moments()
        if any(moment.shape != current.shape for moment in before.values()):
            raise UsageError("the strategy's saved state is of another model", advice=_BEGIN_AGAIN)
        if isinstance(self._strategy, FedAdam):
            self._strategy.current_arrays = {_VECTOR: current}
        with _quiet(), np.errstate(all="ignore"):
            arrays, _ = self._strategy.aggregate_train(number, [_reply(current + mean_delta)])
            if arrays is None:
                raise Refusal("Flower's strategy gave no vector", advice=_VERSION)
            vector: Floats = arrays[_VECTOR].numpy().astype(np.float32).astype(np.float64)
        # A moment that is infinite would hold its coordinate still for ever, and the vector look sound.
        if not all(np.isfinite(values).all() for values in (vector, *self._moments().values())):
            self._set_moments(before)
            raise Refusal(
                "the model is not finite after the server's step",
                advice="Lower training.learning_rate or training.server_learning_rate and launch again.",
            )
        return vector

    def to_dict(self) -> dict[str, Any]:
        """The state as plain values for JSON: the moments as base64 of little-endian float64."""
        moments = {
            name: base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")
            for name, values in self._moments().items()
        }
        return {"strategy": self._name, "moments": moments}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take up the state that `to_dict` gave, of the same strategy; the next step continues bit for bit.

        Raises `UsageError` for anything else, and then nothing has changed.
        """
        try:
            if set(saved) != {"strategy", "moments"} or saved["strategy"] != self._name:
                raise ValueError("not this strategy's state")
            moments = {
                str(name): np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(
                    np.float64
                )
                for name, text in saved["moments"].items()
            }
            known = set(_MOMENTS) if isinstance(self._strategy, FedAdam) else set()
            if set(moments) not in (set(), known) or len({len(values) for values in moments.values()}) > 1:
                raise ValueError("not this strategy's moments")
            if not all(np.isfinite(values).all() for values in moments.values()):
                raise ValueError("moments that are not finite")
        except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
            raise UsageError(
                "this is not the state of the plan's training strategy",
                advice=_BEGIN_AGAIN,
            ) from None
        self._set_moments(moments)

    @staticmethod
    def from_dict(
        saved: Mapping[str, Any], *, learning_rate: float = 0.1, mu: float = 0.01
    ) -> ServerOptimiser:
        """A strategy with the state of `to_dict`; `learning_rate` and `mu` come from the plan again."""
        optimiser = ServerOptimiser.of(str(saved.get("strategy")), learning_rate=learning_rate, mu=mu)
        optimiser.restore(saved)
        return optimiser

    def _moments(self) -> dict[str, Floats]:
        """The moments that are there: none before the first step, and none where the strategy keeps none."""
        kept = {name: getattr(self._strategy, name, None) for name in _MOMENTS}
        return {name: values[_VECTOR] for name, values in kept.items() if values}

    def _set_moments(self, moments: Mapping[str, Floats]) -> None:
        if isinstance(self._strategy, FedAdam):
            for name in _MOMENTS:
                setattr(self._strategy, name, {_VECTOR: moments[name]} if name in moments else None)


#: Where Flower's FedOpt family keeps its moments.
_MOMENTS = ("m_t", "v_t")

_VERSION = "Check that the pinned version of flwr is installed."
_BEGIN_AGAIN = "Let the round begin again: its saved state was changed or is of another plan."


def _reply(vector: Floats) -> Message:
    """What a node would have answered that trained to `vector` alone."""
    content = RecordDict(
        {
            "arrays": ArrayRecord({_VECTOR: Array(vector)}),
            "metrics": MetricRecord({_ROWS: 1}),
        }
    )
    # A message without metadata asks which Flower task it belongs to, and a party's session is none.
    metadata = Metadata(
        run_id=_NONE,
        message_id="",
        src_node_id=_NONE,
        dst_node_id=_NONE,
        reply_to_message_id="",
        group_id="",
        created_at=0.0,
        ttl=1.0,
        message_type=MessageType.TRAIN,
    )
    return Message(content=content, metadata=metadata)


@contextmanager
def _quiet() -> Iterator[None]:
    """Flower reports one result and no failure in every round, which says nothing here."""
    logger = logging.getLogger("flwr")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
