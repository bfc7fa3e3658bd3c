"""``tls`` of an upstream: how the carrier proves who it is, and how we do."""

from pathlib import Path

import attrs
from attrs import field

from luckgw.config import rules
from luckgw.config.lines import KeyPath
from luckgw.config.rules import Invalid, must


def _pem(what: str, mark: str) -> rules.Rule:
    """A file in PEM form that holds ``what``."""

    def rule(name: Path | None) -> str | None:
        if name is None:
            return None
        try:
            text = name.read_text("ascii")
        except UnicodeDecodeError:
            return f"{name} is not PEM: it must hold {what} as text"
        except (OSError, ValueError) as error:
            return f"{name} can not be read: {getattr(error, 'strerror', error)}"
        if mark not in text:
            return f"{name} holds no {what} in PEM form"
        if "ENCRYPTED" in text:
            return f"{name} is encrypted; luckgw has nobody to ask for its pass phrase"
        return None

    return rule


_certificates = _pem("certificate", "-----BEGIN CERTIFICATE-----")
_private_key = _pem("private key", "PRIVATE KEY-----")


@attrs.frozen
class Tls:
    """``tls`` of an upstream; ``tls = true`` is one with nothing given."""

    verify: bool = True
    """Whether the carrier's certificate is looked at. Without that, anybody on the way
    can read the password and every message: ``luckgw check`` warns of it."""
    ca: Path | None = field(
        default=None, validator=must(_certificates), metadata={"beside": True}
    )
    """PEM file with the certificates of those we trust to name the carrier, instead of
    those that the system trusts."""
    name: str = field(default="", validator=must(rules.host_or_nothing))
    """Whose certificate it must be, and what we ask for (SNI); empty: the host of
    ``endpoint``."""
    certificate: Path | None = field(
        default=None, validator=must(_certificates), metadata={"beside": True}
    )
    """PEM file with our own certificate, for carriers that ask for one; those that
    lead from it to its CA may follow."""
    key: Path | None = field(
        default=None, validator=must(_private_key), metadata={"beside": True}
    )
    """PEM file with the private key of ``certificate``."""

    def __attrs_post_init__(self) -> None:
        """An option that would be ignored is refused."""
        faults: list[tuple[KeyPath, str]] = []
        if (self.certificate is None) is not (self.key is None):
            given = "key" if self.certificate is None else "certificate"
            faults.append(((given,), "certificate and key are needed together"))
        if not self.verify and self.ca is not None:
            faults.append((("ca",), "is not looked at with verify = false"))
        if faults:
            raise Invalid(faults)
