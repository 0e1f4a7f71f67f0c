"""Is what a pack tells of a run true, as far as digests and signatures can show it?

Needs the packs alone: no key, no data, no network. What it shows is that the ledger is the one that the
others co-signed, that what left is what the ledger says, and that each message had a verdict that the policy
gives again. What it does not show is in `NOT_SHOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from crypto.codes import Code
from crypto.errors import IsthmusError
from crypto.identity import normal_fingerprint
from federation.errors import UsageError
from federation.ledger.checks import across, canaries, container, guard, log, outside, rights, witnesses
from federation.ledger.findings import Check, Finding, Happened, Outcome, Report, failed
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading

#: What no check of a pack can show, for those who read a report.
NOT_SHOWN = (
    "that a party told the truth about its own data, and graded each column rightly in its manifest;",
    "that nothing left a party's machine beside this program: the guard log has what the program sent;",
    "that a figure or a text was not hidden inside an encrypted message that was of the right kind and size;",
    "anything after the last co-signed checkpoint, which the role could still rewrite;",
    "that the law is kept: it shows what was agreed and done, and a lawyer judges that.",
)

#: What a check of one pack may trip over where a file says something else than it should.
_CANNOT_BE_READ = (
    IsthmusError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    OverflowError,
)


def verify(packs: Sequence[Pack], trusted: Mapping[str, str] | None = None) -> Report:
    """Check packs of one run. `trusted`: name -> fingerprint that the reader got from that role itself.

    Raises `UsageError` for packs that do not belong together, or a trusted name that is in none of them.
    """
    readings = [Reading(pack) for pack in packs]
    told = {name: normal_fingerprint(text) for name, text in (trusted or {}).items()}
    _check_together(packs)
    _check_names(readings, told)
    checks = [check for reading in readings for check in _of_one(reading, told)]
    return Report(
        packs[0].run,
        packs[0].statement.federation,
        {pack.party: pack.name for pack in packs},
        (*checks, *_of_several(readings)),
    )


def _of_one(reading: Reading, told: Mapping[str, str]) -> Iterator[Check]:
    """All checks of one pack, in the order in which a reader asks."""
    one: tuple[tuple[str, str, Callable[[], Outcome]], ...] = (
        ("signature", "The pack is signed by its maker", lambda: container.signature(reading)),
        ("contents", "Nothing in the pack was changed since", lambda: container.contents(reading)),
        (
            "identities",
            "The keys belong to whom they are said to",
            lambda: container.identities(reading, told),
        ),
        ("entries", "The ledger holds entries of allowed kinds only", lambda: log.entries(reading)),
        ("times", "The ledger's time never goes back", lambda: log.times(reading)),
        ("made", "The ledger ends before the pack was made", lambda: log.made_after(reading)),
        ("order", "The ledger tells the run from plan to end", lambda: log.order(reading)),
        ("checkpoints", "The ledger's states are signed by its owner", lambda: witnesses.signed(reading)),
        ("roots", "The ledger only grew", lambda: witnesses.roots(reading)),
        ("cosigned", "The others co-signed beginning and end", lambda: witnesses.cosigned(reading)),
        ("clocks", "The ledger's times agree with the others'", lambda: witnesses.clocks(reading)),
        ("witnessed", "What it saw of the others' ledgers is signed", lambda: witnesses.witnessed(reading)),
        ("plan", "The plan is the one that was accepted", lambda: rights.plan(reading)),
        ("policy", "The policy is one that Isthmus shipped", lambda: rights.shipped(reading)),
        ("ground", "The guard's rules were settled before", lambda: rights.ground(reading)),
        ("grants", "The owner's grants allowed the run", lambda: rights.grants(reading)),
        ("manifest", "Plan and grants are about one manifest", lambda: rights.manifest(reading)),
        ("guard-chain", "No message is missing from the guard log", lambda: guard.chain(reading)),
        (
            "guard-roots",
            "The guard log is the one in the ledger",
            lambda: guard.readable(reading, guard.roots),
        ),
        (
            "guard-numbers",
            "Each message was counted, in its attempt",
            lambda: guard.readable(reading, guard.numbers),
        ),
        (
            "verdicts",
            "Each message was allowed by the policy",
            lambda: guard.readable(reading, guard.verdicts),
        ),
        ("canaries", "No planted record was found in what left", lambda: canaries.canaries(reading)),
        ("outside", "Witnesses from outside", lambda: outside.outside(reading, told)),
        ("software", "Versions of the software", lambda: container.software(reading)),
    )
    for name, title, run in one:
        yield Check(name, reading.pack.party, title, _outcome(run))


def _of_several(readings: Sequence[Reading]) -> Iterator[Check]:
    several: tuple[tuple[str, str, Callable[[], Outcome]], ...] = (
        ("one-run", "The packs are of one run", lambda: across.one_run(readings)),
        ("forks", "No role showed two ledgers", lambda: across.forks(readings)),
        ("received", "What one role received, another logged", lambda: across.received(readings)),
        ("answered", "Cosignatures are in both ledgers", lambda: across.answered(readings)),
    )
    for name, title, run in several:
        yield Check(name, "", title, _outcome(run))


def _outcome(run: Callable[[], Outcome]) -> Outcome:
    """How a check ends; a file that it cannot read is a failure, never a stack trace."""
    try:
        return run()
    except _CANNOT_BE_READ as error:
        what = error.what if isinstance(error, IsthmusError) else "a file does not say what it should"
        file = error.file if isinstance(error, IsthmusError) and error.file else "the pack"
        return failed(Finding(Happened.NOT_ALLOWED, what, file))


def _check_together(packs: Sequence[Pack]) -> None:
    if not packs:
        raise UsageError(
            "no pack was given", advice="Name one or more packs of a run.", code=Code.NO_EVIDENCE
        )
    first, seen = packs[0], set()
    for pack in packs:
        if (pack.run, pack.statement.federation) != (first.run, first.statement.federation):
            raise UsageError(
                f"this pack is of the run {pack.run} of {pack.statement.federation}, and {first.name} of "
                f"{first.run} of {first.statement.federation}",
                file=pack.name,
                advice="Verify the packs of one run together, and each run by itself.",
            )
        if pack.party in seen:
            raise UsageError(
                f"there are two packs of {pack.party}",
                file=pack.name,
                advice="Give one pack of each role. Two that differ: verify each with the others' by itself.",
            )
        seen.add(pack.party)


def _check_names(readings: Sequence[Reading], told: Mapping[str, str]) -> None:
    """A misspelt name would leave a member's key uncompared."""
    try:
        names = {name for reading in readings for name in reading.members}
    except IsthmusError:  # A check says so.
        return
    names |= {file.removesuffix(".json") for each in readings for file in each.pack.under("cosignatures")}
    for name in sorted(set(told) - names):
        raise UsageError(
            f"no pack names {name}, whose fingerprint was given",
            field="--trust",
            advice=f"These packs name {', '.join(sorted(names))}.",
        )
