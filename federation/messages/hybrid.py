"""The messages between counterparts of different consortia (`parties.hybrid` tells the protocol).

Besides those of a protected sum they are all that crosses. What they carry of a table are the names and kinds
of columns, as a digest.
"""

from __future__ import annotations

from federation.governance.terms import Form
from federation.message import Digest, Flow, Message, Role, message

PARTY = Role.PARTY


@message("hybrid/columns", Flow(PARTY, PARTY), crosses=True, form=Form.CONTROL)
class CounterpartColumns(Message):
    """Party to each of its counterparts: a digest of its feature columns' names and kinds."""

    digest: Digest


@message("hybrid/fitted", Flow(PARTY, PARTY), crosses=True, form=Form.CONTROL)
class Fitted(Message):
    """Party to each of its counterparts: its consortium has ended this round's fit; the sum may begin."""

    number: int
