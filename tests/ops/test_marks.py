from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from luckgw.ops.marks import LOOK_S, Marks
from luckgw.store.interface import StoreAway
from tests.conftest import LoggedFailures

MIB = 1 << 20


class Store:
    """What the store says of its memory: the port Commands."""

    def __init__(self) -> None:
        self.used, self.most = 10 * MIB, 100 * MIB
        self.reply: Callable[[], Deferred[Any]] = self.info
        self.asked = 0

    def info(self) -> "Deferred[bytes]":
        """As Valkey says it."""
        lines = ("# Memory", f"used_memory:{self.used}", f"maxmemory:{self.most}", "")
        return succeed("\r\n".join(lines).encode())

    def __call__(self, *args: bytes | str | int) -> "Deferred[Any]":
        """See the port."""
        assert args == (b"INFO", b"memory")
        self.asked += 1
        return self.reply()


@pytest.fixture
def store() -> Store:
    """A store with room."""
    return Store()


class TestMemory:
    def test_room(self, clock: Clock, store: Store) -> None:
        """Below 95 % of its maxmemory, messages are taken."""
        marks = Marks(clock, store, None, 0)
        marks.start()
        store.used = 95 * MIB
        clock.advance(LOOK_S)
        assert not marks.is_full
        assert marks.problems == []
        marks.stop()

    def test_full_and_room_again(self, clock: Clock, store: Store) -> None:
        """Above it none, with a sentence that says why, until there is room again."""
        marks = Marks(clock, store, None, 0)
        marks.start()
        store.used = 96 * MIB
        clock.advance(LOOK_S)
        assert marks.is_full
        assert marks.problems == ["the store uses 96 of 100 MiB"]
        store.used = 94 * MIB
        clock.advance(LOOK_S)
        assert not marks.is_full
        marks.stop()

    def test_no_limit(self, clock: Clock, store: Store) -> None:
        """A store without maxmemory is never full."""
        store.most = 0
        marks = Marks(clock, store, None, 0)
        marks.start()
        assert not marks.is_full
        marks.stop()

    @pytest.mark.parametrize(
        "reply", [lambda: fail(StoreAway("cut")), lambda: succeed(b"nonsense")]
    )
    def test_no_answer(
        self, clock: Clock, store: Store, reply: Callable[[], "Deferred[Any]"]
    ) -> None:
        """What was found last stands, and it is looked at again."""
        marks = Marks(clock, store, None, 0)
        store.used = 96 * MIB
        marks.start()
        store.reply = reply
        clock.advance(LOOK_S)
        assert marks.is_full
        store.reply, store.used = store.info, 10 * MIB
        clock.advance(LOOK_S)
        assert not marks.is_full
        marks.stop()

    def test_not_after_a_stop(self, clock: Clock, store: Store) -> None:
        """A stopped watch looks no more; stopping twice is harmless."""
        marks = Marks(clock, store, None, 0)
        marks.start()
        marks.stop()
        marks.stop()
        clock.advance(10 * LOOK_S)
        assert store.asked == 1


class TestDisk:
    def test_room(self, clock: Clock, store: Store, tmp_path: Path) -> None:
        """With more free space than the mark, messages are taken."""
        marks = Marks(clock, store, tmp_path, 1)
        marks.start()
        assert not marks.is_full
        marks.stop()

    def test_full(self, clock: Clock, store: Store, tmp_path: Path) -> None:
        """With less, none: known as soon as the watch has started."""
        store.reply = Deferred
        marks = Marks(clock, store, tmp_path, 1 << 60)
        marks.start()
        assert marks.is_full
        (problem,) = marks.problems
        assert problem.startswith(f"the disk of {tmp_path} has ")
        assert problem.endswith(f" MiB free, less than {1 << 40} MiB")
        marks.stop()

    def test_gone(
        self,
        clock: Clock,
        store: Store,
        tmp_path: Path,
        logged_failures: LoggedFailures,
    ) -> None:
        """A disk that can not be looked at is no place for new messages; the watch goes
        on, and sees when it is back.
        """
        folder = tmp_path / "store"
        marks = Marks(clock, store, folder, 1)
        marks.start()
        assert marks.is_full
        assert "can not be looked at" in marks.problems[0]
        folder.mkdir()
        clock.advance(LOOK_S)
        assert not marks.is_full
        marks.stop()
        assert logged_failures.flush() == []

    def test_both(self, clock: Clock, store: Store, tmp_path: Path) -> None:
        """Each trouble is named."""
        store.used = 100 * MIB
        marks = Marks(clock, store, tmp_path, 1 << 60)
        marks.start()
        assert len(marks.problems) == 2
        marks.stop()
