"""A service that does not come up in the background says why, and leaves nothing running."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cli import detaching
from cli.detaching import detach
from federation.errors import IsthmusError, PeerSilent, UsageError
from federation.home import Home
from federation.locks import held


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def start(
    home: Home, monkeypatch: pytest.MonkeyPatch, program: str, patience: float = 120.0
) -> detaching.Detached:
    """Detach a program of the test's in place of a service; one process, and a small one."""
    monkeypatch.setattr(detaching, "_PROGRAM", (sys.executable, "-S", "-c", program))
    return detach("the node", ["party"], home, home.folder / "lock", home.folder / "ready.json", patience)


def test_a_failure_is_told_with_its_next_step_and_exit_code(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "error[IST-5003]: port 7 is taken\nnext:  Choose another."
    said = f"import sys; print({said!r}, file=sys.stderr); sys.exit(3)"
    with pytest.raises(IsthmusError, match="the node ended: port 7 is taken") as failed:
        start(home, monkeypatch, said)
    assert (failed.value.advice, failed.value.exit_code) == ("Choose another.", 3)
    assert failed.value.code == "IST-5003"


def test_one_that_does_not_come_up_is_ended(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # What an earlier one left that was killed is not taken for this one's.
    (home.folder / "ready.json").write_text(f'{{"pid": {os.getpid()}}}')
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(PeerSilent, match="the node"):
        start(home, monkeypatch, program, 3.0)
    pid = int(home.output_file.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_is_up_is_left_alone_in_a_session_of_its_own(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, json, sys\n"
        "facts = {'pid': os.getpid(), 'session': os.getsid(0), 'cwd': os.getcwd()}\n"
        "open('ready.tmp', 'w').write(json.dumps(facts)); os.rename('ready.tmp', 'ready.json')\n"
        "sys.stdin.read(); import time; time.sleep(600)"
    )
    started = start(home, monkeypatch, program)
    try:
        assert started.facts == {"pid": started.pid, "session": started.pid, "cwd": str(home.folder)}
        assert (home.folder / "ready.json").stat().st_mode & 0o077 == 0
    finally:
        os.kill(started.pid, 9)
        os.waitpid(started.pid, 0)


def test_a_folder_that_is_held_names_who_holds_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        held(home.folder / "lock", "the node", "isthmus party stop"),
        pytest.raises(UsageError, match=f"the node runs already, as process {os.getpid()}"),
    ):
        start(home, monkeypatch, "")
    assert not home.output_file.exists()  # What the running one prints was not put aside.
