"""The coordinator's folder: the federation's authority, its members, its rounds.

federation.json            name; addresses of gate, exchange and admission desk
authority.pem              the certificate authority's certificate (public)
secret/authority.key       its key
secret/identity.key        the coordinator's Ed25519 identity: signs plans and the roster
secret/tls.key, tls.pem    the aggregator's TLS key and certificate
members/PARTY.json         one file for each admitted party
invitations/               ID.json: whom it invites, until when, its public key; ID.spent: what became of it
ledger/                    log.jsonl, head, checkpoints/, witnessed/: what happened here (`federation.ledger`)
rounds/RUN/                plan.json, status.json and journal.jsonl of each round
flower/                    the SuperLink's database and logs
service.json, service.lock how other commands reach the service, while it runs
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from crypto.certificates import (
    AGGREGATOR_NAME,
    CertificateAuthority,
    certificate_request,
    check_key,
    is_due,
    new_tls_key,
)
from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity
from federation import files
from federation.addresses import Address
from federation.errors import Refusal, UsageError
from federation.home import Home
from federation.ids import AGGREGATOR, PartyId
from federation.ledger.log import Ledger, check_federation, origin
from federation.locks import held
from federation.roster import Member, Request, Roster, decode, encode, signed


@dataclass(frozen=True, slots=True)
class FederationSettings:
    """What every party is told about the federation."""

    name: str
    gate: Address
    exchange: Address
    desk: Address | None = None  # None in folders of before there were invitations

    def to_json(self) -> dict[str, str]:
        """As federation.json and admissions hold it."""
        named = {"gate": self.gate, "exchange": self.exchange, "desk": self.desk}
        return {"name": self.name, **{key: str(value) for key, value in named.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class CoordinatorHome(Home):
    """The federation's folder: what its coordinator holds, and the files behind it."""

    # -- making ------------------------------------------------------------------------------------

    @staticmethod
    def create(folder: Path, settings: FederationSettings, now: dt.datetime) -> CoordinatorHome:
        """Make a new federation: authority, identity, TLS. Refuses a folder that holds one."""
        home = CoordinatorHome.unmade(folder, settings)
        authority = CertificateAuthority.create(settings.name, now)
        tls_key = new_tls_key()
        files.write_secret(home.secret("authority.key"), authority.key_pem)
        files.write_secret(home.identity_file, Identity.generate().to_pem())
        files.write_secret(home.tls_key_file, tls_key)
        files.write(home.authority_file, authority.certificate_pem)
        files.write(
            home.tls_certificate_file,
            authority.issue_aggregator(certificate_request(tls_key, AGGREGATOR_NAME), now),
        )
        files.write_json(home.settings_file, settings.to_json())
        return home

    @staticmethod
    def unmade(folder: Path, settings: FederationSettings) -> CoordinatorHome:
        """The folder, checked for what `create` would refuse; nothing is written."""
        check_federation(settings.name)
        home = CoordinatorHome(folder)
        if home.of_coordinator:
            raise UsageError(
                "there is a federation in this folder already",
                file=str(folder),
                advice="Choose a new folder with --home.",
                code=Code.FEDERATION_EXISTS,
            )
        return home

    @staticmethod
    def open(folder: Path) -> CoordinatorHome:
        """The federation in `folder`, or a `UsageError` that says how to make one."""
        home = CoordinatorHome(folder)
        if home.of_party and not home.of_coordinator:
            raise UsageError(
                "this is a party's folder, not the federation's",
                file=str(folder),
                advice="Name the federation's folder with --home, at its coordinator. "
                "`isthmus party show` tells what this one holds.",
                code=Code.OTHER_ROLES_FOLDER,
            )
        if not home.of_coordinator:
            raise UsageError(
                "there is no federation in this folder",
                file=str(folder),
                advice="Make one with `isthmus federation init`, or name its folder with --home.",
                code=Code.NO_FEDERATION,
            )
        return home

    @property
    def lost_key(self) -> str:
        """The next step where a file of `secret/` is damaged."""
        return (
            f"Restore {self.folder / 'secret'} from a backup. Without one the federation is made anew: "
            "`isthmus federation init NAME` in a new folder, and every party admitted again."
        )

    @property
    def lost_certificate(self) -> str:
        """The next step where a certificate is damaged."""
        return (
            "Restore it from a backup; it holds no secret, and the authority's is authority.pem in every "
            "party's folder."
        )

    # -- reading -----------------------------------------------------------------------------------

    def settings(self) -> FederationSettings:
        """The federation's name and addresses."""
        advice = (
            f"Restore {self.settings_file} from a backup, or write its name, gate and exchange again as they "
            "stand in any party's admission.json."
        )
        fields = files.read_json(self.settings_file, advice)
        with files.intact(self.settings_file, advice):
            return FederationSettings(
                str(fields["name"]),
                Address.parse(str(fields["gate"])),
                Address.parse(str(fields["exchange"])),
                Address.parse(str(fields["desk"])) if "desk" in fields else None,
            )

    def move(self, settings: FederationSettings) -> None:
        """Other addresses from now on. Members learn them when they renew; the name stays."""
        files.write_json(self.settings_file, replace(settings, name=self.settings().name).to_json())

    def ledger(self) -> Ledger:
        """The aggregator's own log; `LedgerCorrupt` where its file is not what this role wrote."""
        whose = origin(self.settings().name, AGGREGATOR)
        return Ledger(self.folder / "ledger", whose, self.identity().public)

    def roster(self) -> Roster:
        """Who is a member now."""
        members = {}
        for path in sorted(self.members_folder.glob("*.json")):
            advice = (
                f"Restore {path} from a backup; or delete it, ask {path.stem} for `isthmus party request` "
                "and admit it again with `isthmus federation admit REQUEST`."
            )
            fields = files.read_json(path, advice)
            with files.intact(path, advice):
                name = PartyId(str(fields["party"]))
                members[name] = Member(
                    name, PublicIdentity(decode(fields["identity"])), decode(fields["supernode"])
                )
        return Roster(self.settings().name, members)

    def admitted_supernodes(self) -> dict[str, bytes]:
        """Party -> its SuperNode's public key, read afresh: what the gate lets through."""
        return {str(name): member.supernode for name, member in self.roster().members.items()}

    # -- admission ---------------------------------------------------------------------------------

    def admit(self, request: Request, now: dt.datetime) -> bytes:
        """Sign the party's certificate, put it on the roster; the admission file's signed JSON bytes.

        The caller has compared `request.identity.fingerprint` with the party. A name that is taken by
        another identity is refused; the same identity may be admitted again (a renewed certificate).
        """
        admission = self.admission_for(request, now)
        member = Member(request.party, request.identity, request.supernode)
        files.write_json(self.members_folder / f"{request.party}.json", member.to_json())
        return admission

    def admission_for(self, request: Request, now: dt.datetime) -> bytes:
        """What `admit` returns, with all that it checks; nobody is admitted by it."""
        known = self.roster().members.get(request.party)
        if known is not None and known.identity != request.identity:
            raise Refusal(
                f"{request.party} is admitted already, with another identity",
                party=request.party,
                advice="Find out who asks. To replace it, first run "
                f"`isthmus federation remove {request.party}`.",
                code=Code.IDENTITY_CHANGED,
            )
        authority = self._certificate_authority()
        certificate = authority.issue_party(request.tls_request, request.party, now)
        told = self.settings().to_json()
        return signed(
            {
                "isthmus_admission": 1,
                "federation": told.pop("name"),
                **told,
                "authority": encode(authority.certificate_pem),
                "certificate": encode(certificate),
                "coordinator": encode(self.identity().public.key),
                "party": request.party,
            },
            "admission file",
            self.identity(),
        )

    def renew_certificate(self, now: dt.datetime) -> bool:
        """Issue the aggregator's own certificate anew where less than a third of its time is left."""
        if not is_due(self.tls_certificate(), now):
            return False
        request = certificate_request(self.tls_key(), AGGREGATOR_NAME)
        files.write(self.tls_certificate_file, self._certificate_authority().issue_aggregator(request, now))
        return True

    def _certificate_authority(self) -> CertificateAuthority:
        key_file = self.secret("authority.key")
        with files.intact(key_file, self.lost_key):
            check_key(key := files.read_secret(key_file))
        return CertificateAuthority(key, self.authority())

    def remove(self, party: PartyId) -> None:
        """Take a party off the roster: the gate and the exchange refuse it from then on."""
        self.member_file(party).unlink()

    def member_file(self, party: PartyId) -> Path:
        """A member's file on the roster. `UsageError` where it is none."""
        path = self.members_folder / f"{party}.json"
        if not path.exists():
            raise UsageError(
                f"{party} is not a member",
                party=party,
                advice="`isthmus federation members` lists them.",
                code=Code.NOT_A_MEMBER,
            )
        return path

    # -- running -----------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the folder for one service, cleared of what a killed one left; a second one is refused."""
        with held(self.lock_file, "the federation", "isthmus federation stop"), files.swept(self.folder):
            yield

    # -- paths -------------------------------------------------------------------------------------

    @property
    def members_folder(self) -> Path:
        """One file for each admitted party."""
        return self.folder / "members"

    @property
    def invitations_folder(self) -> Path:
        """Two files for each invitation."""
        return self.folder / "invitations"

    @property
    def lock_file(self) -> Path:
        """Held by the service that runs here."""
        return self.folder / "service.lock"

    @property
    def service_file(self) -> Path:
        """Written while the service runs: what other commands need to reach it."""
        return self.folder / "service.json"
