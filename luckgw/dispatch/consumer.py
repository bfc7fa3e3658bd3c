"""Takes entries of one queue from the store while somebody has room for them."""

from collections.abc import Callable, Sequence
from typing import Final

from luckgw.store.interface import Journal, Queue

CLAIM: Final = 200
"""Entries in one claim at most."""

Pairs = list[tuple[bytes, bytes]]
"""Entries and their records."""


class Consumer:
    """Claims in batches; never more than ``room()`` at a time.

    ``take`` is called with what each claim brought, even when that is nothing. ``held``
    are the entries that the store has given to us and that are not settled, retried or
    finished yet: what is claimed and not held was lost on the way here.
    """

    def __init__(
        self,
        journal: Journal,
        key: bytes,
        room: Callable[[], int],
        take: Callable[[Pairs], None],
    ) -> None:
        self._journal = journal
        self.queue: Queue = journal.queue(key)
        self._room = room
        self._take = take
        self._again = False
        self.is_asking = False
        """Whether a claim is under way."""
        self.held: set[bytes] = set()

    def poke(self) -> None:
        """There may be something in the queue, or room for it. HOT PATH."""
        if self.is_asking:
            self._again = True
            return
        if not self._journal.is_open:
            return
        room = self._room()
        if room > 0:
            self.is_asking = True
            self._again = False
            want = min(room, CLAIM)
            self._journal.claim(
                self.queue, want, lambda pairs: self._claimed(pairs, want)
            )

    def _claimed(self, pairs: Pairs, want: int) -> None:
        self.is_asking = False
        self.held.update([entry for entry, _ in pairs])
        self._take(pairs)
        if self._again or len(pairs) == want:
            self.poke()

    def settle(self, entry: bytes) -> None:
        """Done with an entry."""
        self.held.discard(entry)
        self._journal.settle(self.queue, entry)

    def retry(
        self, entry: bytes, again: bytes, due_ms: int | None, event: bytes = b""
    ) -> None:
        """Give an entry back: for ``due_ms``, or at once and first in line."""
        self.held.discard(entry)
        self._journal.retry(self.queue, entry, again, due_ms, event)

    def give_back(self, entries: Sequence[bytes]) -> None:
        """Give entries back as they are, to the head of the queue, in this order."""
        for entry in reversed(entries):
            self.retry(entry, entry, None)
