"""A host's whole part: from encrypted rows and its own bins to encrypted histograms."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from crypto.histogram.layout import Layout
from crypto.histogram.merge import Merger
from crypto.histogram.products import NodeRows, Products
from crypto.histogram.ring import UPLOAD_BYTES, Ring
from crypto.histogram.scheme import HistogramScheme
from crypto.histogram.sets import BinSets, NodeSets
from crypto.histogram.wire import EncryptedHistogram, EncryptedRows, HistogramPublicKey
from crypto.histogram.words import MEAN_NOISE
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import WireRefused, Words64
from crypto.summation.stream import KeyStream

#: Bits of the probability that an answer's data-dependent noise shows; see the package's docstring.
PRIVACY_BITS = 40

#: A feature has at most this many bins: they travel between processes as 16 bits.
_WIDEST = 1 << 16
#: Products in a piece of work: about 3 CPU seconds, against 1 ms for each of the blocks that it transforms.
_PRODUCTS = 50_000
#: Flags (bytes form, masks, bins of 8 bits), block, skip, blocks, rows, features, first answer, end of
#: answers, sets, bins.
_HEAD = struct.Struct("<BIIIIIIIII")


def histograms(
    scheme: HistogramScheme,
    rows: EncryptedRows,
    key: HistogramPublicKey,
    bins: Private[npt.NDArray[np.integer]],
    widths: Sequence[int] | BinSets,
    *,
    mask: bool = False,
    pool: Pool | None = None,
) -> tuple[EncryptedHistogram, Private[Words64] | None]:
    """For each node, feature and bin the sum of the encrypted words, readable by the key's holder.

    `bins` is n x F in the order of the encrypted rows, column f in 0..widths[f]-1; a node's answer has
    sum(widths) residues. With `BinSets` in the place of widths it has one for each of the node's sets. With
    `mask` each of them is masked by a uniform one, and the masks (nodes, residues) stay with the caller:
    sum = opened - mask modulo t. `pool` shares out the nodes.
    """
    plain = bins.open_locally()
    _check(scheme, rows, key, plain, widths)
    count = widths.histogram_rows if isinstance(widths, BinSets) else sum(widths)
    layout = scheme.layout(rows.block, count)
    work = [
        _Work(scheme.prefer == "bytes", rows.block, node, first, end, mask)
        for node in (_node(rows, number, plain, widths) for number in range(len(rows.node_sizes)))
        for first, end in _shares(layout, len(node.parts), len(rows.node_sizes), pool)
    ]
    for each in work:
        _check_privacy(layout, each.node)
    argument = key.zero + key.switching
    if pool is None:
        done = [_answers(argument, each) for each in work]
    else:
        done = [
            _unframed(out) for out in pool.map(work_bytes, argument, [each.to_bytes() for each in work])[0]
        ]
    parts = tuple(part for answers, _ in done for part in answers)
    reply = EncryptedHistogram(key.key_id, len(rows.node_sizes), count, parts)
    if not mask:
        return reply, None
    return reply, Private(np.concatenate([masks for _, masks in done]).reshape(-1, count))


@dataclass(frozen=True, slots=True)
class _Work:
    """Some answers of one node: what one process computes at a time."""

    bytes_form: bool
    block: int
    node: NodeRows | NodeSets
    first: int
    end: int
    masked: bool

    @property
    def layout(self) -> Layout:
        return Layout(self.block, self.node.count, merges=self.bytes_form)

    def to_bytes(self) -> bytes:
        """Header, blocks, widths or sets, bins in 8 or 16 bits each."""
        node = self.node
        rows, features = node.bins.shape
        narrow = node.bins.itemsize == 1
        flags = self.bytes_form | self.masked << 1 | narrow << 2
        sizes = (0, 0)
        if isinstance(node, NodeSets):
            sizes = node.tables.shape
            about = node.column.astype("<u4").tobytes() + node.tables.tobytes()
        else:
            about = np.array(node.widths, dtype="<u4").tobytes()
        head = _HEAD.pack(
            flags, self.block, node.skip, len(node.parts), rows, features, self.first, self.end, *sizes
        )
        return head + b"".join(node.parts) + about + node.bins.astype("<u1" if narrow else "<u2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        flags, block, skip, parts, rows, features, first, end, sets, bins_of = _HEAD.unpack_from(data)
        at = _HEAD.size + parts * UPLOAD_BYTES
        starts = range(_HEAD.size, at, UPLOAD_BYTES)
        blocks = tuple(data[start : start + UPLOAD_BYTES] for start in starts)
        kind = np.dtype("<u1" if flags & 4 else "<u2")
        own = np.frombuffer(data, dtype=kind, offset=len(data) - kind.itemsize * rows * features)
        bins = own.reshape(rows, features)
        node: NodeRows | NodeSets
        if sets:
            column = np.frombuffer(data, dtype="<u4", count=sets, offset=at).astype(np.int64)
            tables = np.frombuffer(data, dtype=np.bool_, count=sets * bins_of, offset=at + 4 * sets)
            node = NodeSets(blocks, skip, bins, column, tables.reshape(sets, bins_of))
        else:
            widths = np.frombuffer(data, dtype="<u4", count=features, offset=at)
            node = NodeRows(blocks, skip, bins, tuple(widths.tolist()))
        return cls(bool(flags & 1), block, node, first, end, bool(flags & 2))


def work_bytes(argument: bytes, chunk: bytes) -> bytes:
    """`_answers` for a process of `crypto.pool`: the answers one after another, then the masks."""
    answers, masks = _answers(argument, _Work.from_bytes(chunk))
    head = struct.pack(f"<I{len(answers)}I", len(answers), *map(len, answers))
    return head + b"".join(answers) + masks.tobytes()


def _unframed(out: bytes) -> tuple[list[bytes], Words64]:
    (count,) = struct.unpack_from("<I", out)
    at = 4 + 4 * count
    answers = []
    for length in struct.unpack_from(f"<{count}I", out, 4):
        answers.append(out[at : at + length])
        at += length
    return answers, np.frombuffer(out, dtype="<u8", offset=at)


def _answers(argument: bytes, work: _Work) -> tuple[list[bytes], Words64]:
    """The answers and, where asked for, their masks."""
    zero, switching = argument[:UPLOAD_BYTES], argument[UPLOAD_BYTES:]
    scheme = HistogramScheme("bytes" if work.bytes_form else "speed")
    ring, layout = scheme.ring, work.layout
    positions = layout.parts()[work.first : work.end]
    answers, masks, stream = [], [], KeyStream(os.urandom(32), "histogram masks")
    for places, (c1, wanted) in zip(
        positions, _polynomials(ring, layout, zero, switching, work), strict=True
    ):
        if layout.merges:
            wanted = wanted[places]
        wanted = wanted[: len(places)]
        if work.masked:
            masks.append(stream.residues(len(places), ring.modulus))
            wanted = (wanted + ring.encoded(masks[-1])) % np.uint64(ring.kept)
        answers.append(ring.answer(c1, wanted))
    return answers, np.concatenate(masks) if masks else np.empty(0, dtype=np.uint64)


def _polynomials(
    ring: Ring, layout: Layout, zero: bytes, switching: bytes, work: _Work
) -> Iterator[tuple[Words64, Words64]]:
    """c1 and c0 of each answer; of c0 all coefficients where product polynomials are merged."""
    products = Products(ring, layout, zero, work.node)
    size = layout.answer_polynomials
    if not layout.merges:
        yield from products.answers(work.first, work.end, whole=False)
        return
    merger = _merger(ring, switching)
    for answer in range(work.first, work.end):
        end = min((answer + 1) * size, layout.polynomials)
        yield merger.merged(products.answers(answer * size, end, whole=True))


@lru_cache(maxsize=1)
def _merger(ring: Ring, switching: bytes) -> Merger:
    return Merger(ring, switching)


def _shares(layout: Layout, blocks: int, nodes: int, pool: Pool | None) -> list[tuple[int, int]]:
    """A node's answers in one piece; for a pool in pieces of some seconds at most, one for each process."""
    answers = len(layout.parts())
    if pool is None:
        return [(0, answers)]
    pieces = min(answers, max(1 if nodes > 1 else 2, -(-blocks * layout.polynomials // _PRODUCTS)))
    cuts = [answers * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(cuts))


def _node(
    rows: EncryptedRows, node: int, bins: npt.NDArray[np.integer], widths: Sequence[int] | BinSets
) -> NodeRows | NodeSets:
    start = sum(rows.node_sizes[:node])
    end = start + rows.node_sizes[node]
    parts = rows.parts[start // rows.block : -(-end // rows.block)] if start < end else ()
    skip, own = start % rows.block, bins[start:end]
    if isinstance(widths, BinSets):
        return NodeSets(parts, skip, own, widths.column[node], widths.tables[node])
    return NodeRows(parts, skip, own, tuple(widths))


def _check(
    scheme: HistogramScheme,
    rows: EncryptedRows,
    key: HistogramPublicKey,
    bins: npt.NDArray[np.integer],
    widths: Sequence[int] | BinSets,
) -> None:
    if rows.key_id != key.key_id:
        raise WireRefused("EncryptedRows: under another key than the one agreed")
    if bool(key.switching) != (scheme.prefer == "bytes"):
        raise WireRefused("HistogramPublicKey: of the other form than the one agreed")
    if isinstance(widths, BinSets):
        if len(bins) != rows.rows:
            raise UsageError(f"bins of {len(bins)} rows for {rows.rows}", advice="Give one for each row.")
        widths.check(len(rows.node_sizes), bins)
        return
    if bins.shape != (rows.rows, len(widths)):
        raise UsageError(
            f"bins of {bins.shape[0]} rows and {bins.shape[-1]} features for {rows.rows} rows and "
            f"{len(widths)} widths",
            advice="Give one bin for each encrypted row and feature.",
        )
    if bins.min() < 0 or (bins.max(axis=0) >= np.array(widths)).any() or max(widths) > _WIDEST:
        raise UsageError(
            "a bin is outside its feature's width", advice="Bins are numbered from 0; missing is one more."
        )


def shift_probability(layout: Layout, rows: int, widths: Sequence[int]) -> float:
    """log2 of the probability, at most, that the noise of the bins moves a coefficient of an answer.

    E|e| V / 2^60 for V coefficients, where e is a sum of as many fresh errors as the product polynomial has
    ones. A row has at most one in each feature that the answer's polynomials touch, and the square root of
    the mean is at least the mean of the square roots.
    """
    starts = np.concatenate([[0], np.cumsum(widths)])
    worst = 0.0
    for first in range(0, layout.histogram_rows, layout.answer_rows):
        end = min(first + layout.answer_rows, layout.histogram_rows)
        features = np.searchsorted(starts, end) - np.searchsorted(starts, first, side="right") + 1
        polynomials = -(-(end - first) // layout.each)
        worst = max(worst, (end - first) * math.sqrt(rows * features / polynomials))
    return math.log2(max(1.0, MEAN_NOISE * worst)) - 60


def sets_shift_probability(layout: Layout, rows: int) -> float:
    """The same for sets of bins: a row has at most one in each set of a polynomial."""
    coefficients = min(layout.answer_rows, layout.histogram_rows)
    return math.log2(max(1.0, MEAN_NOISE * coefficients * math.sqrt(rows * layout.each))) - 60


def _check_privacy(layout: Layout, node: NodeRows | NodeSets) -> None:
    if isinstance(node, NodeSets):
        probability = sets_shift_probability(layout, node.rows)
    else:
        probability = shift_probability(layout, node.rows, node.widths)
    if probability > -PRIVACY_BITS:
        raise UsageError(
            f"the noise would show bins: {node.rows} rows in a node, {layout.each} sums in a polynomial",
            advice="Take the block size that block_rows() gives; beyond 600,000 rows a node, prefer speed.",
        )
