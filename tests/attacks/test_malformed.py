"""Ten thousand malformed vectors for each scheme: all refused, by a process that neither ends nor swells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.attacks.malformed import (
    COUNT,
    KINDS,
    Corpus,
    coefficient_at_or_above_its_modulus,
    is_refused_everywhere,
)
from tests.attacks.members import SCHEMES

ROOT = Path(__file__).parents[2]
CASES = 10_000


@pytest.mark.skipif(sys.platform != "linux", reason="the process bounds its memory by /proc")
def test_every_malformed_vector_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "tests/attacks/malformed.py", str(CASES)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["refused"].keys() == SCHEMES.keys()
    for name, kinds in found["refused"].items():
        assert sum(kinds.values()) == CASES
        assert {kind.__name__ for kind in KINDS[name]} == kinds.keys() and min(kinds.values()) > 500
    assert found["grown"] < 64 << 20


@pytest.mark.parametrize("name", SCHEMES)
def test_control_a_well_formed_vector_is_not_refused(name: str) -> None:
    corpus = Corpus(name, 0)
    assert not is_refused_everywhere(corpus, corpus.good.to_wire(), order=True)


@pytest.mark.parametrize("name", ["he", "he-seeded", "ckks"])
def test_control_a_changed_coefficient_below_its_modulus_is_another_well_formed_vector(name: str) -> None:
    corpus = Corpus(name, 0)
    part = bytearray(corpus.parts[0])
    part[0] ^= 1
    assert not is_refused_everywhere(
        corpus, [corpus.form, COUNT, [bytes(part), *corpus.parts[1:]]], order=True
    )


@pytest.mark.parametrize("name", ["he", "he-seeded", "ckks"])
def test_control_a_scheme_that_lets_a_coefficient_through_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(name, 0)
    wires = [coefficient_at_or_above_its_modulus(corpus) for _ in range(20)]
    assert all(is_refused_everywhere(corpus, wire, order=True) for wire in wires)
    if name == "ckks":
        monkeypatch.setattr(corpus.scheme, "_moduli", np.full((4, 1), 1 << 40, dtype=np.uint64))
    else:
        monkeypatch.setattr(corpus.scheme, "_prime", 1 << 64)
    assert not any(is_refused_everywhere(corpus, wire, order=True) for wire in wires)


NAIVE = """
import tenseal as ts

def varint(n):
    return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])

context = ts.context(ts.SCHEME_TYPE.CKKS, 4096, coeff_mod_bit_sizes=[60, 49])
context.global_scale = 2.0**40
good = ts.ckks_vector(context, [1.0, 2.0]).serialize()
assert good[:3] == bytes([0x0A, 1, 2])                      # Field 1, one byte: two values in the ciphertext.
claimed = varint(2500)
bad = bytes([0x0A, len(claimed)]) + claimed + good[3:]
print(ts.ckks_vector_from(context, bad).size())             # N / 2 = 2048 slots.
"""


def test_control_tenseals_own_reader_believes_a_size_beyond_the_slots() -> None:
    """It then decrypts to what lies behind the buffer: so nothing here reads TenSEAL objects from outside."""
    done = subprocess.run([sys.executable, "-c", NAIVE], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["2500"]
