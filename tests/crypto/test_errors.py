"""Errors say what did not happen and what to do next; what other roles read holds no local path."""

from __future__ import annotations

import errno
from typing import get_args

import pytest

from crypto import errors
from crypto.bfv import WireRefused
from crypto.codes import Code, of_system, parted
from crypto.envelope import EnvelopeRefused
from crypto.errors import IsthmusError, PeerFailure, Refusal, UsageError
from crypto.identity import SignatureRefused
from federation import errors as between
from federation.errors import (
    EgressRefused,
    GrantRefused,
    GrantRule,
    IdentityRefused,
    MessageRefused,
    PeerSilent,
    PlanRefused,
    SessionEnded,
)
from federation.exchange.frames import plain_cause
from federation.flower.replies import code_and_cause, failed_reply
from federation.governance.guard.rules import catalogue
from federation.journal import JournalCorrupt
from parties.errors import DatasetError


def every_class(root: type[IsthmusError] = IsthmusError) -> set[type[IsthmusError]]:
    return {root}.union(*(every_class(child) for child in root.__subclasses__()))


def test_the_cause_that_others_read_leaves_the_local_path_out() -> None:
    error = UsageError("it is not there", party="bank", file="/home/lin/loans.csv", field="amount")
    assert str(error) == "party bank, file /home/lin/loans.csv, field amount: it is not there"
    assert error.cause == "IST-1000: party bank, field amount: it is not there"


def test_every_error_class_gives_advice_and_an_exit_code_of_its_own_branch() -> None:
    for kind in every_class():
        assert kind.advice.endswith((".", "help.")), kind
        branch = next((b for b in (UsageError, Refusal, PeerFailure) if issubclass(kind, b)), None)
        assert kind.exit_code == (1 if branch is None else branch.exit_code), kind


def test_the_three_branches_have_the_documented_exit_codes() -> None:
    assert [k.exit_code for k in (IsthmusError, UsageError, Refusal, PeerFailure)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "kind", [WireRefused, EnvelopeRefused, SignatureRefused, EgressRefused, MessageRefused, IdentityRefused]
)
def test_what_a_check_raises_is_a_refusal(kind: type[IsthmusError]) -> None:
    assert issubclass(kind, Refusal) and kind.advice != IsthmusError.advice
    assert issubclass(JournalCorrupt, Refusal)


def test_advice_given_in_place_does_not_change_the_class() -> None:
    assert Refusal("no", advice="Go on.").advice == "Go on."
    assert Refusal("no").advice == IsthmusError.advice


def test_a_silent_peer_is_named_with_what_was_waited_for_and_how_long() -> None:
    error = PeerSilent("bank", "sending a message", 2.5)
    assert error.cause == "IST-4001: party bank: waited 2.5 s for bank (sending a message)"
    assert (error.party, error.exit_code) == ("bank", 4)


def test_an_ended_session_names_who_ended_it_and_why() -> None:
    error = SessionEnded("aggregator", "too few firms")
    assert (error.by, error.given_cause) == ("aggregator", "too few firms")
    assert str(error) == "aggregator ended the session: too few firms"


def test_a_code_is_the_same_at_every_role_that_a_cause_reaches() -> None:
    first = PlanRefused("too few firms", party="bank", code=Code.TOO_FEW_FIRMS)
    second = SessionEnded("bank", plain_cause(first.cause))
    third = SessionEnded("aggregator", plain_cause(second.cause))
    assert second.code == third.code == Code.TOO_FEW_FIRMS
    assert str(second) == "bank ended the session: party bank: too few firms"
    assert failed_reply(*code_and_cause(third)).cause.startswith("IST-3406: ")


@pytest.mark.parametrize(
    "cause", ["IST-0000: made up", "IST-31: short", "IST-3406 no colon", " IST-3406: late", "ist-3406: low"]
)
def test_a_code_that_this_version_does_not_know_is_left_as_text(cause: str) -> None:
    assert parted(cause) == (None, cause)
    assert SessionEnded("bank", cause).code == Code.SESSION_ENDED


def test_the_kind_of_a_fault_in_a_partys_data_stays_with_its_own_people() -> None:
    error = DatasetError("the column is not there", party="bank", code=Code.LABEL_NOT_BINARY)
    assert error.code == Code.LABEL_NOT_BINARY
    assert error.told_code == SessionEnded("bank", error.cause).code == Code.DATA
    assert Code.LABEL_NOT_BINARY not in error.cause


def test_a_refusal_by_a_rule_has_the_code_of_the_rule() -> None:
    for rule in get_args(GrantRule):
        assert GrantRefused(rule, "no").code.startswith("IST-35")
    listed = [name for name, rule in catalogue().items() if "guard" in rule.by]
    assert listed
    for name in listed:
        assert EgressRefused("no", rule=name).code not in (Code.EGRESS, Code.REFUSAL)


def test_why_the_system_refused_is_a_kind_by_itself() -> None:
    assert of_system(OSError(errno.ENOSPC, "full")) == Code.DISK_FULL
    assert of_system(OSError(errno.EROFS, "read-only")) == Code.NO_RIGHT
    assert of_system(OSError("nothing said")) == Code.SYSTEM


def test_the_tree_in_the_module_names_every_class_of_the_module() -> None:
    assert between.__doc__ is not None
    for name in set(between.__all__) - {"IsthmusError", "UsageError", "GrantRule"}:  # A list of rules.
        assert name in between.__doc__
    assert errors.__doc__ is not None and "PeerFailure" in errors.__doc__
