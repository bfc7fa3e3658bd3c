"""Is this the password? The same work is done whatever the answer.

The only place that knows argon2.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final, TypeAlias

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from luckgw.config.secret import Secret

VerifyHash: TypeAlias = Callable[[str, bytes], bool]

REMEMBER_S: Final = 600.0
"""How long a password that was right is recognised without its hash."""

_NO_DIGEST = bytes(hashlib.sha256().digest_size)  # of no password that could be found


def verify_argon2(encoded_hash: str, given: bytes) -> bool:
    """Whether ``given`` is what was hashed. Takes tens of milliseconds, by intent.

    A hash that can not be read fits no password.
    """
    try:
        return PasswordHasher().verify(encoded_hash, given)
    except (VerificationError, InvalidHashError):
        return False


class PasswordCheck:
    """The password of one account, or of none, in the forms that are compared.

    ``stand_in`` is a hash to work on for an account that has none of its own, so that
    the time does not tell who has; None when no account at all has one.
    """

    __slots__ = ("_digest", "_hash", "_stand_in", "_verify_hash")

    def __init__(
        self, password: Secret | None, stand_in: str | None, verify_hash: VerifyHash
    ) -> None:
        self._digest = _NO_DIGEST
        self._hash: str | None = None
        self._stand_in = stand_in
        self._verify_hash = verify_hash
        if password is None:
            return
        if password.is_hash:
            self._hash = password.reveal()
        else:
            self._digest = hashlib.sha256(password.reveal().encode()).digest()

    def accepts(self, given: bytes) -> bool:
        """Whether this is it. Without a password nothing is."""
        # Digests, because compare_digest takes equal lengths to keep its promise.
        accepted = hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)
        if self._stand_in is not None:
            fits = self._verify_hash(self._hash or self._stand_in, given)
            accepted |= fits and self._hash is not None
        return accepted


class RightPasswords:
    """Which passwords were found right lately (spec/reliability 7.2).

    A hash takes tens of milliseconds: a hundred partners that come back at once would
    wait for half a minute. Only a keyed digest is kept, under a key that nobody else
    has and that ends with the process.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: dict[str, tuple[bytes, float]] = {}

    def remember(self, account: str, given: bytes, now: float) -> None:
        """It was right."""
        self._right[account] = (self._digest(given), now + REMEMBER_S)

    def knows(self, account: str, given: bytes, now: float) -> bool:
        """Whether it was right the last time, not long ago."""
        digest, until = self._right.get(account, (b"", 0.0))
        return now < until and hmac.compare_digest(self._digest(given), digest)

    def _digest(self, given: bytes) -> bytes:
        return hmac.digest(self._key, given, "sha256")
