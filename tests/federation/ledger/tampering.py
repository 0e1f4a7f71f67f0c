"""What can be done to a pack: by whoever carries it, and by the insider who made it and signs it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from hypothesis import strategies as st

from crypto.merkle import Tree, leaf_hash
from federation import files
from federation.ledger import archive
from federation.ledger import pack as packs
from federation.ledger.pack import Pack
from tests.federation.ledger import world
from tests.federation.ledger.world import World, contents, joined, noted

Draw = Callable[[st.SearchStrategy], int]  # type: ignore[type-arg]
Files = dict[str, bytes]


def carried(pack: Pack, changed: Files) -> Pack:
    """The pack with other files under the old signature, packed again as a pack is."""
    return packs.parse(
        archive.archived({**changed, archive.STATEMENT: pack.files[archive.STATEMENT]}), pack.name
    )


def moved(lines: list[bytes], draw: Draw, last: int) -> tuple[list[bytes], int]:
    """Lines with one dropped, told twice, or exchanged with its neighbour; the first that is wrong."""
    index = draw(st.integers(0, last))
    how = draw(st.sampled_from(("drop", "twice", "exchange")))
    if how == "drop" or index + 1 == len(lines):
        return lines[:index] + lines[index + 1 :], index
    if how == "twice":
        return [*lines[: index + 1], lines[index], *lines[index + 1 :]], index + 1
    return [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]], index


def rewritten(lines: list[bytes], draw: Draw, last: int) -> tuple[list[bytes], int]:
    """Lines one of which says something else in an allowed form: another digest, number, name or time."""
    index = draw(st.integers(0, last))
    fields = json.loads(lines[index])
    name = draw(st.sampled_from(sorted(set(fields) - {"kind"})))
    fields[name] = _other(fields[name], name, draw)
    return [*lines[:index], files.canonical_json(fields), *lines[index + 1 :]], index


def _other(value: object, name: str, draw: Draw) -> object:
    if name == "at":
        day = draw(st.integers(1, 26))
        return f"2026-11-{day:02}T{str(value)[11:]}"
    if isinstance(value, int):
        return value + draw(st.integers(1, 1000))
    if isinstance(value, list):
        return [*value, "other-grant"]
    if isinstance(value, str) and len(value) == 64:
        return hashlib.sha256(f"{value}{draw(st.integers(0, 9))}".encode()).hexdigest()
    return f"{value}x"


def with_log(made: World, name: str, lines: list[bytes], cosigners: tuple[str, ...] = ()) -> Files:
    """The role's files with another ledger: each checkpoint is made anew, co-signed by these only."""
    role = made.roles[name]
    found = {file: data for file, data in made.files(name).items() if not file.startswith("checkpoints/")}
    for size in role.notes:
        at = int(made.now.timestamp()) - 300
        end = min(size, len(lines))
        found[f"checkpoints/{end}.note"] = noted(role, lines, end, cosigners, at).encode()
    return {**found, "log.jsonl": joined(lines)}


def under_old_notes(made: World, name: str, lines: list[bytes]) -> Files:
    """The role's files with another ledger, beside the checkpoints that the others co-signed."""
    return {**made.files(name), "log.jsonl": joined(lines)}


def with_guard(made: World, name: str, frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Ledger and guard log after the guard log was changed and all that is computed from it made anew."""
    chained: list[bytes] = []
    for number, line in enumerate(frames):
        fields = {**json.loads(line), "number": number}
        fields.pop("previous")
        previous = hashlib.sha256(chained[-1]).hexdigest() if chained else bytes(32).hex()
        chained.append(world.frame(previous, **fields))
    tree, lines = Tree(map(leaf_hash, chained)), []
    for line in made.roles[name].lines:
        fields = json.loads(line)
        if "lines" in fields:
            whole = fields["kind"] == "close"
            fields["lines"] = len(chained) if whole else min(fields["lines"], len(chained))
            fields["root"] = tree.root(fields["lines"]).hex()
            if whole:
                fields["bytes"] = sum(json.loads(each)["size"] for each in chained)
        lines.append(files.canonical_json(fields))
    return lines, chained


def changed_guard(made: World, name: str, draw: Draw) -> tuple[list[bytes], int]:
    """The guard log with a message dropped, told twice, moved, or said to be another."""
    frames = made.roles[name].frames
    if draw(st.booleans()):
        return moved(frames, draw, len(frames) - 1)
    index = draw(st.integers(0, len(frames) - 1))
    fields = json.loads(frames[index])
    name = draw(st.sampled_from(("size", "to", "type", "sha256", "form", "purpose")))
    fields[name] = _other(fields[name], name, draw)
    return [*frames[:index], json.dumps(fields).encode(), *frames[index + 1 :]], index


def exchanged(pack: Pack, draw: Draw) -> Files:
    """The pack's files with two of them in each other's place, one gone, or one emptied."""
    found = contents(pack)
    names = sorted(name for name in found if name not in archive.ALWAYS)
    one = draw(st.sampled_from(names))
    how = draw(st.sampled_from(("gone", "empty", "exchange")))
    if how == "gone":
        del found[one]
    elif how == "empty":
        found[one] = b""
    else:
        folder = one.split("/")[0]
        alike = [name for name in names if name != one and (name.startswith(f"{folder}/") == ("/" in one))]
        other = draw(st.sampled_from(alike or [name for name in names if name != one]))
        found[one], found[other] = found[other], found[one]
    return found
