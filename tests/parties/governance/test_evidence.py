"""A verdict stands on the disk before anything leaves by it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from federation import codec
from federation.governance.guard.verdict import rederive
from federation.governance.terms import Form
from federation.ids import PartyId
from federation.messages.logistic import LogitRange
from federation.messages.round import Prepared
from parties.governance.evidence import ENTITIES, POLICY, VERDICTS, guard_of
from parties.round.acceptance import Accepted
from tests.federation.governance.guard.granted import BANK, PLAN, PLATFORM, authorisation, column, manifest


def accepted(form: Form | None = None) -> Accepted:
    """What a guard reads of an accepted order; `form`: the one in which the manifest lets features leave."""
    given = authorisation(None if form is None else manifest(turnover=column("feature", [form.value])))
    return cast(
        Accepted,
        SimpleNamespace(
            order=SimpleNamespace(plan=PLAN, run="test-run", party=BANK),
            seating=SimpleNamespace(roles=PLAN.roles()),
            authorisation=given,
        ),
    )


def test_policy_entities_and_each_distinct_verdict_stand_in_the_runs_folder(tmp_path: Path) -> None:
    for given in (accepted(), accepted(), accepted(Form.AGGREGATE)):
        guard = guard_of(given, tmp_path)
        for number in range(3):
            message = LogitRange(number)
            guard.permit(PLATFORM, message, codec.encode(message))
    policy = (tmp_path / POLICY).read_text()
    entities = (tmp_path / ENTITIES).read_bytes().splitlines()
    verdicts = (tmp_path / VERDICTS).read_bytes().splitlines()
    assert len(entities) == len(verdicts) == 2  # The second attempt decided what the first one had.
    for each, verdict in zip(entities, verdicts, strict=True):
        assert rederive(policy, each, [verdict]) is None
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_when_a_verdict_cannot_be_written_down_nothing_is_let_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = guard_of(accepted(), tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
    with pytest.raises(OSError, match="No space"):
        guard.permit(PartyId("platform"), Prepared(1), codec.encode(Prepared(1)))
    monkeypatch.undo()
    assert (tmp_path / VERDICTS).read_bytes() == b""
    assert guard.permit(PLATFORM, Prepared(1), codec.encode(Prepared(1))).number == 0
