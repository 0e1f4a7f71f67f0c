"""Messages: frozen, typed, and made only of what may travel.

`@message("logistic/residual", Role.LABEL, to=Role.HELPER)` freezes a class, registers it for the codec
and fixes who sends it to whom. A field is a `Travels` value (sealed, or disclosed on purpose), an int, a
bool, a name, an enumeration, 32 bytes of digest, or a tuple of `Travels` values, names or digests. Text,
floating-point numbers, bare bytes, arrays, frames and `Private` are refused when the class is made, and so
are tuples of numbers, bits or choices: a protocol that would carry a column of a table does not import.
An `Entrusted` field, a secret among the parties, is refused where the aggregator is a recipient.

`crosses=True` lets a message go to a party of another consortium (hybrid plans); without it the guard
keeps it inside its own.

`form` says in what form something of the sender's data travels in it, and `of` whose fields' (by their use in
the manifest): what a manifest and a grant must allow before the guard lets it out. A sender without fields of
such a use carries nothing of its own. `operation`: what it is for, where that is not the training.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NewType, TypeVar, dataclass_transform

from crypto.sealed import Entrusted, Travels
from federation.governance.terms import Form, Operation, Use
from federation.ids import PartyId, RunId

#: A SHA-256 digest (32 bytes).
Digest = NewType("Digest", bytes)
#: A sentence for people, written by the program from fixed words and names; never from data.
PlainText = NewType("PlainText", str)


class Role(enum.Enum):
    """A seat's part in a protocol. `PARTY` in a flow stands for any of the data parties.

    A `MEMBER` trains the whole model on rows of its own (horizontal plans); label, helper and feature party
    hold different columns of the same firms.
    """

    AGGREGATOR = "aggregator"
    LABEL = "label"
    HELPER = "helper"
    FEATURE = "feature"
    MEMBER = "member"
    PARTY = "party"

    def covers(self, other: Role) -> bool:
        """Whether a flow declared for this role holds for a seat that plays `other`."""
        return self is other or (self is Role.PARTY and other is not Role.AGGREGATOR)


@dataclass(frozen=True, slots=True)
class Flow:
    """Who may send a message to whom."""

    sender: Role
    to: Role


@dataclass(frozen=True, slots=True)
class Carried:
    """What a message carries of its sender's data: in what form, of fields of which uses, for what.

    `operation` None: the training that the plan is for.
    """

    form: Form
    of: tuple[Use, ...]
    operation: Operation | None


#: Nothing of any field.
NOTHING = Carried(Form.CONTROL, (), None)


class Message:
    """The base of everything `Egress.send` takes."""

    __slots__ = ()
    NAME: ClassVar[str] = ""
    FLOWS: ClassVar[tuple[Flow, ...]] = ()
    CROSSES: ClassVar[bool] = False
    FORM: ClassVar[Form] = Form.CONTROL
    OF: ClassVar[tuple[Use, ...]] = ()
    OPERATION: ClassVar[Operation | None] = None

    def carried(self) -> Carried:
        """What this very message carries: what its class declares, unless the class looks closer."""
        return Carried(self.FORM, self.OF, self.OPERATION)


M = TypeVar("M", bound=type[Message])

#: Every message type of this program, by its name on the wire.
REGISTRY: dict[str, type[Message]] = {}


@dataclass_transform(frozen_default=True)
def message(
    name: str,
    *flows: Flow,
    crosses: bool = False,
    form: Form,
    of: tuple[Use, ...] = (),
    operation: Operation | None = None,
) -> Callable[[M], M]:
    """Class decorator: see the module's docstring. Raises TypeError for a field that must not travel."""
    told_to_the_aggregator = any(flow.to is Role.AGGREGATOR for flow in flows)

    def decorate(cls: M) -> M:
        frozen = typing.cast(M, dataclass(frozen=True, slots=True)(cls))
        for field_name, annotation in field_types(frozen).items():
            if not _may_travel(annotation):
                raise TypeError(f"{cls.__name__}.{field_name}: {annotation} must not travel")
            if told_to_the_aggregator and _is_entrusted(annotation):
                raise TypeError(f"{cls.__name__}.{field_name}: {annotation} is not for the aggregator")
        if name in REGISTRY:
            raise TypeError(f"two messages are called {name!r}")
        if not flows:
            raise TypeError(f"{cls.__name__} does not say who sends it to whom")
        if (form is Form.CONTROL) != (of == ()):
            raise TypeError(f"{cls.__name__}: a form says of which fields something travels, and only then")
        frozen.NAME, frozen.FLOWS, frozen.CROSSES = name, flows, crosses
        frozen.FORM, frozen.OF, frozen.OPERATION = form, of, operation
        REGISTRY[name] = frozen
        return frozen

    return decorate


def field_types(cls: type[Message]) -> Mapping[str, Any]:
    """Field name -> resolved annotation, in order."""
    known = _DECLARED.get(cls)
    if known is None:
        hints = typing.get_type_hints(cls)
        known = {field.name: hints[field.name] for field in fields(cls)}  # type: ignore[arg-type]  # all are dataclasses
        _DECLARED[cls] = types.MappingProxyType(known)
    return known


#: Annotations are texts: resolving them for each message took a third of a small round.
_DECLARED: dict[type[Message], Mapping[str, Any]] = {}


def _may_travel(annotation: Any) -> bool:
    if isinstance(annotation, types.UnionType):
        present = [part for part in typing.get_args(annotation) if part is not type(None)]
        return len(present) == 1 and _may_travel(present[0])
    if typing.get_origin(annotation) is tuple:
        inner, *rest = typing.get_args(annotation) or (None,)
        return rest == [Ellipsis] and _may_repeat(inner)
    if annotation in (PartyId, RunId, Digest, PlainText, int, bool):
        return True
    return isinstance(annotation, type) and issubclass(annotation, Travels | enum.Enum)


def _is_entrusted(annotation: Any) -> bool:
    """Whether a field of this type, or of one of its parts, holds a secret among the parties."""
    parts = typing.get_args(annotation)
    if parts:
        return any(map(_is_entrusted, parts))
    return isinstance(annotation, type) and issubclass(annotation, Entrusted)


def _may_repeat(annotation: Any) -> bool:
    """What a tuple may hold. Numbers, bits, choices and texts in a row are a column of a table."""
    if annotation in (PartyId, RunId, Digest):
        return True
    return isinstance(annotation, type) and issubclass(annotation, Travels)
