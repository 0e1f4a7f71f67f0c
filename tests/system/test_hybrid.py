"""Two countries, a bank, a platform and a register in each: one model, and only sums cross the border."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from federation.errors import PlanRefused
from federation.ids import RunId
from parties.four_flows import generate
from parties.four_flows.settings import Settings
from parties.home import PartyHome
from parties.hybrid.model import HybridPart
from parties.round.acceptance import dataset_of
from parties.round.model import load_rows
from parties.round.rows import read_own
from parties.sandbox.countries import COLUMNS
from tests.parties.hybrid.world import pooled_slopes
from tests.system.federation import Federation, Table
from tests.system.in_memory import Seen, rehearse

COUNTRIES = {"cn": 11, "de": 12}
CROSSING = {"sum/group-key", "sum/confirmed", "sum/own-mask", "hybrid/columns", "hybrid/fitted"}
LEDGERS = {"ledger/seen", "ledger/checkpoint", "ledger/cosigned"}
CROSSING |= LEDGERS
PARTIES = [f"{place}-{country}" for country in COUNTRIES for place in COLUMNS]


def write_countries(folder: Path) -> Iterable[Table]:
    folder.mkdir()
    for country, seed in COUNTRIES.items():
        world = generate(
            Settings(firms=1100, seed=seed, base_rate=0.25, platform_overlap=1, public_overlap=1)
        )
        for place, declared in COLUMNS.items():
            label = ["default_12m"] if place == "bank" else []
            frame = getattr(world, place)[["uscc", *declared, *label]]
            file = folder / f"{place}-{country}.csv"
            frame.to_csv(file, index=False)
            lines = 'key = "uscc"\n' + ('label = "default_12m"\n' if label else "")
            yield Table(f"{place}-{country}", "data", file, lines)
            yield Table(f"{place}-{country}", "short", file, f'{lines}exclude = ["{next(iter(declared))}"]\n')


@pytest.fixture(scope="module")
def countries(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    folder = tmp_path_factory.mktemp("countries")
    return Federation(folder, write_countries(folder / "data"))


def plan(short: str = "") -> str:
    lines = ['name = "two-countries"', 'purpose = "credit-scoring"', 'shape = "hybrid"']
    for party in PARTIES:
        place, country = party.split("-")
        lines += [f"[parties.{party}]", f'consortium = "{country}"']
        lines += [f'dataset = "{"short" if party == short else "data"}"']
        lines += ['role = "label"'] if place == "bank" else []
    for declared in COLUMNS.values():
        for name, column in declared.items():
            lines += [f"[columns.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in column.items())]
    lines += ["[alignment]", "minimum_intersection = 500", "[split]", "test_share = 0.6"]
    lines += ["[training]", "rounds = 2", "mu = 0.03", "[sum]", 'protection = "mask"']
    lines += ["[privacy]", 'unit = "party"', "noise_multiplier = 0.002", "epsilon = 1e6"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def played(countries: Federation) -> Seen:
    seen = rehearse(countries, plan())
    assert seen.errors == {}
    return seen


def run_of(seen: Seen) -> RunId:
    return RunId(seen.attempt.partition("|")[0])


def crossed(seen: Seen) -> set[str]:
    """The names of all messages that a party of one country could open from one of another."""
    return {
        msgpack.unpackb(message)[1]
        for reader, heard in seen.opened.items()
        for sender, messages in heard.items()
        for message in messages
        if {reader, sender} <= set(PARTIES) and reader.split("-")[1] != sender.split("-")[1]
    }


def part_of(countries: Federation, run: RunId, party: str) -> HybridPart:
    return HybridPart.load(countries.party(party) / "rounds" / run)


def encoded_rows(countries: Federation, run: RunId, country: str) -> tuple[Any, Any, Any]:
    """A country's aligned rows as all its parties encoded them, the outcomes, and which rows trained."""
    blocks, outcome, training = [], None, None
    for place in COLUMNS:
        home = PartyHome.open(countries.party(f"{place}-{country}"))
        dataset = dataset_of(home, run)
        rows, training = load_rows(home.round_folder(run) / "rows.npz")
        frame = read_own(dataset).frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True)
        blocks.append(part_of(countries, run, f"{place}-{country}").encoding.transform(frame, dataset.place))
        outcome = frame["default_12m"].to_numpy() if place == "bank" else outcome
    return np.hstack(blocks), outcome, training


def test_only_sums_a_digest_a_count_and_checkpoints_cross_the_border(
    countries: Federation, played: Seen
) -> None:
    assert crossed(played) == CROSSING
    for party in PARTIES:
        journal = countries.party(party) / "rounds" / run_of(played) / "journal.jsonl"
        sent = [json.loads(line) for line in journal.read_text().splitlines()]
        abroad = {each["type"] for each in sent if each["to"].partition("-")[2] not in ("", party[-2:])}
        assert {"sum/own-mask", "hybrid/fitted"} < abroad <= CROSSING | {"session/greeting"}


def test_counterparts_hold_the_same_coefficients_bit_for_bit(countries: Federation, played: Seen) -> None:
    run = run_of(played)
    for place in COLUMNS:
        one, other = (part_of(countries, run, f"{place}-{country}") for country in COUNTRIES)
        assert one.shared.weights.tobytes() == other.shared.weights.tobytes() and one.shared.weights.any()
        assert one.encoding.names == other.encoding.names and one.encoding.scales != other.encoding.scales
        assert (one.shared.intercept is None) == (place != "bank")
        assert one.shared.intercept is None or one.shared.intercept != other.shared.intercept


def test_the_shared_model_beats_each_country_alone_and_is_as_good_as_pooled_rows(
    countries: Federation, played: Seen
) -> None:
    run = run_of(played)
    rows = {country: encoded_rows(countries, run, country) for country in COUNTRIES}
    together = pooled_slopes([(x[fit], y[fit]) for x, y, fit in rows.values()], l2=2.0)
    gained = []
    for country, (x, y, fit) in rows.items():
        told = json.loads(
            (countries.party(f"bank-{country}") / "rounds" / run / "evaluation.json").read_text()
        )
        pooled = roc_auc_score(y[~fit], x[~fit] @ together)
        assert abs(told["fused"]["auc"] - pooled) < 0.01
        assert told["fused"]["auc"] > told["bank_only"]["auc"] + 0.05
        gained.append(told["fused_over_consortium"]["difference"])
        assert gained[-1] == pytest.approx(told["fused"]["auc"] - told["consortium_only"]["auc"])
    assert min(gained) > 0 and sum(gained) > 0.01


def test_what_crosses_with_noise_stands_in_the_ledger_beside_what_has_no_bound(
    countries: Federation, played: Seen
) -> None:
    run = run_of(played)
    for party in PARTIES:
        lines = (countries.party(party) / "privacy" / "ledger.jsonl").read_text().splitlines()
        charged = [line for line in map(json.loads, lines) if line["run"].startswith(run)]
        assert [(each["kind"], each["run"]) for each in charged] == [
            ("reserve", run),
            ("reserve", f"{run}/crossing-1"),
            ("settle", f"{run}/crossing-1"),
        ]
        assert charged[0]["unit"] == "none" and charged[1]["unit"] == "party"
        assert charged[1]["events"] == charged[2]["events"] and charged[1]["events"][0]["count"] == 2 * 3


def test_a_country_that_lacks_a_column_is_refused_with_names(countries: Federation) -> None:
    seen = rehearse(countries, plan(short="public-de"))
    cause = seen.cause
    assert isinstance(cause, PlanRefused) and {"public-cn", "public-de"} <= set(cause.cause.split())
    assert "tax_grade" not in cause.cause and "tax_grade" in cause.advice
    assert set(seen.errors) >= set(PARTIES) and crossed(seen) <= {"hybrid/columns", "sum/group-key", *LEDGERS}
