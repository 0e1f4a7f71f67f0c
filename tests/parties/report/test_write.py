from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from crypto.errors import UsageError
from parties.evaluation.discrimination import evaluate
from parties.evaluation.ks import ks_curve
from parties.report.data import (
    Alignment,
    Coefficient,
    CpuTime,
    HeldColumns,
    Learned,
    LeftOrganisation,
    ReportData,
    RowCount,
    Sent,
    Step,
    Version,
)
from parties.report.write import render, write_report
from tests.parties.report.page import Page

_EVIL = '"><script>alert(1)</script><img src=x onerror=y>-->'


@pytest.fixture(scope="module")
def page(report: ReportData) -> str:
    return render(report)


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    parsed = Page(page)
    for outside in ("http:", "https:", "src=", "@import", "//www", "data:image", "javascript:"):
        assert outside not in page
    assert not {"script", "link", "iframe", "img", "image", "object", "base"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert all(value.startswith("#") for value in parsed.all("href") + parsed.all("xlink:href"))
    assert all(place.startswith("#") for place in re.findall(r"url\(([^)]*)\)", page))
    assert "default-src 'none'" in page


def test_every_reference_within_the_page_leads_to_one_place(page: str) -> None:
    parsed = Page(page)
    identifiers = parsed.all("id")
    assert len(identifiers) == len(set(identifiers))
    used = {value[1:] for value in parsed.all("xlink:href")} | set(re.findall(r"url\(#([^)]*)\)", page))
    assert used
    assert used <= set(identifiers)


def test_names_with_markup_in_them_are_shown_not_obeyed(report: ReportData) -> None:
    hostile = replace(
        report,
        run=replace(
            report.run,
            run_id=_EVIL,
            plan_hash=_EVIL,
            model=_EVIL,
            label_party=_EVIL,
            rows_evaluated=_EVIL,
            finished=_EVIL,
        ),
        smallest=replace(report.smallest, who=_EVIL) if report.smallest else None,
        columns=(HeldColumns(_EVIL, 3),),
        alignment=Alignment((RowCount(_EVIL, 5, True),), 4, False),
        coefficients=(Coefficient(_EVIL, 0.5), Coefficient("<b>", 0.1)),
        learned=(Learned(_EVIL, (_EVIL,), (_EVIL,)),),
        left=(LeftOrganisation(_EVIL, _EVIL),),
        sent=(Sent(_EVIL, _EVIL, 1, 10), Sent("<i>", "<u>", 1, 10)),
        steps=(Step(_EVIL, 1.0),),
        cpu=(CpuTime(_EVIL, 1.0),),
        versions=(Version(_EVIL, _EVIL),),
    )
    text = render(hostile)
    parsed = Page(text)
    assert not {"script", "img", "bad", "i", "u"} & set(parsed.tags)
    assert not parsed.all("onerror")
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)") > 20


def test_a_name_is_not_read_as_mathematics_and_any_script_is_drawn(report: ReportData) -> None:
    names = ("$\\frac{broken$", "注册资本", "a\x00b\nc", "x" * 200)
    text = render(replace(report, coefficients=tuple(Coefficient(each, 0.1) for each in names)))
    assert "$\\frac{broken$" in text
    assert "注册资本" in text
    assert "\x00" not in text
    assert "x" * 40 not in text


def test_the_same_data_give_the_same_bytes(report: ReportData, tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    write_report(first, report)
    write_report(second, report)
    assert first.read_bytes() == second.read_bytes()


def test_drawing_leaves_no_trace_in_matplotlibs_settings(report: ReportData) -> None:
    before = dict(mpl.rcParams)
    render(report)
    assert dict(mpl.rcParams) == before


def test_text_in_the_plots_stays_text(page: str) -> None:
    for written in ("good firms refused", "debt_to_assets", "glm.partial-score", "align rows (PSI)"):
        assert re.search(rf"<text[^>]*>{re.escape(written)}</text>", page)
    assert "<metadata" not in page
    assert page.count("<svg ") == page.count('role="img"') == 10


def test_optional_parts_may_be_absent(report: ReportData) -> None:
    bare = render(
        replace(
            report,
            pooled=None,
            smallest=None,
            calibration=None,
            coefficients=(),
            learned=(),
            left=(),
            sent=(),
            steps=(),
            cpu=(),
            versions=(),
        )
    )
    for heading in ("The smallest firms", "come true", "What it cost", "What left", "Pooled", "None"):
        assert heading not in bare
    assert bare.count("<svg ") == 4


def test_degenerate_rounds_are_drawn_too(report: ReportData) -> None:
    rng = np.random.default_rng(0)
    label = np.tile([0, 1], 10)
    flat, perfect = evaluate(label, np.zeros(20), rng), evaluate(label, label, rng)
    odd = replace(
        report,
        bank=flat,
        fused=perfect,
        pooled=None,
        ks_curve=ks_curve(label, label),
        coefficients=(Coefficient("zero", 0.0),),
        sent=(Sent("bank-a", "psi", 0, 0),),
        steps=(Step("nothing", 0.0),),
        cpu=tuple(CpuTime(f"role-{each}", 0.0) for each in range(3)),
    )
    assert "1.000" in render(odd)
    assert "0.500" in render(replace(odd, fused=flat, ks_curve=ks_curve(label, np.zeros(20))))


def test_a_figure_that_is_not_a_number_stops_the_report_and_leaves_the_old_one(
    report: ReportData, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    target.write_text("yesterday's")
    with pytest.raises(UsageError, match="not a finite number") as refused:
        write_report(target, replace(report, steps=(Step("train", float("nan")),)))
    assert refused.value.field == "report.steps[0].seconds"
    assert target.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_fails_leaves_nothing_half_written(
    report: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space") as refused:
        write_report(tmp_path / "report.html", report)
    assert refused.value.file == str(tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_for_its_owner_alone(report: ReportData, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report)
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600


def test_the_data_are_json_and_complete(report: ReportData) -> None:
    found = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert found["fused"]["figures"]["auc"] == report.fused.figures.auc
    assert found["difference"]["p"] == report.difference.p
    assert len(found["sent"]) == len(report.sent)


def test_figures_are_shown_with_their_intervals(page: str, report: ReportData) -> None:
    figures = report.fused.figures
    for low, high in (
        (figures.auc_low, figures.auc_high),
        (figures.ks_low, figures.ks_high),
        (figures.gini_low, figures.gini_high),
    ):
        assert f"{low:.3f} to {high:.3f}" in page
    assert report.run.plan_hash in page
