"""One message each way: bytes in a Flower record. What the bytes mean is the caller's affair."""

from __future__ import annotations

from flwr.app import ConfigRecord, RecordDict

from federation.errors import MessageRefused

#: Flower's message type for both apps: a question to a node that changes no model.
MESSAGE_TYPE = "query"

_RECORD = "isthmus"
_PAYLOAD = "payload"


def packed(payload: bytes) -> RecordDict:
    """The record dictionary that carries `payload`."""
    return RecordDict({_RECORD: ConfigRecord({_PAYLOAD: payload})})


def unpacked(content: RecordDict) -> bytes:
    """The payload of a record dictionary from outside. Raises `MessageRefused` on any other shape."""
    record = content.get(_RECORD)
    if len(content) != 1 or not isinstance(record, ConfigRecord) or set(record) != {_PAYLOAD}:
        raise MessageRefused("the Flower message does not hold one payload")
    payload = record[_PAYLOAD]
    if not isinstance(payload, bytes):
        raise MessageRefused("the Flower message's payload is not bytes")
    return payload
