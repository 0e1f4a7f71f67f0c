"""The messages of asking another lender what became of rejected firms (`parties.reject.lookup`)."""

from __future__ import annotations

from crypto.bfv import Ciphertexts, PublicKey
from crypto.sealed import MaskedWords
from federation.governance.terms import Form, Operation, Use
from federation.message import Flow, Message, Role, message

LABEL, HELPER, FEATURE = Role.LABEL, Role.HELPER, Role.FEATURE


@message(
    "reject/outcomes",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.LABEL,),
    operation=Operation.EVALUATE,
)
class LenderOutcomes(Message):
    """Lender to the bank that asks: the outcomes of the common firms under the lender's key."""

    key: PublicKey
    outcomes: Ciphertexts


@message(
    "reject/bands",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.FEATURE,),
    operation=Operation.EVALUATE,
)
class BandQuestions(Message):
    """Bank back: for each band of rejected firms an inner product with the outcomes, every slot masked."""

    bands: int
    answers: Ciphertexts


@message(
    "reject/sums",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.AGGREGATE,
    of=(Use.LABEL,),
    operation=Operation.EVALUATE,
)
class BandSums(Message):
    """Lender back: the opened sums plus its own noise, uniform under the bank's masks."""

    sums: MaskedWords
