"""`isthmus ledger verify` on a judged run: its evidence is checked, and the run is judged again."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import say, tell_error
from crypto.codes import Code
from crypto.errors import IsthmusError, UsageError

if TYPE_CHECKING:
    from federation.compliance.rederiving import Difference, Rederived

#: So many differences are told to people; `--format json` has them all.
_SHOWN = 40


def verify_judged(pack_files: Sequence[Path], trusted: Mapping[str, str], output: str) -> None:
    """Check one judged run and print what it comes to. Ends with 1 where anything differs."""
    from federation.compliance.packing import read
    from federation.compliance.rederiving import rederived

    if len(pack_files) > 1:
        raise UsageError(
            "a judged run holds the packs of all its roles already",
            file=str(pack_files[1]),
            advice="Give it alone. Its packs lie in packs/ in it, for other uses.",
        )
    found = rederived(read(pack_files[0]), trusted)
    say(output, found.to_json(), "\n".join(_told(found)))
    if found.same:
        return
    first = found.differences[0]
    error = IsthmusError(
        f"{_counted(len(found.differences))} from what the file says; the first: {_line(first)}",
        advice=_advice(found),
        code=Code.PACK_REFUSED,
    )
    tell_error(error)
    sys.exit(error.exit_code)


def _told(found: Rederived) -> list[str]:
    evidence = "its evidence was checked" if found.report is not None else "no evidence of a run is in it"
    lines = [f"{found.name} ({found.stage}), packed by {found.by}: {evidence}"]
    if found.by in found.uncompared:
        lines.append(f"Whose file it is, nobody compared: --trust {found.by}='{found.fingerprint}'")
    others = {name: text for name, text in found.uncompared.items() if name != found.by}
    if others:
        lines.append("That these are their keys is the maker's word; ask each role for its own:")
        lines += [f"  --trust {name}='{text}'" for name, text in others.items()]
    lines += [f"  {_line(each)}" for each in found.differences[:_SHOWN]]
    if len(found.differences) > _SHOWN:
        lines.append(f"  and {len(found.differences) - _SHOWN} more: --format json has all")
    if found.same:
        verdicts = ", ".join(f"{reading} {verdict}" for reading, verdict in found.verdicts.items())
        lines.append(
            f"judged again by {len(found.rules)} rule packs: the same {found.rulings} verdicts, to the byte "
            f"({verdicts})"
        )
    if found.ran_on and found.ran_on != found.date:
        lines.append(
            f"Judged as of {found.date}, which is the maker's word; its logs have the run on {found.ran_on}."
            " Rules and papers in force on one of these days need not be on the other."
        )
    lines.append(
        "What the papers tell of data, of days and of persons abroad, what attacks found and what a capture "
        "saw are the maker's word."
    )
    lines.append("It shows what evidence and papers come to by these rules. It is not legal advice.")
    return lines


def _line(each: Difference) -> str:
    place = ", ".join(part for part in (each.control, each.border, each.party, each.reading) if part)
    told = f"{each.where}: {place}: {each.told}" if place else f"{each.where}: {each.told}"
    return f"{told} (stored {each.stored}, here {each.derived})" if each.stored or each.derived else told


def _advice(found: Rederived) -> str:
    if all(each.where in ("rules", "verdict") for each in found.differences) and any(
        each.where == "rules" for each in found.differences
    ):
        return "Verify it with the version of Isthmus that made it; then ask what changed in the rules."
    return "Keep the file as it is, and ask its maker and each role for their own."


def _counted(count: int) -> str:
    return "one difference" if count == 1 else f"{count} differences"
