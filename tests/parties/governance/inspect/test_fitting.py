"""A manifest that says less than the table holds is found out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from federation.governance.terms import Personal
from parties.governance.inspect.drafting import drafted
from parties.governance.inspect.fitting import misfits
from parties.governance.inspect.looking import look
from tests.parties.governance.inspect.test_drafting import BANK, NOW, customers


def test_a_draft_fits_its_own_table(tmp_path: Path) -> None:
    seen = look(customers(tmp_path))
    assert list(misfits(drafted(seen, BANK, now=NOW), seen)) == []


def test_columns_that_came_or_went_and_rows_are_told(tmp_path: Path) -> None:
    config = customers(tmp_path)
    manifest = drafted(look(config), BANK, now=NOW)
    frame = pd.read_csv(config.file, dtype="str").drop(columns="mobile").assign(new="x").head(4)
    frame.to_csv(config.file, index=False)
    told = "\n".join(misfits(manifest, look(config)))
    assert "column new is not in the manifest" in told
    assert "fields.mobile: the table has no such column" in told
    assert "table.rows: the manifest says 200, the table has 4" in told
    assert "table.min_cohort" in told


def test_another_type_or_key_is_told(tmp_path: Path) -> None:
    seen = look(customers(tmp_path))
    made = drafted(seen, BANK, now=NOW)
    amount = made.fields["loan_amount"].model_copy(update={"type": "date"})
    changed = made.model_copy(
        update={
            "fields": {**made.fields, "loan_amount": amount},
            "table": made.table.model_copy(update={"key": "mobile"}),
        }
    )
    told = list(misfits(changed, seen))
    assert told == [
        "table.key: the manifest says mobile, party.toml says uscc",
        "fields.loan_amount.type: the manifest says date, the table has number",
    ]


def test_personal_data_that_the_manifest_calls_none_is_told(tmp_path: Path) -> None:
    seen = look(customers(tmp_path))
    made = drafted(seen, BANK, now=NOW)
    mild = made.fields["owner_id_no"].model_copy(update={"personal": Personal.NONE})
    (told,) = misfits(made.model_copy(update={"fields": {**made.fields, "owner_id_no": mild}}), seen)
    assert told.startswith('fields.owner_id_no.personal: the manifest says "none", but 100 % of the filled')
