"""What may stand in a line of entities.jsonl and of verdicts.jsonl: nothing else goes to Cedar."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crypto.errors import Refusal
from federation import files
from federation.governance.terms import Form, National, Operation, Personal

_MOST_LINEAGES = 64
_ADVICE = "Ask whoever made the pack for it again; keep this file as it is."


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Uid(_Closed):
    """What an entity is called."""

    type: Literal["Party", "Lineage"]
    id: str


class PartyFacts(_Closed):
    """What is said of the sender."""

    types: tuple[str, ...]
    purposes: tuple[str, ...]


class Permitted(_Closed):
    """To whom something may go, and for what."""

    to: str
    operation: Operation


class LineageFacts(_Closed):
    """What is said of the fields of a use."""

    forms: tuple[Form, ...]
    grade: National
    personal: Personal
    granted: tuple[Permitted, ...]

    @property
    def of_no_column(self) -> bool:
        """Whether it is what the guard says of a use of which the run reads no column."""
        everything = set(self.forms) == set(Form)
        return everything and (self.grade, self.personal) == (National.GENERAL, Personal.NONE)


class _PartyEntity(_Closed):
    uid: Uid
    attrs: PartyFacts
    parents: tuple[()]


class _LineageEntity(_Closed):
    uid: Uid
    attrs: LineageFacts
    parents: tuple[()]


class Context(_Closed):
    """The words of a request: all that a verdict can rest on beside the entities."""

    type: str
    form: Form
    operation: Operation
    purpose: str
    to: str
    origin: str = Field(max_length=2)
    destination: str = Field(max_length=2)
    mechanism: str
    within_size: bool
    expected: bool
    canonical: bool
    no_canary: bool
    within_bytes: bool
    in_force: bool


class _Request(_Closed):
    principal: str
    action: str
    resource: str
    context: Context


class Verdict(_Closed):
    """A line of verdicts.jsonl."""

    policy: str
    entities: str
    request: _Request
    decision: Literal["allow", "deny", "unknown"]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """The entities of one attempt. digest: SHA-256 of the line. uses: a lineage's name -> what of it."""

    digest: str
    sender: str
    party: PartyFacts
    uses: Mapping[str, LineageFacts]


def stated(line: bytes) -> Stated:
    """The facts of a line of entities.jsonl; `Refusal` unless it is the one form of some."""
    try:
        first, *rest = json.loads(line)
        if len(rest) > _MOST_LINEAGES:
            raise ValueError
        party = _PartyEntity.model_validate(first)
        lineages = [_LineageEntity.model_validate(each) for each in rest]
    except (ValueError, TypeError, RecursionError, ValidationError):
        raise _no_facts() from None
    again = [party.model_dump(mode="json"), *(each.model_dump(mode="json") for each in lineages)]
    uses = {each.uid.id: each.attrs for each in lineages}
    types = [party.uid.type, *(each.uid.type for each in lineages)]
    if files.canonical_json(again) != line or len(uses) != len(lineages):
        raise _no_facts()
    if types != ["Party", *["Lineage"] * len(lineages)]:
        raise _no_facts()
    return Stated(hashlib.sha256(line).hexdigest(), party.uid.id, party.attrs, uses)


def verdict_in(line: bytes) -> Verdict:
    """A line of verdicts.jsonl; `Refusal` unless it has the fields of one and no others."""
    try:
        return Verdict.model_validate_json(line, strict=True)
    except ValidationError:
        raise Refusal("a verdict does not say what a verdict says", advice=_ADVICE) from None


def _no_facts() -> Refusal:
    return Refusal(
        "a line of entities.jsonl is not what a guard decides on", advice=_ADVICE, file="entities.jsonl"
    )
