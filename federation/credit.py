"""The tables of a plan for the credit models of the vertical shape, with their defaults.

    [model]
    kind = "scorecard"              # WOE of bins, logistic regression, points
    [binning]
    method = "monotone"             # "quantile", "width", "chimerge", "tree": how fine bins are merged
    bins = 8                        # the most bins of a column, beside missing and special ones
    fine = 32                       # bins before merging
    minimum_support = 50            # firms in every bin
    disclose = "counts"             # what a party without the label is told: its own bins' bad counts, and it
                                    # merges; "woe": rounded WOE alone, and the label party merges
    woe_decimals = 2                # with disclose = "woe"
    minimum_iv = 0.02               # columns below are left out
    [selection]
    most_missing = 0.95             # columns of which a larger share is missing are left out
    correlation = 0.7               # of two columns correlated beyond it the one of lower IV goes; 0: off
    inflation = 5.0                 # the largest variance inflation factor; 0: off
    p_values = false                # standard errors and p-values: two more gradients for each column
    stepwise = "off"                # "backward", "forward": over all parties' columns; takes those gradients
    criterion = "aic"               # "bic", "p": what a column must be worth
    p = 0.05                        # with criterion = "p"
    signs = false                   # columns whose coefficient contradicts their WOE go; takes them too
    [scorecard]
    base_score = 600
    base_odds = 50.0                # good to bad at the base score
    pdo = 20.0                      # points that double the odds
    decimals = 0                    # of the points of a bin
    reasons = 4                     # reason codes for each declined firm
    cutoff = 580                    # below it a firm is declined; without it the lowest tenth is explained

    [model]
    kind = "boosting"               # gradient boosted trees, XGBoost's objective
    [boosting]
    trees = 10
    max_depth = 5
    learning_rate = 0.3             # XGBoost's eta
    l2 = 1.0                        # lambda
    gamma = 0.0                     # the least gain of a split
    min_child_weight = 1.0
    max_bin = 32
    row_share = 1.0                 # rows drawn for each tree, uniformly
    column_share = 1.0              # columns drawn for each tree, at every party
    patience = 0                    # trees without a better validation loss before training stops; 0: never
    validation_share = 0.1          # of the training rows, with patience
    own_trees = 0                   # first trees on the label party's own columns alone
    minimum_support = 50            # training rows on both sides of a split at a party without the label
    prefer = "speed"                # "bytes": two fifths of the bytes, half as much work again

    [model]
    kind = "rejects"                # no joint model: a bank asks one other lender how many of the firms that
                                    # it turned down went bad there, by bands of its own score
    [rejects]
    bands = 10                      # at most
    minimum = 50                    # rejected firms that both know, in every band
    noise = 2.0                     # standard deviation of what the lender adds to each count, in firms

What concerns single columns (special codes, own splits, groups of levels, a trend) is each party's own
affair and stands in its dataset's configuration.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from federation.tables import Table


class Binning(Table):
    """How columns are cut into bins, and what is told of the outcomes in them."""

    method: Literal["quantile", "width", "chimerge", "tree", "monotone"] = "monotone"
    bins: int = Field(default=8, ge=2, le=32)
    fine: int = Field(default=32, ge=2, le=128)
    minimum_support: int = Field(default=50, ge=50)
    disclose: Literal["counts", "woe"] = "counts"
    woe_decimals: int = Field(default=2, ge=0, le=3)
    minimum_iv: float = Field(default=0.02, ge=0, le=1)


def _no_factor_below_one(inflation: float) -> float:
    """No variance inflation is below 1."""
    if 0 < inflation < 1:
        raise ValueError("0 (off), or from 1 on")
    return inflation


class Selection(Table):
    """Which columns of a scorecard stay (`parties.selection`), beside `Binning.minimum_iv`."""

    most_missing: float = Field(default=0.95, ge=0, le=1)
    correlation: float = Field(default=0.7, ge=0, le=1)
    inflation: Annotated[float, AfterValidator(_no_factor_below_one)] = Field(default=5.0, ge=0, le=1000)
    p_values: bool = False
    stepwise: Literal["off", "backward", "forward"] = "off"
    criterion: Literal["aic", "bic", "p"] = "aic"
    p: float = Field(default=0.05, gt=0, lt=1)
    signs: bool = False

    @model_validator(mode="after")
    def _check(self) -> Selection:
        if self.stepwise == "off" and self.criterion != "aic":
            raise ValueError('criterion has no meaning with stepwise = "off"')
        if self.criterion != "p" and self.p != Selection.model_fields["p"].default:
            raise ValueError('p has no meaning unless criterion = "p"')
        return self

    @property
    def compares(self) -> bool:
        """Whether columns of different parties are compared before training."""
        return self.correlation > 0 or self.inflation > 0

    @property
    def eliminates(self) -> bool:
        """Whether columns of all parties are chosen together after training."""
        return self.stepwise != "off" or self.signs

    @property
    def tests(self) -> bool:
        """Whether standard errors are taken."""
        return self.p_values or self.eliminates


class Scorecard(Table):
    """How log odds become points (Siddiqi, Credit Risk Scorecards, 2006, chapter 6)."""

    base_score: float = Field(default=600.0, ge=0, le=10000)
    base_odds: float = Field(default=50.0, gt=0, le=1e6)
    pdo: float = Field(default=20.0, gt=0, le=1000)
    decimals: int = Field(default=0, ge=0, le=6)
    reasons: int = Field(default=4, ge=1, le=10)
    cutoff: float | None = Field(default=None, allow_inf_nan=False)


class Boosting(Table):
    """Gradient boosted trees with the objective of XGBoost (Chen and Guestrin, KDD 2016)."""

    trees: int = Field(default=10, ge=1, le=1000)
    max_depth: int = Field(default=5, ge=1, le=8)
    learning_rate: float = Field(default=0.3, gt=0, le=1)
    l2: float = Field(default=1.0, ge=0, le=1e6)
    gamma: float = Field(default=0.0, ge=0, le=1e6)
    min_child_weight: float = Field(default=1.0, ge=0, le=1e6)
    max_bin: int = Field(default=32, ge=2, le=128)
    row_share: float = Field(default=1.0, gt=0.05, le=1)
    column_share: float = Field(default=1.0, gt=0.05, le=1)
    patience: int = Field(default=0, ge=0, le=1000)
    validation_share: float = Field(default=0.1, ge=0.05, le=0.5)
    own_trees: int = Field(default=0, ge=0, le=1000)
    minimum_support: int = Field(default=50, ge=50)
    prefer: Literal["speed", "bytes"] = "speed"


class Rejects(Table):
    """What a bank may ask another lender about firms that it turned down (`parties.reject.lookup`)."""

    bands: int = Field(default=10, ge=1, le=100)
    minimum: int = Field(default=50, ge=50)
    noise: float = Field(default=2.0, ge=2, le=1000)
