"""The aggregator as a service: SuperLink, gate, exchange and the coordinator's own executor.

SuperLink is a child process on loopback; parties reach it through the gate. The exchange relays sealed
envelopes. Nothing here can open one, and nothing here imports `parties`, pandas or torch.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from collections.abc import Callable

from federation import files
from federation.coordinator.conducting import Cancelled, conduct, end_interrupted
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.joining import Register
from federation.errors import IsthmusError, UsageError
from federation.exchange.server import Exchange
from federation.flower.child import check_port_free
from federation.flower.engine import CoordinatorExecutor, SuperLinkClient
from federation.flower.environment import quieten_this_process
from federation.flower.gate import Gate
from federation.flower.keys import public_key_pem
from federation.flower.server_app import Control
from federation.flower.superlink import SuperLink
from federation.ids import PartyId
from federation.joining.desk import Desk
from federation.lifecycle import Operation, Service
from federation.memory import give_back
from federation.serving.vitals import Vitals, certificate_end, disk_free

_LOOK_SECONDS = 1.0


class CoordinatorService(Service):
    """Everything the aggregator runs, between `start` and `stop`. `say` gets a sentence for people."""

    def __init__(
        self, home: CoordinatorHome, say: Callable[[str], None], operation: Operation | None = None
    ) -> None:
        super().__init__(say, operation)
        self._home = home
        self._executor: CoordinatorExecutor | None = None
        self._superlink: SuperLink | None = None
        self._exchange: Exchange | None = None
        self._state = "starting"

    def _start(self) -> None:
        home, settings = self._home, self._home.settings()
        self._stack.enter_context(home.running())
        # Before the SuperLink, which takes seconds to start.
        check_port_free(settings.gate.bare_host, settings.gate.port, "the gate")
        if settings.desk is not None:
            check_port_free(settings.desk.bare_host, settings.desk.port, "the admission desk")
        home.flower_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        quieten_this_process(home.flower_folder / "home")
        if home.renew_certificate(dt.datetime.now(dt.UTC)):
            self.tell("the aggregator has a new certificate", "certificate-renewed")
        exchange = Exchange(
            str(settings.exchange),
            home.authority(),
            home.tls_certificate(),
            home.tls_key(),
            lambda: frozenset(home.admitted_supernodes()),
        )
        exchange.start()
        self._exchange = exchange
        self._stack.callback(exchange.stop)
        interrupted = end_interrupted(home)
        for each in interrupted:
            then = "it goes on" if each.resumed else "it is ended"
            was = f"round {each.run} was not over when the service was killed; {then}"
            self.tell(was, "round-interrupted", level="warning", run=each.run)
        superlink = SuperLink(home.flower_folder, dt.datetime.now(dt.UTC))
        self._stack.callback(superlink.stop)
        superlink.start()
        self._superlink = superlink
        gate = Gate(
            settings.gate.bare_host,
            settings.gate.port,
            superlink_address=superlink.address,
            superlink_root_file=superlink.root_file,
            certificate_file=home.tls_certificate_file,
            key_file=home.tls_key_file,
            authority_file=home.authority_file,
            admitted=home.admitted_supernodes,
        )
        gate.start()
        self._stack.callback(gate.stop)
        if settings.desk is not None:
            desk = Desk(
                settings.desk.bare_host,
                settings.desk.port,
                Register(home),
                certificate_file=home.tls_certificate_file,
                key_file=home.tls_key_file,
                authority_file=home.authority_file,
                tell=lambda sentence: self.tell(sentence, "desk"),
            )
            desk.start()
            self._stack.callback(desk.stop)
        client = SuperLinkClient(superlink.address, superlink.root_file)
        self._stack.callback(client.close)
        members = _Members(home, client, lambda sentence: self.tell(sentence, "members"))
        members.register_new()
        for each in interrupted:
            if each.resumed:
                client.submit(each.run)
        self._executor = CoordinatorExecutor(
            superlink.address,
            superlink.secret_file,
            lambda control: self._conduct(members, control),
            self._stopping,
            root_file=superlink.root_file,
        )
        self._run_in_thread("rounds", self._executor.run)
        self._run_in_thread("members", lambda: members.watch(self._stopping))
        port = self._open_pages()
        self._state = "idle"
        files.write_json(
            home.service_file,
            {
                "pid": os.getpid(),
                "superlink": superlink.address,
                "superlink_root": str(superlink.root_file),
                "gate": str(settings.gate),
                "exchange": str(settings.exchange),
                "metrics_port": port,
            },
        )
        self._stack.callback(lambda: home.service_file.unlink(missing_ok=True))

    def vitals(self) -> Vitals:
        """How the service is now."""
        executor, exchange = self._executor, self._exchange
        relayed = None if exchange is None else exchange.relayed()
        superlink = self._superlink is not None and self._superlink.running
        members = None
        with contextlib.suppress(IsthmusError):  # A member's record that is being edited.
            members = len(self._home.admitted_supernodes())
        return Vitals(
            "aggregator",
            "stopping" if self._stopping.is_set() else self._state,
            {
                "SuperLink": superlink and executor is not None and executor.last_error is None,
                "exchange": relayed is not None,
            },
            certificate_end(self._home),
            disk_free(self._home),
            {} if relayed is None else dict(relayed.traffic.items()),
            members,
            None if relayed is None else relayed.open,
        )

    def _look(self) -> None:
        if self._superlink is not None and not self._superlink.running:
            sentence = "the SuperLink ended; it is started again and goes on from its database"
            self.tell(sentence, "superlink", level="warning")
            self._superlink.start()
        if self._executor is not None:
            error = self._executor.last_error
            trouble = (
                f"a round could not be taken from the SuperLink ({error})" if error is not None else None
            )
            self._tell_trouble("the SuperLink", trouble)

    def _tell_disk(self, error: UsageError | None) -> None:
        """A round is over and its end cannot be written down: until it can, no other begins."""
        if error is None:
            self._tell_trouble("its disk", None)
        else:
            self._tell_trouble("its disk", f"{error} (next: {error.advice})", error.cause)

    def _conduct(self, members: _Members, control: Control) -> None:
        try:
            self._run(members, control)
        finally:
            give_back()

    def _run(self, members: _Members, control: Control) -> None:
        # A name from outside stands in the log once it is known to be a round's.
        run = control.plan_id if control.plan_id in self._home.runs() else None
        if run is not None:
            self.tell(f"round {run} begins", "round-begun", run=run)
        self._state = "running"
        self._tally.begun()
        try:
            conduct(self._home, members.node_ids, control, self._stopping.is_set, self._tell_disk)
        except BaseException as error:
            counts = self._tally.ended("cancelled" if isinstance(error, Cancelled) else "failed")
            self._state = "idle"
            if isinstance(error, IsthmusError):
                sentence = f"round {control.plan_id}: {error.cause}"
                logged = f"round {run or 'that nobody submitted here'}: {error.told}"
                self.tell(
                    sentence,
                    "round-ended",
                    level="error",
                    run=run,
                    peer=error.party,
                    logged=logged,
                    code=error.told_code.value,
                    counts=counts,
                )
            raise
        counts = self._tally.ended("finished")
        self._state = "idle"
        self.tell(f"round {run} is finished", "round-finished", run=run, counts=counts)


class _Members:
    """Registers every admitted SuperNode at the SuperLink, also those admitted while it runs."""

    def __init__(self, home: CoordinatorHome, client: SuperLinkClient, tell: Callable[[str], None]) -> None:
        self._home = home
        self._client = client
        self._tell = tell
        self._lock = threading.Lock()
        self._nodes: dict[bytes, int] = {}

    def register_new(self) -> None:
        with self._lock:
            for party, key in self._home.admitted_supernodes().items():
                pem = public_key_pem(key)
                if pem not in self._nodes:
                    self._nodes[pem] = self._client.register(key)
                    self._tell(f"{party} may connect")

    def node_ids(self) -> dict[PartyId, int]:
        """Flower's node id of each admitted party."""
        self.register_new()
        with self._lock:
            return {
                PartyId(party): self._nodes[public_key_pem(key)]
                for party, key in self._home.admitted_supernodes().items()
            }

    def watch(self, stop: threading.Event) -> None:
        while not stop.wait(_LOOK_SECONDS):
            try:
                self.register_new()
            except IsthmusError as error:
                self._tell(f"cannot register a member: {error.what}")
                if stop.wait(10 * _LOOK_SECONDS):
                    return
