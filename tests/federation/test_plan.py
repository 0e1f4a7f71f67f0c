"""A plan: every problem at once, one digest, one canonical form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from federation.errors import PlanRefused, UsageError
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.plan import Plan, load, parse

GOOD = """
name = "sme-credit"
purpose = "credit-scoring"
[parties.platform]
[parties.bank]
role = "label"
dataset = "loans"
[parties.public]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.toml"


def plan(file: Path, text: str = GOOD) -> Plan:
    file.write_text(text, encoding="utf-8")
    return load(file)


def refusal(file: Path, text: str) -> str:
    with pytest.raises(UsageError) as refused:
        plan(file, text)
    assert refused.value.file == str(file) and refused.value.advice
    return str(refused.value)


def test_the_defaults_are_those_of_the_module_docstring(file: Path) -> None:
    found = plan(file)
    assert found.alignment.minimum_intersection == 500 and found.limits.equations_per_row == 0.02
    assert (found.split.test_share, found.model.l2, found.scores.open) == (0.3, 1.0, "test")


def test_the_label_party_comes_first_then_the_helper_in_the_plans_order(file: Path) -> None:
    assert list(plan(file).roles().items()) == [
        ("bank", Role.LABEL),
        ("platform", Role.HELPER),
        ("public", Role.FEATURE),
        (AGGREGATOR, Role.AGGREGATOR),
    ]


def test_every_problem_is_told_at_once_with_its_key(file: Path) -> None:
    text = refusal(
        file,
        """
purpose = "x"
colour = "red"
[parties.bank]
role = "labels"
[parties.Bank]
[parties.aggregator]
[alignment]
minimum_intersection = 10
[model]
l2 = 0
kind = "forest"
tolerance = "small"
[split]
test_share = 1.5
[deadlines]
join_seconds = -1
""",
    )
    for key in (
        "name: is missing",
        "colour: no such key",
        "parties.bank.role: allowed are",
        "'Bank' is not a party name",
        "aggregator's own name",
        "alignment.minimum_intersection",
        "model.l2",
        "model.kind: allowed are",
        "model.tolerance",
        "split.test_share",
        "deadlines.join_seconds",
        "exactly one has role",
    ):
        assert key in text, key
    assert "12 problem(s)" in text and text.count("\n  - ") == 12


@pytest.mark.parametrize(
    ("parties", "problem"),
    [
        ('[parties.bank]\nrole = "label"', "at least two"),
        ("[parties.bank]\n[parties.plant]", "here 0"),
        ('[parties.bank]\nrole = "label"\n[parties.plant]\nrole = "label"', "here 2"),
    ],
)
def test_parties_that_cannot_make_a_round_are_counted(file: Path, parties: str, problem: str) -> None:
    assert problem in refusal(file, f'name = "a"\npurpose = "b"\n{parties}\n')


@pytest.mark.parametrize(
    "line", ["l2 = nan", "l2 = inf", "tolerance = nan", "l2 = true", 'l2 = "1"', "max_iterations = 3.0"]
)
def test_a_number_that_is_none_is_refused(file: Path, line: str) -> None:
    assert "model." in refusal(file, f"{GOOD}[model]\n{line}\n")


def test_the_equation_budget_cannot_be_raised_by_a_plan(file: Path) -> None:
    assert "limits.equations_per_row" in refusal(file, f"{GOOD}[limits]\nequations_per_row = 0.03\n")


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\nb", "", "-a", "a" * 64])
def test_a_name_that_could_be_a_path_or_a_terminal_code_is_refused(file: Path, name: str) -> None:
    assert "name" in refusal(file, GOOD.replace("sme-credit", name))


def test_what_is_not_toml_or_not_text_is_refused_by_line(file: Path) -> None:
    assert "not TOML" in refusal(file, "name = \n")
    file.write_bytes(b'name = "\xff"')
    with pytest.raises(UsageError, match="not UTF-8"):
        load(file)


def test_equal_plans_have_one_digest_however_they_are_written(file: Path) -> None:
    first = plan(file).digest
    spelled = GOOD.replace("[parties.platform]", '[parties.platform]\nrole = "feature"\ndataset = "data"')
    assert plan(file, spelled + "[model]\nl2 = 1\n[scores]\nopen = 'test'\n").digest == first
    # Fixed: a plan that was signed by an older version of the same format must keep its digest.
    assert len(first) == 32 and plan(file).canonical() == parse(plan(file).canonical()).canonical()


@pytest.mark.parametrize(
    "change",
    [
        ("loans", "loans2"),
        ("sme-credit", "sme-credit-2"),
        ("[parties.public]", "[parties.customs]"),
        ('purpose = "credit-scoring"', 'purpose = "marketing"'),
    ],
)
def test_any_change_changes_the_digest(file: Path, change: tuple[str, str]) -> None:
    assert plan(file).digest != plan(file, GOOD.replace(*change)).digest


def test_the_order_of_parties_changes_the_digest_since_it_names_the_helper(file: Path) -> None:
    swapped = GOOD.replace("platform", "tmp").replace("public", "platform").replace("tmp", "public")
    assert plan(file).digest != plan(file, swapped).digest


def test_a_plan_comes_back_from_its_canonical_bytes(file: Path) -> None:
    found = plan(file, f'{GOOD}[units]\nturnover = "CNY"\n')
    assert parse(found.canonical()) == found
    assert list(parse(found.canonical()).roles()) == list(found.roles())


def test_bytes_in_any_other_form_are_refused(file: Path) -> None:
    canonical = plan(file).canonical()
    fields = json.loads(canonical)
    twice = {**fields, "parties": [*fields["parties"], fields["parties"][0]]}
    less = {key: value for key, value in fields.items() if key != "split"}
    bad = [
        canonical + b" ",
        canonical.replace(b'"l2":1.0', b'"l2":1'),
        canonical.replace(b'"l2":1.0', b'"l2":NaN'),
        canonical.replace(b'"l2":1.0', b'"l2":2.0,"l2":1.0'),
        canonical.replace(b'"name":', b'"colour":"red","name":'),
        canonical.replace(b"0.02", b"0.5"),
        json.dumps(fields).encode(),
        json.dumps(twice, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(less, sort_keys=True, separators=(",", ":")).encode(),
        b"",
        b"null",
        b"[]",
        b'{"parties":3}',
        b'{"parties":[["bank"]]}',
        b"\xff",
        b"[" * 100_000,
    ]
    for data in bad:
        assert data != canonical
        with pytest.raises(PlanRefused):
            parse(data)


HORIZONTAL = 'name = "banks"\npurpose = "credit-scoring"\nshape = "horizontal"\n'
BANKS = "[parties.aa]\n[parties.bb]\n[parties.cc]\n"
CORRECTED = HORIZONTAL + BANKS + '[training]\nstrategy = "scaffold"\n'


def test_members_of_a_horizontal_plan_all_play_one_part(file: Path) -> None:
    roles = plan(file, HORIZONTAL + BANKS).roles()
    assert list(roles.items()) == [
        *((name, Role.MEMBER) for name in ("aa", "bb", "cc")),
        (AGGREGATOR, Role.AGGREGATOR),
    ]


def test_a_sum_of_two_is_refused_unless_noise_hides_the_other(file: Path) -> None:
    two = HORIZONTAL + "[parties.aa]\n[parties.bb]\n"
    assert "the sum minus its own" in refusal(file, two)
    assert plan(file, two + '[privacy]\nunit = "record"\n').privacy.unit == "record"
    assert "the sum minus its own" in refusal(file, HORIZONTAL + "minimum_parties = 2\n" + BANKS)
    many = "".join(f"[parties.p{number:02}]\n" for number in range(17))
    assert "at most 16, here 17" in refusal(file, HORIZONTAL + many)
    assert "robust.groups" in refusal(file, HORIZONTAL + BANKS + "[robust]\ngroups = 2\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HORIZONTAL + '[parties.aa]\nrole = "label"\n[parties.bb]\n[parties.cc]\n', "no party has a role"),
        (HORIZONTAL + BANKS + "[scores]\nopen = 'all'\n", "scores: has no meaning"),
        (HORIZONTAL + BANKS + "[model]\nl2 = 2.0\n", "model.l2: has no meaning"),
        (HORIZONTAL + BANKS + "[model]\nkind = 'module'\n", "needs module and module_sha256"),
        (CORRECTED + "[model]\nkind = 'module'\n", "whose codes are known"),
        (CORRECTED + "[privacy]\nunit = 'record'\n", "tells exact gradients"),
        (CORRECTED + "[robust]\ngroups = 3\n", "turns the steps of all parties"),
        (GOOD + "[model]\nkind = 'mlp'\n", "horizontal"),
        (GOOD + "[sum]\nclip = 1.0\n", "sum: has no meaning"),
        (HORIZONTAL + BANKS + "[columns.x]\nrange = [2.0, 1.0]\n", "the lower one first"),
        (HORIZONTAL + BANKS + "[columns.x]\nlevels = ['a', 'a']\n", "distinct"),
        (HORIZONTAL + "minimum_parties = 4\n" + BANKS, "minimum_parties"),
    ],
)
def test_what_does_not_go_together_is_told(file: Path, text: str, told: str) -> None:
    assert told in refusal(file, text)


HYBRID = """
name = "two-countries"
purpose = "credit-scoring"
shape = "hybrid"
[parties.bank-a]
consortium = "a"
role = "label"
[parties.platform-a]
consortium = "a"
[parties.platform-b]
consortium = "b"
[parties.bank-b]
consortium = "b"
role = "label"
[privacy]
unit = "party"
[columns.turnover]
range = [0.0, 1e7]
"""


def test_each_consortium_has_its_own_label_party_and_helper(file: Path) -> None:
    found = plan(file, HYBRID)
    assert (
        found.roles()[PartyId("bank-b")] is Role.LABEL and found.roles()[PartyId("platform-a")] is Role.HELPER
    )
    assert found.consortia() == {"bank-a": "a", "platform-a": "a", "bank-b": "b", "platform-b": "b"}
    assert "role" in refusal(file, HYBRID.replace('role = "label"\n', "", 1))
    assert "the sum minus its own" in refusal(file, HYBRID.replace('[privacy]\nunit = "party"\n', ""))
    assert "names its consortium" in refusal(file, HYBRID.replace('consortium = "a"\n', "", 1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[privacy]", "[training]\nlocal_epochs = 3\n[privacy]"), "training.local_epochs: has no meaning"),
        (('unit = "party"', 'unit = "record"'), "privacy.unit: in shape"),
        (("[columns.turnover]\nrange = [0.0, 1e7]\n", ""), "columns: shape"),
    ],
)
def test_a_hybrid_plan_reads_what_has_a_meaning_in_it(file: Path, change: tuple[str, str], told: str) -> None:
    assert told in refusal(file, HYBRID.replace(*change))
    plan(file, HYBRID + "[training]\nrounds = 2\nmu = 0.03\n")


@pytest.mark.parametrize("text", [HORIZONTAL + BANKS, HYBRID])
def test_plans_of_other_shapes_come_back_from_their_canonical_bytes(file: Path, text: str) -> None:
    found = plan(file, text)
    assert parse(found.canonical()) == found
