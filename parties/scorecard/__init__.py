"""A scorecard across parties: bins, WOE, one regression, points that each party holds of its own bins.

`participation` is the round from end to end; `counting` (outcomes in bins), `overlap` and `choosing`
(selection) and `opening` (scores and reasons) are the protocols, and say who learns what. `points`, `scale`,
`cutoff`, `swap` and `loss` are arithmetic alone. Never leave a party: edges, levels and points of its bins,
unless its own configuration shares the points (`parties.export.sharing`), and at the label party outcomes but
under its own key.
"""
