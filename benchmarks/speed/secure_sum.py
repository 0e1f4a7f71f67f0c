"""What adding up model updates costs under each protection, beside the CKKS that is common elsewhere."""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from benchmarks.errors import Mismeasured
from benchmarks.progress import Say, silent
from benchmarks.speed.measuring import Figures, medians, timed
from crypto.controls import SharedKeyCkks
from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.summation import ring
from crypto.summation.grid import Grid
from crypto.summation.lanes import Lanes
from crypto.summation.protection import GroupKey, Protection, SealedVector
from crypto.summation.schemes import protection
from crypto.summation.stream import KeyStream

Floats = npt.NDArray[np.float64]

_CLIP = 1.0
_LABEL = "speed|1"
#: The mean may differ from the plain one by this much, which every protection here is far within.
_TOLERANCE = 1e-4


def measure(
    parameters: int = 1 << 20, clients: int = 5, repeat: int = 3, *, seed: int = 0, say: Say = silent
) -> Figures:
    """Mean of `clients` updates of `parameters` numbers in [-1, 1] by each protection; medians of `repeat`.

    encrypt_cpu_s is what one client spends from its plain update to the bytes that it sends: clip, round,
    pack, its masks with every other client and its own, encrypt, serialise. aggregate_cpu_s is what the
    aggregator spends from all clients' bytes to the bytes of the sum, checks included; open_cpu_s what one
    client spends from those bytes to the plain mean. Keys and contexts are made before; an upload is
    up_bytes_per_parameter, the sum down_bytes_per_parameter; max_error is the largest error of the mean.

        he, he_seeded, mask, ckks     the product's protections (ckks with every weight 1)
        ckks_common                   `crypto.controls`: another security claim, the same result

    Raises `Mismeasured` when a mean is wrong.
    """
    generator = np.random.default_rng(seed)
    updates = [np.clip(generator.normal(scale=0.2, size=parameters), -_CLIP, _CLIP) for _ in range(clients)]
    figures: Figures = {"parameters": parameters, "clients": clients, "repeat": repeat}
    for name, once in _schemes().items():
        say(name)
        figures[name] = medians([once(updates) for _ in range(repeat)])
    return figures


def _schemes() -> dict[str, Callable[[Sequence[Floats]], Figures]]:
    return {
        "he": lambda updates: _protected(protection("he"), updates),
        "he_seeded": lambda updates: _protected(protection("he", seeded=True), updates),
        "mask": lambda updates: _protected(protection("mask"), updates),
        "ckks": lambda updates: _protected(protection("ckks"), updates),
        "ckks_common": _common,
    }


@dataclass(frozen=True, slots=True)
class _Client:
    """What one client holds before it starts."""

    masks: PairwiseMasks
    others: frozenset[str]
    own: bytes
    pads: bool


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What all clients hold: the protection, its key, and how values become words."""

    scheme: Protection
    key: GroupKey
    grid: Grid
    lanes: Lanes

    @staticmethod
    def on(scheme: Protection, clients: int) -> _Agreed:
        lanes = scheme.packing(clients, clients if scheme.weighs else None)
        return _Agreed(scheme, scheme.generate_key(), Grid(_CLIP, lanes.levels), lanes)


def _protected(scheme: Protection, updates: Sequence[Floats]) -> Figures:
    agreed = _Agreed.on(scheme, len(updates))
    clients = _clients(len(updates))
    _make_ready(agreed)
    uploads, encrypting = [], []
    for client, update in zip(clients, updates, strict=True):
        upload, seconds = timed(partial(_seal, agreed, client, update))
        uploads.append(upload)
        encrypting.append(seconds)
    weights = [1] * len(updates) if scheme.weighs else None
    total, adding = timed(lambda: scheme.add(uploads, weights))
    own = [client.own for client in clients]
    mean, opening = timed(lambda: _open(agreed, total, own, len(updates[0])))
    return _figures(updates, mean, (encrypting, adding, opening), (len(uploads[0]), len(total)))


def _clients(count: int) -> list[_Client]:
    names = [f"client-{i}" for i in range(count)]
    shared = {frozenset(pair): secrets.token_bytes(32) for pair in combinations(names, 2)}
    clients = []
    for i, name in enumerate(names):
        others = frozenset(names) - {name}
        masks = PairwiseMasks(name, {other: shared[frozenset((name, other))] for other in others})
        clients.append(_Client(masks, others, secrets.token_bytes(32), pads=i == 0))
    return clients


def _make_ready(agreed: _Agreed) -> None:
    """Whatever is made once a run, such as a secret key from the group's."""
    agreed.scheme.seal(agreed.key, "speed|0", Private(np.zeros(1, dtype=np.uint64)), pads=False)


def _seal(agreed: _Agreed, client: _Client, update: Floats) -> SealedVector:
    modulus = agreed.scheme.modulus
    rounded = agreed.grid.quantise(Private(update), KeyStream(client.own, "rounding"))
    words = agreed.lanes.pack(rounded.open_locally())
    words = client.masks.added_to(words, _LABEL, client.others, modulus)
    words = ring.masked(words, modulus, plus=[KeyStream(client.own, "mask")])
    return agreed.scheme.seal(agreed.key, _LABEL, Private(words), pads=client.pads)


def _open(agreed: _Agreed, total: SealedVector, own: Sequence[bytes], parameters: int) -> Floats:
    words = agreed.scheme.open(agreed.key, _LABEL, total, agreed.lanes.words(parameters)).open_locally()
    masks = [KeyStream(seed, "mask") for seed in own]
    words = ring.masked(words, agreed.scheme.modulus, minus=masks)
    mean: Floats = agreed.grid.dequantise(agreed.lanes.unpack(words, parameters)) / len(own)
    return mean


def _common(updates: Sequence[Floats]) -> Figures:
    scheme = SharedKeyCkks()
    uploads, encrypting = [], []
    for update in updates:
        upload, seconds = timed(partial(scheme.encrypt, update))
        uploads.append(upload)
        encrypting.append(seconds)
    total, adding = timed(lambda: scheme.add(uploads))
    mean, opening = timed(lambda: scheme.decrypt(total) / len(updates))
    return _figures(
        updates, mean, (encrypting, adding, opening), (sum(map(len, uploads[0])), sum(map(len, total)))
    )


def _figures(
    updates: Sequence[Floats],
    mean: Floats,
    seconds: tuple[Sequence[float], float, float],
    sent: tuple[int, int],
) -> Figures:
    encrypting, adding, opening = seconds
    error = float(np.abs(mean - np.mean(updates, axis=0)).max())
    if not error < _TOLERANCE:
        raise Mismeasured("the opened mean is not the mean of the updates")
    return {
        "encrypt_cpu_s": statistics.median(encrypting),
        "aggregate_cpu_s": adding,
        "open_cpu_s": opening,
        "up_bytes_per_parameter": sent[0] / len(mean),
        "down_bytes_per_parameter": sent[1] / len(mean),
        "max_error": error,
    }
