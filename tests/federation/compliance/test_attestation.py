"""A statement counts where a trusted key signed it for that office, that plan and that document, in time."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from crypto import dsse
from crypto.errors import Refusal
from crypto.identity import Identity, SignatureRefused
from federation.compliance.attestation import (
    ATTESTATION_TYPE,
    Attestation,
    AttestationRefused,
    Trust,
    opened,
    sealed,
    statement,
    statements,
)
from federation.compliance.facts import Case
from federation.compliance.verdicts import Verdict
from federation.governance.manifest import Evidence
from tests.federation.compliance.asking import case as case_of
from tests.federation.compliance.asking import judged as asked

BANK, OFFICER, OTHER = Identity.generate(), Identity.generate(), Identity.generate()
TRUST = Trust({"bank": BANK.public})
SAID = Attestation(
    control="EU-TIA",
    party="bank",
    office="dpo",
    about="any",
    covers=("US",),
    dated=dt.date(2026, 11, 1),
    valid_until=dt.date(2027, 10, 31),
    document=Evidence(title="Transfer impact assessment", sha256="a" * 64),
)


def come_to(said: Attestation, signer: Identity = BANK, trust: Trust = TRUST, about: str = "") -> Verdict:
    """What EU-TIA comes to where this is all that was signed."""
    found = statements([sealed(said, signer)], trust, [about] if about else [])
    return asked(case_with(found), "EU-TIA")


def case_with(found: object) -> Case:
    return case_of("de-us").model_copy(update={"statements": found})


def changed(**fields: object) -> Attestation:
    return Attestation.model_validate({**SAID.model_dump(), **fields})


def test_what_was_signed_comes_back_and_satisfies_its_control() -> None:
    assert opened(sealed(SAID, BANK), BANK.public) == SAID
    assert come_to(SAID) is Verdict.PASS


def test_a_foreign_key_signs_nothing() -> None:
    assert not statement(sealed(SAID, OTHER), TRUST).sound
    assert come_to(SAID, OTHER) is Verdict.FAIL
    assert come_to(SAID, BANK, Trust({})) is Verdict.FAIL
    with pytest.raises(SignatureRefused):
        opened(sealed(SAID, OTHER), BANK.public)


def test_an_office_with_a_key_of_its_own_is_spoken_for_by_that_key_alone() -> None:
    trust = Trust({"bank": BANK.public}, {("bank", "dpo"): OFFICER.public})
    assert come_to(SAID, OFFICER, trust) is Verdict.PASS
    assert come_to(SAID, BANK, trust) is Verdict.FAIL
    assert come_to(changed(office="legal"), OFFICER, trust) is Verdict.FAIL


def test_the_wrong_office_fails_however_well_it_signed() -> None:
    said = changed(office="credit")
    assert statement(sealed(said, BANK), TRUST).sound
    assert come_to(said) is Verdict.FAIL


def test_a_statement_that_ran_out_must_be_signed_anew_and_one_of_later_is_too_late() -> None:
    assert come_to(changed(valid_until=dt.date(2026, 11, 22))) is Verdict.NEEDS_ATTESTATION
    assert come_to(changed(valid_until=dt.date(2026, 11, 23))) is Verdict.PASS
    assert come_to(changed(dated=dt.date(2026, 11, 24))) is Verdict.FAIL


def test_a_statement_for_another_plan_or_place_does_not_count() -> None:
    this, another = "1" * 64, "2" * 64
    assert come_to(changed(about=this), about=this) is Verdict.PASS
    assert come_to(changed(about=another), about=this) is Verdict.NEEDS_ATTESTATION
    assert come_to(changed(covers=("CN",))) is Verdict.NEEDS_ATTESTATION


def test_a_changed_document_is_found(tmp_path: Path) -> None:
    paper = tmp_path / "assessment.pdf"
    paper.write_bytes(b"as it was signed")
    digest = hashlib.sha256(paper.read_bytes()).hexdigest()
    said = changed(document={"title": "TIA", "sha256": digest})
    said.check_document(paper)
    paper.write_bytes(b"as it was changed since")
    with pytest.raises(AttestationRefused, match="not the document"):
        said.check_document(paper)


def test_another_hash_in_a_signed_statement_breaks_its_signature() -> None:
    forged = changed(document={"title": "Transfer impact assessment", "sha256": "b" * 64})
    honest, other = sealed(SAID, BANK), sealed(forged, OTHER)
    fields = json.loads(other)
    fields["signatures"] = json.loads(honest)["signatures"]
    spliced = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    assert not statement(spliced, TRUST).sound


def test_every_changed_byte_is_found() -> None:
    envelope = sealed(SAID, BANK)
    for place in range(0, len(envelope), 7):
        tampered = bytearray(envelope)
        tampered[place] ^= 1
        with pytest.raises(Refusal):
            opened(bytes(tampered), BANK.public)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", SAID.canonical() + b" ", SAID.canonical().replace(b"/v1", b"/v2")]
)
def test_signed_bytes_that_are_no_attestation_are_refused(payload: bytes) -> None:
    with pytest.raises(AttestationRefused):
        statement(dsse.seal(ATTESTATION_TYPE, payload, BANK), TRUST)


def test_a_statement_holds_on_the_day_it_is_signed_at_least() -> None:
    with pytest.raises(ValidationError):
        changed(valid_until=dt.date(2026, 10, 31))


def test_the_order_of_the_files_does_not_change_the_case() -> None:
    first, second = sealed(SAID, BANK), sealed(changed(control="EU-DPIA"), BANK)
    assert statements([first, second], TRUST) == statements([second, first], TRUST)
