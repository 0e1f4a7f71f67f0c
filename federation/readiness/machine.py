"""The machine and the folder: rights, disk, memory, certificates."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

from crypto.certificates import check_certifies, check_issued_by, expires
from federation.home import Home
from federation.readiness.findings import Finding

#: Below this a round is likely to end for want of space, or soon may.
_LEAST_DISK, _LITTLE_DISK = 1 << 30, 5 << 30
#: What a node with torch takes before it computes anything.
_LEAST_MEMORY = 1 << 30
_WARN_DAYS = 30


def rights(home: Home) -> Iterator[Finding]:
    """Whether others on this machine can read a secret."""
    folder = home.identity_file.parent
    open_ones = [path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_mode & 0o077]
    for path in open_ones:
        yield Finding(
            "folder",
            "fail",
            f"others on this machine can read {path}",
            f"Run `chmod 600 {path}` and find out who has read it.",
        )
    if not open_ones:
        yield Finding("folder", "ok", f"the keys in {folder} are for their owner only")


def whole(home: Home) -> Iterator[Finding]:
    """Whether the files that every command needs can be read."""
    home.identity()
    home.tls_key()
    yield Finding("folder", "ok", f"the files of {home.folder} can be read")


def disk(home: Home, needed: int = 0) -> Iterator[Finding]:
    """Free space where the folder lies. needed: bytes that a plan is expected to take."""
    free = shutil.disk_usage(home.folder).free
    text = f"{free / 1e9:,.1f} GB are free where {home.folder} lies"
    advice = f"Free space on the disk of {home.folder}, or move the folder to another one."
    if free < max(_LEAST_DISK, needed):
        planned = f"{text}, and the plan may take {needed / 1e9:,.1f} GB"
        yield Finding("machine", "fail", planned if needed > _LEAST_DISK else text, advice)
    elif free < _LITTLE_DISK:
        yield Finding("machine", "warn", text, advice)
    else:
        yield Finding("machine", "ok", text)


def memory(needed: int = 0) -> Iterator[Finding]:
    """Memory that processes could get now. needed: bytes that a plan is expected to take at its most."""
    available = available_memory()
    if available is None:
        return
    text = f"{available / 1e9:,.1f} GB of memory are available"
    least = max(_LEAST_MEMORY, needed)
    if available < least:
        advice = f"A round may need {least / 1e9:,.1f} GB here: stop other programs, or use a larger machine."
        yield Finding("machine", "fail", text, advice)
    else:
        yield Finding("machine", "ok", text)


def available_memory() -> int | None:
    """MemAvailable of proc(5), or what the container still may take; None on other systems."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    return _within_container(found)


def _within_container(available: int | None) -> int | None:
    group = Path("/sys/fs/cgroup")
    try:
        most = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return available
    if not most.isdigit():
        return available
    left = max(0, int(most) - used)
    return left if available is None else min(left, available)


def certificate(home: Home, now: dt.datetime, renewal: str) -> Iterator[Finding]:
    """The role's own: issued by this federation, for this key, in force. renewal: the next step for it."""
    pem = home.tls_certificate()
    check_certifies(pem, home.tls_key())
    check_issued_by(pem, home.authority(), now)
    until = expires(pem)
    days = (until - now).days
    text = f"the certificate is good until {until:%Y-%m-%d} ({days} days)"
    if days < _WARN_DAYS:
        yield Finding("certificates", "warn", text, renewal)
    else:
        yield Finding("certificates", "ok", text)


def running(process: int | None, what: str, command: str) -> Iterator[Finding]:
    """Whether the role's service runs."""
    if process is None:
        yield Finding("folder", "warn", f"{what} is not running", f"Start it with `{command}`.")
    else:
        yield Finding("folder", "ok", f"{what} runs (process {process})")
