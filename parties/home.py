"""A party's folder. Nothing in `secret/` ever leaves this machine.

party.toml                 the party's name and its datasets: edited by its owner
secret/identity.key        Ed25519 identity
secret/tls.key             TLS key
secret/supernode.key       Flower SuperNode key
admission.json             what the coordinator sent back: addresses, authority, its identity
authority.pem, tls.pem     the federation's authority and this party's certificate
pins.json                  fingerprints of other parties that somebody here has compared
rounds/RUN/                plan.json, journal.jsonl, model.json, rows.npz, spent.json; at the label party also
                           scores.npz and evaluation.json
privacy/                   ledger.jsonl, ledger.head: what each run has told of each data set
flower/                    the SuperNode's log and state
node.json, node.lock       what the node does, while it runs
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto.certificates import (
    certificate_name,
    certificate_request,
    check_certifies,
    check_issued_by,
    new_tls_key,
)
from crypto.identity import Identity, PublicIdentity, SignatureRefused, normal_fingerprint
from federation import files
from federation.addresses import Address
from federation.errors import IdentityRefused, UsageError
from federation.flower.keys import new_supernode_key, supernode_public_key
from federation.home import Home
from federation.ids import PartyId, RunId, party_id
from federation.locks import held
from federation.roster import Request, check_signed, decode, expect

_TEMPLATE = """\
# The party's own configuration. It stays on this machine.
name = "{name}"

# One table for each dataset that a plan may name. Uncomment and fill in:
#
# [datasets.data]
# file = "data.csv"            # .csv, .csv.gz or .parquet, relative to this file
# key = "uscc"                 # the column by which all parties know a firm
# key_type = "uscc"            # "uscc" checks GB 32100 codes; "text" takes anything
# label = "default_12m"        # only at the party that has the outcomes
# exclude = []                 # columns that are no features
# categorical = []             # numbers that are codes
# units = {{ turnover = "CNY" }}
"""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the coordinator's admission file says, once this party has accepted it."""

    federation: str
    gate: Address
    exchange: Address
    coordinator: PublicIdentity


@dataclass(frozen=True, slots=True)
class PartyHome(Home):
    """A party's folder: what it holds, and the files behind it."""

    # -- making ------------------------------------------------------------------------------------

    @staticmethod
    def create(folder: Path, name: PartyId) -> PartyHome:
        """Make the party's keys and a configuration to fill in. Refuses a folder that holds a party."""
        home = PartyHome(folder)
        if home.identity_file.exists():
            raise UsageError(
                "there is a party in this folder already",
                party=home.name(),
                file=str(folder),
                advice="Choose a new folder with --home.",
            )
        files.write_secret(home.identity_file, Identity.generate().to_pem())
        files.write_secret(home.tls_key_file, new_tls_key())
        files.write_secret(home.supernode_key_file, new_supernode_key())
        if not home.config_file.exists():
            files.write(home.config_file, _TEMPLATE.format(name=name).encode())
        return home

    @staticmethod
    def open(folder: Path) -> PartyHome:
        """The party in `folder`, or a `UsageError` that says how to make one."""
        home = PartyHome(folder)
        if not home.identity_file.exists():
            raise UsageError(
                "there is no party in this folder",
                file=str(folder),
                advice="Make one with `isthmus party init NAME`, or name its folder with --home.",
            )
        return home

    # -- identity and admission --------------------------------------------------------------------

    def name(self) -> PartyId:
        """The party's name, as party.toml says it."""
        return party_id(str(self.config().get("name", "")))

    def config(self) -> Mapping[str, Any]:
        """party.toml as a table."""
        try:
            return tomllib.loads(files.read(self.config_file).decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(
                f"this is not TOML: {error}", file=str(self.config_file), advice="Mend that line."
            ) from None

    def request(self) -> Request:
        """What the coordinator needs to admit this party: public keys only."""
        return Request.make(
            self.name(),
            self.identity(),
            certificate_request(files.read_secret(self.tls_key_file), self.name()),
            self.supernode_public_key(),
        )

    def supernode_public_key(self) -> bytes:
        """The public half of its SuperNode key (OpenSSH line)."""
        return supernode_public_key(files.read_secret(self.supernode_key_file))

    def accept(self, admission: bytes, now: dt.datetime) -> Admission:
        """Take the coordinator's admission file. The caller has compared the coordinator's fingerprint.

        Raises `IdentityRefused` when it is for another party or another federation's coordinator.
        """
        read = read_admission(admission)
        fields = json.loads(admission)
        name = self.name()
        certificate, authority = decode(fields["certificate"]), decode(fields["authority"])
        if fields["party"] != name or certificate_name(certificate) != name:
            raise IdentityRefused(
                f"this admission is for {fields['party']}",
                party=name,
                advice="Ask the coordinator for this party's own admission file.",
            )
        if self.admission_file.exists() and self.admission().coordinator != read.coordinator:
            raise IdentityRefused(
                "this party is a member of another federation, or its coordinator has a new identity",
                party=name,
                file=str(self.admission_file),
                advice="Make another party folder for another federation.",
            )
        check_issued_by(certificate, authority, now)
        check_certifies(certificate, files.read_secret(self.tls_key_file))
        files.write(self.authority_file, authority)
        files.write(self.tls_certificate_file, certificate)
        files.write(self.admission_file, admission)
        return read

    def admission(self) -> Admission:
        """What was accepted; `UsageError` with the next step when nothing was."""
        if not self.admission_file.exists():
            raise UsageError(
                "this party is not admitted to a federation yet",
                party=self.name(),
                file=str(self.folder),
                advice="Send the file of `isthmus party request` to the coordinator; then run "
                "`isthmus party accept` on what comes back.",
            )
        return read_admission(files.read(self.admission_file))

    # -- pins --------------------------------------------------------------------------------------

    def pins(self) -> dict[str, str]:
        """Party -> fingerprint that somebody here has compared with it."""
        if not self._pins_file.exists():
            return {}
        return {str(name): str(value) for name, value in files.read_json(self._pins_file).items()}

    def pin(self, party: PartyId, fingerprint: str) -> None:
        """Trust `party` by its fingerprint. A pin is not replaced silently: remove it first."""
        normal = normal_fingerprint(fingerprint)
        pins = self.pins()
        if pins.get(party, normal) != normal:
            raise IdentityRefused(
                f"{party} is pinned to another fingerprint",
                party=party,
                file=str(self._pins_file),
                advice=f"Ask {party} why its identity changed; only then delete its line there.",
            )
        files.write_json(self._pins_file, {**pins, party: normal})

    # -- paths -------------------------------------------------------------------------------------

    @property
    def config_file(self) -> Path:
        """What its owner edits."""
        return self.folder / "party.toml"

    @property
    def admission_file(self) -> Path:
        """What the coordinator sent back, once it was accepted."""
        return self.folder / "admission.json"

    @property
    def supernode_key_file(self) -> Path:
        """The key by which the SuperLink knows this party's SuperNode."""
        return self.secret("supernode.key")

    @property
    def lock_file(self) -> Path:
        """Held by the node that runs here."""
        return self.folder / "node.lock"

    @property
    def node_file(self) -> Path:
        """Written while the node runs, for `isthmus party status`."""
        return self.folder / "node.json"

    def models(self) -> list[RunId]:
        """The rounds of which this party holds a part of the model, oldest first."""
        return [run for run in self.runs() if (self.round_folder(run) / "model.json").exists()]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the folder for one node; a second one is refused."""
        with held(self.lock_file, "the party node", "isthmus party stop"):
            yield

    @property
    def _pins_file(self) -> Path:
        return self.folder / "pins.json"


def read_admission(data: bytes) -> Admission:
    """Parse an admission file; `MessageRefused` when it is none.

    All of it is signed by the coordinator that it names, whose fingerprint people compare: otherwise whoever
    carries the file could put another authority and other addresses beside the right fingerprint. Raises
    `IdentityRefused` when it is not.
    """
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    fields = expect(
        value,
        "isthmus_admission",
        *("federation", "gate", "exchange", "authority", "certificate", "coordinator", "party"),
    )
    coordinator = PublicIdentity(decode(fields["coordinator"]))
    try:
        check_signed(fields, "admission file", coordinator)
    except SignatureRefused:
        raise IdentityRefused(
            "the admission is not what the coordinator signed: it was changed on its way",
            advice="Do not accept it. Ask the coordinator to admit the party again.",
        ) from None
    return Admission(
        str(fields["federation"]),
        Address.parse(str(fields["gate"])),
        Address.parse(str(fields["exchange"])),
        coordinator,
    )
