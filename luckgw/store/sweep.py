"""What is older than the retention leaves the store, and receipts nobody claimed."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.store import keys
from luckgw.store.interface import Commands
from luckgw.store.journal import Journal

EVERY_S: Final = 600.0
STEP: Final = 200
PAUSE_S: Final = 0.02
"""Between steps: the sweep takes no more than a small share of the store."""


class Sweep:
    """Looks every ten minutes.

    A message leaves with the day on which it was accepted, once that day is as old as
    the retention; one that still waits for its carrier then is kept as if it had been
    accepted today.
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
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._sweeping: Deferred[None] | None = None
        self.swept = 0
        self.orphans = 0

    def start(self) -> None:
        """Begin."""
        self._loop.start(EVERY_S, now=False).addErrback(
            lambda f: self.log.failure("the sweep has stopped", failure=f)
        )

    def stop(self) -> None:
        """End; a sweep that is under way ends as well."""
        if self._loop.running:
            self._loop.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def _look(self) -> "Deferred[None]":
        self._sweeping = ensureDeferred(self.sweep())
        return self._sweeping.addErrback(self._not_swept)

    def _not_swept(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.warn(
                "the sweep will try again: {reason}", reason=failure.getErrorMessage()
            )

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
        while True:
            step: Deferred[int] = Deferred()
            self._journal.sweep(index, STEP, today, step.callback)
            count = await step
            if count == 0:
                return
            self.swept += count
            await deferLater(self._clock, PAUSE_S)

    async def _drop_orphans(self, upstream: str) -> None:
        """Drop the receipts that have waited too long for their message."""
        too_old_ms = self._now_ms() - keys.PARKED_S * 1000
        dropped = 0
        while True:
            step: Deferred[int] = Deferred()
            self._journal.drop_parked(keys.parked(upstream), too_old_ms, step.callback)
            count = await step
            if count == 0:
                break
            dropped += count
            await deferLater(self._clock, PAUSE_S)
        self.orphans += dropped
        if dropped:
            self.log.warn(
                "{count} receipts of {upstream} never found their message",
                count=dropped,
                upstream=upstream,
            )
