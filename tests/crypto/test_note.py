"""Checkpoints as transparency logs sign them: others' tools read ours, and a changed one is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from crypto import note
from crypto.identity import Identity, PublicIdentity, SignatureRefused, StandardForm
from crypto.note import Checkpoint, NoteMalformed

#: The key and the note of golang.org/x/mod/sumdb/note's own example, which c2sp.org/signed-note describes.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="

OWNER, WITNESS, OTHER = Identity.generate(), Identity.generate(), Identity.generate()
STATE = Checkpoint("isthmus/demo/bank", 42, hashlib.sha256(b"root").digest())
NOTE = note.sign(STATE, OWNER, STATE.origin)
COSIGNED = note.with_cosignature(NOTE, note.cosign(NOTE, WITNESS, "platform", 1_764_230_400))


def test_key_id_and_signature_are_laid_out_as_in_the_published_note() -> None:
    name, hashed, key = GO_KEY.split("+", 2)
    public = PublicIdentity(base64.b64decode(key)[1:])
    data = base64.b64decode(GO_SIGNED)
    assert note.key_id(name, 1, public).hex() == hashed == data[:4].hex()
    Ed25519PublicKey.from_public_bytes(public.key).verify(data[4:], GO_TEXT.encode())


def test_a_published_checkpoint_is_read_but_not_as_one_of_our_logs() -> None:
    """The example of c2sp.org/tlog-checkpoint: its form is ours, its origin is not."""
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    with pytest.raises(NoteMalformed, match="an origin, a size, a root"):
        note.read(text)
    assert note.read(text.replace("example.com/behind-the-sofa", "isthmus/a/b")).size == 20852163


def test_a_checkpoint_verifies_with_plain_ed25519_as_the_standards_say() -> None:
    body, lines = COSIGNED.split("\n\n")
    root = base64.b64encode(STATE.root).decode()
    assert body + "\n" == f"isthmus/demo/bank\n42\n{root}\n"
    (dash, name, own), (_, witness, cosigned) = (line.split(" ") for line in lines.splitlines())
    assert (dash, name, witness) == ("\u2014", "isthmus/demo/bank", "platform")
    own_data, data = base64.b64decode(own), base64.b64decode(cosigned)
    key = OWNER.public.key
    assert own_data[:4] == hashlib.sha256(name.encode() + b"\x0a\x01" + key).digest()[:4]
    Ed25519PublicKey.from_public_bytes(key).verify(own_data[4:], (body + "\n").encode())
    key = WITNESS.public.key
    assert data[:4] == hashlib.sha256(b"platform\x0a\x04" + key).digest()[:4]
    at = int.from_bytes(data[4:12], "big")
    message = f"cosignature/v1\ntime {at}\n{body}\n".encode()
    assert at == 1_764_230_400
    Ed25519PublicKey.from_public_bytes(key).verify(data[12:], message)


def test_who_signed_and_who_cosigned_is_told_apart() -> None:
    known = {"platform": WITNESS.public, "bank": OWNER.public, "public": OTHER.public}
    assert note.opened(COSIGNED, OWNER.public) == STATE == note.read(NOTE)
    assert note.cosigners(COSIGNED, known) == ("platform",)
    assert note.cosigners(NOTE, known) == ()
    with pytest.raises(SignatureRefused, match="isthmus/demo/bank is not signed by its owner"):
        note.opened(COSIGNED, WITNESS.public)


def test_a_witness_under_another_name_or_key_does_not_count() -> None:
    assert note.cosigners(COSIGNED, {"platform": OTHER.public, "public": WITNESS.public}) == ()


def test_a_cosignature_of_another_checkpoint_or_time_is_refused() -> None:
    later = Checkpoint(STATE.origin, 43, STATE.root)
    moved = note.with_cosignature(
        note.sign(later, OWNER, later.origin), COSIGNED.splitlines(keepends=True)[-1]
    )
    with pytest.raises(SignatureRefused, match="party platform"):
        note.cosigners(moved, {"platform": WITNESS.public})
    head, _, signed = COSIGNED.rstrip("\n").rpartition(" ")
    data = bytearray(base64.b64decode(signed))
    data[11] ^= 1
    retimed = f"{head} {base64.b64encode(data).decode()}\n"
    with pytest.raises(SignatureRefused, match="party platform"):
        note.cosigners(retimed, {"platform": WITNESS.public})


@given(st.integers(0, len(NOTE) - 1), st.characters(exclude_categories=["Cs"]))
def test_no_character_of_a_note_can_be_changed(place: int, character: str) -> None:
    if NOTE[place] == character:
        return
    with pytest.raises((NoteMalformed, SignatureRefused)):
        note.opened(NOTE[:place] + character + NOTE[place + 1 :], OWNER.public)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        STATE.body,
        STATE.body + "\n",
        NOTE.rstrip("\n"),
        NOTE + "\n",
        NOTE + "x\n",
        NOTE.replace("\n42\n", "\n042\n"),
        NOTE.replace("\n42\n", "\n-42\n"),
        NOTE.replace("\n42\n", "\n42\nmore\n"),
        NOTE.replace("isthmus/demo/bank\n42", "isthmus/demo\n42"),
        NOTE + NOTE.splitlines(keepends=True)[-1] * 100,
        NOTE + "\u2014 x " + "A" * 40_000 + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(bad: str) -> None:
    with pytest.raises(NoteMalformed):
        note.read(bad)


def test_a_signature_of_one_form_is_good_for_no_other() -> None:
    """A witness's line is no owner's, a document is no note, and a note is no statement of our own."""
    signature = OWNER.sign_standard(StandardForm.NOTE, STATE.body.encode())
    with pytest.raises(SignatureRefused):
        OWNER.public.verify(signature, "demo", STATE.body.encode())
    with pytest.raises(SignatureRefused):
        OWNER.public.verify_standard(signature, StandardForm.DSSE, STATE.body.encode())
    for form in StandardForm:
        for statement in (b"isthmus|order|x", b"", b"DSSE", b"cosignature/v1"):
            with pytest.raises(ValueError, match="not a statement of the form"):
                OWNER.sign_standard(form, statement)
        begun = [other for other in StandardForm if other.value.startswith(form.value)]
        assert begun == [form] and not b"isthmus|".startswith(form.value)


def test_a_key_made_elsewhere_signs_as_ours_do() -> None:
    key = Ed25519PrivateKey.generate()
    signed = note.sign(STATE, Identity(key), "isthmus/demo/bank")
    data = base64.b64decode(signed.rstrip("\n").rpartition(" ")[2])
    assert data[4:] == key.sign(STATE.body.encode())
