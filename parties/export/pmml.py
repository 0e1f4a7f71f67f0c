"""A scorecard as PMML 4.4 (Data Mining Group): the Scorecard element, with reason codes by points lost.

`initialScore` is the base, `baselineScore` of a Characteristic the points of its best bin, and
`reasonCodeAlgorithm="pointsBelow"` ranks characteristics by the baseline less the partial score. The order
of a Characteristic's Attributes is that of our cases, and in both the first that holds decides.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from crypto.version import installed_version
from federation.errors import UsageError
from parties.export.card import Case, Characteristic, PointsCard

NAMESPACE = "http://www.dmg.org/PMML-4_4"
#: Kind of cells -> optype and dataType of their field.
_TYPES = {
    "numbers": ("continuous", "double"),
    "codes": ("categorical", "double"),
    "levels": ("categorical", "string"),
}
#: What XML 1.0 has no way to write.
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def pmml(card: PointsCard, reasons: int) -> str:
    """The document. `reasons`: how many reason codes are put out beside the score.

    `UsageError` where a column's name or a level holds a character that XML lacks.
    """
    for each in card.characteristics:
        _check_writable(each)
    root = ET.Element("PMML", {"version": "4.4", "xmlns": NAMESPACE})
    header = ET.SubElement(root, "Header", {"description": f"Scorecard of run {card.run}, {card.model_hash}"})
    ET.SubElement(header, "Application", {"name": "Isthmus", "version": installed_version()})
    fields = list(zip(card.names(), card.characteristics, strict=True))
    _dictionary(root, fields)
    scorecard = ET.SubElement(
        root,
        "Scorecard",
        {
            "modelName": card.run,
            "functionName": "regression",
            "initialScore": card.decimal(card.base),
            "useReasonCodes": "true",
            "reasonCodeAlgorithm": "pointsBelow",
            "baselineMethod": "max",
        },
    )
    schema = ET.SubElement(scorecard, "MiningSchema")
    for name, _ in fields:
        ET.SubElement(schema, "MiningField", {"name": name, "invalidValueTreatment": "asIs"})
    ET.SubElement(schema, "MiningField", {"name": "score", "usageType": "target"})
    _output(scorecard, min(reasons, len(fields)))
    characteristics = ET.SubElement(scorecard, "Characteristics")
    for name, each in fields:
        _characteristic(characteristics, card, name, each)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _check_writable(characteristic: Characteristic) -> None:
    texts = [characteristic.column, *(level for case in characteristic.cases for level in case.levels)]
    if any(map(_NOT_XML.search, texts)):
        raise UsageError(
            "the name of this column, or a level in it, holds a character that XML cannot write",
            party=characteristic.party,
            field=_NOT_XML.sub("?", characteristic.column),
            advice="Export with --as sql or --as json.",
        )


def _dictionary(root: ET.Element, fields: list[tuple[str, Characteristic]]) -> None:
    dictionary = ET.SubElement(root, "DataDictionary", {"numberOfFields": str(len(fields) + 1)})
    for name, each in fields:
        optype, kind = _TYPES[each.kind]
        ET.SubElement(dictionary, "DataField", {"name": name, "optype": optype, "dataType": kind})
    ET.SubElement(dictionary, "DataField", {"name": "score", "optype": "continuous", "dataType": "double"})


def _output(scorecard: ET.Element, reasons: int) -> None:
    output = ET.SubElement(scorecard, "Output")
    ET.SubElement(
        output,
        "OutputField",
        {"name": "total", "optype": "continuous", "dataType": "double", "feature": "predictedValue"},
    )
    for rank in range(1, reasons + 1):
        ET.SubElement(
            output,
            "OutputField",
            {
                "name": f"reason{rank}",
                "optype": "categorical",
                "dataType": "string",
                "feature": "reasonCode",
                "rank": str(rank),
            },
        )


def _characteristic(parent: ET.Element, card: PointsCard, name: str, characteristic: Characteristic) -> None:
    element = ET.SubElement(
        parent,
        "Characteristic",
        {
            "name": f"{name} points",
            "reasonCode": characteristic.code,
            "baselineScore": card.decimal(characteristic.best),
        },
    )
    for case in characteristic.cases:
        partial = card.decimal(characteristic.points[case.bin])
        attribute = ET.SubElement(element, "Attribute", {"partialScore": partial})
        _predicate(attribute, name, case)


def _predicate(parent: ET.Element, field: str, case: Case) -> None:
    if case.rest:
        ET.SubElement(parent, "True")
        return
    if case.missing:
        ET.SubElement(parent, "SimplePredicate", {"field": field, "operator": "isMissing"})
        return
    if values := [repr(code) for code in case.codes] or list(case.levels):
        chosen = ET.SubElement(parent, "SimpleSetPredicate", {"field": field, "booleanOperator": "isIn"})
        array = ET.SubElement(
            chosen, "Array", {"type": "real" if case.codes else "string", "n": str(len(values))}
        )
        array.text = " ".join(values) if case.codes else " ".join(map(_quoted, values))
        return
    bounds = [("greaterOrEqual", case.low), ("lessThan", case.high)]
    said = [(operator, bound) for operator, bound in bounds if bound is not None]
    if len(said) > 1:
        parent = ET.SubElement(parent, "CompoundPredicate", {"booleanOperator": "and"})
    for operator, bound in said:
        ET.SubElement(parent, "SimplePredicate", {"field": field, "operator": operator, "value": repr(bound)})


def _quoted(value: str) -> str:
    """A text in an Array: between quotation marks, those within it after a backslash."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
