"""A party's folder. Nothing in `secret/` ever leaves this machine.

party.toml                 the party's name and its datasets: edited by its owner
secret/identity.key        Ed25519 identity
secret/tls.key             TLS key
secret/supernode.key       Flower SuperNode key
secret/training.key        what its training draws order and noise from, made at the first horizontal round
admission.json             what the coordinator sent back: addresses, authority, its identity
authority.pem, tls.pem     the federation's authority and this party's certificate
pins.json                  fingerprints of other parties that somebody here has compared
rounds/RUN/                plan.json, journal.jsonl, told.jsonl (what ended it, as the others heard), model/,
                           rows.npz, spent.json; at the label party also scores.npz and evaluation.json; of a
                           horizontal round evaluation.json, tested.npz and what another attempt goes on from:
                           state.json, personal.npz, released.json
                           canaries.json, once a round is over: the seed of the rows that were planted in it
ledger/                    log.jsonl, head, checkpoints/, witnessed/: what happened here (`federation.ledger`)
privacy/                   ledger.jsonl, ledger.head: what each run has told of each data set
governance/                DATASET.manifest.toml, edited by the owner; grants/ID.dsse.json and
                           revocations/ID.dsse.json, signed; reasons/ID.txt: why, for people here;
                           spent.jsonl, spent.head: what each has spent
flower/                    the SuperNode's log and state
log/                       node.jsonl: what the node did, without data; node.out: what it printed
node.json, node.lock       what the node does, while it runs
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto.certificates import certificate_request, new_tls_key
from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity
from federation import files
from federation.errors import IdentityRefused, MessageRefused, PlanRefused, UsageError
from federation.flower.keys import new_supernode_key, supernode_public_key
from federation.home import Home
from federation.ids import PartyId, RunId, party_id
from federation.ledger.log import Ledger, origin
from federation.locks import held
from federation.plan import Plan, parse
from federation.roster import Request
from parties import model_folder, pinning
from parties.admission import Admission, check_admission, read_admission

_TEMPLATE = """\
# The party's own configuration. It stays on this machine.
name = "{name}"

# One table for each dataset that a plan may name. Uncomment and fill in:
#
# [datasets.data]
# file = "data.csv"            # .csv, .csv.gz or .parquet, relative to this file; or a folder, or a database:
#                              # docs/sources.md
# key = "uscc"                 # the column by which all parties know a firm
# key_type = "uscc"            # "uscc" checks GB 32100 codes; "text" takes anything
# label = "default_12m"        # only at the party that has the outcomes
# time = "approved_on"         # when the decision was made, if the table says it
# exclude = []                 # columns that are no features
# categorical = []             # numbers that are codes
# units = {{ turnover = "CNY" }}
"""


@dataclass(frozen=True, slots=True)
class PartyHome(Home):
    """A party's folder: what it holds, and the files behind it."""

    # -- making ------------------------------------------------------------------------------------

    @staticmethod
    def create(folder: Path, name: PartyId) -> PartyHome:
        """Make the party's keys and a configuration to fill in. Refuses a folder that holds a party."""
        home = PartyHome.unmade(folder)
        files.write_secret(home.identity_file, Identity.generate().to_pem())
        files.write_secret(home.tls_key_file, new_tls_key())
        files.write_secret(home.supernode_key_file, new_supernode_key())
        if not home.config_file.exists():
            files.write(home.config_file, _TEMPLATE.format(name=name).encode())
        return home

    @staticmethod
    def unmade(folder: Path) -> PartyHome:
        """The folder, checked for what `create` would refuse; nothing is written."""
        home = PartyHome(folder)
        if home.of_coordinator:
            raise _coordinators(folder)
        if home.identity_file.exists():
            raise UsageError(
                "there is a party in this folder already",
                party=home.name(),
                file=str(folder),
                advice="Choose a new folder with --home.",
                code=Code.PARTY_EXISTS,
            )
        return home

    @staticmethod
    def open(folder: Path) -> PartyHome:
        """The party in `folder`, or a `UsageError` that says how to make one."""
        home = PartyHome(folder)
        if home.of_coordinator and not home.of_party:
            raise _coordinators(folder)
        if not home.identity_file.exists():
            raise UsageError(
                "there is no party in this folder",
                file=str(folder),
                advice="Make one with `isthmus party init NAME`, or name its folder with --home.",
                code=Code.NO_PARTY,
            )
        return home

    @property
    def lost_key(self) -> str:
        """The next step where a file of `secret/` is damaged."""
        return (
            f"Restore {self.folder / 'secret'} from a backup. Without one make the party anew: `isthmus "
            "party init NAME` in a new folder, then `isthmus party request` for the coordinator, which first "
            "removes the old one."
        )

    @property
    def lost_certificate(self) -> str:
        """The next step where the admission or a certificate is damaged: it can be accepted again."""
        return (
            "Run `isthmus party accept FILE` again on the admission that the coordinator sent, or ask it for "
            "a new one: it runs `isthmus federation admit REQUEST` again."
        )

    # -- identity and admission --------------------------------------------------------------------

    def name(self) -> PartyId:
        """The party's name, as party.toml says it."""
        advice = (
            f'Write in {self.config_file} who this is (name = "bank", as admitted), or restore it from a '
            "backup."
        )
        with files.intact(self.config_file, advice):
            return party_id(str(self.config().get("name", "")))

    def config(self) -> Mapping[str, Any]:
        """party.toml as a table."""
        try:
            return tomllib.loads(files.read(self.config_file).decode("utf-8"))
        except UnicodeDecodeError:
            raise UsageError(
                "this is not TOML: it holds bytes that are no UTF-8",
                file=str(self.config_file),
                advice=f"Save it as UTF-8 in an editor, or restore {self.config_file} from a backup.",
                code=Code.TOML_MALFORMED,
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise UsageError(
                f"this is not TOML: {error}",
                file=str(self.config_file),
                advice=f"Mend that line, or restore {self.config_file} from a backup; docs/party.md lists "
                "every key.",
                code=Code.TOML_MALFORMED,
            ) from None

    def request(self) -> Request:
        """What the coordinator needs to admit this party: public keys only."""
        return self.request_with(self.tls_key(), self.supernode_public_key())

    def request_with(self, tls_key: bytes, supernode: bytes) -> Request:
        """A request for these keys, signed by the party's identity. supernode: the public half."""
        return Request.make(
            self.name(), self.identity(), certificate_request(tls_key, self.name()), supernode
        )

    def training_secret(self) -> bytes:
        """32 bytes from which this party's training draws its order and its noise; made at the first use."""
        path = self.secret("training.key")
        if not path.exists():
            files.write_secret(path, os.urandom(32))
        return files.read_secret(path)

    def supernode_public_key(self) -> bytes:
        """The public half of its SuperNode key (OpenSSH line)."""
        with files.intact(self.supernode_key_file, self.lost_key):
            return supernode_public_key(files.read_secret(self.supernode_key_file))

    def accept(self, admission: bytes, now: dt.datetime) -> Admission:
        """Take the coordinator's admission file. The caller has compared the coordinator's fingerprint.

        Raises `IdentityRefused` when it is for another party or another federation's coordinator.
        """
        read = self.acceptable(admission, now)
        files.write(self.authority_file, read.authority)
        files.write(self.tls_certificate_file, read.certificate)
        files.write(self.admission_file, admission)
        return read

    def acceptable(self, admission: bytes, now: dt.datetime) -> Admission:
        """An admission file, checked for what `accept` would refuse; nothing is written."""
        read = read_admission(admission)
        if (known := self._known_coordinator()) is not None and known != read.coordinator:
            raise IdentityRefused(
                "this party is a member of another federation, or its coordinator has a new identity",
                party=self.name(),
                file=str(self.admission_file),
                advice="Make another party folder for another federation.",
                code=Code.IDENTITY_CHANGED,
            )
        check_admission(read, self.name(), self.tls_key(), now)
        return read

    def _known_coordinator(self) -> PublicIdentity | None:
        """Of the admission that is kept here; None where there is none, or a damaged one to be replaced."""
        if not self.admission_file.exists():
            return None
        try:
            return self.admission().coordinator
        except (MessageRefused, IdentityRefused, UsageError):
            return None

    def admission(self) -> Admission:
        """What was accepted; `UsageError` with the next step when nothing was."""
        if not self.admission_file.exists():
            raise UsageError(
                "this party is not admitted to a federation yet",
                party=self.name(),
                file=str(self.folder),
                advice="Send the file of `isthmus party request` to the coordinator; then run "
                "`isthmus party accept` on what comes back.",
                code=Code.NOT_ADMITTED_YET,
            )
        with files.intact(self.admission_file, self.lost_certificate):
            return read_admission(files.read(self.admission_file))

    def ledger(self) -> Ledger:
        """The log of what happened here; `LedgerCorrupt` where its file is not what this party wrote.

        Before it is admitted to a federation a party writes it under the federation name `none`.
        """
        federation = self.admission().federation if self.admission_file.exists() else "none"
        return Ledger(self.folder / "ledger", origin(federation, self.name()), self.identity().public)

    # -- pins --------------------------------------------------------------------------------------

    def pins(self) -> dict[str, str]:
        """Party -> fingerprint that somebody here has compared with it."""
        return pinning.pins(self._pins_file)

    def pin(self, party: PartyId, fingerprint: str) -> None:
        """Trust `party` by its fingerprint. A pin is not replaced silently: remove it first."""
        pinning.pin(self._pins_file, party, fingerprint)

    def check_pin(self, party: PartyId, fingerprint: str) -> str:
        """What `pin` refuses; the fingerprint in its normal form."""
        return pinning.check(self._pins_file, party, fingerprint)

    # -- paths -------------------------------------------------------------------------------------

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
        return [run for run in self.runs() if model_folder.is_saved(self.round_folder(run))]

    def plan(self, run: RunId) -> Plan:
        """The plan of a round that is kept here. `UsageError` where it is damaged, or of another version."""
        file = self.round_folder(run) / "plan.json"
        try:
            return parse(files.read(file))
        except PlanRefused:
            raise UsageError(
                "the plan that is kept here is of another version of Isthmus, or was changed since",
                party=self.name(),
                file=str(file),
                advice=f"Look at it with the version that trained it, or restore {file.parent} from a "
                "backup.",
                code=Code.FILE_DAMAGED,
            ) from None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the folder for one node, cleared of what a killed one left; a second one is refused."""
        with held(self.lock_file, "the party node", "isthmus party stop"), files.swept(self.folder):
            yield

    @property
    def _pins_file(self) -> Path:
        return self.folder / "pins.json"


def _coordinators(folder: Path) -> UsageError:
    return UsageError(
        "this is a coordinator's folder, not a party's",
        file=str(folder),
        advice="Name a party's folder with --home: models and data lie there. What the coordinator knows of "
        "rounds is told by `isthmus round list`.",
        code=Code.OTHER_ROLES_FOLDER,
    )
