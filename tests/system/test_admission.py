"""Who is not admitted gets nowhere: no stream, no fleet path, no task, no run; and nothing listens beside."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.fab_pb2 import Fab
from flwr.proto.runtime_pb2 import AcquireTaskRequest

from crypto.certificates import CertificateAuthority, certificate_request, new_tls_key
from federation.exchange.frames import NO_GENERATION, Frame, Join, Open, encode
from federation.exchange.service import CHANNEL_OPTIONS, METHOD
from federation.flower.bundle import bundle
from federation.flower.engine import SuperLinkClient
from federation.flower.keys import public_key_header
from federation.ids import AGGREGATOR, PartyId, RunId
from parties.home import PartyHome
from tests.system.federation import Federation, command, descendants
from tests.system.sockets import End, listening, speaking_to

FLEET = ("/v1/fleet/activate-node", "/v1/fleet/pull-messages", "/v1/fleet/push-messages")
RUNTIME, CONTROL = "/v1/runtime/acquire-task", "/v1/control/start-run"
BODIES = {
    RUNTIME: AcquireTaskRequest(supported_task_types=["flwr-serverapp"]).SerializeToString(),
    CONTROL: StartRunRequest(fab=Fab(content=bundle())).SerializeToString(),
}
PROTOBUF = {"content-type": "application/protobuf", "accept": "application/protobuf"}
RUN = RunId("20260101-000000-abcdef")


@dataclass(frozen=True)
class Papers:
    """What somebody shows. `certificate` None: nothing at all. `key`: the SuperNode key that is claimed."""

    root: Path
    certificate: Path | None = None
    tls_key: Path | None = None
    supernode: bytes = b""

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.root))
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.tls_key)
        return context


def of_home(folder: Path) -> Papers:
    home = PartyHome.open(folder)
    return Papers(
        home.authority_file, home.tls_certificate_file, home.tls_key_file, home.supernode_public_key()
    )


@pytest.fixture(scope="module")
def anonymous(federation: Federation) -> Papers:
    bank = of_home(federation.party("bank"))
    return Papers(bank.root, supernode=bank.supernode)


@pytest.fixture(scope="module")
def forger(federation: Federation) -> Papers:
    """A certificate for `bank` by a self-made authority of the federation's own name."""
    return _issued(federation, "forger", CertificateAuthority.create("test", dt.datetime.now(dt.UTC)))


@pytest.fixture(scope="module")
def foreigner(federation: Federation) -> Papers:
    """A member called `bank` of another federation."""
    home = federation.folder / "foreign"
    command("federation", "init", "foreign", "--home", home)
    key = (home / "secret" / "authority.key").read_bytes()
    return _issued(federation, "foreigner", CertificateAuthority(key, (home / "authority.pem").read_bytes()))


def _issued(federation: Federation, name: str, authority: CertificateAuthority) -> Papers:
    folder = federation.folder / name
    folder.mkdir()
    key = new_tls_key()
    certificate = authority.issue_party(certificate_request(key, "bank"), "bank", dt.datetime.now(dt.UTC))
    (folder / "tls.key").write_bytes(key)
    (folder / "tls.pem").write_bytes(certificate)
    bank = of_home(federation.party("bank"))
    return Papers(bank.root, folder / "tls.pem", folder / "tls.key", bank.supernode)


@pytest.fixture(scope="module")
def former(federation: Federation) -> Papers:
    """A member that was admitted by the right authority, and removed while the service runs."""
    federation.admit("former", federation.fingerprint)
    papers = of_home(federation.party("former"))
    before = post(federation, papers, FLEET[0])
    assert before not in (None, 403)  # While it was a member the gate let it through.
    command("federation", "remove", "former", "--home", federation.home)
    return papers


@pytest.fixture
def papers(request: pytest.FixtureRequest) -> Papers:
    found: Papers = request.getfixturevalue(request.param)
    return found


def post(federation: Federation, papers: Papers, path: str) -> int | None:
    """The gate's answer; None when there was not even a connection."""
    headers = {**PROTOBUF, "flwr-public-key": public_key_header(papers.supernode).decode()}
    with httpx.Client(verify=papers.context(), trust_env=False, timeout=60) as client:
        try:
            url = f"https://{federation.gate.replace('127.0.0.1', 'localhost')}{path}"
            return client.post(url, headers=headers, content=BODIES.get(path, b"")).status_code
        except httpx.TransportError:
            return None


def stream(federation: Federation, papers: Papers, first: Frame) -> grpc.StatusCode:
    """How a stream at the exchange ends that begins with `first`."""
    own = None if papers.certificate is None else papers.certificate.read_bytes()
    key = None if papers.tls_key is None else papers.tls_key.read_bytes()
    credentials = grpc.ssl_channel_credentials(papers.root.read_bytes(), key, own)
    options = (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", "aggregator"))
    with grpc.secure_channel(federation.exchange, credentials, options=options) as channel:
        try:
            for _ in channel.stream_stream(METHOD)(iter([encode(first)]), timeout=60):
                pass
        except grpc.RpcError as refused:
            code: grpc.StatusCode = refused.code()
            return code
    return grpc.StatusCode.OK


def join(party: str) -> Join:
    return Join(RUN, PartyId(party), b"raw-incarnation!", NO_GENERATION)


def take_over() -> Open:
    return Open(RUN, b"raw-incarnation!", 60, (PartyId("bank"), PartyId("platform")))


@pytest.mark.parametrize("papers", ["anonymous", "forger", "foreigner"], indirect=True)
def test_without_this_federations_certificate_there_is_no_connection(
    federation: Federation, papers: Papers
) -> None:
    assert [post(federation, papers, path) for path in (*FLEET, RUNTIME, CONTROL)] == [None] * 5
    for first in (join("bank"), take_over()):
        assert stream(federation, papers, first) is grpc.StatusCode.UNAVAILABLE


def test_a_removed_member_is_refused_at_both_doors_at_once(federation: Federation, former: Papers) -> None:
    assert [post(federation, former, path) for path in (*FLEET, RUNTIME, CONTROL)] == [403] * 5
    for first in (join("former"), join("bank"), take_over()):
        assert stream(federation, former, first) is grpc.StatusCode.UNAUTHENTICATED


def test_a_member_reaches_fleet_paths_with_its_own_key_alone(federation: Federation) -> None:
    bank, platform = (of_home(federation.party(name)) for name in ("bank", "platform"))
    assert post(federation, bank, FLEET[1]) in (400, 401)  # The SuperLink misses the signature.
    borrowed = Papers(bank.root, bank.certificate, bank.tls_key, platform.supernode)
    assert [post(federation, borrowed, path) for path in FLEET] == [403] * 3
    assert [post(federation, bank, path) for path in (RUNTIME, CONTROL)] == [403, 403]


def test_a_member_takes_neither_anothers_seat_nor_the_aggregators(federation: Federation) -> None:
    bank = of_home(federation.party("bank"))
    refusals: dict[Callable[[], Frame], grpc.StatusCode] = {
        lambda: join("platform"): grpc.StatusCode.PERMISSION_DENIED,
        lambda: join(AGGREGATOR): grpc.StatusCode.PERMISSION_DENIED,
        take_over: grpc.StatusCode.PERMISSION_DENIED,
        lambda: join("bank"): grpc.StatusCode.NOT_FOUND,  # Its own seat, in no session that is open.
    }
    for first, code in refusals.items():
        assert stream(federation, bank, first()) is code


@pytest.mark.usefixtures("finished")
def test_a_stranger_on_the_coordinators_machine_gets_no_task_and_starts_no_round(
    federation: Federation,
) -> None:
    service = json.loads((federation.home / "service.json").read_text())
    context = ssl.create_default_context(cafile=service["superlink_root"])
    with httpx.Client(verify=context, trust_env=False, timeout=60) as client:
        url = f"https://{service['superlink']}{RUNTIME}"
        assert client.post(url, headers=PROTOBUF, content=BODIES[RUNTIME]).status_code == 401
    # Flower's control interface asks nobody who he is; so a run that was not submitted here is no round.
    rounds = sorted((federation.home / "rounds").iterdir())
    control = SuperLinkClient(service["superlink"], Path(service["superlink_root"]))
    try:
        run = control.submit("../../anything")
        federation.wait_for(lambda: control.status(run).state == "finished", "its end", "federation")
        assert control.status(run).outcome == "failed"
        assert "no such round was submitted here" in control.status(run).detail
    finally:
        control.close()
    assert sorted((federation.home / "rounds").iterdir()) == rounds
    federation.wait_idle()


@pytest.mark.usefixtures("finished")
def test_nothing_listens_or_speaks_beyond_loopback_but_the_three_doors(federation: Federation) -> None:
    aggregator = descendants(federation.pid("federation"))
    doors = {
        End(host, int(port))
        for host, port in (
            address.split(":") for address in (federation.gate, federation.exchange, federation.desk)
        )
    }
    found = listening(aggregator)
    assert doors < found
    assert all(end.is_loopback for end in found)
    # Beside the three doors there is the SuperLink's one port, and it is Flower's own process that has it.
    service = json.loads((federation.home / "service.json").read_text())
    assert {str(end) for end in found - doors} == {service["superlink"]}
    assert listening({federation.pid("federation")}) == doors
    for party in federation.names:
        tree = descendants(federation.pid(party))
        assert len(listening(tree)) == 2  # The tunnel, and the SuperNode's runtime interface.
        assert all(end.is_loopback for end in listening(tree) | speaking_to(tree))
