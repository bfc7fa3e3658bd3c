"""A message that no receipt comes for ends by its own validity, never silently.

The way of a message is not made longer for this. Minutes after it was accepted the look
passes by, in the index of its account's day, and notes those that are not at their end
(operation L): few, for most receipts come within minutes. Once the validity of one is
over, and the time that its receipt may take as well, it is ended (operation E) and told
like any other. How far the looks have come is in the store: it does not matter which
node looks, or how often one was restarted.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from luckgw.config.model import Receipts
from luckgw.domain.repeats import is_worth_saying
from luckgw.store import keys
from luckgw.store.interface import Commands
from luckgw.store.journal import Journal
from luckgw.store.rounds import Rounds, pause, told

EVERY_S: Final = 10.0
STEP: Final = 250
"""Messages in one look: some milliseconds of the store's only thread."""
ENDS: Final = 100
"""Messages ended in one step."""
AGAIN_MS: Final = 600_000
"""One that still waits for its carrier is the dispatcher's; looked at again after so
long,"""
OVERDUE_MS: Final = 3_600_000
"""and ended all the same when no dispatcher did for so long: its upstream is gone."""
_STRAGGLERS_MS: Final = 3_600_000
"""After midnight a day may still get messages for so long, by a clock that is slow."""


class OpenEnds:
    """Looks every ten seconds."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        execute: Commands,
        journal: Journal,
        settings: Receipts,
        now_ms: Callable[[], int],
        wake: Callable[[str], None],
    ) -> None:
        """``wake`` is called with an account that has something in an outbox now."""
        self._clock = clock
        self._execute = execute
        self._journal = journal
        self._look_after_ms = round(settings.look_after_s * 1000)
        self._grace_ms = round(settings.grace_s * 1000)
        self._now_ms = now_ms
        self._wake = wake
        self._rounds = Rounds(clock, EVERY_S, "the look for open ends", self.look)
        self._at: dict[bytes, int] = {}
        """Index -> how far it was looked through when we looked last."""
        self._whole: set[bytes] = set()
        """Indexes of past days that were looked through to their end."""
        self.ended = 0
        """Messages, by this process. Some may have turned out to be over before."""

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def stop(self) -> None:
        """End; a look that is under way ends as well."""
        self._rounds.stop()

    async def look(self) -> None:
        """Note the open ends, and end those whose time is over."""
        indexes = set(await self._execute(b"SMEMBERS", keys.INDEXES))
        self._whole &= indexes
        self._at = {index: self._at.get(index, -1) for index in indexes - self._whole}
        for index in sorted(self._at):
            await self._look_through(index)
        await self._end()

    async def _look_through(self, index: bytes) -> None:
        before_ms = self._now_ms() - self._look_after_ms
        at = self._at[index]
        while True:
            step = partial(self._journal.look, index, at, STEP, before_ms)
            before, at = at, await told(step)
            self._at[index] = at
            if 0 <= before <= at < before + STEP:
                break
            await pause(self._clock)
        past = datetime.fromtimestamp((before_ms - _STRAGGLERS_MS) / 1000, UTC)
        if keys.parse_index(index)[1] < past.strftime("%Y%m%d"):
            self._whole.add(index)

    async def _end(self) -> None:
        before_ms = self._now_ms() - self._grace_ms
        again_ms, overdue_ms = before_ms + AGAIN_MS, before_ms - OVERDUE_MS

        def step(done: Callable[[tuple[int, list[str]]], None]) -> None:
            self._journal.end(
                before_ms, ENDS, again_ms, overdue_ms, lambda *each: done(each)
            )

        looked_at = ENDS
        while looked_at == ENDS:
            looked_at, accounts = await told(step)
            for account in accounts:
                self._wake(account)
            if looked_at:
                self.ended += looked_at
                if is_worth_saying(self.ended):
                    self.log.info(
                        "messages without a receipt were ended ({count} so far)",
                        count=self.ended,
                    )
                await pause(self._clock)
