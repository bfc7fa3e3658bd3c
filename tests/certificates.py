"""Certificates for tests, made while they run: an authority, and what it has signed."""

import datetime
from pathlib import Path
from typing import Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_BEGIN: Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_END: Final = datetime.datetime(2076, 1, 1, tzinfo=datetime.UTC)


@attrs.frozen
class Certificate:
    """A certificate, its key, and a file with both."""

    name: str
    path: Path
    fingerprint: str
    _signed: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(
        cls, directory: Path, name: str, by: "Certificate | None" = None
    ) -> "Certificate":
        """Of this common name, signed by another one or by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        signed = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(by.name) if by is not None else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
            .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), True)
            .sign(by._key if by is not None else key, hashes.SHA256())
        )
        path = directory / f"{name}.pem"
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(secret + signed.public_bytes(pem))
        fingerprint = signed.fingerprint(hashes.SHA256()).hex()
        return cls(name, path, fingerprint, signed, key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
