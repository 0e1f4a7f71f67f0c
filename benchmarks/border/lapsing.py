"""S12: an owner's papers lapse in the middle of a run, because it takes its grant back or because it ends."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from benchmarks.border.papers import Setting
from benchmarks.border.playing import GRANT
from benchmarks.border.results import Scenario
from benchmarks.border.staging import prepared, ran, settled, stopped
from federation.egress import Egress
from federation.governance.grant import Grant
from federation.ids import PartyId
from federation.message import Message
from federation.messages.logistic import MaskedLogit
from parties.governance import authority
from parties.governance.shelf import Shelf
from parties.governance.watch import Ends, Watch
from parties.sandbox.founding import Sandbox

#: Whose papers lapse: the party that begins every round of a fit with its masked logits.
OWNER = PartyId("registry")
#: In which round of the fit.
_ROUND = 2


@dataclass
class Lapsed:
    """When it lapsed, and how many rounds its owner began afterwards."""

    at: dt.datetime | None = None
    rounds_after: int = 0


def interrupted(setting: Setting, seed: int, folder: Path) -> Scenario:
    """The run played until the grant is taken back (S12), or has ended (S12b)."""
    plan = prepared(setting, seed, folder / "papers")
    sandbox = settled(plan, folder / "federation")
    lapsed = Lapsed()
    run = ran(plan, sandbox, _lapsing(sandbox, lapsed, expires=setting.id == "S12b"))
    return stopped(plan, run, lapsed.rounds_after, OWNER)


@contextmanager
def _lapsing(sandbox: Sandbox, lapsed: Lapsed, *, expires: bool) -> Iterator[None]:
    """While it holds, the owner's grant lapses as its second round of a fit begins."""
    send, lock, begun = Egress.send, threading.Lock(), [0]

    def clock() -> dt.datetime:
        now = dt.datetime.now(dt.UTC)
        return now + dt.timedelta(days=366) if expires and lapsed.at is not None else now

    def sent(self: Egress, to: PartyId, sending: Message) -> None:
        if self._guard.me == OWNER and type(sending) is MaskedLogit:
            with lock:
                begun[0] += 1
                if begun[0] == _ROUND:
                    lapsed.at = dt.datetime.now(dt.UTC)
                    if not expires:
                        Shelf(sandbox.parties[OWNER]).revoke(GRANT, "changed their mind", lapsed.at)
            send(self, to, sending)
            if lapsed.at is not None:  # Nothing stopped it.
                lapsed.rounds_after += 1
            return
        send(self, to, sending)

    def watch(shelf: Shelf, grants: tuple[Grant, ...], rights: Ends) -> Watch:
        own = shelf.folder == Shelf(sandbox.parties[OWNER]).folder  # The others' clocks are not moved.
        return Watch(shelf, grants, rights, clock=clock) if own else Watch(shelf, grants, rights)

    with mock.patch.object(authority, "Watch", watch), mock.patch.object(Egress, "send", sent):
        yield
