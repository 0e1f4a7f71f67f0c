"""docs/messages.md: every message, what of whose fields travels in it, and who sends it to whom.

`python -m federation.governance.guard.listing` prints it anew.
"""

from __future__ import annotations

import sys
import typing
from typing import Any

from federation.governance.terms import Form, Use
from federation.message import REGISTRY, Message, field_types
from federation.messages import registered

_HEAD = """\
# Every message there is

Printed by `python -m federation.governance.guard.listing`; a test holds it against the program. Nothing but
these leaves a role. *Form* is in what form something of the sender's data travels in it, *of* whose fields
(by their use in the sender's manifest), *for* the operation that a grant must allow: "training" is the one
that the plan is for. `control` says nothing of any field. A sender without fields of such a use carries
nothing of its own.

Where the form depends on the plan: with noise on, `sum/upload`, `horizontal/catch-up` and
`horizontal/group-mean` are a dp-update; without it `sum/upload` is a masked-update under protection "mask".
`export/points` without a table and `horizontal/group-mean` without the mean are control.

| message | from → to | form | of | for | fields |
| --- | --- | --- | --- | --- | --- |
"""


def markdown() -> str:
    """The page."""
    registered()
    kinds = (
        kind for _, kind in sorted(REGISTRY.items()) if kind.__module__.startswith("federation.messages.")
    )
    return _HEAD + "".join(map(_row, kinds))


def _row(kind: type[Message]) -> str:
    ways: dict[str, list[str]] = {}
    for flow in kind.FLOWS:
        ways.setdefault(flow.sender.value, []).append(flow.to.value)
    cells = (
        f"`{kind.NAME}`",
        "; ".join(f"{sender} → {', '.join(to)}" for sender, to in ways.items())
        + (" (also between consortia)" if kind.CROSSES else ""),
        kind.FORM.value,
        ", ".join(use.value for use in Use if use in kind.OF) or "–",
        "–" if kind.FORM is Form.CONTROL else kind.OPERATION.value if kind.OPERATION else "training",
        ", ".join(f"{name}: {_named(declared)}" for name, declared in field_types(kind).items()),
    )
    return f"| {' | '.join(cells)} |\n"


def _named(declared: Any) -> str:
    parts = typing.get_args(declared)
    if not parts:
        return str(declared.__name__)
    if typing.get_origin(declared) is tuple:
        return f"{_named(parts[0])}, any number"
    return f"{_named(parts[0])} or none"


if __name__ == "__main__":
    sys.stdout.write(markdown())
