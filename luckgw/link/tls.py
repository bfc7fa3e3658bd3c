"""TLS for a listener of ours, and what a connection's TLS tells of the peer."""

from pathlib import Path
from typing import Any, Final

import attrs
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL
from twisted.internet.interfaces import IProtocolFactory, ISSLTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from luckgw.config.model import SmppTls
from luckgw.domain.peer import TlsPeer

#: Of TLS 1.2: forward secrecy and authenticated encryption. TLS 1.3 has no others.
_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_OPTIONS: Final = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_CIPHER_SERVER_PREFERENCE
    | SSL.OP_NO_TICKET
    | SSL.OP_NO_RENEGOTIATION
)


class TlsFailure(Exception):
    """TLS can not be done with these files; says which and why."""


class _Verifying(SSL.Context):
    """One that ends the handshake unless our authority has signed the certificate."""


@attrs.define
class _Contexts:
    """What Twisted asks for a context (IOpenSSLContextFactory)."""

    context: SSL.Context

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        """The one there is."""
        return self.context


def tls_factory(settings: SmppTls, factory: IProtocolFactory) -> TLSMemoryBIOFactory:
    """``factory``, for a socket on which TLS is spoken. Raises TlsFailure.

    TLS 1.2 or newer. The peer is asked for a certificate and may have none: whether it
    needs one is decided when it says who it is.
    """
    contexts: Any = _Contexts(_context(settings))
    return TLSMemoryBIOFactory(contexts, False, factory)


def _context(settings: SmppTls) -> SSL.Context:
    has_authority = settings.client_ca is not None
    context = (_Verifying if has_authority else SSL.Context)(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(
        b"luckgw"
    )  # OpenSSL wants one where it asks for certificates
    assert settings.certificate is not None  # noqa: S101 - the model sees to it
    assert settings.private_key is not None  # noqa: S101
    _load("certificate", settings.certificate, context.use_certificate_chain_file)
    _load("private_key", settings.private_key, context.use_privatekey_file)
    _load("private_key", settings.private_key, lambda _: context.check_privatekey())
    if settings.client_ca is None:
        # That the peer holds its certificate's key is proven all the same.
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    else:
        _load("client_ca", settings.client_ca, context.load_verify_locations)
        context.set_verify(SSL.VERIFY_PEER)
    context.set_cipher_list(_CIPHERS)  # last: pyOpenSSL lets nothing change after it
    return context


def _load(key: str, path: Path, load: Any) -> None:
    """Have OpenSSL read one file."""
    try:
        path.read_bytes()  # OpenSSL does not say that there is no such file
        load(str(path))
    except OSError as error:
        raise TlsFailure(f"{key}: {path}: {error.strerror}") from error
    except (SSL.Error, ValueError) as error:
        reasons = error.args[0] if error.args else error
        why = reasons[0][-1] if isinstance(reasons, list) and reasons else reasons
        raise TlsFailure(f"{key}: {path} can not be used: {why}") from error


def tls_of(transport: object) -> TlsPeer | None:
    """The TLS of a connection whose peer has spoken already; None: in the clear."""
    if not ISSLTransport.providedBy(transport):
        return None
    layer: Any = transport
    connection: SSL.Connection = layer.getHandle()
    version = connection.get_protocol_version_name()
    shown = layer.getPeerCertificate()
    if shown is None:
        return TlsPeer(version)
    certificate = shown.to_cryptography()
    is_signed = isinstance(connection.get_context(), _Verifying)
    return TlsPeer(
        version,
        certificate.fingerprint(SHA256()).hex(),
        certificate.subject.rfc4514_string() if is_signed else "",
    )
