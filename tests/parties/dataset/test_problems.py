"""Problems are collected; one is told plainly, several together."""

from __future__ import annotations

import pytest

from crypto.errors import UsageError
from parties.dataset.problems import Problems, Table


def test_nothing_is_refused_without_a_problem() -> None:
    Problems().refuse_if_any()


def test_one_problem_is_told_plainly_and_several_with_their_number() -> None:
    problems = Problems()
    problems.add("a is wrong")
    with pytest.raises(UsageError) as caught:
        problems.refuse_if_any(party="bank", file="run.toml", advice="Mend it.")
    assert (caught.value.what, caught.value.advice) == ("a is wrong", "Mend it.")
    problems.add("b is wrong")
    with pytest.raises(UsageError) as caught:
        problems.refuse_if_any()
    assert caught.value.what == "2 problems: a is wrong; b is wrong"


def test_a_refused_value_is_never_repeated() -> None:
    problems = Problems()
    wrong: dict[str, object] = {"a": 4711, "b": [4711], "c": {"x": 4711}, "d": "4711", "e": 4711}
    reader = Table(wrong, "[t]", problems)
    assert (reader.text("a"), reader.texts("b"), reader.text_map("c")) == ("", None, None)
    assert (reader.choice("d", ("x",)), reader.whole("e", 1, 9)) == (None, None)
    with pytest.raises(UsageError, match="5 problems") as caught:
        problems.refuse_if_any()
    assert "4711" not in str(caught.value)
