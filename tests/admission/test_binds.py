"""Which binds are let in."""

from ipaddress import ip_network
from typing import Any

import pytest

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.admission.binds import Refused, Visitor, fits, judge
from luckgw.config.model import Access, Account
from luckgw.config.secret import Secret
from luckgw.domain.peer import TlsPeer

MINE = "ab" * 32
OTHER = "cd" * 32
TLS = TlsPeer("TLSv1.3")
HOME = "192.0.2.7"


def known(access: Access | None = None, **settings: Any) -> KnownAccount:
    """An account."""
    account = Account(
        name="acme", password=Secret("x"), access=access or Access(), **settings
    )
    found = Accounts({"acme": account}).by_name("acme")
    assert found is not None
    return found


class TestJudge:
    @pytest.mark.parametrize("kind", ["transmitter", "receiver", "transceiver"])
    def test_an_account_as_it_comes(self, kind: str) -> None:
        """Any address, any kind of bind, with or without TLS."""
        account = known()
        assert judge(account, True, Visitor(HOME, kind)) is account
        assert judge(account, True, Visitor(HOME, kind, TLS)) is account

    @pytest.mark.parametrize(
        ("account", "is_right", "tls", "why"),
        [
            (None, True, None, "unknown system_id"),
            (known(), False, None, "wrong password"),
            (
                known(ips=(ip_network("198.51.100.0/24"),)),
                True,
                None,
                "address not allowed",
            ),
            (known(Access(require_tls=True)), True, None, "not over TLS"),
            *(
                (
                    known(Access(certificates=(f"sha256:{MINE}", "subject:CN=gw"))),
                    True,
                    tls,
                    "no certificate of this account",
                )
                for tls in (
                    None,
                    TLS,
                    TlsPeer("TLSv1.3", OTHER),
                    TlsPeer("TLSv1.3", OTHER, "CN=other"),
                )
            ),
        ],
    )
    def test_who_is_not_who_it_says(
        self,
        account: KnownAccount | None,
        is_right: bool,
        tls: TlsPeer | None,
        why: str,
    ) -> None:
        """One answer, 0x0E, whatever of it is wrong; and it counts as a guess."""
        found = judge(account, is_right, Visitor(HOME, "receiver", tls))
        assert found == Refused(0x0E, why)  # type: ignore[arg-type]
        assert isinstance(found, Refused)
        assert found.is_wrong

    @pytest.mark.parametrize(
        "certificate",
        [
            f"sha256:{MINE}",
            f"sha256:{MINE.upper()}",
            "sha256:" + ":".join([MINE[:2]] * 32),
            "subject:CN=gw1,O=Acme",
        ],
    )
    def test_its_own_certificate(self, certificate: str) -> None:
        """By the fingerprint in any form that openssl writes, or by the name."""
        account = known(Access(certificates=(f"sha256:{OTHER}", certificate)))
        tls = TlsPeer("TLSv1.3", MINE, "CN=gw1,O=Acme")
        assert judge(account, True, Visitor(HOME, "receiver", tls)) is account

    def test_a_name_that_nobody_vouches_for(self) -> None:
        """A subject that no authority has signed is no name at all."""
        account = known(Access(certificates=("subject:CN=gw1",)))
        found = judge(account, True, Visitor(HOME, "receiver", TlsPeer("v", MINE)))
        assert isinstance(found, Refused)

    @pytest.mark.parametrize(
        "account",
        [known(enabled=False), known(Access(binds=("transmitter", "transceiver")))],
    )
    def test_who_is_known_and_may_not(self, account: KnownAccount) -> None:
        """Switched off, or a kind of bind that is not allowed: 0x0D, and no guess; a
        wrong password is still told before.
        """
        found = judge(account, True, Visitor(HOME, "receiver"))
        assert isinstance(found, Refused)
        assert (found.status, found.is_wrong) == (0x0D, False)
        found = judge(account, False, Visitor(HOME, "receiver"))
        assert isinstance(found, Refused)
        assert found.status == 0x0E


class TestAddresses:
    @pytest.mark.parametrize(
        ("ips", "host", "allowed"),
        [
            ("192.0.2.0/24", "192.0.2.7", True),
            ("192.0.2.0/24", "::ffff:192.0.2.7", True),
            ("192.0.2.0/24", "192.0.3.7", False),
            ("192.0.2.0/24", "::192.0.2.7", False),
            ("::ffff:192.0.2.0/120", "192.0.2.7", True),
            ("::ffff:192.0.2.0/120", "::ffff:192.0.2.7", True),
            ("::ffff:192.0.2.0/120", "192.0.3.7", False),
            ("2001:db8::/32", "2001:db8::1", True),
            ("fe80::/10", "fe80::1%eth0", True),
            ("0.0.0.0/0", "2001:db8::1", False),
            ("::/0", "192.0.2.7", False),
            ("0.0.0.0/0", "UNIXAddress(None)", False),
            ("0.0.0.0/0", "", False),
            ("0.0.0.0/0", "192.0.2.7 ", False),
        ],
    )
    def test_a_list_fails_closed(self, ips: str, host: str, allowed: bool) -> None:
        """What is not in it, or is no address, is out."""
        assert known(ips=(ip_network(ips),)).allows_address(host) is allowed


class TestFits:
    @pytest.mark.parametrize(
        ("bound", "kind", "max_binds", "max_tx", "max_rx", "fit"),
        [
            ("", "transceiver", 1, 1, 1, True),
            ("TRX", "transceiver", 1, 9, 9, False),
            ("TRX TX RX", "receiver", 4, 9, 9, True),
            ("TRX TX", "transmitter", 9, 2, 9, False),
            ("TRX TX", "transceiver", 9, 2, 9, False),
            ("TRX TX", "receiver", 9, 2, 2, True),
            ("TRX RX", "receiver", 9, 9, 2, False),
            ("TRX RX", "transceiver", 9, 9, 2, False),
            ("TRX RX", "transmitter", 9, 2, 2, True),
            ("", "receiver", 9, 9, 0, False),
            ("", "transmitter", 9, 0, 9, False),
            # those that are there from before a limit was lowered
            ("TX TX TX", "receiver", 9, 2, 2, True),
            ("TX TX TX", "transmitter", 9, 2, 2, False),
        ],
    )
    def test_the_limits(
        self, bound: str, kind: str, max_binds: int, max_tx: int, max_rx: int, fit: bool
    ) -> None:
        """All sessions, those that send, those that receive; a transceiver is both."""
        names = {"TRX": "transceiver", "TX": "transmitter", "RX": "receiver"}
        account = known(Access(max_tx=max_tx, max_rx=max_rx), max_binds=max_binds)
        assert fits(account, kind, [names[each] for each in bound.split()]) is fit
