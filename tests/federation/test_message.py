"""What may travel, from whom to whom. The lists here are the review point for every new message."""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.private import Private
from crypto.sealed import Disclosed, DisclosedNumbers, Entrusted, Sealed, TorusWords
from crypto.summation.protection import GroupKey
from federation.governance.terms import Form
from federation.ids import PartyId
from federation.message import (
    REGISTRY,
    Digest,
    Flow,
    Message,
    PlainText,
    Role,
    field_types,
    message,
)
from tests.federation.samples import every_message

ANY_FLOW = Flow(Role.PARTY, Role.AGGREGATOR)

#: Plain values that a protocol shows by design: the fields of a `Disclosed` type, and to whom they tell what.
#: Adding a line here is a decision about privacy: say in the message's docstring what it tells.
DISCLOSED = {
    ("alignment/rows", "rows"): "to each party: which of its own rows are common",
    ("round/training-rows", "marks"): "to the parties without labels: the random split",
    ("boosting/tree", "rows"): "to the parties without labels: which rows grow a tree, drawn uniformly",
    ("boosting/picks", "picked"): "to a party without labels: which of its own splits were the best",
    ("boosting/division", "split"): "to the parties without labels: which nodes of a tree were split",
    ("boosting/division", "left"): "to the parties without labels: which rows share a node of a tree",
    ("boosting/offer", "ordered"): "to the label party: how many candidates there are, which have a trend",
    ("boosting/sums", "told"): "to the label party: which anonymous candidates rest on enough rows",
    ("boosting/sides", "left"): "to the label party: the side of each training row at a split that it chose",
    ("boosting/scores", "left"): "to the label party: the side of each opened row at every split",
    ("apart/bins", "rows"): "to the label party: how many rows each bin of the scores has, fifty or more",
    ("apart/bins", "floors"): "to the label party: the lowest score of each bin",
    ("apart/bins", "predicted"): "to the label party: the mean prediction of each bin",
    ("selection/own", "upper"): "to the label party: correlations of the sender's columns, in thousandths",
    ("selection/curvature", "rows"): "to the label party: the sender's rows of X'WX, and X' of the residuals",
    ("selection/covariance", "step"): "to a party without labels: a step of its own coefficients",
    ("selection/covariance", "upper"): "to a party without labels: the covariance of its own coefficients",
    ("selection/model", "turn"): "to the label party: how columns follow from whitened ones, to four digits",
    ("selection/model", "coefficients"): "to the label party: the sender's, over its standardised columns",
    ("selection/model", "expected"): "to the label party: the sign that each coefficient should have",
    ("selection/worth", "iv"): "to the label party: the information value of each compared column",
    ("selection/verdicts", "verdicts"): "to a party without labels: which of its own columns say the same",
    ("selection/kept", "places"): "to a party without labels: which of its own columns stay",
    ("selection/kept", "estimates"): "to a party without labels: the coefficients of these",
    ("selection/kept", "errors"): "to a party without labels: the standard errors of these",
    ("selection/kept", "steps"): "to a party without labels: what each step with its own columns was worth",
    (
        "scorecard/shapes",
        "shapes",
    ): "to the label party, where it merges: what nameless columns have in cells",
    ("scorecard/grouped", "groups"): "to a party without labels: which of its cells are alike",
    ("scorecard/grouped", "woe"): "to a party without labels: the rounded WOE of its bins",
    ("scorecard/grouped", "iv"): "to a party without labels: the rounded IV of its columns",
    ("scorecard/explain", "marks"): "to the parties without labels: which opened test rows are declined",
    ("scorecard/reasons", "lost"): "to the label party: points that columns cost the declined rows",
    ("export/points", "table"): "to the label party, where the sender agreed: the points of its bins",
    ("logistic/direction", "coefficients"): "to the parties without labels: the L-BFGS coefficients",
    ("horizontal/group-mean", "mean"): "to members of other groups: the mean change of a group",
}

#: Single plain numbers, names and choices.
SINGLE = {
    ("alignment/points", "owner"): "PartyId",
    ("alignment/tags", "owner"): "PartyId",
    ("horizontal/schema", "schema"): "Digest",
    ("horizontal/standing", "number"): "int",
    ("horizontal/standing", "state"): "Digest",
    ("horizontal/standing", "released"): "bool",
    ("horizontal/group-mean", "label"): "Digest",
    ("horizontal/group-mean", "seen"): "Digest",
    ("hybrid/columns", "digest"): "Digest",
    ("hybrid/fitted", "number"): "int",
    ("apart/sums", "bins"): "int",
    ("selection/compared", "columns"): "int",
    ("selection/shares", "partner"): "PartyId",
    ("selection/kept", "forced"): "int | None",
    ("boosting/tree", "number"): "int",
    ("scorecard/binned", "cells"): "int",
    ("scorecard/binned", "columns"): "int",
    ("logistic/headroom", "typical"): "int",  # Computed from data: one coarse number a party and iteration.
    ("logistic/range", "rung"): "int",
    ("logistic/direction", "move"): "Move",
    ("round/progress", "step"): "Step",
    ("round/progress", "iteration"): "int",
    ("round/progress", "bytes_sent"): "int",
    ("reject/bands", "bands"): "int",
    ("reject/outcomes", "key"): "PublicKey",
    ("round/prepared", "columns"): "int",
    ("round/receipt", "rows"): "int",
    ("round/receipt", "training_rows"): "int",
    ("round/receipt", "columns"): "int",
    ("round/receipt", "iterations"): "int",
    ("round/receipt", "cpu_milliseconds"): "int",
    ("round/receipt", "bytes_sent"): "int",
    ("round/receipt", "journal_head"): "Digest",
    ("ledger/seen", "size"): "int",
    ("ledger/checkpoint", "size"): "int",
    ("ledger/checkpoint", "root"): "Digest",
    ("ledger/checkpoint", "signature"): "Signature",
    ("ledger/checkpoint", "proof"): "tuple",  # of digests
    ("ledger/cosigned", "at"): "int",
    ("ledger/cosigned", "signature"): "Signature",
    ("ledger/cosigned", "shown"): "tuple",  # of digests
    ("sum/upload", "label"): "Digest",
    ("sum/upload", "members"): "tuple",  # of party names
    ("sum/total", "label"): "Digest",
    ("sum/total", "uploads"): "tuple",  # of digests
    ("sum/total", "pause"): "bool",
    ("sum/confirmed", "label"): "Digest",
    ("sum/confirmed", "seen"): "Digest",
    ("sum/own-mask", "label"): "Digest",
}

#: What every role tells every other one of its ledger: size, root, proof and signatures.
LEDGER = {"ledger/seen", "ledger/checkpoint", "ledger/cosigned"}

#: Neither sealed nor disclosed: public by nature.
PUBLIC_KEYS = {
    ("logistic/key", "key"),
    ("boosting/key", "key"),
    ("scorecard/outcomes", "key"),
    ("apart/outcomes", "key"),
    ("selection/columns", "key"),
}


class Colour(enum.Enum):
    RED = 1


def make(name: str, annotation: Any, *flows: Flow) -> type[Message]:
    body = {"__annotations__": {"field": annotation}, "__module__": __name__}
    return message(name, *(flows or (ANY_FLOW,)), form=Form.CONTROL)(type("Probe", (Message,), body))


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        float,
        bytes,
        bytearray,
        complex,
        object,
        Any,
        type(None),
        np.ndarray,
        np.float64,
        pd.DataFrame,
        Private,
        Private[int],
        dict,
        dict[str, int],
        list,
        list[int],
        list[TorusWords],
        set[int],
        tuple,
        tuple[int, ...],
        tuple[bool, ...],  # One bit a row is a column of labels.
        tuple[Colour, ...],
        tuple[PlainText, ...],
        tuple[float, ...],
        tuple[int | None, ...],
        tuple[tuple[int, ...], ...],
        tuple[tuple[TorusWords, ...], ...],
        tuple[int, int],
        tuple[TorusWords, TorusWords],
        int | str,
        float | None,
        Private | None,
        int | TorusWords,  # Two forms for one field.
        typing.Optional[str],  # noqa: UP045
    ],
)
def test_a_message_with_a_field_that_must_not_travel_cannot_be_defined(annotation: Any) -> None:
    before = dict(REGISTRY)
    with pytest.raises(TypeError, match="must not travel"):
        make("test/refused", annotation)
    assert before == REGISTRY


@pytest.mark.parametrize(
    "annotation",
    [int, bool, PartyId, Digest, PlainText, Colour, TorusWords, tuple[TorusWords, ...], int | None],
)
def test_what_is_sealed_or_public_may_travel(annotation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.message.REGISTRY", {})
    assert field_types(make("test/allowed", annotation)) == {"field": annotation}


def test_a_message_without_a_flow_or_with_a_taken_name_cannot_be_defined() -> None:
    every_message()
    body = {"__annotations__": {"rung": int}, "__module__": __name__}
    with pytest.raises(TypeError, match="who sends it"):
        message("test/nobody", form=Form.CONTROL)(type("Nobody", (Message,), dict(body)))
    with pytest.raises(TypeError, match="two messages"):
        message("logistic/range", ANY_FLOW, form=Form.CONTROL)(type("Twin", (Message,), dict(body)))


@pytest.mark.parametrize("kind", every_message().values(), ids=lambda kind: kind.NAME)
def test_every_message_is_frozen_documented_and_says_who_sends_it_to_whom(kind: type[Message]) -> None:
    assert kind.FLOWS and kind.__doc__
    assert dataclasses.fields(kind)  # type: ignore[arg-type]
    assert kind.__dataclass_params__.frozen and "__slots__" in vars(kind)  # type: ignore[attr-defined]
    room, _, topic = kind.NAME.partition("/")
    assert room and topic


def declared(base: type) -> set[tuple[str, str]]:
    """(message, field) for every field whose type, or its elements' type, is below `base`."""
    found = set()
    for name, kind in every_message().items():
        for field, annotation in field_types(kind).items():
            inner = typing.get_args(annotation) or (annotation,)
            if any(isinstance(part, type) and issubclass(part, base) for part in inner):
                found.add((name, field))
    return found


def test_plain_values_travel_only_where_this_list_says() -> None:
    assert declared(Disclosed) == DISCLOSED.keys()


def test_every_other_field_is_sealed_or_a_single_public_value_of_this_list() -> None:
    rest = {
        (name, field): getattr(annotation, "__name__", str(annotation))
        for name, kind in every_message().items()
        for field, annotation in field_types(kind).items()
        if (name, field) not in declared(Sealed) | declared(Disclosed) | declared(Entrusted) | PUBLIC_KEYS
    }
    assert rest == SINGLE


def test_secrets_among_the_parties_are_these_and_never_go_to_the_aggregator() -> None:
    assert declared(Entrusted) == {
        ("sum/group-key", "key"),
        ("sum/own-mask", "seed"),
        ("horizontal/level-key", "key"),
        ("horizontal/catch-up", "state"),
    }
    for name, _ in declared(Entrusted):
        assert all(flow.to is not Role.AGGREGATOR for flow in every_message()[name].FLOWS)
    with pytest.raises(TypeError, match="is not for the aggregator"):
        body = {"__annotations__": {"key": GroupKey}, "__module__": __name__}
        told = type("Told", (Message,), body)
        message("test/told", ANY_FLOW, Flow(Role.PARTY, Role.AGGREGATOR), form=Form.CONTROL)(told)
    with pytest.raises(TypeError, match="is not for the aggregator"):
        body = {"__annotations__": {"keys": tuple[GroupKey, ...]}, "__module__": __name__}
        message("test/all", Flow(Role.PARTY, Role.AGGREGATOR), form=Form.CONTROL)(
            type("All", (Message,), body)
        )


def test_only_sums_a_digest_a_count_and_checkpoints_cross_from_one_consortium_to_another() -> None:
    crossing = {name for name, kind in every_message().items() if kind.CROSSES}
    assert crossing == {
        "sum/group-key",
        "sum/confirmed",
        "sum/own-mask",
        "hybrid/columns",
        "hybrid/fitted",
        *LEDGER,
    }


#: What a party without labels says in the clear, all of it to the label party.
TOLD_BY_A_PARTY_WITHOUT_LABELS = {
    "boosting/offer",
    "boosting/sums",
    "boosting/sides",
    "boosting/scores",
    "scorecard/shapes",
    "scorecard/reasons",
    "export/points",
    "apart/bins",
    "selection/worth",
    "selection/own",
    "selection/curvature",
    "selection/model",
}


def test_plain_values_flow_from_a_party_without_labels_only_where_this_list_says() -> None:
    hiding = {Role.HELPER, Role.FEATURE}
    plain = {
        name
        for name, kind in every_message().items()
        for flow in kind.FLOWS
        if flow.sender in hiding and {(name, field) for field in field_types(kind)} & declared(Disclosed)
    }
    assert plain == TOLD_BY_A_PARTY_WITHOUT_LABELS


def test_the_aggregator_is_sent_tags_sealed_vectors_progress_receipts_and_checkpoints_only() -> None:
    heard = {
        name for name, kind in every_message().items() if any(f.to is Role.AGGREGATOR for f in kind.FLOWS)
    }
    assert heard == {"alignment/tags", "round/progress", "round/receipt", "sum/upload", *LEDGER}


def test_the_aggregator_says_which_rows_are_common_sums_that_it_cannot_open_and_checkpoints() -> None:
    said = {
        name for name, kind in every_message().items() if any(f.sender is Role.AGGREGATOR for f in kind.FLOWS)
    }
    assert said == {"alignment/rows", "sum/total", *LEDGER}


def test_a_party_covers_every_data_role_and_never_the_aggregator() -> None:
    for role in (Role.LABEL, Role.HELPER, Role.FEATURE):
        assert Role.PARTY.covers(role) and not role.covers(Role.PARTY)
    assert not Role.PARTY.covers(Role.AGGREGATOR) and not Role.AGGREGATOR.covers(Role.PARTY)
    assert Role.AGGREGATOR.covers(Role.AGGREGATOR)


def test_a_message_that_was_made_cannot_be_changed() -> None:
    direction = every_message()["logistic/direction"]
    made = direction(None, DisclosedNumbers.of([1.0]))  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.coefficients = DisclosedNumbers.of([2.0])  # type: ignore[attr-defined]
