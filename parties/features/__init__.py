"""From a party's own columns to the numbers that training sees: encoded, standardised, whitened."""

from __future__ import annotations

from parties.features.label import read_label
from parties.features.spec import FeatureSpec
from parties.features.support import MIN_SUPPORT
from parties.features.units import check_units
from parties.features.whitening import Whitening

__all__ = ["MIN_SUPPORT", "FeatureSpec", "Whitening", "check_units", "read_label"]
