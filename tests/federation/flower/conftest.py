"""A whole control plane on loopback: SuperLink, gate, and two parties with tunnel, SuperNode, executor."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crypto.certificates import CertificateAuthority, certificate_request, new_tls_key
from federation.flower.engine import CoordinatorExecutor, PartyExecutor, RunStatus, SuperLinkClient
from federation.flower.gate import Gate
from federation.flower.keys import new_supernode_key, supernode_public_key
from federation.flower.loopback import LoopbackTls
from federation.flower.server_app import Control
from federation.flower.superlink import SuperLink
from federation.flower.supernode import SuperNode
from federation.flower.tunnel import Tunnel

NOW = dt.datetime.now(dt.UTC)


@dataclass
class Identity:
    """One TLS identity on disk, and a SuperNode key."""

    name: str
    folder: Path
    authority: CertificateAuthority
    public_key: bytes = b""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        key = new_tls_key()
        request = certificate_request(key, self.name)
        issue = (
            self.authority.issue_aggregator(request, NOW)
            if self.name == "aggregator"
            else self.authority.issue_party(request, self.name, NOW)
        )
        self.key_file.write_bytes(key)
        self.certificate_file.write_bytes(issue)
        self.authority_file.write_bytes(self.authority.certificate_pem)
        private = new_supernode_key()
        self.supernode_key_file.write_bytes(private)
        self.supernode_key_file.chmod(0o600)
        self.public_key = supernode_public_key(private)

    @property
    def key_file(self) -> Path:
        return self.folder / "tls.key"

    @property
    def certificate_file(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def authority_file(self) -> Path:
        return self.folder / "authority.crt"

    @property
    def supernode_key_file(self) -> Path:
        return self.folder / "supernode.key"


@dataclass
class Party:
    identity: Identity
    tunnel: Tunnel
    supernode: SuperNode
    handler: Callable[[bytes], bytes]
    told: list[str] = field(default_factory=list)
    node_id: int = 0

    def answer(self, payload: bytes) -> bytes:
        return self.handler(payload)


class Cluster:
    """Everything of one federation; `conduct` and each party's `handler` are swapped by the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stop_event = threading.Event()
        self.authority = CertificateAuthority.create("test", NOW)
        self.aggregator = Identity("aggregator", folder / "aggregator", self.authority)
        self.superlink = SuperLink(folder / "superlink", NOW)
        self.admitted: dict[str, bytes] = {}
        self.gate = Gate(
            "127.0.0.1",
            0,
            superlink_address=self.superlink.address,
            superlink_root_file=self.superlink.root_file,
            certificate_file=self.aggregator.certificate_file,
            key_file=self.aggregator.key_file,
            authority_file=self.aggregator.authority_file,
            admitted=lambda: self.admitted,
        )
        self.parties: dict[str, Party] = {}
        self.conduct: Callable[[Control], None] = lambda control: None
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        self.superlink.start()
        self.gate.start()
        self.client = SuperLinkClient(self.superlink.address, self.superlink.root_file)
        for name in ("bank-a", "bank-b"):
            self.parties[name] = self._party(name)
        for party in self.parties.values():
            party.supernode.start()
            executor = PartyExecutor(
                party.supernode.runtime_address,
                party.supernode.secret_file,
                party.answer,
                self.stop_event,
                root_file=party.supernode.root_file,
            )
            self._spawn(executor.run)
        self.start_coordinator()
        for party in self.parties.values():
            assert party.supernode.wait_joined(180) == party.node_id

    def start_coordinator(self, handler: Callable[[Control], None] | None = None) -> None:
        self.coordinator_stop = threading.Event()
        executor = CoordinatorExecutor(
            self.superlink.address,
            self.superlink.secret_file,
            handler or (lambda control: self.conduct(control)),
            self.coordinator_stop,
            root_file=self.superlink.root_file,
        )
        self.coordinator_thread = threading.Thread(target=executor.run, daemon=True)
        self.coordinator_thread.start()

    def stop_coordinator(self) -> None:
        self.coordinator_stop.set()
        self.coordinator_thread.join(120)
        assert not self.coordinator_thread.is_alive()

    def _party(self, name: str) -> Party:
        identity = Identity(name, self.folder / name, self.authority)
        self.admitted[name] = identity.public_key
        tls = LoopbackTls.create(identity.folder, NOW)
        tunnel = Tunnel(
            f"127.0.0.1:{self.gate.port}",
            certificate_file=identity.certificate_file,
            key_file=identity.key_file,
            authority_file=identity.authority_file,
            public_key=identity.public_key,
            tls=tls,
        )
        tunnel.start()
        told: list[str] = []
        supernode = SuperNode(
            identity.folder / "flower", tunnel.address, identity.supernode_key_file, tls, told.append
        )
        party = Party(identity, tunnel, supernode, lambda payload: payload, told)
        party.node_id = self.client.register(identity.public_key)
        return party

    def _spawn(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def round(self, conduct: Callable[[Control], None], timeout: float = 180) -> RunStatus:
        self.conduct = conduct
        return self.finished(self.client.submit("plan-7"), timeout)

    def finished(self, run_id: int, timeout: float = 180) -> RunStatus:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            status = self.client.status(run_id)
            if status.state == "finished":
                return status
            time.sleep(0.1)
        raise TimeoutError(f"run did not finish: {status}")

    def close(self) -> None:
        self.stop_event.set()
        if hasattr(self, "coordinator_stop"):
            self.stop_coordinator()
        for thread in self.threads:
            thread.join(120)
        for party in self.parties.values():
            party.supernode.stop()
            party.tunnel.stop()
        if hasattr(self, "client"):
            self.client.close()
        self.gate.stop()
        self.superlink.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        running.start()
        yield running
    finally:
        running.close()
