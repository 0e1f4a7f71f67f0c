"""Which columns a credit model keeps: by what they tell, how they overlap, and what the likelihood says.

Filters by information value and by missing values are each party's own. Correlation and variance inflation
(`correlation`), p-values (`information`, `wald`) and stepwise selection (`joint`) go across parties; each of
these modules says who learns what. `collinearity` and `stepwise` are arithmetic alone.
"""
