"""What both ends of a stream must agree on: the method, the options, the status codes."""

from __future__ import annotations

import enum

import grpc

from federation.exchange.frames import FRAME_BYTES

#: The one method of the service.
METHOD = "/isthmus.Exchange/Stream"

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", FRAME_BYTES),
    ("grpc.max_send_message_length", FRAME_BYTES),
    ("grpc.http2.bdp_probe", 1),
    ("grpc.http2.lookahead_bytes", 4 << 20),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Without it gRPC waits 60 s for a ping's answer whatever the line above says.
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


class Reason(enum.Enum):
    """Why a stream is refused; `STATUS_OF` gives the gRPC status code of each."""

    NOT_ADMITTED = "the certificate's name is not admitted"
    NOT_A_MEMBER = "the seat is not a member of the session"
    NOT_YOURS = "the frame claims what the certificate does not allow"
    NOT_OPEN = "the session is not open"
    TAKEN = "another process holds the seat"
    LEFT = "the seat has left the session"
    MALFORMED = "the bytes are not a frame that belongs here"


STATUS_OF: dict[Reason, grpc.StatusCode] = {
    Reason.NOT_ADMITTED: grpc.StatusCode.UNAUTHENTICATED,
    Reason.NOT_A_MEMBER: grpc.StatusCode.PERMISSION_DENIED,
    Reason.NOT_YOURS: grpc.StatusCode.PERMISSION_DENIED,
    Reason.NOT_OPEN: grpc.StatusCode.NOT_FOUND,
    Reason.TAKEN: grpc.StatusCode.ALREADY_EXISTS,
    Reason.LEFT: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
}
