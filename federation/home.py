"""What the coordinator's folder and a party's have in common: where keys, certificates and rounds lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crypto.certificates import certificate_name, check_key
from crypto.identity import Identity
from federation import files
from federation.ids import RunId


@dataclass(frozen=True, slots=True)
class Home:
    """Paths and the files behind them. Nothing is cached: what is changed there takes effect at once."""

    folder: Path

    @property
    def of_coordinator(self) -> bool:
        """Whether a federation was made in this folder: it is its coordinator's, and no party's."""
        return self.settings_file.exists()

    @property
    def of_party(self) -> bool:
        """Whether a party was made in this folder."""
        return self.config_file.exists()

    def identity(self) -> Identity:
        """The owner's long-term identity; `UsageError` when its key file is missing or damaged, or others can
        read it."""
        with files.intact(self.identity_file, self.lost_key):
            return Identity.from_pem(files.read_secret(self.identity_file))

    def tls_key(self) -> bytes:
        """The key of `tls_certificate` (PEM); `UsageError` as `identity` raises."""
        with files.intact(self.tls_key_file, self.lost_key):
            check_key(key := files.read_secret(self.tls_key_file))
        return key

    def tls_certificate(self) -> bytes:
        """This role's certificate (PEM); an `IsthmusError` names the file where it is missing or damaged."""
        return self._certificate(self.tls_certificate_file)

    def authority(self) -> bytes:
        """The certificate of the federation's authority (PEM); errors as of `tls_certificate`."""
        return self._certificate(self.authority_file)

    def _certificate(self, path: Path) -> bytes:
        with files.intact(path, self.lost_certificate):
            certificate_name(pem := files.read(path, self.lost_certificate))
        return pem

    @property
    def lost_key(self) -> str:
        """The next step where a file of `secret/` is damaged."""
        return "Restore the folder secret/ from a backup."

    @property
    def lost_certificate(self) -> str:
        """The next step where a certificate is damaged."""
        return "Restore it from a backup."

    def round_folder(self, run: RunId) -> Path:
        """Where this role keeps what it has of `run`."""
        return self.folder / "rounds" / run

    def runs(self) -> list[RunId]:
        """All rounds, oldest first (a run's name starts with its time)."""
        return sorted(RunId(path.name) for path in (self.folder / "rounds").glob("*") if path.is_dir())

    @property
    def identity_file(self) -> Path:
        """The Ed25519 identity's key."""
        return self.secret("identity.key")

    @property
    def settings_file(self) -> Path:
        """A coordinator's: the federation's name and addresses."""
        return self.folder / "federation.json"

    @property
    def config_file(self) -> Path:
        """A party's: what its owner edits."""
        return self.folder / "party.toml"

    @property
    def tls_key_file(self) -> Path:
        """The key of `tls_certificate_file`."""
        return self.secret("tls.key")

    @property
    def tls_certificate_file(self) -> Path:
        """This role's certificate, issued by the federation's authority."""
        return self.folder / "tls.pem"

    @property
    def authority_file(self) -> Path:
        """The certificate of the federation's authority."""
        return self.folder / "authority.pem"

    @property
    def log_file(self) -> Path:
        """What its service did, as JSON lines without data: `federation.serving.eventlog`."""
        return self.folder / "log" / "node.jsonl"

    @property
    def output_file(self) -> Path:
        """What its service printed since it was last started in the background."""
        return self.folder / "log" / "node.out"

    @property
    def flower_folder(self) -> Path:
        """What belongs to Flower's processes."""
        return self.folder / "flower"

    def secret(self, name: str) -> Path:
        """A key file: mode 0600 in a folder of mode 0700; it never leaves this machine."""
        return self.folder / "secret" / name
