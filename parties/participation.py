"""A party takes part in a round: what runs when an order arrives over Flower.

    accept -> claim this attempt -> charge the grants -> connect -> write down and have witnessed
           -> the plan decides what is done -> receipt -> write down and have witnessed

Whatever goes wrong, every other role is told the same cause, without any data or any column of this party's
that the plan does not name, before this one stops. What was told stands in the round's told.jsonl.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from crypto.codes import Code, coded, of_system
from crypto.errors import IsthmusError, Refusal
from federation import files
from federation.errors import PeerFailure, PlanRefused, SessionEnded
from federation.governance.terms import Form
from federation.ids import AGGREGATOR, PartyId
from federation.journal import Entry, FileJournal
from federation.ledger.keeping import keep_members
from federation.order import Order
from federation.plan import Plan
from federation.session import Session, open_session
from federation.transport.interface import Transport
from parties.governance import authority
from parties.governance.canaries import Canaries
from parties.governance.evidence import guard_of
from parties.governance.notary import Notary
from parties.home import PartyHome
from parties.round.acceptance import Accepted
from parties.round.work import Work

#: Held while the others are told: the round's thread may fail while another stops the node.
_telling = threading.Lock()


class AlreadyRan(Refusal):
    """This attempt at this round was run here before; its keys and masks are never used again."""

    code = Code.ALREADY_RAN
    advice = "Launch the round again: a new attempt has new keys."


class NodeStopped(PeerFailure):
    """A party's own people stopped its node in the middle of a round."""

    code = Code.NODE_STOPPED
    advice = (
        "Start the node again with `isthmus party start`. A horizontal round goes on then; any other is "
        "launched again."
    )

    def __init__(self, party: PartyId) -> None:
        super().__init__(f"{party} stopped its node")


def take_part(home: PartyHome, accepted: Accepted, connect: Callable[[Accepted], Transport]) -> None:
    """Run this party's whole side of an accepted order. Raises what ended it, after telling the others."""
    try:
        folder = _claim(home, accepted)
        authority.begin(home, accepted.order, accepted.authorisation)
        journal = FileJournal(folder / "journal.jsonl")
        try:
            canaries = Canaries.draw(accepted.authorisation.manifest.digest)
            notary = Notary(home, accepted, folder, canaries)
            transport = connect(accepted)
            try:
                work = _work(home, accepted, folder, journal, transport, notary, canaries)
                _side_of(accepted.order.plan)(work)
                notary.finish(work.session)
            except BaseException as error:
                told = _tell_others(accepted, folder, transport, error)
                notary.fail()
                if told is not None:
                    raise told from error
                raise
            finally:
                transport.close()
        finally:
            journal.close()
            authority.end(home, accepted.order)
    except OSError as error:
        raise _disk_error(home.name(), error) from None


def stop_part(home: PartyHome, accepted: Accepted, transport: Transport) -> None:
    """Tell the others that this party stops its node. The round's own thread then ends with `SessionEnded`.

    For another thread than the round's. Where the session is over already nothing more is told.
    """
    with contextlib.suppress(OSError):
        stopped = NodeStopped(accepted.order.party)
        _tell_others(accepted, home.round_folder(accepted.order.run), transport, stopped)


def ran_before(home: PartyHome, order: Order) -> bool:
    """Whether this attempt at this round was claimed here already."""
    return _claim_file(home, order).exists()


def _side_of(plan: Plan) -> Callable[[Work], None]:
    """What is done at a party, by the plan's shape and model. Imported when it is: torch takes seconds."""
    if plan.shape == "horizontal":
        from parties.horizontal import participation as horizontal

        return horizontal.run
    if plan.shape == "hybrid":
        from parties.hybrid import run as hybrid

        return hybrid.run
    if plan.model.kind == "scorecard":
        from parties.scorecard import participation as scorecard

        return scorecard.run
    if plan.model.kind == "boosting":
        from parties.boosting import participation as boosting

        return boosting.run
    if plan.model.kind == "rejects":
        from parties.reject import participation as reject

        return reject.run
    from parties.round import vertical

    return vertical.run


def _work(
    home: PartyHome,
    accepted: Accepted,
    folder: Path,
    journal: FileJournal,
    transport: Transport,
    notary: Notary,
    canaries: Canaries,
) -> Work:
    party, seating = accepted.order.party, accepted.seating

    def opening() -> Session:
        guard = guard_of(accepted, folder, canaries)
        notary.begin(guard.evidence())
        session = open_session(party, home.identity(), seating, transport, journal, guard)
        notary.open(session)
        return session

    # In other shapes an iteration is no round of the plan: folds count theirs from one again.
    rounds = notary.round if accepted.order.plan.shape == "horizontal" else _no_round
    return Work(home, accepted, folder, journal, opening, rounds, canaries)


def _no_round(number: int) -> None:
    """Nothing is written down of this step."""


def _tell_others(
    accepted: Accepted, folder: Path, transport: Transport, error: BaseException
) -> IsthmusError | None:
    """End the session for everybody with this party's cause, which is written down before.

    Returns what they were told where it is not `error`, so that the coordinator is told the same.
    """
    if isinstance(error, SessionEnded):
        return None
    with _telling:  # A journal has one writer at a time.
        return _told(accepted, folder, transport, error)


def _told(
    accepted: Accepted, folder: Path, transport: Transport, error: BaseException
) -> IsthmusError | None:
    instead: IsthmusError | None = None
    me = accepted.order.party
    if isinstance(error, OSError):
        error = instead = _disk_error(me, error)
    internal = coded(Code.UNFORESEEN, f"{me}: internal error ({type(error).__name__})")
    cause = error.cause if isinstance(error, IsthmusError) else internal
    try:
        _note_told(folder / "told.jsonl", accepted, cause)
    except OSError as full:  # What is not written down is not told: that it cannot be is.
        second = _disk_error(me, full)
        if second.cause != cause:  # Else the first one names the file that matters.
            instead, cause = second, second.cause
    except IsthmusError as corrupt:
        instead, cause = corrupt, corrupt.cause
    transport.end(cause)
    return instead


def _note_told(path: Path, accepted: Accepted, cause: str) -> None:
    """A line of a journal beside the guard's: the cause is no message, and goes to all by the exchange.

    Not through the guard: by a grant that was taken back nothing may leave but the news of it.
    """
    text = cause.encode()
    told = FileJournal(path)
    try:
        told.append(
            Entry(
                "session/end",
                AGGREGATOR,
                len(text),
                hashlib.sha256(text).hexdigest(),
                accepted.order.plan.purpose,
                form=Form.CONTROL.value,
            )
        )
    finally:
        told.close()


def _claim(home: PartyHome, accepted: Accepted) -> Path:
    """This round's folder, claimed for this attempt once and for all."""
    order = accepted.order
    folder = home.round_folder(order.run)
    files.make_folder(folder, 0o700)
    plan_file, plan = folder / "plan.json", order.plan.canonical()
    if plan_file.exists() and files.read(plan_file) != plan:
        # A second plan under one name would replace the model, and stand over the journal, of the first.
        raise PlanRefused(
            f"{order.run} was run here under another plan", party=order.party, code=Code.PLAN_CHANGED
        )
    try:
        os.close(os.open(_claim_file(home, order), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise AlreadyRan(
            f"attempt {order.attempt} at {order.run} was run here before", party=order.party
        ) from None
    files.sync_folder(folder)  # A claim that a power loss took away would let the attempt run twice.
    files.write(plan_file, plan)
    authorised = accepted.authorisation
    places = {order.party: authorised.manifest.party.jurisdiction, **authorised.places}
    keep_members(folder, accepted.seating.identities, places)
    return folder


def _claim_file(home: PartyHome, order: Order) -> Path:
    return home.round_folder(order.run) / f"attempt-{order.attempt}"


def _disk_error(party: str, error: OSError) -> Refusal:
    return Refusal(
        f"cannot write or read: {error.strerror or type(error).__name__}",
        party=party,
        file=str(error.filename) if error.filename else None,
        advice="Free space on that disk and launch the round again; nothing was half-written.",
        code=of_system(error),
    )
