"""Plain boosting over one table of codes, and XGBoost's on the same: what the core is held against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from federation.ids import PartyId
from parties.binning.cuts import Codes, Cuts
from parties.boosting.candidates import Candidates, Trend, candidates
from parties.boosting.growing import Derivatives, OwnColumns, grow
from parties.boosting.objective import Rules, base_logit, gradients
from parties.boosting.trees import Leaf, Split, Tree

Floats = npt.NDArray[np.float64]
OWNER = PartyId("bank")


def numeric_cuts(width: int, column: str = "x") -> Cuts:
    """A column whose numbers are its codes 0 .. width - 1."""
    return Cuts(column, True, tuple(float(edge) for edge in range(1, width)))


def level_cuts(width: int, column: str = "x") -> Cuts:
    """A column of `width` levels."""
    return Cuts(column, False, levels=tuple(str(level) for level in range(width)))


@dataclass(frozen=True)
class Plain:
    """A model of trees grown in the clear, and the candidates that its splits came from."""

    base: float
    trees: tuple[Tree, ...]
    splits: list[tuple[int, npt.NDArray[np.bool_]]]
    logits: Floats


def boost(
    cuts: Sequence[Cuts],
    codes: Sequence[Codes],
    labels: npt.NDArray[np.int8],
    trees: int,
    depth: int,
    rules: Rules,
    *,
    rate: float = 0.3,
    trends: Sequence[Trend] | None = None,
    only: npt.NDArray[np.bool_] | None = None,
) -> Plain:
    """Exact boosting; `only` marks the candidates to use."""
    rows = np.ones(len(labels), dtype=np.bool_)
    offered: Candidates = candidates(cuts, codes, rows, trends or ["none"] * len(cuts))
    source = OwnColumns(OWNER, offered if only is None else offered.take(only), codes)
    base = base_logit(labels)
    logits, grown = np.full(len(labels), base), []
    for _ in range(trees):
        g, h = gradients(logits, labels)
        one = grow([source], rows, Derivatives(g, h), (g, h), rules, depth, rate)
        grown.append(one.tree)
        logits = logits + one.weights
    return Plain(base, tuple(grown), source.splits, logits)


def xgboost_trees(
    cuts: Sequence[Cuts],
    codes: Sequence[Codes],
    labels: npt.NDArray[np.int8],
    trees: int,
    depth: int,
    rules: Rules,
    *,
    rate: float = 0.3,
    constraints: Mapping[str, Any] | None = None,
) -> tuple[xgboost.Booster, Floats]:
    """XGBoost's `hist` on the codes as numbers, missing ones as NaN; its logits of the rows."""
    table = np.stack([c.astype(np.float32) for c in codes], axis=1)
    for column, one in enumerate(cuts):
        table[codes[column] == one.missing, column] = np.nan
    kinds = ["q" if one.numeric else "c" for one in cuts]
    matrix = xgboost.DMatrix(table, label=labels, feature_types=kinds, enable_categorical=True)
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": 512,
        "max_depth": depth,
        "eta": rate,
        "lambda": rules.l2,
        "gamma": rules.gamma,
        "min_child_weight": rules.min_child_weight,
        "base_score": float(labels.mean()),
        "max_cat_to_onehot": 512,
        "nthread": 1,
        **(constraints or {}),
    }
    booster = xgboost.train(parameters, matrix, trees)
    return booster, booster.predict(matrix, output_margin=True)


def described(tree: Tree, splits: Sequence[tuple[int, npt.NDArray[np.bool_]]], cuts: Sequence[Cuts]) -> Any:
    """A tree as nested (column, bins that go left, left, right), (weight) at leaves."""

    def of(number: int) -> Any:
        node = tree.nodes[number]
        if isinstance(node, Leaf):
            return node.weight
        assert isinstance(node, Split)
        column, table = splits[node.number]
        bins = tuple(int(b) for b in np.flatnonzero(table[: cuts[column].width]))
        return column, bins, of(node.left), of(node.right)

    return of(0)


def described_by_xgboost(booster: xgboost.Booster, tree: int, cuts: Sequence[Cuts]) -> Any:
    """XGBoost's tree in the same form."""

    def of(node: Mapping[str, Any]) -> Any:
        if "leaf" in node:
            return node["leaf"]
        children = {child["nodeid"]: child for child in node["children"]}
        column = int(node["split"][1:])
        missing = cuts[column].missing
        if isinstance(node["split_condition"], list):  # These levels go where the dump calls it "yes".
            bins = set(node["split_condition"])
        else:
            bins = set(range(int(np.ceil(node["split_condition"])) if node["split_condition"] > 0 else 0))
            bins &= set(range(missing))
        if node["missing"] == node["yes"]:
            bins.add(missing)
        return column, tuple(sorted(bins)), of(children[node["yes"]]), of(children[node["no"]])

    return of(json.loads(booster.get_dump(dump_format="json")[tree]))
