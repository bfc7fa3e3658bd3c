"""Whether there is room for more: the disk under the store, and the store's memory."""

import os
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.store.interface import Commands

LOOK_S: Final = 1.0
MEMORY_MARK: Final = 0.95
"""Above this share of its maxmemory the store gets no new messages: what is on its way
still needs room for its events."""


class Marks:
    """Looks once a second. Above a mark, new messages are refused; the rest goes on."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        execute: Commands,
        directory: Path | None,
        min_free: int,
    ) -> None:
        """``directory`` is None when the store's disk is not ours to see; ``min_free``
        is in octets.
        """
        self._execute = execute
        self._directory = directory
        self._min_free = min_free
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock
        self._disk = ""
        self._memory = ""

    @property
    def is_full(self) -> bool:
        """Whether new messages are refused. HOT PATH."""
        return bool(self._disk or self._memory)

    @property
    def problems(self) -> list[str]:
        """What is full, a sentence each."""
        return [each for each in (self._disk, self._memory) if each]

    def start(self) -> None:
        """Begin to look; when this returns the disk has been looked at once."""
        self._loop.start(LOOK_S).addErrback(self._broken)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the marks are not looked at any more", failure=failure)

    def look(self) -> "Deferred[None]":
        """One look."""
        self._disk = self._noted(self._disk, self._look_at_disk())
        d = self._execute(b"INFO", b"memory")
        return d.addCallback(self._look_at_memory).addErrback(self._not_seen)

    def _noted(self, before: str, now: str) -> str:
        """What is found now; a problem that is new is logged."""
        if now and not before:
            self.log.error("refusing new messages: {problem}", problem=now)
        return now

    def _look_at_disk(self) -> str:
        """What is wrong with the disk, "" for nothing."""
        if self._directory is None:
            return ""
        try:
            found = os.statvfs(self._directory)
        except OSError as error:
            return f"the disk of {self._directory} can not be looked at: {error}"
        free = found.f_bavail * found.f_frsize
        if free >= self._min_free:
            return ""
        return (
            f"the disk of {self._directory} has {free >> 20} MiB free,"
            f" less than {self._min_free >> 20} MiB"
        )

    def _look_at_memory(self, reply: bytes) -> None:
        lines = (line.partition(":") for line in reply.decode().splitlines())
        pairs = {name: value for name, _, value in lines}
        used, most = int(pairs["used_memory"]), int(pairs.get("maxmemory", 0))
        problem = ""
        if most and used > MEMORY_MARK * most:
            problem = f"the store uses {used >> 20} of {most >> 20} MiB"
        self._memory = self._noted(self._memory, problem)

    def _not_seen(self, failure: Failure) -> None:
        """No answer that can be read: what was found last stands.

        If the store is away, the journal refuses by itself.
        """
        self.log.debug("no look at the store's memory", why=failure.getErrorMessage())
