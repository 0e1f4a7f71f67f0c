"""The benchmark's files: the whole as JSON, a page in each language, and results for auditors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.border.report.pages import page
from benchmarks.border.results import Border
from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.exports import oscal
from federation.compliance.verdicts import Language
from federation.errors import UsageError


def write(
    border: Border,
    folder: Path,
    languages: Sequence[Language] = ("en", "zh"),
    rules: Catalogue | None = None,
) -> list[Path]:
    """Write report.json, report.LANGUAGE.html and oscal.json to `folder`, and say where.

    The same benchmark gives the same bytes. `UsageError` where the folder cannot be written to.
    """
    rules = catalogue() if rules is None else rules
    texts = {"report.json": _json(border.to_json())}
    for language in languages:
        texts[f"report.{language}.html"] = page(border, language, rules, both=len(languages) > 1)
    if border.scenarios:
        judged = [(each.case, each.judgement) for each in border.scenarios]
        texts["oscal.json"] = _json(oscal.results(judged, rules))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the report cannot be written: {error.strerror}",
            file=str(folder),
            advice="Name a folder that you may write to.",
        ) from None
    return [folder / name for name in texts]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
