"""A real Valkey server, under the script, keeps the promises of a store."""

from collections.abc import Callable, Iterator

import pytest

from luckgw.domain.states import State
from luckgw.store import keys
from luckgw.store.interface import FLAG_WEBHOOK
from luckgw.store.journal import Backend
from luckgw.testing.inbound_contract import InboundContract
from luckgw.testing.store_contract import (
    NOON_MS,
    QUEUE,
    UPSTREAM,
    Node,
    Repeating,
    StoreContract,
)
from tests.conftest import LoggedFailures
from tests.contracts.blocking_valkey import BlockingConnection, ValkeyUnderTest
from tests.valkey_server import Valkey


class RepeatedValkeyUnderTest(ValkeyUnderTest):
    """The same, with each batch sent twice."""

    def join(self, node: str) -> tuple[int, Backend]:
        """Begin a new epoch of a node."""
        epoch, backend = super().join(node)
        return epoch, Repeating(backend)


@pytest.fixture
def connection(valkey: Valkey) -> Iterator[BlockingConnection]:
    """A link to an empty server."""
    connection = BlockingConnection(valkey.socket_path)
    yield connection
    connection.close()


class TestValkeyStore(StoreContract, InboundContract):
    @pytest.fixture
    def store(self, connection: BlockingConnection) -> ValkeyUnderTest:
        """An empty server."""
        return ValkeyUnderTest(connection)

    @pytest.fixture
    def forgive(self, logged_failures: LoggedFailures) -> Callable[[], object]:
        """Forgives what was logged."""
        return logged_failures.flush

    def test_nothing_promised_depends_on_a_ttl(
        self, store: ValkeyUnderTest, node: Node
    ) -> None:
        """Only what a carrier's id stands for expires by itself, days after the rule:
        seven days of retention, three of parking, two more for a clock that steps.
        """
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        delayed = node.accept(2, flags=FLAG_WEBHOOK)
        node.claim()
        node.retry(delayed, due_ms=NOON_MS)
        node.claim()
        node.finish(delayed, State.FAILED)
        node.receipt(b"unknown", State.SENT)
        expiring = {
            key: round(store.command("PTTL", key) / 86_400_000)
            for key in store.command("KEYS", "*")
            if store.command("PTTL", key) != -1
        }
        assert expiring == {
            keys.carrier_id(UPSTREAM, b"c1"): 7 + 2,
            keys.carrier_id(UPSTREAM, b"unknown"): 3 + 2,
        }

    def test_what_is_parked_can_be_found(
        self, store: ValkeyUnderTest, node: Node
    ) -> None:
        """Parked receipts are listed by the time at which they came, till matched."""
        parked = keys.parked(UPSTREAM)
        node.receipt(b"c1", State.SENT)
        node.now_ms += 5
        node.receipt(b"c1", State.DELIVERED)
        key = keys.carrier_id(UPSTREAM, b"c1")
        assert store.command("ZRANGE", parked, 0, -1, "WITHSCORES") == [
            key,
            b"%d" % (NOON_MS + 5),
        ]
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        assert store.command("EXISTS", parked) == 0

    def test_claims_can_be_found(self, store: ValkeyUnderTest, node: Node) -> None:
        """Who takes over finds each claim set by name until it is empty."""
        node.accept(1)
        node.claim()
        claims = node.queue().claims
        assert store.command("SMEMBERS", keys.CLAIMS) == [claims]
        assert keys.parse_claims(claims) == (QUEUE, node.name, node.epoch)
        while node.take_over(node.queue()):
            pass
        assert store.command("SMEMBERS", keys.CLAIMS) == []


class TestValkeyStoreThatHearsAllTwice(TestValkeyStore):
    @pytest.fixture
    def store(self, connection: BlockingConnection) -> ValkeyUnderTest:
        """An empty server to which every batch is repeated."""
        return RepeatedValkeyUnderTest(connection)
