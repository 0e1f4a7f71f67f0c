"""What a report of a horizontal or hybrid round says, as plain data: did federation help each party?

Every party is judged on its own test rows alone: the federated model against the model that it can train
without the others. Figures of a party come from its outcomes, so they are that party's to show: a report of
all parties together exists where one owner holds all of them, as in a demo.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, Literal

from crypto.errors import UsageError
from parties.evaluation.delong import PairedDifference
from parties.evaluation.discrimination import Evaluation
from parties.report.data import CpuTime, Learned, LeftOrganisation, Run, Sent, Step, Version, check_finite
from parties.report.words import Verdict

PartyVerdict = Literal["helps", "hurts", "no evident difference", "too few test rows"]

_SAID: Final[dict[Verdict, PartyVerdict]] = {
    Verdict.HELPS: "helps",
    Verdict.HARMS: "hurts",
    Verdict.UNDECIDED: "no evident difference",
}
#: Two computations of one AUC on the same rows differ by rounding alone.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class PartyResult:
    """One party's own test rows under three models, counts in rows; `difference` is federated less local.

    `local` is trained without the other parties, `pooled` on everybody's rows in one place, which a demo
    alone can do. None where the test rows are too few, or all of one outcome.
    """

    party: str
    training_rows: int
    test_rows: int
    test_bad: int
    local: Evaluation | None
    federated: Evaluation | None
    pooled: Evaluation | None
    difference: PairedDifference | None

    @property
    def verdict(self) -> PartyVerdict:
        """Helps or hurts only where the whole 95 % interval of the difference lies on one side of zero."""
        return "too few test rows" if self.difference is None else _SAID[Verdict.of(self.difference)]

    def check(self) -> None:
        """Raise `UsageError` where the difference is not that of the two evaluations."""
        if self.difference is None:
            return
        if self.local is None or self.federated is None:
            raise UsageError(
                "a difference of two models stands without both of them",
                party=self.party,
                field="difference",
                advice="Give the local and the federated evaluation, or no difference.",
            )
        measured = self.federated.figures.auc - self.local.figures.auc
        if abs(self.difference.difference - measured) > _ROUNDING:
            raise UsageError(
                "the difference is not the federated AUC less the local one",
                party=self.party,
                field="difference",
                advice="Compute it as paired_difference(label, federated, local) on the evaluated rows.",
            )


@dataclass(frozen=True, slots=True)
class RoundPoint:
    """A training round, from 1: mean log loss of the model before it over rows of all parties
    (`FederatedReport.loss_rows`), and the L2 norm of the change of the shared model. None where it was not
    told."""

    number: int
    loss: float | None
    update_norm: float | None


@dataclass(frozen=True, slots=True)
class Joint:
    """The federated model over the test rows of all parties together, from a securely summed histogram.

    `rows` of which `bad` defaulted. There is no interval: nobody sees the rows that one would come from.
    """

    federated_auc: float
    rows: int
    bad: int


@dataclass(frozen=True, slots=True)
class FederatedReport:
    """A round of one model over parties with different firms, judged for each of them.

    `shape` and `strategy` are the plan's words; `protection` and `privacy` say in a sentence each how sums
    were protected and what noise was added. `run.label_party` is the party whose report this is, or empty
    where one report speaks of all. `flags`: what stood out during the run; `notes`: columns left out, say.
    """

    run: Run
    shape: str
    strategy: str
    protection: str
    privacy: str
    parties: tuple[PartyResult, ...]
    joint: Joint | None
    rounds: tuple[RoundPoint, ...]
    loss_rows: Literal["training", "validation"]
    flags: tuple[str, ...]
    learned: tuple[Learned, ...]
    left: tuple[LeftOrganisation, ...]
    sent: tuple[Sent, ...]
    steps: tuple[Step, ...]
    cpu: tuple[CpuTime, ...]
    versions: tuple[Version, ...]
    notes: tuple[str, ...]

    def check(self) -> None:
        """Raise `UsageError` where nobody is judged, a number is not finite or a difference is not one."""
        if not self.parties:
            raise UsageError(
                "the report has no party", field="report.parties", advice="Give each party's result."
            )
        check_finite(asdict(self))
        for each in self.parties:
            each.check()

    def judged(self, verdict: PartyVerdict) -> tuple[PartyResult, ...]:
        """The parties of this verdict, in the report's order."""
        return tuple(each for each in self.parties if each.verdict == verdict)

    def losses(self) -> tuple[tuple[int, float], ...]:
        """Round and loss, where a loss was told."""
        return tuple((each.number, each.loss) for each in self.rounds if each.loss is not None)

    def norms(self) -> tuple[tuple[int, float], ...]:
        """Round and norm of the update, where it was told."""
        return tuple((each.number, each.update_norm) for each in self.rounds if each.update_norm is not None)
