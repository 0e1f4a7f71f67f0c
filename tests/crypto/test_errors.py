"""Errors say what did not happen and what to do next; what other roles read holds no local path."""

from __future__ import annotations

import pytest

from crypto import errors
from crypto.bfv import WireRefused
from crypto.envelope import EnvelopeRefused
from crypto.errors import IsthmusError, PeerFailure, Refusal, UsageError
from crypto.identity import SignatureRefused
from federation import errors as between
from federation.errors import EgressRefused, IdentityRefused, MessageRefused, PeerSilent, SessionEnded
from federation.journal import JournalCorrupt


def every_class(root: type[IsthmusError] = IsthmusError) -> set[type[IsthmusError]]:
    return {root}.union(*(every_class(child) for child in root.__subclasses__()))


def test_the_cause_that_others_read_leaves_the_local_path_out() -> None:
    error = UsageError("it is not there", party="bank", file="/home/lin/loans.csv", field="amount")
    assert str(error) == "party bank, file /home/lin/loans.csv, field amount: it is not there"
    assert error.cause == "party bank, field amount: it is not there"


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
    assert error.cause == "party bank: waited 2.5 s for bank (sending a message)"
    assert (error.party, error.exit_code) == ("bank", 4)


def test_an_ended_session_names_who_ended_it_and_why() -> None:
    error = SessionEnded("aggregator", "too few firms")
    assert (error.by, error.given_cause) == ("aggregator", "too few firms")
    assert str(error) == "aggregator ended the session: too few firms"


def test_the_tree_in_the_module_names_every_class_of_the_module() -> None:
    assert between.__doc__ is not None
    for name in set(between.__all__) - {"IsthmusError", "UsageError", "GrantRule"}:  # A list of rules.
        assert name in between.__doc__
    assert errors.__doc__ is not None and "PeerFailure" in errors.__doc__
