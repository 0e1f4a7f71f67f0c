"""Write a party's model document."""

from __future__ import annotations

import hashlib
from pathlib import Path

from crypto.codes import Code
from federation import files
from federation.errors import UsageError
from federation.ids import RunId
from parties.document.blocks import Document
from parties.document.material import Material, gather
from parties.document.rendering import html, markdown
from parties.document.sections.development import development
from parties.document.sections.governance import governance, products
from parties.document.sections.overview import overview
from parties.document.sections.validation import validation
from parties.home import PartyHome

_FORMS = {".html": html, ".md": markdown}


def write_document(home: PartyHome, run: RunId, out: Path) -> str:
    """Write the document of `run` as HTML or Markdown, by the ending of `out`, mode 0600; its SHA-256.

    The same files of the round give the same bytes. `UsageError` for another ending.
    """
    form = _FORMS.get(out.suffix)
    if form is None:
        raise UsageError(
            f"cannot write {out.suffix or 'a file without an ending'}",
            file=str(out),
            advice="Name a file that ends in .html or .md.",
            code=Code.OUTPUT_KIND,
        )
    data = form(compose(gather(home, run))).encode("utf-8", "replace")
    files.write_private(out, data)
    return hashlib.sha256(data).hexdigest()


def compose(material: Material) -> Document:
    """All parts of the document."""
    return Document(
        title=f"Model document of {material.party}",
        chinese="模型文档",
        run=material.run,
        facts=(
            ("Model", f"{material.plan.name}, run {material.run}"),
            ("Model hash", material.digest),
            (
                "Follows",
                "SR 26-2 / OCC Bulletin 2026-13, Model Risk Management: Revised Guidance, 2026",
            ),
        ),
        sections=(
            overview(material),
            development(material),
            validation(material),
            governance(material),
            products(material),
        ),
    )
