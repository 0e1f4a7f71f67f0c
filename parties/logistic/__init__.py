"""Vertical logistic regression at a party: gradients, optimiser, scoring, without one opened per-row value.

`parties.round` runs it. It may never send a residual, a logit or a label that is not sealed or shared.
"""
