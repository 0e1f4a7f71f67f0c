"""A label party is told before training what gives its outcomes away, and nobody else is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from parties.home import PartyHome
from parties.round.model import load_rows
from parties.round.results import shown
from tests.system.federation import Federation, Table
from tests.system.in_memory import rehearse

ROWS = 500
PLAN = """
name = "leaky"
purpose = "credit-scoring"
[parties.bank]
role = "label"
[parties.platform]
[alignment]
minimum_intersection = 200
[split]
method = "out_of_time"
[model]
tolerance = 0.05
max_iterations = 3
"""


def leaky(folder: Path) -> Federation:
    rng = np.random.default_rng(5)
    bad = rng.random(ROWS) < 0.3
    firms = [f"firm-{number:04d}" for number in range(ROWS)]
    bank = pd.DataFrame(
        {
            "id": firms,
            "when": np.sort(rng.choice(["2005-03", "2005-09", "2006-03", "2006-09"], ROWS)),
            "months_lived": np.where(bad, rng.integers(1, 40, ROWS), rng.integers(35, 80, ROWS)),
            "default": bad.astype(int),
        }
    )
    platform = pd.DataFrame(
        {"id": firms, "orders": rng.normal(size=ROWS) + bad, "recoveries": rng.normal(size=ROWS)}
    )
    bank.to_csv(folder / "bank.csv", index=False)
    platform.to_csv(folder / "platform.csv", index=False)
    return Federation(
        folder / "federation",
        [
            Table("bank", "data", folder / "bank.csv", 'key = "id"\nlabel = "default"\ntime = "when"'),
            Table("platform", "data", folder / "platform.csv", 'key = "id"'),
        ],
    )


def test_the_label_party_alone_is_told_and_the_latest_firms_are_its_test(tmp_path: Path) -> None:
    federation = leaky(tmp_path)
    seen = rehearse(federation, PLAN)
    assert seen.errors == {}
    bank, platform = (PartyHome.open(federation.party(name)) for name in ("bank", "platform"))
    found = json.loads((bank.round_folder(seen.run) / "leakage.json").read_bytes())
    assert [(each["kind"], each["column"]) for each in found] == [("separates", "months_lived")]
    assert found[0]["sentence"] in shown(bank, seen.run).facts["notes"]
    assert (bank.round_folder(seen.run) / "leakage.json").stat().st_mode & 0o077 == 0
    assert not (platform.round_folder(seen.run) / "leakage.json").exists()
    assert not any(
        b"months_lived" in plain
        for heard in seen.opened.values()
        for all_ in heard.values()
        for plain in all_
    )

    when = pd.read_csv(tmp_path / "bank.csv").when
    rows, training = load_rows(bank.round_folder(seen.run) / "rows.npz")
    aligned = when.to_numpy()[rows.open_locally()]
    assert set(aligned[~training]) == {"2006-09"}
    assert set(aligned[training]) == {"2005-03", "2005-09", "2006-03"}
    assert np.array_equal(load_rows(platform.round_folder(seen.run) / "rows.npz")[1], training)
