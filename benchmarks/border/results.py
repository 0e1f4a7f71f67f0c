"""What the border benchmark comes to, by scenario and as a whole. The report and `--format json` read it.

Nothing in it varies but times, processor seconds, how many messages and bytes left (a compressed key is now
a byte longer, now shorter), and what a fused model is worth (noise is never the same). With `measured=False`
`to_json` leaves those out, and what is left is the same for the same seed and program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from federation.compliance.facts import Case
from federation.compliance.verdicts import Judgement, Told


@dataclass(frozen=True, slots=True)
class Utility:
    """What the model of a scenario is worth at one level of protection, and what that costs.

    auc_local: of the label party's own columns; auc_pooled: of all columns in one place, which nobody has.
    bytes_sent by all roles; raw_bytes: what the tables would be if they were sent instead. cpu_seconds of all
    roles; plain_cpu_seconds: of training on the pooled table.
    """

    protection: str
    auc_local: float
    auc_fused: float
    auc_pooled: float
    bytes_sent: int
    raw_bytes: int
    cpu_seconds: float
    plain_cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Link:
    """How long a round took across borders of one latency. `by`: "netem", or a "proxy" that shapes."""

    latency_ms: int
    bandwidth_mbit: float
    loss: float
    wall_seconds: float
    by: Literal["netem", "proxy"]


@dataclass(frozen=True, slots=True)
class Volume:
    """What so many persons since 1 January ask for, in China, and what the rules took for enough.

    runs: in how many runs they were counted. duty, found: "exempt", "contract" or "assessment".
    """

    personal: int
    sensitive: int
    runs: int
    duty: str
    found: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario played and judged.

    expected: the controls that must fail (empty: none does). refused: who stopped the run and by which rule,
    where it did not even begin. as_expected: the verdicts are those that the scenario is there to show.
    packs: role -> the evidence pack's file; verified: `ledger verify` found them whole. volumes: S11's table.
    """

    id: str
    title: Told
    about: Told
    expected: tuple[str, ...]
    case: Case
    judgement: Judgement
    as_expected: bool
    why: str
    refused: str = ""
    utility: tuple[Utility, ...] = ()
    links: tuple[Link, ...] = ()
    packs: Mapping[str, str] = field(default_factory=dict)
    verified: bool | None = None
    volumes: tuple[Volume, ...] = ()

    @property
    def attestations_missing(self) -> tuple[str, ...]:
        """Controls that a person must still sign for."""
        waiting = (r.control for r in self.judgement.rulings["R1"] if r.verdict.value == "needs-attestation")
        return tuple(dict.fromkeys(waiting))

    def to_json(self, *, measured: bool = True) -> dict[str, Any]:
        """The fields by name; `measured`: with times, processor seconds, messages and bytes."""
        case, judgement = self.case, self.judgement
        if not measured:
            flows = tuple(flow.model_copy(update={"messages": 0, "bytes": 0}) for flow in case.flows)
            case = case.model_copy(update={"flows": flows})
            judgement = replace(judgement, case_sha256=case.digest)
        return {
            "id": self.id,
            "title": self.title.to_json(),
            "about": self.about.to_json(),
            "expected": list(self.expected),
            "as_expected": self.as_expected,
            "why": self.why,
            "refused": self.refused,
            "case": case.model_dump(mode="json", exclude_none=True),
            "judgement": judgement.to_json(),
            "attestations_missing": list(self.attestations_missing),
            "utility": [_without_times(asdict(each), measured) for each in self.utility],
            "links": [asdict(each) for each in self.links] if measured else [],
            "packs": dict(self.packs),
            "verified": self.verified,
            "volumes": [asdict(each) for each in self.volumes],
        }


def _without_times(fields: dict[str, Any], measured: bool) -> dict[str, Any]:
    varying = ("_seconds", "bytes_sent", "auc_fused")
    return {name: value for name, value in fields.items() if measured or not name.endswith(varying)}


@dataclass(frozen=True, slots=True)
class Border:
    """The whole benchmark. missed, declared_limits: names of mutations. attacks: as `bench attacks` tells."""

    seed: int
    mode: Literal["fast", "processes"]
    scenarios: tuple[Scenario, ...]
    seeded: int = 0
    detected: int = 0
    missed: tuple[str, ...] = ()
    declared_limits: tuple[str, ...] = ()
    clean_runs: int = 0
    false_alarms: int = 0
    alarms: tuple[str, ...] = ()
    mutations: tuple[Mapping[str, Any], ...] = ()
    attacks: tuple[Mapping[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the benchmark did what it promises: nothing missed, no false alarm, all as expected, and of
        every attack both controls held. How much an attack found decides nothing here."""
        void = any(each["verdict"] == "void" for each in self.attacks)
        unexpected = any(not each.as_expected for each in self.scenarios)
        return not (self.missed or self.false_alarms or unexpected or void)

    def to_json(self, *, measured: bool = True) -> dict[str, Any]:
        """The fields by name."""
        return {
            "benchmark": "border",
            "seed": self.seed,
            "mode": self.mode,
            "passed": self.passed,
            "seeded": self.seeded,
            "detected": self.detected,
            "missed": list(self.missed),
            "declared_limits": list(self.declared_limits),
            "clean_runs": self.clean_runs,
            "false_alarms": self.false_alarms,
            "alarms": list(self.alarms),
            "mutations": [dict(each) for each in self.mutations],
            "scenarios": {each.id: each.to_json(measured=measured) for each in self.scenarios},
            "attacks": [dict(each) for each in self.attacks],
            "not_legal_advice": True,
        }
