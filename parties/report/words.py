"""The sentences and the numbers of a report. Where federation did not help, they say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from parties.evaluation.delong import PairedDifference
from parties.report.credit import Credit
from parties.report.data import ReportData, Sent

#: Below this many defaults the normal interval of an AUC is only a rough guide.
FEW_DEFAULTS = 30


class Verdict(Enum):
    """What the 95 % interval of the difference says."""

    HELPS = "Federation helps"
    UNDECIDED = "No gain shown"
    HARMS = "Federation does not help"

    @staticmethod
    def of(difference: PairedDifference) -> Verdict:
        """Helps or harms only where the whole interval lies on one side of zero."""
        if difference.low > 0:
            return Verdict.HELPS
        return Verdict.HARMS if difference.high < 0 else Verdict.UNDECIDED


def headline(data: ReportData) -> str:
    """The first sentence a board member reads: both figures, then what they are worth for small firms."""
    bank, fused = data.bank.figures, data.fused.figures
    text = (
        f"Fused model: AUC {score(fused.auc)} against {score(bank.auc)} for {data.run.label_party} alone"
        f"{_WORTH[Verdict.of(data.difference)]}"
    )
    if data.smallest is None:
        return f"{text}."
    small = data.smallest
    return (
        f"{text}; on the smallest firms {score(small.fused.figures.auc)} against "
        f"{score(small.bank.figures.auc)}{_WORTH[Verdict.of(small.difference)]}."
    )


_WORTH = {
    Verdict.HELPS: "",
    Verdict.UNDECIDED: ", a difference that may be chance",
    Verdict.HARMS: ", which is worse",
}


def verdict(difference: PairedDifference, alone: str, *, among: str = "these rows") -> str:
    """What the paired difference shows, in a sentence or two; `alone` names the label party."""
    found = Verdict.of(difference)
    measured = (
        f"The AUC of the fused model differs from that of {alone} alone by {signed(difference.difference)} "
        f"(95 % interval {signed(difference.low)} to {signed(difference.high)}, {p_value(difference.p)}, "
        f"paired on the same {count(difference.n)} rows)."
    )
    meant = {
        Verdict.HELPS: f"On {among} the partners' data improve the ranking.",
        Verdict.UNDECIDED: (
            f"The interval includes zero: {among} do not show that federation helps. More rows or a longer "
            "observation period may decide it; until then, do not count on a gain."
        ),
        Verdict.HARMS: (
            f"The whole interval lies below zero: on {among} the fused model ranks worse than {alone} alone. "
            "Do not use it in place of the present model."
        ),
    }[found]
    return f"{measured} {meant}"


def cautions(data: ReportData) -> tuple[str, ...]:
    """What a reader must know before trusting the figures; empty where there is nothing to warn of."""
    found = []
    figures, small, fit = data.fused.figures, data.smallest, data.calibration
    if data.run.generated:
        found.append(
            "This is a demonstration on generated data. No figure here says anything about real firms."
        )
    if figures.bad < FEW_DEFAULTS:
        found.append(f"Only {count(figures.bad)} of the evaluated firms defaulted: the intervals are rough.")
    if small is not None and small.fused.figures.bad < FEW_DEFAULTS:
        bad = count(small.fused.figures.bad)
        found.append(f"Only {bad} of the smallest firms defaulted: their intervals are rough.")
    if figures.auc < 0.5:
        found.append("The fused score ranks backwards (AUC below 0.5): check which way the score points.")
    if fit is not None and fit.brier >= fit.brier_base:
        found.append(
            "The predicted probabilities are no better than giving every firm the average rate (Brier "
            f"score {fit.brier:.4f} against {fit.brier_base:.4f}): recalibrate before use."
        )
    return tuple(found)


def score(value: float) -> str:
    """A figure between -1 and 1, to three decimals, never '-0.000'."""
    text = f"{value:.3f}"
    return minus(text.lstrip("-") if float(text) == 0 else text)


def signed(value: float) -> str:
    """A difference, to three decimals and with its sign; zero has none."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else minus(text)


def points(value: float) -> str:
    """Points of a scorecard: as many decimals as they have."""
    return minus(f"{value:,.6f}".rstrip("0").rstrip("."))


def cut(value: float) -> str:
    """A cut-off: points, or a probability of no default as a percentage with two decimals."""
    return f"{100 * value:.2f} %" if 0 < value < 1 else points(value)


def calibrated(found: Credit) -> str:
    """What the tests of calibration say, in a sentence for each that could be made."""
    told = []
    if (line := found.line) is not None:
        meant = (
            "in line with what came true"
            if line.slope_low <= 1 <= line.slope_high
            else "too extreme"
            if line.slope < 1
            else "too timid"
        )
        told.append(
            f"The predictions are {meant}: the slope of outcomes on predicted log odds is "
            f"{score(line.slope)} (95 % interval {score(line.slope_low)} to {score(line.slope_high)}); 1 is "
            "right."
        )
    if (test := found.hosmer_lemeshow) is not None:
        speaks = "speaks" if test.p < 0.05 else "does not speak"
        told.append(
            f"Hosmer and Lemeshow's test over {test.groups} groups {speaks} against them ({p_value(test.p)})."
        )
    return " ".join(told)


def edge(value: float) -> str:
    """A signed difference to three decimals, or to its first digit where that would read as zero."""
    text = signed(value)
    return minus(f"{value:+.1g}") if value and text == "0.000" else text


def minus(text: str) -> str:
    """The typographic minus: a hyphen in front of a number can be parted from it at a line's end."""
    return text.replace("-", "\N{MINUS SIGN}")


def p_value(p: float) -> str:
    """'p = 0.012', or 'p < 0.001'."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def percent(share: float) -> str:
    """A share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def count(number: float) -> str:
    """A count, thousands parted by commas."""
    return f"{number:,.0f}"


def part(number: float) -> str:
    """A count that need not be whole: one decimal where it is not."""
    return count(number) if abs(number - round(number)) < 0.05 else f"{number:,.1f}"


def rows(number: int, exact: bool) -> str:
    """A row count, marked where it was rounded before it was shared."""
    return count(number) if exact else f"about {count(number)}"


def size(number: int) -> str:
    """Bytes in decimal units (1 kB = 1,000 bytes)."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        # 999.95 would round up to 1000.0 of a unit that has a greater one.
        if value < 999.95 or unit == "GB":
            break
        value /= 1000
    return f"{number:,} B" if unit == "B" else f"{value:,.1f} {unit}"


def seconds(value: float) -> str:
    """Elapsed time: milliseconds, seconds, or minutes and seconds."""
    if value < 0.9995:
        return f"{1000 * value:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    whole = math.floor(value + 0.5)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {whole % 60:02d} s"


@dataclass(frozen=True, slots=True)
class Traffic:
    """`sent` as a table: a row per message type (largest first), a column per party, and the sums."""

    parties: tuple[str, ...]
    messages: tuple[str, ...]
    bytes: dict[tuple[str, str], int]
    numbers: dict[str, int]

    @staticmethod
    def of(sent: tuple[Sent, ...]) -> Traffic:
        """Add up entries of the same party and type; parties keep the order in which they come."""
        total: dict[tuple[str, str], int] = {}
        numbers: dict[str, int] = {}
        for each in sent:
            key = (each.party, each.message)
            total[key] = total.get(key, 0) + each.bytes
            numbers[each.party] = numbers.get(each.party, 0) + each.messages
        parties = tuple(dict.fromkeys(party for party, _ in total))
        by_type: dict[str, int] = {}
        for (_, message), number in total.items():
            by_type[message] = by_type.get(message, 0) + number
        messages = tuple(sorted(by_type, key=lambda message: (-by_type[message], message)))
        return Traffic(parties, messages, total, numbers)

    def cell(self, party: str, message: str) -> int:
        """Bytes of this type that this party sent."""
        return self.bytes.get((party, message), 0)

    def by_party(self, party: str) -> int:
        """All bytes that this party sent."""
        return sum(self.cell(party, message) for message in self.messages)

    def by_message(self, message: str) -> int:
        """All bytes of this type."""
        return sum(self.cell(party, message) for party in self.parties)

    def total(self) -> int:
        """All bytes."""
        return sum(self.bytes.values())

    def count(self, party: str | None = None) -> int:
        """How many messages this party sent, or all of them together."""
        return sum(self.numbers.values()) if party is None else self.numbers.get(party, 0)
