"""Every use of Flower's internals, in one module: flwr 1.41, checked by tests/federation/flower.

Two executors take the place of flower-superexec, flwr-serverapp and flwr-clientapp:

- `PartyExecutor` takes a SuperNode's tasks, `CoordinatorExecutor` the SuperLink's;
- neither unpacks or imports a run's bundle: it must be the pinned one, and the *installed* app runs;
- neither uses Flower's own retry or heartbeat helpers, which send SIGINT to the process on a 401, or
  when a run is stopped. That is right for a process per message and wrong for one that lives on.

`SuperLinkClient` speaks the control interface: it submits and stops runs and keeps the list of nodes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from flwr.app import Context, Message
from flwr.app.error import Error
from flwr.app.message import remove_content_from_message
from flwr.common.constant import SUPERLINK_NODE_ID, SubStatus
from flwr.common.serde import (
    context_from_proto,
    message_from_proto,
    message_to_proto,
    run_from_proto,
    user_config_to_proto,
)
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    ListRunsRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.proto.fab_pb2 import Fab
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest
from flwr.proto.node_pb2 import Node as NodeProto
from flwr.proto.runtime_pb2 import (
    AcquireTaskRequest,
    PullAppMessagesRequest,
    PullTaskInputRequest,
    PushAppMessagesRequest,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
)
from flwr.supercore.constant import TaskType
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.error import ApiErrorCode, FlowerError
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_confirm_message_received_fn_protobuf,
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import (
    pull_and_inflate_object_from_tree,
    pull_objects,
    push_objects,
)
from flwr.supercore.interceptors import RuntimeTokenHttpInterceptor, SuperExecAuthHttpInterceptor
from flwr.supercore.interceptors.http.utils import add_headers
from flwr.supercore.retry import RetryInvoker, exponential
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.runtime_version_compatibility import RuntimeVersionMetadata
from flwr.supercore.task_identity import TaskIdentity

from crypto.codes import Code
from crypto.errors import PeerFailure, Refusal, UsageError
from federation.errors import BundleRefused, IdentityRefused
from federation.flower.bundle import PLAN_KEY, bundle, bundle_digest, check_bundle
from federation.flower.client_app import client_app
from federation.flower.keys import public_key_line, public_key_pem
from federation.flower.replies import code_and_cause
from federation.flower.server_app import Control, server_app
from federation.tls import trusting

#: Seconds between two questions for a task. The SuperNode's own 3 s dominate.
_TASK_POLL_SECONDS = 0.25
#: Seconds before the next try when the runtime interface does not answer.
_RECONNECT_SECONDS = 2.0
#: Seconds between heartbeats; Flower gives a task up after two intervals of 30 s without one.
_HEARTBEAT_SECONDS = 10.0
#: Seconds for one request, and for all tries of one request together.
_REQUEST_SECONDS = 30.0
_RETRY_SECONDS = 60.0
#: For all parts of a message that the SuperNode has announced. It drops one whose run ended meanwhile, and
#: says so to nobody; Flower would wait for ever.
_PARTS_SECONDS = 60.0

_UNAVAILABLE = frozenset({502, 503, 504})
_NOT_ALLOWED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_ACQUIRE = "/flwr.proto.Runtime/AcquireTask"
_READ_THE_LOG = "Look at flower/superlink.log in the federation's folder."


class PartyExecutor:
    """Answers a SuperNode's messages with the installed ClientApp, one at a time, in this process.

    `handler` gets each payload and returns the reply's; it may take an hour, heartbeats go on meanwhile.
    An `IsthmusError` that it raises goes back as its cause and exit code, any other exception as
    "internal error" and the class name. `root_file` is the loopback certificate of the SuperNode's
    runtime interface; `secret_file` holds what it was started with.
    """

    def __init__(
        self,
        runtime_address: str,
        secret_file: Path,
        handler: Callable[[bytes], bytes],
        stop: threading.Event,
        *,
        root_file: Path,
    ) -> None:
        self._tasks = _Tasks(runtime_address, root_file, secret_file, TaskType.CLIENT_APP, stop, "SuperNode")
        self._app = client_app(handler)

    @property
    def last_error(self) -> str | None:
        """Why the last attempt failed, None when the SuperNode answers. A class name, never a text."""
        return self._tasks.last_error

    def run(self) -> None:
        """Take tasks until `stop` is set. Raises `IdentityRefused` when the secret is not the SuperNode's."""
        self._tasks.run(self._execute)

    def _execute(self, client: Any, _token: str, _ended: threading.Event) -> None:
        task = client.PullTaskInput(PullTaskInputRequest())
        try:
            outcome = self._answer(client, task)
        except _Unanswerable as error:
            outcome = str(error)
        client.PushTaskOutput(
            PushTaskOutputRequest(
                sub_status=SubStatus.FAILED if outcome else SubStatus.COMPLETED, details=outcome
            )
        )

    def _answer(self, client: Any, task: Any) -> str:
        """Send the reply to the task's message; return the cause of a failure, or an empty string."""
        context = context_from_proto(task.context)
        pulled = client.PullMessages(PullAppMessagesRequest())
        if not pulled.messages_list:
            raise _Unanswerable("the SuperNode had no message for its own task")
        # Metadata only: the content follows as objects, and is fetched for a pinned bundle alone.
        message = message_from_proto(pulled.messages_list[0])
        message.metadata.__dict__["_message_id"] = pulled.message_object_trees[0].object_id
        cause = ""
        try:
            check_bundle(task.fab.content)
            message = _fetched(client, pulled.message_object_trees[0], context)
            reply = self._app(message=message, context=context)
        except BundleRefused as refusal:
            _put_aside(client, pulled.message_object_trees[0], context)
            reply, cause = _error_reply(refusal, message)
        except httpx.HTTPError:
            raise  # The SuperNode is gone: there is nobody to answer.
        except Exception as error:  # noqa: BLE001 - the party's edge: nothing of an unknown error leaves but its class.
            reply, cause = _error_reply(error, message)
        _send(client, reply, context)
        return cause


class CoordinatorExecutor:
    """Runs the installed ServerApp for the SuperLink's runs, one at a time, in this process.

    `handler` gets a `Control` for each run and returns when the round is over. A run with any bundle but
    the pinned one ends as failed, unread. What the handler raises becomes the run's status the way a
    party's errors do.
    """

    def __init__(
        self,
        runtime_address: str,
        secret_file: Path,
        handler: Callable[[Control], None],
        stop: threading.Event,
        *,
        root_file: Path,
    ) -> None:
        self._tasks = _Tasks(runtime_address, root_file, secret_file, TaskType.SERVER_APP, stop, "SuperLink")
        self._address = runtime_address
        self._root_file = root_file
        self._handler = handler

    @property
    def last_error(self) -> str | None:
        """Why the last attempt failed, None when the SuperLink answers. A class name, never a text."""
        return self._tasks.last_error

    def run(self) -> None:
        """Take runs until `stop` is set. Raises `IdentityRefused` when the secret is not the SuperLink's."""
        self._tasks.run(self._execute)

    def _execute(self, client: Any, token: str, ended: threading.Event) -> None:
        task = client.PullTaskInput(PullTaskInputRequest())
        cause = ""
        try:
            check_bundle(task.fab.content)
            self._conduct(task, token, ended)
        except Exception as error:  # noqa: BLE001 - as at the party: the status is readable by every local user.
            cause = code_and_cause(error)[1]
        client.PushTaskOutput(
            PushTaskOutputRequest(
                sub_status=SubStatus.FAILED if cause else SubStatus.COMPLETED, details=cause
            )
        )

    def _conduct(self, task: Any, token: str, ended: threading.Event) -> None:
        run = run_from_proto(task.run)
        # `Message` reads who sends it from here. Only this executor sends, and one run at a time.
        TaskIdentity.task_id = task.task_id
        TaskIdentity.run_id = run.run_id
        TaskIdentity.node_id = SUPERLINK_NODE_ID
        context: Context = context_from_proto(task.context)
        plan_id = run.override_config.get(PLAN_KEY, "")
        context.run_config = {PLAN_KEY: plan_id if isinstance(plan_id, str) else ""}
        with _grid(self._address, self._root_file, token) as grid:
            grid.set_run(run)
            server_app(self._handler, ended)(grid=grid, context=context)


class _Unanswerable(Exception):
    """A task that no reply can be sent for."""


class _Tasks:
    """The part that both executors share: acquire a task, keep it alive, carry on after a failure."""

    def __init__(
        self,
        address: str,
        root_file: Path,
        secret_file: Path,
        kind: Any,
        stop: threading.Event,
        peer: str,
    ) -> None:
        _check_loopback(address)
        self._address = address
        self._root_file = root_file
        self._secret = secret_file.read_bytes()
        self._kind = kind
        self._stop = stop
        self._peer = peer
        self.last_error: str | None = None

    def run(self, execute: Callable[[Any, str, threading.Event], None]) -> None:
        secret = SuperExecAuthHttpInterceptor(
            master_secret=self._secret, protected_methods=frozenset({_ACQUIRE})
        )
        client = _client(RuntimeHttpClient, self._address, self._root_file, [secret], retry=False)
        try:
            while not self._stop.is_set():
                token, pause = self._acquire(client)
                if token is None:
                    self._stop.wait(pause)
                else:
                    self._run_one(token, execute)
        finally:
            client.close()

    def _acquire(self, client: Any) -> tuple[str | None, float]:
        """A task's token, or None and how long to wait before asking again."""
        try:
            answer = client.AcquireTask(AcquireTaskRequest(supported_task_types=[self._kind.value]))
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.UNAUTHORIZED:
                raise IdentityRefused(
                    f"the {self._peer} does not accept this executor's secret",
                    advice="Start the role again: each start makes a new secret for both sides.",
                ) from None
            self.last_error = type(error).__name__
            return None, _RECONNECT_SECONDS
        except (httpx.TransportError, ValueError) as error:
            self.last_error = type(error).__name__
            return None, _RECONNECT_SECONDS
        self.last_error = None
        if answer.HasField("task") and answer.token:
            return str(answer.token), 0.0
        return None, _TASK_POLL_SECONDS

    def _run_one(self, token: str, execute: Callable[[Any, str, threading.Event], None]) -> None:
        ended = threading.Event()
        interceptors = [RuntimeTokenHttpInterceptor(token)]
        client = _client(RuntimeHttpClient, self._address, self._root_file, interceptors, retry=True)
        beat = _client(RuntimeHttpClient, self._address, self._root_file, interceptors, retry=False)
        try:
            with _Heartbeat(beat, ended):
                execute(client, token, ended)
        except Exception as error:  # noqa: BLE001 - one lost task must not end the role; the class name is kept.
            self.last_error = type(error).__name__
        finally:
            client.close()
            beat.close()


class _Heartbeat:
    """Tells the other side every ten seconds that the task is alive; sets `ended` when it was stopped."""

    def __init__(self, client: Any, ended: threading.Event) -> None:
        self._client = client
        self._ended = ended
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="flower-heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(_REQUEST_SECONDS)

    def _beat(self) -> None:
        while not self._done.is_set():
            try:
                alive = self._client.SendTaskHeartbeat(SendTaskHeartbeatRequest()).success
            except httpx.HTTPStatusError as error:
                alive = error.response.status_code not in _NOT_ALLOWED
            except (httpx.TransportError, ValueError):
                alive = True  # Not reachable now is not stopped.
            if not alive:
                self._ended.set()
                return
            self._done.wait(_HEARTBEAT_SECONDS)


def _fetched(client: Any, tree: Any, context: Context) -> Message:
    """The whole message with its content. Flower confirms each object as it arrives."""
    node = NodeProto(node_id=context.node_id)
    message = pull_and_inflate_object_from_tree(
        tree,
        make_pull_object_fn_protobuf(client.PullObject, node, context.run_id),
        make_confirm_message_received_fn_protobuf(client.ConfirmMessageReceived, node, context.run_id),
        return_type=Message,
        max_time=_PARTS_SECONDS,
    )
    # A message without its content does not know its own id, which is that of the tree's root.
    message.metadata.__dict__["_message_id"] = tree.object_id
    return message


def _put_aside(client: Any, tree: Any, context: Context) -> None:
    """Have the SuperNode drop a message that is not read.

    Its objects are waited for first, as bytes: the SuperNode makes a task before it has pulled them all,
    and loses the message, without a reply, when they are dropped in between.
    """
    node = NodeProto(node_id=context.node_id)
    pull_objects(
        [part.object_id for part in iterate_object_tree(tree)],
        make_pull_object_fn_protobuf(client.PullObject, node, context.run_id),
        max_time=_PARTS_SECONDS,
    )
    client.ConfirmMessageReceived(
        ConfirmMessageReceivedRequest(node=node, run_id=context.run_id, message_object_id=tree.object_id)
    )


def _error_reply(error: Exception, message: Message) -> tuple[Message, str]:
    code, cause = code_and_cause(error)
    return Message(Error(code=code, reason=cause), reply_to=message), cause


def _send(client: Any, reply: Message, context: Context) -> None:
    reply.metadata.__dict__["_message_id"] = reply.object_id
    envelope = message_to_proto(remove_content_from_message(reply))
    with no_object_id_recompute():
        answer = client.PushMessages(
            PushAppMessagesRequest(messages_list=[envelope], message_object_trees=[get_object_tree(reply)])
        )
        push_objects(
            get_all_nested_objects(reply),
            make_push_object_fn_protobuf(
                client.PushObject,
                NodeProto(node_id=context.node_id),
                run_id=context.run_id,
                session_id=answer.session_id,
            ),
            object_ids_to_push=set(answer.objects_to_push),
        )


@dataclass(frozen=True, slots=True)
class RunStatus:
    """`state` is pending, starting, running or finished; then `outcome` is completed, failed or stopped."""

    run_id: int
    state: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A registered SuperNode. `status` is registered, online, offline or unregistered."""

    node_id: int
    public_key: bytes  # The OpenSSH line, as in the admission record.
    status: str


class SuperLinkClient:
    """The control interface of a SuperLink on this machine. Every call is bounded by 30 s.

    Raises `PeerFailure` when the SuperLink does not answer or refuses for a reason not named below.
    """

    def __init__(self, address: str, root_file: Path) -> None:
        _check_loopback(address)
        self._address = address
        self._client = _client(ControlHttpClient, address, root_file, [], retry=False)

    def close(self) -> None:
        """Free the connection."""
        self._client.close()

    def submit(self, plan_id: str) -> int:
        """Start a run of the pinned bundle for `plan_id`; return the run's number."""
        request = StartRunRequest(
            fab=Fab(hash_str=bundle_digest(), content=bundle()),
            override_config=user_config_to_proto({PLAN_KEY: plan_id}),
        )
        with self._reached():
            answer = self._client.StartRun(request)
        if not answer.HasField("run_id"):
            raise PeerFailure(
                "the SuperLink did not start the run", advice=_READ_THE_LOG, code=Code.SUPERLINK
            )
        return int(answer.run_id)

    def status(self, run_id: int) -> RunStatus:
        """Where a run stands. Raises `UsageError` for a run that the SuperLink does not know."""
        with self._reached({ApiErrorCode.RUN_ID_NOT_FOUND: f"there is no run {run_id}"}):
            answer = self._client.ListRuns(ListRunsRequest(run_id=run_id))
        return _run_status(answer.run_dict[run_id])

    def stop(self, run_id: int) -> None:
        """Stop a run. Nothing happens to one that has finished. Raises `UsageError` for an unknown one.

        A party that is at work is not told: the exchange ends its session.
        """
        if self.status(run_id).state == "finished":
            return
        with self._reached({ApiErrorCode.RUN_ALREADY_FINISHED: None}):
            self._client.StopRun(StopRunRequest(run_id=run_id))

    def register(self, public_key: bytes) -> int:
        """Admit a SuperNode's key (OpenSSH line); return its node id, the same one for the same key.

        Raises `UsageError` for a key that was unregistered before: Flower never takes it again.
        """
        for node in self.nodes():
            if public_key_pem(node.public_key) == public_key_pem(public_key):
                if node.status == "unregistered":
                    raise UsageError(
                        "this SuperNode key was removed before and cannot be registered again",
                        advice="Ask the party to make a new SuperNode key and to request admission again.",
                    )
                return node.node_id
        with self._reached():
            answer = self._client.RegisterNode(RegisterNodeRequest(public_key=public_key_pem(public_key)))
        return int(answer.node_id)

    def unregister(self, node_id: int) -> None:
        """Remove a SuperNode for good. Nothing happens when it is not registered."""
        with self._reached({ApiErrorCode.NODE_NOT_FOUND: None}):
            self._client.UnregisterNode(UnregisterNodeRequest(node_id=node_id))

    def nodes(self) -> tuple[NodeStatus, ...]:
        """Every SuperNode that was ever registered, removed ones included."""
        with self._reached():
            answer = self._client.ListNodes(ListNodesRequest())
        return tuple(
            NodeStatus(int(node.node_id), public_key_line(node.public_key), str(node.status))
            for node in answer.nodes_info
        )

    @contextmanager
    def _reached(self, expected: dict[int, str | None] | None = None) -> Iterator[None]:
        """Translate Flower's refusals. `expected` maps codes to a usage error's text, None is no error."""
        try:
            yield
        except httpx.HTTPStatusError as error:
            refusal = FlowerError.from_json(error.response.text)
            code = int(refusal.code) if refusal else None
            if expected is not None and code in expected:
                text = expected[code]
                if text is None:
                    return
                raise UsageError(text, advice="See `isthmus round list`.") from None
            raise PeerFailure(
                f"the SuperLink refused (Flower code {code})", advice=_READ_THE_LOG, code=Code.SUPERLINK
            ) from None
        except (httpx.TransportError, ValueError):
            raise PeerFailure(
                f"no SuperLink answers at {self._address}",
                advice="Start it with `isthmus federation start`, then look at flower/superlink.log.",
                code=Code.SUPERLINK,
            ) from None


def _run_status(run: Any) -> RunStatus:
    return RunStatus(
        int(run.run_id), str(run.status.status), str(run.status.sub_status), str(run.status.details)
    )


class _VersionHeaders:
    """Names flwr's version in each request. Flower's own interceptor may end the process; this one not."""

    def intercept(self, context: Any, call_next: Callable[[Any], Any]) -> Any:
        add_headers(
            context.request, dict(RuntimeVersionMetadata.from_local_component("isthmus").as_metadata())
        )
        return call_next(context)


def _client(kind: Any, address: str, root_file: Path, interceptors: Sequence[Any], *, retry: bool) -> Any:
    """One of Flower's HTTP clients, bound to this machine."""
    client = kind(
        f"https://{address}",
        interceptors=[_VersionHeaders(), *interceptors],
        verify=trusting(root_file),
        timeout=_REQUEST_SECONDS,
        retry_invoker=_retry() if retry else None,
    )
    # Flower's transport follows redirects and the proxy in the environment. This traffic stays here.
    client._client.close()
    client._client = httpx.Client(verify=trusting(root_file), timeout=_REQUEST_SECONDS, trust_env=False)
    return client


@contextmanager
def _grid(address: str, root_file: Path, token: str) -> Iterator[Any]:
    from flwr.superlink.grid import HttpGrid  # Brings the database of the SuperLink with it.

    grid = HttpGrid(address, root_certificates=root_file.read_bytes(), token=token)
    grid._client = _client(
        RuntimeHttpClient, address, root_file, [RuntimeTokenHttpInterceptor(token)], retry=True
    )
    try:
        yield grid
    finally:
        grid.close()


def _retry() -> Any:
    """Try again for a minute while the other side restarts; give up at once on any refusal."""
    return RetryInvoker(
        wait_gen_factory=lambda: exponential(base_delay=0.2, max_delay=5),
        recoverable_exceptions=(httpx.TransportError, httpx.HTTPStatusError),
        max_tries=None,
        max_time=_RETRY_SECONDS,
        should_giveup=_is_refusal,
    )


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code not in _UNAVAILABLE


def _check_loopback(address: str) -> None:
    if address.rpartition(":")[0] not in _LOOPBACK_HOSTS:
        raise Refusal(
            "Flower's runtime and control interfaces are used on this machine only",
            advice="Give an address of 127.0.0.1.",
        )
