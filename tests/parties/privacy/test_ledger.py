"""A data set's budget holds over all runs, whatever happens between them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto import accounting
from crypto.accounting import Event, Gaussian, SampledGaussian
from crypto.errors import UsageError
from crypto.private import Private
from federation.errors import PlanRefused
from parties.dataset import DatasetConfig
from parties.dataset.budget import Budget
from parties.privacy.chain import Chain, LedgerRefused
from parties.privacy.charge import Charge, Marks, Protects
from parties.privacy.ledger import Ledger

ROOT = Path(__file__).parents[3]
ROUNDS = Gaussian(4.0, 20)  # epsilon 4.98 for a party
STEPS = SampledGaussian(0.02, 1.1, 2000)  # epsilon 4.70 for a record
LOANS = Marks("loans", "loans.csv", "c0", "k0")


def run(name: str, *events: Event, protects: Protects = "record") -> Charge:
    return Charge(name, "ab" * 32, "credit", "loans", protects, events, 1e-5)


def ledger(folder: Path, budget: Budget | None = None, marks: Marks = LOANS) -> Ledger:
    return Ledger(folder / "privacy", "spain", "loans", marks, budget)


def budget(epsilon: float, **more: object) -> Budget:
    return dataclasses.replace(Budget(epsilon, 1e-5), **more)  # type: ignore[arg-type]


def lines(folder: Path) -> list[str]:
    return (folder / "privacy" / "ledger.jsonl").read_text().splitlines()


# -- the budget ----------------------------------------------------------------------------------------


def test_runs_add_up_to_the_budget_and_not_beyond(tmp_path: Path) -> None:
    book = ledger(tmp_path, budget(7.0))
    assert book.reserve(run("r1", STEPS)).epsilon == pytest.approx(4.698, abs=1e-3)
    both = accounting.epsilon([STEPS, STEPS], 1e-5)
    assert both > 6.5
    assert book.reserve(run("r2", STEPS)).epsilon == pytest.approx(both)
    with pytest.raises(
        PlanRefused, match=rf"from epsilon {both:.3g} to .* at delta 1e-05; its budget is 7"
    ) as no:
        book.reserve(run("r3", STEPS))
    assert (no.value.party, no.value.field) == ("spain", "privacy.epsilon")
    assert "isthmus privacy show loans" in no.value.advice
    assert len(lines(tmp_path)) == 2
    assert book.balance().left == pytest.approx(7.0 - both)


def test_the_refusal_says_how_much_noise_would_fit(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused) as refused:
        ledger(tmp_path, budget(3.0)).reserve(run("r1", STEPS))
    factor = float(refused.value.advice.split(" times the noise")[0].removeprefix("Plan "))
    assert 1.0 < factor < 2.0
    assert (
        ledger(tmp_path, budget(3.0)).reserve(run("r2", *accounting.scaled([STEPS], factor))).epsilon <= 3.0
    )


def test_a_budget_that_is_spent_says_so(tmp_path: Path) -> None:
    ledger(tmp_path).reserve(run("r1", STEPS))
    with pytest.raises(PlanRefused) as refused:
        ledger(tmp_path, budget(4.6)).reserve(run("r2", Gaussian(20.0)))
    assert "nearly spent" in refused.value.advice


def test_without_a_budget_spending_is_written_down(tmp_path: Path) -> None:
    told = ledger(tmp_path).reserve(run("r1", STEPS))
    assert (told.budget, told.left, told.unit) == (None, None, "record")
    fields = json.loads(lines(tmp_path)[0])
    assert fields["epsilon_after"] == pytest.approx(4.698, abs=1e-3)
    assert (fields["run"], fields["plan"], fields["purpose"], fields["unit"]) == (
        "r1",
        "ab" * 32,
        "credit",
        "record",
    )
    assert fields["events"] == accounting.to_json([STEPS])


def test_a_budget_that_is_set_later_counts_what_was_spent_before(tmp_path: Path) -> None:
    ledger(tmp_path).reserve(run("r1", STEPS))
    with pytest.raises(PlanRefused, match=r"from epsilon 4\.7 "):
        ledger(tmp_path, budget(6.0)).reserve(run("r2", STEPS))


def test_a_run_without_noise_is_refused_where_the_owner_set_a_budget(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="without noise") as refused:
        ledger(tmp_path, budget(1000.0)).reserve(run("r1", protects="none"))
    assert (refused.value.party, refused.value.field) == ("spain", "privacy.unit")
    assert 'privacy.unit = "record"' in refused.value.advice
    assert not (tmp_path / "privacy" / "ledger.jsonl").exists()


def test_an_earlier_run_without_noise_is_shown_beside_the_sum(tmp_path: Path) -> None:
    ledger(tmp_path).reserve(run("r1", protects="none"))
    told = ledger(tmp_path, budget(5.0)).reserve(run("r2", STEPS))
    assert (told.unbounded, len(told.entries)) == (1, 2)
    assert [told.alone(entry) is None for entry in told.entries] == [True, False]


# -- two units -----------------------------------------------------------------------------------------


def test_noise_on_a_partys_update_protects_a_record_half_as_well(tmp_path: Path) -> None:
    party = ledger(tmp_path / "a", budget(6.0, unit="party"))
    assert party.reserve(run("r1", ROUNDS, protects="party")).epsilon == pytest.approx(4.983, abs=1e-3)
    with pytest.raises(PlanRefused, match=r"of one record from epsilon 0 to 11"):
        ledger(tmp_path / "b", budget(6.0, unit="record")).reserve(run("r1", ROUNDS, protects="party"))


def test_noise_for_records_does_not_protect_a_party(tmp_path: Path) -> None:
    book = ledger(tmp_path, budget(100.0, unit="party"))
    with pytest.raises(PlanRefused, match="party as a whole") as refused:
        book.reserve(run("r1", STEPS))
    assert refused.value.field == "privacy.unit"


def test_a_budget_without_a_unit_takes_that_of_the_first_run(tmp_path: Path) -> None:
    book = ledger(tmp_path, budget(100.0))
    assert book.reserve(run("r1", ROUNDS, protects="party")).unit == "party"
    with pytest.raises(PlanRefused, match="party as a whole"):
        book.reserve(run("r2", STEPS))


def test_a_charge_of_another_kind_than_its_unit_is_a_fault() -> None:
    with pytest.raises(UsageError, match="sampling of records"):
        run("r1", STEPS, protects="party")
    with pytest.raises(UsageError, match="without noise"):
        run("r1", STEPS, protects="none")


# -- resuming and settling -----------------------------------------------------------------------------


def test_a_resumed_run_is_charged_once(tmp_path: Path) -> None:
    first = ledger(tmp_path, budget(5.0)).reserve(run("r1", STEPS))
    again = ledger(tmp_path, budget(5.0)).reserve(run("r1", STEPS))
    assert again == first
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize(
    "changed",
    [
        run("r1", SampledGaussian(0.02, 1.1, 1999)),
        dataclasses.replace(run("r1", STEPS), plan="cd" * 32),
        dataclasses.replace(run("r1", STEPS), dataset="orders"),
        run("r1", Gaussian(9.0), protects="party"),
    ],
)
def test_a_run_that_changed_is_refused(tmp_path: Path, changed: Charge) -> None:
    ledger(tmp_path).reserve(run("r1", STEPS))
    with pytest.raises(PlanRefused, match="another plan, data set or noise"):
        ledger(tmp_path).reserve(changed)
    assert len(lines(tmp_path)) == 1


def test_a_run_that_ended_early_settles_for_less(tmp_path: Path) -> None:
    book = ledger(tmp_path, budget(5.0))
    book.reserve(run("r1", STEPS))
    fewer = SampledGaussian(0.02, 1.1, 500)
    assert book.settle("r1", [fewer]).epsilon == pytest.approx(accounting.epsilon([fewer], 1e-5))
    assert book.settle("r1", [fewer]).entries[0].settled
    assert len(lines(tmp_path)) == 2
    assert book.reserve(run("r2", SampledGaussian(0.02, 1.1, 1500))).epsilon == pytest.approx(4.698, abs=1e-3)


def test_a_run_that_released_nothing_costs_nothing(tmp_path: Path) -> None:
    book = ledger(tmp_path, budget(5.0))
    book.reserve(run("r1", STEPS))
    assert book.settle("r1", []).epsilon == 0.0


def test_settling_never_raises_a_charge(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    before = book.reserve(run("r1", STEPS)).epsilon
    for more in (
        [SampledGaussian(0.02, 1.1, 2001)],
        [STEPS, Gaussian(4.0)],
        [SampledGaussian(0.03, 1.1, 2000)],
    ):
        with pytest.raises(UsageError, match="more than was reserved"):
            book.settle("r1", more)
    assert book.balance().epsilon == before
    # Another rate that costs less is what a trainer's own batches come to.
    assert book.settle("r1", [SampledGaussian(0.0199, 1.1, 2000)]).epsilon < before


def test_a_settled_run_that_goes_on_is_charged_in_full_again(tmp_path: Path) -> None:
    book = ledger(tmp_path, budget(5.0))
    book.reserve(run("r1", STEPS))
    book.settle("r1", [SampledGaussian(0.02, 1.1, 500)])
    book.reserve(run("r2", SampledGaussian(0.02, 1.1, 1000)))
    with pytest.raises(PlanRefused, match="its budget is 5"):
        book.reserve(run("r1", STEPS))
    book.settle("r2", [])
    assert book.reserve(run("r1", STEPS)).epsilon == pytest.approx(4.698, abs=1e-3)


def test_a_run_that_was_never_charged_cannot_be_settled(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="never charged"):
        ledger(tmp_path).settle("r1", [])


# -- whose budget --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "marks",
    [
        Marks("renamed", "loans.csv", "c1", "k1"),
        Marks("renamed", "moved.csv", "c0", "k1"),
        Marks("renamed", "moved.parquet", "c1", "k0"),
        Marks("loans", "newer.csv", "c1", "k1"),
    ],
    ids=["table renamed", "and file moved", "and format changed", "new file and firms under the name"],
)
def test_a_data_set_under_another_guise_has_the_same_budget(tmp_path: Path, marks: Marks) -> None:
    ledger(tmp_path, budget(5.0)).reserve(run("r1", STEPS))
    with pytest.raises(PlanRefused, match="its budget is 5"):
        ledger(tmp_path, budget(5.0), marks).reserve(run("r2", STEPS))


def test_a_chain_of_guises_leads_back(tmp_path: Path) -> None:
    ledger(tmp_path).reserve(run("r1", STEPS))
    ledger(tmp_path, None, Marks("loans", "newer.csv", "c1", "k1")).reserve(run("r2", Gaussian(50.0)))
    ledger(tmp_path, None, Marks("renamed", "newer.csv", "c2", "k2")).reserve(run("r3", Gaussian(50.0)))
    far = ledger(tmp_path, budget(5.0), Marks("again", "newest.csv", "c3", "k2"))
    assert [entry.charge.run for entry in far.balance().entries] == ["r1", "r2", "r3"]


def test_another_data_set_has_a_budget_of_its_own(tmp_path: Path) -> None:
    ledger(tmp_path, budget(5.0)).reserve(run("r1", STEPS))
    other = ledger(tmp_path, budget(5.0), Marks("orders", "orders.csv", "c9", "k9"))
    assert other.reserve(run("r2", STEPS)).epsilon == pytest.approx(4.698, abs=1e-3)


def test_marks_that_are_not_known_join_nothing(tmp_path: Path) -> None:
    ledger(tmp_path, None, Marks("loans")).reserve(run("r1", STEPS))
    assert ledger(tmp_path, None, Marks("orders")).balance().entries == ()


def test_marks_see_through_names_formats_and_the_order_of_rows(tmp_path: Path) -> None:
    def marks(file: str, content: str, ids: tuple[bytes, ...], **more: object) -> Marks:
        (tmp_path / file).write_text(content)
        dataset = DatasetConfig("loans", tmp_path / file, "id", party="spain", **more)  # type: ignore[arg-type]
        return Marks.of(dataset, tmp_path, Private(ids))

    first = marks("a.csv", "id\n1\n2\n", (b"1", b"2"))
    assert (first.name, first.path) == ("loans", "a.csv")
    assert marks("b.csv", "id\n2\n1\n", (b"2", b"1")).keys == first.keys
    assert marks("b.csv", "id\n1\n2\n", (b"1", b"3")).keys != first.keys
    assert marks("b.csv", "id\n1\n2\n", (b"1", b"3")).content == first.content
    declared = marks("a.csv", "id\n", (), privacy=Budget(1.0, 1e-5, account="retail"))
    assert declared.name == "retail"
    assert b"1" not in json.dumps(first.keys).encode() or len(first.keys or "") == 64


def test_a_file_outside_the_partys_folder_is_known_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "home").mkdir()
    dataset = DatasetConfig("loans", tmp_path / "home" / ".." / "a.csv", "id", party="spain")
    assert Marks.of(dataset, tmp_path / "home").path == str((tmp_path / "a.csv").resolve())
    gone = DatasetConfig("loans", tmp_path / "gone.csv", "id", party="spain")
    with pytest.raises(UsageError, match="no such file"):
        Marks.of(gone, tmp_path)


# -- a ledger that cannot be trusted -------------------------------------------------------------------


def cut_a_line(folder: Path) -> None:
    file = folder / "ledger.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))


def cut_a_byte(folder: Path) -> None:
    file = folder / "ledger.jsonl"
    file.write_bytes(file.read_bytes()[:-1])


def lower_the_last(folder: Path) -> None:
    file = folder / "ledger.jsonl"
    file.write_bytes(file.read_bytes()[::-1].replace(b"0002", b"0001", 1)[::-1])


def lower_the_first(folder: Path) -> None:
    file = folder / "ledger.jsonl"
    file.write_bytes(file.read_bytes().replace(b"2000", b"1000", 1))


def swap(folder: Path) -> None:
    file = folder / "ledger.jsonl"
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(second + first)


def nonsense(folder: Path) -> None:
    (folder / "ledger.jsonl").write_bytes(b"\xff\x00" * 4000)


def deep(folder: Path) -> None:
    (folder / "ledger.jsonl").write_bytes(b"[" * 100_000)


def remove(folder: Path) -> None:
    (folder / "ledger.jsonl").unlink()


def remove_head(folder: Path) -> None:
    (folder / "ledger.head").unlink()


def wrong_head(folder: Path) -> None:
    (folder / "ledger.head").write_text('{"bytes": -1, "head": "00"}')


def a_folder_in_its_place(folder: Path) -> None:
    (folder / "ledger.jsonl").unlink()
    (folder / "ledger.jsonl").mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        cut_a_line,
        cut_a_byte,
        lower_the_last,
        lower_the_first,
        swap,
        nonsense,
        deep,
        remove,
        remove_head,
        wrong_head,
        a_folder_in_its_place,
    ],
)
def test_a_ledger_that_is_not_what_was_written_refuses_everything(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    book = ledger(tmp_path)
    book.reserve(run("r1", STEPS))
    book.reserve(run("r2", STEPS))
    spoil(tmp_path / "privacy")
    left = {file: file.read_bytes() for file in (tmp_path / "privacy").glob("ledger.[jh]*") if file.is_file()}
    for attempt in (
        lambda: book.reserve(run("r3", Gaussian(50.0))),
        lambda: book.reserve(run("r1", STEPS)),
        lambda: book.settle("r1", []),
        book.balance,
        ledger(tmp_path, None, Marks("orders")).balance,
    ):
        with pytest.raises(LedgerRefused, match="the privacy ledger") as refused:
            attempt()
        assert "backup" in refused.value.advice
        assert "1.1" not in str(refused.value)
    assert left == {file: file.read_bytes() for file in left}


def test_a_ledger_that_is_gone_is_said_to_be_missing(tmp_path: Path) -> None:
    ledger(tmp_path).reserve(run("r1", STEPS))
    remove(tmp_path / "privacy")
    with pytest.raises(LedgerRefused, match="is missing"):
        ledger(tmp_path).balance()


def test_a_line_that_chains_but_is_no_charge_is_refused(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "privacy", "spain")
    with chain.writing() as found:
        chain.append(found, {"kind": "gift", "run": "r1"})
    with pytest.raises(LedgerRefused, match="at line 1"):
        ledger(tmp_path).balance()


def test_a_crash_between_the_line_and_its_head_loses_nothing(tmp_path: Path) -> None:
    book, head = ledger(tmp_path), tmp_path / "privacy" / "ledger.head"
    book.reserve(run("r1", STEPS))
    before = head.read_bytes()
    both = book.reserve(run("r2", STEPS)).epsilon
    head.write_bytes(before)
    assert book.balance().epsilon == both
    book.reserve(run("r3", Gaussian(50.0)))
    assert len(book.balance().entries) == 3


def test_a_line_that_a_crash_cut_off_was_never_a_charge(tmp_path: Path) -> None:
    book, file = ledger(tmp_path), tmp_path / "privacy" / "ledger.jsonl"
    book.reserve(run("r1", STEPS))
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"previous": "' + b"0" * 5000)
    assert len(book.balance().entries) == 1
    book.reserve(run("r2", STEPS))
    assert file.read_bytes().startswith(whole + b'{"dataset"')
    assert file.read_bytes().endswith(b"}\n")
    assert len(book.balance().entries) == 2


def test_nothing_is_charged_when_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = ledger(tmp_path)
    book.reserve(run("r1", STEPS))
    before = (tmp_path / "privacy" / "ledger.jsonl").read_bytes()
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: whole(file, data[: len(data) // 2], at))
    with pytest.raises(UsageError, match="cannot be written"):
        book.reserve(run("r2", STEPS))
    monkeypatch.undo()
    assert (tmp_path / "privacy" / "ledger.jsonl").read_bytes() == before
    assert len(book.balance().entries) == 1


def test_only_its_owner_reads_the_ledger(tmp_path: Path) -> None:
    ledger(tmp_path).reserve(run("r1", STEPS))
    for file in (tmp_path / "privacy").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name
    assert (tmp_path / "privacy").stat().st_mode & 0o077 == 0


# -- at once -------------------------------------------------------------------------------------------


def test_runs_at_once_do_not_overspend_together(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def reserve(name: str) -> None:
        try:
            ledger(tmp_path, budget(5.0)).reserve(run(name, STEPS))
            outcomes.append("charged")
        except PlanRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=reserve, args=(f"r{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sorted(outcomes) == ["charged", "refused", "refused", "refused"]


def test_a_charge_stands_when_the_process_is_killed_right_after(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from tests.parties.privacy import test_ledger as t;"
        "t.ledger(Path(sys.argv[1])).reserve(t.run('r1', t.ROUNDS, protects='party'));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, timeout=300, check=False)
    assert killed.returncode == -9
    assert ledger(tmp_path).balance().epsilon == pytest.approx(4.983, abs=1e-3)


def test_waiting_for_another_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parties.privacy.chain.PATIENCE", 0.1)
    chain = Chain(tmp_path / "privacy", "spain")
    with chain.writing(), pytest.raises(UsageError, match="another process") as refused:
        ledger(tmp_path).reserve(run("r1", STEPS))
    assert refused.value.party == "spain"
