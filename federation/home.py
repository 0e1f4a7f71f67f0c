"""What the coordinator's folder and a party's have in common: where keys, certificates and rounds lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crypto.identity import Identity
from federation import files
from federation.ids import RunId


@dataclass(frozen=True, slots=True)
class Home:
    """Paths and the files behind them. Nothing is cached: what is changed there takes effect at once."""

    folder: Path

    def identity(self) -> Identity:
        """The owner's long-term identity; `UsageError` when its key file is missing or others can read it."""
        return Identity.from_pem(files.read_secret(self.identity_file))

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
    def flower_folder(self) -> Path:
        """What belongs to Flower's processes."""
        return self.folder / "flower"

    def secret(self, name: str) -> Path:
        """A key file: mode 0600 in a folder of mode 0700; it never leaves this machine."""
        return self.folder / "secret" / name
