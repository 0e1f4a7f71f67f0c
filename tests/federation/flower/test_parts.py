"""A message whose parts never come does not hold a party's executor for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flwr.proto.message_pb2 import ObjectTree, PullObjectResponse
from flwr.supercore.inflatable.inflatable_utils import ObjectPullError

from federation.flower import engine


@pytest.mark.parametrize("take", [engine._fetched, engine._put_aside])
def test_parts_that_do_not_come_are_given_up(take: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_yet(_: object) -> PullObjectResponse:
        return PullObjectResponse(object_found=True, object_available=False)

    monkeypatch.setattr(engine, "_PARTS_SECONDS", 0.1)
    client = SimpleNamespace(PullObject=nothing_yet, ConfirmMessageReceived=nothing_yet)
    with pytest.raises(ObjectPullError):
        take(client, ObjectTree(object_id="ab" * 32), SimpleNamespace(node_id=1, run_id=1))
