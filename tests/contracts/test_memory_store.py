"""The store in memory keeps the promises of a store."""

from collections.abc import Callable

import pytest

from luckgw.store.journal import Backend
from luckgw.store.memory import MemoryBackend, MemoryStore
from luckgw.testing.inbound_contract import InboundContract
from luckgw.testing.store_contract import Repeating, StoreContract, StoreUnderTest
from tests.conftest import LoggedFailures


class MemoryUnderTest:
    """A MemoryStore as the contract suite wants it."""

    def __init__(self) -> None:
        self.kept = MemoryStore()

    def join(self, node: str) -> tuple[int, Backend]:
        """Begin a new epoch of a node."""
        epoch = self.kept.join(node)
        return epoch, MemoryBackend(self.kept, node, epoch)

    def record(self, message_id: bytes) -> bytes | None:
        """The record of a message."""
        return self.kept.records.get(message_id)


class RepeatedMemoryUnderTest(MemoryUnderTest):
    """The same, with each batch sent twice."""

    def join(self, node: str) -> tuple[int, Backend]:
        """Begin a new epoch of a node."""
        epoch, backend = super().join(node)
        return epoch, Repeating(backend)


class TestMemoryStore(StoreContract, InboundContract):
    @pytest.fixture
    def store(self) -> StoreUnderTest:
        """An empty store."""
        return MemoryUnderTest()

    @pytest.fixture
    def forgive(self, logged_failures: LoggedFailures) -> Callable[[], object]:
        """Forgives what was logged."""
        return logged_failures.flush


class TestMemoryStoreThatHearsAllTwice(TestMemoryStore):
    @pytest.fixture
    def store(self) -> StoreUnderTest:
        """An empty store to which every batch is repeated."""
        return RepeatedMemoryUnderTest()
