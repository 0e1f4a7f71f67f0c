"""The worker's frames, spoken to it directly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from crypto.worker import ANSWER, DONE, REFUSED, REQUEST

ROOT = Path(__file__).parents[2]

# Functions for these tests, planted in the child where a real one would stand.
PLANTED = """
import sys
sys.path.insert(0, sys.argv[1])
import crypto.x25519 as module
from crypto.errors import Refusal

def leak(argument, chunk):
    raise KeyError(chunk)

def noisy(argument, chunk):
    print("a library talks")
    return chunk[::-1]

def refuse(argument, chunk):
    raise Refusal("no", advice="do")

module.leak, module.noisy, module.refuse = leak, noisy, refuse
from crypto.worker import serve
serve()
"""


def spoken_to(requests: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", "-c", PLANTED, str(ROOT)],
        input=requests,
        capture_output=True,
        timeout=300,
        check=False,
    )


def request(function: str, chunk: bytes) -> bytes:
    name = f"crypto.x25519:{function}".encode()
    return REQUEST.pack(len(name), 3, len(chunk)) + name + b"arg" + chunk


def test_an_unforeseen_error_is_told_by_place_and_not_by_text() -> None:
    done = spoken_to(request("leak", b"company-1"))
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"worker process: KeyError at" in done.stderr
    assert b"company" not in done.stderr


def test_a_library_that_prints_does_not_break_the_answers() -> None:
    done = spoken_to(request("noisy", b"abc") + request("noisy", b"xyz"))
    assert done.returncode == 0
    size = ANSWER.size
    first, second = done.stdout[: size + 3], done.stdout[size + 3 :]
    assert (ANSWER.unpack(first[:size])[0], first[size:]) == (DONE, b"cba")
    assert (ANSWER.unpack(second[:size])[0], second[size:]) == (DONE, b"zyx")
    assert b"a library talks" in done.stderr


def test_the_cpu_time_of_an_answer_counts_from_the_one_before() -> None:
    done = spoken_to(request("noisy", b"") + request("noisy", b""))
    start_up, after = (ANSWER.unpack(done.stdout[at : at + ANSWER.size])[1] for at in (0, ANSWER.size))
    assert 0 <= after < start_up


def test_a_refusal_is_an_answer() -> None:
    done = spoken_to(request("refuse", b""))
    assert ANSWER.unpack(done.stdout[: ANSWER.size])[0] == REFUSED
    assert done.stdout[ANSWER.size :] == b"IST-3000: no\ndo"


def test_a_request_that_is_cut_off_is_not_worked_on() -> None:
    whole = request("noisy", b"abc")
    for cut in (0, 5, REQUEST.size, REQUEST.size + 4, len(whole) - 1):
        done = spoken_to(whole[:cut])
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
