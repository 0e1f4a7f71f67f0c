"""Messages to bytes and back: one form a message, refused if it is not that form.

The wire form is MessagePack of [version, name, [fields in order]]. Nothing is executed or imported by
name: a name is looked up in the registry, a field is parsed by its declared type. What was parsed is
encoded again and must equal what came in, so no message has two forms in which to hide something.
"""

from __future__ import annotations

import enum
import types
import typing
from typing import Any, TypeVar

import msgpack

from crypto.codes import Code
from crypto.sealed import Travels, WireRefused
from federation.errors import EgressRefused, MessageRefused
from federation.ids import PartyId, RunId
from federation.message import REGISTRY, Digest, Message, PlainText, field_types

VERSION = 1
#: No message is larger than this many bytes.
LIMIT = 1 << 30

M = TypeVar("M", bound=Message)


def encode(message: Message) -> bytes:
    """The wire form of `message`.

    Raises `EgressRefused` when a field does not hold what its class declares: Python does not check that
    when a message is made, and a list of numbers in the place of one would travel.
    """
    values = [
        _to_wire(getattr(message, name), kind, f"{message.NAME}.{name}")
        for name, kind in field_types(type(message)).items()
    ]
    packed: bytes = msgpack.packb([VERSION, message.NAME, values], use_bin_type=True)
    return packed


def decode(data: bytes, *expected: type[M]) -> M:
    """Parse `data` as a message that the protocol expects now.

    Raises `MessageRefused` for anything else, or the `Refusal` of a value with an advice of its own, such as
    a point that is not on the curve.
    """
    if len(data) > LIMIT:
        raise MessageRefused("a message is too large", code=Code.MESSAGE_SIZE)
    try:
        unpacked = msgpack.unpackb(data, raw=False, strict_map_key=True, max_ext_len=0, max_map_len=0)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError):
        raise MessageRefused("a message is not well-formed") from None
    if not (isinstance(unpacked, list) and len(unpacked) == 3 and unpacked[0] == VERSION):
        raise MessageRefused("a message has another version of the wire format", code=Code.MESSAGE_VERSION)
    _, name, values = unpacked
    kind = next((kind for kind in expected if name == kind.NAME), None)
    if kind is None:
        known = name if isinstance(name, str) and name in REGISTRY else "an unknown message"
        due = " or ".join(kind.NAME for kind in expected)
        raise MessageRefused(f"{known} came where {due} was due")
    wanted = field_types(kind)
    if not (isinstance(values, list) and len(values) == len(wanted)):
        raise MessageRefused(f"{kind.NAME} has the wrong number of fields")
    try:
        fields = [
            _from_wire(value, declared) for value, declared in zip(values, wanted.values(), strict=True)
        ]
    except WireRefused as error:
        raise MessageRefused(f"{kind.NAME}: {error.what}") from None
    parsed = kind(*fields)
    if encode(parsed) != data:
        raise MessageRefused(f"{kind.NAME} is not in its one wire form")
    return parsed


def _to_wire(value: Any, kind: Any, field: str) -> Any:
    """A field's value as MessagePack takes it; `EgressRefused` when it is not of the declared `kind`."""
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = _present(kind)
    if typing.get_origin(kind) is tuple and isinstance(value, tuple):
        return [_to_wire(item, typing.get_args(kind)[0], field) for item in value]
    if kind in (PartyId, RunId, PlainText) and _is_text(value):
        return value
    if kind is Digest and _is_digest(value):
        return value
    if (kind is bool and type(value) is bool) or (kind is int and _is_int(value)):
        return value
    if isinstance(kind, type) and isinstance(value, kind):
        if isinstance(value, Travels):
            return value.to_wire()
        if isinstance(value, enum.Enum):
            return value.value
    raise EgressRefused(f"{field} does not hold what the message declares")


def _from_wire(value: Any, kind: Any) -> Any:
    """A field's value from what MessagePack gave; `WireRefused` when that is not of the declared `kind`."""
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = _present(kind)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise WireRefused("a list was expected")
        return tuple(_from_wire(item, typing.get_args(kind)[0]) for item in value)
    if kind in (PartyId, RunId, PlainText):
        return _text(value)
    if kind is Digest:
        if not _is_digest(value):
            raise WireRefused("a digest of 32 bytes was expected")
        return value
    if kind is bool or kind is int:
        if type(value) is not kind:
            raise WireRefused(f"{kind.__name__} was expected")
        return value
    if issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            raise WireRefused(f"not a {kind.__name__}") from None
    return kind.from_wire(value)


def _text(value: Any) -> str:
    if not _is_text(value):
        raise WireRefused("a short printable text was expected")
    return str(value)


def _present(kind: types.UnionType) -> Any:
    (present,) = (part for part in typing.get_args(kind) if part is not type(None))
    return present


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 400 and value.isprintable()


def _is_digest(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == 32


def _is_int(value: Any) -> bool:
    """An integer that MessagePack can hold."""
    return type(value) is int and -(1 << 63) <= value < 1 << 64
