"""What every role's folder has: its keys out of others' sight, its rounds in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.identity import Identity
from federation import files
from federation.errors import UsageError
from federation.home import Home
from federation.ids import RunId


def test_every_key_lies_in_the_secret_folder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for file in (home.identity_file, home.tls_key_file, home.secret("other.key")):
        assert file.parent == tmp_path / "secret"
    for file in (home.authority_file, home.tls_certificate_file, home.flower_folder):
        assert file.parent == tmp_path


def test_an_identity_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    home, made = Home(tmp_path), Identity.generate()
    files.write_secret(home.identity_file, made.to_pem())
    assert home.identity().public == made.public
    home.identity_file.chmod(0o644)
    with pytest.raises(UsageError, match="others on this machine"):
        home.identity()


def test_rounds_come_oldest_first_and_a_file_among_them_is_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.runs() == []
    for name in ("20260302-090000-aaaaaa", "20260301-120000-ffffff"):
        home.round_folder(RunId(name)).mkdir(parents=True)
    (tmp_path / "rounds" / "notes").write_text("")
    assert home.runs() == ["20260301-120000-ffffff", "20260302-090000-aaaaaa"]
