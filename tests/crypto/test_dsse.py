"""A signed file is what its signer signed, of one type, in one byte form; others can verify it."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from crypto.dsse import EnvelopeMalformed, key_id, pre_authentication, seal, unseal, unverified
from crypto.identity import Identity, SignatureRefused

TYPE = "application/vnd.isthmus.grant+json"
OWNER, OTHER = Identity.generate(), Identity.generate()
ENVELOPE = seal(TYPE, b'{"a":1}', OWNER)


def test_the_pre_authentication_encoding_is_that_of_the_specification() -> None:
    """The example of protocol.md of DSSE v1."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pre_authentication("http://example.com/HelloWorld", b"hello world") == expected


def test_anybody_verifies_an_envelope_with_plain_ed25519() -> None:
    fields = json.loads(ENVELOPE)
    payload = base64.b64decode(fields["payload"])
    pae = b"DSSEv1 %d %b %d %b" % (len(TYPE), TYPE.encode(), len(payload), payload)
    key = Ed25519PublicKey.from_public_bytes(OWNER.public.key)
    key.verify(base64.b64decode(fields["signatures"][0]["sig"]), pae)
    assert fields["signatures"][0]["keyid"] == OWNER.public.fingerprint.replace(" ", "")
    assert unseal(ENVELOPE, TYPE, OWNER.public) == payload == unverified(ENVELOPE, TYPE)


def test_another_signer_type_or_payload_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="another identity"):
        unseal(ENVELOPE, TYPE, OTHER.public)
    with pytest.raises(EnvelopeMalformed, match="not a document of the type"):
        unseal(ENVELOPE, "application/vnd.isthmus.pack+json", OWNER.public)
    fields = json.loads(ENVELOPE)
    fields["payload"] = base64.b64encode(b'{"a":2}').decode()
    with pytest.raises(SignatureRefused, match="not valid"):
        unseal(canonical(fields), TYPE, OWNER.public)
    retyped = ENVELOPE.replace(b"grant+json", b"packs+json")
    with pytest.raises(SignatureRefused, match="not valid"):
        unseal(retyped, TYPE.replace("grant", "packs"), OWNER.public)


def test_a_signer_that_lies_about_its_key_id_is_refused() -> None:
    fields = json.loads(seal(TYPE, b"{}", OTHER))
    fields["signatures"][0]["keyid"] = key_id(OWNER.public)
    with pytest.raises(SignatureRefused, match="not valid"):
        unseal(canonical(fields), TYPE, OWNER.public)


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e + b"\n",
        lambda e: json.dumps(json.loads(e)).encode(),
        lambda e: e.replace(b'"payloadType"', b'"payload\\u0054ype"'),
        lambda e: e[:-1] + b',"more":1}',
        lambda e: canonical({**json.loads(e), "signatures": []}),
        lambda e: canonical({**json.loads(e), "signatures": json.loads(e)["signatures"] * 2}),
        lambda e: canonical({**json.loads(e), "payload": 1}),
        lambda e: canonical({**json.loads(e), "payloadType": [TYPE]}),
        lambda e: b"[" * 100_000,
        lambda e: b"",
        lambda e: b"\xff",
    ],
)
def test_there_is_one_byte_form(change: object) -> None:
    with pytest.raises(EnvelopeMalformed):
        unseal(change(ENVELOPE), TYPE, OWNER.public)  # type: ignore[operator]


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_no_byte_of_an_envelope_can_be_changed(place: int, change: int) -> None:
    bad = bytearray(ENVELOPE)
    bad[place] ^= change
    with pytest.raises((EnvelopeMalformed, SignatureRefused)):
        unseal(bytes(bad), TYPE, OWNER.public)


def canonical(fields: object) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
