"""Who is connected, and who may come in besides (spec/reliability 2.10)."""

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

from luckgw.config.model import Connections

Peer = TypeVar("Peer")


class Crowd(Generic[Peer]):
    """All connections of a listener: those that are bound, and those that are not yet.

    The unbound are bounded by themselves, so that strangers can not take the places of
    partners; and where they fill their places, the one that has said nothing for the
    longest makes way for the newcomer. So a flood of silent connections delays nobody:
    a partner needs its place only until its bind is answered.
    """

    def __init__(self, limits: Connections) -> None:
        self._limits = limits
        self._addresses: dict[Peer, str] = {}
        """Of everybody."""
        self._silent: dict[Peer, None] = {}
        """Unbound, and may be sent away; the oldest first."""
        self._asking: set[Peer] = set()
        """Unbound, and their bind is being decided."""
        self._by_address: Counter[str] = Counter()
        self._unbound_by_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._addresses))

    @property
    def unbound(self) -> int:
        """How many are not bound."""
        return len(self._silent) + len(self._asking)

    def why_full(self, address: str) -> str | None:
        """Why nobody more may come from there; None when somebody may."""
        limits = self._limits
        if len(self) >= limits.total:
            return "as many connections as there may be"
        if self._unbound_by_address[address] >= limits.unbound_per_address:
            return "too many of this address are not bound"
        if 0 < limits.per_address <= self._by_address[address]:
            return "too many of this address"
        if self.unbound >= limits.unbound and not self._silent:
            return "as many as may be are about to bind"
        return None

    def makes_way(self) -> Peer | None:
        """Who has to go before the next one is added, if anybody has to."""
        if self.unbound < self._limits.unbound:
            return None
        return next(iter(self._silent), None)

    def add(self, peer: Peer, address: str) -> None:
        """A connection was made."""
        self._addresses[peer] = address
        self._silent[peer] = None
        self._by_address[address] += 1
        self._unbound_by_address[address] += 1

    def asks(self, peer: Peer) -> None:
        """Its bind is being decided: it stays until that is done."""
        if peer in self._silent:
            del self._silent[peer]
            self._asking.add(peer)

    def bound(self, peer: Peer) -> None:
        """It was let in."""
        self._leave_unbound(peer)

    def remove(self, peer: Peer) -> None:
        """Its connection is over, or as good as."""
        self._leave_unbound(peer)
        address = self._addresses.pop(peer, None)
        if address is not None:
            _less(self._by_address, address)

    def _leave_unbound(self, peer: Peer) -> None:
        if peer in self._silent:
            del self._silent[peer]
        elif peer in self._asking:
            self._asking.remove(peer)
        else:
            return
        _less(self._unbound_by_address, self._addresses[peer])


def _less(counter: Counter[str], key: str) -> None:
    """One less; nothing is kept of what is not there."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
