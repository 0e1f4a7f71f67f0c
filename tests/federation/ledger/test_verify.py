"""What a pack shows to somebody without keys or data; and which entry is named when it does not."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import time
from collections.abc import Callable

import pytest

from crypto import note
from crypto.merkle import Tree, leaf_hash
from crypto.note import Checkpoint
from federation import files
from federation.errors import UsageError
from federation.governance.grant import Grant
from federation.ledger import pack as packs
from federation.ledger.entries import entry
from federation.ledger.findings import Check, Finding, Happened, Report, State
from federation.ledger.pack import Pack
from federation.ledger.reading import origin
from federation.ledger.verify import verify
from tests.federation.ledger import tampering, world
from tests.federation.ledger.world import contents, fingerprints, joined, resealed

MAKER = "bank"
OPENING, CLOSING = 4, 16  # Sizes at which bank's ledger is co-signed in a run of three rounds.


@functools.cache
def made() -> world.World:
    return world.made()


def judged(*found: Pack) -> Report:
    return verify(found, fingerprints())


def of(report: Report, check: str, party: str = MAKER) -> Check:
    return next(each for each in report.checks if each.id == check and each.party in (party, ""))


def finding_of(report: Report, check: str, party: str = MAKER) -> Finding:
    found = of(report, check, party)
    assert found.state is State.FAIL, found
    assert found.outcome.finding is not None
    return found.outcome.finding


def changed(**fields: object) -> Callable[[list[bytes], int], list[bytes]]:
    def change(lines: list[bytes], index: int) -> list[bytes]:
        line = files.canonical_json({**json.loads(lines[index]), **fields})
        return [*lines[:index], line, *lines[index + 1 :]]

    return change


# -- an honest run ---------------------------------------------------------------------------------------


def test_an_honest_pack_of_every_role_is_clean() -> None:
    for name in world.ROLES:
        report = judged(made().pack(name))
        assert report.state is State.PASS, report.to_json()


def test_without_fingerprints_it_is_said_that_nobody_compared_the_keys() -> None:
    report = verify([made().pack(MAKER)])
    assert report.state is State.UNKNOWN
    assert [check.id for check in report.checks if check.state is State.UNKNOWN] == ["identities"]


def test_fifty_rounds_are_verified_in_under_five_seconds() -> None:
    long = world.made(rounds=50, messages=60)
    found = [packs.parse(long.pack_file(name), name) for name in world.ROLES]
    started = time.process_time()
    report = judged(*found)
    assert time.process_time() - started < 5
    assert report.state is State.PASS


def test_a_member_of_other_keys_is_found_out_by_its_fingerprint() -> None:
    trusted = {**fingerprints(), "public": world.identity("somebody").public.fingerprint}
    report = verify([made().pack(MAKER)], trusted)
    assert "public" in finding_of(report, "identities").what


def test_a_fingerprint_of_nobody_in_the_packs_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="no pack names pubic"):
        verify([made().pack(MAKER)], {"pubic": fingerprints()["public"]})


def test_packs_that_do_not_belong_together_are_refused() -> None:
    pack = made().pack(MAKER)
    with pytest.raises(UsageError, match="two packs of bank"):
        judged(pack, pack)
    with pytest.raises(UsageError, match="no pack was given"):
        judged()


# -- the ledger ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "check", "index", "happened"),
    [
        (lambda lines: [*lines[:8], *lines[9:]], "order", 8, Happened.DROPPED),
        (lambda lines: lines[:3] + lines[4:], "order", 6, Happened.DROPPED),
        (lambda lines: [*lines[:7], lines[8], lines[7], *lines[9:]], "roots", 7, Happened.REORDERED),
        (lambda lines: [*lines[:7], lines[8], lines[7], *lines[9:]], "order", 8, Happened.REORDERED),
        (lambda lines: [*lines[:6], lines[5], *lines[6:]], "roots", 6, Happened.ADDED),
        (lambda lines: changed(lines=9)(lines, 8), "guard-roots", 8, Happened.REWRITTEN),
        (lambda lines: changed(bytes=1)(lines, 15), "guard-roots", 15, Happened.REWRITTEN),
        (lambda lines: changed(plan="0" * 64)(lines, 3), "plan", 3, Happened.REWRITTEN),
        (lambda lines: changed(verdict="0" * 64)(lines, 3), "ground", 3, Happened.REWRITTEN),
        (lambda lines: changed(manifest="0" * 64)(lines, 3), "manifest", 3, Happened.REWRITTEN),
        (lambda lines: changed(sha256="0" * 64)(lines, 2), "grants", 2, Happened.REWRITTEN),
        (lambda lines: changed(commitment="0" * 64)(lines, 3), "canaries", 3, Happened.REWRITTEN),
        (lambda lines: changed(hits=1)(lines, 11), "canaries", 11, Happened.NOT_ALLOWED),
        (lambda lines: changed(at="2026-11-27T08:59:00Z")(lines, 8), "times", 8, Happened.CLOCK),
        (lambda lines: changed(at="2026-11-27T23:00:00Z")(lines, 18), "made", 18, Happened.CLOCK),
        (lambda lines: changed(what="rows")(lines, 5), "entries", 5, Happened.NOT_ALLOWED),
        (lambda lines: lines[:10], "roots", 10, Happened.DROPPED),
    ],
)
def test_what_an_insider_did_to_an_entry_is_named(
    change: Callable[[list[bytes]], list[bytes]], check: str, index: int, happened: Happened
) -> None:
    lines = change(made().roles[MAKER].lines)
    report = judged(resealed(made().pack(MAKER), tampering.under_old_notes(made(), MAKER, lines)))
    finding = finding_of(report, check)
    assert (finding.index, finding.happened) == (index, happened)


def test_a_rewritten_entry_is_among_those_between_two_checkpoints() -> None:
    lines = changed(sha256="0" * 64)(made().roles[MAKER].lines, 10)  # The model's digest.
    report = judged(resealed(made().pack(MAKER), tampering.under_old_notes(made(), MAKER, lines)))
    finding = finding_of(report, "roots")
    assert (finding.index, finding.until) == (OPENING, CLOSING - 1)
    assert "among" not in finding.where
    assert f"entries {OPENING} to {CLOSING - 1}" in finding.where


def test_a_clock_set_back_for_the_whole_run_is_found_by_the_cosignatures() -> None:
    role = made().roles[MAKER]
    lines = [line.replace(b"2026-11-27T09", b"2026-11-27T07").replace(b"T08", b"T06") for line in role.lines]
    report = judged(resealed(made().pack(MAKER), tampering.with_log(made(), MAKER, lines, world.ROLES[1:])))
    assert finding_of(report, "clocks").happened is Happened.CLOCK


def test_without_the_checkpoint_of_the_beginning_the_plan_is_not_covered_in_time() -> None:
    found = contents(made().pack(MAKER))
    del found[f"checkpoints/{OPENING}.note"]
    finding = finding_of(judged(resealed(made().pack(MAKER), found)), "cosigned")
    assert (finding.index, finding.kind, finding.happened) == (3, "plan", Happened.NOT_COVERED)


@pytest.mark.parametrize("other", ["platform", MAKER])
def test_a_checkpoint_of_another_ledger_or_size_is_none(other: str) -> None:
    found = contents(made().pack(MAKER))
    role = made().roles[other]
    size = CLOSING if other == MAKER else OPENING
    found[f"checkpoints/{OPENING}.note"] = role.notes[size].encode()
    finding = finding_of(judged(resealed(made().pack(MAKER), found)), "checkpoints")
    assert finding.file == f"checkpoints/{OPENING}.note"


def test_the_tail_that_nobody_co_signed_is_a_declared_limit_that_others_packs_narrow() -> None:
    lines = made().roles[MAKER].lines[:CLOSING]  # Its last cosignatures of others are gone.
    found = {
        name: data
        for name, data in {**made().files(MAKER), "log.jsonl": joined(lines)}.items()
        if not (name.startswith("witnessed/") and not name.endswith(("-4.note", "-2.note")))
    }
    alone = resealed(made().pack(MAKER), found)
    assert judged(alone).state is State.PASS
    report = judged(alone, *(made().pack(name) for name in world.ROLES[1:]))
    assert "bank co-signed" in finding_of(report, "answered").what


# -- an attempt that failed, and another one -------------------------------------------------------------


def cut_short(state: str | None) -> Pack:
    """The run as it would stand had it ended after its second round, in this state or in none."""
    role = made().roles[MAKER]
    lines, frames = role.lines[:9], role.frames[:8]
    if state is not None:
        root = Tree(map(leaf_hash, frames)).root().hex()
        size = sum(json.loads(frame)["size"] for frame in frames)
        at = "2026-11-27T09:01:30Z"
        ended = entry("close", at, run=world.RUN, attempt=1, lines=8, root=root, bytes=size, state=state)
        lines = [*lines, ended]
    found = {**made().files(MAKER), "log.jsonl": joined(lines), "guard.jsonl": joined(frames)}
    for name in list(found):
        if name == f"checkpoints/{CLOSING}.note" or (name.startswith("witnessed/") and "-1" in name):
            del found[name]
    return resealed(made().pack(MAKER), found)


def test_a_run_that_failed_is_not_decided_to_its_end() -> None:
    report = judged(cut_short("failed"))
    assert report.state is State.UNKNOWN
    undecided = {check.id for check in report.checks if check.state is State.UNKNOWN}
    assert undecided == {"cosigned", "canaries"}


def test_a_run_said_to_be_finished_needs_its_cosignatures() -> None:
    finding = finding_of(judged(cut_short("finished")), "cosigned")
    assert (finding.kind, finding.happened) == ("close", Happened.NOT_COVERED)


def test_a_run_without_an_end_is_not_decided() -> None:
    report = judged(cut_short(None))
    assert report.state is State.UNKNOWN
    assert of(report, "order").state is State.UNKNOWN
    assert of(report, "guard-roots").state is State.UNKNOWN


# -- plan and grants -------------------------------------------------------------------------------------


def test_another_plan_is_found() -> None:
    other = made().pack_file(MAKER, {"plan.json": world.PLAN.replace(b"sme", b"all")})
    assert finding_of(judged(packs.parse(other, "bank.zip")), "plan").index == 3


def test_a_grant_signed_by_another_key_is_found() -> None:
    from crypto import dsse
    from federation.governance.grant import GRANT_TYPE

    role = made().roles[MAKER]
    forged = dsse.seal(GRANT_TYPE, role.grant.canonical(), world.identity("platform"))
    found = made().pack_file(MAKER, {f"grants/{role.grant.id}.dsse.json": forged})
    assert "another identity" in finding_of(judged(packs.parse(found, "bank.zip")), "grants").what


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"to": {**made().roles[MAKER].grant.to, "platform": {"place": "CN", "fingerprint": "ab" * 32}}},
            "is to platform",
        ),
        ({"federation": "elsewhere"}, "for the federation elsewhere"),
    ],
)
def test_a_grant_to_another_of_the_same_name_is_found(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], says: str
) -> None:
    granted = world.RoleInRun.grant.fget
    assert granted is not None

    def grant(role: world.RoleInRun) -> Grant:
        found: Grant = granted(role)
        return Grant.model_validate({**found.model_dump(), **changes}) if role.name == MAKER else found

    monkeypatch.setattr(world.RoleInRun, "grant", property(grant))
    finding = finding_of(judged(world.made().pack(MAKER)), "grants")
    assert says in finding.what and finding.happened is Happened.NOT_ALLOWED


@pytest.mark.parametrize(
    ("after", "state"),
    [(-10, State.FAIL), (45, State.FAIL), (75, State.PASS), (300, State.PASS)],
)
def test_a_grant_taken_back_ends_the_run_within_one_round(after: int, state: State) -> None:
    # Rounds are at 30, 60 and 90 s after the plan.
    role = made().roles[MAKER]
    at = world.START + dt.timedelta(seconds=after)
    name = f"revocations/{role.grant.id}.dsse.json"
    found = made().pack_file(MAKER, {name: world.revocation(role, at)})
    report = judged(packs.parse(found, "bank.zip"))
    assert of(report, "grants").state is state


# -- the guard log ---------------------------------------------------------------------------------------


def test_a_message_dropped_from_the_guard_log_is_named_by_its_line() -> None:
    frames = made().roles[MAKER].frames
    report = judged(
        packs.parse(made().pack_file(MAKER, {"guard.jsonl": joined(frames[:5] + frames[6:])}), "b")
    )
    assert finding_of(report, "guard-chain").line == 5


def test_an_edited_verdict_is_found_though_everything_is_signed_again() -> None:
    role = made().roles[MAKER]
    old = next(iter(role.verdicts.values()))
    fields = json.loads(old)
    fields["request"]["context"]["in_force"] = False  # As it was; the policy would have refused.
    new = files.canonical_json(fields)
    digests = {hashlib.sha256(old).hexdigest(): hashlib.sha256(new).hexdigest()}
    frames = [
        json.dumps(
            {
                **json.loads(line),
                "verdict": digests.get(json.loads(line)["verdict"], json.loads(line)["verdict"]),
            }
        )
        for line in role.frames
    ]
    lines, chained = tampering.with_guard(made(), MAKER, [line.encode() for line in frames])
    verdicts = joined([new if line == old else line for line in role.verdicts.values()])
    found = {
        **tampering.with_log(made(), MAKER, lines, world.ROLES[1:]),
        "guard.jsonl": joined(chained),
        "verdicts.jsonl": verdicts,
    }
    finding = finding_of(judged(resealed(made().pack(MAKER), found)), "verdicts")
    assert (finding.file, finding.line) == ("verdicts.jsonl", 0)


def test_a_message_that_was_not_allowed_and_left_is_found() -> None:
    role = made().roles[MAKER]
    denied = b"".join(
        line.replace(b'"decision":"allow"', b'"decision":"deny"') + b"\n" for line in role.verdicts.values()
    )
    report = judged(packs.parse(made().pack_file(MAKER, {"verdicts.jsonl": denied}), "bank.zip"))
    assert of(report, "verdicts").state is State.FAIL


# -- several packs ---------------------------------------------------------------------------------------


def forked() -> Pack:
    """Bank's pack with another model in its ledger, which all but platform co-signed."""
    lines = changed(sha256="0" * 64)(made().roles[MAKER].lines, 10)
    return resealed(made().pack(MAKER), tampering.with_log(made(), MAKER, lines, ("public", "aggregator")))


def test_a_fork_shown_to_one_role_comes_to_light_when_the_packs_meet() -> None:
    assert judged(forked()).state is State.UNKNOWN  # Platform's cosignature is missing.
    report = judged(forked(), made().pack("platform"))
    finding = finding_of(report, "forks")
    assert (finding.happened, finding.index, finding.until) == (Happened.FORKED, OPENING, CLOSING - 1)
    assert "platform was shown another one" in finding.what


def test_two_ledgers_of_one_size_in_one_role_s_memory_are_a_fork() -> None:
    role = made().roles["platform"]
    index, shown = next(
        (i, json.loads(line)) for i, line in enumerate(role.lines) if b'"party":"bank"' in line
    )
    other = entry("witness", shown["at"], party="bank", size=shown["size"], root="0" * 64)
    lines = [*role.lines, other]
    found = {**made().files("platform"), "log.jsonl": joined(lines)}
    finding = finding_of(judged(resealed(made().pack("platform"), found)), "witnessed", "platform")
    assert (finding.happened, finding.index) == (Happened.FORKED, len(lines) - 1)
    assert index < len(lines) - 1


def test_a_checkpoint_that_was_refused_is_told_to_every_reader() -> None:
    whose = origin(world.FEDERATION, "bank")
    signed = note.sign(Checkpoint(whose, 20, bytes(32)), world.identity("bank"), whose)
    pack = packs.parse(made().pack_file("platform", {"witnessed/bank-20.fork": signed.encode()}), "p.zip")
    assert finding_of(judged(pack), "witnessed", "platform").happened is Happened.FORKED


def test_a_pack_that_cannot_be_read_in_part_fails_and_raises_nothing() -> None:
    for name, data in {
        "members.json": b'{"bank":7}',
        "canaries.json": b'{"1":{"seed":7}}',
        "entities.jsonl": b"no entities\n",
        "policy.cedar": b"permit everything",
        "verdicts.jsonl": b"{}\n",
        "manifest.sha256": b"\xff",
    }.items():
        report = judged(packs.parse(made().pack_file(MAKER, {name: data}), "bank.zip"))
        assert report.state is State.FAIL, name
