"""Before anything is sent a party asks its own files; while a round goes on it goes on asking."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from federation.errors import GrantRefused, UsageError
from federation.governance.covering import missing_forms, told_time
from federation.governance.grant import GrantLimits
from federation.governance.manifest import Right
from federation.governance.terms import Form, RightBasis, Use
from federation.ids import PartyId
from federation.order import Order
from federation.plan import Plan
from federation.roster import Member, Roster
from parties.governance.authority import authorise, begin, end, needs_of
from parties.governance.shelf import Shelf
from parties.governance.spending import SpendingRefused
from parties.governance.watch import Watch, rights_of
from parties.home import PartyHome
from tests import governed
from tests.parties.governance.world import PLAN, PLATFORM, bank, data_of, order, put

NOW = dt.datetime.now(dt.UTC)
#: A plan of which a run goes on in another attempt.
ACROSS = Plan.model_validate(
    {
        "name": "p",
        "purpose": "credit-scoring",
        "shape": "horizontal",
        "parties": {"bank": {}, "platform": {}, "public": {}},
    }
)


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return bank(tmp_path / "bank")


def test_an_order_that_is_covered_is_authorised_with_places_and_columns(home: PartyHome) -> None:
    put(home)
    found = authorise(home, order(), data_of(home))
    assert found.columns == {"firm", "bad", "turnover"}
    assert found.places == {"platform": "CN", "aggregator": "CN"}
    assert found.purpose == "credit-scoring" and found.revoked() is None


def test_an_order_without_a_grant_is_refused_and_nothing_is_written(home: PartyHome) -> None:
    with pytest.raises(GrantRefused) as raised:
        authorise(home, order(), data_of(home))
    assert raised.value.rule == "G-GRANT" and "isthmus grant new --plan" in raised.value.advice
    assert not (home.folder / "governance" / "spent.jsonl").exists()


def test_a_manifest_that_was_edited_after_signing_refuses(home: PartyHome) -> None:
    put(home)
    about = Shelf(home).manifest("data")
    edited = {**about.fields, "phone": governed.field_of(Use.FEATURE)}
    governed.keep_manifest(home, governed.manifest("bank", "data", "firm", edited))
    with pytest.raises(GrantRefused) as raised:
        authorise(home, order(), data_of(home))
    assert raised.value.rule == "G-MANIFEST"


def test_a_comment_in_the_manifest_changes_nothing_that_was_signed(home: PartyHome) -> None:
    put(home)
    file = Shelf(home).manifest_file("data")
    file.write_text(f"# read again today\n{file.read_text()}")
    assert authorise(home, order(), data_of(home)).grants


def test_a_column_that_is_used_again_is_refused_where_the_manifest_keeps_it(home: PartyHome) -> None:
    put(home)
    home.config_file.write_text(home.config_file.read_text().replace('exclude = ["phone"]', ""))
    with pytest.raises(GrantRefused, match="'phone'") as raised:
        authorise(home, order(), data_of(home))
    assert raised.value.rule == "G-GRADE" and "phone" not in raised.value.cause


@pytest.mark.parametrize("role", ['time = "phone"', 'group = "phone"', 'dates = ["phone"]', 'size = "phone"'])
def test_columns_by_which_rows_are_parted_or_compared_need_a_grant_too(home: PartyHome, role: str) -> None:
    home.config_file.write_text(home.config_file.read_text().replace('exclude = ["phone"]', role))
    about = Shelf(home).manifest("data")
    stratum = {**about.fields, "phone": governed.field_of(Use.STRATUM)}
    governed.keep_manifest(home, about.model_copy(update={"fields": stratum}))
    put(home, fields=("firm", "bad", "turnover"))
    if role.startswith("size"):  # It is a feature as well, unless it is excluded.
        home.config_file.write_text(f'{home.config_file.read_text()}exclude = ["phone"]\n')
    with pytest.raises(GrantRefused, match="'phone'") as raised:
        authorise(home, order(), data_of(home))
    assert raised.value.rule == "G-GRANT"
    put(home, id="all", fields=("firm", "bad", "turnover", "phone"))
    assert "phone" in authorise(home, order(), data_of(home)).columns


@pytest.mark.parametrize("kind", ["boosting", "scorecard"])
def test_a_plan_that_tells_what_the_manifest_does_not_permit_is_refused_before_anything_is_sent(
    home: PartyHome, kind: str
) -> None:
    about = Shelf(home).manifest("data")
    sealed = tuple(form for form in about.fields["turnover"].egress if form is not Form.PREDICATE)
    kept = {**about.fields, "turnover": governed.field_of(Use.FEATURE, egress=sealed)}
    governed.keep_manifest(home, about.model_copy(update={"fields": kept}))
    put(home)
    plan = Plan.model_validate({**PLAN.model_dump(), "model": {"kind": kind}})
    with pytest.raises(GrantRefused, match="\"predicate\" of feature columns 'turnover'") as raised:
        authorise(home, order(plan=plan), data_of(home))
    assert raised.value.rule == "G-GRADE" and "`egress`" in raised.value.advice
    assert "turnover" not in raised.value.cause
    assert authorise(home, order(), data_of(home)).grants  # A logistic plan tells no such thing.


def test_with_noise_on_sums_alone_leave_where_a_manifest_permits_noised_updates_alone(
    home: PartyHome,
) -> None:
    about = Shelf(home).manifest("data")
    noised = {
        name: governed.field_of(facts.use, egress=(Form.DP_UPDATE,)) if name in ("bad", "turnover") else facts
        for name, facts in about.fields.items()
    }
    governed.keep_manifest(home, about.model_copy(update={"fields": noised}))
    put(home)
    peers = {"shape": "horizontal", "parties": {"bank": {}, "platform": {}, "public": {}}}
    said = {"name": "p", "purpose": "credit-scoring", **peers}
    private = Plan.model_validate({**said, "privacy": {"unit": "record"}})
    needs = needs_of(private, order().members, PartyId("bank"), data_of(home))
    assert missing_forms(needs, Shelf(home).manifest("data")) == {}
    exact = needs_of(Plan.model_validate(said), order().members, PartyId("bank"), data_of(home))
    assert missing_forms(exact, Shelf(home).manifest("data")) == dict.fromkeys(
        (Form.ENCRYPTED_UPDATE, Form.AGGREGATE), ("bad", "turnover")
    )


def test_a_purpose_that_a_plan_may_have_can_be_granted(home: PartyHome) -> None:
    purpose = "SME credit, 2026".replace(",", ".")
    put(home, purpose=purpose)
    plan = Plan.model_validate({**PLAN.model_dump(), "purpose": purpose})
    assert authorise(home, order(plan=plan), data_of(home)).purpose == purpose


def test_a_file_that_is_gone_is_told_as_such(home: PartyHome) -> None:
    put(home)
    (home.folder / "loans.csv").unlink()
    with pytest.raises(UsageError, match=r"party bank.*no such file"):
        authorise(home, order(), data_of(home))


# -- limits over several runs ----------------------------------------------------------------------------


def attempted(home: PartyHome, order: Order) -> None:
    """An attempt from acceptance to its end, with the entry that the ledger has of it."""
    found = authorise(home, order, data_of(home))
    begin(home, order, found)
    nothing = dict.fromkeys(("plan", "order", "verdict", "manifest", "commitment"), "0" * 64)
    grants = [grant.id for grant in found.grants]
    home.ledger().append("plan", run=order.run, attempt=order.attempt, grants=grants, **nothing)
    end(home, order)


def test_a_grant_for_one_run_allows_one_run_and_as_many_attempts_as_it_may_have(home: PartyHome) -> None:
    put(home, limits=GrantLimits(max_runs=1))
    for attempt in range(1, ACROSS.most_attempts + 1):
        attempted(home, order(attempt=attempt, plan=ACROSS))
    with pytest.raises(GrantRefused, match="allows one run: 20") as raised:
        authorise(home, order(attempt=ACROSS.most_attempts + 1, plan=ACROSS), data_of(home))
    assert raised.value.rule == "G-LIMIT"
    with pytest.raises(GrantRefused, match="2 runs") as raised:
        authorise(home, order("20260302-120000-abcdef", plan=ACROSS), data_of(home))
    assert raised.value.rule == "G-LIMIT"


def test_a_run_that_cannot_go_on_where_it_broke_off_is_attempted_once(home: PartyHome) -> None:
    put(home)
    attempted(home, order())
    with pytest.raises(GrantRefused, match="allows one run: 1") as raised:
        authorise(home, order(attempt=2), data_of(home))
    assert raised.value.rule == "G-LIMIT"
    attempted(home, order("20260302-120000-abcdef"))


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_an_older_record_of_what_was_spent_gives_no_limit_back(home: PartyHome, kept: int) -> None:
    put(home, limits=GrantLimits(max_runs=3))
    record = [home.folder / "governance" / f"spent.{ending}" for ending in ("jsonl", "head")]
    older = []
    for day in (1, 2, 3):
        older.append({file: file.read_bytes() for file in record if file.exists()})
        attempted(home, order(f"2026030{day}-120000-abcdef"))
    for file in record:
        file.unlink()
    for file, data in older[kept].items():
        file.write_bytes(data)
    with pytest.raises(SpendingRefused, match=f"attempt 1 at 2026030{kept + 1}-120000-abcdef under test"):
        authorise(home, order("20260304-120000-abcdef"), data_of(home))


def test_an_older_record_hides_no_single_attempt_of_a_run(home: PartyHome) -> None:
    put(home, limits=GrantLimits(max_rounds=100))
    record = [home.folder / "governance" / f"spent.{ending}" for ending in ("jsonl", "head")]
    attempted(home, order(plan=ACROSS))
    older = {file: file.read_bytes() for file in record}
    attempted(home, order(attempt=2, plan=ACROSS))
    for file, data in older.items():
        file.write_bytes(data)
    with pytest.raises(SpendingRefused, match="attempt 2 at 20260301-120000-abcdef"):
        authorise(home, order(attempt=3, plan=ACROSS), data_of(home))


def test_without_a_record_other_grants_count_once_the_old_ones_are_revoked(home: PartyHome) -> None:
    put(home)
    attempted(home, order())
    for ending in ("jsonl", "head"):
        (home.folder / "governance" / f"spent.{ending}").unlink()
    Shelf(home).revoke("test", "", NOW)
    put(home, id="fresh")
    assert [grant.id for grant in authorise(home, order(), data_of(home)).grants] == ["fresh"]


# -- to whom -------------------------------------------------------------------------------------------------


def test_a_partner_of_the_same_name_and_another_key_is_not_who_was_granted_to(home: PartyHome) -> None:
    put(home)
    stranger = Member(PLATFORM, governed.identity("somebody else").public, b"")
    changed = replace(order(), roster=Roster(governed.FEDERATION, {PLATFORM: stranger}))
    with pytest.raises(GrantRefused, match="names platform by another fingerprint") as raised:
        authorise(home, changed, data_of(home))
    assert (raised.value.rule, raised.value.field) == ("G-GRANT", "parties.platform")


def test_a_coordinator_of_another_key_is_not_who_was_granted_to(home: PartyHome) -> None:
    about = Shelf(home).manifest("data")
    to = {"platform": "CN", "aggregator": "CN"}
    Shelf(home).put(governed.grant_of(about, to, governed.known(*to)))  # The aggregator of other tests.
    with pytest.raises(GrantRefused, match="names aggregator by another fingerprint") as raised:
        authorise(home, order(), data_of(home))
    assert raised.value.rule == "G-GRANT"


def test_a_grant_of_one_federation_counts_for_nothing_in_another(home: PartyHome) -> None:
    put(home)
    elsewhere = replace(order(), roster=replace(order().roster, federation="elsewhere"))
    with pytest.raises(GrantRefused, match="for the federation 'sme'") as raised:
        authorise(home, elsewhere, data_of(home))
    assert raised.value.rule == "G-GRANT"


# -- limits, of two runs at once -----------------------------------------------------------------------------


def test_of_two_orders_that_were_accepted_at_once_the_second_does_not_begin(home: PartyHome) -> None:
    put(home, limits=GrantLimits(max_runs=1))
    one, two = order(), order("20260302-120000-abcdef")
    accepted = [(each, authorise(home, each, data_of(home))) for each in (one, two)]
    begin(home, *accepted[0])
    with pytest.raises(GrantRefused) as raised:
        begin(home, *accepted[1])
    assert raised.value.rule == "G-LIMIT"


# -- while a round goes on -------------------------------------------------------------------------------


def watch(home: PartyHome, now: dt.datetime = NOW) -> Watch:
    grants = tuple(kept.grant for kept in Shelf(home).grants())
    return Watch(Shelf(home), grants, (), lambda: now)


def lapse(looking: Watch) -> str:
    """What it says that has lapsed."""
    found = looking.revoked()
    assert found is not None
    return found.what


def test_a_revocation_is_seen_at_the_next_look_and_stays(home: PartyHome) -> None:
    put(home)
    looking = watch(home)
    assert looking.revoked() is None
    Shelf(home).revoke("test", "", NOW)
    found = looking.revoked()
    assert found is not None and found.what == f"grant test was revoked on {told_time(NOW)}" == found.told
    Shelf(home).revocation_file("test").unlink()
    assert looking.revoked() == found


def test_a_revocation_that_nobody_can_read_stops_the_run_too(home: PartyHome) -> None:
    put(home)
    looking, path = watch(home), Shelf(home).revocation_file("test")
    path.parent.mkdir()
    path.write_bytes(b"")
    assert "grant test was revoked" in str(looking.revoked())


def test_a_grant_that_was_removed_stops_the_run(home: PartyHome) -> None:
    put(home)
    looking = watch(home)
    Shelf(home).grant_file("test").unlink()
    assert "grant test was taken out" in str(looking.revoked())


def test_a_grant_that_runs_out_in_mid_run_is_no_longer_in_force(home: PartyHome) -> None:
    put(home)
    assert watch(home, NOW + dt.timedelta(days=364)).revoked() is None
    assert "grant test ran out on" in str(watch(home, NOW + dt.timedelta(days=366)).revoked())


def test_a_right_that_runs_out_in_mid_run_stops_it_and_its_date_is_not_told(home: PartyHome) -> None:
    about = Shelf(home).manifest("data")
    last = Right(holder="bank", basis=RightBasis.CONTRACT, until=NOW.date())
    rights = about.dataset.rights.model_copy(update={"processing": last})
    ends = rights_of(
        about.model_copy(update={"dataset": about.dataset.model_copy(update={"rights": rights})})
    )
    today = Watch(Shelf(home), (), ends, lambda: NOW)
    tomorrow = Watch(Shelf(home), (), ends, lambda: NOW + dt.timedelta(days=1))
    found = tomorrow.revoked()
    assert today.revoked() is None and found is not None
    assert found.what == f"the processing right ran out on {NOW.date()}"
    assert str(NOW.date()) not in found.told


def test_a_grant_that_was_not_used_may_be_revoked_without_stopping_anything(home: PartyHome) -> None:
    put(home)
    put(home, id="unused")
    found = authorise(home, order(), data_of(home))
    (used,) = found.grants
    Shelf(home).revoke("unused" if used.id == "test" else "test", "", NOW)
    assert found.revoked() is None


def test_a_manifest_that_is_changed_in_mid_run_stops_the_run(home: PartyHome) -> None:
    put(home)
    about = Shelf(home).manifest("data")
    looking = watch(home)
    assert looking.revoked() is None
    governed.keep_manifest(
        home, about.model_copy(update={"fields": {**about.fields, "phone": governed.field_of(Use.FEATURE)}})
    )
    assert "the manifest was changed after grant test" in lapse(looking)
    governed.keep_manifest(home, about)
    assert looking.revoked() is not None  # What was found once stays.


@pytest.mark.parametrize("damage", ["gone", "empty", "another's"])
def test_a_manifest_that_cannot_be_relied_on_in_mid_run_stops_the_run(home: PartyHome, damage: str) -> None:
    put(home)
    looking, file = watch(home), Shelf(home).manifest_file("data")
    if damage == "gone":
        file.unlink()
    else:
        file.write_text("" if damage == "empty" else file.read_text().replace('"bank"', '"platform"'))
    assert "is gone, or cannot be read" in lapse(looking)


def test_a_comment_in_the_manifest_does_not_stop_a_run(home: PartyHome) -> None:
    put(home)
    looking, file = watch(home), Shelf(home).manifest_file("data")
    assert looking.revoked() is None
    file.write_text(f"# read again today\n{file.read_text()}")
    assert looking.revoked() is None


def test_what_is_wrong_in_a_manifest_is_told_to_its_owner_alone(home: PartyHome) -> None:
    file = Shelf(home).manifest_file("data")
    file.write_text(file.read_text("utf-8").replace("[dataset.retention]", "[dataset.retention]\nhidden = 1"))
    with pytest.raises(GrantRefused, match="hidden") as refused:
        authorise(home, order(), data_of(home))
    assert refused.value.rule == "G-MANIFEST" and refused.value.advice.startswith("Mend them")
    assert "hidden" not in refused.value.cause and "retention" not in refused.value.cause
