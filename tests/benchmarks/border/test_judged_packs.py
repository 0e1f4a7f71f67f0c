"""A judged run in one file: whoever has it comes to the same verdicts, and any change is named."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import click.testing
import pytest

from benchmarks.border.crossing import packed_in
from benchmarks.border.playing import play
from benchmarks.border.scenarios import SETTINGS
from benchmarks.border.staging import prepared, settled
from cli.commands.judged import verify_judged
from cli.main import isthmus
from crypto.identity import Identity
from federation import files
from federation.compliance.attestation import claimed, sealed
from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.judging import judge
from federation.compliance.packing import BorderPack, Sources, build, parse
from federation.compliance.rederiving import Difference, rederived
from federation.errors import UsageError
from federation.ids import AGGREGATOR
from federation.ledger import pack as packs
from federation.ledger.archive import archived


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """What a scenario's run comes to: played in memory."""
    folder: Path = tmp_path_factory.mktemp("judged")
    plan = prepared(SETTINGS["S4"], 3, folder / "papers")
    return packed_in(plan, play(settled(plan, folder / "federation")))[1]


def _pack(sources: Sources, **changed: object) -> BorderPack:
    """Signed by its maker as it is, whatever was changed in it."""
    return parse(build(dataclasses.replace(sources, **changed)), "S4.zip")  # type: ignore[arg-type]


def _found(sources: Sources, **changed: object) -> tuple[Difference, ...]:
    return rederived(_pack(sources, **changed)).differences


def test_the_same_evidence_and_rules_give_the_same_verdicts_to_the_byte(sources: Sources) -> None:
    found = rederived(_pack(sources), sources.trusted)
    assert found.differences == ()
    assert found.rulings > 20
    assert found.uncompared == {}
    assert found.report is not None
    assert set(found.report.packs) == {*sources.packs}


def test_keys_that_the_reader_did_not_compare_are_told_role_by_role(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "S4.zip"
    file.write_bytes(build(sources))
    verify_judged([file], {sources.by: sources.trusted[sources.by]}, "text")
    told = capsys.readouterr().out
    others = {name for name in sources.trusted if name != sources.by}
    assert others and all(f"--trust {name}='{sources.trusted[name]}'" in told for name in others)
    assert "nobody compared" not in told and f"--trust {sources.by}=" not in told


def test_the_same_sources_give_the_same_bytes(sources: Sources) -> None:
    assert build(sources) == build(sources)


def test_a_verdict_that_its_maker_changed_is_named_with_both(sources: Sources) -> None:
    first = sources.judgement.rulings["R1"][0]
    turned = next(v for v in type(first.verdict) if v is not first.verdict)
    rulings = {
        **sources.judgement.rulings,
        "R1": (dataclasses.replace(first, verdict=turned), *sources.judgement.rulings["R1"][1:]),
    }
    (named,) = [
        each
        for each in _found(sources, judgement=dataclasses.replace(sources.judgement, rulings=rulings))
        if each.control
    ]
    assert (named.where, named.control, named.reading) == ("verdict", first.control, "R1")
    assert turned.value in named.stored
    assert first.verdict.value in named.derived


def test_what_the_evidence_does_not_show_cannot_be_claimed(sources: Sources) -> None:
    control = next(name for name, state in sources.case.checks.items() if state == "not-applicable")
    claimed = sources.case.model_copy(update={"checks": {**sources.case.checks, control: "pass"}})
    found = _found(sources, case=claimed, judgement=judge(claimed))
    assert [
        (each.where, each.control, each.stored, each.derived) for each in found if each.where == "case"
    ] == [("case", control, "pass", "not-applicable")]


def test_a_flow_that_was_left_out_is_named(sources: Sources) -> None:
    fewer = sources.case.model_copy(update={"flows": sources.case.flows[1:]})
    assert any(each.where == "case" and each.stored == "not there" for each in _found(sources, case=fewer))


def test_a_statement_that_nobody_signed_does_not_count_whatever_its_maker_says(sources: Sources) -> None:
    made = sources.case.statements[0]
    found = _found(sources, attestations=dict(list(sources.attestations.items())[1:]))
    assert ("case", made.control) in {(each.where, each.control) for each in found}
    assert ("verdict", made.control) in {(each.where, each.control) for each in found}


def test_a_statement_that_its_maker_signed_with_a_key_of_his_own_does_not_count(sources: Sources) -> None:
    name, envelope = next(iter(sources.attestations.items()))
    said = claimed(envelope)
    forged = {**sources.attestations, name: sealed(said, Identity.generate())}
    found = _found(sources, attestations=forged)
    assert any(each.where == "verdict" and each.derived == "fail" for each in found)


def test_a_statement_for_another_plan_does_not_count(sources: Sources) -> None:
    name, envelope = next(iter(sources.attestations.items()))
    said = claimed(envelope).model_copy(update={"about": "0" * 64})
    found = _found(sources, attestations={**sources.attestations, name: sealed(said, sources.identity)})
    derived = {each.derived for each in found if (each.where, each.control) == ("verdict", said.control)}
    assert derived == {"needs-attestation"}


def test_a_role_that_is_called_a_witness_must_show_its_evidence_all_the_same(sources: Sources) -> None:
    role = next(name for name in sources.packs if name != AGGREGATOR)
    hidden = sources.case.parties[role].model_copy(update={"seat": "witness"})
    claimed_case = sources.case.model_copy(update={"parties": {**sources.case.parties, role: hidden}})
    fewer = {name: data for name, data in sources.packs.items() if name != role}
    found = _found(sources, case=claimed_case, judgement=judge(claimed_case), packs=fewer)
    assert ("evidence", role) in {(each.where, each.party) for each in found}


def test_a_contract_that_no_grant_has_does_not_count(sources: Sources) -> None:
    first = sources.case.papers[0]
    invented = first.model_copy(update={"document": "0" * 64})
    claim = sources.case.model_copy(update={"papers": (invented, *sources.case.papers[1:])})
    found = _found(sources, case=claim, judgement=judge(claim))
    assert ("case", first.owner, "0" * 64) in {(each.where, each.party, each.stored) for each in found}
    assert any(each.where == "verdict" and each.derived == "fail" for each in found)


def test_the_purpose_is_the_plans_and_not_what_the_maker_says(sources: Sources) -> None:
    other = sources.case.model_copy(update={"purpose": "marketing"})
    found = _found(sources, case=other, judgement=judge(other))
    assert ("marketing", sources.case.purpose) in {(each.stored, each.derived) for each in found}


def test_a_reader_is_told_when_the_day_of_the_rules_is_not_the_day_of_the_run(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = sources.case.model_copy(update={"date": dt.date(2026, 1, 2)})
    file = tmp_path / "S4.zip"
    file.write_bytes(build(dataclasses.replace(sources, case=early, judgement=judge(early))))
    verify_judged([file], sources.trusted, "text")
    assert "Judged as of 2026-01-02, which is the maker's word" in capsys.readouterr().out


def test_a_captured_frame_of_no_size_is_refused(sources: Sources) -> None:
    lines = b'{"sha256":"","size":1e999,"to":"aggregator"}\n'
    members = {**_pack(sources).files, "captures/aggregator.jsonl": lines}
    with pytest.raises(UsageError):
        parse(archived(members), "S4.zip")


def test_a_frame_that_passed_the_guard_log_by_fails_its_control(sources: Sources) -> None:
    assert sources.frames is not None
    seen = {**sources.frames, "aggregator": sources.frames["aggregator"][1:]}  # type: ignore[index]
    named = [each for each in _found(sources, frames=seen) if each.where == "case"]
    assert [(each.control, each.derived) for each in named] == [("T-EGRESS-RECONCILE", "fail")]


def test_a_carrier_who_signs_nothing_changes_nothing_unseen(sources: Sources) -> None:
    whole = _pack(sources)
    facts = json.loads(whole.files["case.json"])
    facts["purpose"] = "marketing"
    carried = parse(archived({**whole.files, "case.json": files.canonical_json(facts)}), "S4.zip")
    found = rederived(carried).differences
    assert {"contents", "case"} <= {each.where for each in found}
    assert any("case.json" in each.told for each in found)


def test_a_pack_that_another_signed_is_not_its_makers(sources: Sources) -> None:
    found = _found(sources, identity=Identity.generate())
    assert {each.where for each in found} == {"signature"}


def test_a_role_whose_evidence_is_left_out_is_named(sources: Sources) -> None:
    role = next(name for name in sources.packs if name != AGGREGATOR)
    fewer = {name: data for name, data in sources.packs.items() if name != role}
    assert ("evidence", role) in {(each.where, each.party) for each in _found(sources, packs=fewer)}


def test_a_roles_evidence_that_the_maker_changed_is_named(sources: Sources) -> None:
    role = next(name for name in sources.packs if name != AGGREGATOR)
    inner = packs.parse(sources.packs[role], role)
    lines = packs.split(inner.files["guard.jsonl"])
    cut = archived({**inner.files, "guard.jsonl": b"".join(line + b"\n" for line in lines[:-1])})
    found = _found(sources, packs={**sources.packs, role: cut})
    assert ("evidence", role, "contents") in {(each.where, each.party, each.control) for each in found}
    assert any(each.where == "verdict" and each.derived == "fail" for each in found)


def test_other_versions_of_the_rules_are_said_to_be_others(sources: Sources) -> None:
    rules = catalogue()
    other = rules.packs[0].model_copy(update={"sha256": "0" * 64})
    found = rederived(_pack(sources), rules=Catalogue((other, *rules.packs[1:]), rules.bases)).differences
    assert [(each.where, each.control) for each in found] == [("rules", other.pack)]


def test_the_command_tells_it_with_its_exit_code(sources: Sources, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(build(sources))
    bad.write_bytes(build(dataclasses.replace(sources, identity=Identity.generate())))
    run = click.testing.CliRunner()
    whole = run.invoke(isthmus, ["ledger", "verify", str(good)])
    assert whole.exit_code == 0, whole.output
    assert "the same" in whole.output
    assert "not legal advice" in whole.output
    other = run.invoke(isthmus, ["ledger", "verify", str(bad), "--format", "json"])
    assert other.exit_code == 1
    assert json.loads(other.stdout)["differences"][0]["where"] == "signature"


@pytest.mark.parametrize("cut", [10, 1000])
def test_half_a_file_is_none(sources: Sources, cut: int) -> None:
    with pytest.raises(UsageError) as refused:
        parse(build(sources)[:-cut], "S4.zip")
    assert refused.value.file == "S4.zip"
