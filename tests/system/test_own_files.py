"""A demo's round in one process: generated firms, a user's own files, and what a configuration adds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from federation.addresses import Address
from parties.four_flows import Settings
from parties.sandbox.founding import found, generated, given, vertical_plan
from parties.sandbox.outcome import conclude
from tests.system.in_memory import rehearse_sandbox
from tests.system.test_demo import DATA, ROOT, check_promises

#: Nothing listens there: in one process nobody calls.
NOWHERE = Address("127.0.0.1", 9)


def test_generated_firms_become_a_model_that_no_party_could_build_alone(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    out.mkdir()
    datasets, _ = generated(out, Settings(firms=3000, seed=1))
    sandbox = found(out, datasets, vertical_plan(datasets), NOWHERE, NOWHERE, dt.datetime.now(dt.UTC))
    check_promises(conclude(sandbox, rehearse_sandbox(sandbox), 1.0).facts)


def concluded(data: Path, config: Path | None, out: Path) -> dict[str, Any]:
    if not data.exists():
        pytest.skip(f"{data} is not on this machine (set ISTHMUS_DATA)")
    datasets, _ = given(data, config)
    sandbox = found(out, datasets, vertical_plan(datasets), NOWHERE, NOWHERE, dt.datetime.now(dt.UTC))
    return conclude(sandbox, rehearse_sandbox(sandbox), 1.0).facts


def test_a_users_own_files_need_no_configuration_when_they_are_unambiguous(tmp_path: Path) -> None:
    check_promises(concluded(DATA / "sba_flagship_fy0306", None, tmp_path / "demo"))


def test_a_configuration_names_what_cannot_be_inferred(tmp_path: Path) -> None:
    config = ROOT / "tests" / "data" / "spain.toml"
    check_promises(concluded(DATA / "spain_sme_bankruptcy", config, tmp_path / "demo"))
