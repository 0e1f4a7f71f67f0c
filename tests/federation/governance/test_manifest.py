"""A manifest is read as its owner wrote it; what is wrong is told at once and in plain words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from crypto.errors import UsageError
from federation.governance.manifest import Grades, Manifest, load, toml
from federation.governance.terms import National, Nfra
from tests.federation.governance.samples import manifest, table


def written(folder: Path, text: str) -> Path:
    path = folder / "loans.manifest.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = manifest()
    read = load(written(tmp_path, toml(made)))
    assert read == made
    assert read.digest == made.digest


@settings(deadline=None, database=None, derandomize=True)
@given(
    name=st.text(min_size=1, max_size=30),
    reasons=st.lists(st.text(min_size=1, max_size=120), max_size=3),
)
def test_any_name_and_any_text_survive(
    name: str, reasons: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = manifest()
    field = made.fields["balance"].model_copy(update={"reasons": tuple(reasons)})
    made = made.model_copy(update={"fields": {**made.fields, name + "x": field}})
    assert load(written(tmp_path_factory.mktemp("any"), toml(made))) == made


def test_every_problem_is_told_at_once_with_its_field(tmp_path: Path) -> None:
    text = toml(manifest())
    for was, now in (
        ('kind = "bank"', 'kind = "insurer"'),
        ("min_cohort = 50", "min_cohort = 1"),
        ('keys = ["CN"]', 'keys = ["china"]'),
        ("evidence_days = 1095", "evidence_days = 365"),
        ('use = "key"', 'use = "feature"'),
        ('unit = "CNY"', 'units = "CNY"'),
        ("data_until = 2027-06-30", 'data_until = "soon"'),
        ('personal = "sensitive"\negress = []', 'personal = "sensitive"\negress = ["aggregate"]'),
    ):
        assert was in text
        text = text.replace(was, now)
    with pytest.raises(UsageError) as refused:
        load(written(tmp_path, text))
    told = refused.value.what
    assert "8 problem(s)" not in told  # The key that is none is the ninth.
    assert "9 problem(s)" in told
    for part in (
        "party.kind must be one of: bank, platform",
        "table.min_cohort must be 2 or more",
        'dataset.residency.keys.1 must be two capital letters for a country or territory, as in "CN"',
        "dataset.retention.evidence_days must be 1095 or more",
        "fields.balance.units is not known here: look for a misspelling",
        "dataset.retention.data_until must be a date",
        'fields.owner_id_no.egress: a field of use "never" leaves in no form',
        'table.key: must name a field of use "key"',
    ):
        assert part in told
    assert refused.value.file is not None
    assert refused.value.file.endswith("loans.manifest.toml")
    assert not re.search("pydantic|validation|input|type=", told)


def test_what_stands_in_a_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    secret = "91440300192203821X"
    text = toml(manifest()).replace('jurisdiction = "CN"', f'jurisdiction = "{secret}"')
    text = text.replace("rows = 18240", f'rows = "{secret}"').replace(
        'basis = "contract"', f'basis = "{secret}"'
    )
    with pytest.raises(UsageError) as refused:
        load(written(tmp_path, text))
    assert "3 problem(s)" in refused.value.what
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"manifest = ", "not TOML"), (b"\xff\xfe", "not UTF-8"), (b"a = " + b"[" * 5000, "not TOML")],
)
def test_a_file_that_is_no_manifest_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=told) as refused:
        load(path)
    assert refused.value.file == str(path)


def test_a_number_in_quotation_marks_is_no_number_and_true_is_none(tmp_path: Path) -> None:
    for wrong in ('"18240"', "true", "1.5"):
        with pytest.raises(UsageError, match=r"table\.rows must be a whole number|table\.rows is not"):
            load(written(tmp_path, toml(manifest()).replace("rows = 18240", f"rows = {wrong}")))


@pytest.mark.parametrize(
    "changed",
    [
        {"fields__balance__grades__gbt43697": "core"},
        {"fields__balance__grades__jrt0197": 5},
        {"fields__balance__grades__nfra": "core"},
        {"fields__balance__grades__miit": "core"},
        {"fields__balance__use": "never"},
        {"fields__balance__egress": ["control"]},
        {"fields__balance__egress": ["aggregate", "aggregate"]},
    ],
)
def test_what_may_never_leave_can_be_given_no_way_out(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="egress"):
        manifest(**changed)


def test_core_data_without_a_way_out_is_a_manifest() -> None:
    made = manifest(fields__balance__grades__gbt43697="core", fields__balance__egress=[])
    assert made.grades.strictest is National.CORE


@pytest.mark.parametrize(
    ("grades", "strictest"),
    [
        (Grades(gbt43697=National.GENERAL, jrt0197=4), National.GENERAL),
        (Grades(gbt43697=National.GENERAL, jrt0197=5), National.CORE),
        (Grades(gbt43697=National.GENERAL, nfra=Nfra.SENSITIVE_GENERAL), National.GENERAL),
        (Grades(gbt43697=National.GENERAL, nfra=Nfra.IMPORTANT), National.IMPORTANT),
        (Grades(gbt43697=National.IMPORTANT, nfra=Nfra.OTHER_GENERAL, jrt0197=1), National.IMPORTANT),
        (Grades(gbt43697=National.GENERAL, miit=National.IMPORTANT), National.IMPORTANT),
    ],
)
def test_the_strictest_system_decides(grades: Grades, strictest: National) -> None:
    assert grades.strictest is strictest


def test_a_dataset_has_of_each_system_the_highest_grade_of_its_fields() -> None:
    made: Manifest = manifest(fields__uscc__grades={"gbt43697": "important", "jrt0197": 1, "miit": "general"})
    assert made.grades == Grades(
        gbt43697=National.IMPORTANT, jrt0197=4, nfra=Nfra.SENSITIVE_GENERAL, miit=National.GENERAL
    )


def test_the_samples_table_is_the_samples_manifest() -> None:
    assert manifest().model_dump(mode="json")["table"] == table()["table"]
