"""A damaged file of a party's or the federation's folder is named, with the command that mends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click.testing
import pytest

from cli.main import isthmus
from crypto.errors import IsthmusError
from parties.home import read_admission
from tests.system.federation import command

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "other bytes": lambda _: b"\x00\xffother",
    "empty": lambda _: b"",
    "another object": lambda _: b"{}",
    "a list": lambda _: b"[]",
    "cut": lambda data: data[: len(data) // 2],
}


class Made(NamedTuple):
    """A federation with two members, one of which accepted its admission; nothing runs."""

    folder: Path
    party_fingerprint: str
    coordinator_fingerprint: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("damage")
    federation = folder / "federation"
    command("federation", "init", "f", "--home", federation)
    prints = {}
    for party in ("bank", "platform"):
        home, request = folder / party, folder / f"{party}.request"
        command("party", "init", party, "--home", home)
        prints[party] = command("party", "request", "--home", home, "--out", request)["fingerprint"]
        admission = ("--fingerprint", prints[party], "--out", folder / f"{party}.admission")
        command("federation", "admit", request, "--home", federation, *admission)
    admission_file = folder / "bank.admission"
    coordinator = read_admission(admission_file.read_bytes()).coordinator.fingerprint
    command("party", "accept", admission_file, "--home", folder / "bank", "--fingerprint", coordinator)
    command("party", "trust", "platform", prints["platform"], "--home", folder / "bank")
    return Made(folder, prints["bank"], coordinator)


#: File -> a command that reads it, and what the next step says.
AT_PARTY = {
    "party.toml": (("party", "show"), "party.toml"),
    "admission.json": (("party", "show"), "isthmus party accept"),
    "pins.json": (("party", "show"), "isthmus party trust"),
    "secret/identity.key": (("party", "show"), "secret from a backup"),
    "secret/tls.key": (("party", "request", "--out", "x.request"), "isthmus party init"),
    "secret/supernode.key": (("party", "request", "--out", "x.request"), "isthmus party init"),
    "tls.pem": (("party", "start"), "isthmus party accept"),
    "authority.pem": (("party", "start"), "isthmus party accept"),
}
AT_COORDINATOR = {
    "federation.json": (("federation", "members"), "admission.json"),
    "members/bank.json": (("federation", "members"), "isthmus federation admit"),
    "secret/identity.key": (("federation", "admit"), "isthmus federation init"),
    "secret/authority.key": (("federation", "admit"), "isthmus federation init"),
    "authority.pem": (("federation", "admit"), "from a backup"),
}


def _refused(*arguments: object) -> IsthmusError:
    ran = click.testing.CliRunner().invoke(isthmus, list(map(str, arguments)))
    assert isinstance(ran.exception, IsthmusError), (ran.output, ran.exception)
    return ran.exception


#: What a file may hold as well: half a TOML file can be one, and no pins are pins.
WHOLE = {("party.toml", "cut"), ("pins.json", "another object")}


@pytest.mark.parametrize(
    ("name", "damage"), [(name, each) for name in AT_PARTY for each in DAMAGES if (name, each) not in WHOLE]
)
def test_a_damaged_file_of_a_party_is_named_with_what_mends_it(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, damage: str
) -> None:
    monkeypatch.chdir(tmp_path)
    called, step = AT_PARTY[name]
    _check(made.folder / "bank" / name, damage, (*called, "--home", made.folder / "bank"), step)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", AT_COORDINATOR)
def test_a_damaged_file_of_the_federation_is_named_with_what_mends_it(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, damage: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (group, called), step = AT_COORDINATOR[name]
    admitting = (made.folder / "bank.request", "--fingerprint", made.party_fingerprint)
    rest = (*(admitting if called == "admit" else ()), "--home", made.folder / "federation")
    _check(made.folder / "federation" / name, damage, (group, called, *rest), step)


def _check(path: Path, damage: str, arguments: tuple[object, ...], step: str) -> None:
    good = path.read_bytes()
    path.write_bytes(DAMAGES[damage](good))
    try:
        error = _refused(*arguments)
    finally:
        path.write_bytes(good)
    assert error.file == str(path)
    assert step in error.advice
    assert "PRIVATE KEY" not in str(error)


@pytest.mark.parametrize("damage", DAMAGES)
def test_accepting_again_mends_a_damaged_admission(made: Made, damage: str) -> None:
    path = made.folder / "bank" / "admission.json"
    good = path.read_bytes()
    path.write_bytes(DAMAGES[damage](good))
    again = ("--fingerprint", made.coordinator_fingerprint, "--home", made.folder / "bank")
    command("party", "accept", made.folder / "bank.admission", *again)
    assert json.loads(path.read_bytes()) == json.loads(good)
