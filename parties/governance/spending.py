"""What was spent under each grant: reserved before a run begins, settled when it is over.

governance/spent.jsonl, spent.head   lines that follow each other by hash (`parties.privacy.chain`)

    reserve   run, attempt, grants, rounds, psi_runs, epsilon, equations_per_row; before anything leaves
    settle    run, attempt, bytes: how many the run's journal shows after this attempt

An attempt that was never settled was cut off: its whole reservation stands, and its bytes are those that the
journal shows, which is written before a frame leaves. The counters live at the owner and nobody else writes
them; a changed, shortened or lost file is found, and nothing is granted on it then.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crypto.codes import Code
from crypto.errors import Refusal
from federation import files
from federation.governance.limits import Spent
from federation.governance.needing import Cost
from federation.home import Home
from federation.ids import RunId
from parties.privacy.chain import Chain, Lines


class SpendingRefused(Refusal):
    """The record of what was spent is not what this party wrote; no grant counts until it is restored."""

    code = Code.SPENDING_RECORD
    advice = (
        "Keep the folder governance/ as evidence and restore spent.jsonl and spent.head from a backup made "
        "after the last run. Without one, move both away, revoke the grants and make others with what is "
        "left."
    )


@dataclass(frozen=True, slots=True)
class Reserved:
    """One attempt, charged to its grants. `settled`: bytes that the run had sent after it, or None."""

    run: RunId
    attempt: int
    grants: tuple[str, ...]
    cost: Cost
    settled: int | None = None


class Spending:
    """The record of one party, in its folder governance/. Opening it reads nothing."""

    def __init__(self, home: Home, party: str) -> None:
        self._home = home
        self._chain = Chain(
            home.folder / "governance",
            party,
            "spent",
            "the record of what grants have spent",
            SpendingRefused,
        )

    def spent(self, grants: Iterable[str], but_for: RunId | None = None) -> dict[str, Spent]:
        """What stands under each grant. `but_for`: a run whose parts that count once are left out."""
        return self._sums(self._reserved(self._chain.read()), grants, but_for)

    def check_against(self, entries: Iterable[bytes], grants: Iterable[str]) -> None:
        """Refuse where the party's ledger names an attempt under one of `grants` that is not recorded here.

        So that neither taking the record away, head and all, nor putting an older one in its place gives a
        limit back: each attempt is reserved before its plan stands in the ledger.
        """
        recorded = {
            (each.run, each.attempt, grant)
            for each in self._reserved(self._chain.read())
            for grant in each.grants
        }
        plans = (json.loads(entry) for entry in entries if b'"kind":"plan"' in entry)
        told = {(plan["run"], plan["attempt"], grant) for plan in plans for grant in plan["grants"]}
        counting = set(grants)
        lost = sorted(each for each in told - recorded if each[2] in counting)
        if lost:
            run, attempt, grant = lost[0]
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            raise SpendingRefused(
                f"the ledger tells of attempt {attempt} at {run} under {grant}{more}, and the record of what "
                "grants have spent does not",
                party=self._chain.party,
                file=str(self._chain.file),
            )

    @contextlib.contextmanager
    def reserving(self, grants: Iterable[str], run: RunId) -> Iterator[Reservation]:
        """Hold the record while it is decided whether another attempt at `run` fits."""
        with self._chain.writing() as lines:
            reserved = self._reserved(lines)
            yield Reservation(self._chain, lines, reserved, self._sums(reserved, grants, run))

    def settle(self, run: RunId, attempt: int) -> None:
        """Write down how many bytes the run's journal shows. Nothing happens for what was not reserved."""
        with self._chain.writing() as lines:
            here = [each for each in self._reserved(lines) if (each.run, each.attempt) == (run, attempt)]
            if here and here[0].settled is None:
                told = {"kind": "settle", "run": run, "attempt": attempt, "bytes": self._shown(run)}
                self._chain.append(lines, told)

    def _sums(
        self, reserved: Iterable[Reserved], grants: Iterable[str], but_for: RunId | None
    ) -> dict[str, Spent]:
        everything = tuple(reserved)
        shown = {run: self._bytes(run, everything) for run in {each.run for each in everything}}
        found = {}
        for grant in grants:
            own = [each for each in everything if grant in each.grants]
            once = {each.run: each.cost.epsilon or 0.0 for each in own if each.run != but_for}
            found[grant] = Spent(
                runs=len(once),
                rounds=sum(each.cost.rounds for each in own),
                psi_runs=sum(each.cost.psi_runs for each in own),
                epsilon=sum(once.values()),
                equations_per_row=sum(each.cost.equations_per_row for each in own),
                egress_bytes=sum(shown[run] for run in {each.run for each in own}),
                attempts=sum(each.run == but_for for each in own),
            )
        return found

    def _bytes(self, run: RunId, reserved: Iterable[Reserved]) -> int:
        """What left in `run` over all attempts: as settled, or what the journal shows where that is more."""
        own = [each for each in reserved if each.run == run]
        settled = max((each.settled or 0 for each in own), default=0)
        return settled if all(each.settled is not None for each in own) else max(settled, self._shown(run))

    def _shown(self, run: RunId) -> int:
        """What the journal shows, which is written before a frame leaves: one of a torn line never did."""
        file = self._home.round_folder(run) / "journal.jsonl"
        lines = files.read(file).splitlines(keepends=True) if file.exists() else []
        try:
            return sum(int(json.loads(line)["size"]) for line in lines if line.endswith(b"\n"))
        except (ValueError, KeyError, TypeError):
            raise SpendingRefused(
                "a journal of a round cannot be read, and its bytes count",
                party=self._chain.party,
                file=str(file),
                advice="Restore that journal from a backup, or take what it was changed by out again.",
            ) from None

    def _reserved(self, lines: Lines) -> tuple[Reserved, ...]:
        found: dict[tuple[str, int], Reserved] = {}
        for number, line in enumerate(lines.lines, start=1):
            try:
                each = _parsed(line, found)
            except (KeyError, TypeError, ValueError):
                raise SpendingRefused(
                    f"the record of what grants have spent holds something else at line {number}",
                    party=self._chain.party,
                    file=str(self._chain.file),
                ) from None
            found[each.run, each.attempt] = each
        return tuple(found.values())


class Reservation:
    """Decided while the record is held. `spent`: what stands before this attempt, by grant."""

    def __init__(
        self, chain: Chain, lines: Lines, reserved: tuple[Reserved, ...], spent: Mapping[str, Spent]
    ) -> None:
        self._chain, self._lines, self._reserved = chain, lines, reserved
        self.spent = spent

    def write(self, run: RunId, attempt: int, grants: Iterable[str], cost: Cost, now: dt.datetime) -> None:
        """Charge the attempt, durably; the same attempt again is no second charge."""
        if any((each.run, each.attempt) == (run, attempt) for each in self._reserved):
            return
        told = {
            "kind": "reserve",
            "at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "run": run,
            "attempt": attempt,
            "grants": sorted(grants),
            "rounds": cost.rounds,
            "psi_runs": cost.psi_runs,
            "epsilon": cost.epsilon,
            "equations_per_row": cost.equations_per_row,
        }
        self._chain.append(self._lines, told)


def _parsed(line: Mapping[str, Any], before: Mapping[tuple[str, int], Reserved]) -> Reserved:
    run, attempt = RunId(str(line["run"])), int(line["attempt"])
    if line["kind"] == "settle":
        earlier = before[run, attempt]
        return Reserved(run, attempt, earlier.grants, earlier.cost, int(line["bytes"]))
    if line["kind"] != "reserve":
        raise ValueError
    epsilon = line["epsilon"]
    cost = Cost(
        int(line["rounds"]),
        int(line["psi_runs"]),
        None if epsilon is None else float(epsilon),
        float(line["equations_per_row"]),
    )
    return Reserved(run, attempt, tuple(map(str, line["grants"])), cost)
