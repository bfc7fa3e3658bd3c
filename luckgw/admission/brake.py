"""A brake on guessing passwords (spec/reliability 7.2).

Two rules. Who was wrong several times under one name from one address waits before the
next answer, twice as long each time. Which address was wrong too often, under whatever
names, is shut out for a while; but a client that repeats one wrong password is not
guessing, and does not shut out its neighbours. A name alone brakes nobody: else a
stranger could lock an account's owner out (ASVS 5.0, 6.1.1).
"""

import hmac
import ipaddress
import secrets
from collections import OrderedDict, deque
from typing import Generic, TypeVar

import attrs

from luckgw.config.model import Brake as BrakeSettings

MAX_ENTRIES = 10_000
"""Addresses, and pairs of address and name, that are remembered; the one that was wrong
the longest ago is forgotten for a new one."""

Key = TypeVar("Key")


def address_key(host: str) -> str:
    """By what an address is counted: IPv6 by its /64, which is one customer's.

    What is no IP address (a unix socket's peer) is counted as one.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "local"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


@attrs.define
class _Wrongs:
    """The wrong passwords under one key."""

    times: deque[float]
    """When, within the span; no more of them than decide something."""
    total: int = 0
    """Since it was last forgotten."""
    beyond: int = 0
    """How many since the allowed number was reached."""
    shut_until: float = 0.0
    last: bytes = b""
    """A keyed digest of what was given the last time."""


class _Memory(Generic[Key]):
    """What was wrong lately, by key; bounded, and forgetful."""

    def __init__(self, allowed: int, span_s: float, forget_s: float) -> None:
        self._allowed = allowed
        self._span_s = span_s
        self._forget_s = forget_s
        self._wrongs: OrderedDict[Key, _Wrongs] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrongs)

    def get(self, key: Key, now: float) -> _Wrongs | None:
        """What is known; None when there is nothing, or nothing recent."""
        found = self._wrongs.get(key)
        if found is None:
            return None
        if now - found.times[-1] >= self._forget_s and now >= found.shut_until:
            del self._wrongs[key]
            return None
        return found

    def add(self, key: Key, now: float) -> _Wrongs:
        """One more."""
        found = self.get(key, now)
        if found is None:
            found = self._wrongs[key] = _Wrongs(deque(maxlen=self._allowed))
            if len(self._wrongs) > MAX_ENTRIES:
                self._wrongs.popitem(last=False)
        self._wrongs.move_to_end(key)
        found.times.append(now)
        found.total += 1
        is_full = len(found.times) == self._allowed
        if found.beyond or (is_full and now - found.times[0] < self._span_s):
            found.beyond += 1
        return found

    def forget(self, key: Key) -> None:
        """It was right."""
        self._wrongs.pop(key, None)


class Brake:
    """Counts wrong passwords, and says what they cost. ``now`` is monotonic seconds.

    For every door that asks for a secret; ``name`` is what the peer calls itself.
    """

    def __init__(self, settings: BrakeSettings) -> None:
        self._settings = settings
        self._digest_key = secrets.token_bytes(32)
        forget_s = max(settings.pair_span_s, 10 * settings.max_delay_s)
        self._pairs: _Memory[tuple[str, bytes]] = _Memory(
            settings.pair_failures, settings.pair_span_s, forget_s
        )
        self._addresses: _Memory[str] = _Memory(
            settings.address_failures, settings.address_span_s, settings.address_span_s
        )

    @property
    def size(self) -> int:
        """How many entries are kept."""
        return len(self._pairs) + len(self._addresses)

    def is_shut(self, host: str, now: float) -> bool:
        """Whether this address is to be turned away without being heard."""
        found = self._addresses.get(address_key(host), now)
        return found is not None and now < found.shut_until

    def wrongs(self, host: str, now: float) -> int:
        """How often this address was wrong lately: who never was goes first."""
        found = self._addresses.get(address_key(host), now)
        return 0 if found is None else found.total

    def delay(self, host: str, name: bytes, now: float) -> float:
        """Seconds to wait before this peer's secret is looked at; usually 0.

        Whether it is right or wrong: an answer that only comes late when it is wrong
        would be no brake, for who waits in vain hangs up and guesses again.
        """
        found = self._pairs.get((address_key(host), name), now)
        if found is None or not found.beyond:
            return 0.0
        longest = self._settings.max_delay_s
        return min(longest, 2.0 ** min(found.beyond - 1, 16))

    def failed(self, host: str, name: bytes, secret: bytes, now: float) -> int:
        """``secret`` was wrong. Returns how often, lately, under this name from there.

        The secret itself is not kept.
        """
        key = address_key(host)
        pair = self._pairs.add((key, name), now)
        digest = hmac.digest(self._digest_key, secret, "sha256")
        if digest != pair.last:
            pair.last = digest
            self._guessed(key, now)
        return pair.total

    def _guessed(self, key: str, now: float) -> None:
        """One guess more from this address."""
        address = self._addresses.add(key, now)
        if address.beyond and now >= address.shut_until:
            address.shut_until = now + self._settings.shut_s
            address.beyond = 0
            address.times.clear()
            address.times.append(now)

    def succeeded(self, host: str, name: bytes) -> None:
        """It was right: this name from there starts anew.

        The address does not: who has one account could guess at others otherwise.
        """
        self._pairs.forget((address_key(host), name))
