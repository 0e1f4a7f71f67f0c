"""The coordinator's Flower app: one Flower run is one round.

The handler gets a `Control` and speaks to the parties' nodes through it. Control polls by itself:
Flower's `send_and_receive` sleeps in steps of 3 s.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from flwr.app import Context, Message
from flwr.serverapp import Grid, ServerApp

from crypto.codes import Code
from crypto.errors import UsageError
from federation.errors import MessageRefused, PeerFailure, SessionEnded
from federation.flower.bundle import PLAN_KEY
from federation.flower.payload import MESSAGE_TYPE, packed, unpacked
from federation.flower.replies import FailedReply, Reply, failed_reply

#: Seconds between two looks at the SuperLink, which is on the same machine.
_POLL_SECONDS = 0.2
#: Seconds that an undelivered message or an unread reply is kept by the SuperLink: 12 hours.
_TTL_SECONDS = 12 * 3600.0


class Control:
    """One run's line to the SuperNodes. For one thread; not for use after the run.

    Every method raises `SessionEnded` once the run was stopped, and `PeerFailure` when the SuperLink
    does not answer.
    """

    def __init__(self, grid: Grid, run_id: int, plan_id: str, ended: threading.Event) -> None:
        self._grid = grid
        self._run_id = run_id
        self._plan_id = plan_id
        self._ended = ended
        self._waiting: dict[str, int] = {}
        self._forgotten: dict[str, int] = {}

    @property
    def plan_id(self) -> str:
        """The plan that this run was submitted for. From outside: look it up, never trust it.

        Any user of the coordinator's machine can submit a run (Flower's control interface has no
        authentication), though only with the pinned bundle.
        """
        return self._plan_id

    @property
    def run_id(self) -> int:
        """Flower's number for the run."""
        return self._run_id

    def online(self) -> dict[int, str]:
        """The SuperNodes that are online now: id -> since when (ISO 8601), which is new after a restart.

        A node that was killed counts as online until two heartbeats of 30 s are missed.
        """
        with self._guarded():
            nodes = list(self._grid.get_nodes())
        return {node.node_id: node.last_activated_at for node in nodes if node.status == "online"}

    def deliver(self, node_id: int, payload: bytes) -> None:
        """Queue one payload for a node. It is read when the node next asks: within 3 s if it is idle.

        Raises `PeerFailure` when the SuperLink does not take it for that node.
        """
        message = Message(packed(payload), node_id, MESSAGE_TYPE, ttl=_TTL_SECONDS)
        with self._guarded():
            taken = list(self._grid.push_messages([message]))
        if len(taken) != 1 or not taken[0]:
            raise PeerFailure(
                "the SuperLink takes no message for one of the nodes",
                advice="Check with `isthmus federation members` that every party of the plan is admitted.",
                code=Code.SUPERLINK,
            )
        self._waiting[taken[0]] = node_id

    def collect(self, timeout: float) -> dict[int, Reply]:
        """The replies that came since the last call, by node; empty when none came in `timeout` seconds.

        Returns as soon as there is one; `timeout` 0 looks once. A node's reply is returned once.
        """
        until = time.monotonic() + timeout
        while True:
            replies = self._pull()
            remaining = until - time.monotonic()
            if replies or remaining <= 0:
                return replies
            self._ended.wait(min(_POLL_SECONDS, remaining))

    def forget(self) -> None:
        """Wait no longer for the replies that are due; `returned` tells of those that come after all."""
        self._forgotten |= self._waiting
        self._waiting = {}

    def returned(self) -> frozenset[int]:
        """The nodes whose forgotten reply has come since the last call: they are there and idle again."""
        if not self._forgotten:
            return frozenset()
        with self._guarded():
            messages = list(self._grid.pull_messages(list(self._forgotten)))
        found = set()
        for message in messages:
            node = self._forgotten.pop(message.metadata.reply_to_message_id, None)
            reply = _read(message)
            # What Flower says of a message whose node went away is no sign of that node.
            if node is not None and not (isinstance(reply, FailedReply) and reply.lost):
                found.add(node)
        return frozenset(found)

    def _pull(self) -> dict[int, Reply]:
        if not self._waiting:
            self._check_running()
            return {}
        with self._guarded():
            messages = list(self._grid.pull_messages(list(self._waiting)))
        replies: dict[int, Reply] = {}
        for message in messages:
            node_id = self._waiting.pop(message.metadata.reply_to_message_id, None)
            if node_id is not None:
                replies[node_id] = _read(message)
        return replies

    def _check_running(self) -> None:
        if self._ended.is_set():
            raise _stopped()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self._check_running()
        try:
            yield
        except httpx.HTTPStatusError as error:
            if error.response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                raise _stopped() from None
            raise _superlink_failed() from None
        except httpx.TransportError:
            raise _superlink_failed() from None


def _read(message: Message) -> Reply:
    if message.has_error():
        return failed_reply(message.error.code, message.error.reason)
    try:
        return unpacked(message.content)
    except MessageRefused as error:
        return FailedReply(error.exit_code, error.cause)


def _stopped() -> SessionEnded:
    return SessionEnded("the coordinator", "the run was stopped")


def _superlink_failed() -> PeerFailure:
    return PeerFailure(
        "the SuperLink does not answer",
        advice="Look at flower/superlink.log in the federation's folder.",
        code=Code.SUPERLINK,
    )


def server_app(handler: Callable[[Control], None], ended: threading.Event) -> ServerApp:
    """A ServerApp that hands each run to `handler`; `ended` is set when the run is stopped outside."""

    def main(grid: Grid, context: Context) -> None:
        handler(Control(grid, context.run_id, str(context.run_config.get(PLAN_KEY, "")), ended))

    app = ServerApp()
    app.main()(main)
    return app


def _refuse(control: Control) -> None:
    raise UsageError(
        "this app runs inside the coordinator's own process only",
        advice="Use `isthmus federation start`; it takes the place of flower-superexec.",
    )


#: The app that the bundle names. It refuses: `CoordinatorExecutor` makes its own of the service's handler.
app = server_app(_refuse, threading.Event())
