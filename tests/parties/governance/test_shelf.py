"""A party acts on what its own identity signed, and on nothing else that lies in its folder."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path

import pytest

from crypto.identity import Identity
from federation.errors import GrantRefused, UsageError
from federation.governance.signing import sealed_grant, sealed_revocation
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from tests import governed
from tests.parties.governance.world import bank, put

NOW = dt.datetime(2026, 11, 27, 9, 0, 30, 999, tzinfo=dt.UTC)


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return bank(tmp_path / "bank")


def test_a_grant_that_was_put_is_there_with_its_digest(home: PartyHome) -> None:
    put(home)
    (kept,) = Shelf(home).grants()
    assert kept.grant.id == "test" and kept.revocation is None and len(kept.sha256) == 64
    assert Shelf(home).grant("test") == kept


def told(home: PartyHome) -> list[dict[str, object]]:
    """What the party's ledger says, without the times."""
    entries = [json.loads(line) for line in home.ledger().entries()]
    return [{name: value for name, value in entry.items() if name != "at"} for entry in entries]


def test_the_ledger_tells_of_manifest_grant_and_revocation_by_digest_alone(home: PartyHome) -> None:
    put(home)
    put(home, id="second")
    kept = Shelf(home).revoke("test", "a reason of our own", NOW)
    first, second = Shelf(home).grant("test"), Shelf(home).grant("second")
    assert told(home) == [
        {"kind": "manifest", "dataset": "data", "sha256": first.grant.manifest_sha256},
        {"kind": "grant", "grant": "test", "sha256": first.sha256},
        {"kind": "grant", "grant": "second", "sha256": second.sha256},
        {"kind": "revocation", "grant": "test", "sha256": kept.sha256},
    ]


def test_a_grant_is_never_replaced(home: PartyHome) -> None:
    put(home)
    with pytest.raises(UsageError, match="already"):
        put(home, purpose="marketing")
    Shelf(home).revoke("test", "", NOW)
    Shelf(home).grant_file("test").unlink()
    with pytest.raises(UsageError, match="already"):  # Its revocation would stop the new one at once.
        put(home)


def test_a_revocation_is_signed_and_tells_when(home: PartyHome) -> None:
    put(home)
    Shelf(home).revoke("test", "contract ended", NOW)
    (kept,) = Shelf(home).grants()
    assert kept.revocation is not None and kept.reason == "contract ended"
    assert b"contract ended" not in base64.b64decode(
        json.loads(Shelf(home).revocation_file("test").read_bytes())["payload"]
    )
    assert kept.revocation.at == NOW.replace(microsecond=0)
    with pytest.raises(UsageError, match="revoked already"):
        Shelf(home).revoke("test", "", NOW)


def test_a_grant_that_another_identity_signed_is_refused_and_named(home: PartyHome) -> None:
    put(home)
    forged = governed.grant_of(Shelf(home).manifest("data"), {"platform": "CN"}, id="forged")
    path = Shelf(home).grant_file("forged")
    path.write_bytes(sealed_grant(forged, Identity.generate()))
    with pytest.raises(GrantRefused, match="signed by another identity") as raised:
        Shelf(home).grants()
    assert raised.value.rule == "G-GRANT" and raised.value.file == str(path)


def test_a_revocation_that_cannot_be_read_is_no_reason_to_go_on(home: PartyHome) -> None:
    put(home)
    path = Shelf(home).revocation_file("test")
    path.parent.mkdir()
    path.write_bytes(b"{}")
    with pytest.raises(GrantRefused):
        Shelf(home).grants()


def test_a_copy_of_a_grant_under_another_name_is_refused(home: PartyHome) -> None:
    put(home)
    Shelf(home).grant_file("again").write_bytes(Shelf(home).grant_file("test").read_bytes())
    with pytest.raises(GrantRefused, match="is about test"):
        Shelf(home).grants()


def test_a_revocation_of_one_grant_under_the_name_of_another_is_refused(home: PartyHome) -> None:
    put(home)
    put(home, id="other")
    kept = Shelf(home).revoke("test", "", NOW)
    assert kept.revocation is not None
    Shelf(home).revocation_file("other").write_bytes(sealed_revocation(kept.revocation, home.identity()))
    with pytest.raises(GrantRefused, match="is about test"):
        Shelf(home).grants()


@pytest.mark.parametrize("name", ["../bank", "a/b", "", ".x", "UPPER", "x" * 64])
def test_no_name_of_a_grant_leads_out_of_the_folder(home: PartyHome, name: str) -> None:
    with pytest.raises(UsageError):
        Shelf(home).grant(name)


@pytest.mark.parametrize("name", ["../bank", "a/b", "", ".x"])
def test_no_name_of_a_dataset_leads_out_of_the_folder(home: PartyHome, name: str) -> None:
    with pytest.raises(UsageError):
        Shelf(home).manifest(name)


def test_a_dataset_without_a_manifest_names_the_next_step(home: PartyHome) -> None:
    with pytest.raises(GrantRefused, match="no manifest") as raised:
        Shelf(home).manifest("orders")
    assert (
        raised.value.rule == "G-MANIFEST" and "isthmus data inspect --dataset orders" in raised.value.advice
    )


@pytest.mark.parametrize(("party", "dataset"), [("platform", "data"), ("bank", "orders")])
def test_the_manifest_of_something_else_is_refused(home: PartyHome, party: str, dataset: str) -> None:
    about = Shelf(home).manifest("data")
    other = governed.manifest(party, dataset, "firm", about.fields)
    shelf = Shelf(home)
    governed.keep_manifest(home, other)
    shelf.manifest_file(dataset).rename(shelf.manifest_file("data"))
    with pytest.raises(GrantRefused, match=f"{dataset} of {party}"):
        shelf.manifest("data")


def test_an_unknown_grant_names_those_that_there_are(home: PartyHome) -> None:
    with pytest.raises(UsageError) as raised:
        Shelf(home).grant("none")
    assert "isthmus grant new" in raised.value.advice
    put(home)
    with pytest.raises(UsageError) as raised:
        Shelf(home).grant("none")
    assert "test" in raised.value.advice
