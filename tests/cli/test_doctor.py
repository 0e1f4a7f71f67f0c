"""What the doctor found is told in the language that commands speak; what machines read is English."""

from __future__ import annotations

import pytest

from cli.commands.doctor import _show
from federation.readiness.findings import Finding, Readiness

FOUND = Readiness(
    "bank",
    (
        Finding("folder", "ok", "the keys in /srv/bank are for their owner only"),
        Finding(
            "network",
            "fail",
            "the gate at 192.0.2.7:9443 does not answer within 5 s",
            "Let connections to 192.0.2.7, TCP port 9443, out through your firewall.",
        ),
    ),
)


def test_findings_and_next_steps_are_told_in_english(capsys: pytest.CaptureFixture[str]) -> None:
    _show(FOUND)
    told = " ".join(capsys.readouterr().out.split())
    assert "next: Let connections to 192.0.2.7" in told and "bank: not ready, 50 of 100" in told


def test_findings_and_next_steps_are_told_in_chinese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTHMUS_LANG", "zh")
    _show(FOUND)
    told = "".join(capsys.readouterr().out.split())
    assert "网络0不合格" in told and "未在5秒内应答" in told and "下一步：在本方防火墙放行" in told
    assert "bank：未就绪，50分（满分100）" in told
    assert FOUND.to_json()["findings"][1]["what"] == FOUND.findings[1].what
