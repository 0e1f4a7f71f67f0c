"""A reader at a terminal: types the commands of a block one after the other, and answers what is asked.

A line of `isthmus` alone runs in this process, through the program's own `main`, for a new interpreter takes
longer than most commands; anything else runs in a shell. What serves until it is stopped runs as a process of
its own, and is waited for until it says that it is up.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli.main import main
from tests.docs.blocks import ROOT, Block, spoken
from tests.system.federation import MARK, marked

#: Commands that serve until they are stopped -> what they say when they are up.
SERVE = {
    ("federation", "start"): "is up",
    ("party", "start"): "has joined the federation",
}
#: A healthy machine needs a twentieth of these, in seconds.
UP, ENDED = 240.0, 120.0


class _Terminal(io.StringIO):
    """A standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


@dataclass
class Reader:
    """Runs blocks below `folder`, with `folder`/home as HOME. `examples`: what stands on a page for what is
    otherwise each time (an address, a run's name) -> what it is here. `elsewhere`: commands that it does not
    type."""

    folder: Path
    examples: dict[str, str] = field(default_factory=dict)
    services: list[tuple[str, subprocess.Popen[bytes], Path]] = field(default_factory=list)

    elsewhere: Collection[str] = ()
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def run(self, block: Block) -> None:
        """Raises AssertionError naming page, line and command where one does not end as it is said to."""
        place = (self.folder / block.said["in"]).resolve()
        if block.language != "sh":
            self._write(block, place)
            return
        for line, command in block.commands():
            if spoken(command) in self.elsewhere:
                continue
            self.type(command, place, block, line)

    def type(self, command: str, place: Path, block: Block, line: int) -> None:
        shown = self._as_here(command)
        words = shlex.split(shown, comments=True)
        if tuple(words[1:3]) in SERVE and words[0] == "isthmus" and "--detach" not in words:
            self._serve(words, place, f"{block.page}:{line}")
            return
        answers = "".join(f"{answer}\n" for answer in block.said.get("answers", "").split(",") * 8 if answer)
        with self._at(place):
            said = _inside(words, answers) if _plain(shown, words) else _outside(shown, place)
        expected = int(block.said.get("exit", 0))
        assert said.code == expected, (
            f"{block.page}:{line} ended with {said.code} and not {expected}: {command}\n{said.text[-3000:]}\n"
            f"{self._logs()}"
        )

    def stop(self) -> None:
        """Stop what is still served, and look that all of it ended well."""
        for _, process, _ in reversed(self.services):
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()  # Where `isthmus party stop` was on a page, it has ended already.
        try:
            for name, process, log in self.services:
                code = process.wait(ENDED)
                assert code == 0, (name, code, log.read_text()[-2000:])
            assert marked(self.mark) == [], "a page's commands left processes behind"
        finally:
            self.services.clear()
            for pid in marked(self.mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _serve(self, words: list[str], place: Path, at: str) -> None:
        log = place / f"{words[1]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli", *words[1:], "--until-stdin-ends"],
                cwd=place,
                env={**os.environ, **self._environment(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.services.append((f"{at} {' '.join(words)}", process, log))
        until, up = time.monotonic() + UP, SERVE[words[1], words[2]]
        while up not in log.read_text():
            assert process.poll() is None, f"{at} ended: {log.read_text()[-2000:]}"
            assert time.monotonic() < until, f"{at} is not up: {log.read_text()[-2000:]}"
            time.sleep(0.1)

    def _write(self, block: Block, place: Path) -> None:
        file = place / block.said["file"]
        file.write_text(self._as_here(block.text).rstrip("\n") + "\n", encoding="utf-8")
        if "mode" in block.said:
            file.chmod(int(block.said["mode"], 8))

    def _as_here(self, text: str) -> str:
        for shown, here in self.examples.items():
            text = text.replace(shown, here)
        return text

    def _environment(self) -> dict[str, str]:
        """A HOME of the reader's own, and a mark by which what the commands start is found again."""
        (home := self.folder / "home").mkdir(exist_ok=True)
        return {"HOME": str(home), MARK: self.mark}

    @contextlib.contextmanager
    def _at(self, place: Path) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched, contextlib.chdir(place):
            for name, value in self._environment().items():
                patched.setenv(name, value)
            yield

    def _logs(self) -> str:
        return "".join(f"\n-- {name}\n{log.read_text()[-2000:]}" for name, _, log in self.services)


@dataclass(frozen=True)
class Said:
    code: int
    text: str


def _plain(command: str, words: list[str]) -> bool:
    """Whether it is `isthmus` with its arguments and nothing that a shell would do."""
    lexed = shlex.shlex(command, posix=True, punctuation_chars=True)
    return words[0] == "isthmus" and not any(set(word) <= set("();<>|&") or "$" in word for word in lexed)


def _inside(words: list[str], answers: str) -> Said:
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", words)
        patched.setattr(sys, "stdin", _Terminal(answers) if answers else io.StringIO())
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            try:
                main()
            except SystemExit as ended:
                return Said(int(ended.code or 0), told.getvalue())
    raise AssertionError("main does not return")


def _outside(command: str, place: Path) -> Said:
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=place,
        env={**os.environ, "PATH": binaries},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ENDED,
        check=False,
    )
    return Said(ran.returncode, ran.stdout)
