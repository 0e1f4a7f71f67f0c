"""Each measurement at a tiny size: its figures are there, and they agree with one another."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import isthmus


def bench(*arguments: str) -> dict[str, Any]:
    """The one JSON object on the standard output."""
    done = CliRunner().invoke(isthmus, ["bench", "speed", *arguments, "--format", "json"])
    assert done.exit_code == 0, done.output
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def numbers(figures: dict[str, Any]) -> Iterator[float]:
    for value in figures.values():
        if isinstance(value, dict):
            yield from numbers(value)
        else:
            yield float(value)


@pytest.fixture(scope="module")
def psi() -> dict[str, Any]:
    return bench("psi", "--ids", "400", "--parties", "4", "--repeat", "2")


@pytest.fixture(scope="module")
def logistic() -> dict[str, Any]:
    return bench("logistic", "--rows", "600", "--columns", "8", "--parties", "3", "--repeat", "1")


def test_the_exchange_is_measured() -> None:
    figures = bench("exchange", "--repeat", "20")
    assert figures["n"] == 20 and 0 < figures["p50_ms"] <= figures["p95_ms"]


def test_psi_says_what_each_role_spent_and_found(psi: dict[str, Any]) -> None:
    assert (psi["n"], psi["parties"], psi["repeat"], psi["intersection"]) == (400, 4, 2, 200)
    assert psi["cpu_s"].keys() == {"bank", "platform", "public", "public-2", "aggregator"}
    assert all(math.isfinite(number) and number >= 0 for number in numbers(psi))
    assert psi["peak_memory_mb"] > 0


def test_psi_counts_every_sealed_byte_by_type(psi: dict[str, Any]) -> None:
    """Four sets of 400 points are sent on three times but tagged the last time; each party hears its rows."""
    points, tags, rows = 4 * 3 * 400 * 32, 4 * 400 * 16, 4 * 200 * 4
    for name, bare, envelopes in (("points", points, 12), ("tags", tags, 4), ("rows", rows, 4)):
        assert bare < psi["bytes"][f"alignment/{name}"] <= bare + 150 * envelopes
    assert psi["bytes"]["session/greeting"] > 0
    assert psi["bytes_total"] == sum(psi["bytes"].values())


def test_logistic_reaches_the_pooled_optimum(logistic: dict[str, Any]) -> None:
    assert logistic["converged"] is True and logistic["tolerance"] == 2e-4
    assert abs(logistic["auc"] - logistic["auc_pooled"]) < 1e-3
    assert 0 < logistic["coefficient_error"] < 5e-3
    assert logistic["auc_pooled"] > 0.6


def test_logistic_figures_agree_with_one_another(logistic: dict[str, Any]) -> None:
    assert list(logistic["cpu_s"]) == ["bank", "platform", "public", "aggregator"]
    whole = sum(logistic["cpu_s"].values())
    assert logistic["cpu_s_per_iteration"] == pytest.approx(whole / logistic["iterations"])
    assert logistic["bytes_total"] == sum(logistic["bytes"].values())
    assert logistic["bytes_per_iteration"] == logistic["bytes_total"] // logistic["iterations"]
    assert {"logistic/harmonics", "logistic/logit-share", "logistic/gram"} <= logistic["bytes"].keys()
    assert all(math.isfinite(number) and number >= 0 for number in numbers(logistic))


def test_people_get_a_table_of_the_same_figures() -> None:
    done = CliRunner().invoke(
        isthmus, ["bench", "speed", "psi", "--ids", "60", "--parties", "2", "--repeat", "1"]
    )
    assert done.exit_code == 0, done.output
    lines = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if len(line.split()) == 2)
    assert lines["intersection"] == "30" and "  bank" in lines and "  alignment/points" in lines


@pytest.mark.parametrize(
    "arguments",
    [
        ["psi", "--ids", "1"],
        ["psi", "--parties", "1"],
        ["logistic", "--tolerance", "0"],
        ["logistic", "--repeat", "0"],
        ["exchange", "--repeat", "0"],
        ["nothing"],
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_runs(arguments: list[str]) -> None:
    assert CliRunner().invoke(isthmus, ["bench", "speed", *arguments]).exit_code == 2
