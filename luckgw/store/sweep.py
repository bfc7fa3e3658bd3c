"""What is older than the retention leaves the store, and receipts nobody claimed."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from luckgw.store import keys
from luckgw.store.interface import Commands
from luckgw.store.journal import Journal
from luckgw.store.rounds import Rounds, pause, told

EVERY_S: Final = 600.0
STEP: Final = 200


class Sweep:
    """Looks every ten minutes.

    A message leaves with the day on which it was accepted, once that day is as old as
    the retention; one that is not at its end then is kept as if it had been accepted
    today.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        execute: Commands,
        journal: Journal,
        retention_days: int,
        upstreams: Iterable[str],
        now_ms: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._execute = execute
        self._journal = journal
        self._retention = timedelta(days=retention_days)
        self._upstreams = list(upstreams)
        self._now_ms = now_ms
        self._rounds = Rounds(clock, EVERY_S, "the sweep", self.sweep)
        self.swept = 0
        self.orphans = 0
        """Receipts that never found their message, dropped by this process."""

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def stop(self) -> None:
        """End; a sweep that is under way ends as well."""
        self._rounds.stop()

    async def sweep(self) -> None:
        """Remove all that is too old."""
        now = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        # The day that is `retention` ago may still hold younger messages.
        first_kept = (now - self._retention).strftime("%Y%m%d")
        for index in await self._execute(b"SMEMBERS", keys.INDEXES):
            account, day = keys.parse_index(index)
            if day < first_kept:
                await self._empty(index, keys.index(account, now.strftime("%Y%m%d")))
        for upstream in self._upstreams:
            await self._drop_orphans(upstream)

    async def _empty(self, index: bytes, today: bytes) -> None:
        step = partial(self._journal.sweep, index, STEP, today)
        while count := await told(step):
            self.swept += count
            await pause(self._clock)

    async def _drop_orphans(self, upstream: str) -> None:
        """Drop the receipts that have waited too long for their message."""
        too_old_ms = self._now_ms() - keys.PARKED_S * 1000
        step = partial(self._journal.drop_parked, keys.parked(upstream), too_old_ms)
        dropped = 0
        while count := await told(step):
            dropped += count
            await pause(self._clock)
        self.orphans += dropped
        if dropped:
            self.log.warn(
                "{count} receipts of {upstream} never found their message",
                count=dropped,
                upstream=upstream,
            )
