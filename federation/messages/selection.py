"""The messages by which columns of several parties are chosen (`parties.selection` tells the protocols)."""

from __future__ import annotations

from crypto.bfv import Ciphertexts, PublicKey
from crypto.sealed import DisclosedNumbers, MaskedWords
from federation.governance.terms import Form, Use
from federation.ids import PartyId
from federation.message import Flow, Message, Role, message

LABEL, HELPER, FEATURE, PARTY = Role.LABEL, Role.HELPER, Role.FEATURE, Role.PARTY


@message("selection/compared", Flow(PARTY, PARTY), form=Form.CONTROL)
class Compared(Message):
    """Party to each other one: how many of its columns are compared with theirs."""

    columns: int


@message("selection/worth", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.AGGREGATE, of=(Use.FEATURE,))
class Worth(Message):
    """To the label party: the information value of each compared column, in thousandths."""

    iv: DisclosedNumbers


@message(
    "selection/verdicts",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.AGGREGATE,
    of=(Use.FEATURE, Use.LABEL),
)
class Verdicts(Message):
    """Label party to another: what becomes of each of its compared columns, and why: also by their
    correlation with the label party's own."""

    verdicts: DisclosedNumbers


@message("selection/columns", Flow(PARTY, PARTY), form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE,))
class SealedColumns(Message):
    """Party to each later one in the plan's order: its standardised columns under its own key."""

    key: PublicKey
    columns: tuple[Ciphertexts, ...]


@message("selection/products", Flow(PARTY, PARTY), form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE,))
class CrossProducts(Message):
    """Back: for each of those columns its inner products with the sender's, with every slot masked."""

    answers: tuple[Ciphertexts, ...]


@message(
    "selection/shares", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.MASKED_UPDATE, of=(Use.FEATURE,)
)
class CrossShares(Message):
    """To the label party: one party's shares of its inner products with `partner`'s columns, in thousandths
    of a correlation. The partner's shares taken from them are the correlations."""

    partner: PartyId
    shares: MaskedWords


@message("selection/own", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.AGGREGATE, of=(Use.FEATURE,))
class OwnCorrelations(Message):
    """To the label party: the correlations of the sender's own columns with each other, rounded."""

    upper: DisclosedNumbers


@message(
    "selection/curvature", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.AGGREGATE, of=(Use.FEATURE,)
)
class Curvature(Message):
    """To the label party: how the sender's block of the gradient changes along each coordinate of each party,
    and the block at the optimum."""

    rows: DisclosedNumbers


@message(
    "selection/covariance",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.AGGREGATE,
    of=(Use.FEATURE, Use.LABEL),
)
class CovarianceBlock(Message):
    """Label party to another: the last step of its coefficients and their covariance."""

    step: DisclosedNumbers
    upper: DisclosedNumbers


@message("selection/model", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.AGGREGATE, of=(Use.FEATURE,))
class ModelBlock(Message):
    """To the label party, for stepwise selection: how the sender's columns follow from its whitened
    coordinates, its coefficients, and the sign that each is expected to have (-1, 1, or 0 for either)."""

    turn: DisclosedNumbers
    coefficients: DisclosedNumbers
    expected: DisclosedNumbers


@message(
    "selection/kept",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.AGGREGATE,
    of=(Use.FEATURE, Use.LABEL),
)
class KeptColumns(Message):
    """Label party to another: which of its columns stay, by their place; their estimates and standard errors
    in the model that is left; of each step that moved one of its columns the number, what was done, the
    column's place, the change of twice the log likelihood and its p-value; and the place of the one that
    stays only because the party would have none."""

    places: DisclosedNumbers
    estimates: DisclosedNumbers
    errors: DisclosedNumbers
    steps: DisclosedNumbers
    forced: int | None
