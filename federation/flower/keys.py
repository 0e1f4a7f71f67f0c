"""SuperNode keys: ECDSA P-384, made at the party; the coordinator only ever sees the public half.

Flower takes the private key in OpenSSH format, registers the public key as PEM (SubjectPublicKeyInfo)
and sends that PEM in base64 in the header of every fleet request. The admission record holds the
OpenSSH line, which people can compare.
"""

from __future__ import annotations

import base64
import functools

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from crypto.codes import Code
from crypto.errors import UsageError

#: The header in which Flower sends a SuperNode's public key (flwr.supercore.constant).
PUBLIC_KEY_HEADER = "flwr-public-key"


def new_supernode_key() -> bytes:
    """A fresh private key in OpenSSH format. It stays in a file of mode 0600 at the party."""
    return ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )


def supernode_public_key(private_key: bytes) -> bytes:
    """The OpenSSH line (`ecdsa-sha2-nistp384 AAAA…`) for a private key of `new_supernode_key`.

    Raises `UsageError` when the file does not hold such a key.
    """
    try:
        key = serialization.load_ssh_private_key(private_key, password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable() from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _unreadable()
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


@functools.lru_cache(maxsize=256)
def public_key_pem(public_key: bytes) -> bytes:
    """The form that Flower registers, from the OpenSSH line. Raises `UsageError` on anything else."""
    try:
        key = serialization.load_ssh_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable() from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise _unreadable()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_key_line(pem: bytes) -> bytes:
    """The OpenSSH line from the form that Flower registered."""
    key = serialization.load_pem_public_key(pem)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _unreadable()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


def public_key_header(public_key: bytes) -> bytes:
    """What a SuperNode with this key (OpenSSH line) sends as `flwr-public-key`."""
    return base64.b64encode(public_key_pem(public_key))


def _unreadable() -> UsageError:
    return UsageError(
        "this is not a SuperNode key (ECDSA P-384 in OpenSSH format)",
        advice="Run `isthmus party init` in a new folder and admit the party again.",
        code=Code.KEY_DAMAGED,
    )
