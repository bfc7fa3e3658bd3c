"""What is to be done later, under one timer however much of it there is."""

import heapq
from collections.abc import Callable
from itertools import count

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: (due, number, action): the number keeps equal times in order.
_Entry = tuple[float, int, Callable[[], None]]


class Agenda:
    """Calls actions when they are due, those of the same time in the order given."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._numbers = count()
        self._entries: list[_Entry] = []
        self._timer: IDelayedCall | None = None

    def __len__(self) -> int:
        """How many actions wait."""
        return len(self._entries)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` in so many seconds."""
        due = self._clock.seconds() + seconds
        entry = (due, next(self._numbers), action)
        heapq.heappush(self._entries, entry)
        if self._entries[0] is entry:
            self._set_timer()

    def clear(self) -> None:
        """Forget all of it."""
        self._entries.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._entries:
            wait = max(0.0, self._entries[0][0] - self._clock.seconds())
            self._timer = self._clock.callLater(wait, self._run)

    def _run(self) -> None:
        now = self._clock.seconds()
        due = []
        while self._entries and self._entries[0][0] <= now:
            due.append(heapq.heappop(self._entries)[2])
        self._set_timer()
        for action in due:
            action()
