"""The party node: SuperNode, tunnel, executor. Runs next to the data; reaches out, listens on loopback only.

An order that arrives over Flower is checked by `round.acceptance` and run by `participation` in
this process. The bundle that comes with it is compared with the pinned hash and never unpacked.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable

from crypto.certificates import check_issued_by, expires, is_due
from crypto.codes import Code, coded
from crypto.errors import IsthmusError, UsageError
from federation import files
from federation.clock import timestamp
from federation.errors import SessionEnded
from federation.flower.engine import PartyExecutor
from federation.flower.environment import quieten_this_process
from federation.flower.loopback import LoopbackTls
from federation.flower.supernode import SuperNode
from federation.flower.tunnel import Tunnel
from federation.ids import RunId
from federation.lifecycle import Operation, Service
from federation.memory import give_back
from federation.order import TAKEN_BEFORE, Order
from federation.serving.vitals import Vitals, certificate_end, disk_free
from federation.transport.exchange import ExchangeTransport
from federation.transport.interface import Transport
from federation.transport.metered import MeteredTransport
from parties.admission import Admission
from parties.home import PartyHome
from parties.joining import renew
from parties.participation import NodeStopped, ran_before, stop_part, take_part
from parties.round.acceptance import Accepted, accept

#: How long the SuperNode gets to carry the last reply away; Flower looks for one every three seconds.
_REPLY_SECONDS = 8.0
#: What it takes to send the reply's parts after its head.
_PARTS_SECONDS = 1.0
_DISK = "its disk"


class PartyNode(Service):
    """Everything a party runs, between `start` and `stop`. `say` gets a sentence for people."""

    def __init__(
        self, home: PartyHome, say: Callable[[str], None], operation: Operation | None = None
    ) -> None:
        super().__init__(say, operation)
        self._home = home
        self._supernode: SuperNode | None = None
        self._tunnel: Tunnel | None = None
        self._executor: PartyExecutor | None = None
        self._writing = threading.RLock()
        self._facts: dict[str, object] = {}  # what node.json says
        self._unwritten: dict[str, object] | None = None  # what a full disk did not take
        self._metrics_port: int | None = None
        self._state = "starting"
        self._seating = threading.Lock()
        self._seat: tuple[Accepted, ExchangeTransport] | None = None  # in the session of a round

    def _start(self) -> None:
        home, admission = self._home, self._home.admission()
        now = dt.datetime.now(dt.UTC)
        admission = self._renewed(admission, now)
        home.tls_key()  # The tunnel reads the file itself; what is wrong with it is told before it starts.
        check_issued_by(home.tls_certificate(), home.authority(), now)
        self._stack.enter_context(home.running())
        home.flower_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        quieten_this_process(home.flower_folder / "home")
        # Torch makes this folder when it first trains: in the party's own, not in the temporary one.
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(home.flower_folder / "torch"))
        tls = LoopbackTls.create(home.flower_folder, now)
        self._tunnel = Tunnel(
            str(admission.gate),
            certificate_file=home.tls_certificate_file,
            key_file=home.tls_key_file,
            authority_file=home.authority_file,
            public_key=home.supernode_public_key(),
            tls=tls,
        )
        self._tunnel.start()
        self._stack.callback(self._tunnel.stop)
        tunnel = self._tunnel
        self._supernode = SuperNode(
            home.flower_folder,
            tunnel.address,
            home.supernode_key_file,
            tls,
            lambda sentence: self.tell(sentence, "supernode"),
            silence=lambda: tunnel.silence,
        )
        self._stack.callback(self._supernode.stop)
        self._supernode.start()
        self._executor = PartyExecutor(
            self._supernode.runtime_address,
            self._supernode.secret_file,
            lambda payload: self._answer(admission, payload),
            self._stopping,
            root_file=self._supernode.root_file,
        )
        self._run_in_thread("orders", self._executor.run)
        self._metrics_port = self._open_pages()
        self._set_state("idle")
        self._stack.callback(lambda: home.node_file.unlink(missing_ok=True))

    def vitals(self) -> Vitals:
        """How the node is now. The exchange is needed in a round only."""
        supernode, tunnel = self._supernode, self._tunnel
        gate = supernode is not None and supernode.node_id is not None
        with self._seating:
            seat = self._seat
        return Vitals(
            "party",
            "stopping" if self._stopping.is_set() else self._state,
            {
                "gate": gate and tunnel is not None and tunnel.last_error is None,
                "exchange": None if seat is None else bool(seat[1].members_present()),
            },
            certificate_end(self._home),
            disk_free(self._home),
        )

    def _finish_work(self) -> None:
        """In the middle of a round: tell the others why this party leaves it, and let the reply be carried
        away that says so to the coordinator."""
        with self._seating:
            seat = self._seat
        tunnel, at_once = self._tunnel, self._operation.at_once
        if seat is None or tunnel is None:
            super()._finish_work()
            return
        run, replies = seat[0].order.run, tunnel.replies
        self.tell(f"stopping in the midst of {run}; the others are told", "stopping-in-round", run=run)
        stop_part(self._home, *seat)
        super()._finish_work()
        until = time.monotonic() + (0.0 if self.cut_off else _REPLY_SECONDS)
        while tunnel.replies == replies and tunnel.last_error is None and time.monotonic() < until:
            if at_once.wait(0.1):
                return
        if tunnel.replies != replies:
            at_once.wait(_PARTS_SECONDS)

    def _renewed(self, admission: Admission, now: dt.datetime) -> Admission:
        """The admission, with a new certificate where the old one has less than a third of its time left."""
        home = self._home
        if admission.desk is None or not is_due(home.tls_certificate(), now):
            return admission
        try:
            renewed = renew(home, now).admission
        except IsthmusError as error:
            until = f"{expires(home.tls_certificate()):%Y-%m-%d}"
            sentence = f"the certificate ends on {until} and was not renewed: {error.what}"
            self.tell(sentence, "certificate-ends", level="warning")
            return admission
        good = f"a new certificate, good until {expires(renewed.certificate):%Y-%m-%d}"
        self.tell(good, "certificate-renewed")
        return renewed

    def _look(self) -> None:
        """Raises `PeerFailure` when the SuperNode cannot join."""
        with self._writing:
            if self._unwritten is not None:
                self._write_state(self._unwritten)
        if self._supernode is not None:
            self._supernode.check()
        if self._tunnel is not None:
            self._tell_trouble("the gate", self._tunnel.last_error)
        if self._executor is not None:
            error = self._executor.last_error
            trouble = f"an order could not be taken or answered ({error})" if error is not None else None
            self._tell_trouble("the SuperNode", trouble)
        with self._writing:
            if self._facts and self._facts.get("troubles") != self._standing():
                self._write_state({**self._facts, "troubles": self._standing()})

    def _standing(self) -> list[str]:
        """What does not answer now, for `isthmus party status`."""
        return [trouble for of, trouble in self._troubles.items() if trouble is not None and of != _DISK]

    def _answer(self, admission: Admission, payload: bytes) -> bytes:
        try:
            return self._run(admission, payload)
        finally:
            give_back()

    def _run(self, admission: Admission, payload: bytes) -> bytes:
        """Run one order. What is raised goes back as its cause; the reply itself holds nothing."""
        run: RunId | None = None
        try:
            # Opened here too, so that a refusal can name the round.
            order = Order.open(payload, admission.coordinator, self._home.name())
            run = order.run
            if ran_before(self._home, order):
                return TAKEN_BEFORE  # Another copy: the coordinator saw no sign of the first in time.
            accepted = accept(self._home, payload)
            doing = f"taking part in {run} ({accepted.order.plan.name}) as {accepted.role.value}"
            self.tell(doing, "round-begun", run=run)
            self._set_state("running", run)
            self._tally.begun()
            self._take_part(admission, accepted)
        except IsthmusError as error:
            # The file and the next step are for this party's own people; the others hear the cause alone.
            ended = f"{run or 'an order'} ended: "
            told = f"{ended}{coded(error.code, str(error))} (next: {error.advice})"
            counts = self._tally.ended("stopped" if isinstance(error, NodeStopped) else "failed")
            peer = error.by if isinstance(error, SessionEnded) else error.party
            self.tell(
                told,
                "round-ended",
                level="error",
                run=run,
                peer=peer,
                logged=ended + error.told,
                code=error.told_code.value,
                counts=counts,
            )
            self._set_state("idle", run, error.cause, error.advice, error.code)
            raise
        except BaseException as error:
            cause = coded(Code.UNFORESEEN, f"internal error ({type(error).__name__})")
            counts = self._tally.ended("failed")
            sentence, code = f"{run or 'an order'} ended: {cause}", Code.UNFORESEEN.value
            self.tell(sentence, "round-ended", level="error", run=run, code=code, counts=counts)
            self._set_state("idle", run, cause, code=Code.UNFORESEEN)
            raise
        counts = self._tally.ended("finished")
        self.tell(f"{run} is finished", "round-finished", run=run, counts=counts)
        self._set_state("idle", run)
        return b"done"

    def _take_part(self, admission: Admission, accepted: Accepted) -> None:
        """Raises what ended the round; `NodeStopped` where this node's own people did."""
        me = self._home.name()
        try:
            take_part(self._home, accepted, lambda accepted: self._connect(admission, accepted))
        except SessionEnded as ended:
            if ended.by == me and self._stopping.is_set():
                raise NodeStopped(me) from ended
            raise
        finally:
            with self._seating:
                self._seat = None

    def _connect(self, admission: Admission, accepted: Accepted) -> Transport:
        """The seat in the round's session, which `_finish_work` can end."""
        with self._seating:
            if self._stopping.is_set():
                raise NodeStopped(self._home.name())
            seat = self._sit(admission, accepted)
            self._seat = accepted, seat
        return MeteredTransport(seat, self._tally)

    def _sit(self, admission: Admission, accepted: Accepted) -> ExchangeTransport:
        home = self._home
        return ExchangeTransport(
            accepted.order.party,
            accepted.seating.meeting,
            str(admission.exchange),
            home.authority(),
            home.tls_certificate(),
            home.tls_key(),
            send_timeout=accepted.seating.patience,
        )

    def _set_state(
        self, state: str, run: str | None = None, cause: str = "", advice: str = "", code: Code | None = None
    ) -> None:
        """`code`: of the error as this party's own people hear it; the cause's may be coarser."""
        self._state = state
        facts = {"state": state, "run": run, "cause": cause, "code": code, "advice": advice}
        with self._writing:
            self._write_state(
                {
                    "pid": os.getpid(),
                    **facts,
                    "since": timestamp(),
                    "metrics_port": self._metrics_port,
                    "troubles": self._standing(),
                }
            )

    def _write_state(self, facts: dict[str, object]) -> None:
        """Or keep it for the next look: a disk that is full hides nothing of what ended the round."""
        self._facts, self._unwritten = facts, None
        try:
            files.write_json(self._home.node_file, facts)
        except UsageError as error:
            self._unwritten = facts
            self._tell_trouble(_DISK, f"{error} (next: {error.advice})", error.cause)
        else:
            self._tell_trouble(_DISK, None)
