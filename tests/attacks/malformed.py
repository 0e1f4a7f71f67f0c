"""Malformed vectors, made one by one from a seed, thrown at every scheme. Runs as a process of its own:

    python tests/attacks/malformed.py COUNT

Each case goes the way of bytes from outside: `SealedVector.from_wire`, then `check`, then `add` beside a good
vector, then `open`. Every one must be refused with `WireRefused`. Prints, as JSON, how many were refused by
scheme and kind, and by how much the process grew. Ends with status 1, naming scheme and kind, at the first
case that is not refused; a crash ends it otherwise.

Left out, because they are other well-formed vectors and their integrity is the envelope's work: a change
inside a coefficient that stays below its modulus, two ciphertexts of one vector exchanged, and any bytes at
all of the right length for "mask".
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tenseal import sealapi

from crypto import bfv
from crypto.private import Private
from crypto.seal import content, save, stored
from crypto.sealed import WireRefused
from crypto.summation.ckks import WeighedSum
from crypto.summation.he import EncryptedSum
from crypto.summation.protection import FORMS, MOST_WORDS, GroupKey, Protection, SealedVector
from tests.attacks.members import SCHEMES, scheme_named

KEY = GroupKey(bytes(range(32)))
COUNT = 4100  # Two ciphertexts, the second nearly empty.
MEMORY = 256 << 20  # What the process may take beyond what it has when the first case comes.

Wire = Any
Make = Callable[["Corpus"], Wire]


class Corpus:
    """A good vector of one scheme, and what the makers of cases need."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.scheme = scheme_named(name)
        self.rng = np.random.default_rng(seed)
        self.good = self.sealed(self.scheme)
        self.others = [self.sealed(scheme_named(other)) for other in SCHEMES if other != name]
        self.seal_objects = seal_objects()
        self.form = FORMS.index(self.good.form)
        self.parts = list(self.good.parts)
        self.size = len(self.parts[0])

    @staticmethod
    def sealed(scheme: Protection) -> SealedVector:
        words = np.random.default_rng(0).integers(0, scheme.modulus, COUNT, dtype=np.uint64)
        return scheme.seal(KEY, "x", Private(words), pads=False)

    def integer(self, low: int, high: int) -> int:
        """Uniform in [low, high)."""
        return int(self.rng.integers(low, high, dtype=np.uint64))

    def pick(self, among: Any) -> Any:
        return among[self.integer(0, len(among))]

    def with_part(self, part: Any) -> Wire:
        """The good vector, one part of it exchanged for `part`."""
        parts: list[Any] = list(self.parts)
        parts[self.integer(0, len(parts))] = part
        return [self.form, COUNT, parts]

    # -- coefficients, by scheme: how wide one is, how many lie in a part, the modulus of the i-th --------

    @property
    def width(self) -> int:
        return 5 if self.name == "ckks" else 8

    @property
    def coefficients(self) -> int:
        return {"he": 8192, "he-seeded": 4096, "ckks": 16384}[self.name]

    def modulus(self, at: int) -> int:
        if isinstance(self.scheme, WeighedSum):
            return int(self.scheme._moduli[at // 4096, 0])
        assert isinstance(self.scheme, EncryptedSum)
        return self.scheme._prime

    def is_malformed(self, part: bytes) -> bool:
        """Whether a part of the right size has a coefficient that is not below its modulus."""
        wide = np.zeros((self.coefficients, 8), dtype=np.uint8)
        raw = np.frombuffer(part, dtype=np.uint8, count=self.coefficients * self.width)
        wide[:, : self.width] = raw.reshape(-1, self.width)
        values = wide.view("<u8").ravel()
        return any(
            int(value) >= self.modulus(i * 4096) for i, value in enumerate(values.reshape(-1, 4096).max(1))
        )


# -- kinds: lengths and shapes, for every scheme -----------------------------------------------------


def truncated(c: Corpus) -> Wire:
    part = c.pick(c.parts)
    return c.with_part(
        part[: c.pick([0, 1, 8, len(part) // 2, len(part) - 8, len(part) - 1, c.integer(0, len(part))])]
    )


def truncated_in_front(c: Corpus) -> Wire:
    part = c.pick(c.parts)
    return c.with_part(part[c.integer(1, len(part)) :])


def extended(c: Corpus) -> Wire:
    more = c.pick([b"\0", bytes(8), c.rng.bytes(c.integer(1, 100)), c.parts[0], bytes(1 << 20)])
    part = c.pick(c.parts)
    return c.with_part(c.pick([part + more, more + part]))


def random_bytes(c: Corpus) -> Wire:
    length = c.integer(0, 2 * c.size)
    return c.with_part(c.rng.bytes(length + (length == c.size)))


def other_form(c: Corpus) -> Wire:
    """The right bytes under another scheme's name, or none's."""
    known = [i for i in range(len(FORMS)) if i != c.form and not (c.name == "he-seeded" and FORMS[i] == "he")]
    odd = [-1, len(FORMS), 255, 1 << 31, 1 << 63, True, None, "he", b"he", 0.0, [0]]
    return [c.pick([*known, *odd]), COUNT, c.parts]


def other_schemes_parts(c: Corpus) -> Wire:
    other = c.pick(c.others)
    return [c.form, COUNT, list(other.parts)]


def another_schemes_vector(c: Corpus) -> Wire:
    """Well formed, of another scheme; "he" is what a seeded scheme's totals are, so only `add` refuses it."""
    return c.pick(
        [other for other in c.others if not (c.name == "he-seeded" and other.form == "he")]
    ).to_wire()


def other_count(c: Corpus) -> Wire:
    odd = [
        0,
        1,
        -1,
        COUNT - 1,
        COUNT + 1,
        4096,
        8192,
        8193,
        MOST_WORDS,
        MOST_WORDS + 1,
        1 << 32,
        1 << 63,
        1 << 64,
    ]
    return [
        c.form,
        c.pick([*odd, True, None, float(COUNT), str(COUNT), b"", [COUNT], c.integer(1, COUNT)]),
        c.parts,
    ]


def other_number_of_parts(c: Corpus) -> Wire:
    part = c.parts[0]
    lists = [
        [],
        c.parts[:-1] if len(c.parts) > 1 else [],
        c.parts * 2,
        [*c.parts, b""],
        [b"".join(c.parts)] * 3,
    ]
    return [
        c.form,
        COUNT,
        c.pick([*lists, [part] * c.integer(len(c.parts) + 1, 200), [b""] * c.integer(3, 10_000)]),
    ]


def parts_that_are_no_bytes(c: Corpus) -> Wire:
    odd = [None, 1, 1 << 70, "a" * c.size, [c.parts[0]], {}, True, bytearray(c.parts[0]), 1.5, [], ""]
    if c.integer(0, 2):
        return c.with_part(c.pick(odd))
    return [
        c.form,
        COUNT,
        c.pick([b"", b"".join(c.parts), None, 7, "parts", {0: c.parts[0]}, tuple(c.parts)]),
    ]


def no_vector_at_all(c: Corpus) -> Wire:
    wire = [c.form, COUNT, c.parts]
    return c.pick([None, b"", 0, [], wire[:2], wire[1:], [*wire, 0], [wire], tuple(wire), wire[::-1], {}, "x",
                   c.rng.bytes(c.integer(0, 64)), [[], [], []], c.parts])  # fmt: skip


def seal_object(c: Corpus) -> Wire:
    """A SEAL object, whole or with a changed field, as it is or cut and padded to a part's size."""
    data = bytearray(c.pick(c.seal_objects))
    for _ in range(c.integer(0, 3)):
        at, form, values = c.pick(SEAL_FIELDS)
        struct.pack_into(form, data, at, c.pick(values))
    part = bytes(data)
    if c.name != "mask" and c.integer(0, 2):
        fitted = part[: c.size].ljust(c.size, c.pick([b"\0", b"\xff"]))
        if c.is_malformed(fitted):
            part = fitted
    return c.with_part(part if len(part) != c.size or c.name != "mask" else part + b"\0")


# -- kinds: coefficients, for the lattices -------------------------------------------------------------


def coefficient_at_or_above_its_modulus(c: Corpus) -> Wire:
    part = bytearray(c.pick(c.parts))
    for _ in range(c.pick([1, 1, 2, 50])):
        at = c.pick([0, c.coefficients - 1, c.integer(0, c.coefficients)])
        q, top = c.modulus(at), (1 << 8 * c.width) - 1
        value = c.pick([q, q + 1, top, top - 1, c.integer(q, top)])
        part[at * c.width : (at + 1) * c.width] = value.to_bytes(c.width, "little")
    return c.with_part(bytes(part))


def high_bits_flipped(c: Corpus) -> Wire:
    """For "he" a bit above the 60th; for "ckks" all of the 23 highest of 40, which no residue below q has."""
    part = bytearray(c.pick(c.parts))
    at = c.integer(0, c.coefficients) * c.width
    if c.name == "ckks":
        part[at + 2 : at + 5] = b"\xff\xff\xff"
    else:
        part[at + 7] ^= 1 << c.integer(4, 8)
    return c.with_part(bytes(part))


def shifted_by_bytes(c: Corpus) -> Wire:
    """Bytes moved along, so that every coefficient is another one: for "he" some are sure to be too large."""
    part = c.pick(c.parts)
    by = c.integer(1, 8)
    moved = part[by:] + part[:by]
    return c.with_part(moved if c.is_malformed(moved) else moved[:-1])


def random_of_the_right_size(c: Corpus) -> Wire:
    part = c.rng.bytes(c.size)
    return c.with_part(part if c.is_malformed(part) else part[:-1])


def transparent(c: Corpus) -> Wire:
    part = c.pick(c.parts)
    half = c.size // 2
    zeroed = [part[:half] + bytes(half), bytes(c.size)]
    if c.name == "ckks":  # Modulo one prime is enough.
        quarter = c.size // 4
        zeroed += [part[:half] + bytes(quarter) + part[half + quarter :], part[:-quarter] + bytes(quarter)]
    return c.with_part(c.pick(zeroed))


def of_other_parameters(c: Corpus) -> Wire:
    """Coefficients of another degree or other moduli, raw as ours are; some cut to our size."""
    degree = c.pick([1024, 2048, 8192, 16384])
    bits = c.pick([61, 62, 63, 64])
    values = c.rng.integers(0, (1 << bits) - 1, 2 * degree, dtype=np.uint64).tobytes()
    fitted = (values * 16)[: c.size]
    return c.with_part(fitted if c.integer(0, 2) and c.is_malformed(fitted) else values + b"\0")


ANY: tuple[Make, ...] = (
    truncated,
    truncated_in_front,
    extended,
    random_bytes,
    other_form,
    other_schemes_parts,
    another_schemes_vector,
    other_count,
    other_number_of_parts,
    parts_that_are_no_bytes,
    no_vector_at_all,
    seal_object,
)
LATTICE: tuple[Make, ...] = (
    coefficient_at_or_above_its_modulus, high_bits_flipped, shifted_by_bytes, random_of_the_right_size,
    of_other_parameters,
)  # fmt: skip
KINDS: dict[str, tuple[Make, ...]] = {
    "he": (*ANY, *LATTICE, transparent),
    "he-seeded": (*ANY, *LATTICE),  # Its second polynomial follows from a seed: never zero.
    "mask": ANY,
    "ckks": (*ANY, *LATTICE, transparent),
}

# Offset, format and values of the fields of a SEAL object that is not compressed.
_SIZES = [0, 1, 1 << 31, 1 << 32, 1 << 63, (1 << 64) - 1]
SEAL_FIELDS: tuple[tuple[int, str, list[Any]], ...] = (
    (0, "<H", [0, 0xFFFF]),  # magic
    (2, "<B", [0, 255]),  # size of the header
    (3, "<B", [0, 3, 255]),  # version
    (4, "<B", [0, 255]),
    (5, "<B", [0, 1, 2, 3]),  # compression
    (8, "<Q", _SIZES),  # size of the whole
    (16, "<Q", [0, (1 << 64) - 1]),  # level
    (48, "<B", [0, 1, 255]),  # in NTT form
    (49, "<Q", [3, *_SIZES]),  # polynomials
    (57, "<Q", [1024, 8192, *_SIZES]),  # degree
    (65, "<Q", [2, 3, *_SIZES]),  # moduli
    (73, "<d", [0.0, -1.0, float("nan"), float("inf")]),  # scale
    (81, "<Q", [2, *_SIZES]),  # correction factor
    (97, "<Q", _SIZES),  # size of the nested object
    (105, "<Q", _SIZES),  # coefficients in it
)


def seal_objects() -> list[bytes]:
    """Ciphertexts, keys and plaintexts as SEAL writes them: of ours and of other parameters, both schemes."""
    found = [save(sealapi.Plaintext())]
    scheme = bfv.Scheme()
    keys = scheme.generate()
    found += [keys.public.data, *keys.encrypt(Private(np.arange(9, dtype=np.uint64))).parts]
    for name in ("he", "ckks"):
        ours = scheme_named(name)
        assert isinstance(ours, EncryptedSum | WeighedSum)
        encryptor, plain = ours._with(KEY).encryptor, sealapi.Plaintext()
        if name == "he":
            ours._encoder.encode([1, 2, 3], plain)
        else:
            ours._encoder.encode(1.0, 2.0**32, plain)
        whole = sealapi.Ciphertext()
        encryptor.encrypt_symmetric(plain, whole)
        seeded = save(encryptor.encrypt_symmetric(plain))
        found += [save(whole), seeded, save(plain)]
        found += [stored(inside) for inside in (content(save(whole)), content(seeded)) if inside is not None]
    return [each.ljust(128, b"\0") for each in found]


# -- the run -----------------------------------------------------------------------------------------


def cases(corpus: Corpus, count: int) -> Iterator[tuple[str, Wire]]:
    kinds = KINDS[corpus.name]
    for i in range(count):
        make = kinds[i % len(kinds)]
        yield make.__name__, make(corpus)


def is_refused_everywhere(corpus: Corpus, wire: Wire, order: bool) -> bool:
    scheme, good = corpus.scheme, corpus.good
    try:
        vector = SealedVector.from_wire(wire)
    except WireRefused:
        return True
    beside = [good, vector] if order else [vector, good]
    acts: tuple[Callable[[], object], ...] = (
        lambda: scheme.check(vector, COUNT),
        lambda: scheme.add(beside),
        lambda: scheme.open(KEY, "x", vector, COUNT),
    )
    for act in acts:
        try:
            act()
        except WireRefused:
            continue
        return False
    return True


def grown() -> int:
    """The largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def limit_memory() -> None:
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))


def main(count: int) -> int:
    corpora = [Corpus(name, seed) for seed, name in enumerate(SCHEMES)]
    for corpus in corpora:  # The control: what is well formed passes.
        corpus.scheme.check(corpus.good, COUNT)
        total = corpus.scheme.add([corpus.good, corpus.good])
        corpus.scheme.open(KEY, "x", total, COUNT)
    before = grown()
    limit_memory()
    refused: dict[str, Counter[str]] = {corpus.name: Counter() for corpus in corpora}
    for corpus in corpora:
        for i, (kind, wire) in enumerate(cases(corpus, count)):
            if not is_refused_everywhere(corpus, wire, bool(i % 2)):
                sys.stderr.write(f"{corpus.name}: {kind} was not refused\n")
                return 1
            refused[corpus.name][kind] += 1
    sys.stdout.write(json.dumps({"refused": refused, "grown": grown() - before}))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
