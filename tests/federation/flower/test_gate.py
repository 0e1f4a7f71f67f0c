"""Who gets through the gate, and to what."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.fab_pb2 import Fab
from flwr.proto.fleet_pb2 import ActivateNodeRequest, PullMessagesRequest
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from crypto.certificates import CertificateAuthority
from crypto.errors import UsageError
from federation.flower.bundle import bundle
from federation.flower.fleet import BODY_LIMIT, REFUSED_HEADER
from federation.flower.gate import Gate
from federation.flower.keys import public_key_header, public_key_pem

FLEET = "/v1/fleet/pull-messages"
PROTOBUF = {"content-type": "application/protobuf", "accept": "application/protobuf"}


def context_for(authority_file: Path, identity: Any = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority_file)
    if identity is not None:
        context.load_cert_chain(identity.certificate_file, identity.key_file)
    return context


class Caller:
    """A client of the gate that does as it likes with its own certificate."""

    def __init__(self, cluster: Any, identity: Any) -> None:
        self.base = f"https://127.0.0.1:{cluster.gate.port}"
        context = context_for(cluster.aggregator.authority_file, identity)
        self.client = httpx.Client(verify=context, trust_env=False, timeout=60)

    def post(
        self, path: str, key: bytes | None = None, content: bytes = b"", headers: Any = ()
    ) -> httpx.Response:
        sent = [*PROTOBUF.items(), *headers]
        if key is not None:
            sent.append(("flwr-public-key", public_key_header(key).decode()))
        return self.client.post(self.base + path, headers=sent, content=content)

    def status(self, path: str, key: bytes | None = None, **more: Any) -> int:
        return self.post(path, key, **more).status_code

    def signed(self, identity: Any) -> FleetHttpClient:
        """Flower's own client with `identity`'s SuperNode key, over this caller's certificate."""
        key: Any = load_ssh_private_key(identity.supernode_key_file.read_bytes(), None)
        fleet = FleetHttpClient(self.base, interceptors=[NodeAuthHttpInterceptor(key, key.public_key())])
        fleet._client.close()
        fleet._client = self.client
        return fleet


@pytest.fixture(scope="module")
def spare(cluster: Any) -> Any:
    """A party of the federation that has no SuperNode running."""
    from_cluster: Any = type(cluster.aggregator)
    return from_cluster("spare", cluster.folder / "spare", cluster.authority)


@pytest.fixture
def admitted(cluster: Any, spare: Any) -> Iterator[Caller]:
    cluster.admitted["spare"] = spare.public_key
    caller = Caller(cluster, spare)
    yield caller
    caller.client.close()
    cluster.admitted.pop("spare", None)


def test_an_admitted_party_reaches_the_fleet_and_its_signature_is_checked_there(
    cluster: Any, spare: Any, admitted: Caller
) -> None:
    unsigned = admitted.post(FLEET, spare.public_key)
    assert REFUSED_HEADER not in unsigned.headers  # The SuperLink itself said no.
    assert unsigned.status_code in (400, 401)
    cluster.client.register(spare.public_key)
    node = admitted.signed(spare).ActivateNode(
        ActivateNodeRequest(public_key=public_key_pem(spare.public_key), heartbeat_interval=30)
    )
    assert node.node_id == cluster.client.register(spare.public_key)


def test_an_anonymous_client_gets_no_connection(cluster: Any) -> None:
    caller = Caller(cluster, None)
    with pytest.raises(httpx.TransportError):
        caller.post(FLEET)
    caller.client.close()


def test_a_certificate_of_another_authority_gets_no_connection(cluster: Any, tmp_path: Path) -> None:
    other = CertificateAuthority.create("test", dt.datetime.now(dt.UTC))
    mallory = type(cluster.aggregator)("bank-a", tmp_path / "mallory", other)
    caller = Caller(cluster, mallory)
    for path in (FLEET, "/v1/runtime/acquire-task", "/v1/control/start-run"):
        with pytest.raises(httpx.TransportError):
            caller.post(path, cluster.parties["bank-a"].identity.public_key)
    caller.client.close()


def test_tls_below_1_3_is_refused(cluster: Any, spare: Any) -> None:
    context = context_for(cluster.aggregator.authority_file, spare)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", cluster.gate.port), timeout=60) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="aggregator")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/runtime/acquire-task",
        "/v1/runtime/pull-task-input",
        "/v1/control/start-run",
        "/v1/control/list-nodes",
        "/docs",
        "/openapi.json",
        "/health",
        "/",
        "/v1/fleet/",
        "/v1/fleet/%2e%2e/control/start-run",
        "/v1/fleet/..%2fcontrol/start-run",
        "/v1/fleet/pull%2dmessages",
        "/v1//fleet/pull-messages",
        "/v1/fleet/pull-messages/../../control/start-run",
        "/v1/fleet/pull-messages?x=1",
        "//v1/fleet/pull-messages",
        "/V1/fleet/pull-messages",
    ],
)
def test_an_admitted_party_reaches_nothing_but_the_fleet(spare: Any, admitted: Caller, path: str) -> None:
    # Written by hand: httpx would tidy the path first.
    context = context_for(spare.authority_file, spare)
    host, port = admitted.base.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="aggregator") as stream,
    ):
        key = public_key_header(spare.public_key).decode()
        stream.sendall(
            f"POST {path} HTTP/1.1\r\nHost: aggregator\r\nflwr-public-key: {key}\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        assert b" 403 " in stream.recv(65536).split(b"\r\n", 1)[0]


def test_only_a_post_is_passed_on(spare: Any, admitted: Caller) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        assert admitted.client.request(method, admitted.base + FLEET).status_code == 403


def test_an_admitted_party_cannot_take_a_task_or_start_a_run(spare: Any, admitted: Caller) -> None:
    bodies = {
        "/v1/runtime/acquire-task": AcquireTaskRequest(supported_task_types=["flwr-serverapp"]),
        "/v1/control/start-run": StartRunRequest(fab=Fab(content=bundle())),
    }
    for path, body in bodies.items():
        assert admitted.status(path, spare.public_key, content=body.SerializeToString()) == 403


def test_a_party_cannot_use_another_partys_supernode(cluster: Any, spare: Any, admitted: Caller) -> None:
    """Even with the other's private key: the certificate says who calls."""
    victim = cluster.parties["bank-b"]
    stolen = admitted.signed(victim.identity)
    request = PullMessagesRequest(node=Node(node_id=victim.node_id))
    with pytest.raises(httpx.HTTPStatusError) as caught:
        stolen.PullMessages(request)
    assert caught.value.response.status_code == 403
    assert REFUSED_HEADER in caught.value.response.headers
    # The same request under the victim's own certificate shows that it was a good one.
    own = Caller(cluster, victim.identity)
    own.signed(victim.identity).PullMessages(request)
    own.client.close()


def test_a_second_key_header_does_not_help(cluster: Any, spare: Any, admitted: Caller) -> None:
    victim = public_key_header(cluster.parties["bank-b"].identity.public_key).decode()
    for headers in ([("flwr-public-key", victim)], [("FLWR-Public-Key", victim)]):
        assert admitted.status(FLEET, spare.public_key, headers=headers) == 400
    assert admitted.status(FLEET) == 403


def test_a_party_that_is_not_admitted_gets_nowhere(cluster: Any, spare: Any) -> None:
    caller = Caller(cluster, spare)
    for path in (FLEET, "/health", "/v1/control/list-runs"):
        assert caller.status(path, spare.public_key) == 403
    assert caller.status(FLEET, cluster.parties["bank-a"].identity.public_key) == 403
    caller.client.close()


def test_the_aggregators_own_certificate_is_no_partys(cluster: Any) -> None:
    caller = Caller(cluster, cluster.aggregator)
    assert caller.status(FLEET, cluster.parties["bank-a"].identity.public_key) == 403
    caller.client.close()


def test_a_removal_takes_effect_on_an_open_connection(cluster: Any, spare: Any, admitted: Caller) -> None:
    assert admitted.status(FLEET, spare.public_key) != 403
    del cluster.admitted["spare"]
    assert admitted.status(FLEET, spare.public_key) == 403


def test_an_admission_without_a_usable_key_admits_nobody(cluster: Any, admitted: Caller) -> None:
    cluster.admitted["spare"] = b"not a key"
    assert admitted.status(FLEET) == 403
    assert admitted.status(FLEET, headers=[("flwr-public-key", "")]) == 403


def test_a_body_beyond_the_limit_is_refused(spare: Any, admitted: Caller) -> None:
    try:
        status = admitted.status(FLEET, spare.public_key, content=bytes(BODY_LIMIT + 1))
    except httpx.WriteError:
        status = 413  # The gate closed the connection before all of it was sent.
    assert status == 413


def test_a_taken_port_is_named(cluster: Any) -> None:
    second = Gate(
        "127.0.0.1",
        cluster.gate.port,
        superlink_address=cluster.superlink.address,
        superlink_root_file=cluster.superlink.root_file,
        certificate_file=cluster.aggregator.certificate_file,
        key_file=cluster.aggregator.key_file,
        authority_file=cluster.aggregator.authority_file,
        admitted=dict,
    )
    with pytest.raises(UsageError, match=f"port {cluster.gate.port}") as caught:
        second.start()
    assert str(cluster.gate.port) in caught.value.advice
    second.stop()
