"""What goes wrong in a round, on real processes: one clear cause for everybody, and the next round works.

The tests stand in the order in which the one federation lives through them: a party is killed, comes back
while rounds of the other two are refused for all that can be wrong with their tables; then the disk, the
pins, a cancellation and the end of the service; at last a round of all three, which must finish.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import ABSENT
from tests.system.federation import Done, Federation

#: A round that would train for long: no test waits for its end.
LONG = "[model]\nmax_iterations = 200\ntolerance = 1e-5"


@dataclass(frozen=True)
class Bad:
    """A round of bank and platform that must be refused: by whom, as what, and where the fault is."""

    datasets: dict[str, str]
    exit_code: int
    by: str
    field: str | None
    says: str
    advice: str
    extra: str = ""
    file: str | None = None


BAD = {
    "a key column that the table does not have": Bad(
        {"bank": "wrong_key"},
        2,
        "bank",
        None,
        "key names column 'company'",
        "letter by letter",
        file="bank.csv",
    ),
    "a label column that the table does not have": Bad(
        {"bank": "no_label_column"}, 2, "bank", None, "label names column 'outcome'", "letter by letter"
    ),
    "a label of three values": Bad(
        {"bank": "three_labels"},
        2,
        "bank",
        "grade",
        "3 different values instead of two",
        "Write it as one of",
    ),
    "a label with gaps": Bad(
        {"bank": "label_gaps"}, 2, "bank", "early", "rows have no outcome", "not known yet", file="bank.csv"
    ),
    "a label of one value": Bad(
        {"bank": "one_label"}, 2, "bank", "defaulted", "nothing to learn", "rows of both outcomes"
    ),
    "a label party whose dataset has no label": Bad(
        {"bank": "no_label"}, 3, "bank", "parties.bank.role", "names no label", "name `label`"
    ),
    "infinite numbers": Bad(
        {"platform": "infinite"},
        2,
        "platform",
        "late",
        "cells are infinite",
        "missing, or cap",
        file="infinite.csv",
    ),
    "a text column of too many levels": Bad(
        {"platform": "levels"}, 2, "platform", "branch", "200 levels", "declare it categorical"
    ),
    "another unit than the plan's": Bad(
        {"platform": "other_unit"},
        2,
        "platform",
        "turnover",
        "platform declares 10k-CNY, the plan declares CNY",
        "Convert one of the files",
        extra='[units]\nturnover = "CNY"',
    ),
    "too few firms in common": Bad(
        {"platform": "few"},
        3,
        "aggregator",
        "alignment.minimum_intersection",
        "fewer than 200 firms",
        "right key column",
    ),
    "more columns than the equation budget allows": Bad(
        {"platform": "wide"}, 3, "platform", "limits.equations_per_row", "33 columns", "Leave out columns"
    ),
    "a file that is not there": Bad(
        {"platform": "absent"},
        2,
        "platform",
        None,
        "there is no such file",
        "Check the path",
        file="absent.csv",
    ),
    "a dataset that the party does not have": Bad(
        {"platform": "unheard-of"},
        3,
        "platform",
        "datasets.unheard-of",
        "does not have",
        "[datasets.unheard-of]",
    ),
}


# -- a party is killed in training -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(federation: Federation, finished: Done) -> dict[str, Any]:
    """A round in which `public` is killed, its final status; `public` was started again meanwhile."""
    run = federation.submit(federation.plan(extra=LONG))
    federation.wait_step(run, "public", "training")
    federation.kill("public")
    before = set(federation.processes())
    federation.start_party("public")
    status = federation.wait_over(run)
    return {
        **status,
        "alive": [pid for pid in before if Path(f"/proc/{pid}").exists() and _of(pid, federation)],
    }


def _of(pid: int, federation: Federation) -> bool:
    """Whether a process that was there before the restart is one of public's."""
    try:
        return str(federation.party("public")).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_party_that_is_killed_ends_the_round_by_name_and_leaves_no_process(
    federation: Federation, killed: dict[str, Any]
) -> None:
    assert (killed["state"], killed["exit_code"]) == ("failed", 4)
    assert "public left" in killed["cause"]
    assert killed["alive"] == []
    federation.wait_idle("bank", "platform")
    for party in ("bank", "platform"):
        assert "public left" in federation.told(party, killed["run"])
        assert "public left" in federation.node(party)["cause"]


# -- what can be wrong with a table or a plan ------------------------------------------------------------


@pytest.fixture(scope="module")
def refused(federation: Federation, killed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All bad rounds, submitted together: the service takes them one by one."""
    runs = {
        name: federation.submit(federation.plan("bank", "platform", datasets=bad.datasets, extra=bad.extra))
        for name, bad in BAD.items()
    }
    return {name: federation.wait_over(run) for name, run in runs.items()}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_round_ends_with_one_cause_that_names_party_and_field(
    federation: Federation, refused: dict[str, dict[str, Any]], name: str
) -> None:
    bad, status = BAD[name], refused[name]
    assert (status["state"], status["exit_code"]) == ("failed", bad.exit_code), status["cause"]
    assert bad.says in status["cause"]
    if bad.by != "aggregator":
        assert f"party {bad.by}" in status["cause"]
    if bad.field is not None:
        assert f"field {bad.field}" in status["cause"]
    for party in ("bank", "platform"):
        told = federation.told(party, status["run"])
        assert status["cause"] in told if party != bad.by else bad.says in told


@pytest.mark.parametrize("name", [name for name, bad in BAD.items() if bad.by != "aggregator"])
def test_the_party_itself_is_told_the_file_and_the_next_step(
    federation: Federation, refused: dict[str, dict[str, Any]], name: str
) -> None:
    bad = BAD[name]
    told = federation.told(bad.by, refused[name]["run"])
    assert bad.advice in told.partition("(next: ")[2]
    if bad.file is not None:
        assert bad.file in told
        assert bad.file not in refused[name]["cause"]


def test_no_cause_holds_a_cell_or_an_identifier(
    federation: Federation, refused: dict[str, dict[str, Any]]
) -> None:
    causes = " ".join(status["cause"] for status in refused.values())
    for text in ("firm-0", "Żółw", "918", "branch-", "Kürbis", "inf,"):
        assert text not in causes


def test_a_party_that_never_comes_is_named_when_the_join_deadline_is_over(federation: Federation) -> None:
    done = federation.launch(federation.plan("bank", ABSENT, extra="[deadlines]\njoin_seconds = 2"))
    assert done.exit_code == 4
    assert done.cause == f"party {ABSENT}: waited 2 s for {ABSENT} (coming online)"
    assert f"error: the round did not finish: {done.cause}" in done.err
    assert "next:  " in done.err
    assert len(done.out.splitlines()) == 1  # One JSON object, also of a round that failed.


def test_a_refused_round_ends_the_command_with_its_exit_code(federation: Federation) -> None:
    done = federation.launch(federation.plan("bank", "platform", datasets={"platform": "unheard-of"}))
    assert (done.exit_code, done.facts["exit_code"]) == (3, 3)
    assert "error: the round did not finish: party platform, field datasets.unheard-of" in done.err


# -- before anything starts ------------------------------------------------------------------------------


def test_a_plan_that_names_an_unknown_party_is_refused_before_anything_starts(federation: Federation) -> None:
    before = len(list((federation.home / "rounds").iterdir()))
    done = federation.launch(federation.plan("bank", "stranger"))
    assert done.exit_code == 3
    assert "party stranger, field parties.stranger: stranger: not admitted" in done.err
    assert "isthmus federation members" in done.err
    assert len(list((federation.home / "rounds").iterdir())) == before


def test_every_problem_of_a_plan_is_listed_at_once(federation: Federation) -> None:
    problems = {
        'name = "test"': 'name = "../test"',
        "max_iterations = 3": "max_iterations = 0",
        "minimum_intersection = 200": "minimum_intersection = 5\nlevel = 1",
        'role = "label"': 'role = "owner"',
    }
    plan = federation.plan("bank", "platform")
    for good, bad in problems.items():
        plan = plan.replace(good, bad)
    done = federation.launch(plan)
    assert done.exit_code == 2
    assert "the plan has 6 problem(s)" in done.err
    for key in (
        "name: ",
        "model.max_iterations: ",
        "alignment.minimum_intersection: ",
        "alignment.level: no such key",
        "parties.bank.role: allowed are 'label' or 'feature'",
        'parties: exactly one has role = "label", here 0',
    ):
        assert f"  - {key}" in done.err


def test_a_second_service_in_one_folder_is_refused(federation: Federation) -> None:
    second = {
        "federation": federation.cli_text("federation", "start", "--home", federation.home),
        "party": federation.cli_text("party", "start", "--home", federation.party("bank")),
    }
    for group, done in second.items():
        assert done.exit_code == 2, done.err
        assert "is running already" in done.err
        assert f"isthmus {group} stop" in done.err
    assert federation.runs("federation")
    assert federation.cli("party", "status", "--home", federation.party("bank")).facts["running"]


# -- the party's own machine -----------------------------------------------------------------------------


@contextmanager
def full_disk(federation: Federation, party: str) -> Iterator[None]:
    """Room for a few pages in the party's rounds; where mounting is not allowed, in each of its files."""
    folder = federation.party(party) / "rounds"
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    pid, limit = federation.pid(party), resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, limit, (8192, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, limit, before)


@pytest.mark.usefixtures("refused")
def test_a_full_disk_ends_the_round_with_the_partys_name(federation: Federation) -> None:
    with full_disk(federation, "platform"):
        status = federation.wait_over(federation.submit(federation.plan("bank", "platform")))
        federation.wait_idle("bank", "platform")
    assert (status["state"], status["exit_code"]) in (("failed", 3), ("failed", 2))
    assert re.search("party platform: cannot write.*(No space left|File too large)", status["cause"])
    assert "Free space on that disk" in federation.told("platform", status["run"])
    assert status["cause"] in federation.told("bank", status["run"])


@pytest.mark.usefixtures("refused")
def test_a_partner_whose_fingerprint_nobody_compared_is_refused(federation: Federation) -> None:
    pins = federation.party("bank") / "pins.json"
    before = pins.read_bytes()
    pins.write_text(json.dumps({k: v for k, v in json.loads(before).items() if k != "platform"}))
    try:
        status = federation.wait_over(federation.submit(federation.plan("bank", "platform")))
    finally:
        pins.write_bytes(before)
    assert (status["state"], status["exit_code"]) == ("failed", 3)
    assert "party platform: platform is on the roster, but nobody here has checked" in status["cause"]
    federation.wait_idle("bank", "platform")
    assert "isthmus party trust platform" in federation.node("bank")["advice"]
    assert status["cause"] in federation.told("platform", status["run"])


@pytest.mark.usefixtures("refused")
def test_a_member_that_the_coordinator_swapped_is_refused_by_its_pin(federation: Federation) -> None:
    members = federation.home / "members"
    record = members / "platform.json"
    before = record.read_bytes()
    swapped = json.loads(before) | {
        "identity": json.loads((members / f"{ABSENT}.json").read_text())["identity"]
    }
    record.write_text(json.dumps(swapped))
    try:
        status = federation.wait_over(federation.submit(federation.plan("bank", "platform")))
    finally:
        record.write_bytes(before)
    assert (status["state"], status["exit_code"]) == ("failed", 3)
    assert "platform has another identity than the pinned one" in status["cause"]
    trust = federation.cli(
        "party", "trust", "platform", federation.fingerprints[ABSENT], "--home", federation.party("bank")
    )
    assert trust.exit_code == 3  # A pin is not replaced silently.
    assert "pinned to another fingerprint" in trust.err


# -- the coordinator -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("refused")
def test_cancelling_in_mid_round_leaves_everybody_idle_with_the_cause(federation: Federation) -> None:
    run = federation.submit(federation.plan("bank", "platform", extra=LONG))
    federation.wait_step(run, "platform", "training")
    assert federation.cli("round", "cancel", run, "--home", federation.home).exit_code == 0
    status = federation.wait_over(run)
    assert (status["state"], status["exit_code"]) == ("cancelled", 4)
    assert status["cause"] == "the coordinator cancelled the round"
    federation.wait_idle("bank", "platform")
    for party in ("bank", "platform"):
        assert federation.node(party)["cause"] == f"aggregator ended the session: {status['cause']}"
    again = federation.cli("round", "cancel", run, "--home", federation.home)
    assert (again.exit_code, "is over already" in again.err) == (2, True)


@pytest.mark.usefixtures("refused")
def test_stopping_the_service_in_mid_round_tells_everybody(federation: Federation) -> None:
    federation.wait_joined("public")
    run = federation.submit(federation.plan(extra=LONG))
    federation.wait_step(run, "platform", "training")
    stopped = federation.cli("federation", "stop", "--home", federation.home)
    assert stopped.exit_code == 0, stopped.err
    status = federation.status(run)
    assert (status["state"], status["cause"]) == ("cancelled", "the federation's service was stopped")
    federation.wait_idle()
    for party in federation.names:
        assert federation.node(party)["cause"] == f"aggregator ended the session: {status['cause']}"
    launched = federation.launch(federation.plan())
    assert (launched.exit_code, "isthmus federation start" in launched.err) == (2, True)
    federation.start_coordinator()


def test_after_all_that_a_round_of_all_parties_still_finishes(federation: Federation) -> None:
    done = federation.launch(federation.plan())
    assert (done.exit_code, done.facts["state"]) == (0, "finished"), done.err


# -- a folder that is no member's ------------------------------------------------------------------------


def test_a_port_in_use_is_named_and_nothing_is_left_running(federation: Federation) -> None:
    from tests.system.federation import command, unused_port

    for taken in ("gate", "exchange"):
        home = federation.folder / f"second-{taken}"
        free = f"127.0.0.1:{unused_port('127.0.0.1')}"
        addresses = {"gate": free, "exchange": f"127.0.0.1:{unused_port('127.0.0.1')}"}
        addresses[taken] = getattr(federation, taken)
        command(
            *("federation", "init", "second", "--home", home),
            *("--gate", addresses["gate"], "--exchange", addresses["exchange"]),
        )
        before = set(federation.processes())
        done = federation.cli_text("federation", "start", "--home", home)
        assert done.exit_code == 2, done.err
        assert addresses[taken].rpartition(":")[2] in done.err
        assert "next:  " in done.err
        assert set(federation.processes()) <= before
        assert not (home / "service.json").exists()


def test_a_certificate_of_another_federation_is_refused_at_the_start(federation: Federation) -> None:
    from tests.system.federation import command

    other = federation.folder / "other"
    made = command("federation", "init", "other", "--home", other / "federation")
    home, request = other / "bank", other / "bank.request"
    command("party", "init", "bank", "--home", home)
    asked = command("party", "request", "--home", home, "--out", request)
    command(
        *("federation", "admit", request, "--home", other / "federation"),
        *("--fingerprint", asked["fingerprint"], "--out", other / "bank.admission"),
    )
    command("party", "accept", other / "bank.admission", "--home", home, "--fingerprint", made["fingerprint"])
    (home / "authority.pem").write_bytes((federation.party("bank") / "authority.pem").read_bytes())
    done = federation.cli_text("party", "start", "--home", home)
    assert done.exit_code == 3
    assert "the certificate was issued by another federation" in done.err
    accepted = federation.cli("party", "accept", federation.folder / "bank.admission", "--home", home)
    assert accepted.exit_code != 0
