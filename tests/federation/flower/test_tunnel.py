"""What leaves through a party's tunnel, and to whom."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypto.certificates import CertificateAuthority
from federation.flower.child import free_port
from federation.flower.gate import Gate
from federation.flower.keys import public_key_header
from federation.flower.loopback import LoopbackTls
from federation.flower.tunnel import Tunnel
from federation.tls import trusting

FLEET = "/v1/fleet/pull-messages"


@contextmanager
def tunnel_to(
    identity: Any, gate_address: str, folder: Path, now: dt.datetime
) -> Iterator[tuple[Tunnel, Any]]:
    tls = LoopbackTls.create(folder, now)
    tunnel = Tunnel(
        gate_address,
        certificate_file=identity.certificate_file,
        key_file=identity.key_file,
        authority_file=identity.authority_file,
        public_key=identity.public_key,
        tls=tls,
    )
    tunnel.start()
    client = httpx.Client(verify=trusting(tls.certificate_file), trust_env=False, timeout=60)

    def post(path: str, key: bytes = identity.public_key) -> httpx.Response:
        headers = {
            "flwr-public-key": public_key_header(key).decode(),
            "content-type": "application/protobuf",
            "accept": "application/protobuf",
        }
        return client.post(f"https://{tunnel.address}{path}", headers=headers)

    try:
        yield tunnel, post
    finally:
        client.close()
        tunnel.stop()


@pytest.fixture(scope="module")
def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def gate_of(cluster: Any, identity: Any) -> Iterator[Gate]:
    """A gate that shows `identity`'s certificate."""
    gate = Gate(
        "127.0.0.1",
        0,
        superlink_address=cluster.superlink.address,
        superlink_root_file=cluster.superlink.root_file,
        certificate_file=identity.certificate_file,
        key_file=identity.key_file,
        authority_file=identity.authority_file,
        admitted=dict,
    )
    gate.start()
    try:
        yield gate
    finally:
        gate.stop()


def test_nothing_but_this_partys_fleet_requests_leaves(
    cluster: Any, tmp_path: Path, now: dt.datetime
) -> None:
    a, b = cluster.parties["bank-a"].identity, cluster.parties["bank-b"].identity
    with tunnel_to(a, f"127.0.0.1:{cluster.gate.port}", tmp_path, now) as (tunnel, post):
        assert post(FLEET).status_code in (400, 401)  # It arrived: the SuperLink asks for a signature.
        for path in ("/v1/control/list-runs", "/v1/runtime/acquire-task", "/health"):
            assert post(path).status_code == 403
        assert post(FLEET, b.public_key).status_code == 403
        assert tunnel.last_error is None


def test_a_gate_that_is_away_is_named_and_waited_out(cluster: Any, tmp_path: Path, now: dt.datetime) -> None:
    address = f"127.0.0.1:{free_port()}"
    with tunnel_to(cluster.parties["bank-a"].identity, address, tmp_path, now) as (tunnel, post):
        assert post(FLEET).status_code == 502
        assert tunnel.last_error == f"the gate at {address} cannot be reached (ConnectError)"


def test_a_refused_party_waits_and_is_told_why(cluster: Any, tmp_path: Path, now: dt.datetime) -> None:
    outsider = type(cluster.aggregator)("outsider", tmp_path / "outsider", cluster.authority)
    with tunnel_to(outsider, f"127.0.0.1:{cluster.gate.port}", tmp_path, now) as (tunnel, post):
        assert post(FLEET).status_code == 503
        assert tunnel.last_error is not None
        assert "has not admitted this party" in tunnel.last_error
        cluster.admitted["outsider"] = outsider.public_key
        assert post(FLEET).status_code in (400, 401)
        assert tunnel.last_error is None
        del cluster.admitted["outsider"]


def test_a_party_cannot_stand_in_for_the_gate(cluster: Any, tmp_path: Path, now: dt.datetime) -> None:
    a, b = cluster.parties["bank-a"].identity, cluster.parties["bank-b"].identity
    with (
        gate_of(cluster, b) as false_gate,
        tunnel_to(a, f"127.0.0.1:{false_gate.port}", tmp_path, now) as (tunnel, post),
    ):
        assert post(FLEET).status_code == 502
        assert "not the aggregator's of this federation" in (tunnel.last_error or "")


def test_another_federations_aggregator_is_not_trusted(
    cluster: Any, tmp_path: Path, now: dt.datetime
) -> None:
    other = CertificateAuthority.create("test", now)
    stranger = type(cluster.aggregator)("aggregator", tmp_path / "stranger", other)
    with (
        gate_of(cluster, stranger) as false_gate,
        tunnel_to(cluster.parties["bank-a"].identity, f"127.0.0.1:{false_gate.port}", tmp_path, now) as (
            tunnel,
            post,
        ),
    ):
        assert post(FLEET).status_code == 502
        assert "not the aggregator's of this federation" in (tunnel.last_error or "")


def test_the_tunnel_is_known_only_by_its_own_certificate(cluster: Any) -> None:
    address = cluster.parties["bank-a"].tunnel.address
    with (
        httpx.Client(verify=ssl.create_default_context(), trust_env=False) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.post(f"https://{address}{FLEET}")
