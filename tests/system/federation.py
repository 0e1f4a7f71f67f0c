"""A whole federation of real processes in one folder: what the system tests stand on.

    with Federation(folder, tables) as federation:     # `isthmus federation start`, `isthmus party start` …
        done = federation.launch(federation.plan())    # `isthmus round launch`

Leaving it stops everything through the command line and then looks for what was left behind: a process,
a listening port, a temporary file. Every process carries a mark in its environment, so that no process of
another program is ever counted.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click.testing

from cli.main import isthmus
from crypto.codes import parted
from crypto.errors import IsthmusError
from parties.home import PartyHome
from tests.governed import govern

ROOT = Path(__file__).resolve().parents[2]
MARK = "ISTHMUS_TEST_MARK"
LOOPBACK = "127.0.0.1"

#: Upper bounds for waits, in seconds. A healthy machine needs a twentieth of each: they cost nothing where
#: all goes well, and a slow one that is busy with other things is not to fail a test.
UP_SECONDS = 180.0
ROUND_SECONDS = 400.0
STOP_SECONDS = 120.0


@dataclass(frozen=True)
class Done:
    """What a command said. `facts`: the first JSON object on its standard output."""

    exit_code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        first = self.out.strip().splitlines()[:1]
        return dict(json.loads(first[0])) if first else {}

    @property
    def cause(self) -> str:
        return str(self.facts.get("cause", ""))


@dataclass(frozen=True)
class Table:
    """One dataset of one party: a file and what party.toml says about it (TOML lines)."""

    party: str
    name: str
    file: Path
    config: str


class Federation:
    """A coordinator and its parties. `never_started`: further members, without data or a node; `hosts`:
    where gate and exchange listen; `within`: role -> a command prefix (`ip netns exec NAME`) for that role's
    processes."""

    def __init__(
        self,
        folder: Path,
        tables: Iterable[Table],
        *,
        never_started: Sequence[str] = (),
        hosts: tuple[str, str] = (LOOPBACK, LOOPBACK),
        within: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.mark = secrets.token_hex(8)
        self.tables = list(tables)
        self.names = list(dict.fromkeys(table.party for table in self.tables))
        self._members = [*self.names, *never_started]
        self.home = folder / "federation"
        self.temporary, self.user_home = folder / "tmp", folder / "user"
        for empty in (self.temporary, self.user_home):
            empty.mkdir(parents=True)
        self.gate = f"{hosts[0]}:{unused_port(hosts[0])}"
        self.exchange = f"{hosts[1]}:{unused_port(hosts[1])}"
        self.desk = f"{hosts[0]}:{unused_port(hosts[0])}"
        self._within = within or {}
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        self.fingerprints: dict[str, str] = {}
        self.fingerprint = self._settle()

    # -- making ------------------------------------------------------------------------------------

    def _settle(self) -> str:
        """Every command of an admission, in this process: the shell's start-up is not what is tested."""
        made = command(
            *("federation", "init", "test", "--home", self.home),
            *("--gate", self.gate, "--exchange", self.exchange, "--desk", self.desk),
        )
        coordinator = str(made["fingerprint"])
        for name in self._members:
            self.admit(name, coordinator)
            lines = [f'name = "{name}"']
            for table in (table for table in self.tables if table.party == name):
                lines += [f"[datasets.{table.name}]", f'file = "{table.file}"', table.config]
            (self.party(name) / "party.toml").write_text("\n".join(lines) + "\n")
        for name in self._members:
            for other in self._members:
                if other != name:
                    command("party", "trust", other, self.fingerprints[other], "--home", self.party(name))
            govern(PartyHome.open(self.party(name)), self._members)
        return coordinator

    def admit(self, name: str, coordinator: str) -> None:
        """Make the party's folder and take it through request, admission and acceptance."""
        home, request = self.party(name), self.folder / f"{name}.request"
        command("party", "init", name, "--home", home)
        asked = command("party", "request", "--home", home, "--out", request)
        self.fingerprints[name] = str(asked["fingerprint"])
        admission = self.folder / f"{name}.admission"
        command(
            *("federation", "admit", request, "--home", self.home, "--out", admission),
            *("--fingerprint", asked["fingerprint"]),
        )
        command("party", "accept", admission, "--home", home, "--fingerprint", coordinator)

    def party(self, name: str) -> Path:
        return self.folder / name

    # -- running -----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.start_coordinator()
            for name in self.names:
                self.start_party(name)
            for name in self.names:
                self.wait_joined(name)
        except BaseException:
            self._kill_all()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.stop()
                self.check_nothing_left()
        finally:
            self._kill_all()

    def start_coordinator(self) -> None:
        self._start("federation", self.home)
        self.wait_for(lambda: "is up" in self.log("federation"), "the coordinator's service", "federation")

    def start_party(self, name: str) -> None:
        self._start(name, self.party(name))

    def wait_joined(self, name: str, seconds: float = UP_SECONDS) -> None:
        self.wait_for(lambda: "has joined the federation" in self.log(name), f"{name} to join", name, seconds)

    def stop(self) -> None:
        """Stop what still runs, parties first, with the commands that a person would use."""
        running = [name for name in self.names if self.runs(name)]
        with ThreadPoolExecutor(max(1, len(running))) as pool:
            stopped = pool.map(lambda name: self.cli("party", "stop", "--home", self.party(name)), running)
            assert [done.exit_code for done in stopped] == [0] * len(running)
        if self.runs("federation"):
            assert self.cli("federation", "stop", "--home", self.home).exit_code == 0
        for name, service in self._services.items():
            # A service that was told to stop says so with 0; one that a test killed with its signal.
            assert service.wait(STOP_SECONDS) in (0, -signal.SIGKILL), (name, self.log(name))

    def kill(self, name: str) -> None:
        """SIGKILL to the service itself, not to what it started."""
        self._services[name].kill()
        self._services[name].wait(STOP_SECONDS)

    def check_ended(self, name: str) -> None:
        """Raise AssertionError unless the service ended in order."""
        assert self._services[name].wait(STOP_SECONDS) == 0, self.log(name)

    def runs(self, name: str) -> bool:
        return name in self._services and self._services[name].poll() is None

    def pid(self, name: str) -> int:
        return self._services[name].pid

    def log(self, name: str) -> str:
        """What the service has said since its last start; ("federation" is the coordinator's)."""
        return (self.folder / f"{name}.log").read_text()

    def wait_for(
        self, happened: Callable[[], bool], what: str, service: str, seconds: float = UP_SECONDS
    ) -> None:
        until = time.monotonic() + seconds
        while not happened():
            if not self.runs(service):
                raise AssertionError(f"{service} ended while waiting for {what}:\n{self.log(service)}")
            if time.monotonic() > until:
                raise AssertionError(f"waited {seconds:g} s for {what}:\n{self.log(service)}")
            time.sleep(0.1)

    def _start(self, name: str, home: Path) -> None:
        group = "federation" if name == "federation" else "party"
        if name in self._services:
            self._end_of(self._services[name])
        arguments = [*self._within.get(name, ()), sys.executable, "-m", "cli", group, "start"]
        with (self.folder / f"{name}.log").open("wb") as log:
            self._services[name] = subprocess.Popen(
                # Stopped with this process, however that ends.
                [*arguments, "--home", str(home), "--until-stdin-ends"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            MARK: self.mark,
            "TMPDIR": str(self.temporary),
            "HOME": str(self.user_home),
            "PYTHONPATH": str(ROOT),
        }

    # -- commands ----------------------------------------------------------------------------------

    def cli(self, *arguments: object, role: str = "federation", seconds: float = ROUND_SECONDS) -> Done:
        """A command in a process of its own, with --format json."""
        return self.cli_text(*arguments, "--format", "json", role=role, seconds=seconds)

    def cli_text(self, *arguments: object, role: str = "federation", seconds: float = ROUND_SECONDS) -> Done:
        """A command in a process of its own. One that does not end is shown with what every role has said."""
        words = [sys.executable, "-m", "cli", *(str(argument) for argument in arguments)]
        try:
            ran = subprocess.run(
                [*self._within.get(role, ()), *words],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            logs = "".join(
                f"\n-- {file.relative_to(self.folder)}\n{file.read_text(errors='replace')[-3000:]}"
                for file in sorted(self.folder.glob("*.log"))
                + sorted(self.folder.glob("*/flower/super*.log"))
            )
            raise AssertionError(f"{words[3:]} had not ended after {seconds:g} s{logs}") from None
        return Done(ran.returncode, ran.stdout, ran.stderr)

    def plan(self, *parties: str, datasets: Mapping[str, str] | None = None, extra: str = "") -> str:
        """A plan of these parties (all by default); the first one holds the label. `extra`: more TOML."""
        lines = ['name = "test"', 'purpose = "credit-scoring"']
        for place, name in enumerate(parties or self.names):
            lines += [f"[parties.{name}]", f'dataset = "{(datasets or {}).get(name, "data")}"']
            lines += ['role = "label"'] if place == 0 else []
        if "[alignment]" not in extra:
            lines += ["[alignment]", "minimum_intersection = 200"]
        if "[model]" not in extra:
            lines += ["[model]", "max_iterations = 3"]
        return "\n".join([*lines, extra]) + "\n"

    def launch(self, plan: str) -> Done:
        """`isthmus round launch` of the plan's text, in a process of its own, to the round's end."""
        return self.cli("round", "launch", self._written(plan), "--home", self.home)

    def submit(self, plan: str) -> str:
        """`isthmus round launch --no-wait` in this process, for speed; the run's name."""
        return str(command("round", "launch", self._written(plan), "--home", self.home, "--no-wait")["run"])

    def wait_over(self, run: str, seconds: float = ROUND_SECONDS) -> dict[str, Any]:
        """The final status of a round."""
        self.wait_for(
            lambda: self.status(run)["state"] in ("finished", "failed", "cancelled"),
            f"{run} to be over",
            "federation",
            seconds,
        )
        return self.status(run)

    def wait_step(self, run: str, party: str, step: str, seconds: float = ROUND_SECONDS) -> None:
        self.wait_for(
            lambda: self.status(run)["parties"][party]["step"] == step,
            f"{party} to be {step} in {run}",
            "federation",
            seconds,
        )

    def status(self, run: str) -> dict[str, Any]:
        """status.json of a round, which is what `round status` prints."""
        return dict(json.loads((self.home / "rounds" / run / "status.json").read_text()))

    def told(self, party: str, run: str) -> str:
        """What the party's node said at the end of `run`: its cause, and for its own people the next step."""
        said = [line for line in self.log(party).splitlines() if f"{run} ended: " in line]
        return said[-1].partition(" ended: ")[2] if said else ""

    def was_told(self, party: str, run: str, cause: str, seconds: float = STOP_SECONDS) -> bool:
        """Whether the party's node gave `cause`, its code and its sentence, for the end of `run`.

        Also true when it never took part: Flower drops an order whose round is over before it arrives.
        """
        until = time.monotonic() + seconds
        while f"taking part in {run}" in self.log(party) and not self.told(party, run):
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        code, sentence = parted(cause)
        said = self.told(party, run)
        given = (code is None or said.startswith(f"{code}: ")) and sentence in said
        return given or f"taking part in {run}" not in self.log(party)

    def _written(self, plan: str) -> Path:
        file = self.folder / f"plan-{secrets.token_hex(4)}.toml"
        file.write_text(plan)
        return file

    def node(self, name: str) -> dict[str, Any]:
        """node.json, which is what `party status` prints."""
        return dict(json.loads((self.party(name) / "node.json").read_text()))

    def wait_idle(self, *names: str, seconds: float = STOP_SECONDS) -> None:
        for name in names or self.names:
            self.wait_for(lambda name=name: self.node(name)["state"] == "idle", f"{name} idle", name, seconds)  # type: ignore[misc]

    # -- looking -----------------------------------------------------------------------------------

    def processes(self) -> list[int]:
        """Every process that a command of this federation started, or that one of those started."""
        return marked(self.mark)

    def check_nothing_left(self) -> None:
        """Raise AssertionError naming what is left: a process, a listening port, a temporary file."""
        until = time.monotonic() + STOP_SECONDS
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.1)
        assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        for address in (self.gate, self.exchange, self.desk):
            host, _, port = address.rpartition(":")
            if not self._within:
                with socket.socket() as probe:
                    assert probe.connect_ex((host, int(port))) != 0, f"{address} still answers"
        assert not list(self.temporary.iterdir()), "temporary files were left"
        assert not list(self.user_home.iterdir()), "something was written outside the roles' folders"
        assert [path for path in self.folder.rglob(".*.*") if path.is_file()] == [], "half-written files"
        running = ("node.json", "service.json")
        assert not [path for path in self.folder.rglob("*.json") if path.name in running]

    def _kill_all(self) -> None:
        """Only what carries this federation's mark."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for service in self._services.values():
            self._end_of(service)

    @staticmethod
    def _end_of(service: subprocess.Popen[bytes]) -> None:
        service.wait(STOP_SECONDS)
        if service.stdin is not None:
            service.stdin.close()


def descendants(pid: int) -> set[int]:
    """The process and everything that it started and that is alive."""
    found, todo = {pid}, [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()} - found
            found |= children
            todo += children
    return found


def marked(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def command(*arguments: object) -> dict[str, Any]:
    """A quick command in this process, with --format json; its facts. Raises what the command raised."""
    runner = click.testing.CliRunner()
    ran = runner.invoke(isthmus, [str(argument) for argument in (*arguments, "--format", "json")])
    if isinstance(ran.exception, IsthmusError):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    return dict(json.loads(ran.stdout))


def unused_port(host: str) -> int:
    """A port that nobody listens at, from below those that the kernel gives to outgoing connections."""
    for _ in range(200):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == 99:  # EADDRNOTAVAIL: an address of another namespace cannot be tried.
                    return port
                continue
            return port
    raise AssertionError("no free port")
