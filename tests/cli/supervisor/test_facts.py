"""What the pages show is what the packs hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from cli.supervisor import telling
from cli.supervisor.facts import RunFacts
from cli.supervisor.pages import Pages
from cli.supervisor.shelf import Shelf, shown
from cli.supervisor.words import Words, catalogue
from crypto.errors import UsageError
from federation import files
from federation.governance.terms import Form, Mechanism
from federation.ledger import cosigning
from federation.ledger import pack as packs
from federation.ledger.findings import State
from federation.ledger.reading import Reading
from tests.cli.supervisor.packs import NOW, written
from tests.federation.ledger.tampering import carried
from tests.federation.ledger.world import RUN, contents, fingerprints, identity, joined, resealed


@pytest.fixture
def folder(tmp_path: Path, crossing_packs: dict[str, bytes]) -> Path:
    written(tmp_path, crossing_packs)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> RunFacts:
    (found,) = shown(sorted(folder.glob("*.zip")), fingerprints()).runs
    return found


def test_every_check_has_its_title_in_both_languages_and_the_verifiers_own_in_english(run: RunFacts) -> None:
    titles = {f"check.{check.id}": check.title for check in run.report.checks}
    assert titles == {key: text for key, text in catalogue("en").items() if key.startswith("check.")}
    assert titles.keys() <= catalogue("zh").keys()


def test_flows_add_up_to_the_guard_logs(run: RunFacts, crossing_packs: dict[str, bytes]) -> None:
    readings = [Reading(packs.parse(data, name)) for name, data in crossing_packs.items()]
    assert run.messages == sum(len(reading.frames) for reading in readings) > 0
    assert run.size == sum(frame.size for reading in readings for frame in reading.frames)
    one = [flow for flow in run.flows if (flow.sender, flow.to) == ("bank", "public")]
    frames = Reading(packs.parse(crossing_packs["bank"], "")).frames
    assert sum(flow.size for flow in one) == sum(frame.size for frame in frames if frame.to == "public")


def test_a_crossing_names_mechanism_document_and_end(run: RunFacts) -> None:
    assert run.borders == (("CN", "SG"), ("SG", "CN"))
    (found,) = [each for each in run.crossings if (each.flow.sender, each.flow.to) == ("bank", "public")]
    assert found.flow.form == Form.MASKED_UPDATE.value
    assert found.flow.mechanism == Mechanism.CN_CONTRACT.value
    (ground,) = found.grounds
    assert (ground.grant, ground.valid_until) == ("bank-grant", dt.date(2027, 6, 30))
    assert all(each.flow.origin != each.flow.destination for each in run.crossings)


def test_a_run_is_verified_only_where_its_keys_were_compared(folder: Path, run: RunFacts) -> None:
    assert run.state is State.PASS
    (alone,) = shown(sorted(folder.glob("*.zip")), {}).runs
    assert alone.state is State.UNKNOWN
    assert telling.headline(alone, Words("en")).startswith("Not fully verified")


def test_a_role_without_a_pack_is_named(folder: Path) -> None:
    (folder / "platform.zip").unlink()
    (found,) = shown(sorted(folder.glob("*.zip")), {}).runs
    assert found.lacking == ("platform",)
    assert not [flow for flow in found.flows if flow.sender == "platform"]


def elsewhere(pack: packs.Pack, places: dict[str, str]) -> bytes:
    """The file of the pack, signed again, that says so of where roles are."""
    members = pack.document("members.json")
    told = {name: {**seat, "place": places.get(name, seat["place"])} for name, seat in members.items()}
    return packs.archived(
        resealed(pack, {**contents(pack), "members.json": files.canonical_json(told)}).files
    )


def test_where_a_role_is_its_own_pack_says_first_and_a_disagreement_is_told(folder: Path) -> None:
    bank = packs.read(folder / "bank.zip")
    (folder / "bank.zip").write_bytes(elsewhere(bank, {"public": "HK"}))
    (found,) = shown(sorted(folder.glob("*.zip")), {}).runs
    assert (found.places["public"], found.disputed) == ("SG", ("public",))
    text = Pages("en", NOW).run(found)
    assert "do not agree on where public is" in text


def test_a_role_that_is_nowhere_crosses_no_border_and_is_named(folder: Path) -> None:
    for path in folder.glob("*.zip"):
        path.write_bytes(elsewhere(packs.read(path), {"public": ""}))
    (found,) = shown(sorted(folder.glob("*.zip")), {}).runs
    assert (found.unplaced, found.borders) == (("public",), ())
    assert "says where public is" in Pages("en", NOW).borders(found)


def test_use_of_a_grant_is_counted_in_its_owners_ledger(run: RunFacts) -> None:
    bank = run.pack("bank")
    assert bank is not None
    (granted,) = bank.granted
    assert (granted.used.runs, granted.used.rounds) == (1, 4)  # One attempt, three rounds.
    assert granted.used.size == sum(flow.size for flow in run.flows if flow.sender == "bank")
    rows = telling.limits(granted, Words("en"))
    assert rows[0].share == 0.25
    assert [row.spent for row in rows if row.what.startswith("Privacy")] == [Words("en")("limit.elsewhere")]


@pytest.mark.parametrize(
    ("days", "state", "told"), [(1, "pass", "29"), (40, "fail", "expired"), (-40, "unknown", "not in force")]
)
def test_a_grant_stands_as_its_dates_say(run: RunFacts, days: int, state: str, told: str) -> None:
    pack = run.pack("bank")
    assert pack is not None
    now = NOW + dt.timedelta(days=days - 1)
    assert telling.standing(pack.granted[0], now) == state
    assert told in telling.standing_text(pack.granted[0], now, Words("en"))


def test_the_first_entry_that_was_changed_is_named(folder: Path, crossing_packs: dict[str, bytes]) -> None:
    pack = packs.parse(crossing_packs["bank"], "bank.zip")
    lines = pack.lines("log.jsonl")
    changed = carried(pack, {**contents(pack), "log.jsonl": joined([*lines[:5], *lines[6:]])})
    (folder / "bank.zip").write_bytes(packs.archived(changed.files))
    (found,) = shown(sorted(folder.glob("*.zip")), {}).runs
    assert found.state is State.FAIL
    told = telling.headline(found, Words("en"))
    assert "pack of bank" in told
    assert "entry 5" in told
    assert told.endswith("dropped.")


def test_a_witness_cosignature_takes_the_place_of_the_pack_without_it(
    folder: Path, crossing_packs: dict[str, bytes], tmp_path: Path
) -> None:
    pack = packs.parse(crossing_packs["bank"], "bank.zip")
    memory, at = cosigning.Memory(tmp_path / "seen"), int(NOW.timestamp())
    signed = cosigning.cosign(pack, identity("regulator"), "regulator", at, fingerprints(), memory)
    (folder / "bank.regulator.zip").write_bytes(signed)
    (found,) = shown(sorted(folder.glob("*.zip")), {}).runs
    bank = found.pack("bank")
    assert bank is not None
    assert (bank.file, bank.outside) == ("bank.regulator.zip", ("regulator",))


def test_two_packs_of_one_role_that_differ_are_both_verified_with_the_others(
    folder: Path, crossing_packs: dict[str, bytes]
) -> None:
    pack = packs.parse(crossing_packs["bank"], "bank.zip")
    lines = pack.lines("log.jsonl")
    forked = packs.build(
        packs.Sources(
            identity("bank"),
            "bank",
            pack.statement.federation,
            RUN,
            pack.statement.made_at,
            {},
            {**contents(pack), "log.jsonl": joined(lines[:-1])},
        )
    )
    (folder / "other.zip").write_bytes(forked)
    runs = shown(sorted(folder.glob("*.zip")), fingerprints()).runs
    assert sorted(run.state.value for run in runs) == ["fail", "pass"]
    assert len({run.key for run in runs}) == 2
    assert all(len(run.packs) == 4 for run in runs)


def test_a_file_that_is_no_pack_is_named_with_the_reason(folder: Path) -> None:
    (folder / "torn.zip").write_bytes((folder / "bank.zip").read_bytes()[:-9])
    found = shown(sorted(folder.glob("*.zip")), {})
    assert [(each.file, bool(each.why), bool(each.advice)) for each in found.unread] == [
        ("torn.zip", True, True)
    ]
    assert len(found.runs) == 1


def test_a_signed_pack_of_nonsense_is_named_and_takes_nothing_with_it(folder: Path) -> None:
    pack = packs.read(folder / "bank.zip")
    broken = packs.build(
        packs.Sources(
            identity("bank"),
            "bank",
            "elsewhere",
            "other-run",
            pack.statement.made_at,
            {},
            {**contents(pack), "members.json": b"[]"},
        )
    )
    (folder / "nonsense.zip").write_bytes(broken)
    found = shown(sorted(folder.glob("*.zip")), {})
    assert [each.file for each in found.unread] == ["nonsense.zip"]
    assert [run.run for run in found.runs] == [RUN]


def test_a_pack_of_a_role_without_a_proper_name_is_not_shown(folder: Path) -> None:
    pack = packs.read(folder / "bank.zip")
    made = packs.Sources(
        identity("bank"), "../<b>", "lakeside", "r", pack.statement.made_at, {}, contents(pack)
    )
    (folder / "odd.zip").write_bytes(packs.build(made))
    found = shown(sorted(folder.glob("*.zip")), {})
    assert [each.file for each in found.unread] == ["odd.zip"]
    assert len(found.runs) == 1


def test_the_shelf_sees_packs_that_come_and_go(folder: Path) -> None:
    shelf = Shelf(folder, {})
    first = shelf.look()
    assert shelf.look() is first
    (folder / "platform.zip").unlink()
    assert shelf.look().runs[0].lacking == ("platform",)


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be listed"):
        Shelf(tmp_path / "gone", {}).look()
