"""The size model: which messages a plan has, how large each may be, and how many of each to one recipient.

A bound follows from the plan, from the own manifest and the rows that were read, and from what the others
announce as they go: how many rows are common (`CommonRows`), how many columns each has (`Prepared`), how many
identifiers went round. No announcement of its own lets a party send more than its manifest's columns and its
table's rows come to; of others' none is believed beyond what a table plausibly has. It is an upper bound and
no exact size: it says how much could be hidden in a run at most, not that nothing is. What a message holds
must besides be in its one form (`contents`), so its own counts already say how many bytes it has.

Units: bytes of the encoded message, before it is sealed. Ciphertext sizes are those of `crypto.bfv`
(N = 8192) and `crypto.histogram`, rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from federation.governance.manifest import Manifest
from federation.governance.terms import Operation, Use
from federation.ids import PartyId
from federation.message import REGISTRY, Message, Role
from federation.messages import registered
from federation.messages.alignment import CommonRows, RingPoints, RingTags
from federation.messages.round import Prepared, TrainingRows
from federation.messages.scorecard import Binned
from federation.messages.selection import Compared
from federation.plan import Plan

#: A fresh seeded ciphertext, an answer, a public key, an encrypted block of rows, a histogram's ciphertext.
FRESH, ANSWER, KEY, UPLOAD, HISTOGRAM = 200_000, 134_000, 560_000, 123_000, 58_000
#: Galois keys of the histogram's bytes form.
SWITCHING = 16 << 20
#: Framing: the name, counts, the names or digests of up to 64 seats.
FRAME = 4096
#: Of any type so many may go: a protocol may be asked again, as for another fold.
_FEWEST = 4
#: Nothing is larger, whatever was announced.
CEILING = 1 << 30
_SLOTS = 8192
#: Rows that a table may have gained since its manifest was written, besides as many as it had.
_GROWTH = 100_000
#: Columns of a party that has announced none yet.
_UNTOLD = 4096
#: More columns than this are believed of nobody.
_WIDEST = 1 << 14
#: Columns that one field may become where its levels are encoded: 1,000 of them, and for what is missing.
_ENCODED = 1002
#: Words of one sum at most: parameters of a model, or statistics of all columns. 20 bytes each at the most.
_WORDS, _WORDS_OF_A_MODULE, _WORD = 1 << 21, 1 << 24, 20


@dataclass
class Measures:
    """What bounds a message: the plan's figures and what was announced so far."""

    plan: Plan
    rows: int  # The own table's, until the common ones are known.
    me: PartyId | None = None  # None: a role without rows.
    most_columns: int = _WIDEST  # That the own fields can become.
    columns: dict[PartyId, int] = field(default_factory=dict)
    passing: dict[PartyId, int] = field(default_factory=dict)  # Whose identifiers came by, and how many.

    def __post_init__(self) -> None:
        self._own = 2 * self.rows + _GROWTH  # Tables grow after their manifest was written.

    def holds(self, rows: int) -> None:
        """Note how many rows were read; the manifest's bound stays."""
        self._own = min(self._own, rows)

    def told(self, sender: PartyId, message: Message) -> None:
        """Note what a message announces, one that came or one that was let out."""
        if isinstance(message, CommonRows):
            self.rows = min(len(message.rows), self.identifiers if self.me is None else self._own)
        elif isinstance(message, RingPoints | RingTags):
            if sender != self.me:
                self.passing.setdefault(message.owner, _identifiers(message))
        elif isinstance(message, Prepared | Compared | Binned):
            most = self.most_columns if sender == self.me else _WIDEST
            self.columns[sender] = max(self.columns.get(sender, 0), min(message.columns, most))

    def admits(self, message: Message) -> bool:
        """Whether a message of this party's says no more than it has: columns, and identifiers, its own or
        those that came by."""
        if isinstance(message, RingPoints) and message.owner == self.me:
            return len(message.points) <= self._own
        if isinstance(message, RingPoints | RingTags):
            return _identifiers(message) <= self.passing.get(message.owner, 0)
        if isinstance(message, Prepared | Compared | Binned):
            return message.columns <= self.most_columns
        return True

    @property
    def identifiers(self) -> int:
        """Of the largest set that goes round."""
        return max(self._own, max(self.passing.values(), default=0))

    @property
    def own(self) -> int:
        """Columns of this party."""
        if self.me is None:
            return self.width
        return self.columns.get(self.me, self.most_columns)

    @property
    def width(self) -> int:
        """Columns of the widest party."""
        return max(self.columns.values(), default=_UNTOLD)

    @property
    def widths(self) -> int:
        """Columns of all parties."""
        return sum(self.columns.values()) or _UNTOLD

    @property
    def parties(self) -> int:
        return len(self.plan.parties)

    @property
    def blocks(self) -> int:
        """Ciphertexts that hold a number for each row."""
        return -(-max(self.rows, 1) // _SLOTS)

    @property
    def gradients(self) -> int:
        """Gradients of a run: iterations and retreats of every fit, and two a column for standard errors."""
        plan = self.plan
        fits = 1 + plan.split.folds
        if plan.shape == "hybrid":
            fits *= plan.training.rounds + 1
        if plan.model.kind == "scorecard":
            fits *= 3
        return fits * (3 * plan.model.max_iterations + 2 * self.widths + 16)

    @property
    def vectors(self) -> int:
        """Vectors of the optimiser, two for each iteration and the gradient; a few more for retreats."""
        return 2 * self.plan.model.max_iterations + 8

    @property
    def levels(self) -> int:
        """Levels of all trees."""
        return (self.plan.boosting.trees + 1) * (self.plan.boosting.max_depth + 1)

    @property
    def leaves(self) -> int:
        """Nodes of a tree's deepest level."""
        return 1 << self.plan.boosting.max_depth

    @property
    def candidates(self) -> int:
        """Splits that one party may offer for a tree."""
        return self.own * max(self.plan.boosting.max_bin, 2) * 2

    @property
    def cells(self) -> int:
        """Cells of one column before merging: fine bins, and levels, missing and special ones."""
        return self.plan.binning.fine + 1024

    @property
    def words(self) -> int:
        """Words of one protected sum."""
        return _WORDS_OF_A_MODULE if self.plan.model.kind == "module" else _WORDS

    @property
    def sums(self) -> int:
        """Protected sums of a run: statistics, and a few each round."""
        return 16 * (self.plan.training.rounds + 16) * max(self.plan.robust.groups, 1)


def measures_of(plan: Plan, manifest: Manifest, me: PartyId) -> Measures:
    """A party's, before anything is read or announced."""
    features = sum(facts.use is Use.FEATURE for facts in manifest.fields.values())
    return Measures(plan, manifest.table.rows, me, min(_WIDEST, (features + 1) * _ENCODED))


def _identifiers(message: RingPoints | RingTags) -> int:
    return len(message.points if isinstance(message, RingPoints) else message.tags)


#: Type -> bytes of one message at the most, and how many go to one recipient in one run.
Bound = Callable[[Measures], tuple[int, int]]


def _marks(m: Measures) -> int:
    return m.rows // 8 + 1


_BOUNDS: Mapping[str, Bound] = {
    "session/greeting": lambda m: (1024, 1),
    "alignment/points": lambda m: (32 * m.identifiers, m.parties + 1),
    "alignment/tags": lambda m: (16 * m.identifiers, 1),
    "alignment/rows": lambda m: (4 * m.identifiers, 1),
    "apart/outcomes": lambda m: (KEY + m.blocks * FRESH, 8),
    "apart/sums": lambda m: (ANSWER * (m.blocks + 1024), 8),
    "apart/opened": lambda m: (8 * 4096, 8),
    "apart/bins": lambda m: (4 * 8 * 4096, 8),
    "boosting/key": lambda m: (UPLOAD + SWITCHING, 1),
    "boosting/tree": lambda m: (_marks(m), m.plan.boosting.trees + 1),
    "boosting/offer": lambda m: (m.candidates, m.plan.boosting.trees + 1),
    "boosting/rows": lambda m: (UPLOAD * (-(-m.rows // 64) + m.leaves), m.levels),
    "boosting/sums": lambda m: (
        m.candidates * m.leaves + HISTOGRAM * m.leaves * m.candidates,
        m.levels,
    ),
    "boosting/picks": lambda m: (8 * m.leaves, m.levels),
    "boosting/sides": lambda m: (_marks(m), m.levels),
    "boosting/division": lambda m: (m.leaves + _marks(m), m.levels),
    "boosting/scores": lambda m: (m.rows * m.plan.boosting.trees * m.leaves // 8 + 1, 1),
    "export/points": lambda m: (16 << 20, 1),
    "horizontal/catch-up": lambda m: (256 << 20, 4),
    "horizontal/group-mean": lambda m: (8 * m.words, m.sums),
    "logistic/key": lambda m: (KEY, m.gradients),
    "logistic/harmonics": lambda m: (FRESH * m.blocks * 64, m.gradients),
    "logistic/logit-share": lambda m: (4 * m.rows, m.gradients),
    "logistic/masked-logit": lambda m: (4 * m.rows, m.gradients),
    "logistic/residual": lambda m: (FRESH * m.blocks, m.gradients),
    "logistic/residual-share": lambda m: (FRESH * m.blocks, m.gradients),
    "logistic/products": lambda m: (ANSWER * (m.own + 1), 2 * m.gradients),
    "logistic/opened": lambda m: (8 * (m.width + 1), 2 * m.gradients),
    "logistic/gram": lambda m: (8 * m.vectors**2, m.gradients),
    "logistic/direction": lambda m: (8 * m.vectors, m.gradients),
    "logistic/scores": lambda m: (8 * m.rows, 2 + m.gradients),
    "reject/outcomes": lambda m: (KEY + FRESH * m.blocks, 1),
    "reject/bands": lambda m: (ANSWER * m.plan.rejects.bands, 1),
    "reject/sums": lambda m: (8 * m.plan.rejects.bands, 1),
    "round/training-rows": lambda m: (_marks(m), 1 + m.plan.split.folds),
    "round/progress": lambda m: (0, 16 * (m.gradients + m.levels + m.sums)),
    "scorecard/outcomes": lambda m: (UPLOAD * (-(-m.rows // 64) + 2) + SWITCHING, 1),
    "scorecard/shapes": lambda m: (4 * m.own, 1),
    "scorecard/cell-counts": lambda m: (HISTOGRAM * m.own * m.cells, 2),
    "scorecard/opened-counts": lambda m: (8 * 2 * m.width * m.cells, 2),
    "scorecard/grouped": lambda m: (9 * m.width * m.cells + 8 * m.width, 1),
    "scorecard/points": lambda m: (8 * m.rows, 1),
    "scorecard/explain": lambda m: (_marks(m), 1),
    "scorecard/reasons": lambda m: (10 * m.plan.scorecard.reasons * m.rows, 1),
    "selection/worth": lambda m: (8 * m.own, 1),
    "selection/verdicts": lambda m: (16 * 8 * m.width, 1),
    "selection/columns": lambda m: (KEY + FRESH * m.blocks * m.own, 1),
    "selection/products": lambda m: (ANSWER * m.width * (m.own + 1), 1),
    "selection/shares": lambda m: (8 * m.own * m.width, m.parties),
    "selection/own": lambda m: (8 * m.own * m.own, 1),
    "selection/curvature": lambda m: (8 * m.own * (m.widths + 8), 1),
    "selection/covariance": lambda m: (8 * (m.width * m.width + m.width), 1),
    "selection/model": lambda m: (8 * (m.own * m.own + 3 * m.own), 1),
    "selection/kept": lambda m: (64 * 8 * (m.widths + 8), 1),
    "sum/upload": lambda m: (_WORD * m.words, m.sums),
    "sum/total": lambda m: (_WORD * m.words, m.sums),
}


def bound(measures: Measures, kind: str) -> tuple[int, int]:
    """Bytes of one message of this type at the most, and how many to one recipient.

    Types that are not listed hold a few numbers, names and digests, and go a few times in each step.
    """
    rule = _BOUNDS.get(kind)
    if rule is None:
        return FRAME, 16 * (measures.gradients + measures.levels + measures.sums)
    size, count = rule(measures)
    return min(size + FRAME, CEILING), max(count, _FEWEST)


#: Topics that a plan's shape or model has of its own; the others are every plan's.
_ROOMS = frozenset(
    ("alignment", "apart", "boosting", "export", "horizontal", "hybrid", "logistic", "reject")
) | {"scorecard", "selection", "sum"}


def rooms_of(plan: Plan) -> frozenset[str]:
    """The protocols that a plan runs, as the first part of their messages' names."""
    if plan.shape == "horizontal":
        return frozenset({"horizontal", "sum"})
    rooms = {"alignment"}
    if plan.shape == "hybrid":
        return frozenset(rooms | {"hybrid", "sum", "logistic", "apart"})
    by_kind = {
        "logistic": {"logistic", "apart"},
        "scorecard": {"logistic", "scorecard", "selection", "export", "apart"},
        "boosting": {"boosting", "apart"},
        "rejects": {"reject"},
    }
    return frozenset(rooms | by_kind[plan.model.kind])


def types_of(plan: Plan, role: Role) -> frozenset[str]:
    """The message types that a seat of this role may send under this plan, the greeting among them."""
    registered()
    closed = _ROOMS - rooms_of(plan)
    untrained = {TrainingRows.NAME} if plan.model.kind == "rejects" else set[str]()
    return frozenset(
        {"session/greeting"}
        | {
            name
            for name, kind in REGISTRY.items()
            if kind.__module__.startswith("federation.messages.")
            and name.partition("/")[0] not in closed
            and name not in untrained
            and any(flow.sender.covers(role) for flow in kind.FLOWS)
        }
    )


def training_of(plan: Plan, kind: type[Message]) -> Operation:
    """The operation of a message that is for the training itself: in hybrid plans sums are horizontal."""
    across = kind.NAME.partition("/")[0] in ("sum", "hybrid", "horizontal")
    if plan.shape == "horizontal" or (plan.shape == "hybrid" and across):
        return Operation.TRAIN_HORIZONTAL
    return Operation.TRAIN_VERTICAL
