"""Ids whose first four octets no other message has, for partners with short ids.

They come from one counter in the store, of which each node takes a block at a time: no
id is waited for, and none is given twice before four thousand million others were.
"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.domain import errors
from luckgw.store import keys
from luckgw.store.interface import Commands, StoreAway

BLOCK: Final = 10_000
"""Ids taken at a time: what a node may lose when it stops."""


class ShortIds:
    """Gives such ids, and fetches the next block while half of one is left."""

    log = Logger()

    def __init__(self, execute: Commands, fresh_id: Callable[[], bytes]) -> None:
        self._execute = execute
        self._fresh_id = fresh_id
        self._next = self._end = 0
        self._following: int | None = None
        """Where the next block begins, when it is here."""
        self._is_asking = False

    def start(self) -> "Deferred[None]":
        """Take the first block; fires when it is here. Fails with StoreAway."""
        d = self._ask()
        d.addCallback(self._took)
        return d

    def fresh(self) -> bytes:
        """A new id. Raises Refusal when the store gave no block in time."""
        if self._next == self._end:
            if self._following is None:
                self._refill()
            if self._following is None:
                raise errors.system_error("no short ids are left; try again later")
            self._next, self._following = self._following, None
            self._end = self._next + BLOCK
        number = self._next & 0xFFFFFFFF
        self._next += 1
        if self._end - self._next <= BLOCK // 2 and self._following is None:
            self._refill()
        return number.to_bytes(4, "big") + self._fresh_id()[4:]

    def _refill(self) -> None:
        if not self._is_asking:
            self._ask().addCallbacks(self._took, self._not_took)

    def _ask(self) -> "Deferred[Any]":
        self._is_asking = True
        return self._execute(b"INCRBY", keys.SHORT_IDS, BLOCK)

    def _took(self, end: int) -> None:
        self._is_asking = False
        self._following = end - BLOCK

    def _not_took(self, failure: Failure) -> None:
        self._is_asking = False
        if not failure.check(StoreAway):
            self.log.failure("no block of short ids", failure=failure)
