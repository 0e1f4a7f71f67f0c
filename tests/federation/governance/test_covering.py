"""An order is covered by what its owner signed, or refused by the rule that says why."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import GrantRefused
from federation.governance.covering import Held, cover
from federation.governance.grant import Grant, GrantLimits
from federation.governance.limits import Spent
from federation.governance.manifest import Grades, Manifest, Right
from federation.governance.needing import Cost, Needs, cost_of, operations_of
from federation.governance.terms import National, Operation, RightBasis, Use
from federation.ids import AGGREGATOR, PartyId
from federation.plan import Plan
from tests import governed

NOW = dt.datetime(2026, 11, 27, 9, 0, tzinfo=dt.UTC)
BANK, PLATFORM, PUBLIC = PartyId("bank"), PartyId("platform"), PartyId("public")
OTHERS = (PLATFORM, PUBLIC, AGGREGATOR)
FIELDS = {
    "firm": governed.field_of(Use.KEY),
    "bad": governed.field_of(Use.LABEL),
    "turnover": governed.field_of(Use.FEATURE),
    "phone": governed.field_of(Use.NEVER),
}
ABOUT = governed.manifest("bank", "data", "firm", FIELDS)
NEEDS = Needs(
    owner=BANK,
    dataset="data",
    purpose="credit-scoring",
    recipients=frozenset(OTHERS),
    parties=3,
    operations=frozenset({Operation.PSI, Operation.TRAIN_VERTICAL}),
    columns={
        "firm": frozenset({Use.KEY}),
        "bad": frozenset({Use.LABEL}),
        "turnover": frozenset({Use.FEATURE}),
    },
    cost=Cost(rounds=1, psi_runs=1, epsilon=None, equations_per_row=0.02),
    known=governed.KNOWN,
)


def grant(to: tuple[str, ...] = OTHERS, about: Manifest = ABOUT, **changes: Any) -> Grant:
    said = {"valid_from": NOW - dt.timedelta(days=1), "valid_until": NOW + dt.timedelta(days=30), **changes}
    return governed.grant_of(about, dict.fromkeys(to, "CN"), **said)


def refused(*grants: Grant, needs: Needs = NEEDS, about: Manifest = ABOUT, **held: Any) -> GrantRefused:
    with pytest.raises(GrantRefused) as raised:
        cover(needs, Held(about, grants, **held), NOW)
    assert raised.value.party == "bank" and raised.value.advice
    return raised.value


def test_a_grant_that_says_everything_covers() -> None:
    covered = cover(NEEDS, Held(ABOUT, [grant(fields=("firm", "bad", "turnover"))]), NOW)
    assert [each.id for each in covered.grants] == ["test"]
    assert covered.places == dict.fromkeys(OTHERS, "CN")


def test_no_grant_covers_nothing() -> None:
    assert refused().rule == "G-GRANT"


@pytest.mark.parametrize(
    ("changes", "rule", "says"),
    [
        ({"to": (PLATFORM, AGGREGATOR)}, "G-GRANT", "public"),
        ({"to": (PLATFORM, PUBLIC)}, "G-GRANT", "aggregator"),
        ({"purpose": "marketing"}, "G-PURPOSE", "'marketing'"),
        ({"operations": (Operation.PSI,)}, "G-GRANT", "train-vertical"),
        ({"fields": ("firm", "bad")}, "G-GRANT", "'turnover'"),
        ({"valid_until": NOW}, "G-EXPIRED", "2026-11-27 09:00 UTC"),
        ({"valid_from": NOW + dt.timedelta(seconds=1)}, "G-EXPIRED", "from 2026-11-27"),
        ({"manifest_sha256": "0" * 64}, "G-MANIFEST", "changed after"),
        ({"owner": "platform"}, "G-GRANT", "no grant"),
        ({"dataset": "other"}, "G-GRANT", "no grant"),
        ({"limits": GrantLimits(min_parties=4)}, "G-LIMIT", "3 parties"),
        ({"limits": GrantLimits(max_psi_runs=0)}, "G-LIMIT", "alignments"),
        ({"limits": GrantLimits(max_epsilon=3.0)}, "G-LIMIT", "no noise"),
        ({"limits": GrantLimits(max_equations_per_row=0.01)}, "G-LIMIT", "equations"),
    ],
)
def test_what_a_grant_does_not_say_is_refused_by_its_rule(
    changes: dict[str, Any], rule: str, says: str
) -> None:
    error = refused(grant(**changes))
    assert error.rule == rule and says in error.what


def test_the_moment_at_which_a_grant_ends_is_outside_it() -> None:
    last = grant(valid_until=NOW + dt.timedelta(microseconds=1))
    assert cover(NEEDS, Held(ABOUT, [last]), NOW).grants == (last,)


def test_a_revoked_grant_counts_for_nothing() -> None:
    error = refused(grant(), revoked={"test": NOW - dt.timedelta(hours=1)})
    assert error.rule == "G-GRANT" and "revoked on 2026-11-27 08:00 UTC" in error.what


@pytest.mark.parametrize(
    ("limits", "spent", "says"),
    [
        ({"max_runs": 2}, Spent(runs=2), "with this run 3 runs"),
        ({"max_rounds": 5}, Spent(rounds=5), "with this run 6 rounds"),
        ({"max_psi_runs": 3}, Spent(psi_runs=3), "with this run 4 alignments"),
        ({"max_equations_per_row": 0.05}, Spent(equations_per_row=0.04), "with this run 0.06 equations"),
        ({"max_egress_bytes": 1000}, Spent(egress_bytes=1000), "all 1,000 bytes"),
    ],
)
def test_what_earlier_runs_spent_counts(limits: dict[str, Any], spent: Spent, says: str) -> None:
    bounded = grant(limits=GrantLimits(**limits))
    assert cover(NEEDS, Held(ABOUT, [bounded]), NOW).grants == (bounded,)
    error = refused(bounded, spent={"test": spent})
    assert error.rule == "G-LIMIT" and says in error.what


def test_epsilon_is_summed_over_runs() -> None:
    bounded, noisy = grant(limits=GrantLimits(max_epsilon=8.0)), replace(NEEDS, cost=Cost(epsilon=4.0))
    assert cover(noisy, Held(ABOUT, [bounded], {"test": Spent(epsilon=4.0)}), NOW).left.epsilon == 4.0
    assert refused(bounded, needs=noisy, spent={"test": Spent(epsilon=4.5)}).rule == "G-LIMIT"


def test_another_grant_stands_in_for_one_that_is_used_up() -> None:
    full = grant(id="aaa", limits=GrantLimits(max_runs=1))
    fresh = grant(id="bbb")
    covered = cover(NEEDS, Held(ABOUT, [full, fresh], {"aaa": Spent(runs=1)}), NOW)
    assert covered.grants == (fresh,)


def test_several_grants_cover_together_and_no_more_of_them_than_it_takes() -> None:
    one, two, three = grant((PLATFORM, AGGREGATOR), id="one"), grant((PUBLIC,), id="two"), grant(id="xxx")
    assert cover(NEEDS, Held(ABOUT, [one, two]), NOW).grants == (one, two)
    assert len(cover(NEEDS, Held(ABOUT, [one, two, three]), NOW).grants) == 1


def test_a_column_granted_to_one_party_is_not_granted_to_another() -> None:
    wide, narrow = grant((PLATFORM, AGGREGATOR), id="one"), grant((PUBLIC,), id="two", fields=("firm",))
    error = refused(wide, narrow)
    assert error.rule == "G-GRANT" and "public" in error.what


def test_the_reason_is_that_of_the_grant_that_would_have_covered() -> None:
    error = refused(
        grant(id="aaa", purpose="marketing"), grant(id="bbb", valid_until=NOW - dt.timedelta(hours=2))
    )
    assert error.rule == "G-EXPIRED" and "bbb" in error.what


def test_the_tightest_of_the_limits_is_what_is_left() -> None:
    one = grant((PLATFORM, AGGREGATOR), id="one", limits=GrantLimits(max_egress_bytes=500, max_rounds=9))
    two = grant((PUBLIC,), id="two", limits=GrantLimits(max_egress_bytes=800))
    left = cover(NEEDS, Held(ABOUT, [one, two], {"one": Spent(egress_bytes=100, rounds=2)}), NOW).left
    assert (left.egress_bytes, left.rounds, left.epsilon) == (400, 7, None)


# -- borders ---------------------------------------------------------------------------------------------

ABROAD = {PLATFORM: "CN", PUBLIC: "SG", AGGREGATOR: "CN"}


@pytest.mark.parametrize(
    ("until", "lawful"), [(NOW.date(), True), (NOW.date() - dt.timedelta(days=1), False)]
)
def test_a_border_is_crossed_only_while_its_mechanism_is_in_force(until: dt.date, lawful: bool) -> None:
    abroad = grant().model_copy(
        update={"to": governed.recipients(ABROAD), "transfers": (governed.transfer("CN", "SG", until),)}
    )
    if lawful:
        assert cover(NEEDS, Held(ABOUT, [abroad]), NOW).places == ABROAD
    else:
        error = refused(abroad)
        assert error.rule == "G-TRANSFER" and "CN to SG" in error.what


@pytest.mark.parametrize(("origin", "destination"), [("SG", "CN"), ("CN", "HK")])
def test_a_mechanism_for_another_way_is_none(origin: str, destination: str) -> None:
    way = governed.transfer(origin, destination, dt.date(2030, 1, 1))
    assert (
        refused(grant().model_copy(update={"to": governed.recipients(ABROAD), "transfers": (way,)})).rule
        == "G-TRANSFER"
    )


def test_two_grants_that_have_a_party_in_two_places_are_refused() -> None:
    one = grant((PLATFORM, AGGREGATOR), id="one")
    ways = (governed.transfer("CN", "SG", dt.date(2030, 1, 1)),)
    two = grant((PUBLIC,), id="two").model_copy(
        update={"to": governed.recipients({PUBLIC: "CN", PLATFORM: "SG"}), "transfers": ways}
    )
    error = refused(one, two)
    assert error.rule == "G-TRANSFER" and "different places" in error.what


# -- the manifest ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "use", "rule"),
    [
        ("phone", Use.FEATURE, "G-GRADE"),
        ("bad", Use.FEATURE, "G-GRADE"),
        ("turnover", Use.LABEL, "G-GRADE"),
        ("turnover", Use.KEY, "G-GRADE"),
        ("unheard", Use.FEATURE, "G-MANIFEST"),
    ],
)
def test_a_column_is_used_as_the_manifest_has_it(column: str, use: Use, rule: str) -> None:
    error = refused(grant(), needs=replace(NEEDS, columns={column: frozenset({use})}))
    assert error.rule == rule and repr(column) in error.what


def test_core_data_is_used_for_nothing() -> None:
    core = governed.field_of(Use.FEATURE, grades=Grades(gbt43697=National.CORE), egress=())
    about = governed.manifest("bank", "data", "firm", {**FIELDS, "turnover": core})
    assert refused(grant(about=about), about=about).rule == "G-GRADE"


@pytest.mark.parametrize("right", ["holding", "processing", "operating"])
def test_a_right_that_has_run_out_refuses(right: str) -> None:
    over = Right(holder="bank", basis=RightBasis.CONTRACT, until=dt.date(2026, 11, 26))
    rights = ABOUT.dataset.rights.model_copy(update={right: over})
    about = ABOUT.model_copy(update={"dataset": ABOUT.dataset.model_copy(update={"rights": rights})})
    error = refused(grant(about=about), about=about)
    assert error.rule == "G-RIGHTS" and right in error.what


# -- what others hear ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"fields": ("firm", "bad")}, {"limits": GrantLimits(max_rounds=1)}, {"valid_until": NOW}]
)
def test_others_hear_the_rule_and_no_column_figure_or_grant(changes: dict[str, Any]) -> None:
    error = refused(grant(**changes), spent={"test": Spent(rounds=7)})
    assert error.rule in error.cause and "party bank" in error.cause
    for kept in ("turnover", "7", "8", "test", "2026"):
        assert kept not in error.cause


# -- what a plan needs -----------------------------------------------------------------------------------


def plan(**fields: Any) -> Plan:
    parties = {"bank": {"role": "label"}, "platform": {}}
    return Plan.model_validate({"name": "p", "purpose": "credit-scoring", "parties": parties, **fields})


def test_a_plan_tells_its_operations() -> None:
    assert operations_of(plan(), shares_points=True) == {
        *(Operation.PSI, Operation.TRAIN_VERTICAL, Operation.EVALUATE, Operation.SCORE)
    }
    assert Operation.SCORE not in operations_of(plan(scores={"open": "none"}), shares_points=False)
    card = plan(model={"kind": "scorecard"})
    assert Operation.EXPORT in operations_of(card, shares_points=True)
    assert Operation.EXPORT not in operations_of(card, shares_points=False)
    peers = {name: {} for name in ("a1", "b1", "c1")}
    horizontal = plan(shape="horizontal", parties=peers)
    assert operations_of(horizontal, shares_points=False) == {
        *(Operation.TRAIN_HORIZONTAL, Operation.EVALUATE)
    }


def test_a_plan_tells_its_cost() -> None:
    assert cost_of(plan()) == Cost(rounds=1, psi_runs=1, epsilon=None, equations_per_row=0.02)
    peers = {name: {} for name in ("a1", "b1", "c1")}
    noisy = plan(
        shape="horizontal",
        parties=peers,
        training={"rounds": 4},
        privacy={"unit": "record", "epsilon": 5.0},
    )
    assert cost_of(noisy) == Cost(rounds=5, psi_runs=0, epsilon=5.0, equations_per_row=0.0, attempts=20)


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(OTHERS), min_size=1),
            st.sets(st.sampled_from(sorted(NEEDS.operations, key=lambda each: each.value)), min_size=1),
            st.sets(st.sampled_from([*NEEDS.columns, "*"]), min_size=1),
        ),
        max_size=4,
    )
)
def test_covered_is_exactly_every_recipient_with_every_operation_and_column(
    said: list[tuple[set[PartyId], set[Operation], set[str]]],
) -> None:
    grants = [
        grant(tuple(to), id=f"grant-{place}", operations=tuple(operations), fields=tuple(fields))
        for place, (to, operations, fields) in enumerate(said)
    ]
    wanted = all(
        any(to in each[0] and operation in each[1] and {column, "*"} & each[2] for each in said)
        for to in OTHERS
        for operation in NEEDS.operations
        for column in NEEDS.columns
    )
    try:
        chosen = cover(NEEDS, Held(ABOUT, grants), NOW).grants
    except GrantRefused:
        assert not wanted
    else:
        assert wanted
        for one in chosen:
            rest = [each for each in chosen if each is not one]
            with pytest.raises(GrantRefused):
                cover(NEEDS, Held(ABOUT, rest), NOW)
