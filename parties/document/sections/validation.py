"""Part 3: whether the model holds on rows that it has not seen, and how that is watched."""

from __future__ import annotations

from functools import partial

from parties.document.blocks import Absent, Block, Facts, Items, Picture, Section, Table, Words
from parties.document.material import Material
from parties.document.stability import of_columns, of_score, own_score
from parties.evaluation.discrimination import Evaluation
from parties.evaluation.stability import LARGE, SMALL, Stability
from parties.report import credit_plots, plots, words
from parties.round.results import Reviewed


def validation(material: Material) -> Section:
    """Discrimination, calibration, decisions, stability, leakage, and the plan to monitor them."""
    return Section(
        "Model validation and monitoring",
        "模型验证与监控",
        (
            Words(
                "Figures are of the test rows, which had no part in training. They were computed by the "
                "model's "
                "own program at this party; who validates independently repeats them from the files named in "
                "part 4."
            ),
        ),
        (
            Section("Discrimination", "区分能力", tuple(_discrimination(material))),
            Section("Calibration", "校准", tuple(_calibration(material))),
            Section("Decisions", "决策", tuple(_decisions(material))),
            Section("Stability", "稳定性", tuple(_stability(material))),
            Section("Leakage check of the data", "数据泄漏检查", tuple(_leakage(material))),
            Section("Monitoring plan", "监控计划", tuple(_monitoring(material))),
        ),
    )


def _discrimination(material: Material) -> list[Block]:
    reviewed, credit = material.reviewed, material.credit
    if reviewed is None or credit is None:
        return [Absent("AUC, KS, Gini and their curves", material.absent)]
    found = reviewed.evaluation
    head = ("Model", "AUC", "95 % interval (DeLong)", "KS", "Gini", "Defaults in the worst tenth")
    models = (("this model", found.fused), (f"{material.party} alone", found.bank))
    rows = tuple(_figures(name, each) for name, each in models)
    difference = found.difference
    paired = Words(
        f"The AUC differs by {words.signed(difference.difference)} (95 % interval "
        f"{words.signed(difference.low)} to {words.signed(difference.high)}, {words.p_value(difference.p)}, "
        f"DeLong's paired test on {words.count(difference.n)} rows, {words.count(difference.bad)} of them "
        "bad)."
    )
    lift = Table(
        "By tenth of the firms, worst score first",
        ("Tenth", "Firms", "Defaults", "Default rate", "Lift", "Caught so far"),
        tuple(
            (
                str(row.band),
                words.part(row.rows),
                words.part(row.bad),
                words.percent(row.bad_rate),
                f"{row.lift:.2f}",
                words.percent(row.gain),
            )
            for row in found.fused.gain
        ),
    )
    return [
        Table("On the test rows", head, rows),
        paired,
        Picture(partial(credit_plots.cap, credit.cap), "Cumulative accuracy profile; its ratio is Gini."),
        Picture(
            partial(plots.separation, found.curve, found.fused),
            "KS is the widest gap between the two curves.",
        ),
        lift,
        Picture(
            partial(credit_plots.deciles, found.fused.gain),
            "Lift by tenth, and the share of defaults caught so far.",
        ),
        _folds(material),
    ]


def _figures(name: str, found: Evaluation) -> tuple[str, ...]:
    figures = found.figures
    return (
        name,
        words.score(figures.auc),
        f"{words.score(figures.auc_low)} to {words.score(figures.auc_high)}",
        words.score(figures.ks),
        words.score(figures.gini),
        words.percent(found.caught_worst_10),
    )


def _folds(material: Material) -> Block:
    if material.folds is None:
        return Absent("Cross-validation", "The plan asked for none (split.folds).")
    return Words(
        f"Over {len(material.folds['auc'])} folds of the training rows the mean AUC is "
        f"{words.score(material.folds['mean'])}, standard error "
        f"{words.score(material.folds['standard_error'])}."
    )


def _calibration(material: Material) -> list[Block]:
    reviewed, credit = material.reviewed, material.credit
    if reviewed is None or credit is None:
        return [Absent("Brier score, calibration curve and tests", material.absent)]
    fit, brier = reviewed.evaluation.calibration, credit.brier
    bins = Table(
        "By tenth of the prediction",
        ("Firms", "Predicted", "Observed", "95 % interval (Wilson)"),
        tuple(
            (
                words.count(one.rows),
                words.percent(one.predicted),
                words.percent(one.observed),
                f"{words.percent(one.low)} to {words.percent(one.high)}",
            )
            for one in fit.bins
        ),
    )
    parts = Facts(
        (
            ("Brier score", f"{brier.brier:.4f}, against {fit.brier_base:.4f} for the average rate"),
            ("Reliability", f"{brier.reliability:.4f} (0 is best)"),
            ("Resolution", f"{brier.resolution:.4f}"),
            ("Uncertainty", f"{brier.uncertainty:.4f}"),
        )
    )
    found: list[Block] = [parts]
    if told := words.calibrated(credit):
        found.append(Words(told))
    found += [Absent(*each.split(": ", 1)) for each in credit.absent]
    draw = partial(credit_plots.calibration, fit.bins, credit.hosmer_lemeshow)
    grades = Table(
        "By grade: P(true rate is at most the given one), Jeffreys; small where the given one is too low",
        ("Grade", "Firms", "Defaults", "Given", "Observed", "Jeffreys"),
        tuple(
            (
                each.grade,
                words.count(each.firms),
                words.count(each.defaults),
                words.percent(each.given),
                words.percent(each.observed),
                words.score(each.p),
            )
            for each in credit.grades
        ),
    )
    return [*found, bins, Picture(draw, "On the dashed line as many default as the model said."), grades]


def _decisions(material: Material) -> list[Block]:
    reviewed, credit = material.reviewed, material.credit
    if reviewed is None or credit is None:
        return [Absent("Cut-off table and swap set", material.absent)]
    table = Table(
        f"Firms with that score ({credit.unit}) or a better one are approved",
        ("Cut-off", "Share approved", "Default rate among them", "Defaults declined"),
        tuple(
            (
                words.cut(each.score),
                words.percent(each.approval_rate),
                _share(each.bad_rate),
                _share(each.bads_declined),
            )
            for each in credit.cutoffs
        ),
    )
    swaps = Table(
        f"Firms (defaults) where as many are approved as by {material.party} alone",
        ("Approved", "By both", "By this model only", f"By {material.party} alone only", "By neither"),
        tuple(
            (
                words.percent(each.approval_rate),
                *(
                    f"{words.count(cell.rows)} ({words.count(cell.bad)})"
                    for cell in (each.both, each.swapped_in, each.swapped_out, each.neither)
                ),
            )
            for each in credit.swaps
        ),
    )
    spread = credit.distribution
    draw = partial(
        credit_plots.scores, spread.edges, spread.good, spread.bad, unit=f"{credit.unit} (higher is better)"
    )
    planned = material.plan.scorecard.cutoff
    chosen = (
        Absent("The cut-off in use", "The plan names none; the credit policy sets it.")
        if material.kind != "scorecard" or planned is None
        else Words(f"The plan's cut-off is {words.points(planned)} points.")
    )
    return [table, Picture(draw, "Scores of good firms and of defaults."), swaps, chosen]


def _share(value: float | None) -> str:
    return "none" if value is None else words.percent(value)


def _stability(material: Material) -> list[Block]:
    if material.rows is None:
        return [Absent("Stability of score and columns", material.absent)]
    training = material.rows.training
    found: list[Block] = [_whole(material)]
    own = own_score(material)
    if own is None:
        found.append(
            Absent("Stability of this party's part of the score", "A tree's leaf belongs to no party.")
        )
    else:
        found.append(Words(f"This party's part of the score: {_indexed(of_score(own, training))}."))
    columns = of_columns(material)
    rows = tuple(
        (column, words.score(one.index), one.band, words.score(one.chance)) for column, one in columns.items()
    )
    caption = (
        "Characteristic stability of the own columns, from training to test rows. An index below that of "
        "chance "
        "says nothing"
    )
    found.append(Table(caption, ("Column", "Index", "Band", "Chance gives"), rows))
    return found


def _whole(material: Material) -> Block:
    if material.opened is None:
        return Absent("Stability of the whole score", "The round opened no score to this party.")
    logits, training = material.opened
    if not training.any() or training.all():
        why = (
            'The plan opened test rows alone (scores.open = "test"), which have nothing to be compared with.'
        )
        return Absent("Stability of the whole score", why)
    return Words(f"The whole score: {_indexed(of_score(logits.open_locally(), training))}.")


def _indexed(found: Stability) -> str:
    return (
        f"population stability index {words.score(found.index)}, {found.band} (below {SMALL} stable, from "
        f"{LARGE} shifted; chance gives {words.score(found.chance)})"
    )


def _leakage(material: Material) -> list[Block]:
    if material.findings is None:
        why = "It is made where the outcomes are." if not material.at_label else "The round left no findings."
        return [Absent("Findings", f"{why} `isthmus data check` looks at a party's own table.")]
    if not material.findings:
        return [Words("The check before training found nothing: no column that gives the outcome away.")]
    told = tuple(str(finding["sentence"]) for finding in material.findings)
    return [
        Words("The check before training found, for a person who knows the table to answer:"),
        Items(told),
    ]


def _monitoring(material: Material) -> list[Block]:
    reviewed = material.reviewed
    floor = "the lower end of its interval above" if reviewed is None else _floor(reviewed)
    rows = (
        ("AUC of the newest cohort with known outcomes", "each quarter", f"below {floor}", "validate anew"),
        (
            "Population stability of the score",
            "each month",
            f"{SMALL} looked at, {LARGE} acted on",
            "find the column",
        ),
        (
            "Stability of each own column",
            "each month",
            f"{SMALL} looked at, {LARGE} acted on",
            "ask the data's owner",
        ),
        ("Jeffreys test of each grade", "each quarter", "below 0.05 in two in a row", "recalibrate"),
        (
            "Share of missing cells of each column",
            "each month",
            "twice that of the sample",
            "ask the data's owner",
        ),
        ("Share approved, and overrules", "each month", "a tenth from plan", "look at the cut-off"),
    )
    head = ("What", "How often", "Threshold", "Then")
    return [
        Table("Proposed; the model's owner sets what holds", head, rows, prose=True),
        Words(
            "Each party watches its own columns and its own part; the label party watches outcomes and "
            "scores."
        ),
    ]


def _floor(reviewed: Reviewed) -> str:
    return words.score(reviewed.evaluation.fused.figures.auc_low)
