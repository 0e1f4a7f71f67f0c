"""An owner grants by one command, reads what is signed in plain words, and takes it back by another."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click.testing
import pytest

from cli.main import isthmus
from crypto.errors import IsthmusError, Refusal, UsageError
from federation.errors import GrantRefused
from federation.governance.terms import Form, Personal, Use
from federation.plan import Plan
from parties.governance.authority import authorise
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.sandbox.founding import plan_toml
from tests import governed
from tests.parties.governance.world import PLAN, bank, data_of, order

UNTIL = (dt.datetime.now(dt.UTC) + dt.timedelta(days=90)).date().isoformat()


@dataclass(frozen=True)
class Owner:
    """The bank's owner at a keyboard."""

    home: PartyHome

    def run(self, *arguments: str, answer: str | None = None) -> str:
        """What a command prints; what it raises is raised."""
        words = ["grant", *arguments, "--home", str(self.home.folder)]
        ran = click.testing.CliRunner().invoke(isthmus, words, input=answer, standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.output

    def facts(self, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.run(*arguments, "--format", "json")))

    def new(self, *more: str, to: Sequence[str] = ("platform=CN", "aggregator=CN")) -> list[str]:
        """The words of `isthmus grant new` for the plan."""
        folder = self.home.folder
        recipients = [word for pair in to for word in ("--to", pair)]
        return [
            *("new", "--plan", str(folder / "plan.toml"), *recipients, "--until", UNTIL),
            *("--basis", "not-personal:company data", "--evidence", str(folder / "contract.pdf"), *more),
        ]


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    home = bank(tmp_path / "bank")
    (home.folder / "plan.toml").write_text(plan_toml(PLAN))
    (home.folder / "contract.pdf").write_bytes(b"signed on paper")
    return Owner(home)


def test_what_was_granted_for_a_plan_lets_an_order_of_it_through(owner: Owner) -> None:
    made = owner.facts(*owner.new("--yes", "--max-runs", "3"))
    grant = made["grant"]
    assert sorted(grant["fields"]) == ["bad", "firm", "turnover"] and grant["purpose"] == "credit-scoring"
    assert sorted(grant["operations"]) == ["evaluate", "psi", "score", "train-vertical"]
    assert authorise(owner.home, order(), data_of(owner.home)).grants[0].id == grant["id"]


def test_the_grant_is_shown_in_words_before_it_is_signed(owner: Owner) -> None:
    told = owner.run(*owner.new("--max-runs", "3"), answer="y\n")
    for said in (
        "platform (CN)",
        "Known by:",
        "credit-scoring, and nothing else",
        "bad, firm, turnover",
        "Not with:    phone",
        "3 runs",
        "none is crossed",
        "contract.pdf",
        "key: psi-token",
        "label: aggregate, encrypted-update",
        "Do you sign this?",
        "signed and in force",
    ):
        assert said in told, told
    assert len(Shelf(owner.home).grants()) == 1


def test_a_grant_names_its_federation_and_each_recipient_by_the_key_that_was_compared(owner: Owner) -> None:
    grant = owner.facts(*owner.new("--yes"))["grant"]
    coordinator = owner.home.admission().coordinator.fingerprint
    pinned = owner.home.pins()["platform"]
    assert grant["federation"] == owner.home.admission().federation
    assert grant["to"] == {
        "platform": {"place": "CN", "fingerprint": pinned.replace(" ", "")},
        "aggregator": {"place": "CN", "fingerprint": coordinator.replace(" ", "")},
    }
    shown = owner.run("show", grant["id"])
    assert f"platform  {pinned}" in shown and f"aggregator  {coordinator}" in shown


def test_without_a_terminal_a_fingerprint_that_was_read_out_is_given_with_the_grant(owner: Owner) -> None:
    fingerprint = governed.identity("lender").public.fingerprint
    made = owner.facts(*owner.new("--yes", "--to", "lender=CN", "--trust", f"lender={fingerprint}"))
    assert made["grant"]["to"]["lender"]["fingerprint"] == fingerprint.replace(" ", "")
    assert owner.home.pins()["lender"] == fingerprint


def test_a_partner_whose_fingerprint_nobody_compared_is_granted_nothing(owner: Owner) -> None:
    with pytest.raises(UsageError, match="compared the fingerprint of lender") as raised:
        owner.run(*owner.new("--yes", "--to", "lender=CN"))
    assert "`isthmus party trust lender FINGERPRINT`" in raised.value.advice
    assert Shelf(owner.home).grants() == ()


def test_a_party_without_a_federation_grants_nothing(owner: Owner) -> None:
    owner.home.admission_file.unlink()
    with pytest.raises(UsageError, match="not admitted") as raised:
        owner.run(*owner.new("--yes"))
    assert "isthmus party request" in raised.value.advice


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_is_signed(owner: Owner, answer: str) -> None:
    with pytest.raises(Refusal, match="nothing was signed"):
        owner.run(*owner.new(), answer=answer)
    assert Shelf(owner.home).grants() == ()


def test_a_dry_run_signs_nothing(owner: Owner) -> None:
    assert owner.facts(*owner.new("--dry-run"))["signed"] is False
    assert Shelf(owner.home).grants() == ()


@pytest.mark.parametrize(
    ("to", "rule"),
    [(("platform=CN",), "G-GRANT"), (("platform=CN", "aggregator=SG"), "G-TRANSFER")],
)
def test_a_grant_that_would_not_cover_the_plan_is_not_signed(owner: Owner, to: list[str], rule: str) -> None:
    with pytest.raises(GrantRefused) as raised:
        owner.run(*owner.new("--yes", to=to))
    assert raised.value.rule == rule and Shelf(owner.home).grants() == ()


def test_a_plan_that_needs_another_form_names_the_fields_to_be_widened(owner: Owner) -> None:
    about = Shelf(owner.home).manifest("data")
    fields = {**about.fields, "turnover": governed.field_of(Use.FEATURE, egress=(Form.AGGREGATE,))}
    governed.keep_manifest(owner.home, about.model_copy(update={"fields": fields}))
    boosted = Plan.model_validate({**PLAN.model_dump(), "model": {"kind": "boosting"}})
    (owner.home.folder / "plan.toml").write_text(plan_toml(boosted))
    with pytest.raises(GrantRefused, match="\"predicate\" of feature columns 'turnover'") as raised:
        owner.run(*owner.new("--yes"))
    assert "boosting/division" in raised.value.what and "`egress`" in raised.value.advice
    assert Shelf(owner.home).grants() == ()


def test_a_border_is_crossed_by_a_mechanism_with_its_document(owner: Owner) -> None:
    contract = owner.home.folder / "contract.pdf"
    way = f"CN:SG:cn-standard-contract:2099-12-31:{contract}"
    words = owner.new("--yes", "--transfer", way, to=["platform=SG", "aggregator=CN"])
    assert "CN to SG: cn-standard-contract, until 2099-12-31" in owner.run(*words)
    assert authorise(owner.home, order(), data_of(owner.home)).places["platform"] == "SG"  # type: ignore[index]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--basis", "company data"), "a regime and a ground"),
        (("--basis", "GDPR"), "a regime and a ground"),
        (("--transfer", "CN:SG:by-post:2027-01-01:x"), "FROM:TO:MECHANISM:DATE:FILE"),
        (("--to", "public"), "PARTY=COUNTRY"),
        (("--to", "platform=SG"), "PARTY=COUNTRY"),
        (("--to", "public=China"), "two capital letters"),
        (("--dataset", "other"), "no manifest"),
        (("--id", "X"), "--id is 3 to 63"),
        (("--from", "2199-01-01"), "valid_until"),
    ],
)
def test_what_is_said_wrongly_is_refused_with_its_option(
    owner: Owner, more: tuple[str, ...], says: str
) -> None:
    with pytest.raises(IsthmusError, match=says) as raised:
        owner.run(*owner.new("--yes", *more))
    assert raised.value.advice and Shelf(owner.home).grants() == ()


def test_personal_data_is_not_granted_as_company_data(owner: Owner) -> None:
    fields = dict(Shelf(owner.home).manifest("data").fields)
    fields["turnover"] = governed.field_of(Use.FEATURE, personal=Personal.PERSONAL)
    governed.keep_manifest(owner.home, governed.manifest("bank", "data", "firm", fields))
    with pytest.raises(UsageError, match="personal data in turnover"):
        owner.run(*owner.new("--yes"))
    told = owner.run(
        *owner.new("--yes", "--basis", "PIPL:separate consent of each owner", "--separate-consent")
    )
    assert "personal data among them: turnover" in told and "PIPL: separate consent" in told


def test_a_grant_without_a_plan_says_everything_itself(owner: Owner) -> None:
    evidence = str(owner.home.folder / "contract.pdf")
    words = [
        "new",
        "--to",
        "platform=CN",
        "--until",
        UNTIL,
        "--basis",
        "not-personal:x",
        "--evidence",
        evidence,
    ]
    with pytest.raises(UsageError, match="--operation is given"):
        owner.run(*words, "--yes")
    made = owner.facts(*words, "--yes", "--purpose", "audit-only", "--operation", "audit", "--field", "*")
    assert made["grant"]["operations"] == ["audit"]


def test_the_list_tells_each_state_and_what_was_spent(owner: Owner) -> None:
    assert "no grant yet" in owner.run("list")
    owner.run(*owner.new("--yes", "--id", "now", "--max-runs", "2"))
    tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).date().isoformat()
    owner.run(*owner.new("--yes", "--id", "later", "--from", tomorrow))
    owner.run(*owner.new("--yes", "--id", "back"))
    owner.run("revoke", "back", "--reason", "a mistake")
    states = {each["id"]: each["state"] for each in owner.facts("list")["grants"]}
    assert states == {"now": "in force", "later": "not yet", "back": "revoked"}
    assert "runs: 0 of 2" in owner.run("list")
    assert "a mistake" in owner.run("show", "back")


def test_a_changed_manifest_lets_the_grant_lapse(owner: Owner) -> None:
    owner.run(*owner.new("--yes", "--id", "now"))
    fields = dict(Shelf(owner.home).manifest("data").fields)
    del fields["phone"]
    governed.keep_manifest(owner.home, governed.manifest("bank", "data", "firm", fields))
    assert owner.facts("show", "now")["state"] == "lapsed"


def test_a_revoked_grant_is_worth_nothing_at_the_next_order(owner: Owner) -> None:
    owner.run(*owner.new("--yes", "--id", "now"))
    assert owner.facts("revoke", "now", "--reason", "contract ended")["revoked"] == "now"
    assert "contract ended" in owner.run("show", "now")
    with pytest.raises(GrantRefused, match="revoked on"):
        authorise(owner.home, order(), data_of(owner.home))
