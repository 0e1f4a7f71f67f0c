"""What carries sealed bytes between the seats of a session. A protocol never knows which one."""

from __future__ import annotations

from typing import Protocol

from federation.ids import PartyId

#: The cause that the peers of a seat are given when it has closed.
LEFT = "it left the session"


class Transport(Protocol):
    """One seat's connection to the other seats of one session.

    Reliable and ordered per (sender, recipient); the bytes are already sealed. Every wait has a
    bound. When the session is ended by anyone, every blocked or later call raises
    `federation.errors.SessionEnded` with the cause that was given.
    """

    def send(self, to: PartyId, envelope: bytes) -> None:
        """Hand over one envelope. Raises `PeerSilent` naming `to` when the peer takes nothing in time."""

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        """The next envelope from `sender`; `PeerSilent` naming it after `timeout` seconds."""

    def end(self, cause: str) -> None:
        """End the session for every seat, telling them `cause` (no data in it). Idempotent."""

    def close(self) -> None:
        """Leave: flush what was sent, then free the connection. Idempotent."""
