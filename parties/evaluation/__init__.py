"""How well a score ranks: AUC, KS, Gini, gain, calibration, each with what is known of its error.

A label is 1 where the firm defaulted ("bad") and 0 where it did not ("good"); a score is higher where
the firm is worse. Everything here runs at the party that holds the labels and needs numpy, and scipy for a
few distribution functions; `apart` alone talks to another party.
"""
