"""What a submission becomes: data_sm, submit_multi, schedules, forms of ids, v3.3."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from luckgw.admission.smpp_time import absolute_time, relative_time, smpp_time_ms
from luckgw.domain import ids
from luckgw.domain.states import State
from luckgw.ingress.ports import MessageStatus
from luckgw.ingress.sender import Reader
from luckgw.ingress.smpp_bodies import without_tlvs
from luckgw.pipeline.submit import no_short_id
from luckgw.store import keys
from luckgw.store.interface import FLAG_DELIVER_SM, FLAG_MULTI, told_id
from luckgw.store.messages import Messages
from luckgw.wire.pdus import Command, Tag, decode_sm, encode_data_sm, encode_sm
from tests.ingress.smpp_wire import (
    UPSTREAM,
    WALL_MS,
    Gateway,
    account,
    statuses,
    submit,
)
from tests.wire.peers import Pdu

C = Command
DAY_MS = 86_400_000
QUEUE = keys.upstream_queue(UPSTREAM)


@pytest.fixture
def gateway(clock: Clock, tmp_path: Path) -> Gateway:
    """A gateway with the account "acme"."""
    return Gateway(clock, tmp_path)


def data_body(**fields: Any) -> bytes:
    """A usual data_sm; fields that matter are given."""
    usual: dict[str, Any] = {
        "source_addr_ton": 5,
        "source_addr": b"Luck",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": b"233501234567",
        "registered_delivery": 1,
        "tlvs": {Tag.MESSAGE_PAYLOAD: b"Hello"},
    }
    return encode_data_sm(**(usual | fields))


def only(gateway: Gateway) -> Any:
    """The submit_sm that the carrier gets of the one message there is."""
    [record] = gateway.store.records.values()
    [body] = record.bodies
    return decode_sm(body)


class TestDataSm:
    def test_it_becomes_a_submit_sm(self, gateway: Gateway) -> None:
        """Its content, addresses and TLVs; the answer is a data_sm_resp with the id."""
        far = gateway.bound()
        tlvs = {Tag.MESSAGE_PAYLOAD: b"Hello", Tag.USER_MESSAGE_REFERENCE: b"\0\7"}
        body = data_body(service_type=b"WAP", data_coding=4, tlvs=tlvs)
        sequence = far.send(C.DATA_SM, body)
        answers = far.got()
        [message_id] = gateway.ids
        body = message_id.encode() + b"\0"
        assert answers == [Pdu(C.DATA_SM | 0x80000000, 0, sequence, body)]
        sm = only(gateway)
        assert (sm.service_type, sm.source_addr, sm.data_coding) == (b"WAP", b"Luck", 4)
        assert (sm.short_message, sm.registered_delivery) == (b"Hello", 1)
        assert sm.tlvs == {Tag.USER_MESSAGE_REFERENCE: b"\0\7"}
        [record] = gateway.store.records.values()
        assert (record.flags, record.registered_delivery) == (FLAG_DELIVER_SM, 1)

    def test_a_long_one_is_cut(self, gateway: Gateway) -> None:
        """What one short message has no room for becomes several, and stays one."""
        far = gateway.bound()
        far.send(C.DATA_SM, data_body(tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 255}))
        assert statuses(far) == [0]
        [record] = gateway.store.records.values()
        parts = [decode_sm(body).short_message for body in record.bodies]
        assert [len(part) for part in parts] == [6 + 153, 6 + 102]

    def test_how_long_it_is_valid(self, gateway: Gateway) -> None:
        """qos_time_to_live counts with us and with the carrier."""
        far = gateway.bound()
        tlvs = {Tag.MESSAGE_PAYLOAD: b"x", Tag.QOS_TIME_TO_LIVE: b"\0\1\x51\x81"}
        far.send(C.DATA_SM, data_body(tlvs=tlvs))
        assert statuses(far) == [0]
        [record] = gateway.store.records.values()
        assert record.deadline_ms == WALL_MS + DAY_MS + 1000
        assert only(gateway).validity_period == b"000001000001000R"
        assert only(gateway).tlvs is None

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"service_type": b"12345"}, 0),
            ({"source_addr": b"x" * 21}, 0x0A),
            ({"source_addr": b"\x01"}, 0x0A),
            ({"destination_addr": b""}, 0x0B),
            ({"destination_addr": b"123"}, 0x0B),
            ({"destination_addr": b"2" * 64}, 0x0B),
            ({"destination_addr": b"4912345678"}, 0x0B),
            ({"esm_class": 2}, 0x43),
            ({"registered_delivery": 3}, 0x07),
            ({"esm_class": 0x40}, 0x01),
            ({"tlvs": {}}, 0xC3),
            ({"tlvs": {Tag.MESSAGE_PAYLOAD: b"x" * 65_500}}, 0x01),
            (
                {
                    "tlvs": {
                        Tag.MESSAGE_PAYLOAD: b"x",
                        Tag.QOS_TIME_TO_LIVE: b"\0\0\0\0",
                    }
                },
                0x62,
            ),
            (
                {
                    "tlvs": {
                        Tag.MESSAGE_PAYLOAD: b"x",
                        Tag.QOS_TIME_TO_LIVE: b"\xff\xff\xff\xff",
                    }
                },
                0x62,
            ),
            ({"tlvs": {Tag.MESSAGE_PAYLOAD: b"x", Tag.SAR_MSG_REF_NUM: b"1"}}, 0xC2),
        ],
    )
    def test_checks(
        self, gateway: Gateway, fields: dict[str, Any], status: int
    ) -> None:
        """As of a submit_sm (spec/reliability 2.3); a refusal has its NUL."""
        far = gateway.bound()
        far.send(C.DATA_SM, data_body(**fields))
        [answer] = far.got()
        assert (answer.command_id, answer.command_status) == (C.DATA_SM_RESP, status)
        assert status == 0 or answer.body == b"\0"
        assert bool(gateway.ids) is (status == 0)


def multi_body(
    *destinations: bytes, source: bytes = b"\5\0Luck\0", rest: bytes | None = None
) -> bytes:
    """A submit_multi to these SME addresses."""
    addresses = b"".join(b"\1\1\1" + each + b"\0" for each in destinations)
    if rest is None:
        rest = b"\0\0\0\0\0\1\0\0\0\5Hello"
    return b"\0" + source + bytes((len(destinations),)) + addresses + rest


def listed(*refused: tuple[bytes, int]) -> bytes:
    """The unsuccess_sme of a submit_multi_resp."""
    return bytes((len(refused),)) + b"".join(
        b"\1\1" + to + b"\0" + status.to_bytes(4, "big") for to, status in refused
    )


A, B, BAD, NO_ROUTE = b"233501234567", b"233501234568", b"junk", b"4912345678"


class TestSubmitMulti:
    def test_each_is_a_message(self, gateway: Gateway) -> None:
        """One id for all, in the answer and in each record; the refused are listed."""
        far = gateway.bound()
        sequence = far.send(C.SUBMIT_MULTI, multi_body(A, BAD, NO_ROUTE, B))
        [answer] = far.got()
        assert (answer.command_id, answer.command_status, answer.sequence_number) == (
            C.SUBMIT_MULTI_RESP,
            0,
            sequence,
        )
        told, rest = answer.body.split(b"\0", 1)
        assert rest == listed((BAD, 0x0B), (NO_ROUTE, 0x0B))
        group = ids.from_text(told.decode())
        assert group is not None
        kept = gateway.store.kept.records
        assert list(kept) == [group[:-1] + b"\1", group[:-1] + b"\4"]
        for message_id, to in zip(kept, (A, B), strict=True):
            record = gateway.store.records[ids.to_text(message_id)]
            assert record.flags == FLAG_MULTI | FLAG_DELIVER_SM
            assert told_id(message_id, record.flags) == told.decode()
            sm = decode_sm(record.bodies[0])
            assert (sm.destination_addr, sm.short_message) == (to, b"Hello")

    def test_not_answered_before_all_are_kept(self, gateway: Gateway) -> None:
        """Durable, each of them."""
        far = gateway.bound()
        gateway.store.is_slow = True
        far.send(C.SUBMIT_MULTI, multi_body(A, B))
        assert far.got() == []
        gateway.store.go_on()
        assert statuses(far) == [0]

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (multi_body(), 0x33),
            (multi_body(A, A)[:25], 0x33),
            (multi_body(A).replace(b"\1\1\1" + A, b"\2list"), 0x34),
            (multi_body(A).replace(b"\1\1\1" + A, b"\3\1\1" + A), 0x40),
            (multi_body(b"2" * 21), 0x0B),
            (multi_body(A, source=b"\5\0" + b"x" * 21 + b"\0"), 0x0A),
            (multi_body(A, rest=b"\0\0\0\0\0\1\0\0\0\xffHello"), 0x01),
        ],
    )
    def test_what_can_not_be_read(
        self, gateway: Gateway, body: bytes, status: int
    ) -> None:
        """Refused as a whole, and the session stays."""
        far = gateway.bound()
        far.send(C.SUBMIT_MULTI, body)
        [answer] = far.got()
        assert (answer.command_id, answer.command_status) == (
            C.SUBMIT_MULTI_RESP,
            status,
        )
        assert gateway.ids == []

    def test_all_in_vain(self, gateway: Gateway) -> None:
        """0x45 and the list; nothing is kept, and there is no id."""
        far = gateway.bound()
        far.send(C.SUBMIT_MULTI, multi_body(BAD, NO_ROUTE))
        [answer] = far.got()
        assert answer.command_status == 0x45
        assert answer.body == b"\0" + listed((BAD, 0x0B), (NO_ROUTE, 0x0B))
        assert gateway.ids == []

    def test_all_in_vain_for_now(self, gateway: Gateway) -> None:
        """What is to be tried again says so as a whole."""
        far = gateway.bound()
        gateway.store.is_slow = True
        far.send(C.SUBMIT_MULTI, multi_body(A, B))
        far.turn()
        far.send(C.SUBMIT_MULTI, multi_body(B, A))
        gateway.journal.lost()
        far.send(C.SUBMIT_MULTI, multi_body(A))
        answers = far.got()
        assert [answer.command_status for answer in answers] == [0x08, 0x08]
        assert answers[1].body == b"\0" + listed((A, 0x08))

    def test_throughput_counts_each(self, clock: Clock, tmp_path: Path) -> None:
        """As so many submit_sm."""
        gateway = Gateway(clock, tmp_path, account("acme", throughput=2.0))
        far = gateway.bound()
        far.send(C.SUBMIT_MULTI, multi_body(A, B, A))
        [answer] = far.got()
        assert answer.command_status == 0
        assert answer.body.endswith(listed((A, 0x58)))
        far.send(C.SUBMIT_MULTI, multi_body(A, B))
        assert statuses(far) == [0x58]

    def test_asked_and_cancelled_as_one(self, gateway: Gateway) -> None:
        """query_sm tells of all; cancel_sm ends all, or the one of a destination."""
        far = gateway.bound()
        far.send(C.SUBMIT_MULTI, multi_body(A, B))
        [answer] = far.got()
        told = answer.body.split(b"\0", 1)[0]
        source = b"\0\5\0Luck\0"

        def state() -> int:
            far.send(C.QUERY_SM, told + source)
            [answer] = far.got()
            assert answer.body.startswith(told + b"\0")
            return answer.body[-2]

        assert state() == 1
        far.send(C.CANCEL_SM, b"\0" + told + source + b"\1\1" + B + b"\0")
        assert statuses(far) == [0]
        first, second = gateway.store.records.values()
        assert (first.state, second.state) == (State.ACCEPTED, State.CANCELED)
        assert state() == 1
        gateway.now_ms += 1
        far.send(C.CANCEL_SM, b"\0" + told + source + b"\0\0\0")
        far.turn(1)
        assert statuses(far) == [0]
        assert state() == 4

    def test_the_most(self, gateway: Gateway) -> None:
        """254, each with a place in the group's ids."""
        far = gateway.bound()
        far.send(C.SUBMIT_MULTI, multi_body(*[A] * 254))
        assert statuses(far) == [0]
        assert [raw[-1] for raw in gateway.store.kept.records] == [*range(1, 255)]


class TestSchedule:
    def test_it_is_kept_until_then(self, gateway: Gateway) -> None:
        """Delayed in its queue, SCHEDULED, and without its time in what is sent."""
        far = gateway.bound()
        submit(far, schedule_delivery_time=b"000001000000000R")
        assert statuses(far) == [0]
        [record] = gateway.store.records.values()
        due_ms = WALL_MS + DAY_MS
        assert (record.due_ms, record.deadline_ms) == (due_ms, due_ms + 2 * DAY_MS)
        assert record.state_at(WALL_MS) is State.SCHEDULED
        assert record.state_at(due_ms) is State.ACCEPTED
        assert [*gateway.store.kept.delayed[QUEUE].values()] == [due_ms]
        sm = only(gateway)
        assert (sm.schedule_delivery_time, sm.validity_period) == (b"", b"")
        assert sm.short_message == b"Hello"

    def test_a_relative_validity_begins_now(self, gateway: Gateway) -> None:
        """The carrier gets the moment in which it ends, and not a later one."""
        far = gateway.bound()
        submit(
            far,
            schedule_delivery_time=b"270115130000004+",  # 12:00 UTC: now
            validity_period=b"000001000000000R",
        )
        submit(
            far,
            schedule_delivery_time=b"000000010000000R",
            validity_period=b"000001000000000R",
        )
        assert statuses(far) == [0, 0]
        at_once, later = gateway.store.records.values()
        assert (at_once.due_ms, later.due_ms) == (None, WALL_MS + 3_600_000)
        for record in (at_once, later):
            assert record.deadline_ms == WALL_MS + DAY_MS
            sm = decode_sm(record.bodies[0])
            assert sm.validity_period == b"270116120000000+"

    @pytest.mark.parametrize(
        "fields",
        [
            {"schedule_delivery_time": b"000031000000000R"},
            {"schedule_delivery_time": b"260115120000000+"},
            {"schedule_delivery_time": b"x" * 16},
        ],
    )
    def test_what_is_no_time(self, gateway: Gateway, fields: dict[str, bytes]) -> None:
        """0x61."""
        far = gateway.bound()
        submit(far, **fields)
        assert statuses(far) == [0x61]


class TestIdForms:
    @pytest.mark.parametrize(
        ("form", "pattern"),
        [
            ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
            ("hex32", r"[0-9a-f]{32}"),
            ("decimal", r"[0-9]{20}"),
            ("hex8", r"[0-9a-f]{8}"),
        ],
    )
    def test_told_and_found(
        self, clock: Clock, tmp_path: Path, form: str, pattern: str
    ) -> None:
        """In the answer, and in every request after it."""
        gateway = Gateway(clock, tmp_path, account("acme", smpp_id_form=form))
        far = gateway.bound()
        submit(far)
        far.send(C.SUBMIT_MULTI, multi_body(A, B))
        far.send(C.DATA_SM, data_body())
        told = [answer.body.split(b"\0", 1)[0] for answer in far.got()]
        assert len(set(told)) == 3
        for each in told:
            assert re.fullmatch(pattern, each.decode())
            far.send(C.QUERY_SM, each + b"\0\5\0Luck\0")
            [answer] = far.got()
            assert answer.body == each + b"\0\0\1\0"
        records = gateway.store.records
        known = {
            told_id(raw, records[ids.to_text(raw)].flags).encode()
            for raw in gateway.store.kept.records
        }
        assert known == set(told)

    def test_without_a_short_id(self, gateway: Gateway) -> None:
        """While there is none a v3.3 partner is told to try again."""
        far = gateway.bound(version=0x33)

        gateway.server.submit._short_id = no_short_id
        submit(far)
        far.send(C.SUBMIT_MULTI, multi_body(A))
        assert statuses(far) == [0x08, 0x08]
        assert gateway.ids == []


class TestOverHttp:
    """The status API finds what came over SMPP (spec/features 2.6)."""

    def status(self, gateway: Gateway, told: str) -> MessageStatus:
        """What it says of an id."""
        reader = Reader(Messages(gateway.store.execute), lambda: gateway.now_ms)
        found: list[Any] = []
        reader.status("acme", told).addCallback(found.append)
        [status] = found
        assert isinstance(status, MessageStatus)
        return status

    def test_a_group(self, gateway: Gateway) -> None:
        """As one message: not over before all are, and since the last change."""
        far = gateway.bound()
        far.send(C.SUBMIT_MULTI, multi_body(A, B))
        told = far.got()[0].body.split(b"\0", 1)[0].decode()
        assert self.status(gateway, told) == MessageStatus(
            told, "acme", State.ACCEPTED, WALL_MS, "Luck", A.decode()
        )
        for message_id in list(gateway.store.kept.records):
            assert self.status(gateway, told).state is State.ACCEPTED
            gateway.now_ms += 1000
            gateway.journal.cancel(message_id, b"", lambda *_: None)
            far.turn()
        status = self.status(gateway, told)
        assert (status.state, status.updated_ms) == (State.CANCELED, WALL_MS + 2000)

    def test_before_its_time(self, gateway: Gateway) -> None:
        """SCHEDULED; under a short id, which it tells as well."""
        far = gateway.bound(version=0x33)
        submit(far, schedule_delivery_time=b"000001000000000R")
        assert statuses(far) == [0]
        status = self.status(gateway, "00000001")
        assert (status.message_id, status.state) == ("00000001", State.SCHEDULED)
        gateway.now_ms += DAY_MS
        assert self.status(gateway, "00000001").state is State.ACCEPTED


class TestV33:
    def test_its_ids_have_eight_digits(self, clock: Clock, tmp_path: Path) -> None:
        """Whatever its account is set to; found by them, in any case of letters."""
        gateway = Gateway(clock, tmp_path, account("acme", smpp_id_form="hex32"))
        gateway.short_ids = 0xABCDEF
        far = gateway.bound(version=0x33)
        submit(far)
        [answer] = far.got()
        assert answer.body == b"00abcdf0\0"
        far.send(C.QUERY_SM, b"00ABCDF0\0\5\0Luck\0")
        assert far.got()[0].body == b"00ABCDF0\0\0\1\0"

    def test_no_data_sm(self, gateway: Gateway) -> None:
        """It came with v3.4."""
        far = gateway.bound(version=0x33)
        far.send(C.DATA_SM, data_body())
        [answer] = far.got()
        assert (answer.command_id, answer.command_status) == (C.GENERIC_NACK, 0x03)

    def test_a_later_version_is_ours(self, gateway: Gateway) -> None:
        """v5: its TLVs pass, its ids are long."""
        far = gateway.bound(version=0x50)
        submit(far, tlvs={0x060B: b"v5", 0x0428: b"\1"})
        [answer] = far.got()
        assert len(answer.body) == 37
        assert only(gateway).tlvs == {0x060B: b"v5", 0x0428: b"\1"}

    def test_receipts_without_tlvs(self, gateway: Gateway) -> None:
        """What it gets ends with the text."""
        far = gateway.bound(version=0x33)
        body = _deliver_body(short_message=b"id:1 stat:DELIVRD", tlvs={0x0427: b"\2"})
        [session] = gateway.sessions.of("acme")
        session.deliver(body, "receipt")
        [pdu] = far.got()
        assert pdu.body == _deliver_body(short_message=b"id:1 stat:DELIVRD")

    def test_a_payload_becomes_a_short_message(self) -> None:
        """As much of it as fits; what has no TLVs stays as it is."""
        plain = _deliver_body(short_message=b"x")
        assert without_tlvs(plain) == plain
        for size, fits in ((0, 0), (254, 254), (300, 254)):
            long = _deliver_body(tlvs={Tag.MESSAGE_PAYLOAD: b"x" * size})
            assert without_tlvs(long) == _deliver_body(short_message=b"x" * fits)


def _deliver_body(**fields: Any) -> bytes:
    return encode_sm(
        source_addr=b"233501234567", destination_addr=b"Luck", esm_class=4, **fields
    )


class TestHeaderAndSar:
    def test_the_header_wins(self, gateway: Gateway) -> None:
        """With a user data header the sar_* TLVs are left out (spec/features 2.7)."""
        far = gateway.bound()
        sar = {
            Tag.SAR_MSG_REF_NUM: b"\0\1",
            Tag.SAR_TOTAL_SEGMENTS: b"\2",
            Tag.SAR_SEGMENT_SEQNUM: b"\1",
        }
        udh = b"\5\0\3\1\2\1"
        submit(far, esm_class=0x40, short_message=udh + b"x", tlvs=sar | {0x1400: b"v"})
        assert statuses(far) == [0]
        sm = only(gateway)
        assert (sm.short_message, sm.tlvs) == (udh + b"x", {0x1400: b"v"})

    def test_without_a_header_they_stay(self, gateway: Gateway) -> None:
        """They are all there is."""
        far = gateway.bound()
        sar = {
            Tag.SAR_MSG_REF_NUM: b"\0\1",
            Tag.SAR_TOTAL_SEGMENTS: b"\2",
            Tag.SAR_SEGMENT_SEQNUM: b"\1",
        }
        submit(far, tlvs=sar)
        assert statuses(far) == [0]
        assert only(gateway).tlvs == sar


@given(st.integers(0, 100 * 86_400 - 1), st.integers(WALL_MS, WALL_MS + DAY_MS * 365))
def test_times_are_written_as_they_are_read(seconds: int, now_ms: int) -> None:
    """A period to the second, a moment to a tenth of one."""
    assert smpp_time_ms(relative_time(seconds), now_ms) == now_ms + 1000 * seconds
    assert smpp_time_ms(absolute_time(now_ms), 0) == now_ms - now_ms % 100
    assert len(relative_time(2**32 - 1)) == 16
