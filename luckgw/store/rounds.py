"""What the store needs done now and then, beside the traffic."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

_T = TypeVar("_T")

PAUSE_S: Final = 0.02
"""Between two steps of a round: it takes no more than a small share of the store."""


class Rounds:
    """Calls ``round`` every so often; the next one begins after the last one's end.

    One that fails is logged, and the next one makes up for it.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        every_s: float,
        name: str,
        make: Callable[[], Awaitable[None]],
    ) -> None:
        """``name`` is for the log: "the sweep"."""
        self._clock = clock
        self._every_s = every_s
        self._name = name
        self._make = make
        self._loop = LoopingCall(self._begin)
        self._loop.clock = clock
        self._under_way: Deferred[None] | None = None

    def start(self) -> None:
        """The first round begins after one pause."""
        self._loop.start(self._every_s, now=False).addErrback(
            lambda f: self.log.failure("{name} has stopped", f, name=self._name)
        )

    def stop(self) -> None:
        """No more rounds; one that is under way ends as well."""
        if self._loop.running:
            self._loop.stop()
        if self._under_way is not None:
            self._under_way.cancel()

    def _begin(self) -> "Deferred[None]":
        async def round_() -> None:
            await self._make()

        self._under_way = ensureDeferred(round_())
        return self._under_way.addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.warn(
                "{name} will try again: {reason}",
                name=self._name,
                reason=failure.getErrorMessage(),
            )


async def told(start: Callable[[Callable[[_T], None]], None]) -> _T:
    """What a callback of the journal is told, for those who can wait."""
    step: Deferred[_T] = Deferred()
    start(step.callback)
    return await step


def pause(clock: IReactorTime) -> "Deferred[None]":
    """Leave the store to others for a moment."""
    return deferLater(clock, PAUSE_S)
