"""A planted record is found in every encoding that is named, in the midst of anything, and nowhere else."""

from __future__ import annotations

import base64
import gzip
import os
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from federation.governance.needles import Needles, Pattern, number_patterns, text_patterns

CODE = "71526726XX"
VALUES = np.array(
    [[4_837_261_938_472_615, 2_718_281_828_459_045], [1_414_213_562_373_095, 1_618_033_988_749]]
)
VALUES[1, 1] += 10**15
ROW = f"91440300{CODE},{VALUES[0, 0]},{VALUES[0, 1]}".encode()
DOUBLES = VALUES.astype(np.float64)


def needles() -> Needles:
    return Needles(
        [*text_patterns(0, CODE), *number_patterns(DOUBLES, np.ones(DOUBLES.shape, dtype=np.bool_))]
    )


ENCODINGS: dict[str, bytes] = {
    "text": ROW,
    "the identifier alone": f"91440300{CODE}".encode(),
    "utf-16 little-endian": ROW.decode().encode("utf-16-le"),
    "utf-16 big-endian": ROW.decode().encode("utf-16-be"),
    "hexadecimal": ROW.hex().encode(),
    "hexadecimal in capitals": ROW.hex().upper().encode(),
    "base64": base64.b64encode(ROW),
    "base64 behind one byte": base64.b64encode(b"." + ROW),
    "base64 behind two bytes": base64.b64encode(b".." + ROW),
    "base64 for addresses": base64.urlsafe_b64encode(b"\xff\xef\xbe" * 3 + ROW),
    "base64 in lines": base64.encodebytes(ROW * 3),
    "zlib": zlib.compress(ROW),
    "zlib, level 0": zlib.compress(ROW, 0),
    "gzip": gzip.compress(ROW),
    "base64 of gzip": base64.b64encode(gzip.compress(ROW)),
    "gzip of hexadecimal": gzip.compress(ROW.hex().encode()),
    "float64": struct.pack("<d", VALUES[0, 1]),
    "float64 big-endian": struct.pack(">d", VALUES[0, 1]),
    "a row of float32": DOUBLES[0].astype("<f4").tobytes(),
    "a row of float32 big-endian": DOUBLES[0].astype(">f4").tobytes(),
    "a column of float32": DOUBLES[:, 1].astype("<f4").tobytes(),
    "int64": struct.pack("<q", VALUES[1, 0]),
    "int64 big-endian": struct.pack(">q", VALUES[1, 0]),
    "a row of int32": VALUES[0].astype("<i4").tobytes(),
    "decimal": str(VALUES[1, 0]).encode(),
    "a decimal with a fraction": f"{DOUBLES[0, 0]:.3f}".encode(),
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("before", [0, 1, 2, 3, 4097])
def test_every_named_encoding_is_found_wherever_it_stands(name: str, before: int) -> None:
    noise = np.random.default_rng(before).bytes(before)
    assert needles().found(noise + ENCODINGS[name] + b"\xff" + noise) >= 1
    assert needles().found(noise + ENCODINGS[name]) >= 1  # At the very end.


def test_records_are_counted_once_each() -> None:
    assert needles().found(ROW + ROW) == 1
    assert needles().found(ROW + str(VALUES[1, 0]).encode()) == 2


def test_what_is_near_a_record_is_not_one() -> None:
    near = ROW.replace(b"6", b"7").replace(b"4", b"5")
    for encode in (bytes, bytes.hex, base64.b64encode, gzip.compress):
        wrap: Callable[[bytes], bytes | str] = encode
        coded = wrap(near)
        assert needles().found(coded if isinstance(coded, bytes) else coded.encode()) == 0
    assert needles().found(b"") == needles().found(b"1234567") == 0
    assert Needles([]).found(ROW) == 0


def test_a_pattern_that_chance_would_give_is_not_looked_for() -> None:
    assert len(Needles([Pattern(0, b"1234567")])) == 0


def test_random_bytes_give_no_alarm() -> None:
    searched = needles()
    assert sum(searched.found(os.urandom(1 << 20)) for _ in range(16)) == 0


def test_a_stream_that_unwraps_to_more_than_the_bound_ends() -> None:
    bomb = zlib.compress(bytes(200 << 20), 9)
    started = time.process_time()
    assert needles().found(bomb) == 0
    assert time.process_time() - started < 10
    assert needles().found(zlib.compress(ROW) + bomb) == 1


def test_fifty_megabytes_take_less_than_half_a_second_with_a_thousand_needles() -> None:
    values = np.random.default_rng(3).integers(10**15, 9 * 10**15, size=(32, 3)).astype(np.float64)
    patterns = number_patterns(values, np.ones(values.shape, dtype=np.bool_))
    searched = Needles(patterns)
    assert len(searched) >= 1000
    data = os.urandom(50 << 20)
    best = min(_seconds(searched, data) for _ in range(3))
    assert best < 0.5


def _seconds(searched: Needles, data: bytes) -> float:
    started = time.process_time()
    assert searched.found(data) == 0
    return time.process_time() - started
