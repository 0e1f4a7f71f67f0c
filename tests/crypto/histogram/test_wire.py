"""What comes from outside is refused unless it is what was agreed on; keys and words are not shown."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from tenseal import sealapi

from crypto.errors import UsageError
from crypto.histogram import (
    EncryptedHistogram,
    EncryptedRows,
    HistogramKey,
    HistogramPublicKey,
    HistogramScheme,
    histograms,
)
from crypto.histogram.layout import Layout
from crypto.histogram.ring import DEGREE, UPLOAD_BYTES
from crypto.private import Private
from crypto.seal import save
from crypto.sealed import Wire, WireRefused

ROWS, WIDTHS, BLOCK = 300, (3, 40), 256
BINS = Private(np.zeros((ROWS, 2), dtype=np.uint8))


@pytest.fixture(scope="module")
def scheme() -> HistogramScheme:
    return HistogramScheme()


@pytest.fixture(scope="module")
def key(scheme: HistogramScheme) -> HistogramKey:
    return scheme.generate()


@pytest.fixture(scope="module")
def rows(key: HistogramKey) -> EncryptedRows:
    return key.encrypt(Private(np.arange(ROWS, dtype=np.uint64)), (100, 200), BLOCK)


@pytest.fixture(scope="module")
def reply(scheme: HistogramScheme, key: HistogramKey, rows: EncryptedRows) -> EncryptedHistogram:
    return histograms(scheme, rows, key.public, BINS, WIDTHS)[0]


def test_wire_forms_come_back(key: HistogramKey, rows: EncryptedRows, reply: EncryptedHistogram) -> None:
    assert EncryptedRows.from_wire(rows.to_wire()) == rows
    assert EncryptedHistogram.from_wire(reply.to_wire()) == reply
    assert HistogramPublicKey.from_wire(key.public.to_wire()) == key.public
    switching = HistogramScheme("bytes").generate().public
    assert HistogramPublicKey.from_wire(switching.to_wire()) == switching


def spoilt(wire: Wire, change: Callable[[list[Wire]], object]) -> Wire:
    assert isinstance(wire, list)
    fields = copy.deepcopy(wire)
    change(fields)
    return fields


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.pop(),
        lambda w: w.append(1),
        lambda w: w.__setitem__(0, w[0][:-1]),
        lambda w: w.__setitem__(0, 7),
        lambda w: w.__setitem__(1, []),
        lambda w: w.__setitem__(1, [100, 500]),
        lambda w: w.__setitem__(1, [-1, 301]),
        lambda w: w.__setitem__(1, [100, True, 199]),
        lambda w: w.__setitem__(1, ROWS),
        lambda w: w.__setitem__(2, 0),
        lambda w: w.__setitem__(2, DEGREE + 1),
        lambda w: w.__setitem__(2, BLOCK // 2),
        lambda w: w.__setitem__(3, []),
        lambda w: w[3].pop(),
        lambda w: w.__setitem__(3, w[3][0]),
        lambda w: w[3].__setitem__(0, w[3][0] + b"\0"),
        lambda w: w[3].__setitem__(0, 1),
    ],
)
def test_malformed_rows_are_refused(rows: EncryptedRows, change: Callable[[list[Wire]], object]) -> None:
    with pytest.raises(WireRefused, match="EncryptedRows"):
        EncryptedRows.from_wire(spoilt(rows.to_wire(), change))


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.pop(),
        lambda w: w.__setitem__(0, b""),
        lambda w: w.__setitem__(1, 0),
        lambda w: w.__setitem__(1, 3),
        lambda w: w.__setitem__(2, "43"),
        lambda w: w.__setitem__(2, 44),
        lambda w: w.__setitem__(3, b""),
        lambda w: w[3].pop(),
        lambda w: w[3].append(w[3][0]),
        lambda w: w[3].reverse(),
        lambda w: w[3].__setitem__(0, w[3][0][:-1]),
        lambda w: w[3].__setitem__(1, bytes(len(w[3][1]))),
        lambda w: w.__setitem__(0, bytes(16)),
    ],
)
def test_malformed_answers_are_refused(
    key: HistogramKey, reply: EncryptedHistogram, change: Callable[[list[Wire]], object]
) -> None:
    with pytest.raises(WireRefused, match="EncryptedHistogram"):
        key.open(
            EncryptedHistogram.from_wire(spoilt(reply.to_wire(), change)),
            nodes=2,
            histogram_rows=43,
            block=BLOCK,
        )


def test_any_answer_of_the_right_lengths_opens_to_residues(
    scheme: HistogramScheme, key: HistogramKey, reply: EncryptedHistogram
) -> None:
    parts = tuple(b"\xff" * len(part) for part in reply.parts)
    noise = EncryptedHistogram(reply.key_id, reply.nodes, reply.histogram_rows, parts)
    opened = key.open(noise, nodes=2, histogram_rows=43, block=BLOCK).open_locally()
    assert opened.max() < scheme.modulus


@pytest.mark.parametrize(
    "wire", [b"", [b"", b""], [bytes(UPLOAD_BYTES)], [bytes(UPLOAD_BYTES), b"keys"], [bytes(UPLOAD_BYTES), 0]]
)
def test_malformed_keys_are_refused(wire: Wire) -> None:
    with pytest.raises(WireRefused, match="HistogramPublicKey"):
        HistogramPublicKey.from_wire(wire)


def test_coefficients_above_the_primes_are_refused(
    scheme: HistogramScheme, key: HistogramKey, rows: EncryptedRows
) -> None:
    part = b"\xff" * (UPLOAD_BYTES - 64) + rows.parts[0][-64:]
    bad = EncryptedRows(rows.key_id, rows.node_sizes, rows.block, (part, rows.parts[1]))
    with pytest.raises(WireRefused):
        histograms(scheme, bad, key.public, BINS, WIDTHS)


def test_rows_under_another_key_are_refused(scheme: HistogramScheme, rows: EncryptedRows) -> None:
    with pytest.raises(WireRefused, match="another key"):
        histograms(scheme, rows, scheme.generate().public, BINS, WIDTHS)


def test_a_key_of_the_other_form_and_damaged_switching_keys_are_refused(
    scheme: HistogramScheme, key: HistogramKey, rows: EncryptedRows
) -> None:
    with pytest.raises(WireRefused, match="other form"):
        histograms(HistogramScheme("bytes"), rows, key.public, BINS, WIDTHS)
    narrow = HistogramScheme("bytes")
    zero, switching = narrow.generate().public.to_wire()
    damaged = switching[:5000] + b"\xff" * 99 + switching[5099:]
    generator = sealapi.KeyGenerator(narrow.ring.context)
    fewer = save(generator.create_galois_keys(Layout.galois_elements()[1:]))
    for switching in (damaged, fewer):
        public = HistogramPublicKey(zero, switching)
        words = EncryptedRows(public.key_id, (ROWS,), 2048, rows.parts[:1])
        with pytest.raises(WireRefused):
            histograms(narrow, words, public, BINS, WIDTHS)


@pytest.mark.parametrize(
    ("bins", "widths"),
    [
        (np.zeros((ROWS - 1, 2), dtype=np.uint8), WIDTHS),
        (np.zeros((ROWS, 1), dtype=np.uint8), WIDTHS),
        (np.full((ROWS, 2), 3, dtype=np.uint8), WIDTHS),
        (np.full((ROWS, 2), -1, dtype=np.int8), WIDTHS),
        (np.zeros((ROWS, 2), dtype=np.uint8), (3, 1 << 17)),
    ],
)
def test_bins_that_do_not_fit_are_refused(
    scheme: HistogramScheme,
    key: HistogramKey,
    rows: EncryptedRows,
    bins: np.ndarray[tuple[int, int], np.dtype[np.integer]],
    widths: tuple[int, ...],
) -> None:
    with pytest.raises(UsageError):
        histograms(scheme, rows, key.public, Private(bins), widths)


def test_words_and_blocks_that_do_not_fit_are_refused(scheme: HistogramScheme, key: HistogramKey) -> None:
    ones = Private(np.ones(4, dtype=np.uint64))
    for words, sizes, block in (
        (ones, (3,), 64),
        (ones, (5, -1), 64),
        (Private(np.full(4, scheme.modulus, dtype=np.uint64)), (4,), 64),
        (Private(np.ones(0, dtype=np.uint64)), (0,), 64),
        (ones, (4,), 0),
        (ones, (4,), DEGREE + 1),
    ):
        with pytest.raises(UsageError):
            key.encrypt(words, sizes, block)
    with pytest.raises(UsageError):
        HistogramScheme("bytes").generate().encrypt(ones, (4,), 64)


def test_a_key_is_not_shown_and_not_serialised(key: HistogramKey, rows: EncryptedRows) -> None:
    with pytest.raises(TypeError, match="never serialised"):
        pickle.dumps(key)
    for shown in (key, key.public, rows):
        assert len(repr(shown)) < 100
