"""--format json at every command; --dry-run at every one that changes something, and then nothing is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from crypto.errors import IsthmusError
from crypto.identity import Identity
from federation import files
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import RoundStatus
from federation.ids import RunId
from federation.locks import held
from parties.home import PartyHome
from tests.cli.walking import commands
from tests.system.federation import Federation, command
from tests.system.in_memory import rehearse
from tests.system.tables import write_tables

#: Commands that change nothing, here or at others.
READS = frozenset(
    f"{group} {name}"
    for group, names in {
        "federation": "show members status logs",
        "party": "show status logs dry-run",
        "round": "status show list",
        "model": "show list explain rejects",
        "privacy": "show",
        "grant": "show list",
        "policy": "explain place test",
        "ledger": "verify show serve",
        "data": "check",
    }.items()
    for name in names.split()
) | {"doctor", "help", "completion"}
#: Commands that are trials themselves, or run until they are stopped: what they would do is told otherwise.
WHOLE = {
    "federation start": "`isthmus doctor` looks at what stands between the folder and its start",
    "party start": "`isthmus doctor` looks at what stands between the folder and its start",
    **dict.fromkeys(("demo horizontal", "demo hybrid"), "a demo plays in a folder that it makes"),
}


@dataclass(frozen=True)
class Town:
    """A federation with one round behind it, and files that commands take."""

    folder: Path
    federation: Federation
    run: RunId

    def bank(self) -> tuple[str, str]:
        return ("--home", str(self.federation.party("bank")))

    def coordinator(self) -> tuple[str, str]:
        return ("--home", str(self.federation.home))

    def file(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    federation = Federation(folder / "town", write_tables(folder / "data"))
    plan = federation.plan("bank", "platform")
    seen = rehearse(federation, plan)
    assert seen.errors == {}
    made = Town(folder, federation, seen.run)
    (folder / "plan.toml").write_text(plan)
    (folder / "paper.pdf").write_bytes(b"words")
    files.write_secret(folder / "witness" / "key.pem", Identity.generate().to_pem())
    command("ledger", "pack", made.run, *made.bank(), "--out", made.file("bank.zip"))
    invited = command("federation", "invite", "guest", *made.coordinator(), "--out", made.file("guest.inv"))
    (folder / "invited").write_text(str(invited["invitation"]))
    command("party", "init", "late", "--home", made.file("late"))
    command("party", "request", "--home", made.file("late"), "--out", made.file("late.request"))
    coordinator, bank = CoordinatorHome.open(federation.home), PartyHome.open(federation.party("bank"))
    status = RoundStatus(RunId("running"), "plan", "ab", state="running")
    files.write_json(coordinator.round_folder(status.run) / "status.json", status.to_json())
    with ExitStack() as running:  # As if the services ran.
        running.enter_context(held(coordinator.lock_file, "the federation", "-"))
        running.enter_context(held(bank.lock_file, "the node", "-"))
        files.write_json(coordinator.service_file, {"superlink": "", "superlink_root": ""})
        yield made


def _new_grant(town: Town) -> tuple[str, ...]:
    return (
        *("--plan", town.file("plan.toml"), "--to", "platform=CN", "--to", "aggregator=CN"),
        *(
            "--until",
            "2099-01-01",
            "--basis",
            "not-personal:company data",
            "--evidence",
            town.file("paper.pdf"),
        ),
    )


def _grant(town: Town) -> str:
    found = command("grant", "list", *town.bank())["grants"]
    assert isinstance(found, list)
    return str(found[0]["id"])


#: Command -> what to try it with. A new command that changes something stands here.
CHANGES: dict[str, Callable[[Town], tuple[str, ...]]] = {
    "federation init": lambda town: ("sme", "--home", town.file("another")),
    "federation admit": lambda town: (
        *(town.file("late.request"), *town.coordinator(), "--out", town.file("late.admission")),
        *("--fingerprint", PartyHome.open(Path(town.file("late"))).identity().public.fingerprint),
    ),
    "federation remove": lambda town: ("platform", *town.coordinator()),
    "federation invite": lambda town: ("friend", *town.coordinator(), "--out", town.file("friend.inv")),
    "federation invitations": lambda town: (
        *("--revoke", Path(town.file("invited")).read_text()),
        *town.coordinator(),
    ),
    "federation move": lambda town: ("--gate", "127.0.0.1:9443", *town.coordinator()),
    "federation stop": lambda town: town.coordinator(),
    "party init": lambda town: ("shop", "--home", town.file("shop")),
    "party request": lambda town: (*town.bank(), "--out", town.file("bank.request")),
    "party accept": lambda town: (
        *(
            str(town.federation.folder / "platform.admission"),
            "--home",
            str(town.federation.party("platform")),
        ),
        *("--fingerprint", town.federation.fingerprint),
    ),
    "party join": lambda town: (
        *(town.file("guest.inv"), "--home", town.file("guest")),
        *("--fingerprint", town.federation.fingerprint),
    ),
    "party trust": lambda town: ("guest", "ab" * 32, *town.bank()),
    "party renew": lambda town: town.bank(),
    "party rotate": lambda town: ("--home", str(town.federation.party("platform"))),
    "party stop": lambda town: town.bank(),
    "round launch": lambda town: (town.file("plan.toml"), *town.coordinator()),
    "round cancel": lambda town: ("running", *town.coordinator()),
    "model train": lambda town: (town.file("plan.toml"), *town.coordinator()),
    "model score": lambda town: (*town.bank(), "--out", town.file("scores.csv")),
    "model export": lambda town: (*town.bank(), "--as", "json", "--out", town.file("model.json")),
    "model document": lambda town: (*town.bank(), "--out", town.file("model.md")),
    "grant new": lambda town: (*_new_grant(town), *town.bank()),
    "grant revoke": lambda town: (_grant(town), *town.bank()),
    "grant export": lambda town: (_grant(town), *town.bank(), "--out", town.file("grant.jsonld")),
    "policy attest": lambda town: (
        *("EU-TIA", *town.bank(), "--office", "dpo", "--document", town.file("paper.pdf")),
        *("--until", "2099-12-31", "--out", town.file("signed.json")),
    ),
    "ledger pack": lambda town: (town.run, *town.bank(), "--out", town.file("again.zip")),
    "ledger cosign": lambda town: (
        *(town.file("bank.zip"), "--key", town.file("witness/key.pem"), "--name", "regulator"),
        *("--trust", f"bank={town.federation.fingerprints['bank']}"),
    ),
    "ledger export": lambda town: (town.file("bank.zip"), "--as", "oscal", "--out", town.file("oscal.json")),
    "ledger page": lambda town: (town.file("bank.zip"), "--out", town.file("page.html")),
    "data export": lambda town: (*town.bank(), "--out", town.file("contract.yaml")),
    "data generate": lambda town: ("--out", town.file("firms"), "--firms", "900"),
    "data inspect": lambda town: (
        *(str(town.federation.tables[0].file), "--party", "bank", "--jurisdiction", "CN", "--kind", "bank"),
        *("--legal-name", "Bank", "--out", town.file("draft.toml")),
    ),
}


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder below, with what it holds, its mode, and when it was changed."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place, name)
            told = path.stat()
            held_in = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            # A folder's own time is that of the scratch folder which was in it.
            when = told.st_mtime_ns if path.is_file() else 0
            found[str(path.relative_to(folder))] = f"{held_in} {told.st_mode:o} {when}"
    return found


def _ours() -> list[str]:
    return [name for name in commands() if not name.startswith("bench ")]


def test_every_command_is_known_to_change_something_or_not() -> None:
    known = READS | WHOLE.keys() | CHANGES.keys()
    missing = sorted(set(_ours()) - known)
    assert not missing, (
        f"{missing}: a new command. Where it writes or sends something, give it `dry_run_option` of "
        "cli.trial and put it into CHANGES here; else into READS."
    )
    gone = sorted(known - set(_ours()) - {"completion"})
    assert not gone, f"{gone}: there is no such command any more"


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_speaks_json(name: str) -> None:
    options = {option for parameter in commands()[name].params for option in parameter.opts}
    assert "--format" in options, f"{name}: decorate it with `format_option` of cli.output"
    assert ("--dry-run" in options) == (name in CHANGES), f"{name}: see CHANGES"


@pytest.mark.parametrize("name", CHANGES)
def test_a_dry_run_says_what_it_would_do_and_changes_nothing(town: Town, name: str) -> None:
    asked = CHANGES[name](town)
    before = tree(town.folder)
    told = command(*name.split(), *asked, "--dry-run")
    assert told["dry_run"] is True and told["would"]
    assert tree(town.folder) == before


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("party init", lambda town: ("bank", *town.bank())),
        ("federation init", lambda town: ("sme", *town.coordinator())),
        ("federation remove", lambda town: ("nobody", *town.coordinator())),
        ("federation invite", lambda town: ("bank", *town.coordinator())),
        ("round cancel", lambda town: ("unheard-of", *town.coordinator())),
        ("party trust", lambda town: ("platform", "cd" * 32, *town.bank())),
        ("party rotate", lambda town: town.bank()),  # Its node runs.
        ("grant revoke", lambda town: ("unheard-of", *town.bank())),
        ("ledger pack", lambda town: (town.run, *town.bank(), "--out", town.file("bank.zip"))),
        ("model export", lambda town: (*town.bank(), "--as", "pmml", "--out", town.file("model.pmml"))),
    ],
)
def test_a_dry_run_refuses_what_the_command_would(
    town: Town, name: str, asked: Callable[[Town], tuple[str, ...]]
) -> None:
    before = tree(town.folder)
    with pytest.raises(IsthmusError):
        command(*name.split(), *asked(town), "--dry-run")
    assert tree(town.folder) == before
