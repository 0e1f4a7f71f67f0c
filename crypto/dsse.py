"""Signed files as others read them: DSSE v1 envelopes (github.com/secure-systems-lab/dsse), Ed25519.

What is signed is the pre-authentication encoding of the payload's type and the payload, so a signature for
one type of document is none for another. An envelope of ours has one signature and one byte form.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from crypto.codes import Code
from crypto.errors import Refusal
from crypto.identity import Identity, PublicIdentity, SignatureRefused, StandardForm

#: The longest envelope that is parsed (bytes).
MOST_BYTES = 64 * 1024 * 1024


class EnvelopeMalformed(Refusal):
    """A file is not a signed document of the expected type in its one byte form."""

    code = Code.SIGNATURE
    advice = "Ask whoever sent the file for the original."


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """PAE: what a signature is over. Both lengths are in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload_type: str, payload: bytes, identity: Identity) -> bytes:
    """The envelope (canonical JSON) of a payload that `identity` signs."""
    signature = identity.sign_standard(StandardForm.DSSE, pre_authentication(payload_type, payload))
    return _envelope(payload_type, payload, key_id(identity.public), signature)


def unseal(envelope: bytes, payload_type: str, signer: PublicIdentity) -> bytes:
    """The payload of an envelope that `signer` signed.

    Raises `EnvelopeMalformed` for another type or another byte form, `SignatureRefused` for another signer.
    """
    payload, key, signature = _parsed(envelope, payload_type)
    if key != key_id(signer):
        raise SignatureRefused("the document is signed by another identity")
    signer.verify_standard(signature, StandardForm.DSSE, pre_authentication(payload_type, payload))
    return payload


def unverified(envelope: bytes, payload_type: str) -> bytes:
    """The payload of an envelope whose signature is NOT checked: to find out who claims to have signed it."""
    return _parsed(envelope, payload_type)[0]


def key_id(identity: PublicIdentity) -> str:
    """How an envelope names its signer: the fingerprint without spaces. A hint, never trusted."""
    return identity.fingerprint.replace(" ", "")


def _envelope(payload_type: str, payload: bytes, key: str, signature: bytes) -> bytes:
    fields = {
        "payload": _encoded(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": key, "sig": _encoded(signature)}],
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _parsed(envelope: bytes, payload_type: str) -> tuple[bytes, str, bytes]:
    """Payload, key id and signature of an envelope of this type in its one byte form."""
    if len(envelope) > MOST_BYTES:
        raise EnvelopeMalformed("a signed document is too long")
    try:
        fields: Any = json.loads(envelope)
        (signature,) = fields["signatures"]
        payload, key, signed = _decoded(fields["payload"]), signature["keyid"], _decoded(signature["sig"])
        kind = fields["payloadType"]
        again = _envelope(kind, payload, key, signed)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EnvelopeMalformed("this is not a signed document") from None
    if again != envelope:
        raise EnvelopeMalformed("this signed document is not in its one byte form")
    if kind != payload_type:
        raise EnvelopeMalformed(f"this is not a document of the type {payload_type}")
    return payload, str(key), signed


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
