"""The parties' whole round in this process, over the in-memory transport: every frame and message in sight.

What runs is the product's own: the order is signed and checked, the tables are read, the session is opened,
the aggregator matches and records. Only Flower and the network are missing.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import cast

import pytest

from crypto.envelope import SessionKeys
from crypto.errors import IsthmusError
from federation.clock import timestamp
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import RoundStatus
from federation.coordinator.rounds import new_run
from federation.errors import SessionEnded
from federation.ids import PartyId, RunId
from federation.plan import load
from federation.session import unbound
from parties.home import PartyHome
from parties.sandbox import rehearsing
from parties.sandbox.founding import Sandbox, plan_toml
from tests.system.federation import Federation


@dataclass
class Seen:
    """What each role got to see. `relayed`: every frame as the carrier has it; `opened`: role -> sender ->
    every message that this role could open, as it was encoded."""

    relayed: list[bytes] = field(default_factory=list)
    opened: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)
    errors: dict[str, IsthmusError] = field(default_factory=dict)
    attempt: str = ""

    @property
    def run(self) -> RunId:
        """The run's name."""
        return RunId(self.attempt.partition("|")[0])

    @property
    def cause(self) -> IsthmusError:
        """What went wrong first-hand."""
        return next(error for error in self.errors.values() if not isinstance(error, SessionEnded))


def rehearse(
    federation: Federation, text: str, *, after: Seen | None = None, members: Sequence[str] | None = None
) -> Seen:
    """Play the plan in `text` with every party's own folder. What a role raises is kept in `errors`.

    `after`: another attempt at that run, by the same plan. `members`: who takes part, all by default.
    """
    seen, lock = Seen(), threading.Lock()
    coordinator = CoordinatorHome.open(federation.home)
    path = federation.folder / "rehearsed.toml"
    path.write_text(text)
    plan = load(path)
    run, attempt = new_run(dt.datetime.now(dt.UTC)), 1
    if after is not None:
        run, attempt = after.run, int(after.attempt.partition("|")[2]) + 1
    seen.attempt = f"{run}|{attempt}"
    taking_part = [PartyId(name) for name in members or plan.parties]

    def tap(sender: PartyId, to: PartyId, envelope: bytes) -> None:
        with lock:
            seen.relayed.append(envelope)

    homes = {name: PartyHome.open(federation.party(name)) for name in taking_part}
    with _listening(seen):
        errors = rehearsing.rehearse(coordinator, homes, plan, run, attempt=attempt, tap=tap)
    seen.errors.update(errors)
    return seen


def rehearse_sandbox(sandbox: Sandbox) -> RoundStatus:
    """The final status of a sandbox's round, played in this process; nothing may go wrong in it."""
    places = SimpleNamespace(
        home=sandbox.coordinator.folder,
        folder=sandbox.folder,
        party=lambda name: sandbox.parties[name].folder,
    )
    seen = rehearse(cast(Federation, places), plan_toml(sandbox.plan))
    assert seen.errors == {}, seen.errors
    return replace(RoundStatus.load(sandbox.coordinator.round_folder(seen.run)), ended=timestamp())


@contextmanager
def _listening(seen: Seen) -> Iterator[None]:
    """Note every message that somebody opens: what that role holds in its hands."""
    opens, lock = SessionKeys.open, threading.Lock()

    def opened(self: SessionKeys, sender: str, envelope: bytes) -> bytes:
        message = opens(self, sender, envelope)
        with lock:
            seen.opened.setdefault(self._me, {}).setdefault(sender, []).append(unbound(message))
        return message

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SessionKeys, "open", opened)
        yield
