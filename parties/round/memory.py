"""How much memory processes of this machine have held at most."""

from __future__ import annotations

from pathlib import Path


def peak_memory_bytes(*process_ids: int) -> int | None:
    """The most memory that these running processes have held, added up; this process when none is given.

    From VmHWM of proc(5); None on a system without it. `getrusage` would not do: a process that was started
    counts what the one that started it held.
    """
    peaks = [_high_water(str(pid)) for pid in process_ids or ("self",)]
    return sum(peak for peak in peaks if peak is not None) if None not in peaks else None


def _high_water(process: str) -> int | None:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
