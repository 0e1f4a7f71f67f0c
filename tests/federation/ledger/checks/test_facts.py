"""A pack whose maker chose the policy or the facts is found, though all of it is signed and co-signed.

Bank is the insider: its program decides by other rules or facts, its ledger commits to them, and the others
co-sign that ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from crypto.errors import Refusal
from federation import files
from federation.errors import UsageError
from federation.governance.guard import policy as policies
from federation.governance.guard.verdict import Judge
from federation.governance.terms import Form, Operation
from federation.ledger.checks import statements
from federation.ledger.findings import Report, State
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.federation.ledger.world import RoleInRun, fingerprints, joined

EVERYTHING = "permit(principal, action, resource);"


def judged(insider: type[RoleInRun], changed: dict[str, bytes] | None = None) -> Report:
    made = world.made(2, 4, insider=insider)
    others = [made.pack(name) for name in world.ROLES if name != "bank"]
    return verify([made.pack("bank", changed), *others], fingerprints())


def told(report: Report, check: str) -> str:
    found = next(each for each in report.checks if each.id == check and each.party == "bank")
    assert found.state is State.FAIL, report.to_json()
    assert {each.party for each in report.checks if each.state is State.FAIL} == {"bank"}
    return found.outcome.told


def saying(**words: str | bool) -> type[RoleInRun]:
    """A program whose requests say something else."""

    class Insider(RoleInRun):
        def context(self, kind: str, to: str) -> dict[str, str | bool]:
            return {**super().context(kind, to), **words}

    return Insider


def deciding_on(change: Callable[[list[Any]], None], **words: str | bool) -> type[RoleInRun]:
    """A program whose guard decides on other facts, and whose requests may say something else."""

    class Insider(saying(**words)):  # type: ignore[misc]
        @property
        def entities(self) -> bytes:
            found = json.loads(super().entities)
            change(found)
            return files.canonical_json(found)

    return Insider


def test_what_the_insiders_here_change_is_clean_before() -> None:
    assert judged(RoleInRun).state is State.PASS


def test_a_policy_that_was_never_shipped_is_no_policy() -> None:
    class Insider(saying(within_size=False, no_canary=False, in_force=False)):  # type: ignore[misc]
        @property
        def policy(self) -> str:
            return EVERYTHING

    report = judged(Insider)
    assert "none that Isthmus ever shipped" in told(report, "policy")
    assert "none that Isthmus ever shipped" in told(report, "verdicts")


def test_a_policy_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = world.made(1, 2).pack("bank", {"policy.cedar": b"permit(" + b"(" * 1000})
    monkeypatch.setattr("federation.governance.guard.verdict.Judge", _never)
    report = verify([pack], fingerprints())
    assert "none that Isthmus ever shipped" in told(report, "policy")


def _grant_everything(entities: list[Any]) -> None:
    entities[1]["attrs"]["granted"] = [
        {"to": to, "operation": operation.value}
        for to in world.ROLES
        if to != "bank"
        for operation in Operation
    ]


def _of_another(entities: list[Any]) -> None:
    entities[0]["uid"]["id"] = "platform"


def _for_anything(entities: list[Any]) -> None:
    entities[0]["attrs"]["purposes"] = ["credit-scoring", "marketing"]


def _with_every_form(entities: list[Any]) -> None:
    """As the guard says of a use without columns, so that any operation may be granted."""
    entities[1]["attrs"]["forms"] = sorted(form.value for form in Form)
    _grant_everything(entities)


@pytest.mark.parametrize(
    ("insider", "why"),
    [
        (deciding_on(_grant_everything, operation="export"), "more was granted than the grants allow"),
        (deciding_on(_with_every_form, operation="export"), "names fields that the facts say nothing of"),
        (deciding_on(_of_another), "the facts are about platform"),
        (deciding_on(_for_anything), "another purpose"),
        (saying(origin="", destination=""), "another place than the grants have"),
        (saying(origin="SG", mechanism="none-needed"), "another place than bank's"),
        (saying(destination="SG", mechanism="none-needed"), "another place than the grants have"),
        (saying(mechanism="cn-security-assessment"), "another mechanism"),
        (saying(to="platform"), "another recipient"),
        (saying(form="aggregate"), "another form"),
    ],
)
def test_facts_and_words_that_grants_and_members_do_not_give_are_found(
    insider: type[RoleInRun], why: str
) -> None:
    assert why in told(judged(insider), "verdicts")


def test_a_message_under_no_grant_is_found() -> None:
    class Insider(RoleInRun):
        def named_grants(self, to: str) -> list[str]:
            return []

    assert "under no grant" in told(judged(Insider), "verdicts")


def test_a_message_under_a_grant_of_nobody_is_found() -> None:
    class Insider(RoleInRun):
        def named_grants(self, to: str) -> list[str]:
            return ["bank-grant", "other-grant"]

    assert "that its attempt did not stand on" in told(judged(Insider), "verdicts")


def test_a_message_that_names_no_fields_is_not_of_a_use() -> None:
    class Insider(RoleInRun):
        @property
        def lineage(self) -> str:
            return bytes(32).hex()

    assert "names other fields" in told(judged(Insider), "verdicts")


def test_facts_that_no_plan_committed_to_are_found_before_they_are_parsed() -> None:
    class Insider(saying(operation="export")):  # type: ignore[misc]
        def send(self, judge: Judge, kind: str, to: str, size: int) -> None:
            super().send(Judge(policies.TEXT, self.wider), kind, to, size)

        @property
        def wider(self) -> bytes:
            found = json.loads(self.entities)
            _grant_everything(found)
            return files.canonical_json(found)

    both = joined([Insider("bank").entities, Insider("bank").wider])
    report = judged(Insider, {"entities.jsonl": both})
    assert "settled by no plan's entry" in told(report, "verdicts")


def test_twenty_thousand_lines_of_facts_are_not_read() -> None:
    many = RoleInRun("bank").entities + b"\n" + b"[]\n" * 20_000
    with pytest.raises(UsageError, match=r"entities\.jsonl has more than 1000 lines"):
        world.made(1, 2).pack("bank", {"entities.jsonl": many})


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b"[" * 5000,
        b'[{"uid":{"type":"Lineage","id":"x"}}]',
        json.dumps(json.loads(RoleInRun("bank").entities), indent=1).replace("\n", " ").encode(),
        files.canonical_json(json.loads(RoleInRun("bank").entities) * 2),
    ],
)
def test_facts_in_another_form_are_none(line: bytes) -> None:
    with pytest.raises(Refusal, match="not what a guard decides on"):
        statements.stated(line)


def test_a_verdict_with_other_words_than_a_guard_s_is_none() -> None:
    line = next(iter(world.made(1, 1).roles["bank"].verdicts.values()))
    assert statements.verdict_in(line).decision == "allow"
    fields = json.loads(line)
    fields["request"]["context"]["within_size"] = 1
    with pytest.raises(Refusal, match="not say what a verdict says"):
        statements.verdict_in(files.canonical_json(fields))


def test_the_aggregator_s_facts_let_nothing_more_leave_it() -> None:
    made = world.made(1, 4)
    report = verify([made.pack("aggregator")], fingerprints())
    assert report.state is State.PASS


def _never(*given: object) -> None:
    raise AssertionError("Cedar was given a text that was never shipped")
