"""The torch models of a horizontal run: (numeric float32 n x d, codes int64 n x k) to n logits.

Every party builds the same model with the same first values: those of the built-in kinds come from the
plan's seed through numpy's PCG64, whose uniform doubles are the same on every machine.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from crypto.codes import Code
from federation.errors import PlanRefused
from federation.tables import Model
from parties.horizontal.modules import load_factory
from parties.horizontal.vector import Layout

#: What stays at a party under strategy = "personalised": its intercept, or the layer that gives the logit.
_PERSONAL = {"logistic": ("linear.bias",), "mlp": ("head",), "module": ("head",)}

#: Rows of the probe that a party's own module must stand, its label in errors.
_PROBE = 8


class Logistic(nn.Module):
    """w . x + b, and one offset for each code of each categorical column. Starts at zero."""

    def __init__(self, numeric: int, cardinalities: tuple[int, ...]) -> None:
        super().__init__()
        self.linear = _linear(numeric, 1)
        self.offsets = _embeddings(cardinalities, [1] * len(cardinalities))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()

    def forward(self, numeric: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """The logits (n,)."""
        logits: torch.Tensor = self.linear(numeric)
        for column, offset in enumerate(self.offsets):
            logits = logits + offset(codes[:, column])
        return logits.squeeze(1)


class Perceptron(nn.Module):
    """Embeddings of the codes beside the numbers, hidden layers with ReLU and dropout, one linear head.

    A column of c codes is embedded in min(`embedding`, ceil(c / 2)) dimensions.
    """

    def __init__(self, model: Model, numeric: int, cardinalities: tuple[int, ...], seed: int) -> None:
        super().__init__()
        widths = [min(model.embedding, math.ceil(levels / 2)) for levels in cardinalities]
        self.embeddings = _embeddings(cardinalities, widths)
        layers: list[nn.Module] = []
        width = numeric + sum(widths)
        for units in model.hidden:
            layers += [_linear(width, units), nn.ReLU(), nn.Dropout(model.dropout)]
            width = units
        self.trunk = nn.Sequential(*layers)
        self.head = _linear(width, 1)
        _initialise(self, seed)

    def forward(self, numeric: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """The logits (n,)."""
        embedded = [embedding(codes[:, column]) for column, embedding in enumerate(self.embeddings)]
        logits: torch.Tensor = self.head(self.trunk(torch.cat([numeric, *embedded], dim=1)))
        return logits.squeeze(1)


def build(
    model: Model,
    numeric: int,
    cardinalities: tuple[int, ...],
    *,
    seed: int,
    approved: Mapping[str, str],
    party: str,
) -> nn.Module:
    """The model of a plan over `numeric` numbers and one code below each of `cardinalities`.

    `seed` fixes the first values. `approved` is what this party approved of modules of its own
    (`modules.approvals`), `party` whom an error names. Raises `PlanRefused` where there is no column at all,
    and for a module that is not approved, keeps running statistics or does not give one finite logit a row.

    A module's first values are drawn by torch after `torch.manual_seed(seed)`; torch promises no equal
    numbers on other machines, so parties compare the first vector before they train.
    """
    if numeric + len(cardinalities) == 0:
        raise PlanRefused(
            "no column is left to train on",
            party=party,
            advice="Look at the notes of the encoding: every column was constant, missing or too rare.",
            code=Code.NO_FEATURE,
        )
    if model.kind == "logistic":
        return Logistic(numeric, cardinalities)
    if model.kind == "mlp":
        return Perceptron(model, numeric, cardinalities, seed)
    return _own(model, numeric, cardinalities, seed, approved, party)


def code_parts(model: Model, columns: int) -> dict[str, int]:
    """The tensors that hold one row for each code, by name: which of the `columns` categorical columns."""
    if model.kind == "module":
        return {}
    part = "offsets" if model.kind == "logistic" else "embeddings"
    return {f"{part}.{column}.weight": column for column in range(columns)}


def personal_parts(model: Model) -> tuple[str, ...]:
    """What stays local under strategy = "personalised", as name prefixes for `Layout.mask`."""
    return _PERSONAL[model.kind]


def _linear(inputs: int, outputs: int) -> nn.Module:
    """A linear layer with values to be set by the caller: torch would draw them from its global generator."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Initializing zero-element tensors", UserWarning)
        return nn.utils.skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call, no-any-return]


def _embeddings(cardinalities: Sequence[int], widths: Sequence[int]) -> nn.ModuleList:
    """An embedding for each column, with values to be set by the caller."""
    return nn.ModuleList(
        nn.utils.skip_init(nn.Embedding, levels, width)  # type: ignore[no-untyped-call]
        for levels, width in zip(cardinalities, widths, strict=True)
    )


def _initialise(model: nn.Module, seed: int) -> None:
    """Uniform within 1 / sqrt(inputs), as torch does for linear layers; embeddings within 0.1."""
    generator = np.random.Generator(np.random.PCG64(seed))
    bounds: dict[str, float] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(max(layer.in_features, 1))
            bounds |= {f"{name}.weight": bound, f"{name}.bias": bound}
        elif isinstance(layer, nn.Embedding):
            bounds[f"{name}.weight"] = 0.1
    layout = Layout.of(model)
    drawn = [
        bounds[name] * (2 * generator.random(math.prod(shape)) - 1)
        for name, shape in zip(layout.names, layout.shapes, strict=True)
    ]
    layout.write(model, np.concatenate(drawn))


def _own(
    model: Model,
    numeric: int,
    cardinalities: tuple[int, ...],
    seed: int,
    approved: Mapping[str, str],
    party: str,
) -> nn.Module:
    if model.module is None or model.module_sha256 is None:
        raise PlanRefused('kind = "module" needs module and module_sha256', party=party, field="model.module")
    factory = load_factory(model.module, model.module_sha256, approved, party)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = factory(numeric, cardinalities)
        if not isinstance(built, nn.Module):
            raise _unfit("the factory does not return a torch.nn.Module", party, "Return one.")
        _refuse_running_statistics(built, party)
        Layout.of(built)
        _probe(built, numeric, cardinalities, party)
    return built.train()


def _refuse_running_statistics(built: nn.Module, party: str) -> None:
    if any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in built.modules()):
        raise _unfit("the module normalises over the rows of a batch (BatchNorm)", party, _NORMS)
    names = [name.rpartition(".")[2] for name, _ in built.named_buffers()]
    if any(name in ("running_mean", "running_var", "num_batches_tracked") for name in names):
        raise _unfit("the module keeps running statistics of its rows", party, _NORMS)


_NORMS = (
    "Use LayerNorm or GroupNorm: averages over the rows of one party are no gradient, so their effect on the "
    "sum cannot be bounded or noised like one."
)


def _probe(built: nn.Module, numeric: int, cardinalities: tuple[int, ...], party: str) -> None:
    """Run the module on rows of noise, as training and as scoring would."""
    rows = torch.randn(_PROBE, numeric)
    codes = torch.stack([torch.arange(_PROBE) % levels for levels in (*cardinalities, 1)], dim=1)[:, :-1]
    before = {name: buffer.clone() for name, buffer in built.named_buffers()}
    with torch.no_grad():
        trained = built.train()(rows, codes)
        scored = built.eval()(rows, codes)
        alone = built(rows[:1], codes[:1])
    for logits, count in ((trained, _PROBE), (scored, _PROBE), (alone, 1)):
        if not isinstance(logits, torch.Tensor) or logits.shape != (count,):
            raise _unfit("the module does not give one logit a row", party, "Return a tensor of shape (n,).")
        if not torch.isfinite(logits).all():
            raise _unfit("the module gives a logit that is not finite", party, "Mend its first values.")
    if any(not torch.equal(buffer, before[name]) for name, buffer in built.named_buffers()):
        raise _unfit("the module's buffers change as it runs", party, _NORMS)
    for layer in built.train().modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.eval()
    with torch.no_grad():
        if not torch.allclose(built(rows[:1], codes[:1]), built(rows, codes)[:1], rtol=1e-4, atol=1e-5):
            raise _unfit("a row's logit depends on the other rows in training", party, _NORMS)
    if not torch.allclose(alone, scored[:1], rtol=1e-4, atol=1e-5):
        raise _unfit("a row's logit depends on the other rows", party, _NORMS)


def _unfit(what: str, party: str, advice: str) -> PlanRefused:
    return PlanRefused(what, party=party, field="model.module", advice=advice)
