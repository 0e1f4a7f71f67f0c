"""What clocks and ends show: grants that ran out in a run without rounds, a partner's wrong clock."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest

from crypto import note
from federation.ledger.entries import entry
from federation.ledger.findings import Check, State
from federation.ledger.pack import Pack
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.federation.ledger.world import RoleInRun, fingerprints

HOUR = dt.timedelta(hours=1)


class Vertical(RoleInRun):
    """A run without rounds."""

    def log(self, kind: str, at: dt.datetime, **fields: str | int | list[str]) -> None:
        if kind != "round":
            super().log(kind, at, **fields)


class ShortGrant(Vertical):
    """Its grant ends a minute after the run began."""

    @property
    def grant(self) -> world.Grant:
        return super().grant.model_copy(update={"valid_until": world.START + dt.timedelta(minutes=1)})


def grants(pack: Pack) -> Check:
    report = verify([pack], fingerprints())
    return next(check for check in report.checks if check.id == "grants")


def hourly(made: world.World) -> None:
    made.now += HOUR


def test_a_grant_that_ran_out_in_a_run_without_rounds_is_found_at_its_end() -> None:
    found = grants(world.made(3, between=hourly, insider=ShortGrant).pack("bank"))
    assert found.state is State.FAIL
    assert found.outcome.finding is not None
    assert found.outcome.finding.kind == "close"
    assert grants(world.made(1, insider=ShortGrant).pack("bank")).state is State.PASS


def taken_back(made: world.World) -> None:
    bank = made.roles["bank"]
    if not any(b'"revocation"' in line for line in bank.lines):
        digest = hashlib.sha256(world.revocation(bank, made.now)).hexdigest()
        bank.lines.append(
            entry("revocation", f"{made.now:%Y-%m-%dT%H:%M:%SZ}", grant=bank.grant.id, sha256=digest)
        )
    made.now += HOUR


def test_a_grant_taken_back_in_a_run_without_rounds_is_found_at_its_end() -> None:
    found = grants(world.made(3, between=taken_back, insider=Vertical).pack("bank"))
    assert found.state is State.FAIL
    assert found.outcome.finding is not None
    assert found.outcome.finding.kind == "close"


class TakenBack(Vertical):
    """Its owner takes the grant back in the second in which the plan was accepted."""

    first = False

    def log(self, kind: str, at: dt.datetime, **fields: str | int | list[str]) -> None:
        digest = hashlib.sha256(world.revocation(self, at)).hexdigest()
        if kind == "plan" and self.first:
            super().log("revocation", at, grant=self.grant.id, sha256=digest)
        super().log(kind, at, **fields)
        if kind == "plan" and not self.first:
            super().log("revocation", at, grant=self.grant.id, sha256=digest)


class TakenBackFirst(TakenBack):
    """The same, before it accepted the plan."""

    first = True


@pytest.mark.parametrize(("insider", "state"), [(TakenBackFirst, State.FAIL), (TakenBack, State.PASS)])
def test_within_one_second_the_order_in_the_ledger_tells_what_was_first(
    insider: type[RoleInRun], state: State
) -> None:
    assert grants(world.made(1, insider=insider).pack("bank")).state is state


def with_clock_of(names: tuple[str, ...], ahead: int, signers: tuple[str, ...]) -> Check:
    made = world.made(2)
    bank, found = made.roles["bank"], {}
    size = min(bank.notes)
    at = int(world.START.timestamp())
    text = noted_without(bank, size)
    for name in signers:
        shifted = at + (ahead if name in names else 0)
        text = note.with_cosignature(text, note.cosign(text, world.identity(name), name, shifted))
    found[f"checkpoints/{size}.note"] = text.encode()
    report = verify([made.pack("bank", found)], fingerprints())
    return next(check for check in report.checks if check.id == "clocks")


def noted_without(role: RoleInRun, size: int) -> str:
    return world.noted(role, role.lines, size, (), 0)


@pytest.mark.parametrize("ahead", [7200, -7200])
def test_one_partner_with_a_wrong_clock_is_named_and_spoils_nobody_s_pack(ahead: int) -> None:
    found = with_clock_of(("platform",), ahead, ("platform", "public", "aggregator"))
    assert found.state is State.PASS
    assert "platform" in found.outcome.told


def test_of_two_that_disagree_it_is_not_decided_whose_clock_is_wrong() -> None:
    found = with_clock_of(("platform",), 7200, ("platform", "public"))
    assert found.state is State.UNKNOWN
    assert "platform" in found.outcome.told


def test_a_ledger_that_two_partners_disagree_with_has_the_wrong_clock_itself() -> None:
    found = with_clock_of(("platform", "public"), 7200, ("platform", "public", "aggregator"))
    assert found.state is State.FAIL
