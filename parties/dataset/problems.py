"""Reading a configuration so that every problem is told at once, not one per run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crypto.codes import Code
from parties.errors import DatasetError


class Problems:
    """A list of sentences; refused together."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._advice: str | None = None

    def add(self, sentence: str) -> None:
        """Note one problem: where it stands and what is allowed there. No value that was refused."""
        self._found.append(sentence)

    def advise(self, advice: str) -> None:
        """The next step where the problem that was noted last is the only one."""
        self._advice = advice

    def refuse_if_any(
        self,
        *,
        party: str | None = None,
        file: str | None = None,
        advice: str = "Correct the configuration; every problem that was found is listed.",
        code: Code = Code.CONFIGURATION,
    ) -> None:
        """Raise one `UsageError` with every problem, if there is one."""
        if not self._found:
            return
        count = len(self._found)
        head = "" if count == 1 else f"{count} problems: "
        if count == 1 and self._advice is not None:
            advice = self._advice
        raise DatasetError(head + "; ".join(self._found), party=party, file=file, advice=advice, code=code)


class Table:
    """A TOML table, read field by field; what is wrong is noted and replaced by an empty value."""

    def __init__(self, table: Mapping[str, object], place: str, problems: Problems) -> None:
        self._table = table
        self._place = place
        self._problems = problems

    def refuse_others(self, allowed: Iterable[str]) -> None:
        """Note every field that is not `allowed`: a misspelt `exclude` must not let a column through."""
        names = list(allowed)
        for name in self._table:
            if name not in names:
                self._wrong(name, f"is not known here; known are: {', '.join(names)}")

    def names(self) -> tuple[str, ...]:
        """The fields that stand in the table."""
        return tuple(self._table)

    def text(self, name: str) -> str:
        """A text that must be there and not be empty."""
        if name not in self._table:
            self._wrong(name, "is missing: give a text")
            return ""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """A text that is not empty, or None where the field is absent."""
        value = self._table.get(name)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self._wrong(name, "must be a text that is not empty")
        return None

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """One of `allowed`, or None where the field is absent."""
        value = self._table.get(name)
        if value is None or (isinstance(value, str) and value in allowed):
            return value
        self._wrong(name, f"must be one of: {', '.join(allowed)}")
        return None

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, or None where the field is absent."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value):
            return tuple(value)
        self._wrong(name, "must be a list of column names")
        return None

    def text_lists(self, name: str) -> tuple[tuple[str, ...], ...] | None:
        """A list of lists of texts, or None where the field is absent."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, list) and all(
            isinstance(inner, list) and all(isinstance(item, str) for item in inner) for inner in value
        ):
            return tuple(map(tuple, value))
        self._wrong(name, 'must be a list of lists of texts, as in [["A", "B"], ["C"]]')
        return None

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """A list of numbers, or None where the field is absent."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, list) and all(
            isinstance(item, int | float) and not isinstance(item, bool) for item in value
        ):
            return tuple(map(float, value))
        self._wrong(name, "must be a list of numbers")
        return None

    def text_map(self, name: str) -> dict[str, str] | None:
        """A table of texts, or None where the field is absent."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            return dict(value)
        self._wrong(name, 'must be a table of texts, as in { turnover = "CNY" }')
        return None

    def truth(self, name: str) -> bool | None:
        """true or false, or None where the field is absent."""
        value = self._table.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._wrong(name, "must be true or false")
        return None

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number from `least` to `most`, or None where the field is absent."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self._wrong(name, f"must be a whole number from {least} to {most}")
        return None

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number from `least` to `most`; one that is missing is noted too."""
        value = self._table.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        self._wrong(name, f"must be a number from {least:g} to {most:g}")
        return None

    def within(self, name: str) -> Table | None:
        """The table `name` inside this one, or None where the field is absent."""
        value = self._table.get(name)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return Table(value, f"[{self._place.strip('[]')}.{name}]", self._problems)
        self._wrong(name, "must be a table")
        return None

    def _wrong(self, name: str, what: str) -> None:
        self._problems.add(f"{self._place} {name} {what}".strip())
