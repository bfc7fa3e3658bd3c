"""A carrier delivers something: what it is answered, and what becomes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from luckgw.config import model
from luckgw.config.model import Upstream
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.pipeline.receipt import Receipts
from luckgw.store import keys
from luckgw.store.interface import FLAG_WEBHOOK
from luckgw.store.memory import MemoryStore
from luckgw.wire.pdus import Command, Sm, decode_sm, encode_sm
from tests.dispatch.world import ACCOUNT, UPSTREAM, Node, upstream_config

RECEIPT = 0x04
AGAIN = int(Status.ESME_RX_T_APPN)
DELIVERED = (
    b"id:c1 sub:001 dlvrd:001 submit date:2701151200 done date:2701151201"
    b" stat:%b err:000 text:"
)


class House:
    """A node and what it does with a carrier's deliver_sm."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.store = MemoryStore()
        self.node = Node(clock, self.store, folder)
        self.woken: list[str] = []
        self.phones: list[bytes] = []
        self.receipts = Receipts(self.node.journal, self.woken.append, self._inbox)
        self.answers: list[int] = []
        self.rules: dict[str, Any] = {}
        """[upstreams.mtn.receipts]"""

    def _inbox(self, _upstream: Upstream, sm: Sm, reply: Callable[[int], None]) -> None:
        self.phones.append(sm.payload)
        reply(0)

    def deliver(
        self,
        text: bytes = DELIVERED % b"DELIVRD",
        esm_class: int = RECEIPT,
        tlvs: dict[int, bytes] | None = None,
        **config: Any,
    ) -> list[int]:
        """A deliver_sm comes; all answers that were given by now."""
        body = encode_sm(
            source_addr=b"233501234567",
            destination_addr=b"Luck",
            esm_class=esm_class,
            short_message=text,
            tlvs=tlvs,
        )
        sm = decode_sm(body, Command.DELIVER_SM)
        config = {"dlr_id": "text", **config}
        if self.rules:
            config["receipts"] = model.ReceiptRules(**self.rules)
        self.receipts.received(upstream_config(**config), sm, self.answers.append)
        self.node.turn()
        return self.answers

    def sent(self, carrier_id: bytes = b"c1", flags: int = 0) -> bytes:
        """A message that the carrier has taken under this id."""
        message_id = self.node.accept(flags=flags)
        queue = self.node.journal.queue(keys.upstream_queue(UPSTREAM))
        self.node.journal.claim(queue, 1, lambda _: None)
        self.node.journal.sent(
            queue,
            message_id,
            0,
            UPSTREAM,
            carrier_id,
            carrier_id,
            last=True,
            webhook=b"",
            done=lambda *_: None,
        )
        self.node.turn()
        return message_id

    def counted(self, **expected: int) -> bool:
        """Whether so many were counted, and nothing else."""
        counters = self.receipts.counters
        found = {name: getattr(counters, name) for name in type(counters).__slots__}
        return {name: n for name, n in found.items() if n} == expected


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node that hears a carrier."""
    return House(clock, tmp_path)


class TestReceipts:
    def test_it_finds_its_message(self, house: House) -> None:
        """The state is kept with what the carrier wrote; then ROK; then the account is
        woken if it has something to hear.
        """
        message_id = house.sent(flags=FLAG_WEBHOOK)
        assert house.deliver() == [0]
        assert house.node.state(message_id) is State.DELIVERED
        tail = house.node.record(message_id).events[-1].tail
        assert tail == b"mtn\0DELIVRD\x00000\x002701151201"
        assert house.woken == [ACCOUNT]
        assert house.counted(applied=1)

    def test_nobody_is_woken_for_nothing(self, house: House) -> None:
        """An account that asked for nothing is left alone."""
        house.sent()
        house.deliver()
        assert house.woken == []

    def test_not_before_it_is_durable(self, house: House) -> None:
        """The carrier is answered once the store has confirmed."""
        house.sent()
        house.node.link.is_slow = True
        assert house.deliver() == []
        house.node.link.release()
        assert house.answers == [0]

    def test_twice(self, house: House) -> None:
        """A duplicate is answered as well as the first, and changes nothing."""
        message_id = house.sent()
        house.deliver()
        assert house.deliver() == [0, 0]
        assert house.node.kinds(message_id) == [State.SENT, State.DELIVERED]
        assert house.counted(applied=1, repeated=1)

    def test_before_its_message(self, house: House) -> None:
        """It is kept, and answered; the message finds it."""
        assert house.deliver() == [0]
        assert house.counted(parked=1)
        assert house.node.state(house.sent()) is State.DELIVERED

    def test_after_its_message_has_left(self, house: House) -> None:
        """Nobody needs it any more; the carrier need not keep it."""
        message_id = house.sent()
        del house.store.records[message_id]
        assert house.deliver() == [0]
        assert house.counted(gone=1)

    def test_the_store_is_away(self, house: House) -> None:
        """The carrier is asked to send it again, once waiting makes no sense."""
        house.sent()
        house.node.lose()
        assert house.deliver() == []
        house.node.wait(26)
        assert house.answers == [AGAIN]
        assert house.counted()

    def test_ids_in_the_carriers_own_form(self, house: House) -> None:
        """dlr_id says how the id is to be read."""
        message_id = house.sent(b"255")
        text = (DELIVERED % b"DELIVRD").replace(b"id:c1", b"id:00FF")
        house.deliver(text, dlr_id="hex")
        assert house.node.state(message_id) is State.DELIVERED

    @pytest.mark.parametrize("stat", [b"DELIVRD", b"UNDELIV", b"UNKNOWN"])
    def test_an_intermediate_notification(self, house: House, stat: bytes) -> None:
        """It is answered, and settles nothing, whatever it says."""
        message_id = house.sent()
        assert house.deliver(DELIVERED % stat, esm_class=0x20) == [0]
        assert house.node.state(message_id) is State.SENT
        house.deliver()
        assert house.node.state(message_id) is State.DELIVERED

    def test_an_endless_stat(self, house: House) -> None:
        """What else the carrier says is kept all the same."""
        message_id = house.sent()
        text = (DELIVERED % (b"X" * 230)).replace(b"err:000", b"err:027")
        house.deliver(b"", tlvs={0x0424: text, 0x0427: b"\5"})
        assert house.node.state(message_id) is State.UNDELIVERED
        parts = house.node.record(message_id).events[-1].tail.split(b"\0")
        assert parts == [b"mtn", b"X" * 16, b"027", b"2701151201"]

    @pytest.mark.parametrize("text", [b"sub:001 dlvrd:001 stat:DELIVRD", b"", b"Hello"])
    def test_without_an_id(self, house: House, text: bytes) -> None:
        """It can never be matched: taken and counted, or it would come for ever."""
        assert house.deliver(text) == [0]
        assert house.counted(nameless=1)
        assert house.store.carrier_ids == {}


class TestWhatOnlyLooksLikeReceipts:
    """esm_class says "message", the text says "receipt" (spec/features 2.5)."""

    def test_its_id_is_known(self, house: House) -> None:
        """Then it is the receipt."""
        message_id = house.sent()
        assert house.deliver(esm_class=0) == [0]
        assert house.node.state(message_id) is State.DELIVERED

    @pytest.mark.parametrize(
        ("text", "tlvs"),
        [
            (DELIVERED % b"DELIVRD", None),
            (b"id:x stat:x", None),
            (b"Hello", {0x001E: b"\0"}),
        ],
    )
    def test_its_id_is_not_known(
        self, house: House, text: bytes, tlvs: dict[int, bytes] | None
    ) -> None:
        """The carrier is asked once to bring it again; then a phone wrote it, and
        nothing waits for a message that does not exist.
        """
        first, *_ = house.deliver(text, esm_class=0, tlvs=tlvs)
        if first == AGAIN:
            assert not house.phones
            house.deliver(text, esm_class=0, tlvs=tlvs)
        assert house.phones == [text]
        assert house.counted(messages=1)
        assert house.store.carrier_ids == {}

    def test_a_receipted_message_id(self, house: House) -> None:
        """A phone writes none: it waits for its message, however it is marked."""
        assert house.deliver(b"Hello", 0, {0x001E: b"c1\0", 0x0427: b"\2"}) == [0]
        assert house.counted(parked=1)
        assert house.node.state(house.sent()) is State.DELIVERED

    def test_it_comes_again_when_the_id_is_known(self, house: House) -> None:
        """One that was too early is told to come again, and then counts."""
        assert house.deliver(esm_class=0) == [AGAIN]
        message_id = house.sent()
        assert house.node.state(message_id) is State.SENT
        assert house.deliver(esm_class=0) == [AGAIN, 0]
        assert house.node.state(message_id) is State.DELIVERED


@pytest.mark.parametrize("esm_class", [0x00, 0x40, 0x08, 0x10])
def test_messages_from_phones(house: House, esm_class: int) -> None:
    """They go to the inbox, which answers the carrier."""
    assert house.deliver(b"Hello", esm_class=esm_class) == [0]
    assert house.phones == [b"Hello"]
    assert house.counted(messages=1)


class TestVocabulary:
    """[upstreams.NAME.receipts] states."""

    @pytest.mark.parametrize(
        ("stat", "state"),
        [
            (b"ACCEPTD", State.DELIVERED),
            (b"GONE", State.REJECTED),
            (b"UNDELIV", State.UNDELIVERED),
            (b"BLIST", State.REJECTED),
        ],
    )
    def test_words_of_a_carrier(self, house: House, stat: bytes, state: State) -> None:
        """They mean what is configured, the others what they mean everywhere."""
        house.rules = {"states": {"acceptd": "DELIVERED", "Gone": "REJECTED"}}
        message_id = house.sent()
        house.deliver(DELIVERED % stat)
        assert house.node.state(message_id) is state
        tail = house.node.record(message_id).events[-1].tail
        assert tail.split(b"\0")[1] == stat
        assert house.counted(applied=1)

    def test_the_tlv_follows_its_word(self, house: House) -> None:
        """message_state 6 is ACCEPTD."""
        house.rules = {"states": {"ACCEPTD": "DELIVERED"}}
        message_id = house.sent()
        house.deliver(DELIVERED % b"x", tlvs={0x0427: b"\6"})
        assert house.node.state(message_id) is State.DELIVERED

    def test_a_word_that_nobody_knows(self, house: House) -> None:
        """UNKNOWN for now, with the word; and counted, so that it can be configured."""
        message_id = house.sent()
        house.deliver(DELIVERED % b"ODDWORD")
        assert house.node.state(message_id) is State.UNKNOWN
        assert house.counted(applied=1, unknown_words=1)
        house.deliver(DELIVERED % b"UNKNOWN")
        assert house.receipts.counters.unknown_words == 1


class TestUnmarked:
    """[upstreams.NAME.receipts] unmarked: esm_class 0, and it reads like a receipt."""

    def test_by_text(self, house: House) -> None:
        """It is one, and waits for its message like any other."""
        house.rules = {"unmarked": "by-text"}
        assert house.deliver(esm_class=0) == [0]
        assert house.node.state(house.sent()) is State.DELIVERED

    def test_no(self, house: House) -> None:
        """It never is, whatever its id."""
        house.rules = {"unmarked": "no"}
        message_id = house.sent()
        assert house.deliver(esm_class=0) == [0]
        assert house.counted(messages=1)
        assert house.node.state(message_id) is State.SENT
        assert house.deliver() == [0, 0]
        assert house.node.state(message_id) is State.DELIVERED


@pytest.mark.parametrize("esm_class", [0x00, 0x08, 0x10])
def test_who_takes_messages_from_phones(house: House, esm_class: int) -> None:
    """Whoever was named gets them, and sees to the answer."""
    taken: list[tuple[str, bytes]] = []

    def take(upstream: model.Upstream, sm: Any, reply: Any) -> None:
        taken.append((upstream.name, sm.payload))
        reply(0)

    house.receipts = Receipts(house.node.journal, house.woken.append, take)
    assert house.deliver(b"Hello", esm_class=esm_class) == [0]
    assert taken == [(UPSTREAM, b"Hello")]
    assert house.counted(messages=1)


@pytest.mark.parametrize("date", ["2701151201", "270115120133", "20270115120133"])
def test_dates_and_missing_fields(house: House, date: str) -> None:
    """Dates of 10, 12 and 14 digits, in any order, with half the fields missing."""
    message_id = house.sent()
    house.deliver(f"stat:UNDELIV done date:{date} ID:C1".encode())
    tail = house.node.record(message_id).events[-1].tail
    assert tail == f"mtn\0UNDELIV\0\0{date}".encode()
