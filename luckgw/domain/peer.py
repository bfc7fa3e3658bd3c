"""What is known of the TLS under a peer's connection."""

import attrs


@attrs.frozen
class TlsPeer:
    """One connection's TLS, once its handshake is done."""

    version: str
    """``TLSv1.3`` ..."""
    fingerprint: str = ""
    """SHA-256 of the certificate that the peer showed, in lower-case hexadecimal;
    empty when it showed none. That it holds the certificate's key is proven."""
    subject: str = ""
    """Of the same certificate (RFC 4514), but only when an authority that we trust has
    signed it: anybody can write any name into a certificate of his own."""
