"""Who speaks: a long-term Ed25519 identity, made at its owner and known to others by its fingerprint.

One key signs statements of our own and three forms that other programs verify (`StandardForm`). No signature
of one kind is good for another: what is signed begins with `isthmus|PURPOSE|`, `DSSEv1 `, `isthmus/` or
`cosignature/v1` and a line end, and none of these four begins another. `sign_standard` signs nothing else, so
no caller can be made to sign a statement of our own as a note, or a note as a document.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.codes import Code
from crypto.errors import Refusal, UsageError


class SignatureRefused(Refusal):
    """A signature is not by the identity it is said to be by. Nothing that it covers was used."""

    code = Code.SIGNATURE
    advice = "Compare fingerprints out of band, then pin them with `isthmus party trust`."


class StandardForm(enum.Enum):
    """A form that others define, by the bytes with which everything signed in it begins.

    DSSE: a pre-authentication encoding (DSSE v1). NOTE: the text of a C2SP signed note, whose first line is
    the origin of one of our logs. COSIGNATURE: a C2SP cosignature/v1 message.
    """

    DSSE = b"DSSEv1 "
    NOTE = b"isthmus/"
    COSIGNATURE = b"cosignature/v1\n"


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """The public half (32 bytes, RFC 8032)."""

    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) != 32:
            raise UsageError(
                f"an identity key has 32 bytes, not {len(self.key)}",
                advice="Ask its owner for the file again.",
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key in groups of four digits: what two people read to each other."""
        digest = hashlib.sha256(b"isthmus identity|" + self.key).hexdigest()
        return _grouped(digest)

    def verify(self, signature: bytes, purpose: str, statement: bytes) -> None:
        """Raise `SignatureRefused` unless this identity signed `statement` for `purpose`."""
        self._check(signature, _bound(purpose, statement), purpose)

    def verify_standard(self, signature: bytes, form: StandardForm, statement: bytes) -> None:
        """Raise `SignatureRefused` unless this identity signed `statement`, which is of this form."""
        if not statement.startswith(form.value):
            raise SignatureRefused(f"this is not a statement of the form {form.name}")
        self._check(signature, statement, form.name)

    def _check(self, signature: bytes, signed: bytes, purpose: str) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, signed)
        except (InvalidSignature, ValueError):
            raise SignatureRefused(f"the signature for {purpose} is not valid") from None


class Identity:
    """The private half. It signs; it is never printed, and written to its owner's key file only."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicIdentity(
            key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        )

    @staticmethod
    def generate() -> Identity:
        """A fresh identity from the operating system's randomness."""
        return Identity(Ed25519PrivateKey.generate())

    @staticmethod
    def from_pem(pem: bytes) -> Identity:
        """What `to_pem` wrote; `UsageError` when it is no Ed25519 key."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise UsageError(
                "the identity key is not an Ed25519 key",
                advice="Restore it from its backup.",
                code=Code.KEY_DAMAGED,
            )
        return Identity(key)

    def to_pem(self) -> bytes:
        """PKCS #8 PEM, for a file of mode 0600."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, purpose: str, statement: bytes) -> bytes:
        """A signature over `statement` that is good for `purpose` only."""
        return self._key.sign(_bound(purpose, statement))

    def sign_standard(self, form: StandardForm, statement: bytes) -> bytes:
        """A signature over `statement` as it stands, as other programs verify it.

        Raises `ValueError` for a statement that does not begin as the form says: see the module's docstring.
        """
        if not statement.startswith(form.value):
            raise ValueError(f"this is not a statement of the form {form.name}")
        return self._key.sign(statement)

    def __repr__(self) -> str:
        return f"Identity({self.public.fingerprint[:9]}...)"


def normal_fingerprint(text: str) -> str:
    """A fingerprint as typed, in its normal form; `UsageError` when it is none."""
    digits = "".join(text.lower().split())
    if len(digits) != 64 or any(digit not in "0123456789abcdef" for digit in digits):
        raise UsageError(
            "this is not a fingerprint: 64 hexadecimal digits",
            advice="The other side prints it with `isthmus party show` or `isthmus federation show`.",
            code=Code.FINGERPRINT_MALFORMED,
        )
    return _grouped(digits)


def _grouped(digits: str) -> str:
    return " ".join(digits[i : i + 4] for i in range(0, 64, 4))


def _bound(purpose: str, statement: bytes) -> bytes:
    return b"isthmus|" + purpose.encode() + b"|" + statement
