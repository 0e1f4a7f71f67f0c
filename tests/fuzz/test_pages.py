"""Everything that answers HTTP, asked by schemathesis and by nonsense: no error of ours, nothing told.

The descriptions of what may be asked are FastAPI's own for the supervisor's pages, and written here for the
desk and the gate, which have no use for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from cli.supervisor.app import app as supervisor
from cli.supervisor.shelf import Shelf
from federation.flower.child import free_port
from federation.flower.gate import Gate
from federation.flower.keys import (
    PUBLIC_KEY_HEADER,
    new_supernode_key,
    public_key_header,
    supernode_public_key,
)
from federation.ids import AGGREGATOR
from federation.joining.desk import ADMISSION, GREETING, RENEWAL, ROSTER
from tests.cli.supervisor.packs import written
from tests.federation.exchange.house import BANK, papers
from tests.federation.joining.test_desk import PLANT, Office
from tests.federation.serving.test_pages import Shown
from tests.fuzz.budget import SEED, inputs, mutated, told

Ask = Callable[[str, str, dict[str, str], bytes], httpx.Response]
_ANY: dict[str, Any] = {"default": {"description": "whatever"}}
_KEYS = {"type": "object", "additionalProperties": False}
_REQUEST = {
    **_KEYS,
    "required": ["isthmus_request", "party", "identity", "tls_request", "supernode", "signature"],
    "properties": {
        "isthmus_request": {"type": "integer", "enum": [1]},
        "party": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,31}$"},
        "identity": {"type": "string"},
        "tls_request": {"type": "string"},
        "supernode": {"type": "string"},
        "signature": {"type": "string", "pattern": "^[0-9a-f]{128}$"},
    },
}
DESK: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "desk", "version": "1"},
    "paths": {
        ADMISSION: {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                **_KEYS,
                                "required": ["invitation", "proof", "request"],
                                "properties": {
                                    "invitation": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                                    "proof": {"type": "string", "pattern": "^[0-9a-f]{128}$"},
                                    "request": _REQUEST,
                                },
                            }
                        }
                    },
                },
                "responses": _ANY,
            }
        },
        RENEWAL: {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": _REQUEST}},
                },
                "responses": _ANY,
            }
        },
        ROSTER: {"get": {"responses": _ANY}},
        GREETING: {"get": {"responses": _ANY}},
    },
}


def cases(description: dict[str, Any], base: str) -> list[st.SearchStrategy[requests.PreparedRequest]]:
    """For every operation what keeps to its description and, where it can be broken, what does not."""
    schema = schemathesis.openapi.from_dict(description)
    found = []
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:
            if mode is GenerationMode.NEGATIVE and not (operation.path_parameters or operation.body):
                continue
            strategy = operation.as_strategy(generation_mode=mode)
            found.append(strategy.map(lambda case: _prepared(case.as_transport_kwargs(base_url=base))))
    return found


def _prepared(arguments: dict[str, Any]) -> requests.PreparedRequest:
    return requests.Request(**arguments).prepare()


def asked(
    request: pytest.FixtureRequest,
    description: dict[str, Any],
    ask: Ask,
    check: Callable[[httpx.Response], None],
) -> None:
    """Ask for what schemathesis makes of the description, batch after batch, until the time is up."""
    strategies = cases(description, "http://127.0.0.1")
    count = 0
    for number, rng in enumerate(inputs(request)):
        strategy = strategies[number % len(strategies)]

        @seed(rng.getrandbits(32))
        @settings(
            max_examples=10,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def batch(prepared: requests.PreparedRequest) -> None:
            nonlocal count
            count += 1
            address = urlsplit(str(prepared.url))
            target = address.path + (f"?{address.query}" if address.query else "")
            body = prepared.body or b""
            answer = ask(
                str(prepared.method),
                target,
                {name: str(value) for name, value in prepared.headers.items()},
                body.encode() if isinstance(body, str) else bytes(body),
            )
            check(answer)

        batch()
    told(f"{request.node.name}: {count:,} requests, seed {SEED}")


@pytest.fixture
def pages(tmp_path: Path, crossing_packs: dict[str, bytes]) -> tuple[dict[str, Any], Ask]:
    written(tmp_path, crossing_packs)
    app = supervisor(Shelf(tmp_path, {}), "zh", frozenset({"127.0.0.1"}))
    transport = httpx.ASGITransport(app)

    def ask(method: str, target: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        async def sent() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, target, headers=headers, content=body)

        return asyncio.run(sent())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD are one function under one name.
        return app.openapi(), ask


def test_the_supervisors_pages_answer_whatever_is_asked(
    pages: tuple[dict[str, Any], Ask], request: pytest.FixtureRequest
) -> None:
    description, ask = pages

    def check(answer: httpx.Response) -> None:
        assert answer.status_code in (200, 307, 400, 404, 405), answer.status_code
        assert "Traceback" not in answer.text and 'File "' not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"

    asked(request, description, ask, check)


VITALS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "health and metrics", "version": "1"},
    "paths": {
        path: {
            method: {
                "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
                "responses": _ANY,
            }
            for method in ("get", "post", "put", "delete", "head")
        }
        for path in ("/healthz", "/metrics", "/")
    },
}


def test_health_and_metrics_answer_whatever_is_asked(request: pytest.FixtureRequest) -> None:
    shown = Shown()
    client = httpx.Client(trust_env=False, timeout=30)

    def ask(method: str, target: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        return client.request(method, f"http://127.0.0.1:{shown.port}{target}", headers=headers, content=body)

    def check(answer: httpx.Response) -> None:
        assert answer.status_code in (200, 400, 404, 405), answer.status_code
        assert "Traceback" not in answer.text and 'File "' not in answer.text

    try:
        asked(request, VITALS, ask, check)
    finally:
        client.close()
        shown.stop()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "federation")
    yield made
    made.desk.stop()


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "member"])
def test_the_admission_desk_answers_whatever_is_asked(
    office: Office,
    known: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = office.join(tmp_path / "bank") if known else None
    office.invite(PLANT)
    clock = itertools.count(int(time.monotonic()) + 100, 10)  # So that nobody asks too often.
    monkeypatch.setattr(office.desk, "_clock", lambda: float(next(clock)))
    told = list(office.told)
    context = ssl.create_default_context(cadata=office.home.authority().decode())
    if member is not None:
        context.load_cert_chain(member.tls_certificate_file, member.tls_key_file)
    base = f"https://127.0.0.1:{office.desk.port}"
    with httpx.Client(verify=context, trust_env=False, timeout=30) as client:

        def ask(method: str, target: str, headers: dict[str, str], body: bytes) -> httpx.Response:
            kept = {name: value for name, value in headers.items() if name.lower() == "content-type"}
            return client.request(method, base + target, headers=kept, content=body)

        def check(answer: httpx.Response) -> None:
            assert answer.status_code in ((200, 400, 403) if known else (400, 403, 429)), answer.status_code
            assert "Traceback" not in answer.text and 'File "' not in answer.text
            if not known:  # A stranger learns nothing but that there is a desk.
                assert office.home.settings().name not in answer.text and "plant" not in answer.text

        asked(request, DESK, ask, check)
    assert office.told == told, "nobody was let in"
    assert len(office.home.roster().members) == (1 if known else 0)


GATE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "gate", "version": "1"},
    "paths": {
        "/v1/fleet/{call}": {
            "post": {
                "parameters": [
                    {
                        "name": "call",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "pattern": "^[a-z]{1,20}(-[a-z]{1,20})*$"},
                    }
                ],
                "requestBody": {
                    "content": {
                        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                    }
                },
                "responses": _ANY,
            }
        },
        "/v1/control/start-run": {"post": {"responses": _ANY}},
        "/": {"get": {"responses": _ANY}},
    },
}


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate whose SuperLink is away: what it would have passed on is answered by 502."""
    own = papers(AGGREGATOR)
    named = {"ca": own.ca_pem, "certificate": own.certificate_pem, "key": own.key_pem}
    for name, data in named.items():
        (tmp_path / name).write_bytes(data)
    made = Gate(
        "127.0.0.1",
        0,
        superlink_address=f"127.0.0.1:{free_port()}",
        superlink_root_file=tmp_path / "ca",
        certificate_file=tmp_path / "certificate",
        key_file=tmp_path / "key",
        authority_file=tmp_path / "ca",
        admitted=lambda: {BANK: supernode_public_key(_SUPERNODE)},
    )
    made.start()
    yield made
    made.stop()


_SUPERNODE = new_supernode_key()


def test_the_gate_answers_whatever_is_asked(
    gate: Gate, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    own = papers(BANK)
    (tmp_path / "bank").write_bytes(own.certificate_pem + own.key_pem)
    context = ssl.create_default_context(cadata=own.ca_pem.decode())
    context.check_hostname = False  # The certificate is for `aggregator`.
    context.load_cert_chain(tmp_path / "bank")
    key = {PUBLIC_KEY_HEADER: public_key_header(supernode_public_key(_SUPERNODE)).decode()}
    with httpx.Client(verify=context, trust_env=False, timeout=30) as client:

        def ask(method: str, target: str, headers: dict[str, str], body: bytes) -> httpx.Response:
            sent = {"content-type": "application/protobuf", **key} if len(body) % 2 else {}
            return client.request(
                method, f"https://127.0.0.1:{gate.port}{target}", headers=sent, content=body
            )

        def check(answer: httpx.Response) -> None:
            assert answer.status_code in (400, 403, 502), answer.status_code
            assert answer.content == b"refused\n"

        asked(request, GATE, ask, check)


_RAW = [
    b"POST /admission HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /roster HTTP/1.1\r\nHost: aggregator\r\n\r\n",
    b"POST /v1/fleet/pull-messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("door", ["gate", "desk"])
def test_bytes_that_are_no_request_get_a_refusal_or_nothing(
    door: str, gate: Gate, office: Office, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if door == "gate":
        own, port = papers(BANK), gate.port
        (tmp_path / "bank").write_bytes(own.certificate_pem + own.key_pem)
        context = ssl.create_default_context(cadata=own.ca_pem.decode())
        context.check_hostname = False
        context.load_cert_chain(tmp_path / "bank")
    else:
        port = office.desk.port
        context = ssl.create_default_context(cadata=office.home.authority().decode())
        context.check_hostname = False
    for rng in inputs(request):
        data = mutated(rng, rng.choice(_RAW), rng.choice(_RAW))
        answer = _answered(context, port, data)
        assert b"Traceback" not in answer and b'File "' not in answer, data.hex()
        assert not answer or answer.split(b" ")[1] in _REFUSED, (data.hex(), answer[:80])


_REFUSED = {b"400", b"403", b"404", b"405", b"408", b"411", b"413", b"429", b"431", b"502"}


def _answered(context: ssl.SSLContext, port: int, data: bytes) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), 15) as plain,
        context.wrap_socket(plain, server_hostname="aggregator") as line,
    ):
        got = b""
        with contextlib.suppress(OSError):
            line.sendall(data)
            line.unwrap()
            while piece := line.recv(4096):
                got += piece
        return got
