"""One write for each connection and reactor turn.

Answers come from journal batches, from reads and from timers; writing each by itself
costs a system call and a packet. A session that has something to send says so, and all
of them are flushed at the end of the turn.
"""

from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger


class Flushable(Protocol):
    """Something that holds output back until the end of the turn."""

    def flush(self) -> None:
        """Write what has gathered."""
        ...


class Flusher:
    """Flushes the sessions that were marked in this turn."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._marked: set[Flushable] = set()

    def mark(self, session: Flushable) -> None:
        """Have ``session`` flushed at the end of this turn. HOT PATH."""
        if not self._marked:
            self._clock.callLater(0, self._flush)
        self._marked.add(session)

    def _flush(self) -> None:
        marked, self._marked = self._marked, set()
        for session in marked:
            try:
                session.flush()
            except Exception:  # noqa: BLE001 - the others are to be flushed all the same
                self.log.failure("a session could not be flushed")
