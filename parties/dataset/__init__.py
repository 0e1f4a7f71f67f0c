"""What a party declares about its table: the columns' roles, never their contents."""

from __future__ import annotations

from parties.dataset.config import DatasetConfig, KeyType, from_party_table
from parties.dataset.inference import Inference, infer
from parties.dataset.place import Place
from parties.dataset.readiness import hindrances
from parties.dataset.rules import ColumnRules, Trend
from parties.dataset.run_file import load_config

__all__ = [
    "ColumnRules",
    "DatasetConfig",
    "Inference",
    "KeyType",
    "Place",
    "Trend",
    "from_party_table",
    "hindrances",
    "infer",
    "load_config",
]
