"""A draft is a valid manifest on the strict side; it says why, and what its owner must look at."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.governance.manifest import Institution, Manifest, load
from federation.governance.terms import Form, National, PartyKind, Personal, SubjectKind, Use
from parties.dataset import DatasetConfig
from parties.four_flows import Settings, generate
from parties.governance.inspect import draft
from parties.governance.inspect.drafting import document, questions
from tests.parties.governance.inspect import people

NOW = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
BANK = Institution(id="bank", legal_name="Lakeside Commercial Bank", jurisdiction="CN", kind=PartyKind.BANK)
ROWS = 200


def customers(folder: Path) -> DatasetConfig:
    """A table with everything in it that must not leave."""
    random = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "uscc": [people.credit_code(random, "92" if row % 10 == 0 else "91") for row in range(ROWS)],
            "法定代表人": [people.name(random) for _ in range(ROWS)],
            "owner_id_no": [people.national_id(random) if row % 5 else "" for row in range(ROWS)],
            "mobile": [people.mobile(random) for _ in range(ROWS)],
            "性别": [random.choice(["男", "女"]) for _ in range(ROWS)],
            "民族": [random.choice(["汉", "壮", "回"]) for _ in range(ROWS)],
            "branch": [random.choice(["a", "b", "c"]) for _ in range(ROWS)],
            "loan_amount": random.lognormal(10, 1, ROWS).round(2),
            "decided": [f"2026-0{random.integers(1, 9)}-11" for _ in range(ROWS)],
            "bad": random.integers(0, 2, ROWS),
            "remark": [f"note {random.integers(10**9)}" for _ in range(ROWS)],
        }
    )
    frame.to_csv(folder / "customers.csv", index=False)
    return DatasetConfig(
        "loans",
        folder / "customers.csv",
        "uscc",
        key_type="uscc",
        label="bad",
        time="decided",
        exclude=("branch",),
        units={"loan_amount": "CNY"},
        party="bank",
    )


@pytest.fixture
def drafted(tmp_path: Path) -> Manifest:
    return draft(customers(tmp_path), BANK, now=NOW)


def test_the_roles_of_party_toml_become_uses(drafted: Manifest) -> None:
    uses = {name: facts.use for name, facts in drafted.fields.items()}
    assert uses == {
        "uscc": Use.KEY,
        "法定代表人": Use.NEVER,
        "owner_id_no": Use.NEVER,
        "mobile": Use.NEVER,
        "性别": Use.FEATURE,
        "民族": Use.NEVER,
        "branch": Use.NEVER,
        "loan_amount": Use.FEATURE,
        "decided": Use.STRATUM,
        "bad": Use.LABEL,
        "remark": Use.NEVER,
    }
    assert drafted.fields["loan_amount"].unit == "CNY"


def test_what_identifies_a_person_never_leaves_and_says_why(drafted: Manifest) -> None:
    owner = drafted.fields["owner_id_no"]
    assert (owner.personal, owner.egress, owner.grades.jrt0197) == (Personal.SENSITIVE, (), 4)
    assert owner.reasons[0] == (
        "100 % of the filled cells are national identity numbers; an identity number is sensitive personal "
        "information (GB/T 35273 annex B): JR/T 0197 level 4, sensitive personal, no egress"
    )
    for name in ("法定代表人", "mobile"):
        assert drafted.fields[name].personal is Personal.PERSONAL
        assert drafted.fields[name].egress == ()
    assert drafted.fields["民族"].personal is Personal.SENSITIVE


def test_a_reason_says_only_what_the_draft_does(drafted: Manifest) -> None:
    for facts in drafted.fields.values():
        told = " ".join(facts.reasons)
        assert told
        assert f"level {facts.grades.jrt0197}" in told
        assert ("no egress" not in told) or facts.egress == ()


def test_persons_and_sole_traders_are_counted_for_the_rules_on_exports(drafted: Manifest) -> None:
    subjects = drafted.dataset.subjects
    assert set(subjects.kinds) == {
        SubjectKind.LEGAL_PERSON,
        SubjectKind.SOLE_TRADER,
        SubjectKind.NATURAL_PERSON,
    }
    assert (subjects.persons["CN"].personal, subjects.persons["CN"].sensitive) == (220, 220)


def test_codes_of_sole_traders_are_personal_data_and_may_still_be_matched(drafted: Manifest) -> None:
    key = drafted.fields["uscc"]
    assert (key.personal, key.egress) == (Personal.PERSONAL, (Form.PSI_TOKEN,))
    assert (
        "200 cells are unified social credit codes (GB 32100), 20 of them of sole traders" in key.reasons[0]
    )


def test_what_the_draft_permits_are_sums_sealed_values_and_sides_of_splits(drafted: Manifest) -> None:
    assert drafted.fields["uscc"].egress == (Form.PSI_TOKEN,)
    trained = {Form.ENCRYPTED_UPDATE, Form.MASKED_UPDATE, Form.DP_UPDATE, Form.AGGREGATE}
    assert set(drafted.fields["bad"].egress) == trained
    assert set(drafted.fields["loan_amount"].egress) == trained | {Form.PREDICATE}
    assert "which side of a split its rows fall" in drafted.fields["loan_amount"].reasons[-1]
    assert drafted.fields["decided"].egress == (Form.AGGREGATE, Form.PREDICATE)


def test_a_key_that_identifies_persons_leaves_in_no_form(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pd.DataFrame({"id_no": [people.national_id(random) for _ in range(50)], "x": range(50)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    made = draft(DatasetConfig("data", tmp_path / "t.csv", "id_no"), BANK, now=NOW)
    key = made.fields["id_no"]
    assert (key.use, key.egress, key.personal) == (Use.KEY, (), Personal.SENSITIVE)


def test_no_draft_says_important_or_core(drafted: Manifest) -> None:
    assert drafted.grades.strictest is National.GENERAL
    assert any("important" in each for each in questions(drafted))


def test_systems_that_do_not_apply_to_a_party_are_left_out(tmp_path: Path) -> None:
    config = customers(tmp_path)
    platform = draft(config, BANK.model_copy(update={"kind": PartyKind.PLATFORM}), now=NOW)
    assert platform.grades.nfra is None
    assert platform.grades.miit is National.GENERAL
    bank = draft(config, BANK, now=NOW)
    assert bank.grades.miit is None
    assert bank.grades.nfra is not None


def test_no_cell_of_a_text_is_in_the_draft(tmp_path: Path) -> None:
    config = customers(tmp_path)
    told = document(draft(config, BANK, now=NOW), NOW)
    frame = pd.read_csv(config.file, dtype="str")
    for name in ("uscc", "法定代表人", "owner_id_no", "mobile", "remark"):
        assert not [cell for cell in frame[name].dropna() if cell in told]


def test_the_owner_is_told_on_top_what_to_look_at(drafted: Manifest) -> None:
    told = " ".join(line.lstrip("# ") for line in document(drafted, NOW).split("\n\n")[0].splitlines())
    for part in (
        "The owner decides",
        "Personal data: uscc, 法定代表人, owner_id_no",
        "Sole traders",
        "Rights",
        "party.ciio",
    ):
        assert part in told


def test_the_jurisdiction_is_for_the_owner_to_say(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="under which law") as refused:
        draft(customers(tmp_path), now=NOW)
    assert "--jurisdiction" in refused.value.advice


@pytest.mark.parametrize("countries", [("CN",), ("CN", "SG")])
def test_the_draft_of_each_generated_table_is_read_again(tmp_path: Path, countries: tuple[str, ...]) -> None:
    written = generate(Settings(firms=600, seed=1, countries=countries)).write(tmp_path, "parquet")
    for party in ("bank", "platform", "public"):
        config = DatasetConfig(
            "data", written[party], "uscc", key_type="uscc", label="default_12m" if party == "bank" else None
        )
        made = draft(config, BANK, now=NOW)
        path = tmp_path / f"{party}.toml"
        path.write_text(document(made, NOW), encoding="utf-8")
        assert load(path) == made
        assert not made.dataset.subjects.persons
        assert all(facts.egress for name, facts in made.fields.items() if name != "firm_name")
