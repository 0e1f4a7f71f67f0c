"""Words of 56 or 60 bits as bytes, and random small polynomials."""

from __future__ import annotations

import numpy as np

from crypto.histogram.transform import Floats, Integers
from crypto.sealed import Words64
from crypto.summation.stream import KeyStream

#: E|e| of a row's noise: 0.8 standard deviations of the centred binomial of parameter 21 (3.24) and of the
#: random rounding of its number (at most 0.5) together, rounded up.
MEAN_NOISE = 2.7
_BITS = np.uint64((1 << 21) - 1)
_SHIFTS = (np.uint64(0), np.uint64(21))


def bytes_of_56(words: Words64) -> bytes:
    """n words below 2^56, 7 bytes each, little-endian."""
    return words.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)[:, :7].tobytes()


def words_of_56(data: bytes) -> Words64:
    """The inverse; any 7 bytes are a word."""
    out = np.zeros((len(data) // 7, 8), dtype=np.uint8)
    out[:, :7] = np.frombuffer(data, dtype=np.uint8).reshape(-1, 7)
    return out.view("<u8").reshape(-1)


def bytes_of_60(words: Words64) -> bytes:
    """n words (n even) below 2^60: n times the low 7 bytes, then the high halves of bytes, two in a byte."""
    high = (words >> np.uint64(56)).astype(np.uint8)
    return bytes_of_56(words) + (high[0::2] | high[1::2] << 4).tobytes()


def words_of_60(data: bytes) -> Words64:
    """The inverse, for 15 n / 2 bytes."""
    count = len(data) * 2 // 15
    out = words_of_56(data[: 7 * count])
    pairs = np.frombuffer(data, dtype=np.uint8, offset=7 * count).astype(np.uint64)
    out[0::2] |= (pairs & np.uint64(15)) << np.uint64(56)
    out[1::2] |= (pairs >> np.uint64(4)) << np.uint64(56)
    return out


def noise(stream: KeyStream, count: int) -> Integers:
    """Centred binomials of parameter 21, SEAL's error distribution (standard deviation 3.24)."""
    drawn = stream.words64(count)
    first, second = (np.bitwise_count(drawn >> shift & _BITS).view(np.int8) for shift in _SHIFTS)
    found: Integers = np.subtract(first, second, dtype=np.int64)
    return found


def ternary(stream: KeyStream, count: int) -> Floats:
    """Uniform over -1, 0, 1."""
    return stream.residues(count, 3).astype(np.float64) - 1.0
