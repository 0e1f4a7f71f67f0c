"""Part 2: where the data come from, how the model was made, what it rests on."""

from __future__ import annotations

from functools import partial

from federation.errors import UsageError
from parties.binning.book import BinningBook
from parties.boosting.model import BoostingPart
from parties.document.blocks import Absent, Block, Facts, Items, Picture, Section, Table, Words
from parties.document.material import Material
from parties.report import credit_plots, plots, words
from parties.report.data import Coefficient
from parties.round.model import ModelPart
from parties.scorecard.model import ScorecardPart

_SOURCES = {
    "logistic": "Logistic regression with an L2 penalty, fitted by L-BFGS on gradients that nobody sees row "
    "by row. Numbers are winsorised and standardised, levels encoded, both by the training rows alone.",
    "scorecard": "Columns are cut into bins; each bin's weight of evidence comes from counts of outcomes "
    "(Siddiqi, Credit Risk Scorecards, 2006); a logistic regression over these weights is fitted by L-BFGS "
    "on "
    "gradients that no party sees row by row; each bin gets points.",
    "boosting": "Gradient boosted trees with the objective of XGBoost (Chen and Guestrin, KDD 2016), grown "
    "over binned columns; sums of gradients are computed on encrypted values.",
}


def development(material: Material) -> Section:
    """Data, sample, method, the own columns' bins and weights, assumptions and limits."""
    return Section(
        "Model development and model use",
        "模型开发与使用",
        (),
        (
            Section("Data lineage", "数据来源与沿革", tuple(_lineage(material))),
            Section("Sample", "样本", tuple(_sample(material))),
            Section("Method", "方法", (Words(_SOURCES[material.kind]), _settings(material))),
            Section("Binning book", "分箱手册", tuple(_book(material))),
            Section("Coefficients and points", "系数与分值", tuple(_weights(material))),
            Section("Assumptions and limits", "假设与局限", (_limits(material),)),
        ),
    )


def _lineage(material: Material) -> list[Block]:
    dataset, spent = material.dataset, material.spent
    now = _unchanged(material)
    facts = [
        ("Data set", f"{dataset.name}, {'file ' if dataset.file else ''}{dataset.source.name}"),
        ("SHA-256 at the round", str(spent.get("table_sha256") or "not recorded")),
        ("It is of", dataset.source.hashed),
        ("The table now", now),
        ("Rows in the table", words.count(spent["table_rows"])),
        ("Rows that all parties know", words.count(spent["rows"])),
        ("Key", f"{dataset.key} ({dataset.key_type})"),
        ("Outcome", dataset.label or "held by the label party"),
        ("Time of the decision", dataset.time or "no column named"),
        ("Columns used after encoding", words.count(spent.get("encoded_columns", spent["columns"]))),
        ("Columns excluded by configuration", ", ".join(dataset.exclude) or "none"),
        ("Units", ", ".join(f"{name}: {unit}" for name, unit in dataset.units.items()) or "none declared"),
    ]
    others = ", ".join(material.others)
    found: list[Block] = [Facts(tuple(facts))]
    if spent["notes"]:
        found.append(Items(tuple(spent["notes"])))
    why = f"It stays with {others}, in documents of their own, and is not told here."
    return [*found, Absent("Lineage of the other parties' data", why)]


def _unchanged(material: Material) -> str:
    then = material.spent.get("table_sha256")
    try:
        same = material.dataset.digest() == then
    except UsageError:
        return "cannot be read"
    return "the same" if same else "another one: figures below that need its rows are left out"


def _sample(material: Material) -> list[Block]:
    split, spent = material.plan.split, material.spent
    how = (
        "the latest rows by the label party's time column are held out"
        if split.method == "out_of_time"
        else f"drawn by a hash of each firm's key under seed {split.seed}, never by outcome"
    )
    facts = Facts(
        (
            ("Population", "firms that every party knows, by encrypted matching of keys"),
            ("Held out", f"{words.percent(split.test_share)}: {how}"),
            ("Rows of one group", "on one side" if material.dataset.group else "no group column named"),
        )
    )
    rows = material.rows
    training, test = spent["training_rows"], spent["rows"] - spent["training_rows"]
    sizes = [("training", training), ("test", test)]
    if rows is None or rows.labels is None:
        table = Table("Rows", ("Side", "Rows"), tuple((name, words.count(n)) for name, n in sizes))
        return [facts, table, Absent("Default rates", "Outcomes lie with the label party.")]
    labels = rows.labels.open_locally()
    bad = [int(labels[rows.training].sum()), int(labels[~rows.training].sum())]
    table = Table(
        "Rows and outcomes (1 is default)",
        ("Side", "Rows", "Defaults", "Default rate"),
        tuple(
            (name, words.count(n), words.count(b), words.percent(b / n if n else 0.0))
            for (name, n), b in zip(sizes, bad, strict=True)
        ),
    )
    why = "The sample is of accepted firms. `isthmus model rejects` tells how much hangs on the others."
    return [facts, table, Absent("Reject inference", why)]


def _settings(material: Material) -> Block:
    plan = material.plan
    tables = {
        "logistic": ("model",),
        "scorecard": ("model", "binning", "selection", "scorecard"),
        "boosting": ("boosting",),
    }[material.kind]
    known = {"logistic": ("l2", "tolerance", "max_iterations")}
    rows: list[tuple[str, str]] = []
    for table in tables:
        chosen = getattr(plan, table).model_dump()
        names = known["logistic"] if table == "model" else chosen
        rows += [(f"{table}.{name}", _setting(chosen[name])) for name in names]
    return Table("Settings of the plan", ("Key", "Value"), tuple(rows))


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not set" if value is None else str(value)


def _book(material: Material) -> list[Block]:
    part = material.part
    if isinstance(part, ScorecardPart):
        left_out = [f"{each.column} is left out: {each.reason}." for each in part.why]
        found: list[Block] = [*_tables(part.book)]
        return [*found, Items(tuple(left_out))] if left_out else found
    if isinstance(part, BoostingPart):
        rows = tuple((cuts.column, _kind(cuts.numeric), str(cuts.width)) for cuts in part.bins.cuts)
        caption = "Bins of the own columns, the missing one included; edges and levels lie in model/"
        return [Table(caption, ("Column", "Kind", "Bins"), rows)]
    return [Absent("Bins", "A logistic model takes columns as they are: winsorised, standardised, by level.")]


def _tables(book: BinningBook) -> list[Block]:
    found: list[Block] = []
    for at, table in enumerate(book.tables):
        saved, total = table.to_dict(), sum(table.rows)
        rows = tuple(
            (
                one["bin"],
                words.count(one["rows"]),
                words.percent(one["rows"] / total),
                "not told" if one["bad"] is None else words.count(one["bad"]),
                "not told" if one["bad"] is None else words.percent(one["bad"] / one["rows"]),
                words.signed(one["woe"]),
            )
            for one in saved["bins"]
        )
        caption = f"{table.column}: information value {words.score(table.iv)} ({saved['strength']})"
        head = ("Bin", "Training firms", "Share", "Defaults", "Default rate", "WOE")
        shares = [one / total for one in table.rows]
        draw = partial(
            credit_plots.woe, table.column, table.names(), table.woe, shares, identifier=f"woe{at}"
        )
        found += [Table(caption, head, rows), Picture(draw, f"Weight of evidence of {table.column}, by bin.")]
    return found


def _weights(material: Material) -> list[Block]:
    part = material.part
    if isinstance(part, ScorecardPart):
        return _points(part)
    if isinstance(part, BoostingPart):
        return _gains(part)
    weights = dict(zip(part.features.names, part.weights, strict=True))
    rows = tuple((name, words.signed(weight)) for name, weight in weights.items())
    if part.intercept is not None:
        rows = (*rows, ("intercept", words.signed(part.intercept)))
    caption = "Log odds of default for one standard deviation of each encoded column"
    draw = partial(plots.coefficients, tuple(Coefficient(name, weight) for name, weight in weights.items()))
    return [
        Table(caption, ("Column", "Weight"), rows),
        Picture(draw, "To the right (red): a larger value makes default more likely."),
        _fitted(part),
        Absent("p-values", "They are taken of scorecards, where the plan asks (selection.p_values)."),
    ]


def _points(part: ScorecardPart) -> list[Block]:
    scale = part.scale
    given = [[units / 10**scale.decimals for units in column] for column in part.points]
    rows = tuple(
        (
            table.column,
            reason.code,
            words.signed(coefficient),
            words.points(min(points)),
            words.points(max(points)),
            "yes" if table.column in part.wrong_signs else "no",
        )
        for table, reason, coefficient, points in zip(
            part.book.tables, part.reasons, part.coefficients, given, strict=True
        )
    )
    head = ("Column", "Reason code", "Coefficient", "Worst bin", "Best bin", "Wrong sign")
    bins = tuple(
        (f"{table.column}: {name}", words.points(points))
        for table, column in zip(part.book.tables, given, strict=True)
        for name, points in zip(table.names(), column, strict=True)
    )
    facts = [
        ("Scale", f"{scale.base_score:g} points at odds of {scale.base_odds:g} good to one bad"),
        ("Points that double the odds", f"{scale.pdo:g}"),
        ("Base points", "held by the label party"),
    ]
    if part.base is not None:
        facts[2] = ("Base points", words.points(part.base / 10**scale.decimals))
    draw = partial(credit_plots.points, dict(zip(part.columns, given, strict=True)))
    return [
        Facts(tuple(facts)),
        Table("The own columns: log odds of default for a WOE of 1, and points", head, rows),
        Picture(draw, "The points that each column can give, a dot to each bin."),
        Table("Points of each bin", ("Bin", "Points"), bins),
        Table(
            "Reasons, as a declined firm is told them",
            ("Code", "English", "Chinese"),
            tuple((reason.code, reason.en, reason.zh) for reason in part.reasons),
            prose=True,
        ),
        *_tests(part),
        _fitted(part),
    ]


def _tests(part: ScorecardPart) -> list[Block]:
    """Wald tests of the coefficients, and what selection did with the own columns."""
    if not part.tests:
        return [Absent("p-values and selection by likelihood", "The plan asked for none (selection).")]
    rows = tuple(
        (column, words.signed(test.estimate), _known(test.standard_error), _known(test.z), _chance(test.p))
        for column, test in zip(part.columns, part.tests, strict=True)
    )
    head = ("Column", "Estimate without penalty", "Standard error", "z", "p")
    found: list[Block] = [Table("Wald tests of the coefficients", head, rows)]
    if part.steps:
        steps = tuple(
            (str(step.number), step.column, step.action, words.signed(step.change), _chance(step.p))
            for step in part.steps
        )
        caption = "Steps of the selection over all parties that moved own columns"
        found.append(
            Table(caption, ("Step", "Column", "Action", "Twice the change of log likelihood", "p"), steps)
        )
    return found


def _chance(p: float | None) -> str:
    return _known(p) if p is None else words.p_value(p).removeprefix("p ").removeprefix("= ")


def _known(value: float | None) -> str:
    return "one choice of many" if value is None else words.score(value)


def _gains(part: BoostingPart) -> list[Block]:
    used = tuple((column, words.count(count)) for column, count in part.used().items())
    found: list[Block] = [Table("Splits of the own columns", ("Column", "Splits"), used)]
    if part.base is None:
        return [*found, Absent("Gains", "They follow from gradients, which the label party alone knows.")]
    by_column, by_party = part.gains()
    total = sum(by_party.values()) or 1.0
    shares = tuple((party, words.percent(gain / total)) for party, gain in by_party.items())
    found.append(Table("Share of all gain by whose columns", ("Party", "Share"), shares))
    if by_column:
        draw = partial(credit_plots.importance, by_column)
        found.append(Picture(draw, "The own columns by what their splits gained."))
    facts = (("Trees", words.count(len(part.trees))), ("Base, a logit", words.signed(part.base)))
    return [*found, Facts(facts)]


def _fitted(part: ModelPart | ScorecardPart) -> Block:
    ended = {True: "yes", False: "no: the most iterations came first", None: "told to the label party"}
    return Facts((("Iterations", str(part.iterations)), ("Converged", ended[part.converged])))


def _limits(material: Material) -> Block:
    found = [
        "The model knows firms that every party knows; how others behave it does not say.",
        "Parties follow the protocol and report their data as they are; nothing proves that to the others.",
        "A score of a new firm needs every party, unless all of them agreed to share points.",
    ]
    if material.kind == "scorecard":
        found.append(
            "Weights of evidence of small bins are uncertain; each bin has "
            f"{material.plan.binning.minimum_support} training firms at least."
        )
    if material.kind == "boosting":
        found.append(
            "No party can read a whole tree: thresholds lie with whoever has the column, leaves with "
            "the label party. Reasons for single firms are not given."
        )
    return Items(tuple(found))


def _kind(numeric: bool) -> str:
    return "numbers" if numeric else "levels"
