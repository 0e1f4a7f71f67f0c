"""TLS contexts of this house: version 1.3, certificates of the federation's own authority and of no other."""

from __future__ import annotations

import ssl
from pathlib import Path


def serving(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """For a listener with this certificate, which asks callers for none. PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate_file, key_file)
    return context


def serving_members(
    certificate_file: Path, key_file: Path, authority_file: Path, *, strangers: bool = False
) -> ssl.SSLContext:
    """For a listener that takes certificates of `authority_file` only. strangers: and callers without one."""
    context = serving(certificate_file, key_file)
    context.load_verify_locations(authority_file)
    context.verify_mode = ssl.CERT_OPTIONAL if strangers else ssl.CERT_REQUIRED
    return context


def trusting(authority: Path | bytes) -> ssl.SSLContext:
    """For a client whose only trust root is this, a PEM file or its content; names are checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if isinstance(authority, bytes):
        context.load_verify_locations(cadata=authority.decode("ascii"))
    else:
        context.load_verify_locations(authority)
    return context


def trusting_as(authority: Path | bytes, certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """For a client that shows a certificate of its own."""
    context = trusting(authority)
    context.load_cert_chain(certificate_file, key_file)
    return context
