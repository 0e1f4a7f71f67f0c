"""Sealed envelopes between two roles of one run, through an aggregator that cannot open them.

Each role makes a fresh X25519 key for the run and signs it with its pinned Ed25519 identity
(`federation.session`). From the shared secret, HKDF-SHA256 derives one AES-256-GCM key for each
direction; the nonce is the message's sequence number. The associated data binds run, attempt, plan,
sender, recipient and sequence, so an envelope cannot be replayed, redirected, reordered or split.

The carrier learns the sender, the recipient, the size and the time. Nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.codes import Code
from crypto.errors import Refusal

_VERSION = 1
_HEADER = struct.Struct("<BQ")
#: Bytes by which an envelope is longer than what it holds: its header and the tag of AES-GCM.
OVERHEAD = _HEADER.size + 16


class EnvelopeRefused(Refusal):
    """An envelope does not open, or is not the next one. It was not used."""

    code = Code.ENVELOPE
    advice = "Launch the round again; if it happens again, someone between the parties alters messages."


@dataclass(frozen=True, slots=True)
class Binding:
    """What every envelope of a session is bound to."""

    run: str
    attempt: int
    plan_digest: bytes

    def encoded(self) -> bytes:
        return b"|".join(
            (b"isthmus envelope 1", self.run.encode(), str(self.attempt).encode(), self.plan_digest)
        )


class EphemeralKey:
    """A party's X25519 key for one run: used for the key agreement, then dropped."""

    __slots__ = ("_key", "public")

    def __init__(self) -> None:
        self._key = X25519PrivateKey.generate()
        self.public = self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    def __repr__(self) -> str:
        return "EphemeralKey(...)"

    def agree(self, peer: bytes) -> bytes:
        """The 32-byte shared secret; raises `EnvelopeRefused` for a key of small order."""
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(peer))
        except ValueError:
            raise EnvelopeRefused("a peer's session key is not a usable X25519 key") from None


class SessionKeys:
    """One role's keys with each peer, for one run and attempt. Sequence numbers live here."""

    def __init__(self, me: str, binding: Binding, secrets: Mapping[str, bytes]) -> None:
        self._me = me
        self._binding = binding
        self._outgoing = {peer: _Direction(me, peer, binding, secret) for peer, secret in secrets.items()}
        self._incoming = {peer: _Direction(peer, me, binding, secret) for peer, secret in secrets.items()}
        self._mask_secrets = {
            peer: _derive(secret, binding, f"masks|{sorted((me, peer))}") for peer, secret in secrets.items()
        }

    def __repr__(self) -> str:
        return f"SessionKeys({self._me}, {len(self._outgoing)} peers)"

    def mask_secrets(self) -> dict[str, bytes]:
        """A secret with each peer for `crypto.masks`, independent of the envelope keys."""
        return dict(self._mask_secrets)

    def seal(self, to: str, message: bytes) -> bytes:
        """Encrypt the next message to `to`."""
        return self._outgoing[to].seal(message)

    def open(self, sender: str, envelope: bytes) -> bytes:
        """Open the next envelope from `sender`; anything but the next one raises `EnvelopeRefused`."""
        return self._incoming[sender].open(envelope)


class _Direction:
    __slots__ = ("_aead", "_bound", "_next", "_sender")

    def __init__(self, sender: str, recipient: str, binding: Binding, secret: bytes) -> None:
        self._sender = sender
        self._bound = binding.encoded() + b"|" + sender.encode() + b"|" + recipient.encode() + b"|"
        self._aead = AESGCM(_derive(secret, binding, f"envelope|{sender}|{recipient}"))
        self._next = 0

    def seal(self, message: bytes) -> bytes:
        header = _HEADER.pack(_VERSION, self._next)
        sealed = self._aead.encrypt(self._nonce(), message, self._bound + header)
        self._next += 1
        return header + sealed

    def open(self, envelope: bytes) -> bytes:
        if len(envelope) < _HEADER.size + 16:
            raise EnvelopeRefused(f"an envelope from {self._sender} is too short", party=self._sender)
        header = envelope[: _HEADER.size]
        version, sequence = _HEADER.unpack(header)
        if version != _VERSION or sequence != self._next:
            raise EnvelopeRefused(f"an envelope from {self._sender} is not the next one", party=self._sender)
        try:
            message = self._aead.decrypt(
                self._nonce(), memoryview(envelope)[_HEADER.size :], self._bound + header
            )
        except InvalidTag:
            raise EnvelopeRefused(
                f"an envelope from {self._sender} does not open", party=self._sender
            ) from None
        self._next += 1
        return message

    def _nonce(self) -> bytes:
        # The key is fresh for each run, attempt and direction, so a counter never repeats under it.
        return struct.pack("<IQ", 0, self._next)


def _derive(secret: bytes, binding: Binding, label: str) -> bytes:
    info = binding.encoded() + b"|" + label.encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)
