"""The commands of joining, from the coordinator's invitation to the partners that are trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import isthmus
from crypto.errors import Refusal, UsageError
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.joining import Register
from federation.errors import IdentityRefused
from federation.joining.desk import Desk
from tests.system.federation import command, unused_port


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Path]:
    """A federation whose desk is open; the rest of its service is not needed for this."""
    home = tmp_path / "federation"
    port = unused_port("127.0.0.1")
    command("federation", "init", "sme", "--home", home, "--desk", f"127.0.0.1:{port}")
    opened = CoordinatorHome.open(home)
    desk = Desk(
        "127.0.0.1",
        port,
        Register(opened),
        certificate_file=opened.tls_certificate_file,
        key_file=opened.tls_key_file,
        authority_file=opened.authority_file,
        tell=lambda sentence: None,
    )
    desk.start()
    yield home
    desk.stop()


def invited(federation: Path, party: str) -> tuple[Path, str]:
    file = federation.parent / f"{party}.invitation"
    command("federation", "invite", party, "--home", federation, "--out", file)
    return file, str(command("federation", "show", "--home", federation)["fingerprint"])


def test_two_parties_join_and_trust_each_other_with_one_command_each(
    federation: Path, tmp_path: Path
) -> None:
    file, fingerprint = invited(federation, "bank")
    assert file.stat().st_mode & 0o077 == 0
    bank = command("party", "join", file, "--home", tmp_path / "bank", "--fingerprint", fingerprint)
    line = command("federation", "invite", "platform", "--home", federation, "--line")["line"]
    platform = command(
        *("party", "join", line, "--home", tmp_path / "platform", "--fingerprint", fingerprint),
        *("--trust", f"bank={bank['fingerprint']}"),
    )
    assert platform["trusted"] == {"bank": bank["fingerprint"]} and platform["not_compared"] == []
    told = command("party", "trust", "--home", tmp_path / "bank")
    assert told == {"trusted": {}, "not_compared": ["platform"]}, "nobody was there to compare"
    states = {each["party"]: each["state"] for each in command_list(federation)}
    assert states == {"bank": "used", "platform": "used"}


def command_list(federation: Path) -> list[dict[str, str]]:
    return list(command("federation", "invitations", "--home", federation)["invitations"])


def test_a_partners_fingerprint_that_is_not_the_rosters_is_told(federation: Path, tmp_path: Path) -> None:
    file, fingerprint = invited(federation, "bank")
    command("party", "join", file, "--home", tmp_path / "bank", "--fingerprint", fingerprint)
    file, _ = invited(federation, "platform")
    with pytest.raises(IdentityRefused, match="another key for bank") as refused:
        command(
            *("party", "join", file, "--home", tmp_path / "platform", "--fingerprint", fingerprint),
            *("--trust", f"bank={fingerprint}"),
        )
    assert "Trust neither" in refused.value.advice
    assert command("party", "show", "--home", tmp_path / "platform")["trusted"] == {}


def test_without_the_coordinators_fingerprint_nothing_is_made(federation: Path, tmp_path: Path) -> None:
    file, fingerprint = invited(federation, "bank")
    home = tmp_path / "bank"
    with pytest.raises(Refusal, match="not compared"):
        command("party", "join", file, "--home", home)
    wrong = fingerprint[:-1] + ("0" if fingerprint[-1] != "0" else "1")
    with pytest.raises(Refusal, match="another coordinator"):
        command("party", "join", file, "--home", home, "--fingerprint", wrong)
    assert not home.exists()
    assert [each["state"] for each in command_list(federation)] == ["open"]


def test_a_revoked_invitation_and_what_is_none_are_refused(federation: Path, tmp_path: Path) -> None:
    file, fingerprint = invited(federation, "bank")
    (made,) = command_list(federation)
    command("federation", "invitations", "--home", federation, "--revoke", made["invitation"])
    with pytest.raises(Refusal, match="taken the invitation back"):
        command("party", "join", file, "--home", tmp_path / "bank", "--fingerprint", fingerprint)
    for text in ("isthmus-invite:AAAA", str(federation / "federation.json")):
        with pytest.raises(UsageError, match="no invitation"):
            command("party", "join", text, "--home", tmp_path / "bank", "--fingerprint", fingerprint)


def test_no_command_shows_an_invitations_secret(federation: Path) -> None:
    file, _ = invited(federation, "bank")
    secret = file.read_text().split('"key":"')[1].split('"')[0]
    runner = CliRunner()
    for arguments in (["federation", "invitations"], ["federation", "show"], ["federation", "status"]):
        assert secret not in runner.invoke(isthmus, [*arguments, "--home", str(federation)]).output
    again = runner.invoke(
        isthmus, ["federation", "invite", "x-y", "--home", str(federation), "--out", str(file)]
    )
    assert "PRIVATE" not in again.output and "key" not in again.output


def test_an_address_that_moved_is_told_and_the_running_members_are_not_forgotten(federation: Path) -> None:
    moved = command("federation", "move", "--home", federation, "--gate", "127.0.0.1:1234")
    assert moved["gate"] == "127.0.0.1:1234" and moved["restart"] is False
    assert command("federation", "show", "--home", federation)["gate"] == "127.0.0.1:1234"
    with pytest.raises(UsageError, match="no address"):
        command("federation", "move", "--home", federation)
