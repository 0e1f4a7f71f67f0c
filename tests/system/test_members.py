"""Members of a horizontal round, in this process: every step at which one may be lost, noise, models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federation.coordinator import seat
from federation.errors import PlanRefused
from parties.horizontal import evaluation, joining, participation
from parties.horizontal.kept import Kept
from parties.horizontal.state import RoundState
from parties.horizontal.training import LocalTrainer
from parties.sandbox import rehearsing
from tests.system.federation import Federation, Table
from tests.system.in_memory import Seen, rehearse
from tests.system.test_horizontal import firms

#: Torch says this of every model whose inputs need no gradient; several members share this process's filters.
pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook is firing")

BANKS = ("north", "south", "east", "west")
ROUNDS = 4
NET = '''"""A network of a bank's own."""
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, numeric, cardinalities):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(levels, 2) for levels in cardinalities)
        self.trunk = nn.Linear(numeric + 2 * len(cardinalities), 4)
        self.head = nn.Linear(4, 1)
        for number, values in enumerate(self.parameters()):
            nn.init.constant_(values, 0.1 * (-1) ** number)

    def forward(self, numeric, codes):
        coded = [each(codes[:, place]) for place, each in enumerate(self.embeddings)]
        return self.head(torch.tanh(self.trunk(torch.cat([numeric, *coded], dim=1)))).squeeze(1)
'''


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    folder: Path = tmp_path_factory.mktemp("members")
    tables = []
    for seed, name in enumerate(BANKS):
        file = folder / f"{name}.csv"
        firms(10 + seed, 700).to_csv(file, index=False)
        tables.append(Table(name, "data", file, 'key = "firm"\nlabel = "bad"'))
    return Federation(folder / "federation", tables)


def plan(*tables: str, parties: tuple[str, ...] = BANKS, training: str = "", extra: str = "") -> str:
    head = f'name = "banks"\npurpose = "credit-scoring"\nshape = "horizontal"\n{extra}'
    named = "".join(f"[parties.{name}]\n" for name in parties)
    trained = f"[training]\nrounds = {ROUNDS}\nlocal_epochs = 1\n{training}\n"
    return "\n".join([head, named, trained, *(tables or ("[sum]\nprotection = 'mask'",))]) + "\n"


def kept(banks: Federation, party: str, seen: Seen, file: str) -> Any:
    return json.loads((banks.party(party) / "rounds" / seen.run / file).read_text())


def vectors(banks: Federation, seen: Seen, parties: tuple[str, ...] = BANKS) -> set[str]:
    return {kept(banks, party, seen, "state.json")["vector"] for party in parties}


@pytest.fixture(scope="module")
def undisturbed(banks: Federation) -> Seen:
    seen = rehearse(banks, plan())
    assert seen.errors == {}
    assert len(vectors(banks, seen)) == 1
    return seen


class Died(OSError):
    """A party's machine is gone."""


def dying(where: Callable[..., Any], at: int, party: str = "south") -> Callable[..., Any]:
    """`where`, which dies at `party` when it is called there for the `at`-th time, and never again."""
    calls = {"left": at}

    def wrapped(first: Any, *arguments: Any, **named: Any) -> Any:
        if whose(first) == party:
            calls["left"] -= 1
            if calls["left"] == 0:
                raise Died("gone")
        return where(first, *arguments, **named)

    return wrapped


def whose(thing: Any) -> str:
    """The party that a session, its sums, its trainer or its files belong to."""
    if isinstance(thing, Path):
        return thing.parts[-4]
    if isinstance(thing, Kept):
        return thing._folder.parts[-3]
    return str(getattr(thing, "me", None) or getattr(thing, "party", None))


STEPS = {
    "comparing columns": (participation, "compare_columns", 1),
    "telling where it stands": (participation, "join", 1),
    "the statistics": (participation, "fit", 1),
    "confirming the statistics": (participation, "confirm", 1),
    "keeping the statistics": (Kept, "keep", 1),
    "local training": (LocalTrainer, "run", 3),
    "giving its mask away": (Kept, "note_release", 9),
    "keeping a round": (Kept, "keep", 3),
    "confirming the model": (participation, "confirm", 2),
    "the joint evaluation": (participation, "joint_auc", 1),
    "the receipt": (participation, "save_rows", 1),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_member_lost_at_any_step_changes_nothing_of_the_result(
    banks: Federation, undisturbed: Seen, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    room, name, at = STEPS[step]
    monkeypatch.setattr(room, name, dying(getattr(room, name), at))
    text = plan(extra=f"# {step}\n")
    broken = rehearse(banks, text)
    assert "south" in broken.errors
    again = rehearse(banks, text, after=broken)
    assert again.errors == {}
    assert vectors(banks, again) == vectors(banks, undisturbed)
    for party in BANKS:
        found, before = (kept(banks, party, seen, "evaluation.json") for seen in (again, undisturbed))
        assert found == before


def test_a_sum_that_may_be_known_is_not_made_again_over_fewer(
    banks: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the aggregator and one member would have west's update: the sum with it less the sum without it."""
    monkeypatch.setattr(Kept, "note_release", release_and_die(Kept.note_release, "round 3", "west"))
    text = plan(extra="minimum_parties = 3\n")
    broken = rehearse(banks, text)
    assert "west" in broken.errors
    fewer = rehearse(banks, text, after=broken, members=BANKS[:3])
    assert any(isinstance(error, PlanRefused) for error in fewer.errors.values())
    assert "a sum over other parties was broken off" in fewer.cause.cause
    again = rehearse(banks, text, after=fewer)  # Over the same members it is the same sum.
    assert again.errors == {} and len(vectors(banks, again)) == 1


def release_and_die(note: Callable[..., None], label: str, party: str) -> Callable[..., None]:
    dead: list[str] = []

    def wrapped(self: Kept, told: str) -> None:
        note(self, told)
        if told == label and whose(self) == party and not dead:
            dead.append(party)
            raise Died("gone")

    return wrapped


def test_without_a_member_that_was_lost_before_its_sum_the_others_go_on(
    banks: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalTrainer, "run", dying(LocalTrainer.run, 3, "west"))
    text = plan(extra="minimum_parties = 3\n")
    broken = rehearse(banks, text)
    fewer = rehearse(banks, text, after=broken, members=BANKS[:3])
    assert fewer.errors == {}
    assert len(vectors(banks, fewer, BANKS[:3])) == 1
    late = rehearse(banks, text, after=fewer)  # And it learns the model when it is back.
    assert late.errors == {} and vectors(banks, late) == vectors(banks, fewer, BANKS[:3])


def test_members_pause_between_two_rounds_for_one_that_comes_late(
    banks: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = plan(extra="minimum_parties = 3\n")
    with monkeypatch.context() as patched:
        patched.setattr(seat, "AggregatorSeat", Pausing)
        patched.setattr(rehearsing, "AggregatorSeat", Pausing)
        paused = rehearse(banks, text, members=BANKS[:3])
    assert "paused after training round 1" in paused.cause.cause
    whole = rehearse(banks, text, after=paused)
    assert whole.errors == {} and len(vectors(banks, whole)) == 1
    for party in BANKS:
        assert kept(banks, party, whole, "state.json")["number"] == ROUNDS


class Pausing(seat.AggregatorSeat):
    """The aggregator's seat when a party has come late already."""

    def listen(self) -> None:
        self.pause()
        super().listen()


def test_members_that_know_different_things_do_not_go_on(
    banks: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalTrainer, "run", dying(LocalTrainer.run, 3))
    broken = rehearse(banks, plan())
    path = banks.party("east") / "rounds" / broken.run / "state.json"
    state = RoundState.load(path)
    assert state is not None
    state.vector[0] += 0.5
    state.save(path)
    seen = rehearse(banks, plan(), after=broken)
    assert "do not hold the same model" in seen.cause.cause


# -- what a plan may ask for -----------------------------------------------------------------------------

DECLARED = (
    "[columns.sales]\nrange = [0.0, 20000.0]\n[columns.debt]\nrange = [-3.0, 3.0]\n"
    '[columns.sector]\nlevels = ["food", "steel", "trade"]\n'
)
VARIANTS = {
    "he": ("[sum]\nprotection = 'he'",),
    "seeded": ("[sum]\nprotection = 'he'\nseeded = true",),
    "ckks": ("[sum]\nprotection = 'ckks'",),
    "record": ('[privacy]\nunit = "record"\nnoise_multiplier = 1.5\nepsilon = 100.0',),
    "party": ('[privacy]\nunit = "party"\nnoise_multiplier = 8.0\nepsilon = 100.0', DECLARED),
    "mlp": ('[model]\nkind = "mlp"', "[sum]\nprotection = 'mask'"),
    "declared": (DECLARED, "[sum]\nprotection = 'mask'"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_members_end_with_one_model(banks: Federation, undisturbed: Seen, variant: str) -> None:
    seen = rehearse(banks, plan(*VARIANTS[variant]))
    assert seen.errors == {}
    assert len(vectors(banks, seen)) == 1
    noisy = variant in ("record", "party")
    for party in BANKS:
        found = kept(banks, party, seen, "evaluation.json")
        assert (found["joint"] is None) == noisy
        assert [point["loss"] is None for point in found["history"]] == [noisy] * ROUNDS
        if not noisy and variant != "mlp":
            before = kept(banks, party, undisturbed, "evaluation.json")
            assert found["federated"]["auc"] == pytest.approx(before["federated"]["auc"], abs=0.05)


STRATEGIES = [f'strategy = "{name}"' for name in ("fedprox", "fedadam", "scaffold")]


@pytest.mark.parametrize(
    "training", [*STRATEGIES, "patience = 1", f"{STRATEGIES[-1]}\nclass_weight = 'balanced'\npatience = 2"]
)
def test_strategies_and_early_stopping_end_with_one_model(banks: Federation, training: str) -> None:
    seen = rehearse(banks, plan(training=training))
    assert seen.errors == {}
    assert len(vectors(banks, seen)) == 1


@pytest.mark.parametrize("tables", [("[model]\nkind = 'mlp'", "[sum]\nprotection = 'mask'"), (DECLARED,)])
def test_corrected_steps_take_networks_and_declared_columns(
    banks: Federation, tables: tuple[str, ...]
) -> None:
    seen = rehearse(banks, plan(*tables, training=STRATEGIES[-1]))
    assert seen.errors == {}
    assert len(vectors(banks, seen)) == 1


def test_corrected_steps_are_the_same_after_a_loss_between_a_rounds_two_sums(
    banks: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And over fewer members the gradients are not summed again: the difference would be one member's."""
    text = plan(extra="minimum_parties = 3\n", training=STRATEGIES[-1])
    whole = rehearse(banks, text)
    monkeypatch.setattr(LocalTrainer, "run", dying(LocalTrainer.run, 3))
    broken = rehearse(banks, text)
    assert "south" in broken.errors
    without = tuple(name for name in BANKS if name != "south")
    fewer = rehearse(banks, text, after=broken, members=without)
    assert "a sum over other parties was broken off" in fewer.cause.cause
    again = rehearse(banks, text, after=fewer)
    assert whole.errors == again.errors == {}
    assert vectors(banks, again) == vectors(banks, whole)


def test_a_personal_head_stays_where_it_is_and_survives_a_loss(
    banks: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Dropout draws from torch's own generator, which the members share here and not on machines of their own.
    text = plan('[model]\nkind = "mlp"\ndropout = 0.0', training='strategy = "personalised"')
    whole = rehearse(banks, text)
    monkeypatch.setattr(Kept, "keep", dying(Kept.keep, 3))
    again = rehearse(banks, text, after=rehearse(banks, text))
    assert whole.errors == again.errors == {}
    models = {}
    for party in BANKS:
        own, before = (personal(banks, party, seen) for seen in (again, whole))
        np.testing.assert_array_equal(own, before)
        models[party] = own.tobytes()
    assert len(set(models.values())) == len(BANKS)
    assert len(vectors(banks, again)) == 1


def personal(banks: Federation, party: str, seen: Seen) -> np.ndarray:
    with np.load(banks.party(party) / "rounds" / seen.run / "model" / "vector.npz") as arrays:
        return np.asarray(arrays["vector"])


def test_a_network_of_their_own_runs_where_every_party_approved_its_hash(
    banks: Federation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bank_nets.py").write_text(NET)
    monkeypatch.syspath_prepend(str(tmp_path))
    digest = hashlib.sha256(NET.encode()).hexdigest()
    model = f'[model]\nkind = "module"\nmodule = "bank_nets:Net"\nmodule_sha256 = "{digest}"'
    with approved(banks, BANKS[:3], digest):
        refused = rehearse(banks, plan(model))
        assert "south" not in refused.cause.cause and "west" in refused.cause.cause
    with approved(banks, BANKS, digest):
        seen = rehearse(banks, plan(model))
    assert seen.errors == {} and len(vectors(banks, seen)) == 1


@contextmanager
def approved(banks: Federation, parties: tuple[str, ...], digest: str) -> Iterator[None]:
    """The module's approval in party.toml of these parties, while it lasts."""
    files = {party: banks.party(party) / "party.toml" for party in parties}
    before = {party: file.read_text() for party, file in files.items()}
    for party, file in files.items():
        file.write_text(f'{before[party]}\n[modules]\n"bank_nets:Net" = "{digest}"\n')
    yield
    for party, file in files.items():
        file.write_text(before[party])


# -- noise is charged once -------------------------------------------------------------------------------


@pytest.fixture
def budget(banks: Federation) -> Iterator[Callable[[float], None]]:
    """Sets what north allows its data set to tell; as it was again afterwards."""
    path = banks.party("north") / "party.toml"
    before = path.read_text()
    yield lambda epsilon: write(path, f"{before}[datasets.data.privacy]\nepsilon = {epsilon}\ndelta = 1e-5\n")
    path.write_text(before)


def write(path: Path, text: str) -> None:
    path.write_text(text)


def test_a_resumed_round_with_noise_is_charged_once_and_the_budget_holds(
    banks: Federation, monkeypatch: pytest.MonkeyPatch, budget: Callable[[float], None]
) -> None:
    text = plan(*VARIANTS["record"])
    budget(1000.0)
    before = spent(banks)
    monkeypatch.setattr(LocalTrainer, "run", dying(LocalTrainer.run, 2))
    broken = rehearse(banks, text)
    once = spent(banks)
    again = rehearse(banks, text, after=broken)
    assert again.errors == {}
    assert spent(banks) == once > before
    budget(round(1.01 * once, 3))
    refused = rehearse(banks, text)
    assert "budget" in refused.errors["north"].cause
    exact = rehearse(banks, plan())
    assert "budget" in exact.errors["north"].cause


def spent(banks: Federation) -> float:
    from parties.home import PartyHome
    from parties.privacy.overview import overview

    return float(overview(PartyHome.open(banks.party("north")))[0].balance.epsilon)


def test_the_rooms_that_are_patched_here_are_those_that_a_round_uses() -> None:
    for room, name, _ in STEPS.values():
        assert callable(getattr(room, name))
    assert joining.join is participation.join and evaluation.joint_auc is participation.joint_auc
