"""Messages are found by what their customers were told, in every store alike."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, succeed

from luckgw.domain import ids
from luckgw.store import keys
from luckgw.store.interface import FLAG_MULTI, ID_FORM_SHIFT
from luckgw.store.memory import MemoryBackend, MemoryStore
from luckgw.store.messages import Messages
from luckgw.testing.store_contract import NOON_MS, Node, now
from tests.contracts.blocking_valkey import BlockingConnection, ValkeyUnderTest
from tests.store import reads
from tests.valkey_server import Valkey

MESSAGE = b"\x00\xc0\xff\xee" + b"\x44" * 12


class House:
    """A store, a node that writes to it, and who reads."""

    def __init__(
        self, store: Any, execute: Callable[..., "Deferred[Any]"], folder: Path
    ) -> None:
        self.node = Node(store, "gw1", folder)
        self.messages = Messages(execute)

    def keep(self, message_id: bytes, flags: int = 0) -> bytes:
        """A message of the account acme, with its name if it has one."""
        name = ids.alias_of(ids.written(message_id, flags >> ID_FORM_SHIFT & 3))
        if name is not None:
            self.node.journal.alias("acme", name, message_id, NOON_MS)
        self.node.start_accept(message_id, lambda _: None, flags=flags)
        self.node.turn()
        return message_id

    def find(self, told: str, account: str = "acme") -> list[bytes]:
        """The ids of what is found."""
        return [each for each, _ in now(self.messages.find(account, told))]


class Memory:
    """The store in memory, as the contract suite wants it."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def join(self, node: str) -> tuple[int, MemoryBackend]:
        """Begin a new epoch."""
        epoch = self.store.join(node)
        return epoch, MemoryBackend(self.store, node, epoch)

    def record(self, message_id: bytes) -> bytes | None:
        """A record."""
        return self.store.records.get(message_id)


@pytest.fixture(params=["memory", "valkey"])
def house(
    request: pytest.FixtureRequest, valkey: Valkey, tmp_path: Path
) -> Iterator[House]:
    """One of each."""
    if request.param == "memory":
        memory = Memory()
        yield House(
            memory, lambda *args: succeed(reads.run(memory.store, *args)), tmp_path
        )
        return
    connection = BlockingConnection(valkey.socket_path)
    yield House(ValkeyUnderTest(connection), connection.execute, tmp_path)
    connection.close()


@pytest.mark.parametrize("form", range(4))
def test_by_the_id_that_was_told(house: House, form: int) -> None:
    """In its own form, and always in full; by its own account alone."""
    house.keep(MESSAGE, form << ID_FORM_SHIFT)
    for told in (ids.written(MESSAGE, form), ids.to_text(MESSAGE)):
        assert house.find(told) == house.find(told.upper()) == [MESSAGE]
        assert house.find(told, "other") == []


@pytest.mark.parametrize("told", ["", "x", "00c0ffef", "1" * 20, "0" * 32])
def test_what_nobody_was_told(house: House, told: str) -> None:
    """Nothing."""
    house.keep(MESSAGE)
    assert house.find(told) == []
    assert house.find("00c0ffee") == []


@pytest.mark.parametrize("form", range(4))
def test_a_group(house: House, form: int) -> None:
    """Its members, in their order; a member alone by its own id."""
    group = ids.group_of(MESSAGE)
    flags = FLAG_MULTI | form << ID_FORM_SHIFT
    name = ids.alias_of(ids.written(group, form))
    members = [ids.members_of(group)[each] for each in (0, 2, 253)]
    for each in members:
        house.node.start_accept(each, lambda _: None, flags=flags)
    if name is not None:
        house.node.journal.alias("acme", name, group, NOON_MS)
    house.node.turn()
    assert house.find(ids.written(group, form)) == members
    assert house.find(ids.to_text(members[1])) == [members[1]]
    assert house.find(ids.to_text(group), "other") == []


def test_an_id_that_looks_like_a_groups(house: House) -> None:
    """One in 256 ends like that: it is itself, and its neighbours are none of its."""
    lonely = house.keep(MESSAGE[:-1] + b"\0")
    house.keep(MESSAGE[:-1] + b"\1")
    assert house.find(ids.to_text(lonely)) == [lonely]


def test_a_neighbour_is_no_member(house: House) -> None:
    """Only what came in a submit_multi belongs to a group."""
    house.keep(MESSAGE[:-1] + b"\1")
    assert house.find(ids.to_text(MESSAGE[:-1] + b"\0")) == []


def test_what_waits_for_an_upstream(house: House) -> None:
    """The newest in line, and what is due next; a bounded number of each."""
    ready = [house.node.accept(each) for each in range(1, 6)]
    later = [house.node.accept(10 + each, due_ms=NOON_MS + each) for each in range(5)]

    def queued(most: int) -> list[bytes]:
        return now(ensureDeferred(house.messages.queued("mtn", most)))

    assert queued(100) == ready + later
    assert queued(2) == ready[-2:] + later[:2]
    for message_id, waits in ((ready[0], False), (later[0], True)):
        found = house.messages.waits_delayed("mtn", message_id)
        assert now(ensureDeferred(found)) is waits
    assert now(ensureDeferred(house.messages.read([]))) == []


def test_a_name_goes_with_its_message(valkey: Valkey, tmp_path: Path) -> None:
    """It has a TTL, which is beyond the retention of what waits until its deadline."""
    connection = BlockingConnection(valkey.socket_path)
    house = House(ValkeyUnderTest(connection), connection.execute, tmp_path)
    house.node.journal.alias("acme", b"00c0ffee", MESSAGE, NOON_MS + 30 * 86_400_000)
    house.node.turn()
    ttl = now(connection.execute(b"TTL", keys.alias("acme", b"00c0ffee")))
    connection.close()
    assert 38 * 86_400 < ttl <= 39 * 86_400
