"""Writing an export, and the export of any model that a party holds a part of: that part, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crypto.codes import Code
from federation import files
from federation.errors import UsageError
from federation.ids import PartyId
from parties.model_folder import load, model_hash


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the whole model, the label party's share of a joint one, or a party's own part."""

    form: Literal["whole", "joint", "own"]
    sentence: str


def write_json(out: Path, content: Mapping[str, Any]) -> None:
    """JSON, mode 0600: bins and points are made from a party's data."""
    files.write_private(out, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode())


def export_part(round_folder: Path, kind: str, party: PartyId, form: str, out: Path) -> Exported:
    """The party's own part of a model of any kind; `UsageError` for another form than JSON."""
    if form != "json":
        raise UsageError(
            f"a {kind} model has no {form} form here: each party holds its own part of it alone",
            party=party,
            field="--as",
            advice="Export this party's part with --as json.",
            code=Code.MODEL_FORM,
        )
    saved, digest = load(round_folder, kind), model_hash(round_folder)
    head = {"isthmus_model_part": 1, "kind": kind, "run": saved.run, "party": saved.party}
    write_json(out, {**head, "plan_digest": saved.plan_digest, "model_hash": digest, "part": saved.part})
    return Exported("own", f"the own part of {saved.run} ({kind}) is in {out}")
