"""The settings of plans whose views are attacked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What is measured: name -> the plan's tables, but for what is said there the defaults.
OPTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "scorecard": {"model": {"kind": "scorecard"}},
    "scorecard, disclose woe": {"model": {"kind": "scorecard"}, "binning": {"disclose": "woe"}},
    "scorecard, equations_per_row 0.01": {
        "model": {"kind": "scorecard"},
        "limits": {"equations_per_row": 0.01},
    },
    # Few cells a column: missing values, a fiftieth of the generated ones, are too few for one of their own.
    "scorecard, minimum_support 200, equations_per_row 0.0055": {
        "model": {"kind": "scorecard"},
        "binning": {"minimum_support": 200},
        "limits": {"equations_per_row": 0.0055},
    },
    "boosting": {"model": {"kind": "boosting"}},
    "boosting, own_trees 3": {"model": {"kind": "boosting"}, "boosting": {"own_trees": 3}},
    "boosting, own_trees 7": {"model": {"kind": "boosting"}, "boosting": {"own_trees": 7}},
    "boosting, max_depth 3": {"model": {"kind": "boosting"}, "boosting": {"max_depth": 3}},
    "boosting, max_depth 2": {"model": {"kind": "boosting"}, "boosting": {"max_depth": 2}},
    "boosting, max_depth 1": {"model": {"kind": "boosting"}, "boosting": {"max_depth": 1}},
    "boosting, minimum_support 500": {"model": {"kind": "boosting"}, "boosting": {"minimum_support": 500}},
    "boosting, row_share 0.5": {"model": {"kind": "boosting"}, "boosting": {"row_share": 0.5}},
}
