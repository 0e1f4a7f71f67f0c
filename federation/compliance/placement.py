"""Where aggregator and keys may sit, before anything is sent; what refuses the rest; what is nearest to it.

The label holder is where its labels are. Every place of a party is tried for the aggregator and for the keys
that open updates, and the rules that hang on places are asked about each. A placement that one of `REFUSING`
fails is refused: moving something is the way out, not a paper. What papers can mend is told beside it.
Source: Credit Reporting Regulation article 24, GBA standard contract, 28 CFR part 202, EDPB Rec. 01/2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.facts import Case, Flow, Party
from federation.compliance.judging import judge
from federation.compliance.verdicts import Language, Ruling, Told, Verdict
from federation.governance.terms import Form

#: Controls that a placement must not fail.
REFUSING = ("CN-CREDIT", "CN-IMPORTANT", "GBA-SC", "US-DSP", "T-KEY-LOC", "T-KEY-THRESH")
#: Controls that hang on places too, and that a mechanism in the grant or a statement meets.
MENDABLE = (
    *("CN-VOL", "CN-MECH", "CN-CIIO", "EU-TRANSFER", "EU-TIA", "EU-DATAACT32", "UK-DPT", "SG-TLO"),
    *("MY-S129", "HK-RMC", "BR-TRANSFER", "US-COVERED"),
)
#: One party's own updates: who holds the key opens those that it is sent.
_UPDATES = {Form.ENCRYPTED_UPDATE, Form.MASKED_UPDATE}


class Spot(NamedTuple):
    """A jurisdiction, and an area inside it where the parties say one (`facts.Party.place`)."""

    jurisdiction: str
    area: str = ""

    def __str__(self) -> str:
        return self.area or self.jurisdiction


@dataclass(frozen=True, slots=True)
class Placement:
    """One way to place a run. `aggregator`: None where there is none; `keys`: where keys open something.

    moves: how many of the two are elsewhere than asked. refused: rulings of `REFUSING` that fail. needs:
    rulings of `MENDABLE` that do not pass. inward: nothing that can be opened leaves the labels' places.
    """

    aggregator: Spot | None
    keys: tuple[Spot, ...]
    moves: int
    refused: tuple[Ruling, ...]
    needs: tuple[Ruling, ...]
    inward: bool

    @property
    def allowed(self) -> bool:
        """Whether no rule about places refuses it."""
        return not self.refused

    @property
    def controls(self) -> tuple[str, ...]:
        """The controls that refuse it."""
        return tuple(dict.fromkeys(ruling.control for ruling in self.refused))

    def told(self) -> Told:
        """Where everything would be."""
        keys_en, keys_zh = ", ".join(map(str, self.keys)), "、".join(map(str, self.keys))
        if self.aggregator is None:
            return Told(f"keys in {keys_en or 'no place'}", f"密钥位于 {keys_zh or '（无）'}")
        en, zh = f"aggregator in {self.aggregator}", f"聚合方位于 {self.aggregator}"
        return Told(f"{en}, keys in {keys_en}", f"{zh}，密钥位于 {keys_zh}") if self.keys else Told(en, zh)

    def to_json(self) -> dict[str, Any]:
        """The placement as one object."""
        return {
            "aggregator": None if self.aggregator is None else str(self.aggregator),
            "keys": [str(spot) for spot in self.keys],
            "moves": self.moves,
            "allowed": self.allowed,
            "inward": self.inward,
            "refused": [ruling.to_json() for ruling in self.refused],
            "needs": [ruling.to_json() for ruling in self.needs],
        }


@dataclass(frozen=True, slots=True)
class Placements:
    """What was asked, and every placement that was tried: fewest moves first.

    labels: where the label holders are; nothing moves them.
    """

    labels: tuple[Spot, ...]
    asked: Placement
    tried: tuple[Placement, ...]

    @property
    def allowed(self) -> tuple[Placement, ...]:
        """Those that no rule refuses."""
        return tuple(each for each in self.tried if each.allowed)

    @property
    def refused(self) -> tuple[Placement, ...]:
        """Those that some rule refuses."""
        return tuple(each for each in self.tried if not each.allowed)

    @property
    def nearest(self) -> Placement | None:
        """The allowed one with the fewest moves, and of these the one that needs the least; None: there is
        no lawful placement."""
        return min(self.allowed, key=_cost, default=None)

    @property
    def always(self) -> tuple[str, ...]:
        """The controls that refuse every placement: nothing that could be moved would help."""
        return tuple(
            control
            for control in self.asked.controls
            if all(control in placement.controls for placement in self.tried)
        )

    def told(self) -> Told:
        """The answer in one paragraph."""
        where = self.asked.told()
        if self.asked.allowed:
            return Told(
                f"As asked ({where.en}) no rule refuses it.", f"按计划安排（{where.zh}），没有规则禁止。"
            )
        first = self.asked.refused[0]
        en = f"As asked ({where.en}) {first.control} refuses it: {first.told.en}"
        zh = f"按计划安排（{where.zh}），{first.control} 禁止：{first.told.zh}"
        if self.nearest is None:
            rules = ", ".join(self.always or self.asked.controls)
            return Told(
                f"{en} No placement of aggregator and keys is lawful ({rules}).",
                f"{zh} 聚合方与密钥无论置于何处均不合法（{rules}）。",
            )
        there = self.nearest.told()
        inward_en, inward_zh = "", ""
        if self.nearest.inward and self.labels:
            inward_en = (
                " Parties elsewhere send encrypted results inward, and can open nothing that they get."
            )
            inward_zh = "其他地方的参与方只向内发送加密结果，且无法打开所收到的内容。"
        return Told(
            f"{en} Nearest lawful placement: {there.en}.{inward_en}",
            f"{zh} 最近的合法安排：{there.zh}。{inward_zh}",
        )

    def lines(self, language: Language) -> list[str]:
        """For people to read: the answer, then each placement with what refuses it or what it still needs."""
        marks = {"en": ("may", "refused", "needs"), "zh": ("可行", "禁止", "尚需")}[language]
        found = [self.told().to_json()[language], ""]
        for each in self.tried:
            found.append(f"{marks[0] if each.allowed else marks[1]:8}  {each.told().to_json()[language]}")
            found += [f"    {ruling.control}: {ruling.told.to_json()[language]}" for ruling in each.refused]
            if each.allowed and each.needs:
                controls = dict.fromkeys(ruling.control for ruling in each.needs)
                found.append(f"    {marks[2]}: {', '.join(controls)}")
        return found

    def to_json(self) -> dict[str, Any]:
        """All of it as one object."""
        return {
            "placements": "isthmus.placements/v1",
            "labels": [str(spot) for spot in self.labels],
            "told": self.told().to_json(),
            "asked": self.asked.to_json(),
            "nearest": None if self.nearest is None else self.nearest.to_json(),
            "always_refused_by": list(self.always),
            "tried": [each.to_json() for each in self.tried],
        }


def place(case: Case, rules: Catalogue | None = None) -> Placements:
    """Every placement of a plan's aggregator and keys, judged by the rules that hang on places.

    Evidence of a run says nothing of another placement, so a case of a run is taken as its plan.
    """
    rules = _placing(catalogue() if rules is None else rules)
    plan = case.model_copy(update={"stage": "plan", "checks": {}})
    asked = _judged(plan, plan, rules)
    tried = {(asked.aggregator, asked.keys): asked}
    for moved in _moved(plan):
        found = _judged(moved, plan, rules)
        tried.setdefault((found.aggregator, found.keys), found)
    ordered = sorted(tried.values(), key=lambda each: (each.moves, str(each.aggregator), each.keys))
    labels = {_spot(party) for party in plan.of_seat("label").values()}
    return Placements(tuple(sorted(labels)), asked, tuple(ordered))


def _placing(rules: Catalogue) -> Catalogue:
    """The rules that hang on places alone."""
    wanted = {*REFUSING, *MENDABLE}
    return Catalogue(
        tuple(
            pack.model_copy(update={"controls": tuple(each for each in pack.controls if each.id in wanted)})
            for pack in rules.packs
        ),
        rules.bases,
    )


def _judged(case: Case, asked: Case, rules: Catalogue) -> Placement:
    rulings = judge(case, rules).rulings["R1"]
    aggregator, keys = _aggregator(case), _keys(case)
    open_ended = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return Placement(
        aggregator,
        keys,
        (aggregator != _aggregator(asked)) + (keys != _keys(asked)),
        tuple(each for each in rulings if each.control in REFUSING and each.verdict is Verdict.FAIL),
        tuple(each for each in rulings if each.control in MENDABLE and each.verdict not in open_ended),
        _inward(case),
    )


def _moved(case: Case) -> Iterator[Case]:
    """The case with the aggregator and the keys at every place of a party that works in the run."""
    spots = sorted({_spot(party) for party in case.parties.values() if party.seat != "witness"})
    for aggregator in spots if case.of_seat("aggregator") else [None]:
        there = case if aggregator is None else _with_aggregator(case, aggregator)
        yield there
        if _keys(case):
            for keys in spots:
                holder = _holder(there, keys)
                if holder is not None:
                    yield _with_key(there, holder)


def _with_aggregator(case: Case, spot: Spot) -> Case:
    """The aggregators hosted at a spot, and of the standing that the party there has."""
    hosts = [party for party in case.parties.values() if _spot(party) == spot and party.seat != "aggregator"]
    standing = {"us_covered_person": hosts[0].us_covered_person} if hosts else {}
    place_of = {"jurisdiction": spot.jurisdiction, "place": spot.area, **standing}
    moved = {
        name: party.model_copy(update=place_of) if party.seat == "aggregator" else party
        for name, party in case.parties.items()
    }
    return case.model_copy(update={"parties": moved})


def _holder(case: Case, spot: Spot) -> str | None:
    """Who would hold the key at a spot: whoever has labels there, else who aggregates, else anybody."""
    order = ("label", "member", "aggregator", "feature")
    there = [
        (order.index(party.seat), name)
        for name, party in case.parties.items()
        if _spot(party) == spot and party.seat in order
    ]
    return min(there)[1] if there else None


def _with_key(case: Case, holder: str) -> Case:
    """One party holds the key, and opens the updates that it is sent."""
    parties = {
        name: party.model_copy(update={"opens": name == holder}) for name, party in case.parties.items()
    }
    flows = tuple(_opened_by(flow, holder) for flow in case.flows)
    return case.model_copy(update={"parties": parties, "flows": flows})


def _opened_by(flow: Flow, holder: str) -> Flow:
    if not set(flow.forms) & _UPDATES:
        return flow
    return flow.model_copy(update={"opened": flow.receiver == holder})


def _inward(case: Case) -> bool:
    """Whether nothing that its receiver can open goes to a place without a label holder."""
    labels = {party.jurisdiction for party in case.of_seat("label").values()}
    return all(
        case.parties[flow.receiver].jurisdiction in labels for flow in case.flows if flow.opened and flow.of
    )


def _aggregator(case: Case) -> Spot | None:
    found: Sequence[Party] = list(case.of_seat("aggregator").values())
    return _spot(found[0]) if found else None


def _keys(case: Case) -> tuple[Spot, ...]:
    return tuple(sorted({_spot(party) for party in case.parties.values() if party.opens}))


def _spot(party: Party) -> Spot:
    return Spot(party.jurisdiction, party.place)


def _cost(placement: Placement) -> tuple[int, int, int, str]:
    failing = sum(ruling.verdict is Verdict.FAIL for ruling in placement.needs)
    return placement.moves, failing, len(placement.needs), str(placement.told().en)
