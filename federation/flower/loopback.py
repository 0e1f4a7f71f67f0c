"""TLS between the processes of one role: a certificate for loopback that only they trust.

Another user of the machine can open loopback's ports as well. The certificate keeps such a user from
standing in for a SuperLink, a SuperNode or a tunnel that happens to be down.
"""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path

from crypto.certificates import new_tls_key, self_signed_loopback
from federation.files import write_private
from federation.tls import serving


@dataclass(frozen=True, slots=True)
class LoopbackTls:
    """Where a role's loopback certificate (its own root) and key lie, as PEM files of mode 0600."""

    certificate_file: Path
    key_file: Path

    @staticmethod
    def create(folder: Path, now: dt.datetime) -> LoopbackTls:
        """A new key and certificate in `folder`, valid for a year from `now` (UTC)."""
        files = LoopbackTls(folder / "loopback.crt", folder / "loopback.key")
        key = new_tls_key()
        write_private(files.key_file, key)
        write_private(files.certificate_file, self_signed_loopback(key, now))
        return files

    def server_context(self) -> ssl.SSLContext:
        """For a listener with this certificate."""
        return serving(self.certificate_file, self.key_file)
