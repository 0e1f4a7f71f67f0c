"""`isthmus ledger serve` and `isthmus ledger page`: pages from packs alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from cli.commands.ledger_pages import page, serve
from crypto.errors import UsageError
from tests.cli.supervisor.packs import abroad, pack_files, written
from tests.federation.ledger.world import fingerprints

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("packs")
    written(found, pack_files(abroad(1, 3)))
    return found


def trusting() -> list[str]:
    return [part for name, text in fingerprints().items() for part in ("--trust", f"{name}={text}")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_file_says_all_of_it_and_loads_nothing(folder: Path, tmp_path: Path, language: str) -> None:
    out = tmp_path / "page.html"
    packs = [str(path) for path in sorted(folder.glob("*.zip"))]
    asked = [*packs, "--out", str(out), "--lang", language, *trusting(), "--format", "json"]
    done = CliRunner().invoke(page, asked, catch_exceptions=False)
    told = json.loads(done.output)
    assert [run["state"] for run in told["runs"]] == ["pass"]
    assert told["unread"] == []
    text = out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600
    assert "<script" not in text
    places = set(re.findall(r'id="([^"]+)"', text))
    assert len(places) == len(re.findall(r'id="', text)) == 8
    links = re.findall(r'href="([^"]+)"', text)
    assert links and {link.removeprefix("#") for link in links} <= places


def test_pages_are_served_from_the_command_until_its_parent_goes(folder: Path) -> None:
    asked = ["ledger", "serve", str(folder), "--port", "0", "--until-stdin-ends", "--format", "json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *asked],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None and process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["address"].startswith("http://127.0.0.1:")
        answer = httpx.get(told["address"], timeout=300)
        assert answer.status_code == 200
        assert "sme-credit" in answer.text
        process.stdin.close()
        assert process.wait(timeout=300) == 0
    finally:
        process.kill()
        process.wait(timeout=300)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_pages_are_not_served_at_every_address_at_once(folder: Path, host: str) -> None:
    done = CliRunner().invoke(serve, [str(folder), "--host", host, "--port", "0"])
    assert isinstance(done.exception, UsageError)
    assert done.exception.field == "--host"


def test_a_folder_that_is_not_there_is_refused() -> None:
    done = CliRunner().invoke(serve, ["/nowhere/at/all"])
    assert done.exit_code == 2
    assert "does not exist" in done.output
