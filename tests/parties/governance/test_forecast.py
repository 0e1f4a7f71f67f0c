"""What a plan would meet at a party is told beforehand, by the rules that would refuse it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click.testing
import pytest

from cli.main import isthmus
from federation.ids import AGGREGATOR, PartyId
from federation.plan import Plan
from parties.governance.forecast import forecast
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.round.acceptance import own_dataset
from tests.governed import admit, field_of, govern, grant_of, keep_manifest, manifest_of

PLAN = """
name = "sme"
purpose = "credit-scoring"
[parties.bank]
role = "label"
dataset = "loans"
[parties.platform]
dataset = "orders"
"""


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    made = PartyHome.create(tmp_path / "bank", PartyId("bank"))
    admit(made, tmp_path / "federation", "platform")
    table = tmp_path / "loans.csv"
    table.write_text("uscc,turnover,overdue\n" + "".join(f"x{i},{i},{i % 2}\n" for i in range(60)))
    config = made.folder / "party.toml"
    with config.open("a") as file:
        file.write(f'\n[datasets.loans]\nfile = "{table}"\nkey = "uscc"\nlabel = "overdue"\n')
    return made


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def read(path: Path) -> Plan:
    from federation.plan import load

    return load(path)


def run(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(isthmus, ["policy", "test", *arguments])


def test_a_plan_that_is_granted_would_be_accepted_and_every_message_may_leave(
    home: PartyHome, plan: Path
) -> None:
    govern(home, ["bank", "platform"])
    found = forecast(home, read(plan))
    assert found.fine and found.refusal is None
    told = {(each.type, each.to) for each in found.messages}
    assert {("logistic/residual", "platform"), ("alignment/tags", AGGREGATOR)} <= told
    assert not any(each.type.startswith(("boosting/", "export/", "sum/")) for each in found.messages)
    done = run(str(plan), "--home", str(home.folder), "--format", "json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["refused_before_anything_is_sent"] is None


def with_grant(home: PartyHome, forms: Sequence[str] | None = None, **changes: object) -> None:
    """One grant with these changes, over a manifest whose label may leave in `forms`."""
    config = own_dataset(home, "loans")
    about = manifest_of(config, ["uscc", "turnover", "overdue"])
    if forms is not None:
        label = field_of(about.fields["overdue"].use, egress=tuple(forms))
        about = about.model_copy(update={"fields": {**about.fields, "overdue": label}})
    keep_manifest(home, about)
    to = {"platform": "CN", AGGREGATOR: "CN"}
    Shelf(home).put(grant_of(about, **{"to": to, "whom": pinned(home), **changes}))  # type: ignore[arg-type]


def test_a_plan_of_another_purpose_would_be_refused_and_the_rule_is_named(
    home: PartyHome, plan: Path
) -> None:
    with_grant(home, purpose="marketing")
    found = forecast(home, read(plan))
    assert found.refusal is not None and found.refusal.rule == "G-PURPOSE"
    assert {rule for each in found.refused for rule in each.rules} >= {"G-GRANT", "G-PURPOSE"}
    done = run(str(plan), "--home", str(home.folder))
    assert done.exit_code == 3 and "G-PURPOSE" in done.output and "overdue" not in done.output


def test_a_form_that_the_manifest_does_not_have_is_named_with_its_messages(
    home: PartyHome, plan: Path
) -> None:
    from federation.governance.terms import Form

    with_grant(home, [Form.AGGREGATE])  # type: ignore[list-item]
    found = forecast(home, read(plan))
    assert {each.type for each in found.refused if each.rules == ("G-GRADE",)} >= {"logistic/residual"}
    assert "logistic/opened" not in {each.type for each in found.refused}
    done = run(str(plan), "--home", str(home.folder))
    assert found.refusal is not None and found.refusal.rule == "G-GRADE"
    assert "\"encrypted-update\" of label columns 'overdue'" in found.refusal.what
    assert done.exit_code == 3 and "would be refused before anything is sent" in done.output


def test_a_plan_without_this_party_is_refused(home: PartyHome, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(PLAN.replace("parties.bank", "parties.other"))
    done = run(str(path), "--home", str(home.folder))
    assert done.exception is not None and "does not name bank" in str(done.exception)


def explain(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(isthmus, ["policy", "explain", *arguments])


def test_a_rule_is_explained_in_either_language_and_all_are_listed_without_one() -> None:
    assert "signed names the recipient" in explain("g-grant").output
    assert "授权" in explain("G-GRANT", "--language", "zh").output
    listed = json.loads(explain("--format", "json").output)["rules"]
    assert {"T-EGRESS-CANON", "G-GRANT", "CN-IMPORTANT"} <= {each["rule"] for each in listed}
    assert "no rule 'G-X'" in str(explain("G-X").exception)
