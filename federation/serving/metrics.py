"""A service's metrics in Prometheus' text format. docs/operations.md has a line for each.

The labels are names of members, ends of rounds, and fixed words: nothing of a table reaches one. The
process's own figures are prometheus_client's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from crypto.version import installed_version
from federation.serving.tally import Counted
from federation.serving.vitals import Vitals

#: Every end of a round has a series from the start: a counter that appears with 1 shows no increase.
ENDS = ("finished", "failed", "cancelled", "stopped")


class Metrics:
    """A registry of its own for one service: nothing of another library's is in it."""

    def __init__(
        self, vitals: Callable[[], Vitals], counted: Callable[[], Counted], lost_lines: Callable[[], int]
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Ours(vitals, counted, lost_lines))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The metrics now."""
        return generate_latest(self._registry)


class _Ours(Collector):
    def __init__(
        self, vitals: Callable[[], Vitals], counted: Callable[[], Counted], lost_lines: Callable[[], int]
    ) -> None:
        self._vitals, self._counted, self._lost = vitals, counted, lost_lines

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry would otherwise collect when this is registered, before the service is up."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One look at the service, as metrics."""
        vitals, counted = self._vitals(), self._counted()
        yield from _state(vitals)
        yield from _rounds(counted)
        yield from _peers(counted)
        yield from _relay(vitals)
        lost = CounterMetricFamily("isthmus_log_lines_lost", "Lines of the log that the disk did not take.")
        lost.add_metric([], self._lost())
        yield lost


def _state(vitals: Vitals) -> Iterator[Metric]:
    build = GaugeMetricFamily(
        "isthmus_build_info", "1; the labels say what runs.", labels=["version", "role"]
    )
    build.add_metric([installed_version(), vitals.role], 1)
    yield build
    yield GaugeMetricFamily("isthmus_up", "1 while the service runs.", value=1)
    healthy = not list(vitals.troubles(dt.datetime.now(dt.UTC)))
    yield GaugeMetricFamily("isthmus_healthy", "1 when /healthz answers 200.", value=healthy)
    connected = GaugeMetricFamily(
        "isthmus_connected", "1 when what the service needs answers; absent while not needed.", labels=["to"]
    )
    for name, answers in vitals.connected.items():
        if answers is not None:
            connected.add_metric([name], answers)
    yield connected
    if vitals.certificate_ends is not None:
        yield GaugeMetricFamily(
            "isthmus_certificate_expiry_timestamp_seconds",
            "When the role's certificate ends (Unix time).",
            value=vitals.certificate_ends.timestamp(),
        )
    if vitals.disk_free is not None:
        yield GaugeMetricFamily(
            "isthmus_disk_free_bytes", "Free bytes where the folder lies.", value=vitals.disk_free
        )


def _rounds(counted: Counted) -> Iterator[Metric]:
    rounds = CounterMetricFamily(
        "isthmus_rounds", "Rounds since the start, by how they ended.", labels=["end"]
    )
    for end in dict.fromkeys((*ENDS, *counted.rounds)):
        rounds.add_metric([end], counted.rounds.get(end, 0))
    yield rounds
    yield GaugeMetricFamily("isthmus_round_running", "1 while a round runs.", value=counted.running)
    if counted.last_seconds is not None:
        yield GaugeMetricFamily(
            "isthmus_last_round_seconds", "How long the last round took here.", value=counted.last_seconds
        )


def _peers(counted: Counted) -> Iterator[Metric]:
    families = [
        ("frames_sent", "Sealed envelopes handed over for a peer."),
        ("bytes_sent", "Their bytes."),
        ("frames_received", "Sealed envelopes that came from a peer."),
        ("bytes_received", "Their bytes."),
        ("waits", "Times that this role waited for a peer's next envelope."),
        ("wait_seconds", "Seconds that it waited."),
    ]
    for name, what in families:
        family = CounterMetricFamily(f"isthmus_{name}", what, labels=["peer"])
        for peer, exchanged in sorted(counted.peers.items()):
            family.add_metric([peer], getattr(exchanged, name))
        yield family


def _relay(vitals: Vitals) -> Iterator[Metric]:
    if vitals.role != "aggregator":
        return
    labels = ["sender", "recipient"]
    frames = CounterMetricFamily(
        "isthmus_frames_relayed", "Frames relayed from one seat to another.", labels=labels
    )
    size = CounterMetricFamily("isthmus_bytes_relayed", "Their bytes.", labels=labels)
    for pair, traffic in sorted(vitals.relayed.items()):
        frames.add_metric(list(pair), traffic.frames)
        size.add_metric(list(pair), traffic.bytes)
    yield frames
    yield size
    if vitals.members is not None:
        yield GaugeMetricFamily("isthmus_members", "Admitted parties.", value=vitals.members)
    if vitals.sessions is not None:
        yield GaugeMetricFamily("isthmus_sessions_open", "Sessions at the exchange.", value=vitals.sessions)
