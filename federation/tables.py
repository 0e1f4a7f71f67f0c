"""The tables of a plan, with their defaults. `federation.plan` puts them together and checks the whole.

The tables of the horizontal and hybrid shapes, with the defaults of a horizontal plan:

    [model]
    kind = "logistic"               # "mlp"; "module": a torch module that every party installed and approved
    hidden = [16]                   # mlp: units of the hidden layers
    embedding = 8                   # mlp: the most dimensions of a categorical column's embedding
    dropout = 0.2
    module = "nets:Net"             # module: package.module:factory
    module_sha256 = "..."           # module: of the source file that defines it
    [training]
    strategy = "fedavg"             # "scaffold", "fedprox", "fedadam"; "personalised": shared trunk, own head
    rounds = 10
    local_epochs = 4
    batch_size = 128
    learning_rate = 0.1             # of Adam at the parties
    schedule = "cosine"             # falls to zero over the rounds; "constant"
    mu = 0.01                       # fedprox: how strongly a local model is held to the shared one
    server_learning_rate = 0.1      # fedadam
    weight_decay = 1e-4
    class_weight = "none"           # "balanced": both outcomes weigh the same, by the counts over all parties
    validation_share = 0.1          # of the training rows; early stopping looks at these
    patience = 0                    # rounds without a better validation loss before training stops; 0: never
    [sum]
    protection = "he"               # "mask" (as private, 20 times cheaper), "ckks" (weights under encryption)
    seeded = false                  # he: half the upload, more work at the aggregator
    clip = 5.0                      # the largest L2 norm of an update: a party that exceeds it is scaled down
    [privacy]
    unit = "none"                   # "record": noise in training; "party": noise on each update
    noise_multiplier = 1.0
    record_clip = 1.0               # record: the largest L2 norm of one row's gradient
    delta = 1e-5
    epsilon = 8.0                   # what this run may spend at most
    [robust]
    groups = 1                      # more: parties are summed in groups and the median of the groups is taken
    screen = true                   # each party checks what it may see and names what stands out
    [columns.turnover]              # declared columns need no statistics
    range = [0.0, 1e7]
    [columns.sector]
    levels = ["A", "B", "C"]

A hybrid plan reads of these training.rounds (each is a whole vertical fit: two or three do) and training.mu
(the pull that holds a consortium's fit to the shared coefficients, per training row), [sum], [privacy] with
unit = "party" or "none", and [columns], where every column of every party is declared. A range should hold
most firms, not all: what lies beyond is cut to it, and a coefficient counts in quarters of it.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

#: What a plan is called, and what it is for.
Title = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$")]


def _as_tuple(value: Any) -> Any:
    """TOML and JSON have lists where a frozen table keeps a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _no_single_fold(folds: int) -> int:
    """One fold leaves nothing to learn from."""
    if folds == 1:
        raise ValueError("0 (no cross-validation), or from 2 on")
    return folds


class Table(BaseModel):
    """A table of the plan: frozen, strict, without keys of its own invention."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlanParty(Table):
    """One data party's part: its role, and the name of the dataset in its own configuration.

    In a horizontal plan nobody has a role. `consortium`: hybrid only.
    """

    role: Literal["label", "feature"] = "feature"
    consortium: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")
    dataset: str = Field(default="data", min_length=1, max_length=64)


class Alignment(Table):
    """When too few firms are common to go on."""

    minimum_intersection: int = Field(default=500, ge=50)


class Split(Table):
    """Which rows train: all but a random share, or all but the latest by their party's time column."""

    method: Literal["random", "out_of_time"] = "random"
    test_share: float = Field(default=0.3, ge=0.05, le=0.9)
    seed: int = Field(default=7, ge=0)
    folds: Annotated[int, AfterValidator(_no_single_fold)] = Field(default=0, ge=0, le=20)


class Model(Table):
    """What is trained; for the vertical fit also when it ends (`l2`, `tolerance`, `max_iterations`)."""

    kind: Literal["logistic", "scorecard", "boosting", "rejects", "mlp", "module"] = "logistic"
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], BeforeValidator(_as_tuple)] = (16,)
    embedding: int = Field(default=8, ge=1, le=256)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    module: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=200)
    module_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    l2: float = Field(default=1.0, gt=0, le=1e6)
    tolerance: float = Field(default=5e-4, ge=1e-5, le=1e-1)
    max_iterations: int = Field(default=60, ge=2, le=200)

    def contradictions(self, shape: str) -> list[str]:
        """Keys that the kind or the shape does not know, or that it needs and lacks."""
        known = {
            "logistic": () if shape == "horizontal" else ("l2", "tolerance", "max_iterations"),
            "scorecard": ("l2", "tolerance", "max_iterations"),
            "boosting": (),
            "rejects": ("l2",),
            "mlp": ("hidden", "embedding", "dropout"),
            "module": ("module", "module_sha256"),
        }[self.kind]
        problems = [
            f'model.{name}: has no meaning for kind = "{self.kind}" in shape = "{shape}"'
            for name, field in sorted(Model.model_fields.items())
            if name not in ("kind", *known) and getattr(self, name) != field.default
        ]
        if self.kind in ("scorecard", "boosting", "rejects") and shape != "vertical":
            problems.append(f'model.kind: "{self.kind}" is trained in shape = "vertical" only')
        if self.kind in ("mlp", "module") and shape != "horizontal":
            problems.append(f'model.kind: "{self.kind}" is trained in shape = "horizontal" only')
        if self.kind == "module" and not (self.module and self.module_sha256):
            problems.append('model.module: kind = "module" needs module and module_sha256')
        return problems


class Scores(Table):
    """Which rows' joint score the label party may see."""

    open: Literal["test", "all", "none"] = "test"


class Limits(Table):
    """What a party without the label may be given at most."""

    equations_per_row: float = Field(default=0.02, gt=0, le=0.02)


class Deadlines(Table):
    """How long to wait, in seconds."""

    join_seconds: float = Field(default=120.0, gt=0, le=86400)
    message_seconds: float = Field(default=300.0, gt=0, le=86400)
    run_seconds: float = Field(default=7200.0, gt=0, le=7 * 86400)


class Training(Table):
    """How the parties train together, and in hybrid plans how often the consortia meet (`rounds`)."""

    strategy: Literal["fedavg", "scaffold", "fedprox", "fedadam", "personalised"] = "fedavg"
    rounds: int = Field(default=10, ge=1, le=1000)
    local_epochs: int = Field(default=4, ge=1, le=100)
    batch_size: int = Field(default=128, ge=8, le=65536)
    learning_rate: float = Field(default=0.1, gt=0, le=10)
    schedule: Literal["constant", "cosine"] = "cosine"
    mu: float = Field(default=0.01, ge=0, le=100)
    server_learning_rate: float = Field(default=0.1, gt=0, le=10)
    weight_decay: float = Field(default=1e-4, ge=0, le=10)
    class_weight: Literal["none", "balanced"] = "none"
    validation_share: float = Field(default=0.1, ge=0, le=0.5)
    patience: int = Field(default=0, ge=0, le=1000)


class Sum(Table):
    """How updates are protected and how large one may be."""

    protection: Literal["he", "mask", "ckks"] = "he"
    seeded: bool = False
    clip: float = Field(default=5.0, gt=0, le=1e4)


class Privacy(Table):
    """Noise, and what it may cost at most."""

    unit: Literal["none", "record", "party"] = "none"
    noise_multiplier: float = Field(default=1.0, gt=0, le=1e4)
    record_clip: float = Field(default=1.0, gt=0, le=1e4)
    delta: float = Field(default=1e-5, gt=0, lt=1e-2)
    epsilon: float = Field(default=8.0, gt=0, le=1e6)


class Robust(Table):
    """What is done against a party that sends a bad update."""

    groups: int = Field(default=1, ge=1, le=64)
    screen: bool = True


class Column(Table):
    """A declared column: numbers in a range, or levels."""

    range: Annotated[tuple[float, float], BeforeValidator(_as_tuple)] | None = None
    levels: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] | None = Field(
        default=None, max_length=1000
    )

    @model_validator(mode="after")
    def _check(self) -> Column:
        if (self.range is None) == (self.levels is None):
            raise ValueError("has either a range or levels")
        if self.range is not None and not (
            all(map(math.isfinite, self.range)) and self.range[0] < self.range[1]
        ):
            raise ValueError("a range is two numbers, the lower one first")
        if self.levels is not None and not 1 <= len(set(self.levels)) == len(self.levels) <= 1000:
            raise ValueError("levels are distinct, 1 to 1000 of them")
        return self
