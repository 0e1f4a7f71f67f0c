"""A party signs a statement by one command; what cannot be signed is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from cli.main import isthmus
from crypto.errors import IsthmusError, Refusal, UsageError
from federation.compliance.attestation import Trust, opened, statement
from federation.ids import PartyId
from federation.plan import load
from parties.home import PartyHome
from parties.sandbox.founding import plan_toml
from tests.parties.governance.world import PLAN

Sign = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    made = PartyHome.create(tmp_path / "bank", PartyId("bank"))
    (tmp_path / "assessment.pdf").write_bytes(b"confidential words")
    (tmp_path / "plan.toml").write_text(plan_toml(PLAN))
    return made


@pytest.fixture
def sign(home: PartyHome, tmp_path: Path) -> Sign:
    def run(*more: str, control: str = "EU-TIA", office: str = "dpo", answer: str | None = None) -> str:
        words = ["policy", "attest", control, "--home", str(home.folder), "--office", office]
        words += ["--document", str(tmp_path / "assessment.pdf"), "--out", str(tmp_path / "signed.json")]
        words += [] if "--until" in more else ["--until", "2099-12-31"]
        ran = click.testing.CliRunner().invoke(isthmus, [*words, *more], input=answer, standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.output

    return run


def test_a_signed_statement_is_read_back_and_its_document_stays_here(
    home: PartyHome, sign: Sign, tmp_path: Path
) -> None:
    told = sign("--yes", "--covers", "US", "--plan", str(tmp_path / "plan.toml"))
    assert "not judged by software" in told
    envelope = (tmp_path / "signed.json").read_bytes()
    said = opened(envelope, home.identity().public)
    assert (said.party, said.office, said.covers) == ("bank", "dpo", ("US",))
    assert said.about == load(tmp_path / "plan.toml").digest.hex()
    assert statement(envelope, Trust({"bank": home.identity().public})).sound
    said.check_document(tmp_path / "assessment.pdf")
    assert b"confidential words" not in envelope


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ({"office": "credit"}, "dpo or legal|data protection officer"),
        ({"control": "US-DSP"}, "nobody signs US-DSP"),
        ({"control": "EU-NOTHING"}, "no control"),
    ],
)
def test_who_may_not_sign_is_told_who_may(
    sign: Sign, tmp_path: Path, words: dict[str, str], wrong: str
) -> None:
    with pytest.raises(UsageError, match=wrong):
        sign("--yes", **words)
    assert not (tmp_path / "signed.json").exists()


@pytest.mark.parametrize(
    ("more", "field"), [(("--until", "2020-01-01"), "--until"), (("--covers", "usa"), "--covers")]
)
def test_what_is_wrong_is_named_by_its_option(sign: Sign, more: tuple[str, ...], field: str) -> None:
    with pytest.raises(UsageError) as refused:
        sign("--yes", *more)
    assert refused.value.field == field


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_is_signed(sign: Sign, tmp_path: Path, answer: str) -> None:
    with pytest.raises(Refusal, match="nothing was signed"):
        sign(answer=answer)
    assert not (tmp_path / "signed.json").exists()
    sign(answer="y\n")
    assert (tmp_path / "signed.json").exists()


def test_a_missing_party_says_how_to_make_one(tmp_path: Path, sign: Sign) -> None:
    with pytest.raises(IsthmusError) as refused:
        sign("--yes", "--home", str(tmp_path / "nobody"))
    assert "isthmus party init" in refused.value.advice
