"""What a log signs about itself, and what others sign about it, in the forms of c2sp.org.

    isthmus/FEDERATION/PARTY        the origin: whose log
    42                              how many entries
    BASE64                          the RFC 6962 root over them

    - NAME BASE64                   its owner's signature (signed-note, Ed25519, type 0x01)
    - NAME BASE64                   a witness's: it saw the log grow to here (tlog-cosignature v1, type 0x04)

The dash is U+2014. A signature is a key id of four bytes and the signature, a cosignature has a time (64-bit
seconds) between them. Standard witness and auditing tools of transparency logs read these notes.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from crypto.codes import Code
from crypto.errors import Refusal
from crypto.identity import Identity, PublicIdentity, SignatureRefused, StandardForm

#: The longest note (characters) and the most signatures that are parsed.
MOST_CHARACTERS, MOST_SIGNATURES = 32_768, 100

_NOTE, _COSIGNATURE = 0x01, 0x04
_KEY_ID, _TIME, _SIGNATURE = 4, 8, 64
_ORIGIN = re.compile(r"isthmus(/[A-Za-z0-9._-]{1,80}){2}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n")
_LINE = re.compile("\u2014 ([^ \n+]+) ([A-Za-z0-9+/]+={0,2})\n")


class NoteMalformed(Refusal):
    """A text is not the signed note of a log's checkpoint."""

    code = Code.SIGNATURE
    advice = "Ask whoever sent the checkpoint for the original; keep both."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: whose it is (`isthmus/FEDERATION/PARTY`), its number of entries, their root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin) or self.size < 0 or len(self.root) != 32:
            raise NoteMalformed("this is no state of a log: an origin, a size, a root of 32 bytes")

    @property
    def body(self) -> str:
        """The text that is signed (tlog-checkpoint, without extension lines)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


def sign(checkpoint: Checkpoint, identity: Identity, name: str) -> str:
    """The signed note of a checkpoint of the log that `identity` owns. `name`: by the standard its origin."""
    signature = identity.sign_standard(StandardForm.NOTE, checkpoint.body.encode())
    return assembled(checkpoint, identity.public, name, signature)


def assembled(checkpoint: Checkpoint, owner: PublicIdentity, name: str, signature: bytes) -> str:
    """The signed note again from its parts. Nothing is verified here: `opened` does."""
    return f"{checkpoint.body}\n{_line(name, _NOTE, owner, signature)}"


def cosign(note: str, identity: Identity, name: str, at: int) -> str:
    """The line by which a witness says that it saw this log grow to this state, at Unix time `at` (seconds).

    The witness has checked the note and its consistency with what it last saw; this only signs.
    """
    checkpoint, _ = _parsed(note)
    signature = identity.sign_standard(StandardForm.COSIGNATURE, _cosigned(checkpoint, at))
    return witness_line(identity.public, name, at, signature)


def witness_line(witness: PublicIdentity, name: str, at: int, signature: bytes) -> str:
    """The line of a cosignature again from its parts. Nothing is verified here: `cosigners` does."""
    if not 0 <= at < 1 << 63:
        raise NoteMalformed("a cosignature is of no time", party=name)
    return _line(name, _COSIGNATURE, witness, at.to_bytes(_TIME, "big") + signature)


def signature_in(line: str) -> bytes:
    """The 64 bytes of Ed25519 in the last line of a text."""
    return _parsed_line(line.splitlines(keepends=True)[-1])[1][-_SIGNATURE:]


def cosigned_at(line: str) -> int:
    """The Unix time (seconds) that the line of a cosignature says."""
    return int.from_bytes(_parsed_line(line)[1][_KEY_ID : _KEY_ID + _TIME], "big")


def with_cosignature(note: str, line: str) -> str:
    """The note with one more line of `cosign`. It is not verified here: `cosigners` does."""
    _parsed_line(line)
    return note + line


def read(note: str) -> Checkpoint:
    """What a note says, its signatures NOT checked: to find out whose log it is said to be of."""
    return _parsed(note)[0]


def opened(note: str, signer: PublicIdentity) -> Checkpoint:
    """What a note says, once `signer`'s signature on it was found and verified.

    Raises `NoteMalformed`, or `SignatureRefused` where it bears none of `signer` or one that is not valid.
    """
    checkpoint, lines = _parsed(note)
    own = [data for name, data in lines if data[:_KEY_ID] == key_id(name, _NOTE, signer)]
    if not own:
        raise SignatureRefused(f"the checkpoint of {checkpoint.origin} is not signed by its owner")
    for data in own:
        signer.verify_standard(data[_KEY_ID:], StandardForm.NOTE, checkpoint.body.encode())
    return checkpoint


def cosigners(note: str, known: Mapping[str, PublicIdentity]) -> tuple[str, ...]:
    """Which of the `known` witnesses (name on the line -> identity) cosigned a note, in the lines' order.

    Lines of others are ignored, as the standard has it. Raises `SignatureRefused` naming a known witness
    whose cosignature is not valid.
    """
    checkpoint, lines = _parsed(note)
    found: dict[str, None] = {}
    for name, data in lines:
        if name not in known or data[:_KEY_ID] != key_id(name, _COSIGNATURE, known[name]):
            continue
        at, signature = data[_KEY_ID : _KEY_ID + _TIME], data[_KEY_ID + _TIME :]
        statement = _cosigned(checkpoint, int.from_bytes(at, "big"))
        try:
            known[name].verify_standard(signature, StandardForm.COSIGNATURE, statement)
        except SignatureRefused as error:
            error.party = name
            raise
        found[name] = None
    return tuple(found)


def key_id(name: str, kind: int, identity: PublicIdentity) -> bytes:
    """The four bytes by which a line tells its key: SHA-256 over name, line end, type and key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + identity.key).digest()[:_KEY_ID]


def _cosigned(checkpoint: Checkpoint, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{checkpoint.body}".encode()


def _line(name: str, kind: int, identity: PublicIdentity, signature: bytes) -> str:
    if not _NAME.fullmatch(name):
        raise NoteMalformed("a signature's name is of letters, digits and ./-_")
    data = base64.b64encode(key_id(name, kind, identity) + signature).decode("ascii")
    return f"\u2014 {name} {data}\n"


def _parsed(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """The checkpoint, and each signature line's name and bytes."""
    if len(note) > MOST_CHARACTERS:
        raise NoteMalformed("a checkpoint is too long")
    body, blank, rest = note.partition("\n\n")
    text = _BODY.fullmatch(body + "\n")
    lines = rest.splitlines(keepends=True)
    if text is None or not blank or not 0 < len(lines) <= MOST_SIGNATURES:
        raise NoteMalformed("this is not the signed checkpoint of a log")
    return Checkpoint(text[1], int(text[2]), _decoded(text[3])), [_parsed_line(line) for line in lines]


def _parsed_line(line: str) -> tuple[str, bytes]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise NoteMalformed("a checkpoint has a line that is no signature")
    return match[1], _decoded(match[2])


def _decoded(text: str) -> bytes:
    """Strict base64: one text for the same bytes."""
    with contextlib.suppress(binascii.Error):
        data = base64.b64decode(text, validate=True)
        if base64.b64encode(data).decode("ascii") == text:
            return data
    raise NoteMalformed("a checkpoint is not in base64")
