"""The equation budget: how many gradient sums a party without labels may be given.

With the full batch every gradient block of a party is the same d linear forms X' of the residuals: the
label part X' y is fixed, so a party with d columns over n rows gets d equations about n labels, however
many iterations it sees. Measured excess AUC of label inference over the party's own model: 0.012 at 0.02
equations a row, 0 at 0.01; reshuffled minibatches reach AUC 1.0 after six epochs, which is why there are
none here. Source: control T-EQUATIONS (GDPR article 25; measured).

A scorecard's party is told the bads in its bins: for each column one equation a bin, of which one follows
from the total, so sum(bins - 1) + 1 over its columns, counted in the fine bins before any are merged. Its
columns are then WOE, constant within a bin: each is a combination of the bins' indicators, and X' y a
combination of the counts that it has already. So its gradients are no further equations and are not counted
again; where it is told rounded WOE instead of counts they are one for each column, fewer than its bins.

What a count tells depends on the rarer outcome, which the other parties do not know when they check.
Measured for scorecards (`isthmus bench leakage`; excess AUC of the best attack, as above): 0.003 on
default_credit, whose 0.01 equations a row are 0.05 a bad. On 6,000 generated firms, 4,200 of them for
training, of whom one in 15 is bad, the mean over the seeds 0, 1, .. and its 95 % interval (Student):

                                            seeds   platform          public-data holder
    counts, the defaults                        4   0.036 +- 0.002   0.055 +- 0.008
    disclose = "woe"                            2   0.036, 0.030     0.046, 0.030
    support 200, 0.0055 a row                   4   -0.001 +- 0.009  0.013 +- 0.012

Rounded WOE are no remedy: the counts follow from them nearly
(`benchmarks.leakage.attacks.counts_from_woe`). What lowers it is fewer equations a bad, a tenth at most:
`limits.equations_per_row = 0.0055` with `binning.minimum_support = 200`, above the rows whose value is
missing, so that 22 columns have two cells each. The most at any of the four
is 0.018; the limit was chosen on these seeds. Little is to spare on either
side: at seed 4 the limit allows 22 counts and the platform's 22 columns are refused, and at 0.006 the
public-data holder is told more cells (0.025 at two seeds of three). So align more firms, or leave out
columns.
"""

from __future__ import annotations

from crypto.codes import Code
from federation.errors import PlanRefused

#: At this limit, with a few cells a column, counts were measured to tell no more than is said above.
CLOSED_EQUATIONS = 0.0055


def check_equations(party: str, columns: int, rows: int, limit: float) -> None:
    """Raise `PlanRefused` when `columns` sums, of encoded columns or counts of bins, exceed `limit` a row."""
    spent = columns / rows if rows else float("inf")
    if spent > limit:
        most = int(limit * rows)
        raise PlanRefused(
            f"{columns} columns over {rows} training rows are {spent:.4f} gradient equations a row, "
            f"{spent / limit:.1f} times the {limit:g} that the plan allows",
            party=party,
            field="limits.equations_per_row",
            advice=f"Leave out columns at {party} (at most {most} after encoding), or align more firms.",
            code=Code.TOO_MANY_COLUMNS,
        )
