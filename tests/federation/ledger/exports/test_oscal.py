"""An auditor's tool reads the results; each check and rule is in them, none better than what was found."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
import warnings
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.errors import IsthmusError
from federation.errors import UsageError
from federation.governance.guard.rules import catalogue
from federation.ledger import pack as packs
from federation.ledger.exports import oscal
from federation.ledger.exports.attestations import ATTESTED, EVIDENCE, LOOKED_AT_BY
from federation.ledger.exports.prov import lineage
from federation.ledger.findings import Check, Report, State, passed
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading
from federation.ledger.verify import NOT_SHOWN, verify
from tests.federation.ledger import world
from tests.federation.ledger.exports import samples

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Of its own and of what it imports.
    from trestle.oscal.assessment_results import Model


@functools.cache
def small_pack() -> Pack:
    return world.made(1).pack("bank")


def exported(*names: str, changed: dict[str, bytes] | None = None) -> dict[str, Any]:
    made = samples.scored()
    return oscal.results(*samples.verified([made.pack(name, changed) for name in names or world.ROLES]))


def only_result(document: dict[str, Any]) -> dict[str, Any]:
    (result,) = document["assessment-results"]["results"]
    return dict(result)


def statuses(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Objective -> its status."""
    found = only_result(document)["findings"]
    return {each["target"]["target-id"]: each["target"]["status"] for each in found}


def altered() -> dict[str, Any]:
    """The results of a pack whose owner changed the plan after the run and signed again."""
    return exported("bank", changed={"plan.json": world.PLAN.replace(b"credit", b"debits")})


@pytest.fixture(scope="module")
def clean() -> dict[str, Any]:
    return exported()


def test_an_auditor_s_tool_reads_clean_and_altered_results(clean: dict[str, Any]) -> None:
    for document in (clean, altered(), exported("aggregator")):
        read = Model.model_validate(document).assessment_results
        assert len(read.results[0].findings) == len(only_result(document)["findings"])


def test_every_check_of_verify_is_a_finding_with_an_observation_for_each_role(clean: dict[str, Any]) -> None:
    report = verify([samples.scored().pack(name) for name in world.ROLES], world.fingerprints())
    result = only_result(clean)
    assert {f"{check.id}_obj" for check in report.checks} <= set(statuses(clean))
    assert len(result["observations"]) == len(report.checks)
    told = {each["description"] for each in result["observations"]}
    assert {check.outcome.told for check in report.checks} == told


def test_every_rule_of_the_catalogue_is_looked_at_by_checks_that_exist() -> None:
    report = verify([world.made(1).pack(name) for name in world.ROLES])
    known = {check.id for check in report.checks}
    assert set(LOOKED_AT_BY) == set(catalogue())
    assert {check for checks in LOOKED_AT_BY.values() for check in checks} <= known
    assert set(EVIDENCE) == known


def test_every_rule_is_satisfied_by_a_clean_run_but_the_one_that_no_pack_shows(clean: dict[str, Any]) -> None:
    states = {name: statuses(clean)[f"{name.lower()}_obj"] for name in catalogue()}
    unsatisfied = {name for name, status in states.items() if status["state"] != "satisfied"}
    assert unsatisfied == {"G-RIGHTS"}
    assert "Attestation missing" in states["G-RIGHTS"]["remarks"]


def test_an_aggregator_s_pack_alone_does_not_say_that_grants_were_kept() -> None:
    document = exported("aggregator")
    assert statuses(document)["g-grant_obj"]["reason"] == "other"
    assert statuses(document)["g-manifest_obj"]["remarks"] == "It does not apply to these packs."
    assert "No pack was given of bank, platform, public." in only_result(document)["description"]


def test_what_only_a_person_can_say_is_missing_and_not_satisfied(clean: dict[str, Any]) -> None:
    for attested in ATTESTED:
        status = statuses(clean)[f"{attested.id.lower()}_obj"]
        assert (status["state"], status["reason"]) == ("not-satisfied", "other")
        assert "Attestation missing" in status["remarks"]


def test_a_failed_check_is_not_satisfied_and_takes_every_rule_with_it() -> None:
    found = statuses(altered())
    assert found["plan_obj"]["state"] == "not-satisfied"
    assert found["plan_obj"]["reason"] == "fail"
    assert {found[f"{name.lower()}_obj"]["state"] for name in catalogue()} == {"not-satisfied"}


def test_what_was_not_decided_is_not_satisfied_and_says_so() -> None:
    made = samples.scored()
    pack = made.pack("bank")
    found = statuses(oscal.results([Reading(pack)], verify([pack])))
    assert found["identities_obj"]["state"] == "not-satisfied"
    assert found["identities_obj"]["reason"] == "other"
    assert "Not decided" in found["identities_obj"]["remarks"]


def test_evidence_is_named_by_the_digest_of_the_file_in_the_pack(clean: dict[str, Any]) -> None:
    made = samples.scored()
    digests = {
        f"sha256:{hashlib.sha256(data).hexdigest()}"
        for name in world.ROLES
        for data in made.pack(name).files.values()
    }
    observations = only_result(clean)["observations"]
    named = [evidence for each in observations for evidence in each.get("relevant-evidence", [])]
    assert len(named) > 80
    assert {each["href"] for each in named} <= digests
    resources = {each["uuid"] for each in clean["assessment-results"]["back-matter"]["resources"]}
    assert {link["href"].removeprefix("#") for each in named for link in each["links"]} <= resources


def test_all_that_is_pointed_at_is_there_and_no_identifier_is_used_twice(clean: dict[str, Any]) -> None:
    result = only_result(clean)
    observed = [each["uuid"] for each in result["observations"]]
    related = {
        each["observation-uuid"]
        for finding in result["findings"]
        for each in finding.get("related-observations", [])
    }
    assert related == set(observed)
    found = [*observed, *(finding["uuid"] for finding in result["findings"])]
    assert len(found) == len(set(found))
    objectives = clean["assessment-results"]["local-definitions"]["objectives-and-methods"]
    assert {part["id"] for each in objectives for part in each["parts"]} == set(statuses(clean))


def test_the_same_packs_give_the_same_bytes_and_others_share_no_identifier(clean: dict[str, Any]) -> None:
    assert samples.same_bytes(clean, exported())
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    first, second = (set(uuid.findall(" ".join(samples.texts(each)))) for each in (clean, altered()))
    assert len(first) > 100
    assert not first & second


def test_the_reader_is_told_what_no_pack_shows(clean: dict[str, Any]) -> None:
    (attestation,) = only_result(clean)["attestations"]
    (part,) = attestation["parts"]
    assert all(line in part["prose"] for line in NOT_SHOWN)


def test_what_a_pack_says_cannot_break_the_document() -> None:
    pack = world.made(1).pack("bank")
    told = "a\x1b[2Jb\n\ud800 </script>\u202e"
    check = Check("plan", "bank", "The plan", passed(told))
    document = oscal.results([Reading(pack)], Report("r\n\x00un", "f\x7f", {"bank": "bank.zip"}, (check,)))
    Model.model_validate(document)
    whole = "".join(samples.texts(document))
    assert whole.replace("\n", "").isprintable()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_an_insider_changes_gives_a_readable_result_and_no_stack_trace(data: st.DataObject) -> None:
    pack = small_pack()
    contents = world.contents(pack)
    name = data.draw(st.sampled_from(sorted(contents)))
    at = data.draw(st.integers(0, max(0, len(contents[name]) - 1)))
    new = data.draw(st.binary(max_size=8))
    changed = contents[name][:at] + new + contents[name][at + len(new) :]
    try:
        altered_pack = world.resealed(pack, {**contents, name: changed})
    except UsageError:
        return  # It is no pack any more.
    readings, report = [Reading(altered_pack)], verify([altered_pack])
    Model.model_validate(oscal.results(readings, report))
    with contextlib.suppress(IsthmusError):
        json.dumps(lineage(readings, report)).encode()


def test_a_party_s_name_that_is_none_is_refused() -> None:
    pack = world.made(1).pack("bank")
    strange = replace(pack, statement=replace(pack.statement, party="x<y"))
    with pytest.raises(UsageError, match="party"):
        oscal.results([Reading(strange)], Report("r", "f", {}, ()))


def test_seeds_keys_and_statements_are_not_in_it(clean: dict[str, Any]) -> None:
    whole = " ".join(samples.texts(clean))
    role = samples.scored().roles["bank"]
    for secret in (role.seed.hex(), role.identity.public.key.hex(), "opinion"):
        assert secret not in whole
    assert packs.STATEMENT in whole
    assert State.PASS.value in whole
