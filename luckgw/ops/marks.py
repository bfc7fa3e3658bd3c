"""Whether there is room for more: the disk under the store, and the store's memory."""

import os
from pathlib import Path
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

LOOK_S: Final = 1.0
MEMORY_MARK: Final = 0.95
"""Above this share of its maxmemory the store gets no new messages: what is on its way
still needs room for its events."""


class Commands(Protocol):
    """Runs one command of the store."""

    def __call__(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Fires with the reply."""
        ...


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
        """Whether new messages are refused."""
        return bool(self._disk or self._memory)

    @property
    def problems(self) -> list[str]:
        """What is full, a sentence each."""
        return [each for each in (self._disk, self._memory) if each]

    def start(self) -> None:
        """Begin to look; the first look is over when this returns, except for memory."""
        self._loop.start(LOOK_S).addErrback(
            lambda f: self.log.failure(
                "the marks are not looked at any more", failure=f
            )
        )

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> "Deferred[None]":
        """One look."""
        before = self.is_full
        self._disk = self._look_at_disk()
        if self.is_full and not before:
            self.log.error("refusing new messages: {problems}", problems=self.problems)
        d = self._execute(b"INFO", b"memory")
        d.addCallbacks(self._look_at_memory, self._no_answer)
        return d

    def _look_at_disk(self) -> str:
        if self._directory is None:
            return ""
        found = os.statvfs(self._directory)
        free = found.f_bavail * found.f_frsize
        if free >= self._min_free:
            return ""
        return (
            f"the disk of {self._directory} has {free >> 20} MiB free,"
            f" less than {self._min_free >> 20} MiB"
        )

    def _look_at_memory(self, reply: bytes) -> None:
        pairs = dict(
            line.split(":", 1) for line in reply.decode().splitlines() if ":" in line
        )
        used, most = int(pairs["used_memory"]), int(pairs.get("maxmemory", 0))
        was = self._memory
        self._memory = (
            f"the store uses {used >> 20} of {most >> 20} MiB"
            if most and used > MEMORY_MARK * most
            else ""
        )
        if self._memory and not was:
            self.log.error("refusing new messages: {problem}", problem=self._memory)

    def _no_answer(self, _failure: Failure) -> None:
        """The store is away: the journal refuses by itself."""
