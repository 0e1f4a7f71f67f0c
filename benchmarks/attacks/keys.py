"""Bytes around, in and instead of ciphertexts; and the group's key from what was opened.

Protobuf and SEAL take no notice of what they do not know, so rows travel behind a ciphertext; a context
serialises with its secret key where nobody says otherwise; a ciphertext without randomness loads as any
other.
CKKS decrypts to floats that hold the key (Li and Micciancio, EUROCRYPT 2021) unless they are rounded first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from benchmarks.attacks.figures import Control, Estimate, Found, rate
from benchmarks.attacks.setting import Setting
from crypto import controls, seal
from crypto.bfv import Ciphertexts, Columns, PublicKey, Scheme
from crypto.private import Private
from crypto.summation.ckks import WeighedSum
from crypto.summation.protection import GroupKey
from federation.governance.guard import contents
from federation.message import Message
from federation.messages.logistic import BfvKey, Products, Residual

_ROWS, _MEMBERS, _DEGREE = 300, 5, 4096
_ROW = b"91440300MA5DC3F07X,48211.50,1"


def attack(setting: Setting) -> Iterator[Found]:
    """What is accepted that must not be, and how much of a key comes out of what was opened."""
    setting.say("tampering with ciphertexts")
    yield from _tampered(setting)
    setting.say("solving opened sums for the key")
    yield _recovered(setting)


# -- ciphertexts -----------------------------------------------------------------------------------------


def _tampered(setting: Setting) -> Iterator[Found]:
    clean = Clean()
    count = setting.size.messages
    refused_clean = sum(not contents.canonical(each) for each in clean.messages)
    plain = controls.tenseal_accepts(_ROW)
    for name, (control, change, accepted) in {
        "secret key for a public one": ("T-KEY-LOC", clean.secret_key, plain["secret key"]),
        "row as unknown protobuf field": ("T-EGRESS-CANON", clean.unknown_field, plain["field"]),
        "row inside the stated size": ("T-EGRESS-CANON", clean.grown, plain["field"]),
        "ciphertext with nothing encrypted": ("T-EGRESS-CANON", clean.transparent, clean.loads_transparent()),
    }.items():
        generator = np.random.default_rng(setting.seed)
        passed = sum(contents.canonical(change(generator)) for _ in range(count))
        textbook = rate(count if accepted else 0, count)
        yield Found(
            "keys",
            name,
            control,
            "whoever is sent a message",
            "rate",
            textbook if setting.weakened else rate(passed, count),
            0.0,
            0.0,
            setting.seed,
            Control(textbook.value, accepted, "TenSEAL's own reader, without a guard"),
            Control(
                refused_clean / len(clean.messages), not refused_clean, "clean messages that are refused"
            ),
            "the share of such messages that the exit lets leave",
            setting.weakened,
        )


class Clean:
    """Well-formed messages of hidden logistic regression, and what a careless or bad sender makes of them."""

    def __init__(self) -> None:
        scheme = Scheme()
        keys = scheme.generate()
        sealed = keys.encrypt(Private(scheme.uniform(_ROWS)))
        columns = Columns(scheme, Private(np.arange(_ROWS, dtype=np.int64)[:, None]))
        answers, _ = scheme.inner_products(scheme.load(sealed, keys.public, _ROWS), columns, keys.public, 1)
        self._scheme, self._sealed, self._answers = scheme, sealed, answers
        self.messages: list[Message] = [BfvKey(keys.public), Residual(sealed), Products(answers)]

    def secret_key(self, generator: np.random.Generator) -> Message:
        """A secret key in the place of a public one."""
        return BfvKey(PublicKey(controls.secret_key_as_a_public_one()))

    def unknown_field(self, generator: np.random.Generator) -> Message:
        """A row behind a ciphertext, as a protobuf field that a reader skips."""
        row = _ROW + generator.bytes(int(generator.integers(1, 60))).hex().encode()
        behind = bytes([(15 << 3) | 2, len(row)]) + row
        return Residual(_with_part(self._sealed, self._sealed.parts[0] + behind))

    def grown(self, generator: np.random.Generator) -> Message:
        """A row behind the content, and the stated size with it."""
        part = self._sealed.parts[0]
        row = _ROW + generator.bytes(int(generator.integers(1, 60))).hex().encode()
        grown = part[:8] + struct.pack("<Q", len(part) + len(row)) + part[16:] + row
        return Residual(_with_part(self._sealed, grown))

    def transparent(self, generator: np.random.Generator) -> Message:
        """An answer whose second polynomial is zero: what is in the first is not encrypted."""
        return Products(_with_part(self._answers, self._transparent()))

    def loads_transparent(self) -> bool:
        """Whether SEAL, as TenSEAL wraps it, loads it."""
        return controls.seal_loads(self._scheme, self._transparent())

    def _transparent(self) -> bytes:
        part = self._answers.parts[0]
        inside = seal.raw_content(part) or seal.content(part)
        if inside is None:
            raise ValueError("SEAL compressed an answer")
        polynomial = 8 * self._scheme.slots
        second = polynomial * (len(inside) // (2 * polynomial))
        return seal.stored(inside[:-second] + bytes(second))


def _with_part(sent: Ciphertexts, part: bytes) -> Ciphertexts:
    return Ciphertexts(sent.key_id, sent.rows, (part, *sent.parts[1:]))


# -- the key from what was opened ------------------------------------------------------------------------


def _recovered(setting: Setting) -> Found:
    """Coefficients of the secret key from one sum's ciphertext and its opened values."""
    scheme, key = WeighedSum(), GroupKey(np.random.default_rng(setting.seed).bytes(32))
    generator = np.random.default_rng(setting.seed)
    # Small words: the floats are exact then, so that nothing but the rounding stands between.
    words = [generator.integers(0, 1 << 10, _DEGREE, dtype=np.uint64) for _ in range(_MEMBERS)]
    sealed = [scheme.seal(key, "x", Private(each), pads=False) for each in words]
    total = scheme.add(sealed, list(range(1, _MEMBERS + 1)))
    truth = controls.ckks_secret(key)
    full = _share(controls.ckks_key_from(scheme, total, controls.ckks_floats(scheme, key, total)), truth)
    opened = scheme.open(key, "x", total, _DEGREE).open_locally().astype(np.float64)
    product = _share(controls.ckks_key_from(scheme, total, opened), truth)
    other = _share(controls.ckks_key_from(scheme, total, generator.normal(size=_DEGREE)), truth)
    return Found(
        "keys",
        "secret key from opened sums, ckks",
        "T-CKKS-RELEASE",
        "aggregator, and whoever is told the sum",
        "rate",
        full if setting.weakened else product,
        0.0,
        0.0,
        setting.seed,
        Control(full.value, full.value == 1.0, "the decrypted floats as they are"),
        Control(other.value, other.value == 0.0, "values that nobody decrypted"),
        "the share of the key's coefficients that one sum and its ciphertext give",
        setting.weakened,
    )


def _share(found: list[int], truth: list[int]) -> Estimate:
    return rate(sum(one == other for one, other in zip(found, truth, strict=True)), len(truth))
