"""Whatever is done to a pack, it does not pass as clean: by the one who carries it, and by its own maker."""

from __future__ import annotations

import functools

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from federation.errors import UsageError
from federation.ledger import archive
from federation.ledger import pack as packs
from federation.ledger.findings import Happened, Report, State
from federation.ledger.pack import Pack
from federation.ledger.verify import verify
from tests.federation.ledger import tampering, world
from tests.federation.ledger.world import contents, fingerprints, joined, resealed

MAKER = "bank"
tries = functools.partial(
    settings,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@functools.cache
def made() -> world.World:
    return world.made(rounds=4, messages=3)


@functools.cache
def honest() -> Pack:
    return made().pack(MAKER)


@functools.cache
def of_others() -> tuple[Pack, ...]:
    return tuple(made().pack(name) for name in world.ROLES if name != MAKER)


def judged(*found: Pack) -> Report:
    return verify(found, fingerprints())


def cosigned_size() -> int:
    """How many entries of the maker's ledger all others co-signed."""
    return max(made().roles[MAKER].notes)


def test_what_is_tampered_with_here_is_clean() -> None:
    assert judged(honest()).state is State.PASS
    assert judged(honest(), *of_others()).state is State.PASS


# -- whoever carries the pack ----------------------------------------------------------------------------


@tries(max_examples=350)
@given(st.data())
def test_a_changed_byte_is_found(data: st.DataObject) -> None:
    file = bytearray(made().pack_file(MAKER))
    place = data.draw(st.integers(0, len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    try:
        changed = packs.parse(bytes(file), "bank.zip")
    except UsageError as error:
        assert error.file == "bank.zip"
        return
    assert judged(changed).state is State.FAIL


@tries(max_examples=150)
@given(st.data())
def test_a_ledger_changed_on_its_way_is_found_at_the_very_entry(data: st.DataObject) -> None:
    lines = honest().lines("log.jsonl")
    change = data.draw(st.sampled_from((tampering.moved, tampering.rewritten)))
    changed, index = change(lines, data.draw, len(lines) - 1)
    assume(changed != lines)
    report = judged(tampering.carried(honest(), {**contents(honest()), "log.jsonl": joined(changed)}))
    check = next(check for check in report.checks if check.id == "contents")
    assert report.state is State.FAIL
    assert check.outcome.finding is not None
    assert check.outcome.finding.index == index


@tries(max_examples=120)
@given(st.data())
def test_a_file_that_was_taken_emptied_or_exchanged_is_found(data: st.DataObject) -> None:
    changed = tampering.exchanged(honest(), data.draw)
    assume(changed != contents(honest()))
    try:
        found = tampering.carried(honest(), changed)
    except UsageError:
        return
    assert judged(found).state is State.FAIL


# -- its maker, who signs it again -----------------------------------------------------------------------


@tries(max_examples=180)
@given(st.data())
def test_a_maker_that_rewrites_its_ledger_is_found(data: st.DataObject) -> None:
    lines = made().roles[MAKER].lines
    change = data.draw(st.sampled_from((tampering.moved, tampering.rewritten)))
    changed, index = change(lines, data.draw, cosigned_size() - 1)
    assume(changed[: cosigned_size()] != lines[: cosigned_size()])
    kept = resealed(honest(), tampering.under_old_notes(made(), MAKER, changed))
    report = judged(kept)
    assert report.state is State.FAIL
    assert report.first is not None
    finding = report.first.outcome.finding
    assert finding is not None
    roots = next(check for check in report.checks if check.id == "roots").outcome.finding
    assert roots is not None
    assert roots.index is not None
    assert roots.index <= index <= (roots.index if roots.until is None else roots.until)


@tries(max_examples=80)
@given(st.data())
def test_a_maker_that_signs_its_checkpoints_anew_lacks_the_cosignatures(data: st.DataObject) -> None:
    lines = made().roles[MAKER].lines
    change = data.draw(st.sampled_from((tampering.moved, tampering.rewritten)))
    changed, _ = change(lines, data.draw, cosigned_size() - 1)
    assume(changed[: cosigned_size()] != lines[: cosigned_size()])
    loyal = data.draw(st.sampled_from(((), ("platform",), ("platform", "public"))))
    forged = resealed(honest(), tampering.with_log(made(), MAKER, changed, loyal))
    assert judged(forged).state is not State.PASS
    assert judged(forged, *of_others()).state is State.FAIL


@tries(max_examples=100)
@given(st.data())
def test_a_maker_that_rewrites_its_guard_log_is_found(data: st.DataObject) -> None:
    frames, _ = tampering.changed_guard(made(), MAKER, data.draw)
    assume(frames != made().roles[MAKER].frames)
    lines, chained = tampering.with_guard(made(), MAKER, frames)
    assume(chained != made().roles[MAKER].frames)
    guard = {"guard.jsonl": joined(chained)}
    for found in (
        {**made().files(MAKER), **guard},
        {**tampering.under_old_notes(made(), MAKER, lines), **guard},
        {**tampering.with_log(made(), MAKER, lines), **guard},
    ):
        assert judged(resealed(honest(), found)).state is State.FAIL


@tries(max_examples=60)
@given(st.data())
def test_a_maker_that_takes_files_out_or_exchanges_them_is_found(data: st.DataObject) -> None:
    changed = tampering.exchanged(honest(), data.draw)
    assume(changed != contents(honest()))
    try:
        found = resealed(honest(), changed)
    except UsageError:
        return
    report = judged(found, *of_others())
    gone = {name for name in contents(honest()) if name not in changed}
    if gone and all(name.startswith("witnessed/") for name in gone):
        assert not any(check.state is State.FAIL for check in report.checks)  # The ledger says it all.
    else:
        assert report.state is not State.PASS


@pytest.mark.parametrize("key", ["platform", "regulator"])
def test_a_pack_signed_by_another_key_is_found(key: str) -> None:
    # `resealed` makes the statement of the pack's own role; here another one signs in its name.
    from crypto import dsse

    forged = dsse.seal(packs.PACK_TYPE, honest().statement.canonical(), world.identity(key))
    report = judged(
        packs.parse(archive.archived({**contents(honest()), archive.STATEMENT: forged}), "bank.zip")
    )
    failed = [check.id for check in report.checks if check.state is State.FAIL]
    assert failed == ["signature"]


@pytest.mark.parametrize("name", ["platform", "public", "aggregator"])
def test_a_removed_cosignature_is_missed(name: str) -> None:
    role = made().roles[MAKER]
    kept = tuple(other for other in world.ROLES if other not in (MAKER, name))
    report = judged(resealed(honest(), tampering.with_log(made(), MAKER, role.lines, kept)))
    check = next(check for check in report.checks if check.id == "cosigned")
    assert report.state is State.UNKNOWN
    assert name in check.outcome.told


def test_a_ledger_with_one_cosignature_of_three_fails() -> None:
    role = made().roles[MAKER]
    report = judged(resealed(honest(), tampering.with_log(made(), MAKER, role.lines, ("public",))))
    assert report.first is not None
    finding = report.first.outcome.finding
    assert finding is not None
    assert (finding.happened, finding.kind) == (Happened.SIGNATURE_MISSING, "plan")
