"""TLS towards a carrier: whom we trust, what we ask for, and our own certificate."""

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from luckgw.config.tls import Tls


class TlsError(Exception):
    """A file of ``tls`` can not be used; one sentence for the operator."""


def tls_options(config: Tls, host: str) -> IOpenSSLClientConnectionCreator:
    """How to speak TLS to the carrier at ``host``: SNI, and its name is checked.

    Raises TlsError when a certificate or key can not be used.
    """
    name = config.name or host
    own = _own_certificate(config)
    if not config.verify:
        return _Unverified(CertificateOptions(**own), name)
    trust = platformTrust() if config.ca is None else _trust(config.ca)
    return optionsForClientTLS(name, trust, extraCertificateOptions=own)


def _trust(ca: Path) -> Any:
    return trustRootFromCertificates(
        [Certificate(crypto.X509.from_cryptography(each)) for each in _certificates(ca)]
    )


def _own_certificate(config: Tls) -> dict[str, Any]:
    """What CertificateOptions takes of ours; nothing when there is none."""
    if config.certificate is None or config.key is None:
        return {}
    first, *chain = _certificates(config.certificate)
    try:
        key = load_pem_private_key(config.key.read_bytes(), None)
        options: dict[str, Any] = {
            "privateKey": key,
            "certificate": first,
            "extraCertChain": chain,
        }
        CertificateOptions(**options).getContext()
    except (OSError, TypeError, ValueError, SSL.Error) as error:
        msg = f"{config.key} is not the private key of {config.certificate}"
        raise TlsError(msg) from error
    return options


def _certificates(name: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(name.read_bytes())
    except (OSError, ValueError) as error:
        raise TlsError(f"{name} holds no certificate that can be read") from error


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """TLS to whoever answers, for ``verify = false``: ``luckgw check`` warns of it."""

    def __init__(self, options: CertificateOptions, name: str) -> None:
        self._options = options
        self._name = name

    def clientConnectionForTLS(  # noqa: N802 - Twisted's name
        self,
        tlsProtocol: TLSMemoryBIOProtocol,  # noqa: N803 - Twisted's name
    ) -> SSL.Connection:
        """A connection that asks for the name, and believes any answer."""
        del tlsProtocol
        connection = SSL.Connection(self._options.getContext(), None)
        if not _is_address(self._name):  # RFC 6066 3: only names
            connection.set_tlsext_host_name(self._name.encode("idna"))
        return connection


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()
