"""The accounts that may enter, compiled from the configuration."""

import ipaddress
from collections.abc import Iterable, Mapping

from luckgw.admission.passwords import (
    PasswordCheck,
    RightPasswords,
    VerifyHash,
    verify_argon2,
)
from luckgw.admission.senders import Senders
from luckgw.config.model import Account
from luckgw.config.rules import Network
from luckgw.domain.peer import TlsPeer


class KnownAccount:
    """One account and what is asked about it for every bind and every message."""

    __slots__ = (
        "_certificates",
        "_networks",
        "name",
        "password",
        "senders",
        "settings",
        "validity_ms",
    )

    def __init__(self, settings: Account, password: PasswordCheck) -> None:
        self.name = settings.name
        self.settings = settings
        """As configured."""
        self.senders = Senders(settings.senders)
        self.validity_ms = settings.validity_s * 1000
        """Of a message that does not say how long it is valid."""
        self.password = password
        self._networks = _as_ipv4(settings.ips)
        self._certificates = {
            _certificate(text) for text in settings.access.certificates
        }

    def allows_address(self, host: str) -> bool:
        """Whether its ESMEs may connect from this IP address.

        What is not an IP address is allowed only where any address is.
        """
        if not self._networks:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped  # an IPv4 peer of a dual-stack socket
        return any(address in network for network in self._networks)

    def allows_certificate(self, tls: TlsPeer | None) -> bool:
        """Whether the peer has shown one of the account's certificates."""
        if tls is None or not tls.fingerprint:
            return False
        if f"sha256:{tls.fingerprint}" in self._certificates:
            return True
        return bool(tls.subject) and f"subject:{tls.subject}" in self._certificates


def _as_ipv4(networks: Iterable[Network]) -> list[Network]:
    """IPv4 networks that are written as IPv6 ones, in their own form."""
    return [
        ipaddress.ip_network(
            (network.network_address.ipv4_mapped, network.prefixlen - 96)
        )
        if isinstance(network, ipaddress.IPv6Network)
        and network.network_address.ipv4_mapped is not None
        and network.prefixlen >= 96  # noqa: PLR2004 - the prefix of all mapped ones
        else network
        for network in networks
    ]


def _certificate(text: str) -> str:
    """A certificate's name in the one form in which it is compared."""
    kind, _, value = text.partition(":")
    return f"{kind}:{value.replace(':', '').lower()}" if kind == "sha256" else text


class Accounts:
    """All accounts, to be found by name or by system_id."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        verify_hash: VerifyHash = verify_argon2,
    ) -> None:
        hashes = [
            account.password.reveal()
            for account in accounts.values()
            if account.password is not None and account.password.is_hash
        ]
        stand_in = hashes[0] if hashes else None
        self.password_check_is_slow = bool(hashes)
        """Whether ``verify_password`` takes tens of milliseconds: use a thread."""
        self._nobody = PasswordCheck(None, stand_in, verify_hash)
        self.right_passwords = RightPasswords()
        """Of accounts whose password is a hash: what need not be hashed again."""
        known = [
            KnownAccount(
                account, PasswordCheck(account.password, stand_in, verify_hash)
            )
            for account in accounts.values()
        ]
        self._by_name = {account.name: account for account in known}
        self._by_system_id = {
            account.settings.system_id.encode(): account for account in known
        }

    def by_name(self, name: str) -> KnownAccount | None:
        """The account of this name."""
        return self._by_name.get(name)

    def by_system_id(self, system_id: bytes) -> KnownAccount | None:
        """The account whose ESMEs bind with this system_id."""
        return self._by_system_id.get(system_id)

    def verify_password(self, account: KnownAccount | None, given: bytes) -> bool:
        """Whether this is the account's SMPP password.

        Asked for an unknown system_id, too (with None): it takes as long as for one
        that is known, so that ids can not be listed (spec/reliability 2.3, bind_*).
        Touches nothing that changes, so it may run in a thread.
        """
        check = self._nobody if account is None else account.password
        return check.accepts(given)
