"""Every PDU of a partner, against a real gateway and a real carrier."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from luckgw.wire.pdus import Command, Sm, Tag, encode_data_sm, encode_sm
from tests.journeys.esme import Esme
from tests.journeys.house import House, until
from tests.wire.peers import Pdu

C = Command
SOURCE = b"\5\0LuckCreators\0"
TO = b"233501234567"
NO_RECEIPT = b"233501230010"
"""To this number the sandbox takes a message and says no more."""
FIELDS: dict[str, Any] = {
    "source_addr_ton": 5,
    "source_addr": b"LuckCreators",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": TO,
    "registered_delivery": 1,
}

Bind = Callable[..., Esme]


@pytest.fixture
def bind(house: House) -> Iterator[Bind]:
    """Binds partners to the gateway; they leave after the test."""
    partners: list[Esme] = []

    def bind(**given: int) -> Esme:
        partners.append(Esme(house.smpp_port, **given))
        assert partners[-1].bound.command_status == 0
        return partners[-1]

    yield bind
    for partner in partners:
        partner.close()


def told(answer: Pdu) -> str:
    """The id in a positive answer."""
    assert answer.command_status == 0
    return answer.body.split(b"\0", 1)[0].decode()


def submit(esme: Esme, text: bytes = b"Hello", **fields: Any) -> str:
    """Send a message; its id."""
    body = encode_sm(**(FIELDS | {"short_message": text} | fields))
    return told(esme.ask(C.SUBMIT_SM, body))


def query(esme: Esme, message_id: str) -> tuple[bytes, int]:
    """The final_date and message_state of a message."""
    answer = esme.ask(C.QUERY_SM, message_id.encode() + b"\0" + SOURCE)
    asked, date, rest = answer.body.split(b"\0", 2)
    assert asked.decode() == message_id
    return date, rest[0]


def cancel(esme: Esme, message_id: str) -> int:
    """The status that cancel_sm gets."""
    body = b"\0" + message_id.encode() + b"\0" + SOURCE + b"\0\0\0"
    return esme.ask(C.CANCEL_SM, body).command_status


def replace(esme: Esme, message_id: str, text: bytes) -> int:
    """The status that replace_sm gets."""
    tail = b"\0\0\1\0" + bytes((len(text),)) + text
    body = message_id.encode() + b"\0" + SOURCE + tail
    return esme.ask(C.REPLACE_SM, body).command_status


def said(receipt: Sm, name: str) -> str:
    """A field of a receipt's text."""
    found = re.search(rf"{name}:(\S+)", receipt.short_message.decode())
    assert found is not None
    return found[1]


def carrier_goes(house: House) -> dict[str, Any]:
    """The carrier is away, and the gateway knows."""
    counts = house.carrier.stop()
    until(
        lambda: "no upstream" in house.luckgw("status").stdout,
        10,
        "the gateway misses its carrier",
    )
    return counts


def test_query(house: House, bind: Bind) -> None:
    """A message that was sent, one that was delivered, and one that nobody knows."""
    esme = bind()
    sent = submit(esme, destination_addr=NO_RECEIPT)
    house.wait_status(sent, "SENT")
    assert query(esme, sent) == (b"", 1)
    delivered = submit(esme)
    esme.wait_receipts(1)
    date, state = query(esme, delivered)
    assert state == 2
    assert re.fullmatch(rb"\d{12}000\+", date)
    assert cancel(esme, delivered) == 0x11
    assert replace(esme, delivered, b"too late") == 0x13
    unknown = esme.ask(C.QUERY_SM, b"1\0" + SOURCE)
    assert (unknown.command_status, unknown.body) == (0x0C, b"")


def test_cancel_and_replace_while_the_carrier_is_down(house: House, bind: Bind) -> None:
    """What waits is cancelled, with a receipt, or replaced; then the carrier comes, and
    gets the one that is left, as it is now.
    """
    esme = bind()
    assert carrier_goes(house)["submitted"] == 0
    unwanted, wanted = submit(esme, b"unwanted"), submit(esme, b"old text")
    assert query(esme, unwanted) == (b"", 1)
    assert cancel(esme, unwanted) == 0
    [receipt] = esme.wait_receipts(1)
    assert (said(receipt, "id"), said(receipt, "stat")) == (unwanted, "DELETED")
    assert house.status(unwanted) == "CANCELED"
    assert query(esme, unwanted)[1] == 4
    assert replace(esme, unwanted, b"x") == 0x13
    assert replace(esme, wanted, b"new") == 0
    house.carrier.start()
    [receipt] = esme.wait_receipts(1)
    assert (said(receipt, "id"), said(receipt, "stat")) == (wanted, "DELIVRD")
    assert said(receipt, "text") == "new"
    assert house.carrier.stop()["submitted"] == 1


def test_cancel_by_addresses(house: House, bind: Bind) -> None:
    """Without an id: what waits from here to there."""
    esme = bind()
    carrier_goes(house)
    ids = [submit(esme) for _ in range(3)]
    other = submit(esme, destination_addr=NO_RECEIPT)
    body = b"\0\0" + SOURCE + b"\1\1" + TO + b"\0"
    assert esme.ask(C.CANCEL_SM, body).command_status == 0
    assert [house.status(each) for each in ids] == ["CANCELED"] * 3
    assert house.status(other) == "ACCEPTED"
    assert esme.ask(C.CANCEL_SM, body).command_status == 0x11


def test_submit_multi(house: House, bind: Bind) -> None:
    """Two get it, one can not: one id, two receipts, one line in the list."""
    esme = bind()
    destinations = [TO, b"junk", b"233501234568"]
    addresses = b"".join(b"\1\1\1" + each + b"\0" for each in destinations)
    rest = b"\0\0\0\0\0\1\0\0\0\5Hello"
    answer = esme.ask(C.SUBMIT_MULTI, b"\0" + SOURCE + b"\3" + addresses + rest)
    group = told(answer)
    assert answer.body.split(b"\0", 1)[1] == b"\1\1\1junk\0\0\0\0\x0b"
    receipts = esme.wait_receipts(2)
    assert {said(each, "id") for each in receipts} == {group}
    assert {each.source_addr for each in receipts} == {TO, b"233501234568"}
    assert house.status(group) == "DELIVERED"
    assert query(esme, group)[1] == 2


def test_data_sm(house: House, bind: Bind) -> None:
    """It is sent like a submit_sm, and its receipt comes."""
    esme = bind()
    body = encode_data_sm(**FIELDS, tlvs={Tag.MESSAGE_PAYLOAD: b"by data_sm"})
    message_id = told(esme.ask(C.DATA_SM, body))
    [receipt] = esme.wait_receipts(1)
    assert said(receipt, "id") == message_id
    assert receipt.short_message.endswith(b"text:by data_sm")
    assert house.status(message_id) == "DELIVERED"


def test_a_v33_partner(house: House, bind: Bind) -> None:
    """Short ids and no TLV, from the bind to the receipt; HTTP knows the id, too."""
    esme = bind(version=0x33)
    assert esme.bound.body == b"luckgw\0"
    ids = [submit(esme), submit(esme)]
    assert all(re.fullmatch("[0-9a-f]{8}", each) for each in ids)
    receipts = esme.wait_receipts(2)
    assert {said(each, "id") for each in receipts} == {*ids}
    assert [each.tlvs for each in receipts] == [None, None]
    assert query(esme, ids[0])[1] == 2
    assert house.status(ids[0].upper()) == "DELIVERED"


def test_a_scheduled_message(house: House, bind: Bind) -> None:
    """Held until its time, then sent; one whose time never comes is cancelled."""
    esme = bind()
    soon = submit(esme, schedule_delivery_time=b"000000000003000R")
    later = submit(esme, schedule_delivery_time=b"000001000000000R")
    assert house.status(soon) == house.status(later) == "SCHEDULED"
    assert query(esme, soon) == (b"", 1)
    assert cancel(esme, later) == 0
    [receipt] = esme.wait_receipts(1)
    assert (said(receipt, "id"), said(receipt, "stat")) == (later, "DELETED")
    [receipt] = esme.wait_receipts(1)
    assert (said(receipt, "id"), said(receipt, "stat")) == (soon, "DELIVRD")
    assert house.status(later) == "CANCELED"
    assert house.carrier.stop()["submitted"] == 1
