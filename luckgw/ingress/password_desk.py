"""Slow password checks, one after the other; strangers wait behind partners.

A hash is made to cost much: by default of argon2 64 MiB and as many cores as there are.
So one is computed at a time, and who was wrong before waits until nobody else does. A
guesser with many addresses can fill the queue, but he does not delay a partner by more
than the one hash that is being computed (spec/reliability 7.2, F21).
"""

import heapq
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

MAX_WAITING: Final = 64
"""More do not wait: the last in the row is told to try again."""

Check = Callable[[], "Deferred[bool]"]


class DeskFull(Exception):
    """Too many wait."""


class PasswordDesk:
    """Runs checks, those with the lowest rank first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Check, Deferred[bool]]] = []
        self._count = 0
        self._is_busy = False
        self._is_going_on = False

    def check(self, rank: int, check: Check) -> "Deferred[bool]":
        """What ``check`` gives, when it is its turn. Fails with DeskFull.

        Of equal rank, who came first is first.
        """
        d: Deferred[bool] = Deferred()
        self._count += 1
        heapq.heappush(self._waiting, (rank, self._count, check, d))
        if len(self._waiting) > MAX_WAITING:
            last = max(self._waiting, key=lambda each: each[:2])
            self._waiting.remove(last)
            heapq.heapify(self._waiting)
            last[3].errback(DeskFull())
        self._next()
        return d

    def _next(self) -> None:
        # One loop, not one in the other: many checks end at once when a hash was right.
        if self._is_going_on:
            return
        self._is_going_on = True
        while self._waiting and not self._is_busy:
            self._is_busy = True
            _, _, check, d = heapq.heappop(self._waiting)
            check().addBoth(self._done, d)
        self._is_going_on = False

    def _done(self, result: "bool | Failure", d: "Deferred[bool]") -> None:
        d.callback(result)  # first: what it has learnt may spare the next one
        self._is_busy = False
        self._next()
