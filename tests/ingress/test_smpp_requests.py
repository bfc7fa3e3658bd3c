"""query_sm, cancel_sm and replace_sm, with the real pipeline and journal."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from luckgw.domain.ids import from_text
from luckgw.domain.states import State
from luckgw.ingress import smpp_requests
from luckgw.store import keys, records
from luckgw.store.interface import FLAG_DELIVER_SM, FLAG_HTTP, FLAG_WEBHOOK
from luckgw.wire.pdus import Command, Tag, decode_sm
from tests.ingress.smpp_wire import (
    UPSTREAM,
    WALL_MS,
    Gateway,
    account,
    statuses,
    submit,
)
from tests.link.far import Far
from tests.wire.peers import Pdu

C = Command
QUEUE = keys.upstream_queue(UPSTREAM)
LUCK = b"\5\0Luck\0"
"""source_addr as tests.ingress.smpp_wire.submit sends it."""
TO = b"\1\x01233501234567\0"


@pytest.fixture
def gateway(clock: Clock, tmp_path: Path) -> Gateway:
    """A gateway with two accounts."""
    return Gateway(clock, tmp_path, account("acme"), account("other"))


def kept(gateway: Gateway, far: Far, **fields: Any) -> str:
    """The id of a message that was just submitted."""
    submit(far, **fields)
    [answer] = far.got()
    assert answer.command_status == 0
    gateway.outbox("acme").news()
    return answer.body.rstrip(b"\0").decode()


def raw(message_id: str) -> bytes:
    """An id as the store has it."""
    found = from_text(message_id)
    assert found is not None
    return found


def ask(far: Far, command: Command, body: bytes, wait: float = 0.0) -> Pdu:
    """Send a request; its answer."""
    far.send(command, body)
    far.turn()
    far.clock.pump([0.05] * int(wait / 0.05))
    [answer] = far.got()
    assert answer.command_id == command | 0x80000000
    return answer


def query(far: Far, message_id: str, source: bytes = LUCK) -> Pdu:
    """Ask what becomes of a message."""
    return ask(far, C.QUERY_SM, message_id.encode() + b"\0" + source)


def cancel(
    far: Far,
    message_id: str = "",
    source: bytes = LUCK,
    to: bytes = b"\0\0\0",
    service_type: bytes = b"",
) -> int:
    """Cancel; the command_status. Waits for as long as it may take."""
    body = service_type + b"\0" + message_id.encode() + b"\0" + source + to
    return ask(far, C.CANCEL_SM, body, 1.0).command_status


def replace(
    far: Far,
    message_id: str,
    text: bytes = b"new",
    *,
    source: bytes = LUCK,
    schedule: bytes = b"",
    validity: bytes = b"",
    registered_delivery: int = 1,
    default: int = 0,
) -> int:
    """Replace; the command_status."""
    body = b"%b\0%b%b\0%b\0%c%c%c%b" % (
        message_id.encode(),
        source,
        schedule,
        validity,
        registered_delivery,
        default,
        len(text),
        text,
    )
    return ask(far, C.REPLACE_SM, body, 1.0).command_status


def claim(gateway: Gateway) -> list[bytes]:
    """What a dispatcher gets now; it holds it from then on."""
    told: list[list[tuple[bytes, bytes]]] = []
    gateway.journal.claim(gateway.journal.queue(QUEUE), 10, told.append)
    gateway.clock.advance(0)
    return [entry for [pairs] in [told] for entry, _ in pairs]


def sent(gateway: Gateway, message_id: str, carrier_id: bytes = b"c1") -> None:
    """A carrier takes a message."""
    gateway.journal.sent(
        gateway.journal.queue(QUEUE),
        raw(message_id),
        0,
        UPSTREAM,
        carrier_id,
        carrier_id,
        last=True,
        webhook=b"",
        done=lambda *_: None,
    )
    gateway.clock.advance(0)


def receipt(
    gateway: Gateway, state: State, err: bytes, carrier_id: bytes = b"c1"
) -> None:
    """A carrier says what became of it."""
    tail = b"mtn\0STAT\0%b\0" % err
    gateway.journal.receipt(UPSTREAM, carrier_id, state, tail, lambda *_: None)
    gateway.clock.advance(0)


class TestQuery:
    def test_what_waits_and_what_is_sent(self, gateway: Gateway) -> None:
        """ENROUTE, without a final_date, under the id as it was asked for."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        expected = message_id.encode() + b"\0\0\1\0"
        assert query(far, message_id).body == expected
        claim(gateway)
        sent(gateway, message_id)
        answer = query(far, message_id)
        assert (answer.command_status, answer.body) == (0, expected)
        upper = message_id.upper()
        assert query(far, upper).body.startswith(upper.encode() + b"\0")

    @pytest.mark.parametrize(
        ("state", "err", "message_state", "error_code"),
        [
            (State.DELIVERED, b"000", 2, 0),
            (State.EXPIRED, b"255", 3, 255),
            (State.UNDELIVERED, b"011", 5, 11),
            (State.UNDELIVERED, b"256", 5, 0),
            (State.REJECTED, b"x1", 8, 0),
            (State.FAILED, b"", 5, 0),
            (State.CANCELED, b"1", 4, 1),
        ],
    )
    def test_how_it_ended(
        self,
        gateway: Gateway,
        state: State,
        err: bytes,
        message_state: int,
        error_code: int,
    ) -> None:
        """Its state, when, and the carrier's error if it fits."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        claim(gateway)
        sent(gateway, message_id)
        gateway.now_ms += 61_000
        receipt(gateway, state, err)
        date = b"270115120101000+\0"
        assert query(far, message_id).body == (
            message_id.encode() + b"\0" + date + bytes((message_state, error_code))
        )

    def test_unknown_to_the_phone_network(self, gateway: Gateway) -> None:
        """UNKNOWN, 7: it may still change, so there is no date."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        claim(gateway)
        sent(gateway, message_id)
        receipt(gateway, State.UNKNOWN, b"000")
        assert query(far, message_id).body == message_id.encode() + b"\0\0\7\0"

    @pytest.mark.parametrize("source", [b"\5\0luck\0", b"\5\0Luc\0", b"\5\0\0"])
    def test_the_source_has_to_be_its_own(
        self, gateway: Gateway, source: bytes
    ) -> None:
        """Else there is no such message, for all three."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        assert query(far, message_id, source).command_status == 0x0C
        assert cancel(far, message_id, source) == 0x0C
        assert replace(far, message_id, source=source) == 0x0C
        assert gateway.store.records[message_id].events == []

    def test_the_kind_of_a_source_is_found_out(self, gateway: Gateway) -> None:
        """TON, NPI and a + say nothing that the address does not say."""
        far = gateway.bound()
        message_id = kept(gateway, far, source_addr_ton=3, source_addr_npi=9)
        for source in (b"\3\x09Luck\0", b"\5\0Luck\0", b"\0\0Luck\0"):
            assert query(far, message_id, source).command_status == 0

    @pytest.mark.parametrize("told", ["", "x", "0" * 32, "12345678", "1" * 20, "é"])
    def test_unknown_ids(self, gateway: Gateway, told: str) -> None:
        """0x0C, whatever they look like."""
        far = gateway.bound()
        kept(gateway, far)
        assert query(far, told).command_status == 0x0C
        if told:
            assert cancel(far, told) == 0x0C
        assert replace(far, told) == 0x0C

    def test_another_accounts_message(self, gateway: Gateway) -> None:
        """It can not be told from one that does not exist."""
        message_id = kept(gateway, gateway.bound())
        other = gateway.bound(system_id="other")
        assert query(other, message_id).command_status == 0x0C
        assert cancel(other, message_id) == 0x0C
        assert cancel(other, to=TO) == 0x11
        assert replace(other, message_id) == 0x0C
        assert gateway.store.records[message_id].events == []

    def test_the_store_is_away(self, gateway: Gateway) -> None:
        """query_sm has a status for it; the others are to be tried again."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        gateway.store.is_away = True
        assert query(far, message_id).command_status == 0x67
        assert cancel(far, message_id) == 0x08
        assert cancel(far, to=TO) == 0x08
        assert replace(far, message_id) == 0x08

    def test_a_body_that_can_not_be_read(self, gateway: Gateway) -> None:
        """Its own response with the status of the field; it counts as malformed."""
        far = gateway.bound()
        for command in (C.QUERY_SM, C.CANCEL_SM, C.REPLACE_SM, C.SUBMIT_MULTI):
            assert ask(far, command, b"x" * 70).command_status in {0x0C, 0x15}
        assert gateway.server.malformed_pdus == 4
        assert query(far, kept(gateway, far)).command_status == 0


class TestCancel:
    def test_what_waits(self, gateway: Gateway) -> None:
        """It ends as CANCELED, its account is told, and no carrier gets it."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        assert cancel(far, message_id) == 0
        record = gateway.store.records[message_id]
        assert record.state is State.CANCELED
        assert len(gateway.store.kept.lists[keys.deliver_sm_outbox("acme")]) == 1
        assert gateway.woken == ["acme"]
        gateway.now_ms += 1
        assert cancel(far, message_id) == 0x11
        assert query(far, message_id).body[-2] == 4

    def test_what_is_held_and_what_is_gone(self, gateway: Gateway) -> None:
        """0x11 while a dispatcher has it, and ever after."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        claim(gateway)
        assert cancel(far, message_id) == 0x11
        sent(gateway, message_id)
        assert cancel(far, message_id) == 0x11
        assert replace(far, message_id) == 0x13
        assert gateway.store.records[message_id].state is State.SENT

    def test_what_is_only_looked_at(self, gateway: Gateway) -> None:
        """A queue that is looked through for what is over gives back at once: the
        partner does not notice.
        """
        far = gateway.bound()
        message_id = kept(gateway, far)
        [entry] = claim(gateway)
        body = b"\0" + message_id.encode() + b"\0" + LUCK + b"\0\0\0"
        far.send(C.CANCEL_SM, body)
        assert far.got() == []
        queue = gateway.journal.queue(QUEUE)
        gateway.journal.retry(queue, entry, entry, None, b"")
        far.turn(1)
        assert statuses(far) == [0]
        assert gateway.store.records[message_id].state is State.CANCELED

    def test_its_destination(self, gateway: Gateway) -> None:
        """If it is said it has to be the message's."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        assert cancel(far, message_id, to=b"\1\x01233501234568\0") == 0x0C
        assert cancel(far, message_id, to=b"\0\0+233 50 123 4567\0") == 0

    def test_all_from_here_to_there(self, gateway: Gateway) -> None:
        """Without an id: all that wait, ready or scheduled, and nothing else."""
        far = gateway.bound()
        gone = kept(gateway, far)
        claim(gateway)
        ready = kept(gateway, far)
        wap = kept(gateway, far, service_type=b"WAP")
        later = kept(gateway, far, schedule_delivery_time=b"000001000000000R")
        others = [
            kept(gateway, far, destination_addr=b"233501234568"),
            kept(gateway, far, source_addr=b"Lucky"),
            gone,
        ]
        assert cancel(far, to=TO, service_type=b"USSD") == 0x11
        assert cancel(far, to=TO, service_type=b"WAP") == 0
        assert gateway.store.records[wap].state is State.CANCELED
        assert gateway.store.records[ready].events == []
        assert cancel(far, to=TO) == 0
        for message_id in (ready, later):
            assert gateway.store.records[message_id].state is State.CANCELED
        for message_id in others:
            assert gateway.store.records[message_id].events == []
        assert cancel(far, to=TO) == 0x11

    def test_it_looks_at_no_more_than_that(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bounded number of messages, those that came last."""
        monkeypatch.setattr(smpp_requests, "MOST_LOOKED_AT", 5)
        monkeypatch.setattr(smpp_requests, "STEP", 2)
        far = gateway.bound()
        ids = [kept(gateway, far) for _ in range(7)]
        assert cancel(far, to=TO) == 0
        states = [gateway.store.records[each].state for each in ids]
        assert states == [State.ACCEPTED] * 2 + [State.CANCELED] * 5

    def test_one_search_at_a_time(self, gateway: Gateway) -> None:
        """Both are answered, one after the other."""
        far = gateway.bound()
        kept(gateway, far)
        body = b"\0\0" + LUCK + TO
        far.send(C.CANCEL_SM, body, sequence=1)
        far.send(C.CANCEL_SM, body, sequence=2)
        far.turn(5)
        answers = [(pdu.sequence_number, pdu.command_status) for pdu in far.got()]
        assert answers == [(1, 0), (2, 0x11)]

    def test_a_cancel_while_the_store_is_silent(self, gateway: Gateway) -> None:
        """It is answered once the store has said so, on whatever connection."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        gateway.store.is_slow = True
        body = b"\0" + message_id.encode() + b"\0" + LUCK + b"\0\0\0"
        far.send(C.CANCEL_SM, body)
        far.turn()
        gateway.journal.lost()
        gateway.store.go_on()
        far.turn(1)
        assert statuses(far) == [0]
        assert gateway.store.records[message_id].state is State.CANCELED


class TestReplace:
    def body_of(self, gateway: Gateway, message_id: str) -> Any:
        """What the carrier would get now."""
        [body] = gateway.store.records[message_id].bodies
        return decode_sm(body)

    def test_another_text(self, gateway: Gateway) -> None:
        """The text is the new one, all else stays; it is sent like that."""
        far = gateway.bound()
        message_id = kept(gateway, far, data_coding=1, protocol_id=3)
        assert replace(far, message_id, b"another text") == 0
        sm = self.body_of(gateway, message_id)
        assert sm.short_message == b"another text"
        assert (sm.data_coding, sm.protocol_id, sm.source_addr) == (1, 3, b"Luck")
        assert sm.registered_delivery == 1
        assert claim(gateway) == [raw(message_id)]
        assert replace(far, message_id) == 0x13

    def test_a_long_text_becomes_short(self, gateway: Gateway) -> None:
        """message_payload goes: both together are forbidden."""
        far = gateway.bound()
        tlvs = {Tag.MESSAGE_PAYLOAD: b"x" * 300, 0x1400: b"v"}
        message_id = kept(gateway, far, short_message=b"", tlvs=tlvs)
        assert replace(far, message_id, b"short") == 0
        sm = self.body_of(gateway, message_id)
        assert (sm.short_message, sm.tlvs) == (b"short", {0x1400: b"v"})

    def test_a_header_stays_a_header(self, gateway: Gateway) -> None:
        """Where the message has one the new text has to begin with one."""
        far = gateway.bound()
        udh = b"\5\0\3\1\2\1"
        message_id = kept(gateway, far, esm_class=0x40, short_message=udh + b"old")
        assert replace(far, message_id, b"no header") == 0x01
        assert replace(far, message_id, udh + b"new") == 0
        assert self.body_of(gateway, message_id).short_message == udh + b"new"

    def test_what_was_cut_is_one_again(self, gateway: Gateway) -> None:
        """A message that we cut (it came over HTTP) is one segment without a header."""
        far = gateway.bound()
        message_id = kept(gateway, far, esm_class=0x40, short_message=b"\5\0\3\1\2\1a")
        data = gateway.store.kept.records[raw(message_id)]
        body = records.first_body(data)
        cut = records.replaced(data, flags=FLAG_HTTP, bodies=[body, body])
        gateway.store.kept.records[raw(message_id)] = cut
        assert replace(far, message_id, b"") == 0
        assert len(gateway.store.records[message_id].bodies) == 2
        assert replace(far, message_id, b"whole") == 0
        sm = self.body_of(gateway, message_id)
        assert (sm.short_message, sm.esm_class) == (b"whole", 0)
        # It came over HTTP: its sender has no session that waits for a receipt.
        assert gateway.store.records[message_id].flags == FLAG_HTTP

    def test_only_its_times(self, gateway: Gateway) -> None:
        """The text stays; what is scheduled is due at its new time, sooner or later."""
        far = gateway.bound()
        message_id = kept(gateway, far, schedule_delivery_time=b"000001000000000R")
        waiting = gateway.store.kept.delayed[QUEUE]
        for hours in (2, 48):
            schedule = b"0000%02d%02d0000000R" % divmod(hours, 24)
            assert replace(far, message_id, b"", schedule=schedule) == 0
            record = gateway.store.records[message_id]
            assert record.due_ms == WALL_MS + hours * 3_600_000
            assert waiting[raw(message_id)] == record.due_ms
            # It never said how long it is valid: two days, when it is due.
            assert record.deadline_ms == record.due_ms + 2 * 86_400_000
        assert self.body_of(gateway, message_id).short_message == b"Hello"

    def test_what_is_ready_is_put_off(self, gateway: Gateway) -> None:
        """A message that was to be sent at once gets a time."""
        far = gateway.bound()
        message_id = kept(gateway, far, validity_period=b"000003000000000R")
        schedule = b"000001000000000R"
        assert replace(far, message_id, b"", schedule=schedule) == 0
        record = gateway.store.records[message_id]
        assert record.due_ms == WALL_MS + 86_400_000
        assert record.deadline_ms == WALL_MS + 3 * 86_400_000
        assert self.body_of(gateway, message_id).validity_period == b"270118120000000+"
        assert query(far, message_id).body[-2] == 1

    def test_another_validity(self, gateway: Gateway) -> None:
        """With us and with the carrier."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        validity = b"000000010000000R"
        assert replace(far, message_id, b"", validity=validity) == 0
        record = gateway.store.records[message_id]
        assert record.deadline_ms == WALL_MS + 3_600_000
        assert self.body_of(gateway, message_id).validity_period == validity

    def test_another_receipt(self, gateway: Gateway) -> None:
        """registered_delivery is always replaced: it has no "as before"."""
        far = gateway.bound()
        message_id = kept(gateway, far)
        for registered_delivery, flags in ((0, 0), (2, FLAG_DELIVER_SM)):
            given = registered_delivery
            assert replace(far, message_id, registered_delivery=given) == 0
            record = gateway.store.records[message_id]
            assert record.registered_delivery == registered_delivery
            assert record.flags == flags

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"registered_delivery": 3}, 0x07),
            ({"default": 1}, 0x63),
            ({"schedule": b"000000000000000X"}, 0x61),
            ({"schedule": b"000031000000000R"}, 0x61),
            ({"schedule": b"260101000000000+"}, 0x61),
            ({"schedule": b"000002000000000R"}, 0x61),  # behind its validity
            ({"validity": b"260101000000000+"}, 0x62),
            ({"validity": b"junkjunkjunkjunk"}, 0x62),
        ],
    )
    def test_what_it_can_not_become(
        self, gateway: Gateway, changes: dict[str, Any], status: int
    ) -> None:
        """Refused with the status that a submit_sm would get; nothing is changed."""
        far = gateway.bound()
        message_id = kept(gateway, far, validity_period=b"000001000000000R")
        before = dict(gateway.store.kept.records)
        assert replace(far, message_id, **changes) == status
        assert gateway.store.kept.records == before

    def test_the_webhook_stays(self, clock: Clock, tmp_path: Path) -> None:
        """Its account is told as before."""
        gateway = Gateway(clock, tmp_path, account("acme", webhook="http://a.test/"))
        far = gateway.bound()
        message_id = kept(gateway, far)
        assert replace(far, message_id, registered_delivery=0) == 0
        assert gateway.store.records[message_id].flags == FLAG_WEBHOOK


def test_a_session_that_leaves_takes_no_request(gateway: Gateway) -> None:
    """0x08: another session can."""
    far = gateway.bound()
    message_id = kept(gateway, far)
    gateway.store.is_slow = True
    submit(far)
    gateway.server.drain()
    assert query(far, message_id).command_status == 0x08
    gateway.store.go_on()
    far.turn()


REQUESTS = [C.QUERY_SM, C.CANCEL_SM, C.REPLACE_SM, C.SUBMIT_MULTI, C.DATA_SM]
pieces = st.lists(
    st.one_of(
        st.sampled_from([b"\0", LUCK, TO, b"ID", b"\1\1\1", b"\5\0\3\1\2\1", b"Hello"]),
        st.sampled_from([b"000001000000000R", b"\x04\x24\0\1x", b"\0\0\0\1\0"]),
        st.binary(max_size=4),
    ),
    max_size=12,
).map(b"".join)


@given(st.sampled_from(REQUESTS), pieces)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_answered_once(
    gateway: Gateway, command: Command, body: bytes
) -> None:
    """No content of a request breaks anything, and each gets its own response."""
    far = gateway.bound()
    message_id = kept(gateway, far)
    far.send(command, body.replace(b"ID", message_id.encode()), sequence=77)
    far.turn(20)
    [answer] = far.got()
    assert (answer.command_id, answer.sequence_number) == (command | 0x80000000, 77)
    assert not far.closed()
    far.cut()
