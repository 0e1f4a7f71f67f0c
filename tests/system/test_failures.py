"""What goes wrong in a round, on real processes: one clear cause for everybody, and the next round works.

The tests stand in the order in which the one federation lives through them: a party is killed, comes back
while rounds of the other two are refused for all that can be wrong with their tables; then the disk, the
pins, a cancellation and the end of the service; at last a round of all three, which must finish.
"""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from federation import files
from federation import journal as journals
from federation.errors import IdentityRefused, PlanRefused, SessionEnded, UsageError
from federation.journal import Entry, FileJournal
from tests.system.conftest import ABSENT
from tests.system.federation import LOOPBACK, Done, Federation, command, descendants, unused_port
from tests.system.in_memory import rehearse

#: A round that would train for some seconds: no test waits for its end. Commands that break it off are given
#: in this process: on a busy machine another one could start too late.
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

    @property
    def of_the_table(self) -> bool:
        """Whether the fault is in the party's own table alone; units are the plan's too."""
        return self.exit_code == 2 and not self.extra


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
    "infinite numbers": Bad(
        {"platform": "infinite"},
        2,
        "platform",
        "late",
        "cells are infinite",
        "missing, or cap",
        file="infinite.csv",
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
    "a dataset that the party does not have": Bad(
        {"platform": "unheard-of"},
        3,
        "platform",
        "datasets.unheard-of",
        "does not have",
        "[datasets.unheard-of]",
    ),
}

#: Refused by the same code, and so tried without the network: `test_a_bad_table_…` below.
BAD_IN_MEMORY = {
    "a label column that the table does not have": Bad(
        {"bank": "no_label_column"}, 2, "bank", None, "label names column 'outcome'", "letter by letter"
    ),
    "a label of one value": Bad(
        {"bank": "one_label"}, 2, "bank", "defaulted", "nothing to learn", "rows of both outcomes"
    ),
    "a label party whose dataset has no label": Bad(
        {"bank": "no_label"}, 3, "bank", "parties.bank.role", "names no label", "name `label`"
    ),
    "a text column of too many levels": Bad(
        {"platform": "levels"}, 2, "platform", "branch", "200 levels", "declare it categorical"
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
}


# -- a party is killed in training -----------------------------------------------------------------------


Starts = dict[str, Done]


@pytest.fixture(scope="module")
def killed_and_starts(federation: Federation, finished: Done) -> tuple[dict[str, Any], Starts]:
    """A round in which `public` is killed, and what was tried while the exchange waited for it to return."""
    run = federation.submit(federation.plan(extra=LONG))
    federation.wait_step(run, "public", "training")
    federation.kill("public")
    starts = _start_what_must_not(federation)
    assert finished.exit_code == 0
    before = [pid for pid in federation.processes() if _is_of(pid, federation.party("public"))]
    federation.start_party("public")
    return {**federation.wait_over(run), "alive": before}, starts


@pytest.fixture(scope="module")
def killed(killed_and_starts: tuple[dict[str, Any], Starts]) -> dict[str, Any]:
    return killed_and_starts[0]


@pytest.fixture(scope="module")
def refused_starts(killed_and_starts: tuple[dict[str, Any], Starts]) -> Starts:
    return killed_and_starts[1]


def _start_what_must_not(federation: Federation) -> Starts:
    """Services that refuse to start, tried at once."""
    starts = {
        "second federation": ("federation", federation.home),
        "second party": ("party", federation.party("bank")),
        "another certificate": ("party", _member_of_another(federation)),
    }
    for taken in ("gate", "exchange", "desk"):
        home = federation.folder / f"second-{taken}"
        addresses = {name: f"{LOOPBACK}:{unused_port(LOOPBACK)}" for name in ("gate", "exchange", "desk")}
        addresses[taken] = getattr(federation, taken)
        command(
            *("federation", "init", "second", "--home", home),
            *("--gate", addresses["gate"], "--exchange", addresses["exchange"]),
            *("--desk", addresses["desk"]),
        )
        starts[f"{taken} in use"] = ("federation", home)
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(
            lambda start: federation.cli_text(start[0], "start", "--home", start[1]), starts.values()
        )
        return dict(zip(starts, done, strict=True))


def _member_of_another(federation: Federation) -> Path:
    """A party's folder with another federation's certificate for the name, and this one's authority."""
    other = federation.folder / "other"
    made = command("federation", "init", "other", "--home", other / "federation")
    home, request, admission = other / "bank", other / "bank.request", other / "bank.admission"
    command("party", "init", "bank", "--home", home)
    asked = command("party", "request", "--home", home, "--out", request)
    command(
        *("federation", "admit", request, "--home", other / "federation"),
        *("--fingerprint", asked["fingerprint"], "--out", admission),
    )
    command("party", "accept", admission, "--home", home, "--fingerprint", made["fingerprint"])
    (home / "authority.pem").write_bytes((federation.party("bank") / "authority.pem").read_bytes())
    return home


def _is_of(pid: int, home: Path) -> bool:
    """Whether the process was started for what lies in `home`."""
    try:
        return str(home).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
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


@pytest.fixture(scope="module")
def launched(federation: Federation, killed: dict[str, Any]) -> dict[str, Done]:
    """Two bad rounds by the command that waits for their end, at once."""
    plans = {
        "absent": federation.plan("bank", ABSENT, extra="[deadlines]\njoin_seconds = 2"),
        "refused": federation.plan("bank", "platform", datasets={"platform": "unheard-of"}),
    }
    with ThreadPoolExecutor() as pool:
        return dict(zip(plans, pool.map(federation.launch, plans.values()), strict=True))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_round_ends_with_one_cause_that_names_party_and_field(
    federation: Federation, refused: dict[str, dict[str, Any]], name: str
) -> None:
    bad, status = BAD[name], refused[name]
    assert (status["state"], status["exit_code"]) == ("failed", bad.exit_code), status["cause"]
    if bad.by != "aggregator":
        assert f"party {bad.by}" in status["cause"]
    if bad.of_the_table:  # Of its columns the others are told none.
        assert status["cause"].endswith("its own people are told where")
        assert bad.says not in status["cause"] and str(bad.field) not in status["cause"]
    else:
        assert bad.says in status["cause"]
        assert bad.field is None or f"field {bad.field}" in status["cause"]
    for party in ("bank", "platform"):
        if party == bad.by:
            assert bad.says in federation.told(party, status["run"])
        else:
            assert federation.was_told(party, status["run"], status["cause"])


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


@pytest.mark.parametrize("name", BAD_IN_MEMORY)
def test_a_bad_table_ends_the_session_with_one_error_that_names_it(unstarted: Federation, name: str) -> None:
    bad = BAD_IN_MEMORY[name]
    seen = rehearse(unstarted, unstarted.plan("bank", "platform", datasets=bad.datasets, extra=bad.extra))
    error = seen.errors[bad.by]
    assert (error.exit_code, error.party, error.field) == (bad.exit_code, bad.by, bad.field)
    assert bad.says in error.what
    assert bad.advice in error.advice
    if bad.file is not None:
        assert bad.file in str(error.file)
        assert bad.file not in error.cause
    for role, told in seen.errors.items():
        if role != bad.by:
            assert isinstance(told, SessionEnded)
            assert (told.by, told.given_cause) == (bad.by, error.cause)


@pytest.mark.usefixtures("refused")
def test_the_command_of_a_failed_round_says_why_and_ends_with_its_exit_code(
    launched: dict[str, Done],
) -> None:
    causes = {
        "absent": f"IST-4001: party {ABSENT}: waited 2 s for {ABSENT} (coming online)",
        "refused": "IST-3402: party platform, field datasets.unheard-of: the plan names the dataset",
    }
    for name, exit_code in (("absent", 4), ("refused", 3)):
        done = launched[name]
        assert (done.exit_code, done.facts["exit_code"]) == (exit_code, exit_code)
        assert done.cause.startswith(causes[name])
        code, _, sentence = done.cause.partition(": ")
        assert done.facts["code"] == code
        assert f"error[{code}]: the round did not finish: {sentence}" in done.err
        assert "next:  Mend the cause" in done.err
        assert len(done.out.splitlines()) == 1  # One JSON object, also of a round that failed.


# -- before anything starts ------------------------------------------------------------------------------


def test_a_plan_that_names_an_unknown_party_is_refused_before_anything_starts(federation: Federation) -> None:
    before = len(list((federation.home / "rounds").iterdir()))
    with pytest.raises(PlanRefused) as refused:
        federation.submit(federation.plan("bank", "stranger"))
    assert refused.value.exit_code == 3
    assert "party stranger, field parties.stranger: stranger: not admitted" in str(refused.value)
    assert "isthmus federation members" in refused.value.advice
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
    with pytest.raises(UsageError, match=r"the plan has 6 problem\(s\)") as refused:
        federation.submit(plan)
    for key in (
        "name: ",
        "model.max_iterations: ",
        "alignment.minimum_intersection: ",
        "alignment.level: no such key",
        "parties.bank.role: allowed are 'label' or 'feature'",
        'parties: exactly one has role = "label", here 0',
    ):
        assert f"  - {key}" in str(refused.value)


def test_a_second_service_in_one_folder_is_refused(federation: Federation, refused_starts: Starts) -> None:
    for group in ("federation", "party"):
        done = refused_starts[f"second {group}"]
        assert done.exit_code == 2, done.err
        assert "is running already" in done.err
        assert f"isthmus {group} stop" in done.err
    assert federation.runs("federation")
    assert command("party", "status", "--home", federation.party("bank"))["running"]


def test_a_port_in_use_is_named_and_nothing_is_left_running(
    federation: Federation, refused_starts: Starts
) -> None:
    for taken in ("gate", "exchange", "desk"):
        done = refused_starts[f"{taken} in use"]
        assert done.exit_code == 2, done.err
        assert getattr(federation, taken).rpartition(":")[2] in done.err
        assert "next:  " in done.err
        home = federation.folder / f"second-{taken}"
        assert not (home / "service.json").exists()
        assert not [pid for pid in federation.processes() if _is_of(pid, home)]


def test_a_certificate_of_another_federation_is_refused_at_the_start(
    federation: Federation, refused_starts: Starts
) -> None:
    done = refused_starts["another certificate"]
    assert done.exit_code == 3
    assert "the certificate was issued by another federation" in done.err
    home = federation.folder / "other" / "bank"
    with pytest.raises(IdentityRefused, match="another federation"):
        command(
            *("party", "accept", federation.folder / "bank.admission", "--home", home),
            *("--fingerprint", federation.fingerprint),
        )


# -- the party's own machine -----------------------------------------------------------------------------


@contextmanager
def full_disk(federation: Federation, party: str) -> Iterator[None]:
    """Room for three pages in the party's rounds."""
    folder = federation.party(party) / "rounds"
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.usefixtures("refused")
def test_a_full_disk_ends_the_round_with_the_partys_name(federation: Federation) -> None:
    with full_disk(federation, "platform"):
        status = federation.wait_over(federation.submit(federation.plan("bank", "platform")))
        federation.wait_idle("bank", "platform")
    assert (status["state"], status["exit_code"]) in (("failed", 3), ("failed", 2))
    assert re.search("party platform: cannot write.*(No space left|took only a part)", status["cause"])
    assert "Free space on that disk" in federation.told("platform", status["run"])
    assert federation.was_told("bank", status["run"], status["cause"])


@pytest.mark.parametrize("lines", [0, 5, 30])
def test_a_disk_that_fills_up_at_any_time_stops_what_would_have_left(
    unstarted: Federation, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    appends, room = FileJournal.append, iter(range(lines))

    def append(journal: FileJournal, entry: Entry) -> None:
        if unstarted.party("platform") in journal.path.parents and next(room, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(journal.path))
        appends(journal, entry)

    monkeypatch.setattr(FileJournal, "append", append)
    seen = rehearse(unstarted, unstarted.plan("bank", "platform"))
    refused = seen.errors["platform"]
    assert (refused.exit_code, refused.party) == (3, "platform")
    assert refused.what == "cannot write or read: No space left on device"
    assert str(refused.file).endswith("journal.jsonl")
    assert isinstance(told := seen.errors["bank"], SessionEnded)
    assert (told.by, told.given_cause) == ("platform", refused.cause)
    (path,) = unstarted.party("platform").rglob(f"rounds/{seen.attempt.partition('|')[0]}/journal.jsonl")
    assert len(journals.read(path)) == lines


@contextmanager
def changed(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """Another content for a while, put in place at once, as every program of the product does."""
    before = path.read_bytes()
    files.write(path, change(before))
    try:
        yield
    finally:
        files.write(path, before)


@pytest.mark.usefixtures("refused")
def test_a_partner_whose_fingerprint_nobody_compared_is_refused(federation: Federation) -> None:
    def unpinned(pins: bytes) -> bytes:
        return json.dumps(
            {name: pin for name, pin in json.loads(pins).items() if name != "platform"}
        ).encode()

    with changed(federation.party("bank") / "pins.json", unpinned):
        status = federation.wait_over(federation.submit(federation.plan("bank", "platform")))
    assert (status["state"], status["exit_code"]) == ("failed", 3)
    assert "party platform: platform is on the roster, but nobody here has checked" in status["cause"]
    federation.wait_idle("bank", "platform")
    assert "isthmus party trust platform" in federation.node("bank")["advice"]
    assert federation.was_told("platform", status["run"], status["cause"])


@pytest.mark.usefixtures("refused")
def test_a_member_that_the_coordinator_swapped_is_refused_by_its_pin(federation: Federation) -> None:
    members = federation.home / "members"
    other = json.loads((members / f"{ABSENT}.json").read_text())["identity"]

    def swapped(record: bytes) -> bytes:
        return json.dumps(json.loads(record) | {"identity": other}).encode()

    with changed(members / "platform.json", swapped):
        status = federation.wait_over(federation.submit(federation.plan("bank", "platform")))
    assert (status["state"], status["exit_code"]) == ("failed", 3)
    assert "platform has another identity than the pinned one" in status["cause"]
    with pytest.raises(IdentityRefused, match="pinned to another fingerprint"):
        command(
            "party", "trust", "platform", federation.fingerprints[ABSENT], "--home", federation.party("bank")
        )


@pytest.mark.usefixtures("refused")
def test_a_damaged_member_record_is_named_and_waited_out(federation: Federation) -> None:
    federation.wait_joined("public")
    record = federation.home / "members" / f"{ABSENT}.json"
    trees = {name: descendants(federation.pid(name)) for name in federation.names}
    before = {name: len(federation.log(name)) for name in federation.names}

    def said(name: str, what: str) -> Callable[[], bool]:
        return lambda: what in federation.log(name)[before[name] :]

    with changed(record, lambda content: content[:40]):
        with pytest.raises(UsageError, match="this is not JSON") as refused:
            federation.submit(federation.plan())
        assert refused.value.file == str(record)
        for name in federation.names:
            federation.wait_for(said(name, "refused a request (status 503)"), "the gate's refusal", name)
    for name in federation.names:
        federation.wait_for(said(name, "the gate answers again"), "the gate", name)
        # On a plain failure of the gate, Flower's SuperNode would have left for good.
        assert descendants(federation.pid(name)) == trees[name]


# -- the coordinator -------------------------------------------------------------------------------------


def passed_on(cause: str) -> str:
    """What a party says of it: the code is the same, and who told it stands before the sentence."""
    code, _, sentence = cause.partition(": ")
    return f"{code}: aggregator ended the session: {sentence}"


@pytest.mark.usefixtures("refused")
def test_cancelling_in_mid_round_leaves_everybody_idle_with_the_cause(federation: Federation) -> None:
    run = federation.submit(federation.plan("bank", "platform", extra=LONG))
    federation.wait_step(run, "platform", "training")
    command("round", "cancel", run, "--home", federation.home)
    status = federation.wait_over(run)
    assert (status["state"], status["exit_code"]) == ("cancelled", 4)
    assert status["cause"] == "IST-4005: the coordinator cancelled the round"
    federation.wait_idle("bank", "platform")
    for party in ("bank", "platform"):
        assert federation.node(party)["cause"] == passed_on(status["cause"])
    with pytest.raises(UsageError, match="is over already"):
        command("round", "cancel", run, "--home", federation.home)


@pytest.mark.usefixtures("refused")
def test_stopping_the_service_in_mid_round_tells_everybody(federation: Federation) -> None:
    federation.wait_joined("public")
    run = federation.submit(federation.plan(extra=LONG))
    federation.wait_step(run, "platform", "training")
    command("federation", "stop", "--home", federation.home)
    status = federation.status(run)
    assert (status["state"], status["cause"]) == (
        "cancelled",
        "IST-4006: the federation's service was stopped",
    )
    federation.wait_idle()
    for party in federation.names:
        assert federation.node(party)["cause"] == passed_on(status["cause"])
    with pytest.raises(UsageError) as refused:
        federation.submit(federation.plan())
    assert "isthmus federation start" in refused.value.advice
    federation.start_coordinator()


@pytest.mark.usefixtures("refused")
def test_a_service_that_was_killed_ends_its_round_when_it_starts_again(federation: Federation) -> None:
    run = federation.submit(federation.plan("bank", "platform", extra=LONG))
    federation.wait_step(run, "platform", "training")
    federation.kill("federation")
    assert federation.status(run)["state"] == "running"
    federation.start_coordinator()
    status = federation.status(run)
    assert (status["state"], status["exit_code"]) == ("failed", 4)
    assert status["cause"] == "IST-4006: the federation's service was killed before the round was over"
    federation.wait_idle("bank", "platform")
    for party in ("bank", "platform"):
        assert federation.node(party)["cause"] == passed_on(status["cause"])


def test_after_all_that_a_round_of_all_parties_still_finishes(federation: Federation) -> None:
    done = federation.launch(federation.plan())
    assert (done.exit_code, done.facts["state"]) == (0, "finished"), done.err


def test_no_round_has_left_a_process_behind(federation: Federation) -> None:
    """A party is its node and Flower's SuperNode, the aggregator its service and the SuperLink."""
    for name in ("federation", *federation.names):
        assert len(descendants(federation.pid(name))) == 2
    assert len(federation.processes()) == 2 * (1 + len(federation.names))
