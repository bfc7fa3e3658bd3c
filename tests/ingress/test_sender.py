"""The pipeline and the store as the HTTP API sees them."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from luckgw.domain.errors import Refusal
from luckgw.domain.ids import to_text
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.ingress.ports import Accepted, MessageStatus
from luckgw.ingress.sender import Reader, Sender
from luckgw.store.messages import Messages
from tests.dispatch.world import NOON_MS
from tests.pipeline.test_text import ACME, House


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node that takes texts in."""
    return House(clock, tmp_path)


def outcome(d: "Deferred[Any]") -> Any:
    """What a Deferred fired with; None when it has not."""
    found: list[Any] = []
    d.addBoth(found.append)
    return found[0] if found else None


class TestSender:
    def send(self, house: House, destination: str = "+233501234567") -> Any:
        """What came of a text, when the store has had its say."""
        d = Sender(house.send_text).send_text(ACME, "Luck", destination, "Hello")
        assert not (d.called and destination == "+233501234567")
        house.node.turn()
        return outcome(d)

    def test_kept(self, house: House) -> None:
        """It fires with the id, once the message is durable."""
        assert self.send(house) == Accepted(to_text(b"\0" * 15 + b"\1"), 1, "gsm7")

    def test_refused(self, house: House) -> None:
        """It fails with the refusal."""
        failure = self.send(house, "0501")
        assert isinstance(failure, Failure)
        assert isinstance(failure.value, Refusal)
        assert failure.value.command_status == Status.ESME_RINVDSTADR

    def test_not_confirmed(self, house: House) -> None:
        """It fails as a system error when the store did not confirm."""
        d = Sender(house.send_text).send_text(ACME, "Luck", "+233501234567", "Hello")
        house.node.lose()
        failure = outcome(d)
        assert isinstance(failure.value, Refusal)
        assert failure.value.http_status == 503


UNKNOWN = to_text(b"x" * 16)


def reader(house: House) -> Reader:
    """Reads what the house has kept."""
    return Reader(Messages(house.node.execute), lambda: NOON_MS)


class TestReader:
    def test_a_message(self, house: House) -> None:
        """Its state and since when, its account and addresses."""
        kept = house.send()
        assert kept is not None
        found = outcome(reader(house).status("acme", kept.message_id))
        assert found == MessageStatus(
            message_id=kept.message_id,
            account="acme",
            state=State.ACCEPTED,
            updated_ms=NOON_MS,
            source="Luck",
            destination="233501234567",
        )

    def test_none(self, house: House) -> None:
        """None for an id that nobody gave out."""
        assert outcome(reader(house).status("acme", UNKNOWN)) is None

    def test_the_store_is_away(self, house: House) -> None:
        """A refusal that asks to try again."""
        house.node.lose()
        failure = outcome(reader(house).status("acme", UNKNOWN))
        assert isinstance(failure.value, Refusal)
        assert failure.value.http_status == 503
