"""Every party builds the same model; a module of its own must behave like one that can be federated."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from federation.errors import PlanRefused
from federation.tables import Model
from parties.horizontal.models import build, personal_parts
from parties.horizontal.vector import Layout


def made(
    model: Model, numeric: int = 3, cardinalities: tuple[int, ...] = (4, 30), seed: int = 7
) -> nn.Module:
    return build(model, numeric, cardinalities, seed=seed, approved={}, party="bank")


def rows(count: int, numeric: int = 3, cardinalities: tuple[int, ...] = (4, 30)) -> list[torch.Tensor]:
    generator = np.random.default_rng(5)
    codes = [generator.integers(0, levels, count) for levels in cardinalities]
    numbers = torch.tensor(generator.normal(size=(count, numeric)), dtype=torch.float32)
    return [numbers, torch.tensor(np.array(codes, dtype=np.int64).reshape(len(cardinalities), count).T)]


def test_a_logistic_model_is_weights_offsets_and_an_intercept() -> None:
    model, (numbers, codes) = made(Model()), rows(6)
    layout = Layout.of(model)
    vector = np.random.default_rng(1).normal(size=layout.size).astype(np.float32).astype(np.float64)
    layout.write(model, vector)
    parts = layout.arrays(vector)
    expected = (
        numbers.numpy() @ parts["linear.weight"][0]
        + parts["linear.bias"]
        + parts["offsets.0.weight"][codes[:, 0], 0]
        + parts["offsets.1.weight"][codes[:, 1], 0]
    )
    np.testing.assert_allclose(model(numbers, codes).detach(), expected, rtol=1e-5)


def test_a_perceptron_has_the_plans_layers() -> None:
    shapes = dict(
        zip(
            *(lambda layout: (layout.names, layout.shapes))(Layout.of(made(Model(kind="mlp", hidden=(5,))))),
            strict=True,
        )
    )
    assert shapes["embeddings.0.weight"] == (4, 2)
    assert shapes["embeddings.1.weight"] == (30, 8)
    assert shapes["trunk.0.weight"] == (5, 3 + 2 + 8)
    assert shapes["head.weight"] == (1, 5)


@pytest.mark.parametrize("kind", ["logistic", "mlp"])
@pytest.mark.parametrize(("numeric", "cardinalities"), [(3, ()), (0, (4,)), (2, (3, 1))])
def test_a_model_takes_any_columns(kind: str, numeric: int, cardinalities: tuple[int, ...]) -> None:
    model = made(Model.model_validate({"kind": kind}), numeric, cardinalities)
    logits = model(*rows(5, numeric, cardinalities))
    assert logits.shape == (5,)
    assert torch.isfinite(logits).all()


def test_no_column_at_all_is_refused() -> None:
    with pytest.raises(PlanRefused, match="no column"):
        made(Model(), 0, ())


def test_first_values_follow_from_the_seed_alone() -> None:
    model = Model(kind="mlp")
    torch.manual_seed(1)
    one = made(model)
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    other, third = made(model), made(model, seed=8)
    layout = Layout.of(one)
    np.testing.assert_array_equal(layout.read(one), layout.read(other))
    assert not np.array_equal(layout.read(one), layout.read(third))
    torch.manual_seed(1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_first_values_are_the_same_on_every_machine() -> None:
    layout = Layout.of(model := made(Model(kind="mlp", hidden=(32, 16))))
    assert hashlib.sha256(layout.read(model).astype("<f8").tobytes()).hexdigest()[:16] == "701248733019fb25"


@pytest.mark.parametrize(("kind", "size"), [("logistic", 1), ("mlp", 17)])
def test_the_part_that_stays_local_is_the_intercept_or_the_head(kind: str, size: int) -> None:
    model = Model.model_validate({"kind": kind})
    assert Layout.of(made(model)).mask(personal_parts(model)).sum() == size


# -- a party's own module --------------------------------------------------------------------------

HEAD = "import torch\nfrom torch import nn\n"
GOOD = f"""{HEAD}
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(width, 4), nn.LayerNorm(4), nn.Dropout(0.5))
        self.head = nn.Linear(4, 1)
    def forward(self, numeric, codes):
        return self.head(self.trunk(torch.cat([numeric, codes.float()], 1))).squeeze(1)

def factory(numeric, cardinalities):
    return Net(numeric + len(cardinalities))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], nn.Module]:
    """Build from a source text that the plan names and the party approved."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def built(source: str) -> nn.Module:
        (tmp_path / "own_net_of_bank.py").write_text(source)
        sys.modules.pop("own_net_of_bank", None)
        name, value = "own_net_of_bank:factory", hashlib.sha256(source.encode()).hexdigest()
        model = Model(kind="module", module=name, module_sha256=value)
        return build(model, 3, (4, 30), seed=7, approved={name: value}, party="bank")

    return built


def test_an_approved_module_is_built_with_the_plans_seed(own: Callable[[str], nn.Module]) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, other = own(GOOD), own(GOOD)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(Layout.of(one).read(one), Layout.of(other).read(other))
    assert Layout.of(one).mask(personal_parts(Model(kind="module"))).sum() == 5


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("nn.LayerNorm(4)", "nn.BatchNorm1d(4)", "BatchNorm"),
        ("nn.LayerNorm(4)", "nn.BatchNorm1d(4, track_running_stats=False)", "BatchNorm"),
        ("self.head =", 'self.register_buffer("running_mean", torch.zeros(4)); self.head =', "running"),
        ("self.head =", 'self.register_buffer("seen", torch.zeros(1)); self.head =', "change"),
        ("return self.head(", "numeric = numeric - numeric.mean(0)\n        return self.head(", "other rows"),
        (
            "return self.head(",
            "numeric = numeric - self.training * numeric.mean(0)\n        return self.head(",
            "in training",
        ),
        (".squeeze(1)", "", "one logit a row"),
        (".squeeze(1)", ".squeeze(1) / 0", "not finite"),
        ("return Net(numeric + len(cardinalities))", "return 3", "nn.Module"),
    ],
)
def test_a_module_that_cannot_be_federated_is_refused(
    own: Callable[[str], nn.Module], old: str, new: str, match: str
) -> None:
    source = GOOD.replace(old, new)
    if match == "change":
        source = source.replace("return self.head(", "self.seen += 1\n        return self.head(")
    assert source != GOOD
    with pytest.raises(PlanRefused, match=match) as refused:
        own(source)
    assert refused.value.party == "bank"
    if match in ("BatchNorm", "running", "change"):
        assert "LayerNorm" in refused.value.advice


def test_without_approval_no_module_is_built() -> None:
    model = Model(kind="module", module="collections:OrderedDict", module_sha256="0" * 64)
    with pytest.raises(PlanRefused, match="not approved"):
        made(model)
