"""A node that is stopped in the midst of a round, and one in the background: on real processes.

The tests stand in the order in which the federation lives through them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from federation import journal
from tests.system.canaries import needles
from tests.system.federation import Done, Federation, command
from tests.system.search import found_in_files
from tests.system.tables import PARTIES

#: A round that would train for some seconds: no test waits for its end.
LONG = "[model]\nmax_iterations = 200\ntolerance = 1e-5"


def events(home: Path) -> list[str]:
    log = home / "log" / "node.jsonl"
    return [line["event"] for line in _lines(log)]


def _lines(log: Path) -> list[dict[str, object]]:
    from federation.serving.reading import last

    return last(log, 10_000)


def test_a_node_that_is_stopped_in_a_round_tells_everybody_and_ends_in_order(federation: Federation) -> None:
    run = federation.submit(federation.plan(extra=LONG))
    federation.wait_step(run, "platform", "training")
    process = federation.pid("platform")
    assert command("party", "stop", "--home", federation.party("platform"))["stopped"] == process
    status = federation.wait_over(run)
    assert status["state"] == "failed"
    cause = "platform stopped its node"
    assert cause in status["cause"]
    for party in PARTIES:
        assert federation.was_told(party, run, cause), federation.log(party)
    federation.check_ended("platform")
    home = federation.party("platform")
    assert not (home / "node.json").exists()
    rounds = home / "rounds" / run
    assert [entry.type for entry in journal.read(rounds / "told.jsonl")] == ["session/end"]
    journal.verify(rounds / "journal.jsonl")
    assert events(home)[-3:] == ["stopping-in-round", "round-ended", "stopped"]


@pytest.fixture(scope="module")
def detached(federation: Federation) -> Done:
    """The platform's node, in the background; the federation counts it among its processes by its mark."""
    return federation.cli(
        *("party", "start", "--detach", "--metrics-port", 0, "--home", federation.party("platform")),
        role="platform",
    )


def test_a_node_in_the_background_takes_part_and_shows_how_it_is(
    federation: Federation, detached: Done
) -> None:
    assert detached.exit_code == 0, detached.err
    home, pid = federation.party("platform"), int(detached.facts["started"])
    try:
        status = command("party", "status", "--home", home)
        assert (status["pid"], status["metrics"]) == (pid, detached.facts["metrics"])
        assert os.getsid(pid) == pid != os.getsid(0)
        again = federation.cli("party", "start", "--detach", "--home", home)
        assert (again.exit_code, f"process {pid}" in again.err) == (2, True)
        federation.wait_for(lambda: "supernode" in events(home)[-3:], "platform to join", "bank")
        done = federation.launch(federation.plan())
        assert done.exit_code == 0, done.err
        federation.wait_for(lambda: events(home)[-1] == "round-finished", "the round's last line", "bank")
        address = str(detached.facts["metrics"])
        with httpx.Client(timeout=60, trust_env=False, verify=False) as client:
            health = client.get(address.replace("/metrics", "/healthz"))
            families = text_string_to_metric_families(client.get(address).text)
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }
        assert health.status_code == 200, health.text
        assert found["isthmus_rounds_total", "finished"] == 1
        assert found["isthmus_bytes_sent_total", "bank"] > 100_000
        assert found["isthmus_waits_total", "bank"] > 0
    finally:
        stopped = federation.cli("party", "stop", "--home", home)
    assert stopped.facts["stopped"] == pid
    assert events(home)[-1] == "stopped"


def test_no_log_of_a_role_holds_a_canary_or_a_secret(federation: Federation, detached: Done) -> None:
    homes = [federation.home, *(federation.party(party) for party in PARTIES)]
    logs = [home / "log" / "node.jsonl" for home in homes]
    assert all("round-finished" in events(home) for home in homes)  # Whole runs stand in them.
    assert [found_in_files(needles(party), logs) for party in PARTIES] == [{}, {}, {}]
    secrets = [line for home in homes for line in _secret_lines(home)]
    assert len(secrets) > 10
    told = b"".join(log.read_bytes() for log in logs)
    assert not [line for line in secrets if line in told]
    # Paths, columns and the next step are for the role's own people, on its standard output.
    assert str(federation.folder).encode() not in told
    assert b"turnover" not in told and b"defaulted" not in told
    assert {stat.S_IMODE(log.stat().st_mode) for log in logs} == {0o600}
    # As it was found: other tests of this federation need the node.
    federation.start_party("platform")
    federation.wait_joined("platform")


def _secret_lines(home: Path) -> list[bytes]:
    lines = [line for file in (home / "secret").iterdir() for line in file.read_bytes().splitlines()]
    return [line for line in lines if len(line) >= 16 and not line.startswith(b"-----")]
