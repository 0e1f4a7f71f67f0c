"""The lineage is one that PROV tools read, complete from grant to scores, and drawn from true packs only."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
from prov.model import ProvDocument

from crypto.errors import Refusal
from crypto.merkle import Tree, leaf_hash
from federation.errors import UsageError
from federation.governance.terms import Form
from federation.ledger import pack as packs
from federation.ledger.exports.prov import lineage
from federation.ledger.findings import Report
from federation.ledger.reading import Reading
from tests.federation.ledger import world
from tests.federation.ledger.exports import samples


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    made = samples.scored()
    return lineage(*samples.verified([made.pack(name) for name in world.ROLES]))


def test_prov_tools_read_it_and_lose_nothing(drawn: dict[str, Any]) -> None:
    read = ProvDocument.deserialize(content=json.dumps(drawn), format="json")
    again = ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
    assert read == again
    kinds = [kind for kind in drawn if kind != "prefix"]
    assert len(read.get_records()) == sum(len(drawn[kind]) for kind in kinds)


def test_every_relation_is_between_things_that_are_there(drawn: dict[str, Any]) -> None:
    things = {name for kind in ("entity", "activity", "agent") for name in drawn[kind]}
    relations = [kind for kind in drawn if kind not in ("prefix", "entity", "activity", "agent")]
    ends = [
        end
        for kind in relations
        for record in drawn[kind].values()
        for name, end in record.items()
        if name != "prov:time"
    ]
    assert len(ends) > 50
    assert set(ends) <= things


def test_scores_lead_back_to_the_grant(drawn: dict[str, Any]) -> None:
    scores = next(name for name in drawn["entity"] if name.startswith("run:bank/score/"))
    scoring = _other(drawn, "wasGeneratedBy", "prov:entity", scores, "prov:activity")
    model = _other(drawn, "used", "prov:activity", scoring, "prov:entity")
    attempt = _other(drawn, "wasGeneratedBy", "prov:entity", model, "prov:activity")
    used = [record["prov:entity"] for record in drawn["used"].values() if record["prov:activity"] == attempt]
    assert "run:bank/grant/bank-grant" in used
    assert _other(drawn, "wasDerivedFrom", "prov:generatedEntity", used[-1], "prov:usedEntity") == (
        "run:bank/manifest"
    )
    assert drawn["entity"][scores]["isthmus:rows"] == 40


def test_messages_are_all_counted_to_the_byte(drawn: dict[str, Any]) -> None:
    sent = [facts for name, facts in drawn["entity"].items() if name.startswith("run:bank/attempt/1/sent/")]
    frames = [json.loads(line) for line in samples.scored().roles["bank"].frames]
    assert sum(facts["isthmus:messages"] for facts in sent) == len(frames)
    assert sum(facts["isthmus:bytes"] for facts in sent) == sum(frame["size"] for frame in frames)
    assert {facts["isthmus:form"] for facts in sent} == {Form.ENCRYPTED_UPDATE.value}


def test_the_same_packs_give_the_same_bytes(drawn: dict[str, Any]) -> None:
    made = samples.scored()
    again = lineage(*samples.verified([made.pack(name) for name in world.ROLES]))
    assert samples.same_bytes(drawn, again)


def test_no_lineage_is_drawn_from_an_altered_pack() -> None:
    made = world.made(1)
    lines = made.files("bank")["guard.jsonl"].splitlines(keepends=True)
    with pytest.raises(Refusal, match="does not verify") as refused:
        lineage(*samples.verified([made.pack("bank", {"guard.jsonl": b"".join(lines[1:])})]))
    assert refused.value.file == "bank.zip"


def test_a_revoked_grant_is_shown_as_no_longer_there() -> None:
    made = world.made(1)
    bank, at = made.roles["bank"], made.now - dt.timedelta(minutes=1)
    envelope = world.revocation(bank, at)
    bank.log("revocation", at, grant=bank.grant.id, sha256=hashlib.sha256(envelope).hexdigest())
    revoked = {f"revocations/{bank.grant.id}.dsse.json": envelope}
    drawn = lineage(*samples.verified([made.pack("bank", revoked)]))
    (ended,) = drawn["wasInvalidatedBy"].values()
    assert ended["prov:entity"] == "run:bank/grant/bank-grant"
    assert ended["prov:time"] == f"{at:%Y-%m-%dT%H:%M:%S}+00:00"


def test_messages_of_two_attempts_are_told_apart_and_those_after_an_end_are_its_own() -> None:
    made = world.made(1, 4)
    bank = made.roles["bank"]
    first = len(bank.frames)
    for number in (first, first + 1, 0, 1, 2):  # Two after the first attempt's end, three of another.
        bank.frames.append(
            world.frame(
                "0" * 64,
                type="round/progress",
                to="public",
                size=7,
                sha256="0" * 64,
                purpose=world.PURPOSE,
                form="control",
                grants=[],
                lineage="0" * 64,
                verdict="0" * 64,
                number=number,
            )
        )
    opened = json.loads(next(line for line in bank.lines if b'"kind":"plan"' in line))
    opened = {key: value for key, value in opened.items() if key not in ("kind", "at")}
    bank.log("plan", made.now, **{**opened, "attempt": 2})
    drawn = lineage([Reading(made.pack("bank"))], Report(world.RUN, world.FEDERATION, {}, ()))
    assert _sent(drawn) == {1: first + 2, 2: 3}
    assert "prov:endTime" not in drawn["activity"]["run:bank/attempt/2"]


def test_an_attempt_that_sent_nothing_has_no_messages() -> None:
    made = world.made(1, 4)
    bank = made.roles["bank"]
    root = Tree(map(leaf_hash, bank.frames)).root().hex()
    fields = {"lines": len(bank.frames), "root": root, "bytes": 0, "state": "failed"}
    bank.log("close", made.now, run=world.RUN, attempt=2, **fields)
    drawn = lineage([Reading(made.pack("bank"))], Report(world.RUN, world.FEDERATION, {}, ()))
    assert _sent(drawn) == {1: len(bank.frames), 2: 0}


def test_it_names_the_digest_of_what_each_pack_s_maker_signed(drawn: dict[str, Any]) -> None:
    made = samples.scored()
    for name in world.ROLES:
        signed = hashlib.sha256(made.pack(name).files[packs.STATEMENT]).hexdigest()
        assert drawn["entity"][f"run:{name}/pack"]["isthmus:statementSha256"] == signed


def test_an_aggregator_s_lineage_has_no_grant() -> None:
    drawn = lineage(*samples.verified([world.made(1).pack("aggregator")]))
    assert not [name for name in drawn["entity"] if "/grant/" in name or name.endswith("/manifest")]


@pytest.mark.parametrize("name", ["a b", "x\ny", "<script>", "../..", ""])
def test_a_name_that_is_none_is_refused_rather_than_written(name: str) -> None:
    made = world.made(1)
    frames = [world.frame("0" * 64, type=f"round/{name}", to="public", size=7)]
    pack = made.pack("bank", {"guard.jsonl": world.joined(frames)})
    with pytest.raises(UsageError, match="guard log"):
        lineage([Reading(pack)], Report(world.RUN, world.FEDERATION, {}, ()))


def test_neither_seeds_nor_documents_nor_keys_are_in_it(drawn: dict[str, Any]) -> None:
    whole = json.dumps(drawn)
    role = samples.scored().roles["bank"]
    for secret in (role.seed.hex(), "company data", "opinion", role.identity.public.key.hex()):
        assert secret not in whole
    assert packs.STATEMENT not in whole


def _sent(drawn: dict[str, Any]) -> dict[int, int]:
    """Attempt -> how many messages the bank sent in it."""
    return {
        number: sum(
            facts["isthmus:messages"]
            for name, facts in drawn["entity"].items()
            if name.startswith(f"run:bank/attempt/{number}/sent/")
        )
        for number in (1, 2)
    }


def _other(drawn: dict[str, Any], kind: str, end: str, name: str, other: str) -> str:
    """The one thing at the other end of a relation."""
    (found,) = (record[other] for record in drawn[kind].values() if record[end] == name)
    return str(found)
