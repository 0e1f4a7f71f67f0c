"""Looks for planted records in what is about to leave, in every encoding that a careless path would use.

A record is looked for as the text of its cells (UTF-8, UTF-16 of both orders), as its numbers in decimal, as
float64 and int64, and as float32 and int32 where two neighbours of a row or of a column stand together (four
bytes alone stand in any ciphertext by chance). All of that also within hexadecimal, base64 and base64url, and
within zlib and gzip streams, to a depth of three.

What is not found, by declaration: single bits spread over other values, encrypted or otherwise transformed
cells (a standardised column), compression of other kinds, and encodings that are not named here.

The search is by 8-byte probes. Each probe holds four windows of 4 bytes, of which one stands at a place that
is a multiple of four wherever the probe stands; so every fourth place is looked at, in a hash table, and what
it lets through is compared byte by byte. A probe is met by chance in one of 2^64 places of random bytes.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

#: The shortest pattern that is looked for.
PROBE = 8
#: Knuth's multiplicative hash (The Art of Computer Programming, vol. 3, 6.4).
_MULTIPLIER = np.uint32(2654435761)
_WORDS_AT_ONCE = 1 << 18
#: Encodings in encodings that are unwrapped, and the bytes that one message may unwrap to.
_DEPTH, _UNWRAPPED = 3, 64 << 20
#: The shortest run of letters and digits that may be an encoding.
_RUN = 16
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_ZLIB_SECOND = np.isin(np.arange(256), [0x01, 0x5E, 0x9C, 0xDA])
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{16,}")
_BETWEEN = bytes(PROBE)  # Nothing is found across the end of one unwrapped piece and the start of the next.


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bytes, at least eight, that only the planted record of this number has."""

    record: int
    data: bytes


class Needles:
    """What is looked for, made ready once. Safe to use from several threads."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        kept = sorted({(each.data, each.record) for each in patterns if len(each.data) >= PROBE})
        self._patterns = [data for data, _ in kept]
        self._records = [record for _, record in kept]
        probes = np.frombuffer(b"".join(data[:PROBE] for data in self._patterns), dtype="<u8")
        order = np.argsort(probes, kind="stable")
        self._order, self._probes = order, probes[order]
        shifts = np.arange(4, dtype=np.uint64) * np.uint64(8)
        windows = (probes[:, None] >> shifts).astype(np.uint32).ravel()
        self._windows = np.unique(windows)
        bits = min(max(int(self._windows.size * 64).bit_length(), 12), 22)
        self._shift = np.uint32(32 - bits)
        self._table = np.zeros(1 << bits, dtype=np.bool_)
        self._table[self._hash(self._windows)] = True
        letters = np.zeros(256, dtype=np.bool_)
        letters[np.frombuffer(_LETTERS, dtype=np.uint8)] = True
        self._letters = letters

    def __len__(self) -> int:
        return len(self._patterns)

    def found(self, encoded: bytes) -> int:
        """How many planted records stand in these bytes, in whatever encoding."""
        records: set[int] = set()
        layer = encoded
        for _ in range(_DEPTH + 1):
            records |= self._within(layer)
            layer = b"".join(self._unwrapped(layer))
            if not layer:
                break
        return len(records)

    # -- one layer ----------------------------------------------------------------------------------

    def _within(self, data: bytes) -> set[int]:
        """Records of the patterns that stand in `data` as it is."""
        if len(data) < PROBE or not self._patterns:
            return set()
        whole = np.frombuffer(data, dtype=np.uint8)
        words = np.frombuffer(data, dtype="<u4", count=len(data) // 4)
        records: set[int] = set()
        for start in range(0, len(words), _WORDS_AT_ONCE):
            part = words[start : start + _WORDS_AT_ONCE]
            near = np.flatnonzero(self._table[self._hash(part)])
            near = near[self._is_window(part[near])]
            if near.size:
                records |= self._compared(data, whole, 4 * (start + near))
        return records

    def _hash(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        return (words * _MULTIPLIER) >> self._shift

    def _is_window(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        places = np.searchsorted(self._windows, words)
        same: npt.NDArray[np.bool_] = self._windows[np.minimum(places, self._windows.size - 1)] == words
        return same

    def _compared(self, data: bytes, whole: Bytes, places: npt.NDArray[np.int64]) -> set[int]:
        """Records whose pattern begins up to three bytes before one of `places`."""
        starts = np.unique((places[:, None] - np.arange(4)).ravel())
        starts = starts[(starts >= 0) & (starts <= len(data) - PROBE)]
        if not starts.size:
            return set()
        eight = np.ascontiguousarray(whole[starts[:, None] + np.arange(PROBE)]).view("<u8").ravel()
        first = np.searchsorted(self._probes, eight, side="left")
        last = np.searchsorted(self._probes, eight, side="right")
        return {
            self._records[number]
            for start, low, high in zip(starts, first, last, strict=True)
            for number in self._order[low:high]
            if data.startswith(self._patterns[number], int(start))
        }

    # -- what is wrapped in it ----------------------------------------------------------------------

    def _unwrapped(self, data: bytes) -> Iterator[bytes]:
        """What hexadecimal, base64 and compressed streams in `data` hold."""
        left = _UNWRAPPED
        for piece in (*self._streams(data), *self._texts(data)):
            if len(piece) >= PROBE and left > 0:
                left -= len(piece)
                yield piece + _BETWEEN

    def _streams(self, data: bytes) -> Iterator[bytes]:
        left = _UNWRAPPED
        for place, window_bits in _stream_starts(data):
            piece = _inflated(data, place, window_bits, left)
            left -= len(piece)
            yield piece
            if left <= 0:
                return

    def _texts(self, data: bytes) -> Iterator[bytes]:
        for start, end in self._runs(data):
            run = data[start:end].translate(_STANDARD)
            for shift in range(4):
                length = (len(run) - shift) // 4 * 4
                yield binascii.a2b_base64(run[shift : shift + length])
            for digits in _HEXADECIMAL.findall(run):
                for shift in range(2):
                    length = (len(digits) - shift) // 2 * 2
                    yield binascii.unhexlify(digits[shift : shift + length])

    def _runs(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where at least 16 letters, digits or signs of base64 follow each other."""
        whole = np.frombuffer(data, dtype=np.uint8)
        every_fourth = self._letters[whole[::4]]
        if every_fourth.size < 4:
            return
        four = every_fourth[:-3] & every_fourth[1:-2] & every_fourth[2:-1] & every_fourth[3:]
        places = 4 * np.flatnonzero(four)
        places = places[self._letters[whole[places[:, None] + np.arange(13)]].all(axis=1)]
        done = 0
        for place in places:
            if place < done:
                continue
            start, end = int(place), int(place)
            while start > done and self._letters[data[start - 1]]:
                start -= 1
            end = self._run_end(whole, end)
            done = end
            if end - start >= _RUN:
                yield start, end

    def _run_end(self, whole: Bytes, place: int) -> int:
        step = 64
        while place < len(whole):
            others = np.flatnonzero(~self._letters[whole[place : place + step]])
            if others.size:
                return place + int(others[0])
            place, step = place + step, min(2 * step, 1 << 20)
        return len(whole)


def text_patterns(record: int, text: str) -> list[Pattern]:
    """A text in UTF-8 and in UTF-16 of both orders."""
    return [Pattern(record, text.encode(encoding)) for encoding in ("utf-8", "utf-16-le", "utf-16-be")]


def number_patterns(values: npt.NDArray[np.float64], exact: npt.NDArray[np.bool_]) -> list[Pattern]:
    """Whole numbers below 2^53, records x columns, in every binary form and in decimal; NaN: none.

    `exact`: of which columns a single number is wide enough to be known by itself. The 32-bit forms are
    looked for in pairs: neighbours in a row, and in a column.
    """
    known = ~np.isnan(values)
    found: list[Pattern] = []
    for record, column in zip(*np.nonzero(known & exact), strict=True):
        number = int(values[record, column])
        found += text_patterns(int(record), str(number))
        for order in "<>":
            found += [
                Pattern(int(record), np.array(number, dtype=f"{order}{kind}8").tobytes()) for kind in "fi"
            ]
    return found + _pairs(values, known, 0, 1) + _pairs(values, known, 1, 0)


def _pairs(
    values: npt.NDArray[np.float64], known: npt.NDArray[np.bool_], down: int, across: int
) -> list[Pattern]:
    """Two neighbours as 32-bit numbers: what a cast to float32 leaves, and the lower half of an integer."""
    rows, columns = values.shape[0] - down, values.shape[1] - across
    if rows < 1 or columns < 1:
        return []
    found = []
    both = known[:rows, :columns] & known[down:, across:]
    for record, column in zip(*np.nonzero(both), strict=True):
        pair = values[[record, record + down], [column, column + across]]
        halves = pair.astype(np.int64).astype(np.uint32)
        for order in "<>":
            found.append(Pattern(int(record), pair.astype(f"{order}f4").tobytes()))
            found.append(Pattern(int(record), halves.astype(f"{order}u4").tobytes()))
    return found


def _stream_starts(data: bytes) -> Iterator[tuple[int, int]]:
    """Where a zlib (RFC 1950) or gzip (RFC 1952) header may stand, and zlib's window bits for it.

    Of zlib those of a 32 KiB window without a preset dictionary, whose second byte is one of four.
    """
    whole = np.frombuffer(data, dtype=np.uint8)
    if whole.size < PROBE:
        return
    first, second = whole[:-2], whole[1:-1]
    places = np.flatnonzero(first == 0x78)
    for place in places[_ZLIB_SECOND[second[places]]]:
        yield int(place), zlib.MAX_WBITS
    places = np.flatnonzero(first == 0x1F)
    places = places[(second[places] == 0x8B) & (whole[places + 2] == 8)]
    for place in places:
        yield int(place), zlib.MAX_WBITS | 16


def _inflated(data: bytes, place: int, window_bits: int, most: int) -> bytes:
    """What a stream at `place` holds, as far as it is one; at most `most` bytes."""
    stream, pieces, size = zlib.decompressobj(window_bits), [], 0
    fed, step = place, 256
    while not stream.eof and fed < len(data) and size < most:
        rest = data[fed : fed + step]
        fed, step = fed + step, min(4 * step, 1 << 20)
        try:
            piece = stream.decompress(rest, most - size)
            while stream.unconsumed_tail and size + len(piece) < most and not stream.eof:
                piece += stream.decompress(stream.unconsumed_tail, most - size - len(piece))
        except zlib.error:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
