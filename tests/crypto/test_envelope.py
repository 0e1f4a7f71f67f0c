"""An envelope opens once, in its turn, for its recipient, in its run: nowhere else."""

from __future__ import annotations

import dataclasses
import struct

import pytest

from crypto.envelope import Binding, EnvelopeRefused, EphemeralKey, SessionKeys

BINDING = Binding("run-1", 1, bytes(range(32)))


class Three:
    """bank, platform and public with fresh keys; each side may be bound to something else."""

    def __init__(self) -> None:
        self.keys = {name: EphemeralKey() for name in ("bank", "platform", "public")}

    def session(self, me: str, binding: Binding = BINDING) -> SessionKeys:
        secrets = {name: self.keys[me].agree(key.public) for name, key in self.keys.items() if name != me}
        return SessionKeys(me, binding, secrets)


@pytest.fixture
def three() -> Three:
    return Three()


def test_envelopes_open_in_order_and_hold_nothing_readable(three: Three) -> None:
    bank, platform = three.session("bank"), three.session("platform")
    for number in range(5):
        message = f"message {number}".encode() * 20
        sealed = bank.seal("platform", message)
        assert b"message" not in sealed and len(sealed) == len(message) + 9 + 16
        assert platform.open("bank", sealed) == message


def test_equal_messages_do_not_look_alike(three: Three) -> None:
    bank = three.session("bank")
    sealed = [bank.seal(to, b"same" * 8)[9:] for to in ("platform", "platform", "public")]
    assert len(set(sealed)) == 3


def test_a_replayed_envelope_is_refused(three: Three) -> None:
    bank, platform = three.session("bank"), three.session("platform")
    sealed = bank.seal("platform", b"once")
    platform.open("bank", sealed)
    with pytest.raises(EnvelopeRefused, match="not the next one"):
        platform.open("bank", sealed)
    assert platform.open("bank", bank.seal("platform", b"next")) == b"next"


def test_a_replayed_envelope_with_the_next_number_on_it_is_refused(three: Three) -> None:
    bank, platform = three.session("bank"), three.session("platform")
    sealed = bank.seal("platform", b"once")
    platform.open("bank", sealed)
    with pytest.raises(EnvelopeRefused, match="does not open"):
        platform.open("bank", struct.pack("<BQ", 1, 1) + sealed[9:])


def test_reordered_and_dropped_envelopes_are_refused(three: Three) -> None:
    bank, platform = three.session("bank"), three.session("platform")
    _, second = bank.seal("platform", b"1"), bank.seal("platform", b"2")
    with pytest.raises(EnvelopeRefused, match="not the next one"):
        platform.open("bank", second)


def test_an_envelope_sent_on_to_another_recipient_is_refused(three: Three) -> None:
    sealed = three.session("bank").seal("platform", b"for platform")
    with pytest.raises(EnvelopeRefused):
        three.session("public").open("bank", sealed)
    with pytest.raises(EnvelopeRefused):
        three.session("platform").open("public", sealed)


def test_an_envelope_reflected_to_its_sender_is_refused(three: Three) -> None:
    bank = three.session("bank")
    with pytest.raises(EnvelopeRefused):
        bank.open("platform", bank.seal("platform", b"mirror"))


@pytest.mark.parametrize(
    "change", [{"run": "run-2"}, {"attempt": 2}, {"plan_digest": bytes(32)}, {"run": "run-1|1", "attempt": 1}]
)
def test_an_envelope_of_another_run_attempt_or_plan_is_refused(
    three: Three, change: dict[str, object]
) -> None:
    other = dataclasses.replace(BINDING, **change)  # type: ignore[arg-type]
    sealed = three.session("bank", other).seal("platform", b"old")
    with pytest.raises(EnvelopeRefused, match="does not open"):
        three.session("platform").open("bank", sealed)


def test_every_flipped_bit_is_found(three: Three) -> None:
    sealed = three.session("bank").seal("platform", b"x")
    for at in range(8 * len(sealed)):
        bad = bytearray(sealed)
        bad[at // 8] ^= 1 << at % 8
        with pytest.raises(EnvelopeRefused):
            three.session("platform").open("bank", bytes(bad))


def test_every_truncation_and_a_byte_more_are_refused(three: Three) -> None:
    sealed = three.session("bank").seal("platform", b"message")
    for cut in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises(EnvelopeRefused) as refused:
            three.session("platform").open("bank", cut)
        assert refused.value.party == "bank"


@pytest.mark.parametrize(
    "peer", [bytes(32), (1).to_bytes(32, "little"), b"\xec" + b"\xff" * 30 + b"\x7f", bytes(31), b""]
)
def test_a_session_key_that_forces_the_secret_is_refused(peer: bytes) -> None:
    with pytest.raises(EnvelopeRefused):
        EphemeralKey().agree(peer)


def test_mask_secrets_are_shared_by_two_and_by_no_third(three: Three) -> None:
    secrets = {name: three.session(name).mask_secrets() for name in three.keys}
    assert secrets["bank"]["platform"] == secrets["platform"]["bank"]
    assert len({s for mine in secrets.values() for s in mine.values()}) == 3
    later = three.session("bank", dataclasses.replace(BINDING, attempt=2)).mask_secrets()
    assert not set(later.values()) & set(secrets["bank"].values())


def test_keys_are_not_shown(three: Three) -> None:
    assert repr(three.keys["bank"]) == "EphemeralKey(...)"
    assert repr(three.session("bank")) == "SessionKeys(bank, 2 peers)"
