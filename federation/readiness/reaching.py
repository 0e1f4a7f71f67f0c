"""Whether a door of the aggregator opens: name, connection, its certificate, then our own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crypto.certificates import AGGREGATOR_NAME
from federation.addresses import Address
from federation.readiness.findings import Finding
from federation.tls import trusting_as

#: For each of the steps.
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Papers:
    """What a party shows, and whom it trusts. PEM files."""

    authority: Path
    certificate: Path
    key: Path

    def context(self, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """For a connection as this party."""
        context = trusting_as(self.authority, self.certificate, self.key)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


def door(name: str, address: Address, papers: Papers, protocols: tuple[str, ...] = ()) -> Iterator[Finding]:
    """One finding about `name` at `address`. protocols: what is said in it (ALPN), for the exchange `h2`."""
    where = f"{name} at {address}"
    try:
        with socket.create_connection((address.bare_host, address.port), SECONDS) as connection:
            connection.settimeout(SECONDS)
            with papers.context(protocols).wrap_socket(
                connection, server_hostname=AGGREGATOR_NAME
            ) as secured:
                yield _greeted(where, secured)
    except ssl.SSLCertVerificationError:
        yield Finding(
            "network",
            "fail",
            f"what answers as {where} is not this federation's aggregator",
            "Ask the coordinator for the right address, then run `isthmus party renew --desk HOST:PORT`. A "
            "proxy on the way that opens TLS must let this address through.",
        )
    except ssl.SSLError as error:
        yield Finding("network", "fail", f"{where} ends the connection ({_word(error)})", _ASK_MEMBERSHIP)
    except socket.gaierror:
        yield Finding(
            "network",
            "fail",
            f"the name of {where} is not known here",
            f"Ask your network's people why {address.host} does not resolve, or the coordinator for another "
            "address.",
        )
    except TimeoutError:
        yield Finding(
            "network",
            "fail",
            f"{where} does not answer within {SECONDS:g} s",
            f"Let connections to {address.host}, TCP port {address.port}, out through your firewall.",
        )
    except OSError as error:
        yield Finding(
            "network",
            "fail",
            f"{where} cannot be reached ({error.strerror or type(error).__name__})",
            "Ask the coordinator whether `isthmus federation start` runs, and whether its firewall lets "
            f"TCP port {address.port} in.",
        )


_ASK_MEMBERSHIP = "Ask the coordinator whether this party is a member: `isthmus federation members`."


def _greeted(where: str, secured: ssl.SSLSocket) -> Finding:
    """In TLS 1.3 a server says no to our certificate only after the handshake: listen a moment."""
    secured.settimeout(0.3)
    try:
        secured.recv(1)
    except (TimeoutError, ssl.SSLWantReadError):
        pass  # It waits for us to speak, as it should.
    except (ssl.SSLError, ConnectionError) as error:
        word = _word(error) if isinstance(error, ssl.SSLError) else "reset"
        return Finding("network", "fail", f"{where} does not take this certificate ({word})", _ASK_MEMBERSHIP)
    return Finding("network", "ok", f"{where} answers, and takes this party's certificate")


def _word(error: ssl.SSLError) -> str:
    return (error.reason or "TLS error").lower().replace("_", " ")


def listening(name: str, address: Address, ours: bool) -> Iterator[Finding]:
    """At the coordinator: whether `address` is answered, and by whom. ours: whether our service runs."""
    where = f"{name} at {address}"
    try:
        socket.create_connection((address.bare_host, address.port), SECONDS).close()
        answers = True
    except OSError:
        answers = False
    if ours and not answers:
        yield Finding(
            "network",
            "fail",
            f"{where} does not answer, though the service runs",
            "Restart the service: `isthmus federation stop`, then `isthmus federation start`.",
        )
    elif answers and not ours:
        yield Finding(
            "network",
            "fail",
            f"another program listens at {address}, where {name} is to be",
            f"Stop what listens at port {address.port}, or give the federation another address with "
            "`isthmus federation move`.",
        )
    else:
        yield Finding("network", "ok", f"{where} answers" if ours else f"{where} is free")
