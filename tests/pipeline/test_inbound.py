"""A carrier brings a phone's message: kept, then acknowledged."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock

from luckgw.config.model import UpstreamMo
from luckgw.domain.status import Status
from luckgw.pipeline.inbound import Inbox
from luckgw.store import keys, records
from luckgw.store.memory import MemoryStore
from luckgw.wire.pdus import Command, decode_sm, encode_data_sm, encode_sm
from tests.dispatch.world import Node, upstream_config

AGAIN = int(Status.ESME_RX_T_APPN)


class House:
    """A node and its inbox."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.store = MemoryStore()
        self.node = Node(clock, self.store, folder)
        self.is_full = False
        self.woken = 0
        self._ids = 0
        self.answers: list[int] = []
        self.inbox = Inbox(self.node.journal, self, self._fresh_id, self._wake)

    def _fresh_id(self) -> bytes:
        self._ids += 1
        return self._ids.to_bytes(16, "big")

    def _wake(self) -> None:
        self.woken += 1

    def deliver(
        self,
        text: bytes = b"Hello",
        *,
        upstream: str = "mtn",
        data_sm: bool = False,
        mo: UpstreamMo = UpstreamMo(),  # noqa: B008 - it is frozen
        **fields: Any,
    ) -> int | None:
        """A deliver_sm comes: the answer, None if there is none yet."""
        before = len(self.answers)
        given: dict[str, Any] = {
            "source_addr": b"233501234567",
            "destination_addr": b"4040",
            **fields,
        }
        if data_sm:
            body = encode_data_sm(**given, tlvs={0x0424: text})
            sm = decode_sm(body, Command.DATA_SM, from_smsc=True)
        else:
            body = encode_sm(**given, short_message=text)
            sm = decode_sm(body, Command.DELIVER_SM)
        config = attrs.evolve(upstream_config(), name=upstream, mo=mo)
        self.inbox.received(config, sm, self.answers.append)
        self.node.turn()
        return self.answers[-1] if len(self.answers) > before else None

    @property
    def kept(self) -> list[list[bytes]]:
        """Of each message that waits, the deliver_sm bodies."""
        ids = self.node.queued(keys.INBOUND)
        found = [records.read_inbound(self.store.records[each])[2] for each in ids]
        return [[body for _, _, body in bodies] for bodies in found]


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node."""
    return House(clock, tmp_path)


def test_it_is_kept_as_it_came_and_then_acknowledged(house: House) -> None:
    """No positive answer before the store has confirmed."""
    house.node.link.is_slow = True
    assert house.deliver(data_coding=3, protocol_id=5) is None
    house.node.link.release()
    house.node.turn()
    assert house.answers == [0]
    ((body,),) = house.kept
    sm = decode_sm(body, Command.DELIVER_SM)
    assert (sm.short_message, sm.data_coding, sm.protocol_id) == (b"Hello", 3, 5)
    assert house.woken == 1


def test_a_data_sm_is_kept_as_a_deliver_sm(house: House) -> None:
    """With its payload."""
    assert house.deliver(data_sm=True) == 0
    ((body,),) = house.kept
    assert decode_sm(body, Command.DELIVER_SM).payload == b"Hello"


def test_the_store_is_away(house: House) -> None:
    """ESME_RX_T_APPN, after as long as a receipt waits; nothing is kept here."""
    house.node.lose()
    assert house.deliver() is None
    house.node.wait(26)
    assert house.answers == [AGAIN]
    assert house.deliver() == AGAIN
    house.node.open()
    assert house.kept == []
    assert house.deliver() == 0
    assert house.inbox.counters.put_off == 2


def test_a_lost_answer_makes_no_second_message(house: House) -> None:
    """The carrier is told to come again, and what was kept is recognised."""
    house.node.link.is_cut = house.node.link.loses_answers = True
    assert house.deliver() is None
    house.node.journal.lost()
    house.node.wait(26)
    assert house.answers == [AGAIN]
    house.node.open()
    assert house.deliver() == 0
    assert len(house.kept) == 1
    assert house.inbox.counters.repeated == 1


def test_a_full_store_takes_nothing(house: House) -> None:
    """The carrier keeps it."""
    house.is_full = True
    assert house.deliver() == AGAIN
    house.is_full = False
    assert house.deliver() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"text": b"Hallo"},
        {"source_addr": b"233501234568"},
        {"destination_addr": b"4041"},
        {"data_coding": 8},
        {"esm_class": 8},
        {"upstream": "voda"},
        {"tlvs": {0x0204: b"\0\2"}},
    ],
)
def test_what_makes_it_another_message(house: House, change: dict[str, Any]) -> None:
    """Any of these; without a difference it is the first one come again."""
    assert house.deliver() == house.deliver() == 0
    assert len(house.kept) == 1
    assert house.deliver(**change) == 0
    assert len(house.kept) == 2


def test_parts_join_over_carriers(house: House) -> None:
    """By source, destination, reference and total."""
    head = b"\5\0\3\7\2"
    house.deliver(head + b"\2b", esm_class=0x40, upstream="voda")
    assert house.kept == []
    house.deliver(head + b"\2b", esm_class=0x40, upstream="mtn")
    house.deliver(head + b"\1a", esm_class=0x40, source_addr=b"1")
    house.deliver(head + b"\1a", esm_class=0x40)
    ((first, second),) = house.kept
    texts = [
        decode_sm(each, Command.DELIVER_SM).short_message for each in (first, second)
    ]
    assert texts == [head + b"\1a", head + b"\2b"]
    assert house.inbox.counters.repeated == 1


def test_one_of_one_is_whole(house: House) -> None:
    """It need not wait for anything."""
    house.deliver(b"\5\0\3\7\1\1x", esm_class=0x40)
    assert len(house.kept) == 1


@pytest.mark.parametrize(
    ("ton", "address", "ton_after", "after"),
    [
        (0, b"0501234567", 1, b"233501234567"),
        (2, b"501234567", 1, b"233501234567"),
        (0, b"00233501234567", 1, b"233501234567"),
        (1, b"0501234567", 1, b"0501234567"),
        (0, b"4040", 0, b"4040"),
        (5, b"Bank", 5, b"Bank"),
    ],
)
def test_numbers_in_local_form(
    house: House, ton: int, address: bytes, ton_after: int, after: bytes
) -> None:
    """Where the carrier's country is known they are written in full."""
    house.deliver(
        source_addr=address, source_addr_ton=ton, mo=UpstreamMo(country="233")
    )
    ((body,),) = house.kept
    sm = decode_sm(body, Command.DELIVER_SM)
    assert (sm.source_addr_ton, sm.source_addr) == (ton_after, after)


def test_what_can_not_be_kept_is_refused_for_good(house: House) -> None:
    """To have it repeated would help nobody."""
    assert house.deliver(data_sm=True, source_addr=b"1" * 30) == Status.ESME_RX_R_APPN
    assert house.deliver(b"x" * 60_000, data_sm=True) == Status.ESME_RX_R_APPN
    assert house.kept == []
    assert house.inbox.counters.refused == 2
