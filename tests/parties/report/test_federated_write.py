from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.evaluation.curves import RocCurve
from parties.evaluation.discrimination import Evaluation
from parties.report.data import CpuTime, Learned, LeftOrganisation, Sent, Step, Version
from parties.report.federated import Joint, PartyResult, RoundPoint
from parties.report.federated_facts import facts
from parties.report.federated_write import render_federated, write_federated_report
from tests.parties.report.page import Page
from tests.parties.report.sample_federated import party, sample, unjudged

_EVIL = '"><script>alert(1)</script><img src=x onerror=y>-->'


@pytest.fixture(scope="module")
def page() -> str:
    return render_federated(sample())


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    parsed = Page(page)
    for outside in ("http:", "https:", "src=", "@import", "//www", "data:image", "javascript:"):
        assert outside not in page
    assert not {"script", "link", "iframe", "img", "image", "object", "base"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert all(value.startswith("#") for value in parsed.all("href") + parsed.all("xlink:href"))
    assert "default-src 'none'" in page


def test_every_identifier_is_there_once(page: str) -> None:
    parsed = Page(page)
    identifiers = parsed.all("id")
    assert len(identifiers) == len(set(identifiers))
    assert {value[1:] for value in parsed.all("xlink:href")} <= set(identifiers)


def test_names_and_texts_with_markup_in_them_are_shown_not_obeyed() -> None:
    report = sample()
    hostile = replace(
        report,
        run=replace(report.run, run_id=_EVIL, model=_EVIL, label_party=_EVIL, rows_evaluated=_EVIL),
        shape=_EVIL,
        strategy=_EVIL,
        protection=_EVIL,
        privacy=_EVIL,
        parties=tuple(replace(each, party=_EVIL) for each in report.parties),
        flags=(_EVIL,),
        learned=(Learned(_EVIL, (_EVIL,), (_EVIL,)),),
        left=(LeftOrganisation(_EVIL, _EVIL),),
        sent=(Sent(_EVIL, _EVIL, 1, 10),),
        steps=(Step(_EVIL, 1.0),),
        cpu=(CpuTime(_EVIL, 1.0),),
        versions=(Version(_EVIL, _EVIL),),
        notes=(_EVIL,),
    )
    text = render_federated(hostile)
    parsed = Page(text)
    assert not {"script", "img"} & set(parsed.tags)
    assert not parsed.all("onerror")
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)") > 30


def _marked(evaluation: Evaluation | None) -> Evaluation | None:
    """The evaluation with other curves and another cut-off."""
    if evaluation is None:
        return None
    return replace(
        evaluation,
        figures=replace(evaluation.figures, ks_cutoff=7.654321),
        roc=RocCurve((0.0, 0.654321, 1.0), (0.0, 0.765432, 1.0)),
        gain=tuple(replace(row, lift=6.543217) for row in evaluation.gain),
    )


def test_no_curve_and_no_score_of_a_row_is_in_the_page_or_the_facts(page: str) -> None:
    report = sample()
    marked = replace(
        report,
        parties=tuple(
            replace(each, local=_marked(each.local), federated=_marked(each.federated))
            for each in report.parties
        ),
    )
    assert render_federated(marked) == page
    assert facts(marked) == facts(report)


def test_a_verdict_is_written_out_wherever_it_is_coloured(page: str) -> None:
    for verdict in ("helps", "no evident difference", "hurts", "too few test rows"):
        assert re.search(rf'class="badge \w+">{verdict}</span>', page)
        assert re.search(rf"<text[^>]*>{verdict}\b", page)
    for model in ("Local", "Federated", "Pooled"):
        assert re.search(rf"<text[^>]*>{model}</text>", page)


def test_a_name_is_not_parted_and_not_found_inside_a_word() -> None:
    report = sample()
    text = render_federated(
        replace(report, parties=tuple(replace(report.parties[1], party=each) for each in ("no", "no-2")))
    )
    kept = '<span class="name">{}</span>'
    assert f"No evident difference for {kept.format('no')} and {kept.format('no-2')}." in text
    assert "Federation is not shown" in text


def test_each_partys_figures_are_shown_with_their_intervals(page: str) -> None:
    for each in sample().parties[:3]:
        for evaluation in (each.local, each.federated, each.pooled):
            assert evaluation is not None
            figures = evaluation.figures
            for low, high in (
                (figures.auc_low, figures.auc_high),
                (figures.ks_low, figures.ks_high),
                (figures.gini_low, figures.gini_high),
            ):
                assert f"{low:.3f} to {high:.3f}" in page


def test_optional_parts_may_be_absent() -> None:
    report = sample()
    bare = render_federated(
        replace(
            report,
            parties=tuple(replace(each, pooled=None) for each in report.parties),
            joint=None,
            rounds=(),
            flags=(),
            learned=(),
            left=(),
            sent=(),
            steps=(),
            cpu=(),
            versions=(),
            notes=(),
        )
    )
    for absent in ("ooled", "How training went", "What it cost", "learned", "Notes", "None", "together"):
        assert absent not in bare
    assert bare.count("<svg ") == 2


def test_degenerate_rounds_are_drawn_too() -> None:
    nobody = replace(sample(), parties=(unjudged("bank-d"),), rounds=(RoundPoint(1, 0.5, None),))
    assert "cannot be judged" in render_federated(nobody)
    same = party("bank-a", local=1.0, federated=1.0, rows=60)
    assert same.local is not None
    even: PartyResult = replace(
        same,
        federated=same.local,
        difference=same.difference and replace(same.difference, difference=0.0, low=0.0, high=0.0, p=1.0),
    )
    assert "no evident difference: 16" in render_federated(replace(sample(), parties=(even,) * 16))


def test_the_same_data_give_the_same_bytes_for_their_owner_alone(page: str, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    write_federated_report(target, sample())
    assert target.read_text(encoding="utf-8") == page
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_report_that_is_refused_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("yesterday's")
    with pytest.raises(UsageError, match="not a finite number"):
        write_federated_report(target, replace(sample(), joint=Joint(float("nan"), 1, 1)))
    assert target.read_text() == "yesterday's"
