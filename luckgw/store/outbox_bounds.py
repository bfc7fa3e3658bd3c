"""An outbox that nobody empties does not grow for ever (spec/reliability 3.5)."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from luckgw.config.model import Outboxes
from luckgw.store import keys
from luckgw.store.journal import Journal
from luckgw.store.rounds import Rounds, pause, told

EVERY_S: Final = 60.0
STEP: Final = 500


class OutboxBounds:
    """Looks every minute; what is too old or too much goes, counted and told."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        journal: Journal,
        settings: Outboxes,
        accounts: Iterable[str],
        now_ms: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._accounts = list(accounts)
        self._now_ms = now_ms
        self._rounds = Rounds(clock, EVERY_S, "the look at the outboxes", self.look)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def stop(self) -> None:
        """End."""
        self._rounds.stop()

    async def look(self) -> None:
        """Bring every outbox within its bounds."""
        for account in self._accounts:
            # What is tried again goes on at most every 15 minutes, without an end.
            await self._bound(keys.deliver_sm_outbox(account), delayed=True)
            # What is tried again here comes to its end by the schedule of webhooks ...
            await self._bound(keys.webhook_outbox(account), delayed=False)
            # ... and is kept then until somebody replays it.
            await self._bound(keys.webhook_parked(account), delayed=None)

    async def _bound(self, outbox: bytes, *, delayed: bool | None) -> None:
        before_ms = None
        if delayed is not None:
            before_ms = self._now_ms() - round(self._settings.max_age_s * 1000)
        step = partial(
            self._journal.bound,
            outbox,
            self._settings.max_events,
            STEP,
            before_ms=before_ms,
            delayed=bool(delayed),
        )
        dropped = 0
        while count := await told(step):
            dropped += count
            await pause(self._clock)
        if dropped:
            self.log.error(
                "{count} events were dropped from {outbox}: nobody takes them",
                count=dropped,
                outbox=outbox.decode(),
            )
