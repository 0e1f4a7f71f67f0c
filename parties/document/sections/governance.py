"""Parts 4 and 5: what each role learned, what can be checked, who signs, and what comes from others."""

from __future__ import annotations

import platform
from importlib import metadata

from crypto.version import installed_version
from parties.document.blocks import Absent, Block, Facts, Items, Section, Table, Words
from parties.document.material import Material
from parties.report import words
from parties.report.learned import learned

_SOFTWARE = ("flwr", "tenseal", "cryptography", "numpy", "scikit-learn", "pandas")


def governance(material: Material) -> Section:
    """Privacy, integrity, sign-off."""
    return Section(
        "Governance and controls",
        "治理与控制",
        (),
        (
            Section("Privacy analysis", "隐私分析", tuple(_privacy(material))),
            Section("Integrity", "完整性", tuple(_integrity(material))),
            Section("Sign-off", "签署", tuple(_signing())),
        ),
    )


def products(material: Material) -> Section:
    """Part 5: software, and the parts of the model that others hold."""
    versions = [("isthmus", installed_version()), ("Python", platform.python_version())]
    versions += [(name, metadata.version(name)) for name in _SOFTWARE]
    others = ", ".join(material.others)
    return Section(
        "Vendor and other third-party products",
        "供应商与其他第三方产品",
        (
            Words(
                f"Data and parts of the model that {others} hold are inputs of other organisations. What "
                "they "
                "contribute is seen in the figures of part 3 beside those without them; how they are made "
                "stands "
                "in their own documents, which are asked for before sign-off."
            ),
            Table("Software that this document was written with", ("Name", "Version"), tuple(versions)),
        ),
    )


def _privacy(material: Material) -> list[Block]:
    roles = tuple(
        (row.role, " ".join(f"{_sentence(line)}" for line in row.learned), "; ".join(row.not_learned))
        for row in learned(material.plan)
    )
    total = sum(row.bytes for row in material.sent)
    sent = tuple((row.message, words.count(row.messages), words.size(row.bytes)) for row in material.sent)
    return [
        Table("What each role learned in the round", ("Role", "Learned", "Did not learn"), roles, prose=True),
        _equations(material),
        Words(
            f"What left {material.party}: {words.size(total)}, all of it sealed for one recipient and "
            "written "
            "into the journal before it was sent."
        ),
        Table("By type of message", ("Message", "Messages", "Bytes"), sent),
        Items(
            (
                "The label party and the helper must not collude: together they hold every residual.",
                "Nothing here is differentially private: weights, opened scores and figures are exact.",
                "docs/security.md says what is not protected.",
            )
        ),
    ]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _equations(material: Material) -> Block:
    """Linear equations about outcomes that this party was given, against the plan's limit."""
    plan, spent = material.plan, material.spent
    if material.at_label:
        return Words("This party has the outcomes; equations about them are counted at the others.")
    if material.kind == "boosting":
        why = (
            "Trees tell a party no sum of outcomes; what they tell is which firms share a node, with "
            f"{plan.boosting.minimum_support} at least on both sides of each split."
        )
        return Absent("Equations about outcomes", why)
    count = spent.get("equations", spent["columns"] * (plan.split.folds + 1))
    share = count / spent["training_rows"]
    return Facts(
        (
            ("Equations about outcomes that this party was given", words.count(count)),
            ("For each training row", f"{share:.4f} of at most {plan.limits.equations_per_row:g}"),
        )
    )


def _integrity(material: Material) -> list[Block]:
    facts = Facts(
        (
            ("Run", material.run),
            ("Plan, SHA-256", material.plan.digest.hex()),
            ("Model, hash over its files", material.digest),
            ("Journal of what left, head", material.journal_head),
        )
    )
    return [
        facts,
        Table("Files of the round at this party, SHA-256", ("File", "SHA-256"), material.files, prose=True),
        Words("`sha256sum --check MANIFEST` in the folder model/ checks the model without this program."),
    ]


def _signing() -> list[Block]:
    roles = ("Developed by", "Validated by", "Approved by", "Owner of the model")
    return [
        Table(
            "To be filled in by people",
            ("Role", "Name", "Date", "Signature"),
            tuple((role, "", "", "") for role in roles),
            prose=True,
        )
    ]
