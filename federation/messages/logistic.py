"""The messages of hidden vertical logistic regression (`parties.logistic.hidden` tells the protocol)."""

from __future__ import annotations

import enum

from crypto.bfv import Ciphertexts, PublicKey
from crypto.sealed import DisclosedNumbers, MaskedWords, TorusWords
from federation.governance.terms import Form, Operation, Use
from federation.message import Flow, Message, Role, message

LABEL, HELPER, FEATURE, PARTY = Role.LABEL, Role.HELPER, Role.FEATURE, Role.PARTY


@message(
    "logistic/key",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    Flow(HELPER, LABEL),
    Flow(HELPER, FEATURE),
    form=Form.CONTROL,
)
class BfvKey(Message):
    """Label party and helper to the others, once a run: the BFV public key they will be answered under."""

    key: PublicKey


@message(
    "logistic/headroom", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.AGGREGATE, of=(Use.FEATURE,)
)
class Headroom(Message):
    """How far this party's part of the logit reaches: the size that all but one row in a thousand keep, in
    half units, rounded up. Chooses the period of the sine series."""

    typical: int


@message("logistic/range", Flow(LABEL, HELPER), Flow(LABEL, FEATURE), form=Form.AGGREGATE, of=(Use.FEATURE,))
class LogitRange(Message):
    """Label party to all: the rung of the ladder of sine series for this iteration."""

    rung: int


@message("logistic/harmonics", Flow(HELPER, LABEL), form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE,))
class Harmonics(Message):
    """Helper to label party: sin(k r) and cos(k r), k = 1, 3, .., under the helper's key, r a fresh mask."""

    terms: tuple[Ciphertexts, ...]


@message(
    "logistic/logit-share",
    Flow(FEATURE, LABEL),
    Flow(FEATURE, HELPER),
    form=Form.MASKED_UPDATE,
    of=(Use.FEATURE,),
)
class LogitShare(Message):
    """Further party to label party and helper: additive shares of its logits, each uniform alone."""

    words: TorusWords


@message("logistic/masked-logit", Flow(HELPER, LABEL), form=Form.MASKED_UPDATE, of=(Use.FEATURE,))
class MaskedLogit(Message):
    """Helper to label party: its logits plus the shares it was given plus the mask r."""

    words: TorusWords


@message("logistic/residual", Flow(LABEL, HELPER), form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE, Use.LABEL))
class Residual(Message):
    """Label party to helper: the residual plus a uniform share s, under the helper's key. It follows from the
    outcomes and from the label party's own part of the logits."""

    shifted: Ciphertexts


@message(
    "logistic/residual-share",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    Flow(HELPER, FEATURE),
    Flow(HELPER, LABEL),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.FEATURE, Use.LABEL),
)
class ResidualShare(Message):
    """One of the two shares of the residual under its owner's key: s from the label party, the residual
    plus s from the helper."""

    share: Ciphertexts


@message(
    "logistic/products",
    Flow(HELPER, LABEL),
    Flow(LABEL, HELPER),
    Flow(FEATURE, LABEL),
    Flow(FEATURE, HELPER),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.FEATURE, Use.LABEL),
)
class Products(Message):
    """To a key holder: inner products of the sender's columns with a share of the residual, under the
    holder's key, with every slot masked."""

    answers: Ciphertexts


@message(
    "logistic/opened",
    Flow(LABEL, HELPER),
    Flow(HELPER, LABEL),
    Flow(LABEL, FEATURE),
    Flow(HELPER, FEATURE),
    form=Form.AGGREGATE,
    of=(Use.FEATURE, Use.LABEL),
)
class Opened(Message):
    """From the key holder back: the opened sums with the residual, still masked by the one who asked."""

    sums: MaskedWords


@message(
    "logistic/gram", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.MASKED_UPDATE, of=(Use.FEATURE,)
)
class GramShare(Message):
    """To the label party: this party's part of the inner products of the L-BFGS vectors, in fixed point,
    under pairwise masks that cancel in the sum over the parties without the label."""

    words: MaskedWords


class Move(enum.Enum):
    """What all parties do with the direction."""

    STEP = "step"
    RETREAT = "retreat"  # Go back to the point before, then step.
    FINISH = "finish"  # Step, and training is over.


@message(
    "logistic/direction",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.AGGREGATE,
    of=(Use.FEATURE, Use.LABEL),
)
class Direction(Message):
    """Label party to all: the L-BFGS direction as coefficients over the vectors that each party holds."""

    move: Move
    coefficients: DisclosedNumbers


@message(
    "logistic/scores",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.MASKED_UPDATE,
    of=(Use.FEATURE,),
    operation=Operation.SCORE,
)
class LogitWords(Message):
    """To the label party: logits of the rows that the plan opens, under masks that cancel in the sum."""

    words: MaskedWords
