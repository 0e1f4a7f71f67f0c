"""What each certificate may do, and whose it is."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crypto.certificates import (
    AGGREGATOR_NAME,
    CertificateAuthority,
    certificate_name,
    certificate_request,
    check_issued_by,
    new_tls_key,
    self_signed_loopback,
)
from crypto.errors import Refusal, UsageError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create("sme", NOW)


def issued(authority: CertificateAuthority, name: str = "bank") -> bytes:
    return authority.issue_party(certificate_request(new_tls_key(), name), name, NOW)


def names_in(pem: bytes) -> list[str]:
    extension = x509.load_pem_x509_certificate(pem).extensions
    names = extension.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_a_partys_certificate_is_for_a_client_and_never_holds_the_aggregators_name(
    authority: CertificateAuthority,
) -> None:
    pem = issued(authority)
    extensions = x509.load_pem_x509_certificate(pem).extensions
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert names_in(pem) == ["bank.party"]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert certificate_name(pem) == "bank"


def test_no_party_gets_a_certificate_in_the_aggregators_name(authority: CertificateAuthority) -> None:
    request = certificate_request(new_tls_key(), AGGREGATOR_NAME)
    with pytest.raises(Refusal, match="own name"):
        authority.issue_party(request, AGGREGATOR_NAME, NOW)
    with pytest.raises(Refusal, match="not for"):
        authority.issue_party(request, "bank", NOW)
    assert AGGREGATOR_NAME in names_in(authority.issue_aggregator(request, NOW))


def test_names_that_a_request_asks_for_beside_its_own_are_not_granted(
    authority: CertificateAuthority,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank")]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(AGGREGATOR_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = authority.issue_party(request.public_bytes(serialization.Encoding.PEM), "bank", NOW)
    assert names_in(pem) == ["bank.party"]
    constraints = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.BasicConstraints
    )
    assert not constraints.value.ca


def test_a_request_signed_by_another_key_is_refused(authority: CertificateAuthority) -> None:
    request = certificate_request(new_tls_key(), "bank")
    der = bytearray(x509.load_pem_x509_csr(request).public_bytes(serialization.Encoding.DER))
    der[der.index(b"bank")] ^= 1  # "cank": another name under the old signature.
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(Refusal, match="not signed by its own key"):
        authority.issue_party(forged, "cank", NOW)


def test_a_request_for_another_kind_of_key_is_refused(authority: CertificateAuthority) -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    with pytest.raises(Refusal, match="elliptic-curve"):
        authority.issue_party(request.public_bytes(serialization.Encoding.PEM), "bank", NOW)


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
def test_what_is_no_request_or_certificate_is_refused(authority: CertificateAuthority, junk: bytes) -> None:
    for use in (
        lambda: authority.issue_party(junk, "bank", NOW),
        lambda: certificate_name(junk),
        lambda: check_issued_by(junk, authority.certificate_pem, NOW),
        lambda: check_issued_by(authority.certificate_pem, junk, NOW),
    ):
        with pytest.raises(Refusal, match="cannot be read"):
            use()


def test_a_certificate_of_another_federation_is_refused_even_of_the_same_name(
    authority: CertificateAuthority,
) -> None:
    pem = issued(authority)
    check_issued_by(pem, authority.certificate_pem, NOW)
    twin = CertificateAuthority.create("sme", NOW)
    with pytest.raises(Refusal, match="another federation"):
        check_issued_by(pem, twin.certificate_pem, NOW)


def test_a_party_cannot_issue_certificates(authority: CertificateAuthority) -> None:
    key = new_tls_key()
    bank = authority.issue_party(certificate_request(key, "bank"), "bank", NOW)
    below = CertificateAuthority(key, bank)
    forged = below.issue_aggregator(certificate_request(new_tls_key(), AGGREGATOR_NAME), NOW)
    with pytest.raises(Refusal):
        check_issued_by(forged, authority.certificate_pem, NOW)


def test_a_certificate_is_good_for_a_year_and_for_clocks_five_minutes_apart(
    authority: CertificateAuthority,
) -> None:
    pem = issued(authority)
    for when in (NOW - dt.timedelta(minutes=5), NOW, NOW + dt.timedelta(days=365)):
        check_issued_by(pem, authority.certificate_pem, when)
    for when, told in (
        (NOW - dt.timedelta(minutes=6), "begins on"),
        (NOW + dt.timedelta(days=366), "ended on"),
    ):
        with pytest.raises(Refusal, match=f"the certificate {told} 202"):
            check_issued_by(pem, authority.certificate_pem, when)


def test_a_loopback_certificate_names_this_machine_only() -> None:
    pem = self_signed_loopback(new_tls_key(), NOW)
    assert names_in(pem) == ["localhost", "127.0.0.1", "::1"]


def test_the_authoritys_key_is_not_shown(authority: CertificateAuthority) -> None:
    assert repr(authority) == "CertificateAuthority(...)"


def test_another_kind_of_key_is_refused_for_tls() -> None:
    pem = rsa.generate_private_key(65537, 1024).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(UsageError, match="elliptic-curve"):
        certificate_request(pem, "bank")
