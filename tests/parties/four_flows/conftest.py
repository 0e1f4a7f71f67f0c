"""Worlds that several tests look at; made once, never changed."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pandas as pd
import pytest

from parties.four_flows import FourFlows, Settings, generate


@pytest.fixture(scope="session")
def world() -> Callable[..., FourFlows]:
    """`generate`, remembered: the tests share what they ask for."""

    @functools.cache
    def made(**settings: object) -> FourFlows:
        return generate(Settings(**settings))  # type: ignore[arg-type]

    return made


@pytest.fixture(scope="session")
def joined() -> Callable[[FourFlows], pd.DataFrame]:
    """The three tables and the truth on the firms that all three parties know."""

    def join(made: FourFlows) -> pd.DataFrame:
        rows = made.bank
        for other in (made.platform, made.public, made.truth.firms.drop(columns="default_12m")):
            rows = rows.merge(other, on="uscc", validate="one_to_one")
        return rows

    return join
