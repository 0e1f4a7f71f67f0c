"""An invitation: read back as it was written, from a file or a line, and never shown by accident."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import UsageError
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.coordinator.joining import invite
from federation.ids import PartyId
from federation.joining.invitation import LINE, Invitation, read_invitation

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
AT = Address("127.0.0.1", 7445)


@pytest.fixture(scope="module")
def invitation(tmp_path_factory: pytest.TempPathFactory) -> Invitation:
    folder = tmp_path_factory.mktemp("invitation") / "federation"
    home = CoordinatorHome.create(folder, FederationSettings("sme", AT, AT, AT), NOW)
    return invite(home, PartyId("bank"), NOW)


def test_a_file_and_a_line_say_the_same(invitation: Invitation) -> None:
    for text in (json.dumps(invitation.to_json()), invitation.to_line(), f" {invitation.to_line()}\n"):
        read = read_invitation(text)
        assert read.to_json() == invitation.to_json()
        assert read.key.public == invitation.key.public


def test_a_line_that_a_chat_window_broke_is_read(invitation: Invitation) -> None:
    line = invitation.to_line()
    broken = "\n".join(line[at : at + 60] for at in range(0, len(line), 60))
    assert read_invitation(broken).to_json() == invitation.to_json()


def test_its_repr_holds_no_secret(invitation: Invitation) -> None:
    pem = invitation.key.to_pem().decode()
    body = "".join(pem.splitlines()[1:-1])
    assert body not in repr(invitation) and "key" not in repr(invitation)


@pytest.mark.parametrize("name", ["id", "party", "desk", "authority", "coordinator", "expires", "key"])
def test_what_lacks_or_spoils_a_field_is_no_invitation(invitation: Invitation, name: str) -> None:
    fields = invitation.to_json()
    for changed in ({**fields, name: "spoilt!"}, {key: fields[key] for key in fields if key != name}):
        with pytest.raises(UsageError, match="no invitation") as refused:
            read_invitation(json.dumps(changed))
        assert "invite" in refused.value.advice


def test_a_certificate_that_is_no_authoritys_is_refused(invitation: Invitation, tmp_path: Path) -> None:
    home = CoordinatorHome.create(tmp_path / "other", FederationSettings("sme", AT, AT, AT), NOW)
    leaf = base64.b64encode(home.tls_certificate()).decode()
    with pytest.raises(UsageError, match="no invitation"):
        read_invitation(json.dumps({**invitation.to_json(), "authority": leaf}))


@given(st.one_of(st.text(max_size=200), st.text(max_size=100).map(lambda text: LINE + text)))
@settings(max_examples=200)
def test_anything_else_is_refused_without_a_trace(text: str) -> None:
    with pytest.raises(UsageError, match="no invitation"):
        read_invitation(text)
