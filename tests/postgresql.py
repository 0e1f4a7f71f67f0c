"""A real PostgreSQL server for tests: in a temporary folder, on the loopback interface, gone when they are.

PostgreSQL does not run as root; where the tests do, the server runs as `postgres`, which Debian's package
makes.
"""

from __future__ import annotations

import datetime as dt
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from crypto.certificates import new_tls_key, self_signed_loopback

#: The newest first. Debian keeps the server's own programs out of PATH.
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)


def absent() -> str | None:
    """Why there can be no server here; None where there can."""
    if not _BINARIES and shutil.which("initdb") is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """A server on 127.0.0.1 and 127.0.0.2. `password`: of the user `owner`, who may do everything.

    `certificate`: of its TLS, which vouches for itself, as 127.0.0.1 and localhost.
    """

    folder: Path
    port: int
    password: str

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    def url(self, user: str = "reader", host: str = "127.0.0.1", database: str = "postgres") -> str:
        return f"postgresql://{user}@{host}:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        """Each statement, as the owner."""
        with self.connect() as session:
            for statement in statements:
                session.execute(statement)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="owner",
            password=self.password,
            dbname="postgres",
            autocommit=True,
        )

    def control(self, *arguments: str) -> None:
        """pg_ctl, waited for."""
        data = ("-D", str(self.folder / "data"))
        _run("pg_ctl", *arguments, *data, "-w", "-t", "120", "-s", "-l", str(self.folder / "log"))


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-pg-", dir="/tmp"))  # A socket's path must be short.
    made = Server(folder, _free_port(), secrets.token_hex(12))
    try:
        secret, key = folder / "secret", folder / "server.key"
        secret.write_text(made.password)
        pem = new_tls_key()
        key.write_bytes(pem)
        key.chmod(0o600)
        made.certificate.write_bytes(self_signed_loopback(pem, dt.datetime.now(dt.UTC)))
        _give(folder)
        auth = ("--auth=scram-sha-256", f"--pwfile={secret}", "--username=owner")
        _run("initdb", "-D", str(folder / "data"), *auth, "--no-sync", "--encoding=UTF8", "--locale=C")
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1,127.0.0.2'\nport = {made.port}\n"
                f"unix_socket_directories = '{folder}'\n"
                f"ssl = on\nssl_cert_file = '{made.certificate}'\nssl_key_file = '{key}'\n"
                "fsync = off\nshared_buffers = 16MB\nmax_connections = 20\n"
            )
        made.control("start")
        yield made
    finally:
        with suppress(subprocess.CalledProcessError):
            made.control("stop", "-m", "immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    binary = str(_BINARIES[0].with_name(program)) if _BINARIES else program
    user: dict[str, Any] = (
        {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    )
    # The server outlives pg_ctl: it must not hold this process's pipes open.
    subprocess.run(
        [binary, *arguments], check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **user
    )


def _give(folder: Path) -> None:
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port
