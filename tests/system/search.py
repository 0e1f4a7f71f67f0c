"""Looking for what must not be there: identifiers and values, in every form that a leak might give them."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

#: A form of four bytes meets itself by chance once in four gigabytes. A leaked column holds many of them.
_SHORT, _MANY = 8, 5


class Needles:
    """Byte patterns, each with the name of the form that it stands for, to be found all at once."""

    def __init__(self, patterns: Mapping[bytes, str]) -> None:
        self._patterns = patterns
        self._by_start: dict[int, list[bytes]] = {}
        for pattern in patterns:
            self._by_start.setdefault(int.from_bytes(pattern[:4], "little"), []).append(pattern)
        self._starts = np.zeros(1 << 24, dtype=np.bool_)
        self._starts[np.array([start & 0xFFFFFF for start in self._by_start], dtype=np.int64)] = True

    def __len__(self) -> int:
        return len(self._patterns)

    def forms_in(self, hay: bytes) -> set[str]:
        """The forms that stand in `hay`; a short one counts only when several of its patterns do."""
        found = set(self._candidates(hay))
        forms = {self._patterns[pattern] for pattern in found if len(pattern) >= _SHORT}
        short = [self._patterns[pattern] for pattern in found if len(pattern) < _SHORT]
        return forms | {form for form in short if short.count(form) >= _MANY}

    def _candidates(self, hay: bytes) -> Iterable[bytes]:
        data = np.frombuffer(hay + bytes(4), dtype=np.uint8).astype(np.uint32)
        head = data[:-3] | data[1:-2] << 8 | data[2:-1] << 16
        for place in np.flatnonzero(self._starts[head]):
            start = int.from_bytes(hay[place : place + 4], "little")
            for pattern in self._by_start.get(start, ()):
                if hay.startswith(pattern, int(place)):
                    yield pattern


def identifier_forms(identifiers: Iterable[str], contexts: Iterable[bytes] = ()) -> dict[bytes, str]:
    """Every form of an identifier; `contexts`: what the alignment hashes identifiers to the curve under."""
    from crypto.x25519 import context_name, hash_to_curve

    forms: dict[bytes, str] = {}
    for written in identifiers:
        normal = unicodedata.normalize("NFKC", written).upper()
        for text in {written, written.upper(), written.lower(), normal}:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
                forms.setdefault(text.encode(encoding), f"identifier in {encoding}")
            forms.setdefault(text.encode("unicode_escape"), "identifier, escaped")
            forms.setdefault(
                text.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00"), "identifier in JSON"
            )
            _add_wrapped(forms, text.encode(), "identifier")
            for name in ("sha256", "sha1", "md5", "blake2b"):
                digest = hashlib.new(name, text.encode()).digest()
                for hashed in (digest, digest[:16]):
                    forms.setdefault(hashed, f"{name} of the identifier")
                _add_wrapped(forms, digest, f"{name} of the identifier")
        for context in contexts:
            point = hash_to_curve(context_name(context), normal.encode())
            forms.setdefault(point, "identifier on the curve, not blinded")
    return forms


def value_forms(values: Iterable[float]) -> dict[bytes, str]:
    """Every form of a number: text, IEEE floats, fixed point of any usual scale."""
    forms: dict[bytes, str] = {}
    for value in values:
        for text in (repr(value), f"{value:.2f}", f"{value:.4f}", f"{value:.0f}", f"{value:e}"):
            forms.setdefault(text.encode(), "value as text")
            forms.setdefault(text.encode("utf-16-le"), "value as text in utf-16")
            _add_wrapped(forms, text.encode(), "value as text")
        for order in "<>":
            forms.setdefault(struct.pack(f"{order}d", value), "value as float64")
            forms.setdefault(struct.pack(f"{order}f", value), "value as float32")
            _add_wrapped(forms, struct.pack(f"{order}d", value), "value as float64")
            for bits in range(8, 33):
                fixed = struct.pack(f"{order}q", round(value * 2**bits))
                forms.setdefault(fixed, "value in fixed point")
            for digits in (2, 4, 6, 8):
                forms.setdefault(
                    struct.pack(f"{order}q", round(value * 10**digits)), "value in decimal fixed point"
                )
            forms.setdefault(struct.pack(f"{order}i", round(value)), "value as int32")
    return forms


def text_forms(text: str) -> dict[bytes, str]:
    forms = {text.encode(encoding): f"text in {encoding}" for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
    forms.setdefault(text.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00"), "text in JSON")
    _add_wrapped(forms, text.encode(), "text")
    return forms


def found_in_files(needles: Needles, roots: Iterable[Path]) -> dict[str, set[str]]:
    """File -> forms found in it, in every file below `roots` (a root may be a file)."""
    found = {}
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file() and (forms := needles.forms_in(path.read_bytes())):
                found[str(path)] = forms
    return found


def _add_wrapped(forms: dict[bytes, str], data: bytes, what: str) -> None:
    """`data` in hexadecimal, and in base64 wherever in a longer text it may begin."""
    forms.setdefault(data.hex().encode(), f"{what}, hexadecimal")
    forms.setdefault(data.hex().upper().encode(), f"{what}, hexadecimal")
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + data)
        # Letters at the ends depend on the bytes around: only the whole groups inside are certain.
        inner = coded[4 if shift else 0 : len(coded) - (4 if (len(data) + shift) % 3 else 0)]
        if len(inner) >= _SHORT:
            forms.setdefault(inner, f"{what}, base64")
            forms.setdefault(re.sub(rb"\+", b"-", re.sub(rb"/", b"_", inner)), f"{what}, base64")
