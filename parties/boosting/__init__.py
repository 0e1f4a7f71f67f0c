"""Gradient boosted trees over columns that several parties hold, with XGBoost's objective and split rule.

`label` tells the protocol and what each role learns, `feature` is its other side, `training` and `growing`
are the arithmetic, which runs the same without any other party. Never leave a party: its bins' edges, the
names of its columns and of the splits made of them (`model`), and at the label party gradients and hessians
but under its own key. What a party withholds, because few rows stand behind it, `support` decides.
"""
