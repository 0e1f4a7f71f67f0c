"""The accounts add up, or there are none."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from benchmarks.errors import Mismeasured
from benchmarks.speed import alignment, measuring
from benchmarks.speed.logistic import sample
from benchmarks.speed.measuring import Meter, cast, medians, peak_memory_mb, timed
from benchmarks.speed.table import table
from crypto.errors import UsageError
from federation.ids import AGGREGATOR, party_id
from federation.message import Role

BANK, PLATFORM = party_id("bank"), party_id("platform")


def spend(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_seconds_that_are_no_roles_refuse_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_SECONDS", 0.05)
    with Meter() as meter:
        spend(0.2)
    meter.check({BANK: meter.cpu_seconds})
    with pytest.raises(Mismeasured, match="account for"):
        meter.check({BANK: 0.0})
    with pytest.raises(Mismeasured, match="account for"):
        meter.check({BANK: 5.0})  # More than the process spent: counted twice.


def test_blas_keeps_to_the_thread_that_calls_it_and_is_freed_afterwards() -> None:
    def threads() -> list[int]:
        np.ones((2, 2)) @ np.ones((2, 2))
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    before = threads()
    held, _ = timed(threads)
    assert held and set(held) == {1}
    assert threads() == before


def test_a_median_run_is_made_figure_by_figure() -> None:
    runs = [
        {"converged": True, "n": 3, "cpu_s": {"bank": 1.0}},
        {"converged": True, "n": 9, "cpu_s": {"bank": 3.0}},
        {"converged": False, "n": 4, "cpu_s": {"bank": 2.5}},
        {"converged": True, "n": 5, "cpu_s": {"bank": 9.0}},
    ]
    assert medians(runs) == {"converged": False, "n": 4, "cpu_s": {"bank": 2.75}}


@pytest.mark.parametrize("parties", [2, 3, 5])
def test_there_is_one_label_party_and_one_helper_among_the_seats(parties: int) -> None:
    roles = list(cast(parties).values())
    assert roles[:2] == [Role.LABEL, Role.HELPER] and roles[-1] is Role.AGGREGATOR
    assert roles[2:-1] == [Role.FEATURE] * (parties - 2)


def test_memory_is_the_high_water_mark_of_the_process_asked_about() -> None:
    code = "import sys; x = bytearray(200_000_000); del x; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"\n"
        held = peak_memory_mb(child.pid)
        assert 200 < held < 300
        assert peak_memory_mb(child.pid, child.pid) == pytest.approx(2 * held)
        child.kill()
    assert peak_memory_mb() > 20


def test_identifiers_are_distinct_and_half_of_them_are_everybodys() -> None:
    sets = alignment.identifiers(101, [BANK, PLATFORM], np.random.default_rng(0))
    assert all(len(set(ids)) == 101 and {len(each) for each in ids} == {18} for ids in sets.values())
    assert len(set(sets[BANK]) & set(sets[PLATFORM])) == 50
    assert sets[BANK][:50] != sets[PLATFORM][:50]


def test_rows_in_another_order_or_rows_that_are_not_common_are_no_result() -> None:
    right = [b"a", b"b"]
    alignment._check({BANK: right, PLATFORM: right, AGGREGATOR: None}, {b"a", b"b"})
    for wrong in ([b"b", b"a"], [b"a"], [b"a", b"c"]):
        with pytest.raises(Mismeasured, match="one order"):
            alignment._check({BANK: right, PLATFORM: wrong, AGGREGATOR: None}, {b"a", b"b"})
    with pytest.raises(Mismeasured, match="one order"):
        alignment._check({BANK: [b"a"], PLATFORM: [b"a"], AGGREGATOR: None}, {b"a", b"b"})


def test_the_table_is_standardised_and_the_same_for_a_seed() -> None:
    one, two = (sample(2000, 23, [BANK, PLATFORM], np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one.features, two.features) and np.array_equal(one.labels, two.labels)
    assert np.abs(one.features.mean(axis=0)).max() < 1e-9
    assert np.abs(one.features.std(axis=0) - 1).max() < 1e-9
    assert 0.1 < one.labels.mean() < 0.5
    assert [held.stop - held.start for held in one.columns.values()] == [13, 10]


def test_a_table_without_a_column_for_each_party_is_refused() -> None:
    with pytest.raises(UsageError, match="no table"):
        sample(2000, 1, [BANK, PLATFORM], np.random.default_rng(0))


def test_a_small_figure_keeps_its_digits_in_the_table() -> None:
    lines = table({"error": 4.2e-5, "n": 100000, "converged": True, "cpu_s": {"bank": 1.5}}).splitlines()
    assert [line.split() for line in lines] == [
        ["error", "4.20e-05"],
        ["n", "100,000"],
        ["converged", "yes"],
        ["cpu_s"],
        ["bank", "1.5000"],
    ]
