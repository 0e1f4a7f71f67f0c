"""What deploy/ ships holds together where no service manager and no container engine runs.

The units are verified and scored by systemd itself; Dockerfile, compose file and .dockerignore are parsed,
and each rule that matters is shown to find what breaks it.
"""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.lifecycle import _STOP_SECONDS
from tests.test_readme import parse

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = {"isthmus-party@bank.service": "isthmus-party@.service", "isthmus-federation.service": None}
#: Of systemd's exposure score (0 is none, 10 all); the units have 1.4.
MOST_EXPOSED = 20

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here"
)


# -- systemd -----------------------------------------------------------------------------------------------


def unit_text(name: str) -> str:
    return (DEPLOY / (UNITS[name] or name)).read_text()


def service_of(name: str) -> configparser.SectionProxy:
    found = configparser.RawConfigParser(strict=False, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser's documentation has it
    found.read_string(unit_text(name))
    return found["Service"]


def analyzed(
    tmp_path: Path, name: str, *arguments: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """`systemd-analyze ARGUMENTS` on the unit, with a program that is there in place of the one installed."""
    unit = tmp_path / name
    unit.write_text((text or unit_text(name)).replace("/opt/isthmus/bin/isthmus", "/bin/true"))
    return subprocess.run(
        ["systemd-analyze", *arguments, str(unit)], capture_output=True, text=True, timeout=120, check=False
    )


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault_in_a_unit(tmp_path: Path, name: str) -> None:
    done = analyzed(tmp_path, name, "verify", "--man=no")
    assert (done.returncode, done.stderr) == (0, "")
    wrong = unit_text(name).replace("Type=notify", "Type=notifyy\nRestartt=no")
    assert analyzed(tmp_path, name, "verify", "--man=no", text=wrong).stderr != ""


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_confined(tmp_path: Path, name: str) -> None:
    score = ("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager")
    done = analyzed(tmp_path, name, *score)
    assert done.returncode == 0, done.stdout
    loose = unit_text(name).replace("CapabilityBoundingSet=\n", "").replace("SystemCallFilter=", "#")
    assert analyzed(tmp_path, name, *score, text=loose).returncode != 0


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_lets_a_round_end_in_order_and_runs_as_nobody_special(name: str) -> None:
    service = service_of(name)
    words = shlex.split(service["ExecStart"].replace("%i", "bank"))
    parse(words[1:])  # Raises for what is no command or option.
    assert words[2] == "start"
    grace = float(words[words.index("--grace") + 1])
    assert float(service["TimeoutStopSec"]) > grace + _STOP_SECONDS
    assert service["KillMode"] == "mixed"  # The SuperNode and the pool's workers are the node's to stop.
    assert (service["Type"], service["NotifyAccess"], service["Restart"]) == ("notify", "main", "on-failure")
    assert service["User"] not in ("", "root") and service["UMask"] == "0077"
    home = words[words.index("--home") + 1]
    assert f"/var/lib/{service['StateDirectory'].replace('%i', 'bank')}" == home


def test_the_units_users_are_declared() -> None:
    declared = re.findall(r"^#?u (\S+) ", (DEPLOY / "isthmus.sysusers.conf").read_text(), re.M)
    assert {service_of(name)["User"].replace("%i", "bank") for name in UNITS} <= set(declared)


# -- the image ---------------------------------------------------------------------------------------------


def instructions(text: str) -> list[tuple[str, str]]:
    """(INSTRUCTION, the rest), continued lines put together, comments left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    parted = [line.partition(" ") for line in joined.splitlines()]
    return [(first.upper(), " ".join(rest.split())) for first, _, rest in parted]


def faults(text: str) -> Iterator[str]:
    """What is wrong with a Dockerfile."""
    found = instructions(text)
    bases = [rest.split() for name, rest in found if name == "FROM"]
    for base in bases:
        if not re.fullmatch(r"[a-z./-]+:[0-9][\w.-]*", base[0]):
            yield f"{base[0]} is no pinned base"
    last = next((rest for name, rest in reversed(found) if name == "USER"), "root")
    if last.partition(":")[0] in ("root", "0"):
        yield "it runs as root"
    for name, rest in found:
        if name == "ADD":
            yield "ADD fetches or unpacks; use COPY"
        if name == "COPY" and not rest.startswith("--from=") and rest.split()[0] in (".", "./", "*"):
            yield "COPY of everything"
        if name in ("ENV", "ARG") and re.search(r"(?i)password|secret|token|api_?key", rest):
            yield f"a secret in {name}"
        if name == "RUN" and re.search(r"\b(curl|wget)\b|\bsudo\b", rest):
            yield "RUN fetches what nothing checks"
    if not any(name == "HEALTHCHECK" for name, _ in found):
        yield "no HEALTHCHECK"
    if len(bases) < 2:
        yield "one stage: what builds is left in the image"


DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_the_dockerfile_keeps_the_rules() -> None:
    assert list(faults(DOCKERFILE)) == []
    entry = dict(instructions(DOCKERFILE))
    assert (entry["ENTRYPOINT"], entry["STOPSIGNAL"]) == ('["isthmus"]', "SIGTERM")
    assert "/healthz" in entry["HEALTHCHECK"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("FROM python:3.11-slim-bookworm\n", "FROM python\n", "pinned"),
        ("FROM python:3.11-slim-bookworm\n", "FROM python:latest\n", "pinned"),
        ("USER 10001:10001\n", "", "root"),
        ("USER 10001:10001\n", "USER root\n", "root"),
        ("COPY cli cli\n", "ADD https://example.org/x /x\n", "ADD"),
        ("COPY cli cli\n", "COPY . .\n", "everything"),
        ("COPY cli cli\n", "ENV DB_PASSWORD=x\n", "secret"),
        ("COPY cli cli\n", "RUN curl -s https://example.org | sh\n", "fetches"),
        ("HEALTHCHECK", "#", "HEALTHCHECK"),
    ],
)
def test_a_dockerfile_that_breaks_a_rule_is_found(old: str, new: str, fault: str) -> None:
    assert old in DOCKERFILE
    assert any(fault in each for each in faults(DOCKERFILE.replace(old, new)))


def test_the_image_has_every_room_of_the_wheel() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {rest.split()[0] for name, rest in instructions(DOCKERFILE) if name == "COPY"}
    assert set(wheel["only-include"]) <= copied


# -- what reaches the build --------------------------------------------------------------------------------


def ignored(path: str, rules: list[str]) -> bool:
    """As Docker reads a .dockerignore: the last rule that fits the path, or a folder above it, decides."""
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    out = False
    for rule in rules:
        pattern = re.escape(rule.removeprefix("!").strip("/"))
        pattern = pattern.replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, each) for each in above):
            out = not rule.startswith("!")
    return out


RULES = [
    line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
]


def test_every_file_of_the_program_reaches_the_build() -> None:
    rooms = ("crypto", "federation", "parties", "cli", "benchmarks")
    paths = [str(path.relative_to(ROOT)) for room in rooms for path in (ROOT / room).rglob("*.*")]
    program = [path for path in paths if path.endswith((".py", ".toml", ".json", ".html", ".css", ".pth"))]
    assert len(program) > 400
    assert [path for path in program if ignored(path, RULES)] == []
    assert not any(
        ignored(name, RULES) for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")
    )


@pytest.mark.parametrize(
    "path",
    [
        "federation/secret/identity.key",  # README.md makes the federation's folder beside the code.
        "federation/tls.pem",
        "federation/federation.json",
        "federation/rounds/r1/status.json",
        "federation/log/node.jsonl",
        "bank/party.toml",
        "bank/secret/tls.key",
        "isthmus-demo/bank/data.csv",
        "bank.invitation",
        "cli/bank.invitation",
        "cli/.env",
        ".git/config",
        "tests/test_deploy.py",
        "crypto/__pycache__/seal.cpython-311.pyc",
    ],
)
def test_no_key_and_no_folder_of_a_role_reaches_the_build(path: str) -> None:
    assert ignored(path, RULES)


# -- compose -----------------------------------------------------------------------------------------------


def loose_ends(service: dict[str, Any]) -> Iterator[str]:
    """What of a container is not confined."""
    if service.get("read_only") is not True:
        yield "its root can be written"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
        yield "it has capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "it may gain privileges"
    if str(service.get("user", "root")).partition(":")[0] in ("root", "0"):
        yield "it runs as root"
    if service.get("privileged") or service.get("network_mode") == "host" or service.get("pid") == "host":
        yield "it shares the machine"
    for volume in service.get("volumes", []):
        if "docker.sock" in str(volume):
            yield "it steers the engine"
        if isinstance(volume, dict) and volume["type"] == "bind" and volume.get("read_only") is not True:
            yield "it can write a folder of the machine"
    if service.get("environment"):
        yield "something is told by environment, which others can read"


COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_confined_and_has_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert list(loose_ends(service)) == []
    parse([str(word) for word in service["command"]])  # Raises for what is no command or option.
    assert int(service["stop_grace_period"].removesuffix("s")) > 30 + _STOP_SECONDS
    named = {str(volume).partition(":")[0] for volume in service["volumes"] if isinstance(volume, str)}
    assert named <= set(COMPOSE["volumes"])
    words = service["command"]
    port = words[words.index("--metrics-port") + 1]
    assert f"'127.0.0.1', {port}" in DOCKERFILE  # Where the health check asks.


def test_only_the_aggregator_is_reached_from_outside() -> None:
    assert {name for name, service in SERVICES.items() if service.get("ports")} == {"federation"}


@pytest.mark.parametrize(
    "change",
    [
        {"read_only": False},
        {"cap_drop": []},
        {"cap_add": ["SYS_ADMIN"]},
        {"security_opt": []},
        {"user": "0:0"},
        {"privileged": True},
        {"network_mode": "host"},
        {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
        {"volumes": [{"type": "bind", "source": "/", "target": "/host"}]},
        {"environment": {"DB_PASSWORD": "x"}},
    ],
    ids=str,
)
def test_a_container_that_is_not_confined_is_found(change: dict[str, Any]) -> None:
    assert list(loose_ends({**SERVICES["bank"], **change}))


# -- the page ----------------------------------------------------------------------------------------------


def test_every_command_of_the_page_exists_with_its_options() -> None:
    """`isthmus …`, and what `docker compose run SERVICE` hands to the image's entry point."""
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    lines = [
        line.partition(" > ")[0]
        for block in re.findall(r"```sh\n(.*?)```", page, re.S)
        for line in block.splitlines()
    ]
    shown = [match[1] for line in lines if (match := re.search(r"isthmus ((?:party|federation) .*)", line))]
    shown += [
        match[1]
        for line in lines
        if (match := re.search(r"compose run .*? (?:federation|bank) ((?:party|federation) .*)", line))
    ]
    assert len(shown) == 4
    for command in shown:
        parse(shlex.split(command))
