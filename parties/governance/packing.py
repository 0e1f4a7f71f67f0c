"""A party's evidence pack of one run: what every role's has, and its own grants and revocations."""

from __future__ import annotations

import datetime as dt

from federation import files
from federation.ids import RunId
from federation.ledger import pack
from federation.ledger.collecting import collect
from federation.ledger.lines import attempts, read_entries
from parties.home import PartyHome


def packed(home: PartyHome, run: RunId, now: dt.datetime) -> bytes:
    """The pack of `run` at this party, made at `now`. `UsageError` where there is nothing to show of it.

    It holds the grants that the run stood on, column names included, and no other; whoever gets the pack
    reads them. Nothing of the manifest is in it but its digest.
    """
    federation = home.admission().federation
    return pack.build(collect(home, run, home.name(), federation, now, _documents(home, run)))


def _documents(home: PartyHome, run: RunId) -> dict[str, bytes]:
    log = home.folder / "ledger" / "log.jsonl"
    lines = pack.split(log.read_bytes()) if log.exists() else []
    plans = [attempt.plan for attempt in attempts(read_entries(lines), run)]
    found: dict[str, bytes] = {}
    for entry in plans:
        if entry is None:
            continue
        found["manifest.sha256"] = f"{entry.fields['manifest']}\n".encode("ascii")
        for grant in entry.fields["grants"]:
            for kind in ("grants", "revocations"):
                path = home.folder / "governance" / kind / f"{grant}.dsse.json"
                if path.exists():
                    found[f"{kind}/{path.name}"] = files.read(path)
    return found
