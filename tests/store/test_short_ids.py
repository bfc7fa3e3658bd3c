"""Ids whose first four octets tell them apart."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from luckgw.domain.errors import Refusal
from luckgw.store import keys
from luckgw.store.interface import StoreAway
from luckgw.store.short_ids import BLOCK, ShortIds
from tests.conftest import LoggedFailures


class Counter:
    """A store with the counter, that answers when the test lets it."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.waiting: list[Deferred[Any]] = []

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """As interface.Commands."""
        assert args == (b"INCRBY", keys.SHORT_IDS, BLOCK)
        d: Deferred[Any] = Deferred()
        self.waiting.append(d)
        return d

    def answer(self) -> None:
        """Give a block away."""
        self.value += BLOCK
        self.waiting.pop(0).callback(self.value)

    def ids(self) -> ShortIds:
        """Somebody who takes blocks, and has the first."""
        short_ids = ShortIds(self.execute, lambda: b"\xee" * 16)
        short_ids.start()
        self.answer()
        return short_ids


def numbers(short_ids: ShortIds, count: int) -> list[int]:
    """The next so many."""
    return [int.from_bytes(short_ids.fresh()[:4], "big") for _ in range(count)]


def test_each_is_given_once() -> None:
    """By all nodes together, block after block; what follows the number is random."""
    counter = Counter()
    one, two = counter.ids(), counter.ids()
    assert one.fresh() == b"\0\0\0\0" + b"\xee" * 12
    got = numbers(one, BLOCK // 2) + numbers(two, BLOCK // 2)
    while counter.waiting:
        counter.answer()
    got += numbers(one, BLOCK) + numbers(two, BLOCK)
    assert len(got) == len(set(got))


def test_the_next_block_is_there_in_time() -> None:
    """Asked for, once, when half of one is left: nobody waits for it."""
    counter = Counter()
    short_ids = counter.ids()
    numbers(short_ids, BLOCK // 2 - 1)
    assert counter.waiting == []
    numbers(short_ids, 10)
    assert len(counter.waiting) == 1
    counter.answer()
    assert numbers(short_ids, BLOCK)[-1] == BLOCK + BLOCK // 2 + 8


def test_none_are_left(logged_failures: LoggedFailures) -> None:
    """A refusal that says "later"; it goes on as soon as the store gives again."""
    counter = Counter()
    short_ids = counter.ids()
    numbers(short_ids, BLOCK)
    for error in (StoreAway("away"), ZeroDivisionError("a bug")):
        with pytest.raises(Refusal) as refused:
            short_ids.fresh()
        assert refused.value.command_status == 0x08
        counter.waiting.pop(0).errback(error)
    assert len(logged_failures.flush(ZeroDivisionError)) == 1
    with pytest.raises(Refusal):
        short_ids.fresh()
    counter.answer()
    assert numbers(short_ids, 1) == [BLOCK]


def test_after_the_last_comes_the_first() -> None:
    """Four octets are all there is: what is that old has left the store."""
    short_ids = Counter(2**32 - BLOCK // 2).ids()
    got = numbers(short_ids, BLOCK)
    assert got[0] == 2**32 - BLOCK // 2
    assert got[-1] == BLOCK // 2 - 1
