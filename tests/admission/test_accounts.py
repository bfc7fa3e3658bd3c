"""Accounts are found, and their passwords and addresses judged."""

import pytest
from argon2 import PasswordHasher

from luckgw.admission.accounts import Accounts
from luckgw.admission.passwords import RightPasswords
from luckgw.config.model import Account
from luckgw.config.rules import Network
from luckgw.config.secret import Secret
from luckgw.config.structure import _networks

HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("hunter2")
PLAIN = Account(name="plain", system_id="p1", password=Secret("secret"))
HASHED = Account(name="hashed", password=Secret(HASH, "argon2"))
HTTP_ONLY = Account(name="http")


def accounts(*of: Account) -> Accounts:
    """Accounts by their names, as the configuration has them."""
    return Accounts({account.name: account for account in of})


class TestLookUp:
    def test_by_name(self) -> None:
        """The name in the files."""
        found = accounts(PLAIN, HASHED).by_name("plain")
        assert found is not None
        assert (found.name, found.settings) == ("plain", PLAIN)
        assert accounts(PLAIN).by_name("p1") is None

    def test_by_system_id(self) -> None:
        """The octets of a bind, none of which breaks anything."""
        known = accounts(PLAIN, HASHED)
        found = known.by_system_id(b"p1")
        assert found is not None
        assert found.name == "plain"
        for unknown in (b"plain", b"", b"P1", b"\xff\xfe"):
            assert known.by_system_id(unknown) is None

    def test_what_is_asked_for_each_message_is_ready(self) -> None:
        """Senders and validity in the units in which they are used."""
        found = accounts(Account(name="a", senders=("A",), validity_s=60)).by_name("a")
        assert found is not None
        assert found.validity_ms == 60_000
        assert found.senders.approves("A")


class TestPasswords:
    @pytest.mark.parametrize(
        ("account", "given", "accepted"),
        [
            (PLAIN, b"secret", True),
            (PLAIN, b"secre", False),
            (PLAIN, b"secretx", False),
            (PLAIN, b"SECRET", False),
            (PLAIN, b"", False),
            (PLAIN, b"\xff\xfe", False),
            (PLAIN, b"hunter2", False),
            (HASHED, b"hunter2", True),
            (HASHED, b"hunter", False),
            (HASHED, b"", False),
            (HASHED, b"\xff\xfe", False),
            (HASHED, HASH.encode(), False),
            (HTTP_ONLY, b"", False),
            (HTTP_ONLY, bytes(32), False),
            (HTTP_ONLY, b"hunter2", False),
            (None, b"", False),
            (None, b"secret", False),
            (None, b"hunter2", False),
        ],
    )
    def test_only_the_account_s_own(
        self, account: Account | None, given: bytes, accepted: bool
    ) -> None:
        """Not cut off, not another account's, not the hash; never for nobody."""
        known = accounts(PLAIN, HASHED, HTTP_ONLY)
        asked = known.by_name(account.name) if account else None
        assert known.verify_password(asked, given) is accepted

    def test_long_passwords_count_whole(self) -> None:
        """64 octets, the last of them as much as the first."""
        known = accounts(Account(name="a", password=Secret("x" * 64)))
        assert known.verify_password(known.by_name("a"), b"x" * 64)
        assert not known.verify_password(known.by_name("a"), b"x" * 63 + b"y")

    def test_a_broken_hash_fits_nothing(self) -> None:
        """It looks like one in the file and can not be read: nobody gets in."""
        broken = HASH.rpartition("$")[0] + "$AA"
        known = accounts(Account(name="a", password=Secret(broken, "argon2")))
        assert not known.verify_password(known.by_name("a"), b"hunter2")

    @pytest.mark.parametrize("name", ["plain", "hashed", "http", "nobody"])
    def test_the_same_work_for_everybody(self, name: str) -> None:
        """Time does not tell which ids exist, nor which kind of password they have."""
        verified: list[str] = []

        def verify(encoded_hash: str, given: bytes) -> bool:
            verified.append(encoded_hash)
            return True

        known = Accounts(
            {account.name: account for account in (PLAIN, HASHED, HTTP_ONLY)}, verify
        )
        accepted = known.verify_password(known.by_name(name), b"wrong")
        assert verified == [HASH]
        assert accepted is (name == "hashed")
        assert known.password_check_is_slow

    def test_no_hash_no_slow_work(self) -> None:
        """With plain passwords only, a bind is judged at once."""

        def verify(encoded_hash: str, given: bytes) -> bool:
            raise AssertionError("there is nothing to verify")

        known = Accounts({"plain": PLAIN}, verify)
        assert known.verify_password(known.by_name("plain"), b"secret")
        assert not known.verify_password(None, b"secret")
        assert not known.password_check_is_slow


class TestAddresses:
    NETWORKS: tuple[Network, ...] = _networks(
        ["192.0.2.7", "198.51.100.0/24", "2001:db8::/32"]
    )

    @pytest.mark.parametrize(
        ("host", "allowed"),
        [
            ("192.0.2.7", True),
            ("192.0.2.8", False),
            ("198.51.100.255", True),
            ("198.51.101.0", False),
            ("2001:db8:1::1", True),
            ("2001:db9::1", False),
            ("::ffff:192.0.2.7", True),
            ("::ffff:192.0.2.8", False),
            ("", False),
            ("localhost", False),
            ("/run/luckgw.sock", False),
        ],
    )
    def test_only_from_its_networks(self, host: str, allowed: bool) -> None:
        """Also behind a dual-stack socket; what is no address is not allowed."""
        account = accounts(Account(name="a", ips=self.NETWORKS)).by_name("a")
        assert account is not None
        assert account.allows_address(host) is allowed

    @pytest.mark.parametrize("host", ["192.0.2.8", "::1", "/run/luckgw.sock"])
    def test_from_anywhere(self, host: str) -> None:
        """Without a list there is no limit."""
        account = accounts(PLAIN).by_name("plain")
        assert account is not None
        assert account.allows_address(host)


class TestRightPasswords:
    def test_what_was_right_is_known_for_ten_minutes(self) -> None:
        """Of that account, and to the octet."""
        right = RightPasswords()
        assert not right.knows("a", b"", 0.0)
        right.remember("a", b"secret", 100.0)
        assert right.knows("a", b"secret", 699.0)
        assert not right.knows("a", b"secret", 700.0)
        assert not right.knows("a", b"Secret", 101.0)
        assert not right.knows("b", b"secret", 101.0)

    def test_nothing_is_kept_in_the_clear(self) -> None:
        """Nor anything that could be compared outside of this process."""
        first, second = RightPasswords(), RightPasswords()
        for each in (first, second):
            each.remember("a", b"secret", 0.0)
        assert b"secret" not in repr(first.__dict__).encode()
        assert first._right["a"] != second._right["a"]
