"""SEAL objects go to bytes and back, and damaged ones are refused."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tenseal import sealapi

from crypto.seal import PART_LIMIT, content, load, save, stored, whole_object
from crypto.sealed import WireRefused

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def context() -> object:
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(4096)
    parameters.set_coeff_modulus(sealapi.CoeffModulus.Create(4096, [60, 49]))
    parameters.set_plain_modulus(sealapi.PlainModulus.Batching(4096, 50))
    return sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)


@pytest.fixture(scope="module")
def ciphertext(context: object) -> object:
    secret = sealapi.KeyGenerator(context).secret_key()
    made = sealapi.Ciphertext()
    load(made, context, save(sealapi.Encryptor(context, secret).encrypt_symmetric(sealapi.Plaintext("1"))))
    return made


def test_an_object_comes_back_byte_for_byte(context: object, ciphertext: object) -> None:
    saved = save(ciphertext)
    back = sealapi.Ciphertext()
    load(back, context, saved)
    assert save(back) == saved == whole_object(saved, "x")


def test_the_content_alone_makes_the_same_object(context: object, ciphertext: object) -> None:
    saved = save(ciphertext)
    inside = content(saved)
    assert inside is not None and content(stored(inside)) == inside
    back = sealapi.Ciphertext()
    load(back, context, stored(inside))
    assert save(back) == saved


def test_a_content_that_was_compressed_is_not_guessed() -> None:
    plain = sealapi.Plaintext(4096)
    saved = save(plain)
    assert saved[5] == 2 and len(saved) < 4096 and content(saved) is None


@pytest.mark.parametrize("size", [0, 1, 15, 17, PART_LIMIT + 1])
def test_what_is_no_whole_object_is_refused(ciphertext: object, size: int) -> None:
    saved = save(ciphertext)
    with pytest.raises(WireRefused):
        whole_object((saved * (size // len(saved) + 1))[:size], "x")


@pytest.mark.parametrize(("at", "byte"), [(0, 0), (2, 15), (5, 3), (8, 0), (15, 1)])
def test_a_header_that_is_not_the_objects_own_is_refused(ciphertext: object, at: int, byte: int) -> None:
    saved = bytearray(save(ciphertext))
    saved[at] = byte
    with pytest.raises(WireRefused):
        whole_object(bytes(saved), "x")


def test_damage_is_refused_by_what_loads(context: object, ciphertext: object) -> None:
    inside = content(save(ciphertext))
    assert inside is not None
    for at, value in ((0, 1), (33, 3), (41, 1 << 40), (len(inside) - 8, (1 << 64) - 1)):
        spoilt = inside[:at] + struct.pack("<Q", value) + inside[at + 8 :]
        with pytest.raises(WireRefused):
            load(sealapi.Ciphertext(), context, stored(spoilt))
    with pytest.raises(WireRefused):
        load(sealapi.Ciphertext(), context, stored(inside[:1000]))


def test_a_forked_process_has_a_memory_file_of_its_own() -> None:
    """In a shared one each process would read what the other had put there."""
    program = (
        "import os; from crypto import seal; before = os.fstat(seal._scratch.descriptor).st_ino; "
        "child = os.fork(); "
        "child or os._exit(os.fstat(seal._scratch.descriptor).st_ino == before); "
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT).returncode == 0
