"""PMML scorecards evaluated from the standard's text alone: nothing of the product's code is used here."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from decimal import Decimal

_NS = "{http://www.dmg.org/PMML-4_4}"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


def _array(element: ET.Element) -> list[str]:
    found = [
        re.sub(r"\\(.)", r"\1", quoted) if quoted or not bare else bare
        for quoted, bare in _QUOTED.findall(element.text or "")
    ]
    assert len(found) == int(element.get("n", "-1"))
    return found


def _holds(predicate: ET.Element, row: Mapping[str, object]) -> bool | None:
    """True, False, or None for UNKNOWN: what a comparison with a missing value is."""
    kind = predicate.tag.removeprefix(_NS)
    if kind == "True":
        return True
    if kind == "CompoundPredicate":
        assert predicate.get("booleanOperator") == "and"
        inner = [_holds(each, row) for each in predicate]
        return False if False in inner else None if None in inner else True
    value, operator = row[predicate.attrib["field"]], predicate.get("operator")
    if operator == "isMissing":
        return value is None
    if value is None:
        return None
    if kind == "SimpleSetPredicate":
        assert predicate.get("booleanOperator") == "isIn"
        (array,) = predicate
        return value in (
            [float(each) for each in _array(array)] if array.get("type") == "real" else _array(array)
        )
    bound = float(predicate.attrib["value"])
    assert isinstance(value, float)
    return value >= bound if operator == "greaterOrEqual" else value < bound


def evaluate(document: str, row: Mapping[str, object]) -> tuple[Decimal, list[str]]:
    """The score, and the reason codes by points below the baseline, the most first, ties in their order."""
    card = ET.fromstring(document.encode()).find(f"{_NS}Scorecard")
    assert card is not None
    total, lost = Decimal(card.attrib["initialScore"]), []
    for characteristic in card.iter(f"{_NS}Characteristic"):
        attribute = next(each for each in characteristic if _holds(each[0], row))
        partial = Decimal(attribute.attrib["partialScore"])
        total += partial
        lost.append(
            (partial - Decimal(characteristic.attrib["baselineScore"]), characteristic.attrib["reasonCode"])
        )
    return total, [code for _, code in sorted(lost, key=lambda each: each[0])]


#: Element -> its attributes, those required in capitals, and its children in order, after pmml-4-4.xsd.
SHAPES: dict[str, tuple[set[str], set[str], str]] = {
    "PMML": ({"version"}, set(), "Header DataDictionary Scorecard"),
    "Header": (set(), {"description", "copyright"}, "Application"),
    "Application": ({"name"}, {"version"}, ""),
    "DataDictionary": (set(), {"numberOfFields"}, "DataField+"),
    "DataField": ({"name", "optype", "dataType"}, set(), ""),
    "Scorecard": (
        {"functionName"},
        {"modelName", "initialScore", "useReasonCodes", "reasonCodeAlgorithm", "baselineMethod"},
        "MiningSchema Output Characteristics",
    ),
    "MiningSchema": (set(), set(), "MiningField+"),
    "MiningField": ({"name"}, {"usageType", "invalidValueTreatment"}, ""),
    "Output": (set(), set(), "OutputField+"),
    "OutputField": ({"name", "dataType"}, {"optype", "feature", "rank"}, ""),
    "Characteristics": (set(), set(), "Characteristic+"),
    "Characteristic": (set(), {"name", "reasonCode", "baselineScore"}, "Attribute+"),
    "Attribute": (set(), {"reasonCode", "partialScore"}, "PREDICATE"),
    "SimplePredicate": ({"field", "operator"}, {"value"}, ""),
    "CompoundPredicate": ({"booleanOperator"}, set(), "SimplePredicate+"),
    "SimpleSetPredicate": ({"field", "booleanOperator"}, set(), "Array"),
    "Array": ({"type"}, {"n"}, ""),
    "True": (set(), set(), ""),
}
_PREDICATES = ("SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True")


def check_shape(element: ET.Element) -> None:
    """Fail where an element, its attributes or the order of its children are not the schema's."""
    name = element.tag.removeprefix(_NS)
    assert element.tag == _NS + name
    required, allowed, children = SHAPES[name]
    assert required <= set(element.attrib) <= required | allowed, name
    inner = [each.tag.removeprefix(_NS) for each in element]
    inner = ["PREDICATE" if name == "Attribute" and each in _PREDICATES else each for each in inner]
    if children.endswith("+"):
        assert inner and set(inner) == {children[:-1]}, name
    else:
        assert inner == children.split(), name
    for each in element:
        check_shape(each)
