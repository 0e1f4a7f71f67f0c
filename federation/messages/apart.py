"""The messages of an evaluation whose scores and outcomes lie apart (`parties.evaluation.apart`)."""

from __future__ import annotations

from crypto.bfv import Ciphertexts, PublicKey
from crypto.sealed import DisclosedNumbers, MaskedWords
from federation.governance.terms import Form, Operation, Use
from federation.message import Flow, Message, Role, message

LABEL, HELPER, FEATURE = Role.LABEL, Role.HELPER, Role.FEATURE


@message(
    "apart/outcomes",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.LABEL,),
    operation=Operation.EVALUATE,
)
class SealedOutcomes(Message):
    """Label party to the holder of the scores: the outcomes under the label party's key."""

    key: PublicKey
    outcomes: Ciphertexts


@message(
    "apart/sums",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.FEATURE,),
    operation=Operation.EVALUATE,
)
class BinSums(Message):
    """From the holder of the scores: the number of bins, and the defaults in each under the label party's
    key, with every slot masked."""

    bins: int
    answers: Ciphertexts


@message(
    "apart/opened",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.AGGREGATE,
    of=(Use.LABEL,),
    operation=Operation.EVALUATE,
)
class OpenedSums(Message):
    """Back to the holder of the scores, where it may know the counts: the sums, still under its own masks."""

    sums: MaskedWords


@message(
    "apart/bins",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.AGGREGATE,
    of=(Use.FEATURE,),
    operation=Operation.EVALUATE,
)
class TheBins(Message):
    """To the label party, where it may know the counts: for each bin the mask of its sum, how many rows it
    has, its lowest score and its mean prediction."""

    masks: MaskedWords
    rows: DisclosedNumbers
    floors: DisclosedNumbers
    predicted: DisclosedNumbers
