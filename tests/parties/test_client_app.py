"""What the bundle names exists, and does nothing outside the roles' own processes."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

from crypto.errors import UsageError
from federation.flower.bundle import CLIENT_APP, SERVER_APP


def named(app: str) -> tuple[Any, Any]:
    """The app, and what it would do with a payload or a run."""
    module = importlib.import_module(app.partition(":")[0])
    return getattr(module, app.partition(":")[2]), module._refuse


@pytest.mark.parametrize(
    ("app", "kind", "command"),
    [(CLIENT_APP, ClientApp, "isthmus party start"), (SERVER_APP, ServerApp, "isthmus federation start")],
)
def test_an_app_that_the_bundle_names_refuses_and_says_what_runs_instead(
    app: str, kind: type[Any], command: str
) -> None:
    found, handler = named(app)
    assert isinstance(found, kind)
    with pytest.raises(UsageError) as refused:
        handler(b"an order")
    assert command in refused.value.advice
