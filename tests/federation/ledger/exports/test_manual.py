"""The examples in docs/exports.md are what the code writes. UPDATE=1 in the environment rewrites them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from federation.ledger.exports import odcs, odrl, oscal
from federation.ledger.exports.prov import lineage
from tests.federation.governance.samples import manifest
from tests.federation.ledger import world
from tests.federation.ledger.exports import samples

MANUAL = Path(__file__).parents[4] / "docs" / "exports.md"
_EXAMPLE = re.compile(r"(<!-- (\w+) -->\n```\w+\n)(.*?)(\n```)", re.DOTALL)


def excerpts() -> dict[str, str]:
    """Of one document of each form, what the manual shows."""
    made = samples.scored()
    readings, report = samples.verified([made.pack("bank")])
    drawn, audited = lineage(readings, report), oscal.results(readings, report)
    (result,) = audited["assessment-results"]["results"]
    return {
        "prov": _json(_of_prov(drawn)),
        "odrl": _json(_of_odrl(odrl.agreement(samples.grant(), "12" * 32))),
        "oscal": _short(
            {
                "observations": [_named(result["observations"], "The plan is the one that was accepted")],
                "findings": [
                    _named(result["findings"], "For the purpose that was granted"),
                    _named(result["findings"], "The grades are the right ones"),
                ],
            }
        ),
        "odcs": _of_odcs(odcs.contract(manifest())),
    }


def test_the_manual_s_examples_are_what_the_code_writes() -> None:
    text, found = MANUAL.read_text(encoding="utf-8"), excerpts()
    if os.environ.get("UPDATE"):
        text = _EXAMPLE.sub(lambda match: f"{match[1]}{found[match[2]]}{match[4]}", text)
        MANUAL.write_text(text, encoding="utf-8")
    assert {match[2]: match[3] for match in _EXAMPLE.finditer(text)} == found


def _of_prov(drawn: dict[str, Any]) -> dict[str, Any]:
    """From the grant to the scores, without the roles."""
    wanted = ("/grant/", "/sent/platform/", "/model/", "/score/")
    return {
        "entity": {
            name: facts for name, facts in drawn["entity"].items() if any(part in name for part in wanted)
        },
        "used": {
            name: ends for name, ends in drawn["used"].items() if "/plan/" not in str(ends["prov:entity"])
        },
    }


def _of_odrl(document: dict[str, Any]) -> dict[str, Any]:
    abroad = next(each for each in document["permission"] if each["assignee"]["rdfs:label"] == "registry")
    return {
        key: [abroad] if key == "permission" else document[key]
        for key in ("@type", "rdfs:label", "dpv:hasPurpose", "dpv:hasLegalBasis", "permission")
    }


def _of_odcs(document: dict[str, Any]) -> str:
    (table,) = document["schema"]
    column = next(each for each in table["properties"] if each["name"] == "balance")
    shown = {**table, "properties": [column]}
    return odcs.yaml(
        {**{key: document[key] for key in ("kind", "apiVersion", "version")}, "schema": [shown]}
    )[:-1]


def _named(found: list[dict[str, Any]], title: str) -> dict[str, Any]:
    return next(each for each in found if each["title"] == title)


def _short(value: object) -> str:
    """Without identifiers and digests: they follow from the whole pack."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b", "…", _json(value))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def test_the_run_of_the_examples_is_a_clean_one() -> None:
    _, report = samples.verified([samples.scored().pack("bank")])
    assert report.state.value == "pass", world.RUN
