"""Statistics over parties: as if the rows were pooled, from a handful of sums that tell what they say."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from crypto.private import Private
from federation.errors import PlanRefused
from federation.secure_sum.interface import Floats, Integers
from federation.tables import Column
from parties.features.support import MIN_SUPPORT
from parties.horizontal import statistics
from parties.horizontal.columns import BUCKETS, Schema, buckets, level_salt, schema
from parties.horizontal.encoding import CategoricalEncoding, NumericEncoding
from parties.horizontal.search import SHARES
from parties.horizontal.statistics import (
    ColumnStatistics,
    Fitted,
    Noise,
    Release,
    planned_releases,
)
from tests.parties.horizontal.world import (
    SECRET,
    dataset,
    encoded,
    fit_all,
    fitted,
    outcomes,
    parted,
    table,
)
from tests.sums import PlainSums

RNG = np.random.default_rng(17)
ROWS = 9000


def gapped(values: Floats, share: float = 0.05) -> Floats:
    out = values.astype(np.float64)
    out[np.random.default_rng(1).random(len(out)) < share] = np.nan
    return out


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table(
        age=RNG.integers(18, 90, ROWS),
        turnover=gapped(RNG.lognormal(9.5, 2.1, ROWS)),
        profit=RNG.standard_t(3, ROWS) * 1e4,
        flag=RNG.integers(0, 2, ROWS),
        sector=RNG.choice(["A", "B", "C", "D", ""], ROWS, p=[0.5, 0.3, 0.15, 0.003, 0.047]),
        state=RNG.choice([f"S{number}" for number in range(20)], ROWS),
    )


@pytest.fixture(scope="module")
def pooled(frame: pd.DataFrame) -> Fitted:
    return fitted(frame)


def of(fit: Fitted, name: str) -> ColumnStatistics:
    return next(column for column in fit.statistics.columns if column.name == name)


def names(fit: Fitted) -> list[str]:
    return [column.column for column in fit.encoding.numeric] + [*fit.encoding.categories]


# -- as if pooled ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["age", "turnover", "profit", "flag"])
def test_numbers_are_those_of_the_pooled_rows(frame: pd.DataFrame, pooled: Fitted, name: str) -> None:
    values = frame[name].to_numpy(dtype=np.float64)
    present = values[~np.isnan(values)]
    told = of(pooled, name)
    assert told.quantiles is not None
    shares, found = zip(*told.quantiles, strict=True)
    assert shares == SHARES
    tail = math.ceil(max(0.005 * len(present), MIN_SUPPORT))
    cuts = (tail / len(present), 0.25, 0.5, 0.75, 1 - (tail - 1) / len(present))
    expected = np.quantile(present, cuts, method="inverted_cdf")
    spread = expected[3] - expected[1]
    assert np.abs(np.array(found) - expected)[1:4].max() <= 0.001 * spread
    assert np.abs(np.array(found) - expected).max() <= max(0.005 * spread, 1e-4 * np.ptp(expected))
    filled = np.clip(np.where(np.isnan(values), found[2], values), found[0], found[4])
    assert told.mean == pytest.approx(filled.mean(), abs=1e-4 * filled.std())
    assert told.sd == pytest.approx(filled.std(), rel=1e-3)
    assert told.missing == pytest.approx(np.isnan(values).mean(), abs=1e-12)


def test_whole_numbers_and_flags_come_out_exactly(pooled: Fitted) -> None:
    assert [value for _, value in of(pooled, "flag").quantiles or ()] == [0, 0, 1, 1, 1] or [
        value for _, value in of(pooled, "flag").quantiles or ()
    ] == [0, 0, 0, 1, 1]
    assert all(value.is_integer() for _, value in of(pooled, "age").quantiles or ())


def test_rows_and_outcomes_are_counted(frame: pd.DataFrame, pooled: Fitted) -> None:
    assert (pooled.statistics.rows, pooled.statistics.bad) == (ROWS, int(frame["bad"].sum()))


def test_features_have_mean_0_and_variance_1_over_all_rows(frame: pd.DataFrame, pooled: Fitted) -> None:
    numeric = encoded(pooled, frame).numeric.astype(np.float64)
    assert numeric.shape == (ROWS, len(pooled.encoding.names))
    assert np.abs(numeric.mean(axis=0)).max() < 1e-4
    assert np.abs(numeric.var(axis=0) - 1).max() < 1e-3


def test_every_party_has_the_same_encoding_to_the_bit(frame: pd.DataFrame) -> None:
    saved = {json.dumps(each.encoding.to_dict()) for each in fit_all(parted(frame)).values()}
    assert len(saved) == 1


def test_a_column_costs_no_round_trip_of_its_own(frame: pd.DataFrame) -> None:
    wide = pd.concat([frame, *(frame[["turnover", "profit"]].add_suffix(f"_{n}") for n in range(8))], axis=1)
    calls: list[tuple[str, str, int]] = []
    fitted(wide, calls=calls)
    assert [(kind, label) for kind, label, _ in calls] == [
        ("counts", "statistics/counts"),
        ("counts", "statistics/quantiles 1"),
        ("counts", "statistics/quantiles 2"),
        ("total", "statistics/moments"),
    ]


def test_what_people_read_is_json_and_finite(pooled: Fitted) -> None:
    saved = json.loads(json.dumps(pooled.statistics.to_dict(), allow_nan=False))
    assert saved["rows"] == ROWS
    assert {column["name"]: column["kind"] for column in saved["columns"]} == {
        "age": "numeric",
        "flag": "numeric",
        "profit": "numeric",
        "sector": "categorical",
        "state": "categorical",
        "turnover": "numeric",
    }


# -- no row stands out -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [120, 400, 3000])
def test_fifty_rows_share_whatever_is_extreme(rows: int) -> None:
    frame = table(
        money=RNG.lognormal(9, 2, rows),
        heavy=RNG.standard_t(1.5, rows),
        gaps=gapped(RNG.normal(0, 1, rows), 0.45),
        level=RNG.choice(["A", "B", "C"], rows, p=[0.6, 0.3, 0.1]),
    )
    fit = fitted(frame)
    rows_of = encoded(fit, frame)
    assert rows_of.numeric.shape[1] >= 2
    for feature in rows_of.numeric.T:
        for extreme in (feature.min(), feature.max()):
            assert np.count_nonzero(feature == extreme) >= MIN_SUPPORT
    for codes in rows_of.codes.T:
        counts = np.bincount(codes)
        assert counts[counts > 0].min() >= MIN_SUPPORT


def test_a_level_needs_fifty_rows_over_all_parties_not_at_one() -> None:
    cells = np.full(600, "A", dtype=object)
    cells[::10] = "B"  # 60 rows over three parties, at most 30 at one.
    cells[1:500:10] = "C"  # 50 rows, at two of them.
    cells[2:492:10] = "D"  # 49 rows.
    cells[5::10] = "E"  # 60 rows, so that the rest is not too few.
    fit = fitted(table(x=cells))
    codes = encoded(fit, table(x=["A", "B", "C", "D", "E", "", "never seen"])).codes[:, 0]
    # D's 49 rows alone would be the rest: the smallest level joins it.
    assert codes[3] == codes[2] == codes[5] == codes[6] == 0
    assert sorted(codes[[0, 1, 4]]) == [1, 2, 3]
    assert fit.encoding.cardinalities == (4,)
    shares = of(fit, "x").shares
    assert shares is not None
    assert shares[0] == pytest.approx(99 / 600)
    assert sum(shares) == pytest.approx(1)


def test_fifty_rows_are_enough() -> None:
    cells = np.full(600, "A", dtype=object)
    cells[:50], cells[50:99], cells[100:149] = "B", "C", "D"
    codes = encoded(fitted(table(x=cells)), table(x=["A", "B", "C", "D"])).codes[:, 0]
    assert sorted(codes) == [0, 0, 1, 2]
    assert codes[2] == codes[3] == 0


def test_a_level_that_one_party_alone_has_gets_a_code_at_all() -> None:
    frames = {
        "bank-a": table(x=["A", "B"] * 100),
        "bank-b": table(x=["A", "only here"] * 100),
        "bank-c": table(x=["B", "A"] * 100),
    }
    for fit in fit_all(frames).values():
        codes = encoded(fit, table(x=["A", "B", "only here", "nowhere"])).codes[:, 0]
        assert sorted(codes) == [0, 1, 2, 3]
        assert codes[3] == 0
        assert "only here" not in json.dumps(fit.encoding.to_dict()) + json.dumps(fit.statistics.to_dict())


def test_levels_in_one_bucket_share_a_code() -> None:
    names = tuple(f"L{number}" for number in range(400))
    found = buckets("x", names, level_salt(SECRET))
    order = np.argsort(found, kind="stable")
    twin = next(i for i in range(399) if found[order[i]] == found[order[i + 1]])
    first, second = names[order[twin]], names[order[twin + 1]]
    frame = table(x=[first, second, "A"] * 200)
    codes = encoded(fitted(frame), frame).codes[:3, 0]
    assert codes[0] == codes[1] != codes[2]


def test_rare_events_stay_while_fifty_rows_have_them() -> None:
    claims, frauds = np.zeros(6000), np.zeros(6000)
    claims[:6000:100] = 1
    frauds[:4900:100] = 1  # 49 rows
    fit = fitted(table(claims=claims, frauds=frauds, x=RNG.normal(0, 1, 6000)))
    assert names(fit) == ["claims", "x"]
    assert of(fit, "claims").mean == pytest.approx(0.01, abs=1e-5)
    assert any(
        note.startswith("Column frauds is constant over all parties, or so nearly")
        for note in fit.statistics.notes
    )


# -- the world's dirt ------------------------------------------------------------------------------------


def test_a_column_that_one_party_lacks_entirely_is_filled_for_it() -> None:
    frames = parted(table(x=RNG.normal(5, 2, 900), y=RNG.normal(0, 1, 900), s=["A", "B", "C"] * 300))
    frames["bank-b"] = frames["bank-b"].assign(x=np.nan, s=np.nan)
    fits = fit_all(frames, roles={"categorical": ("s",)})
    fit = fits["bank-b"]
    assert fit.encoding == fits["bank-a"].encoding
    rows = encoded(fit, frames["bank-b"])
    assert np.isfinite(rows.numeric).all()
    assert (rows.codes == 0).all()
    assert "x (missing)" in fit.encoding.names
    assert of(fit, "x").missing == pytest.approx(0.3)


SAME = (
    "Column same is constant over all parties, or so nearly that its value would tell single rows; the value "
    "is left out."
)


def test_what_is_missing_or_constant_everywhere_is_left_out_and_told() -> None:
    fit = fitted(
        table(
            gone=np.full(600, np.nan),
            same=np.full(600, 0.1),
            one=["A"] * 600,
            rare=[f"R{number % 20}" for number in range(600)],
            x=RNG.normal(0, 1, 600),
        )
    )
    assert names(fit) == ["x"]
    assert list(fit.statistics.notes) == [
        "Column gone is entirely missing over all parties; its value is left out.",
        "Column one has one level over all parties; it is left out.",
        "Column rare is left out: no level has 50 training rows over all parties.",
        SAME,
    ]


def test_where_nothing_is_left_every_party_is_told_why() -> None:
    with pytest.raises(UsageError, match="no column is left") as refused:
        fitted(table(x=np.full(600, 3)))
    assert "Column x is constant" in refused.value.advice


def test_dtypes_may_differ_between_parties() -> None:
    whole = RNG.integers(0, 1000, 900)
    code = RNG.integers(1, 4, 900)
    frames = parted(table(x=whole, code=code))
    expected = fit_all(frames, roles={"categorical": ("code",)})["bank-a"].encoding
    frames["bank-a"] = frames["bank-a"].astype({"x": np.int16, "code": np.int8})
    frames["bank-b"] = frames["bank-b"].astype({"x": np.float64, "code": np.float64})
    frames["bank-c"] = frames["bank-c"].assign(
        x=[f" {v}.0" for v in frames["bank-c"]["x"]], code=frames["bank-c"]["code"].map("0{}".format)
    )
    fits = fit_all(frames, roles={"categorical": ("code",)})
    assert {party: each.encoding == expected for party, each in fits.items()} == dict.fromkeys(frames, True)
    rows = np.concatenate([encoded(fits[party], each).codes[:, 0] for party, each in frames.items()])
    assert len({(int(a), int(b)) for a, b in zip(rows, code, strict=True)}) == 3


def test_a_party_without_rows_of_one_outcome_or_without_any_takes_part() -> None:
    frame = table(x=RNG.normal(0, 1, 600), s=["A", "B"] * 300)
    frames = {"bank-a": frame, "bank-b": frame[frame["bad"] == 1].reset_index(drop=True), "bank-c": frame[:0]}
    fit = fit_all(frames, roles={"categorical": ("s",)})["bank-c"]
    assert (fit.statistics.rows, fit.statistics.bad) == (800, 400)
    assert encoded(fit, frames["bank-c"]).numeric.shape[0] == 0


def test_numbers_at_the_ends_of_what_a_float_holds() -> None:
    fit = fitted(table(tiny=RNG.normal(0, 1, 600) * 1e-320, x=RNG.normal(0, 1, 600) * 1e-300))
    assert names(fit) == ["x"]
    with pytest.raises(UsageError, match="field huge: the numbers, over all parties, are too large"):
        fitted(table(huge=np.tile([-1.7e308, 1.7e308], 300)))


def test_more_rows_than_a_sum_has_room_for_are_refused() -> None:
    with pytest.raises(UsageError, match="more than 100 training rows"):
        fitted(table(x=RNG.normal(0, 1, 900)), most_rows=100)


# -- declared columns ------------------------------------------------------------------------------------

DECLARED = {"x": Column(range=(0.0, 100.0)), "s": Column(levels=("B", "1", "A"))}


@pytest.mark.parametrize(("unit", "sums"), [("none", [("counts", "statistics/counts", 2)]), ("party", [])])
def test_declared_columns_need_no_statistics(unit: str, sums: list[tuple[str, str, int]]) -> None:
    frame = table(x=RNG.uniform(0, 100, 300), s=["A", "B", "1"] * 100)
    calls: list[tuple[str, str, int]] = []
    fit = fitted(frame, declared=DECLARED, unit=unit, calls=calls)
    assert calls == sums
    assert fit.statistics.rows == (300 if sums else None)
    rows = encoded(fit, table(x=[0, 100, 50, 75, -9, np.nan], s=["B", "1.0", "A", "", "C", "b"]))
    assert rows.numeric[:, 0].tolist() == [-2, 2, 0, 1, -2, 0]
    assert rows.codes[:, 0].tolist() == [1, 2, 3, 0, 0, 0]
    assert fit.encoding.cardinalities == (4,)
    assert [column.declared for column in fit.statistics.columns] == [True, True]


def test_noise_on_parties_allows_no_statistics() -> None:
    with pytest.raises(PlanRefused, match="1 columns need them") as refused:
        fitted(
            table(x=RNG.normal(0, 1, 300), s=["A", "B", "1"] * 100),
            declared={"s": DECLARED["s"]},
            unit="party",
        )
    assert refused.value.advice.endswith("or exclude it: x")


@pytest.mark.parametrize("levels", [("1", "01"), ("A", " "), ("true", "TRUE")])
def test_levels_declared_twice_are_refused(levels: tuple[str, ...]) -> None:
    with pytest.raises(PlanRefused, match=r"field columns\.s: two of the declared levels are one"):
        fitted(table(s=["1", "2", "3"] * 100), declared={"s": Column(levels=levels)})


# -- noise on rows ---------------------------------------------------------------------------------------


def noise(sigma: float) -> Callable[[str], Noise]:
    """Each party's third of the variance."""

    def of(party: str) -> Noise:
        rng = np.random.default_rng(list(party.encode()))
        return Noise(
            lambda counts: np.rint(rng.normal(0, sigma / 3**0.5, len(counts))).astype(np.int64), sigma
        )

    return of


@pytest.mark.parametrize("sigma", [4.0, 15.0])
def test_noisy_quantiles_are_near_in_rank_and_nothing_else_is_summed(
    frame: pd.DataFrame, sigma: float
) -> None:
    calls: list[tuple[str, str, int]] = []
    fit = fitted(frame, noise=noise(sigma), unit="record", calls=calls)
    assert {kind for kind, _, _ in calls} == {"counts"}
    assert fit.releases == planned_releases(schema(frame, dataset(), {}), {})
    for name in ("age", "turnover", "profit"):
        present = frame[name].dropna().to_numpy()
        for share, value in (of(fit, name).quantiles or ())[1:4]:
            ranks = np.count_nonzero(present < value), np.count_nonzero(present <= value)
            slack = 30 * sigma
            assert ranks[0] - slack <= share * len(present) <= ranks[1] + slack
    numeric = encoded(fit, frame).numeric
    assert np.isfinite(numeric).all()
    assert np.abs(numeric.mean(axis=0)).max() < 0.2
    assert np.abs(numeric.std(axis=0) - 1).max() < 0.2


@pytest.mark.parametrize("sigma", [4.0, 15.0])
def test_noise_makes_no_level_and_hides_none(frame: pd.DataFrame, sigma: float) -> None:
    fit = fitted(frame, noise=noise(sigma), unit="record")
    by_name = {column.column: column for column in fit.encoding.categorical}
    assert by_name["sector"].cardinality == 4  # A, B, C; D's 27 rows and the gaps have code 0.
    assert by_name["state"].cardinality == 21


def test_noise_and_its_unit_go_together(frame: pd.DataFrame) -> None:
    for options in ({"unit": "record"}, {"unit": "none", "noise": noise(4.0)}):
        with pytest.raises(UsageError, match="counts carry noise"):
            fitted(frame, **options)


class Replayed:
    """Sums that answer what they are told to, and keep what they are given."""

    def __init__(self, inner: PlainSums | None, answers: list[Integers]) -> None:
        self.inner, self.answers = inner, answers
        self.given: dict[str, Integers] = {}

    me = property(lambda self: self.inner.me)
    members = property(lambda self: self.inner.members)

    def counts(self, label: str, values: Private[Integers], bound: int) -> Integers:
        self.given[label.partition("/")[2]] = values.open_locally().copy()
        if self.inner is None:
            return self.answers[len(self.given) - 1]
        self.answers.append(self.inner.counts(label, values, bound))
        return self.answers[-1]

    def total(self, label: str, values: Private[Floats], clip: float) -> Floats:
        raise AssertionError("a sum without noise")

    def mean(
        self,
        label: str,
        values: Private[Floats],
        clip: float,
        weight: float,
        shares: Private[Floats] | None = None,
    ) -> Floats:
        raise AssertionError("a sum without noise")


class Alone(PlainSums):
    """The sums of a single member: its own counts."""

    def __init__(self) -> None:
        pass

    def counts(self, label: str, values: Private[Integers], bound: int) -> Integers:
        return values.open_locally()


def fit_noisy(sums: Any, rows: pd.DataFrame, drawn: Noise, most_rows: int = 100_000) -> Fitted:
    own, config = schema(rows, dataset(), {}), dataset()
    plain = Private(rows), Private(outcomes(rows))
    options: dict[str, Any] = {"secret": SECRET, "unit": "record", "most_rows": most_rows}
    return statistics.fit(sums, *plain, own, config, {}, noise=drawn, **options)


SILENT = Noise(np.zeros_like, 4.0)


@pytest.mark.parametrize("row", [0, 7, 500])
def test_one_row_changes_each_release_by_no_more_than_is_accounted_for(frame: pd.DataFrame, row: int) -> None:
    first = Replayed(Alone(), [])
    released = fit_noisy(first, frame, SILENT).releases
    second = Replayed(None, first.answers)
    fit_noisy(second, frame.drop(index=row), SILENT)
    assert [release.name for release in released] == [*first.given] == [*second.given]
    reached = []
    for release in released:
        change = np.linalg.norm(first.given[release.name] - second.given[release.name])
        assert change <= release.l2_sensitivity + 1e-9
        reached.append(change)
    # The bound is reached: a row is in one cell of each column, and it has an outcome.
    assert reached[0] == pytest.approx(math.sqrt(7))
    assert released[0] == Release("counts", math.sqrt(7))


def test_nothing_is_summed_before_fresh_noise_is_on_it(frame: pd.DataFrame) -> None:
    plain = Replayed(Alone(), [])
    fit_noisy(plain, frame, SILENT)
    drawn: list[Integers] = []

    def draw(counts: Integers) -> Integers:
        drawn.append(RNG.integers(-9, 10, len(counts)))
        return drawn[-1]

    noisy = Replayed(None, plain.answers)
    fit_noisy(noisy, frame, Noise(draw, 4.0))
    assert len(drawn) == len(noisy.given) == 3
    for name, noise_on_it in zip(noisy.given, drawn, strict=True):
        assert (noisy.given[name] == plain.given[name] + noise_on_it).all()


def test_noise_takes_no_count_beyond_the_bound() -> None:
    frame = table(x=["A", "B"] * 300)
    far = Noise(lambda counts: np.full_like(counts, 10_000), 4.0)
    sums = Replayed(None, [np.zeros(2 + 1 + BUCKETS, dtype=np.int64)])
    with pytest.raises(UsageError, match="no column is left"):
        fit_noisy(sums, frame, far, most_rows=600)
    assert (sums.given["counts"] == 600).all()


def test_what_is_planned_is_known_before_a_row_is_read() -> None:
    own: Schema = (("a", "numeric"), ("b", "numeric"), ("c", "categorical"))
    two = math.sqrt(2)
    assert planned_releases(own, {}) == (
        Release("counts", 2.0),
        Release("quantiles 1", two),
        Release("quantiles 2", two),
    )
    numbers = {name: Column(range=(0.0, 1.0)) for name in ("a", "b")}
    assert planned_releases(own, numbers) == (Release("counts", two),)
    assert planned_releases(own, numbers | {"c": Column(levels=("A",))}) == (Release("counts", 1.0),)


def test_plain_types_hold_what_they_say(pooled: Fitted) -> None:
    assert all(isinstance(each, NumericEncoding) for each in pooled.encoding.numeric)
    assert all(isinstance(each, CategoricalEncoding) for each in pooled.encoding.categorical)
    assert pooled.releases == ()
