"""What a Flower process inherits from its operator's shell: nothing that changes where it connects."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.flower.environment import flower_environment, quieten_this_process


def test_flower_reports_asks_and_installs_nothing() -> None:
    made = flower_environment(Path("/w/home"), {"PATH": "/bin", "FLWR_TELEMETRY_ENABLED": "1"})
    assert made["FLWR_TELEMETRY_ENABLED"] == "0"
    assert made["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert made["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"
    assert made["FLWR_HOME"] == "/w/home"
    assert "127.0.0.1" in made["FLWR_SUPERGRID_API_URL"]
    assert made["PATH"] == "/bin"


@pytest.mark.parametrize(
    "name",
    [
        "FLWR_INTERNAL_GRPC_FLEET_API",
        "FLWR_OIDC_ENABLED",
        "FLWR_DATABASE",
        "FLWR_TRACING_ENABLED",
        "RAY_ADDRESS",
        "https_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "NO_PROXY",
    ],
)
def test_an_inherited_switch_is_dropped(name: str) -> None:
    assert name not in flower_environment(Path("/w"), {name: "1"})


def test_this_process_gets_the_same_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(os, "environ", {"HTTPS_PROXY": "kept"})
    quieten_this_process(Path("/w/home"))
    made = flower_environment(Path("/w/home"), {})
    assert {**made, "HTTPS_PROXY": "kept"} == os.environ
