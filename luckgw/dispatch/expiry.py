"""Messages whose validity ends while nobody serves their queue are told so in time."""

from collections.abc import Callable
from typing import Final

from luckgw.dispatch.consumer import Consumer, Pairs
from luckgw.store import records
from luckgw.store.interface import Journal

STEP: Final = 100
"""Messages in one claim."""
MOST: Final = 1000
"""So many at the head of a queue are looked at."""


class Expiry:
    """Looks through the head of a queue: ends what is over, gives the rest back."""

    def __init__(
        self,
        journal: Journal,
        consumer: Consumer,
        now_ms: Callable[[], int],
        end: Callable[[bytes], None],
    ) -> None:
        """``end`` is called with the id of each message that is over."""
        self._journal = journal
        self._consumer = consumer
        self._now_ms = now_ms
        self._end = end
        self._kept: list[bytes] = []
        self._is_looking = False

    def look(self) -> None:
        """Begin a look, unless one is under way or the store is."""
        if self._journal.is_open and not self._is_looking:
            self._is_looking = True
            self._step()

    def _step(self) -> None:
        self._journal.claim(self._consumer.queue, STEP, self._looked)

    def _looked(self, pairs: Pairs) -> None:
        now = self._now_ms()
        for message_id, data in pairs:
            if records.deadline_ms(data) <= now:
                self._end(message_id)
            else:
                self._kept.append(message_id)
        if len(pairs) == STEP and len(self._kept) < MOST:
            self._step()
            return
        kept, self._kept = self._kept, []
        self._is_looking = False
        self._consumer.give_back(kept)
