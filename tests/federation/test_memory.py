"""What a round needed is the system's again once it is over."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from federation import memory
from federation.memory import give_back

#: Many small blocks with some kept between them: freed, they stay with glibc until it is asked.
_FRAGMENTED = """
import re
from federation.memory import give_back, _trim
if _trim() is None:
    print("no glibc")
    raise SystemExit
def held():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
blocks = [bytes(30_000) for _ in range(4000)]
kept = blocks[::20]
del blocks
before = held()
give_back()
print(before - held())
"""


class _Round:
    """Something that only the garbage collector frees: it refers to itself."""

    def __init__(self) -> None:
        self.me = self


def test_free_pages_are_returned_to_the_system() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _FRAGMENTED], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    if told == "no glibc":
        pytest.skip("only glibc has malloc_trim")
    assert int(told) > 20_000  # KiB of the 114,000 that were freed.


def test_what_refers_to_itself_is_collected() -> None:
    gc.disable()
    try:
        gone = weakref.ref(_Round())
        give_back()
        assert gone() is None
    finally:
        gc.enable()


def test_a_system_without_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", lambda: None)
    give_back()
