"""The party's Flower app: payload in, payload out. The bundle names the one in `parties.client_app`."""

from __future__ import annotations

from collections.abc import Callable

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from federation.flower.payload import packed, unpacked


def client_app(handler: Callable[[bytes], bytes]) -> ClientApp:
    """A ClientApp that answers each `query` with `handler(payload)`; every other type is refused.

    What the handler raises passes through: the executor decides what of it may leave.
    """

    def answer(message: Message, _context: Context) -> Message:
        reply = handler(unpacked(message.content))
        return Message(packed(reply), reply_to=message)

    app = ClientApp()
    app.query()(answer)
    return app
