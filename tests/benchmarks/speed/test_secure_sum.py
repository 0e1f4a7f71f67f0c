"""The secure sum is measured scheme by scheme, and a wrong mean gives no figures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.errors import Mismeasured
from benchmarks.speed import secure_sum
from cli.main import isthmus
from crypto.summation.lanes import Lanes

#: Two full ciphertexts of 2 x 4096 values, so that bytes a parameter are those of a large model.
PARAMETERS = 16384
COMMAND = ["bench", "speed", "secure-sum", "--parameters", str(PARAMETERS), "--clients", "3", "--repeat", "1"]


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    done = CliRunner().invoke(isthmus, [*COMMAND, "--format", "json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_scheme_has_every_figure(figures: dict[str, Any]) -> None:
    assert (figures["parameters"], figures["clients"], figures["repeat"]) == (PARAMETERS, 3, 1)
    assert {"he", "he_seeded", "mask", "ckks_common"} <= figures.keys()
    for scheme in ("he", "he_seeded", "mask", "ckks_common"):
        assert figures[scheme].keys() == {
            "encrypt_cpu_s",
            "aggregate_cpu_s",
            "open_cpu_s",
            "up_bytes_per_parameter",
            "down_bytes_per_parameter",
            "max_error",
        }
        assert all(value > 0 for value in figures[scheme].values())


def test_bytes_and_errors_are_those_the_schemes_promise(figures: dict[str, Any]) -> None:
    schemes = ("he", "he_seeded", "mask", "ckks_common")
    up = {scheme: figures[scheme]["up_bytes_per_parameter"] for scheme in schemes}
    assert up["he"] == figures["he"]["down_bytes_per_parameter"] == 8.0
    assert up["mask"] == figures["mask"]["down_bytes_per_parameter"] == 4.0
    assert 4.0 < up["he_seeded"] < 4.1 and up["ckks_common"] > 50
    assert all(figures[scheme]["max_error"] < 1e-6 for scheme in schemes)


def test_people_get_a_table(figures: dict[str, Any]) -> None:
    done = CliRunner().invoke(isthmus, [*COMMAND[:4], "500", *COMMAND[5:]])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "ckks_common" in lines and any(line.split() == ["clients", "3"] for line in lines)


def test_a_wrong_mean_gives_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    unpack = Lanes.unpack
    monkeypatch.setattr(Lanes, "unpack", lambda self, words, length: unpack(self, words, length) + 10_000)
    with pytest.raises(Mismeasured, match="mean"):
        secure_sum.measure(100, 2, 1)
    monkeypatch.setattr(Lanes, "unpack", unpack)
    with pytest.raises(Mismeasured, match="mean"):
        secure_sum._figures([np.zeros(2)], np.array([0.0, np.nan]), ([0.1], 0.1, 0.1), (1, 1))


@pytest.mark.parametrize(
    "arguments", [["--parameters", "0"], ["--clients", "1"], ["--clients", "17"], ["--repeat", "0"]]
)
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(isthmus, ["bench", "speed", "secure-sum", *arguments]).exit_code == 2
