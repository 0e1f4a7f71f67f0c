"""Which files of a pack show each check, which checks look at each rule, and what only a person can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from federation.ledger.archive import STATEMENT

#: Check of `federation.ledger.verify` -> the files of a pack that it looks at; a folder ends with a stroke.
EVIDENCE: Mapping[str, tuple[str, ...]] = {
    "signature": (STATEMENT,),
    "contents": (STATEMENT,),
    "identities": ("members.json",),
    "entries": ("log.jsonl",),
    "times": ("log.jsonl",),
    "made": (STATEMENT, "log.jsonl"),
    "order": ("log.jsonl",),
    "checkpoints": ("checkpoints/",),
    "roots": ("checkpoints/", "log.jsonl"),
    "cosigned": ("checkpoints/", "log.jsonl"),
    "clocks": ("checkpoints/", "log.jsonl"),
    "witnessed": ("log.jsonl", "witnessed/"),
    "plan": ("log.jsonl", "plan.json"),
    "policy": ("policy.cedar",),
    "ground": ("entities.jsonl", "log.jsonl", "policy.cedar"),
    "grants": ("grants/", "log.jsonl", "revocations/"),
    "manifest": ("grants/", "log.jsonl", "manifest.sha256"),
    "guard-chain": ("guard.jsonl",),
    "guard-roots": ("guard.jsonl", "log.jsonl"),
    "guard-numbers": ("guard.jsonl",),
    "verdicts": (
        "entities.jsonl",
        "grants/",
        "guard.jsonl",
        "log.jsonl",
        "members.json",
        "policy.cedar",
        "verdicts.jsonl",
    ),
    "canaries": ("canaries.json", "log.jsonl"),
    "outside": ("cosignatures/",),
    "software": (STATEMENT,),
    "one-run": ("log.jsonl", "plan.json"),
    "forks": ("checkpoints/", "witnessed/"),
    "received": ("guard.jsonl", "log.jsonl"),
    "answered": ("checkpoints/", "log.jsonl", "witnessed/"),
}
#: Rule of the guard's catalogue -> the checks that look at it. None: a pack does not show it.
LOOKED_AT_BY: Mapping[str, tuple[str, ...]] = {
    "T-EGRESS-TYPE": ("verdicts",),
    "T-EGRESS-SIZE": ("verdicts",),
    "T-EGRESS-CANON": ("verdicts",),
    "T-EGRESS-CANARY": ("canaries", "verdicts"),
    "T-VERDICT": ("policy", "ground", "guard-chain", "guard-numbers", "verdicts"),
    "G-GRANT": ("grants", "verdicts"),
    "G-PURPOSE": ("grants", "plan", "verdicts"),
    "G-GRADE": ("verdicts",),
    "G-EXPIRED": ("grants", "verdicts"),
    "G-LIMIT": ("verdicts",),
    "G-TRANSFER": ("verdicts",),
    "CN-IMPORTANT": ("verdicts",),
    "G-RIGHTS": (),
    "G-MANIFEST": ("manifest",),
    "G-LEDGER": ("checkpoints", "cosigned", "roots"),
}


@dataclass(frozen=True, slots=True)
class Attested:
    """What no software can decide: a statement, and who would sign it."""

    id: str
    title: str
    statement: str
    by: str


#: The ids are those of the rule catalogue.
ATTESTED = (
    Attested(
        "G-GRADE-TRUE",
        "The grades are the right ones",
        "Each column is graded in the manifest as the law and the owner's own classification grade it.",
        "the owner's officer for data classification",
    ),
    Attested(
        "G-RETAIN",
        "What is no longer needed is deleted",
        "Caches and intermediate results are deleted in time, and evidence is kept as long as it must be.",
        "the owner's officer for data protection",
    ),
    Attested(
        "CN-PIPIA",
        "Impact assessment in China",
        "Where personal information is concerned, its protection impact assessment was made before the run.",
        "the owner's officer for personal information protection",
    ),
    Attested(
        "EU-DPIA",
        "Impact assessment in the European Union",
        "Where the GDPR asks for one, a data protection impact assessment was made before the run.",
        "the owner's data protection officer",
    ),
    Attested(
        "EU-PERSONAL",
        "Whether what left is personal data",
        "Whether what was sent is personal data for its recipients was judged for this run.",
        "the owner's data protection officer",
    ),
    Attested(
        "EU-ART22",
        "Decisions about persons",
        "Where scores weigh on decisions about persons or sole traders, a person can review each decision.",
        "whoever answers for the lending decision",
    ),
)
