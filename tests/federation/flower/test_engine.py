"""The contract with flwr 1.41: a round over real processes, and what an attacker gets from them."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.fab_pb2 import Fab

from crypto.errors import PeerFailure, Refusal, UsageError
from federation.errors import IdentityRefused, SessionEnded
from federation.flower import engine
from federation.flower.bundle import bundle
from federation.flower.engine import CoordinatorExecutor, PartyExecutor, SuperLinkClient
from federation.flower.keys import new_supernode_key, supernode_public_key
from federation.flower.replies import FailedReply, Reply
from federation.flower.server_app import Control

NOBODY_CAME = PeerFailure("nobody came", party="bank-a", file="SECRET")


def ask_all(nodes: dict[int, bytes], answers: dict[int, Reply]) -> Callable[[Control], None]:
    """A round that delivers each node its payload and keeps what comes back."""

    def conduct(control: Control) -> None:
        until = time.monotonic() + 120
        for node_id, payload in nodes.items():
            control.deliver(node_id, payload)
        while len(answers) < len(nodes) and time.monotonic() < until:
            answers.update(control.collect(1.0))

    return conduct


def test_each_party_answers_its_own_payload(cluster: Any) -> None:
    seen: dict[str, object] = {}
    answers: dict[int, Reply] = {}
    a, b = cluster.parties["bank-a"], cluster.parties["bank-b"]
    a.handler = lambda payload: b"a:" + payload[::-1]
    b.handler = lambda payload: b"b:" + payload[::-1]
    ask = ask_all({a.node_id: b"\x00one", b.node_id: b"\xfftwo"}, answers)

    def conduct(control: Control) -> None:
        seen.update(plan=control.plan_id, run=control.run_id, online=set(control.online()))
        assert control.collect(0) == {}
        ask(control)

    status = cluster.round(conduct)
    assert answers == {a.node_id: b"a:eno\x00", b.node_id: b"b:owt\xff"}
    assert seen == {"plan": "plan-7", "run": status.run_id, "online": {a.node_id, b.node_id}}
    assert (status.state, status.outcome, status.detail) == ("finished", "completed", "")


def test_an_error_at_a_party_comes_back_without_its_text(cluster: Any) -> None:
    refusal = Refusal("the grant for this purpose was revoked", party="bank-b", file="/srv/grants/7")

    def careless(payload: bytes) -> bytes:
        raise ValueError(f"row {payload!r} is not a number")

    def refusing(payload: bytes) -> bytes:
        raise refusal

    answers: dict[int, Reply] = {}
    a, b = cluster.parties["bank-a"], cluster.parties["bank-b"]
    a.handler, b.handler = careless, refusing
    status = cluster.round(ask_all({a.node_id: b"SECRET", b.node_id: b""}, answers))
    assert answers == {
        a.node_id: FailedReply(1, "IST-9001: internal error (ValueError)"),
        b.node_id: FailedReply(3, refusal.cause),
    }
    assert status.outcome == "completed"
    for party in (a, b):
        assert b"SECRET" not in party.supernode.log_file.read_bytes()
    assert b"SECRET" not in cluster.superlink.log_file.read_bytes()


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (KeyError("SECRET"), "IST-9001: internal error (KeyError)"),
        (NOBODY_CAME, NOBODY_CAME.cause),
    ],
)
def test_an_error_of_the_round_becomes_its_status_without_its_text(
    cluster: Any, error: Exception, detail: str
) -> None:
    def conduct(control: Control) -> None:
        raise error

    status = cluster.round(conduct)
    assert (status.outcome, status.detail) == ("failed", detail)


def test_stopping_a_run_ends_its_handler(cluster: Any) -> None:
    started = threading.Event()
    ended = threading.Event()
    release = threading.Event()
    a = cluster.parties["bank-a"]
    a.handler = lambda payload: b"late" if release.wait(240) else b""

    def conduct(control: Control) -> None:
        control.deliver(a.node_id, b"")
        started.set()
        try:
            while True:
                control.collect(0.5)
        except SessionEnded:
            ended.set()
            raise

    cluster.conduct = conduct
    run_id = cluster.client.submit("plan-8")
    assert started.wait(120)
    cluster.client.stop(run_id)
    status = cluster.finished(run_id)
    cluster.client.stop(run_id)  # Again: nothing happens.
    assert status.outcome == "stopped"
    assert ended.wait(120)
    release.set()
    assert cluster.round(lambda control: None).outcome == "completed"  # The executors live on.


def fat_bundle(marker: Path) -> bytes:
    """The pinned bundle with modules beside it that shadow the installed ones and leave a mark."""
    packed = io.BytesIO(bundle())
    with zipfile.ZipFile(packed, "a") as archive:
        for name in ("parties/client_app.py", "federation/flower/server_app.py", "sitecustomize.py"):
            archive.writestr(name, f"open({str(marker)!r}, 'w').close()\n")
    return packed.getvalue()


def altered_bundle() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle())) as original, zipfile.ZipFile(packed, "w") as archive:
        text = original.read("pyproject.toml").decode()
        archive.writestr("pyproject.toml", text.replace('version = "', 'version = "9.'))
    return packed.getvalue()


def submitted_past_us(client: SuperLinkClient, content: bytes) -> int:
    """What any local user can do: the control interface asks for no credential."""
    return int(client._client.StartRun(StartRunRequest(fab=Fab(content=content))).run_id)


FOREIGN = (
    "IST-3600: the bundle brings files of its own: "
    "parties/client_app.py, federation/flower/server_app.py, sitecustomize.py"
)


def test_the_coordinator_runs_no_bundle_but_its_own(cluster: Any, tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    called: list[Control] = []
    cluster.conduct = called.append
    fat = cluster.finished(submitted_past_us(cluster.client, fat_bundle(marker)))
    altered = cluster.finished(submitted_past_us(cluster.client, altered_bundle()))
    assert (fat.outcome, fat.detail) == ("failed", FOREIGN)
    assert altered.outcome == "failed"
    assert altered.detail.startswith("IST-3601: the bundle was made by another version of Isthmus")
    assert not called
    assert not marker.exists()


def test_a_party_runs_no_bundle_of_a_rogue_coordinator(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "imported"
    called: list[bytes] = []
    answers: dict[int, Reply] = {}
    nodes = {party.node_id: b"do as I say" for party in cluster.parties.values()}
    for party in cluster.parties.values():
        party.handler = lambda payload: called.append(payload) or b""

    def unchecked(self: CoordinatorExecutor, client: Any, token: str, ended: threading.Event) -> None:
        task = client.PullTaskInput(engine.PullTaskInputRequest())
        self._conduct(task, token, ended)
        client.PushTaskOutput(engine.PushTaskOutputRequest(sub_status="completed", details=""))

    # The honest executor looks its method up once, when it starts, so this one is the only rogue.
    monkeypatch.setattr(CoordinatorExecutor, "_execute", unchecked)
    cluster.stop_coordinator()
    try:
        cluster.start_coordinator(ask_all(nodes, answers))
        for content in (fat_bundle(marker), altered_bundle()):
            answers.clear()
            cluster.finished(submitted_past_us(cluster.client, content))
            assert len(answers) == len(nodes)
            for reply in answers.values():
                assert isinstance(reply, FailedReply)
                assert reply.exit_code == 3
                assert reply.cause == FOREIGN or reply.cause.startswith(
                    "IST-3601: the bundle was made by another"
                )
    finally:
        monkeypatch.undo()
        cluster.stop_coordinator()
        cluster.start_coordinator()
    assert not called
    assert not marker.exists()


def test_an_executor_without_the_secret_gets_no_task(cluster: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(32))
    stop = threading.Event()
    supernode = cluster.parties["bank-a"].supernode
    party = PartyExecutor(
        supernode.runtime_address, secret, lambda payload: payload, stop, root_file=supernode.root_file
    )
    coordinator = CoordinatorExecutor(
        cluster.superlink.address, secret, lambda control: None, stop, root_file=cluster.superlink.root_file
    )
    for executor in (party, coordinator):
        with pytest.raises(IdentityRefused, match="secret"):
            executor.run()


def test_flower_is_spoken_to_on_this_machine_only(cluster: Any) -> None:
    with pytest.raises(Refusal, match="this machine"):
        SuperLinkClient("superlink.example:443", cluster.superlink.root_file)


def test_a_key_keeps_its_node_and_a_removed_key_never_returns(cluster: Any) -> None:
    key = supernode_public_key(new_supernode_key())
    client = cluster.client
    node_id = client.register(key)
    assert client.register(key) == node_id
    assert {node.node_id: node.status for node in client.nodes()}[node_id] == "registered"
    client.unregister(node_id)
    client.unregister(node_id)  # Again: nothing happens.
    with pytest.raises(UsageError, match="removed before"):
        client.register(key)


def test_an_unknown_run_is_the_callers_mistake(cluster: Any) -> None:
    with pytest.raises(UsageError, match="no run 12"):
        cluster.client.status(12)
