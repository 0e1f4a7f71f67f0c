"""Health and metrics are for this machine's programs, and what they say is true."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from federation.exchange.sessions import Traffic
from federation.local_pages import LocalPages
from federation.serving.metrics import Metrics
from federation.serving.pages import app
from federation.serving.tally import Tally
from federation.serving.vitals import Vitals

NOW = dt.datetime.now(dt.UTC)
WELL = Vitals("party", "idle", {"gate": True, "exchange": None}, NOW + dt.timedelta(days=90), 5 << 30)


class Shown:
    """Pages whose service is as the test says."""

    def __init__(self) -> None:
        self.vitals = WELL
        self.tally = Tally()
        metrics = Metrics(lambda: self.vitals, self.tally.now, lambda: 0)
        self.pages = LocalPages(
            app(lambda: self.vitals.health(NOW), metrics.text), "127.0.0.1", 0, "health and metrics"
        )
        self.port = self.pages.start()
        self._client = httpx.Client(timeout=60, trust_env=False, verify=False)

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return self._client.request(method, url, headers=headers)

    def stop(self) -> None:
        self._client.close()
        self.pages.stop()

    def values(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """(name, values of the labels) -> value."""
        families = text_string_to_metric_families(self.ask("/metrics").text)
        return {
            (
                sample.name,
                tuple(sample.labels[name] for name in sorted(sample.labels, reverse=True)),
            ): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def serving() -> Iterator[Shown]:
    shown = Shown()
    yield shown
    shown.stop()


@pytest.fixture
def shown(serving: Shown) -> Shown:
    serving.vitals = WELL
    return serving


def test_a_service_that_is_well_says_so(shown: Shown) -> None:
    answer = shown.ask("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "up": True,
        "healthy": True,
        "role": "party",
        "state": "idle",
        "connected": {"gate": True, "exchange": None},
        "certificate_days_left": 90.0,
        "disk_free_bytes": 5 << 30,
        "troubles": [],
    }
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"state": "stopping"}, "it is stopping"),
        ({"connected": {"gate": False, "exchange": None}}, "the gate does not answer"),
        ({"connected": {"gate": True, "exchange": False}}, "the exchange does not answer"),
        ({"certificate_ends": NOW - dt.timedelta(seconds=1)}, "its certificate has ended"),
        ({"certificate_ends": None}, "its certificate cannot be read"),
        ({"disk_free": 1 << 20}, "less than 1 GiB of its disk are free"),
        ({"disk_free": None}, "the disk of its folder cannot be looked at"),
    ],
)
def test_one_that_is_not_says_why(shown: Shown, change: dict[str, Any], trouble: str) -> None:
    shown.vitals = replace(WELL, **change)
    answer = shown.ask("/healthz")
    assert (answer.status_code, answer.json()["troubles"]) == (503, [trouble])
    assert shown.values()["isthmus_healthy", ()] == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1]", "10.0.0.1"]
)
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_another_hosts_name_is_refused(shown: Shown, path: str, host: str) -> None:
    assert shown.ask(path, host=host).status_code == 400
    assert shown.ask(path, host=f"LOCALHOST:{shown.port}").status_code in (200, 503)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_answered(shown: Shown, method: str) -> None:
    answer = shown.ask("/metrics", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_no_other_page_is_there_and_none_takes_a_parameter(shown: Shown) -> None:
    for path in ("/", "/metrics/", "/healthz/x", "/..%2fmetrics", "//metrics"):
        assert shown.ask(path).status_code == 404
    assert shown.ask("/metrics?name[]=up").status_code == 400


def test_what_goes_wrong_inside_is_not_shown(shown: Shown) -> None:
    shown.vitals = None  # type: ignore[assignment]
    for path in ("/healthz", "/metrics"):
        answer = shown.ask(path)
        assert (answer.status_code, answer.json()) == (500, {"error": "internal error"})


def test_the_metrics_count_rounds_envelopes_and_waits(shown: Shown) -> None:
    tally = shown.tally
    before = shown.values()
    assert [
        before["isthmus_rounds_total", (end,)] for end in ("finished", "failed", "cancelled", "stopped")
    ] == [0] * 4
    assert not any(name == "isthmus_last_round_seconds" for name, _ in before)
    tally.begun()
    assert shown.values()["isthmus_round_running", ()] == 1
    tally.sent("bank", 100)
    tally.sent("bank", 23)
    tally.received("platform", 7)
    tally.waited("platform", 1.5)
    tally.ended("finished")
    found = shown.values()
    assert found["isthmus_rounds_total", ("finished",)] == 1
    assert found["isthmus_round_running", ()] == 0
    assert found["isthmus_last_round_seconds", ()] >= 0
    assert found["isthmus_frames_sent_total", ("bank",)] == 2
    assert found["isthmus_bytes_sent_total", ("bank",)] == 123
    assert found["isthmus_frames_received_total", ("platform",)] == 1
    assert found["isthmus_bytes_received_total", ("platform",)] == 7
    assert found["isthmus_waits_total", ("platform",)] == 1
    assert found["isthmus_wait_seconds_total", ("platform",)] == 1.5
    assert found["isthmus_connected", ("gate",)] == 1
    assert ("isthmus_connected", ("exchange",)) not in found  # Not needed outside a round.
    assert found["isthmus_certificate_expiry_timestamp_seconds", ()] == pytest.approx(
        NOW.timestamp() + 90 * 86400
    )
    assert found["process_resident_memory_bytes", ()] > 1 << 20
    assert found["process_open_fds", ()] > 3


def test_the_aggregator_counts_what_it_relayed(shown: Shown) -> None:
    relayed = {("bank", "platform"): Traffic(3, 4096), ("platform", "bank"): Traffic(1, 10)}
    shown.vitals = replace(WELL, role="aggregator", relayed=relayed, members=2, sessions=1)
    found = shown.values()
    assert found["isthmus_frames_relayed_total", ("bank", "platform")] == 3
    assert found["isthmus_bytes_relayed_total", ("platform", "bank")] == 10
    assert (found["isthmus_members", ()], found["isthmus_sessions_open", ()]) == (2, 1)


def test_the_operations_page_lists_every_metric_and_no_other(shown: Shown) -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(isthmus_[a-z_]+|process_[a-z_]+)`", page))
    shown.tally.begun()
    shown.tally.sent("bank", 1)
    shown.tally.ended("failed")
    names = {name for name, _ in shown.values()}
    relayed = {("bank", "platform"): Traffic(1, 1)}
    shown.vitals = replace(WELL, role="aggregator", relayed=relayed, members=1, sessions=0)
    names |= {name for name, _ in shown.values()}
    assert told == names
