"""TLS certificates: the federation's own authority, requests made at the parties, what each may do.

Keys are ECDSA P-256 (128-bit security; gRPC's TLS does not take Ed25519 certificates). The coordinator
creates the authority; a party makes its key at home and sends a certificate request only (RFC 2986).

The aggregator is known by the DNS name `aggregator`, wherever it runs: clients check that name and not
its address, so the same files serve one machine and many. A party's certificate is for client
authentication alone and never holds that name, so no party can stand in for the aggregator.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crypto.codes import Code
from crypto.errors import Refusal, UsageError

#: The DNS name in the aggregator's certificate, and the one that every client checks.
AGGREGATOR_NAME = "aggregator"

_AUTHORITY_DAYS = 3650
_LEAF_DAYS = 365


def new_tls_key() -> bytes:
    """A fresh ECDSA P-256 private key as PKCS #8 PEM. It stays in a file of mode 0600."""
    return _pem_of(ec.generate_private_key(ec.SECP256R1()))


def check_key(key_pem: bytes) -> None:
    """Raise `UsageError` unless this is a TLS key."""
    _load_key(key_pem)


def certificate_request(key_pem: bytes, name: str) -> bytes:
    """A PKCS #10 request (PEM) for `name`, signed by the key that it is for."""
    key = _load_key(key_pem)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_named(name))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def self_signed_loopback(key_pem: bytes, now: dt.datetime) -> bytes:
    """A certificate (PEM) for a listener on this machine only: 127.0.0.1, ::1 and localhost.

    It is its own root: only a client that was given this very file trusts it.
    """
    key = _load_key(key_pem)
    builder = _builder(_named("loopback"), _named("loopback"), key.public_key(), now, _LEAF_DAYS)
    return _finish(
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("localhost"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                    x509.IPAddress(ipaddress.ip_address("::1")),
                ]
            ),
            critical=False,
        )
        .add_extension(_usage(sign_certificates=True), critical=True),
        key,
        key.public_key(),
    )


@dataclass(frozen=True, slots=True, repr=False)
class CertificateAuthority:
    """The federation's certificate authority, held by the coordinator."""

    key_pem: bytes
    certificate_pem: bytes

    @staticmethod
    def create(federation: str, now: dt.datetime) -> CertificateAuthority:
        """A new authority for `federation`; its certificate is public, its key is not."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named(f"isthmus {federation}")
        builder = _builder(name, name, key.public_key(), now, _AUTHORITY_DAYS)
        certificate = _finish(
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(
                _usage(sign_certificates=True), critical=True
            ),
            key,
            key.public_key(),
        )
        return CertificateAuthority(_pem_of(key), certificate)

    def __repr__(self) -> str:
        return "CertificateAuthority(...)"

    def issue_aggregator(self, request_pem: bytes, now: dt.datetime) -> bytes:
        """The aggregator's certificate: server and client, for the DNS name `aggregator`."""
        return self._issue(
            request_pem,
            AGGREGATOR_NAME,
            now,
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
            [
                x509.DNSName(AGGREGATOR_NAME),
                x509.DNSName("localhost"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            ],
        )

    def issue_party(self, request_pem: bytes, party: str, now: dt.datetime) -> bytes:
        """A party's certificate: client authentication only, under the name the coordinator admitted.

        Raises `Refusal` when the request asks for another name or is not signed by its own key.
        """
        if party == AGGREGATOR_NAME:
            raise Refusal(
                f"{party!r} is the aggregator's own name",
                advice="Choose another name for the party.",
                code=Code.NAME_RESERVED,
            )
        return self._issue(
            request_pem, party, now, [ExtendedKeyUsageOID.CLIENT_AUTH], [x509.DNSName(f"{party}.party")]
        )

    def _issue(
        self,
        request_pem: bytes,
        name: str,
        now: dt.datetime,
        usages: list[x509.ObjectIdentifier],
        names: list[x509.GeneralName],
    ) -> bytes:
        try:
            request = x509.load_pem_x509_csr(request_pem)
        except ValueError:
            raise Refusal(
                "the certificate request cannot be read",
                advice="Ask the party to run `isthmus party request`.",
                code=Code.REQUEST_MALFORMED,
            ) from None
        if not request.is_signature_valid:
            raise Refusal(
                "the certificate request is not signed by its own key",
                advice="Ask the party to run `isthmus party request` again.",
                code=Code.REQUEST_MALFORMED,
            )
        if _common_name(request.subject) != name:
            raise Refusal(
                f"the certificate request is not for {name!r}",
                advice="Admit the party under the name that it chose in `isthmus party init`.",
                code=Code.REQUEST_MALFORMED,
            )
        public_key = request.public_key()
        if not isinstance(public_key, ec.EllipticCurvePublicKey) or public_key.curve.key_size < 256:
            raise Refusal(
                "the certificate request is not for an elliptic-curve key of at least 256 bits",
                advice="Ask the party to run `isthmus party init` in a new folder.",
                code=Code.REQUEST_MALFORMED,
            )
        key = _load_key(self.key_pem)
        issuer = _load_certificate(self.certificate_pem).subject
        # The subject is ours, never the request's: a second common name in it could be read as another party.
        builder = _builder(_named(name), issuer, public_key, now, _LEAF_DAYS)
        return _finish(
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(_usage(sign_certificates=False), critical=True),
            key,
            key.public_key(),
        )


def certificate_name(certificate_pem: bytes) -> str:
    """The name that a certificate was issued to (its common name). Raises `Refusal` when it is none."""
    return _common_name(_load_certificate(certificate_pem).subject)


def expires(certificate_pem: bytes) -> dt.datetime:
    """The last moment (UTC) at which a certificate is good. Raises `Refusal` when it is none."""
    return _load_certificate(certificate_pem).not_valid_after_utc


def is_due(certificate_pem: bytes, now: dt.datetime) -> bool:
    """Whether less than a third of its time is left, so that it should be renewed."""
    certificate = _load_certificate(certificate_pem)
    whole = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - now < whole / 3


def check_authority(certificate_pem: bytes) -> None:
    """Raise `Refusal` unless this is the certificate of an authority that signed itself."""
    certificate = _load_certificate(certificate_pem)
    try:
        certificate.verify_directly_issued_by(certificate)
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        authority = False
    if not authority:
        raise Refusal(
            "this is no authority's certificate",
            advice="Ask the coordinator for it again.",
            code=Code.CERTIFICATE,
        )


def check_issued_by(certificate_pem: bytes, authority_pem: bytes, now: dt.datetime) -> None:
    """Raise `Refusal` unless `authority_pem` signed the certificate and it is valid at `now` (UTC)."""
    certificate, authority = _load_certificate(certificate_pem), _load_certificate(authority_pem)
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        raise Refusal(
            "the certificate was issued by another federation",
            advice="Ask this federation's coordinator to admit the party again.",
            code=Code.CERTIFICATE_OF_OTHERS,
        ) from None
    if now < certificate.not_valid_before_utc:
        raise Refusal(
            f"the certificate begins on {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            advice="Check this machine's clock.",
            code=Code.CERTIFICATE_NOT_YET,
        )
    if now > certificate.not_valid_after_utc:
        raise Refusal(
            f"the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            advice="Check this machine's clock. If it is right, send the coordinator a new request (`isthmus "
            "party request`); it runs `isthmus federation admit`, and `isthmus party accept` takes it.",
            code=Code.CERTIFICATE_ENDED,
        )


def check_certifies(certificate_pem: bytes, key_pem: bytes) -> None:
    """Raise `Refusal` unless the certificate is for this very key."""
    certified = _load_certificate(certificate_pem).public_key()
    if certified != _load_key(key_pem).public_key():
        raise Refusal(
            "the certificate is for another key than this party's",
            advice="Send the coordinator a new `isthmus party request` and accept what comes back.",
            code=Code.CERTIFICATE_OF_OTHERS,
        )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        # Five minutes of grace: clocks of organisations differ.
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _finish(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePublicKey
) -> bytes:
    return (
        builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _load_certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise Refusal(
            "a certificate cannot be read",
            advice="Ask this federation's coordinator to admit the party again.",
            code=Code.CERTIFICATE,
        ) from None


def _load_key(key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(
            "the TLS key cannot be read", advice="Restore it from its backup.", code=Code.KEY_DAMAGED
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError(
            "the TLS key is not an elliptic-curve key",
            advice="Restore it from its backup.",
            code=Code.KEY_DAMAGED,
        )
    return key


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
