"""Whether a manifest fits the table that it describes: what is missing, what is said otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from federation.governance.manifest import FieldFacts, Manifest
from federation.governance.terms import Personal
from parties.governance.inspect.grading import propose, told
from parties.governance.inspect.looking import ColumnFacts, Inspection

#: The share by which the number of rows may differ from what the manifest says.
_ROWS = 0.1


def misfits(manifest: Manifest, seen: Inspection) -> Iterator[str]:
    """What does not fit, one sentence each; none where the manifest fits."""
    columns = {facts.name: facts for facts in seen.columns}
    for name in columns:
        if name not in manifest.fields:
            yield f"column {name} is not in the manifest: nothing of it may be used"
    for name in manifest.fields:
        if name not in columns and name not in seen.config.exclude:
            yield f"fields.{name}: the table has no such column"
    yield from _sizes(manifest, seen)
    for name, facts in columns.items():
        if name in manifest.fields:
            yield from _field(name, manifest.fields[name], facts, manifest, seen)


def _sizes(manifest: Manifest, seen: Inspection) -> Iterator[str]:
    table = manifest.table
    if abs(table.rows - seen.rows) > _ROWS * max(table.rows, seen.rows):
        yield f"table.rows: the manifest says {table.rows}, the table has {seen.rows}"
    if seen.rows < table.min_cohort:
        yield f"table.min_cohort: the table has fewer rows than {table.min_cohort}, so no figure can be told"
    if table.key != seen.config.key and seen.config.party:
        yield f"table.key: the manifest says {table.key}, party.toml says {seen.config.key}"


def _field(
    name: str, said: FieldFacts, facts: ColumnFacts, manifest: Manifest, seen: Inspection
) -> Iterator[str]:
    if said.type != facts.type and not _read_as(said, facts):
        yield f"fields.{name}.type: the manifest says {said.type}, the table has {facts.type}"
    proposed = propose(facts, seen.config, manifest.party.kind)
    order = list(Personal)
    if order.index(said.personal) < order.index(proposed.personal):
        why = told(facts.found[0]) if facts.found else proposed.reasons[0]
        yield f'fields.{name}.personal: the manifest says "{said.personal.value}", but {why}'


def _read_as(said: FieldFacts, facts: ColumnFacts) -> bool:
    """Two readings of one column: few texts are levels, numbers may be codes, two levels are a flag."""
    alike = ({"category", "text"}, {"category", "flag"}, {"number", "category"}, {"number", "flag"})
    return {said.type, facts.type} in alike or facts.filled == 0
