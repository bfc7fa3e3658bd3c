"""Promises of the SMPP server, with the real pipeline and journal behind it."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from luckgw.config.model import OPTIONAL_PDUS
from luckgw.config.secret import Secret
from luckgw.domain.ids import from_text
from luckgw.domain.status import Status
from luckgw.wire.pdus import Command, Tag, decode_sm, encode_pdu
from tests.conftest import LoggedFailures
from tests.ingress.smpp_wire import (
    PASSWORD,
    Gateway,
    account,
    bind,
    session_of,
    statuses,
    submit,
    submit_body,
)
from tests.link.far import Far
from tests.wire.peers import DATA, SUBMIT, Pdu, nack, resp, sm_fields

KINDS = [
    Command.BIND_RECEIVER,
    Command.BIND_TRANSMITTER,
    Command.BIND_TRANSCEIVER,
]
RESP = 0x80000000
HASHED = Secret("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g", "argon2")

MakeGateway = Callable[..., Gateway]


@pytest.fixture
def make_gateway(clock: Clock, tmp_path: Path) -> MakeGateway:
    """Make a gateway with these accounts and ``[smpp]`` settings."""

    def make(*accounts: Any, **smpp: Any) -> Gateway:
        return Gateway(clock, tmp_path, *accounts, **smpp)

    return make


@pytest.fixture
def gateway(make_gateway: MakeGateway) -> Gateway:
    """A gateway with the account "acme"."""
    return make_gateway()


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What is logged, as it is written."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        lines.append(f"{formatEvent(event)} {sorted(map(str, event.values()))}")

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


class TestBind:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_taken(self, gateway: Gateway, kind: Command) -> None:
        """With the right credentials; we say who we are, and that we speak v3.4."""
        far = gateway.connect()
        sequence = bind(far, kind)
        assert far.got() == [
            Pdu(kind | RESP, 0, sequence, b"luckgw\0" + b"\x02\x10\x00\x01\x34")
        ]
        assert gateway.sessions.counts() == {"acme": 1}

    def test_a_v33_partner_gets_no_tlv(self, gateway: Gateway) -> None:
        """interface_version below 0x34: by the old book (spec/reliability 2.9)."""
        far = gateway.connect()
        bind(far, version=0x33)
        assert far.got()[0].body == b"luckgw\0"

    @pytest.mark.parametrize(
        ("system_id", "password"),
        [
            ("acme", "wrong"),
            ("acme", ""),
            ("nobody", PASSWORD),
            ("Acme", PASSWORD),
            ("", ""),
            ("no-smpp", PASSWORD),
            ("elsewhere", PASSWORD),
            ("\x1b[2J\n", "\xff"),
        ],
    )
    def test_a_stranger(
        self, make_gateway: MakeGateway, system_id: str, password: str
    ) -> None:
        """Unknown, wrong password, no password at all, wrong address: the same answer,
        0x0E, and the connection is closed. Nobody can list accounts.
        """
        gateway = make_gateway(
            account("acme"),
            account("no-smpp", password=None),
            account("elsewhere", ips=(ip_network("198.51.100.0/24"),)),
        )
        far = gateway.connect("192.0.2.1")
        sequence = bind(far, system_id=system_id, password=password)
        assert far.closed()
        assert far.got() == [
            resp(Command.BIND_TRANSCEIVER, Status.ESME_RINVPASWD, sequence)
        ]
        assert gateway.sessions.counts() == {}

    def test_from_an_allowed_address(self, make_gateway: MakeGateway) -> None:
        """An account with ``ips`` binds from there."""
        gateway = make_gateway(account("acme", ips=(ip_network("198.51.100.0/24"),)))
        far = gateway.connect("198.51.100.7")
        bind(far)
        assert statuses(far) == [0]

    def test_a_disabled_account(self, make_gateway: MakeGateway) -> None:
        """0x0D with the right password, and 0x0E still with a wrong one."""
        gateway = make_gateway(account("acme", enabled=False))
        for password, status in ((PASSWORD, 0x0D), ("wrong", 0x0E)):
            far = gateway.connect()
            bind(far, password=password)
            assert far.closed()
            assert statuses(far) == [status]

    def test_no_more_than_max_binds(self, make_gateway: MakeGateway) -> None:
        """The next one is refused with 0x0D, until one of the others goes."""
        gateway = make_gateway(account("acme", max_binds=2), account("other"))
        first, _ = gateway.bound(), gateway.bound(Command.BIND_RECEIVER)
        far = gateway.connect()
        bind(far)
        assert far.closed()
        assert statuses(far) == [Status.ESME_RBINDFAIL]
        gateway.bound(system_id="other")
        first.cut()
        gateway.bound()
        assert gateway.sessions.counts() == {"acme": 2, "other": 1}

    def test_a_second_bind_on_the_same_connection(self, gateway: Gateway) -> None:
        """0x05, and the session stays as it is."""
        far = gateway.bound()
        sequence = bind(far, Command.BIND_TRANSMITTER)
        assert far.got() == [resp(Command.BIND_TRANSMITTER, 0x05, sequence)]
        submit(far)
        assert statuses(far) == [0]

    @pytest.mark.parametrize(
        ("field", "length", "status"),
        [("system_id", 16, 0x0F), ("password", 65, 0x0E), ("system_type", 13, 0x53)],
    )
    def test_a_field_that_is_too_long(
        self, gateway: Gateway, field: str, length: int, status: int
    ) -> None:
        """Its own status, and the end."""
        values = {"system_id": b"acme", "password": b"pw", "system_type": b""}
        values[field] = b"x" * length
        far = gateway.connect()
        body = b"".join(value + b"\0" for value in values.values())
        far.send(Command.BIND_TRANSCEIVER, body + b"\x34\0\0\0")
        assert far.closed()
        assert statuses(far) == [status]

    def test_our_own_trouble(
        self, gateway: Gateway, logged_failures: LoggedFailures
    ) -> None:
        """0x08: after 0x0D or 0x0E some peers never come back."""
        gateway.server._accounts.verify_password = lambda *_: 1 / 0  # type: ignore[method-assign,assignment]
        far = gateway.connect()
        bind(far)
        assert far.closed()
        assert statuses(far) == [Status.ESME_RSYSERR]
        assert len(logged_failures.flush(ZeroDivisionError)) == 1

    def test_what_is_logged(self, gateway: Gateway, log: list[str]) -> None:
        """Who was refused, readable whatever they wrote, and never a password."""
        far = gateway.connect()
        bind(far, system_id="a\nb\x1b[2J", password="pa55word")
        far.turn()
        gateway.bound()
        [refused] = [line for line in log if "refused" in line]
        assert r"'a\nb\x1b[2J'" in refused
        assert "\n" not in refused.partition(" [")[0]
        assert not any("pa55word" in line or PASSWORD in line for line in log)


class TestSlowPasswordCheck:
    """Hashed passwords are checked in a thread: the bind waits, nothing else does."""

    @pytest.fixture
    def gateway(self, make_gateway: MakeGateway) -> Gateway:
        """An account of which only the hash of the password is known."""
        return make_gateway(account("acme", password=HASHED, max_binds=1))

    def test_right(self, gateway: Gateway) -> None:
        """Bound when the thread says so; others go on meanwhile."""
        far, other = gateway.connect(), gateway.connect()
        bind(far)
        assert far.got() == []
        other.send(Command.ENQUIRE_LINK)
        assert statuses(other) == [0]
        gateway.checks.pop()()
        assert statuses(far) == [0]

    @pytest.mark.parametrize(
        ("system_id", "password"), [("acme", "wrong"), ("nobody", PASSWORD)]
    )
    def test_wrong(self, gateway: Gateway, system_id: str, password: str) -> None:
        """As much work for an unknown id as for a wrong password."""
        far = gateway.connect()
        bind(far, system_id=system_id, password=password)
        gateway.checks.pop()()
        assert far.closed()
        assert statuses(far) == [Status.ESME_RINVPASWD]

    def test_a_message_that_comes_with_the_bind(self, gateway: Gateway) -> None:
        """One waits for the bind and is then taken at once; a second one is refused."""
        far = gateway.connect()
        bind(far)
        first, second = submit(far), submit(far)
        assert far.got() == [resp(Command.SUBMIT_SM, 0x04, second)]
        gateway.checks.pop()()
        far.turn()
        bound, answer = far.got()
        assert (bound.command_id, bound.command_status) == (0x80000009, 0)
        assert (answer.sequence_number, answer.command_status) == (first, 0)

    def test_two_at_the_same_time(self, gateway: Gateway) -> None:
        """The limit of binds holds: the first one has the place."""
        fars = [gateway.connect(), gateway.connect()]
        for far in fars:
            bind(far)
        for check in gateway.checks:
            check()
        assert [statuses(far) for far in fars] == [[0], [0x0D]]

    def test_the_partner_goes_meanwhile(self, gateway: Gateway) -> None:
        """The verdict on somebody who has left changes nothing."""
        far = gateway.connect()
        bind(far)
        far.cut()
        gateway.checks.pop()()
        assert gateway.sessions.counts() == {}

    def test_the_check_takes_too_long(self, gateway: Gateway) -> None:
        """After a minute the connection is closed; a verdict after that is too late."""
        far = gateway.connect()
        bind(far)
        far.transport.is_taking = False  # so that it hangs while it closes
        far.send(Command.ENQUIRE_LINK)
        far.turn(61)
        gateway.checks.pop()()
        assert gateway.sessions.counts() == {}
        far.turn(10)
        assert far.closed()

    def test_the_check_fails(
        self, gateway: Gateway, logged_failures: LoggedFailures
    ) -> None:
        """Our own trouble: 0x08."""
        gateway.is_check_broken = True
        far = gateway.connect()
        bind(far)
        gateway.checks.pop()()
        assert far.closed()
        assert statuses(far) == [Status.ESME_RSYSERR]
        assert len(logged_failures.flush(ZeroDivisionError)) == 1


class TestBeforeTheBind:
    @pytest.mark.parametrize(
        "command", [Command.SUBMIT_SM, Command.DELIVER_SM, Command.UNBIND]
    )
    def test_too_early(self, gateway: Gateway, command: int) -> None:
        """0x04 in the request's own response."""
        far = gateway.connect()
        sequence = far.send(command, SUBMIT)
        [answer] = far.got()
        assert answer.command_id == command | RESP
        assert (answer.command_status, answer.sequence_number) == (0x04, sequence)

    def test_three_of_them_are_enough(self, gateway: Gateway) -> None:
        """Then the connection is closed."""
        far = gateway.connect()
        for _ in range(3):
            submit(far)
        assert far.closed()
        assert statuses(far) == [0x04] * 3

    def test_a_sign_of_life_does_not_lengthen_it(self, gateway: Gateway) -> None:
        """enquire_link is answered; after 10 s without a bind it is over."""
        far = gateway.connect()
        for _ in range(5):
            far.send(Command.ENQUIRE_LINK)
            assert statuses(far) == [0]
            far.turn(2)
        assert far.closed()
        assert far.got() == []

    def test_something_that_is_no_smpp(self, gateway: Gateway) -> None:
        """generic_nack 0x02, and the end."""
        far = gateway.connect()
        far.transport.arrive(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert far.closed()
        assert statuses(far) == [0x02]
        assert gateway.server.malformed_pdus == 1

    def test_a_great_pdu(self, gateway: Gateway) -> None:
        """Nobody may fill our memory before he has said who he is."""
        far = gateway.connect()
        far.transport.arrive(b"\0\0\x10\0")
        assert far.closed()
        assert far.got() == [nack(0x02, 0)]


class TestSubmit:
    def test_rok_means_that_it_is_stored(self, gateway: Gateway) -> None:
        """No answer before the store has confirmed; then the id under which it is."""
        far = gateway.bound()
        gateway.store.is_slow = True
        sequence = submit(far)
        far.turn(2)
        assert far.got() == []
        assert gateway.upstreams.poked == 0
        gateway.store.go_on()
        [(message_id, record)] = gateway.store.records.items()
        assert far.got() == [
            resp(Command.SUBMIT_SM, 0, sequence, message_id.encode() + b"\0")
        ]
        assert from_text(message_id) is not None
        assert len(message_id) == 36
        assert record.account == "acme"
        assert gateway.upstreams.poked == 1

    def test_each_answer_has_the_number_of_its_request(self, gateway: Gateway) -> None:
        """However many come at once, and though a partner uses a number twice."""
        far = gateway.bound(Command.BIND_TRANSMITTER)
        numbers = [0, 7, 7, 0xFFFFFFFF]
        for number in numbers:
            far.send(Command.SUBMIT_SM, submit_body(), sequence=number)
        answers = far.got()
        assert [a.sequence_number for a in answers] == numbers
        assert [a.body[:-1].decode() for a in answers] == gateway.ids

    def test_the_body_is_kept_as_it_came(self, gateway: Gateway) -> None:
        """Octet for octet, TLVs and their order too."""
        body = submit_body(service_type=b"CMT", protocol_id=0x41, data_coding=0xF5)
        body += b"\x14\x00\x00\x02hi" + b"\x02\x04\x00\x02\x00\x07"
        far = gateway.bound()
        far.send(Command.SUBMIT_SM, body)
        assert statuses(far) == [0]
        [record] = gateway.store.records.values()
        assert record.bodies == [body]

    @pytest.mark.parametrize("asked", [0, 1, 2, 0x11, 0x1D])
    def test_the_carrier_is_always_asked_for_a_receipt(
        self, gateway: Gateway, asked: int
    ) -> None:
        """And for what else the partner asked of it; what that was is remembered."""
        far = gateway.bound()
        submit(far, registered_delivery=asked)
        assert statuses(far) == [0]
        [record] = gateway.store.records.values()
        assert decode_sm(record.bodies[0]).registered_delivery == (asked & 0xFC | 1)
        assert record.registered_delivery == asked

    @pytest.mark.parametrize(
        "written", [b"+233501234567", b"00233501234567", b"+233 50-123.4567"]
    )
    def test_a_number_in_another_form(self, gateway: Gateway, written: bytes) -> None:
        """It goes to the carrier as an international number; all else stays."""
        fields: dict[str, Any] = {
            "esm_class": 0x40,
            "data_coding": 8,
            "short_message": b"\5\0\3\1\2\1\0H",
            "registered_delivery": 0,
            "tlvs": {Tag.USER_MESSAGE_REFERENCE: b"\0\7"},
        }
        far = gateway.bound()
        submit(
            far, destination_addr=written, dest_addr_ton=0, dest_addr_npi=0, **fields
        )
        assert statuses(far) == [0]
        [record] = gateway.store.records.values()
        fields["registered_delivery"] = 1
        assert record.bodies == [submit_body(**fields)]

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"source_addr": b"Bank"}, 0x0A),
            ({"destination_addr": b""}, 0x0B),
            ({"destination_addr": b"0501234567"}, 0x0B),
            ({"destination_addr": b"4915112345678"}, 0x0B),  # no route
            ({"esm_class": 0x02}, 0x43),
            ({"priority_flag": 4}, 0x06),
            ({"schedule_delivery_time": b"tomorrow, please"}, 0x61),
            ({"validity_period": b"200101000000000+"}, 0x62),
            ({"registered_delivery": 3}, 0x07),
            ({"replace_if_present_flag": 2}, 0x54),
            ({"sm_default_msg_id": 1}, 0x63),
            ({"esm_class": 0x40, "short_message": b"\x20short"}, 0x01),
        ],
    )
    def test_a_refusal(
        self, make_gateway: MakeGateway, fields: dict[str, Any], status: int
    ) -> None:
        """Its own status without a body; nothing is stored; the session goes on."""
        gateway = make_gateway(account("acme", senders=("Luck",)))
        far = gateway.bound()
        sequence = submit(far, **fields)
        assert far.got() == [resp(Command.SUBMIT_SM, status, sequence)]
        assert gateway.ids == []
        submit(far)
        assert statuses(far) == [0]

    def test_refusals_are_counted_and_do_not_flood_the_log(
        self, gateway: Gateway, log: list[str]
    ) -> None:
        """By status; of a hundred equal ones seven lines are written, without text."""
        far = gateway.bound()
        for _ in range(100):
            submit(far, destination_addr=b"0", short_message=b"my secret")
            far.turn()
        assert gateway.server.refusals == {0x0B: 100}
        lines = [line for line in log if "refused a request" in line]
        assert len(lines) == 7
        assert not any("secret" in line for line in log)

    def test_a_message_that_no_record_can_hold(self, gateway: Gateway) -> None:
        """A payload near SMPP's own limit is no SMS: refused as too long."""
        far = gateway.bound()
        submit(far, short_message=b"", tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 65_500})
        assert statuses(far) == [Status.ESME_RINVMSGLEN]
        submit(far, short_message=b"", tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 30_000})
        assert statuses(far) == [0]

    def test_faster_than_allowed(self, make_gateway: MakeGateway) -> None:
        """0x58, and a second later there is room again."""
        gateway = make_gateway(account("acme", throughput=2.0))
        far = gateway.bound()
        for _ in range(3):
            submit(far)
        assert sorted(statuses(far)) == [0, 0, Status.ESME_RTHROTTLED]
        far.turn(1)
        submit(far)
        assert statuses(far) == [0]

    def test_more_at_once_than_the_window(self, make_gateway: MakeGateway) -> None:
        """What is beyond the account's window is refused at once as "try again"."""
        gateway = make_gateway(account("acme", window=2))
        far = gateway.bound()
        gateway.store.is_slow = True
        submit(far), submit(far)
        third = submit(far)
        assert far.got() == [resp(Command.SUBMIT_SM, 0x58, third)]
        gateway.store.go_on()
        assert statuses(far) == [0, 0]

    def test_the_store_is_full(self, gateway: Gateway) -> None:
        """0x14, and nothing is stored."""
        gateway.marks.is_full = True
        far = gateway.bound()
        submit(far)
        assert statuses(far) == [Status.ESME_RMSGQFUL]
        assert gateway.ids == []

    def test_the_store_is_away(self, gateway: Gateway) -> None:
        """0x08 at once, when that is known already."""
        far = gateway.bound()
        gateway.journal.lost()
        submit(far)
        assert statuses(far) == [Status.ESME_RSYSERR]

    def test_the_store_does_not_confirm(self, gateway: Gateway) -> None:
        """0x08 after ten seconds, and the message will never leave."""
        far = gateway.bound()
        gateway.store.is_away = True
        submit(far)
        far.turn(9)
        assert far.got() == []
        far.turn(3)
        assert statuses(far) == [Status.ESME_RSYSERR]
        gateway.store.is_away = False
        far.turn(1)
        assert gateway.ids == []

    def test_the_partner_goes_before_the_store_confirms(self, gateway: Gateway) -> None:
        """The message stays accepted; the answer is dropped without an error."""
        far = gateway.bound()
        gateway.store.is_slow = True
        submit(far)
        far.turn()
        far.cut()
        gateway.store.go_on()
        far.turn()
        assert len(gateway.ids) == 1
        assert far.got() == []

    def test_a_receiver_may_not(self, gateway: Gateway) -> None:
        """0x04 on a session that was bound to receive."""
        far = gateway.bound(Command.BIND_RECEIVER)
        sequence = submit(far)
        assert far.got() == [resp(Command.SUBMIT_SM, 0x04, sequence)]
        assert gateway.ids == []

    def test_one_that_can_not_be_read(self, gateway: Gateway) -> None:
        """Its response says why; the next one is taken."""
        far = gateway.bound()
        sequence = far.send(Command.SUBMIT_SM, submit_body()[:-2])
        assert far.got() == [resp(Command.SUBMIT_SM, 0x01, sequence)]
        submit(far)
        assert statuses(far) == [0]
        assert gateway.server.malformed_pdus == 1

    def test_a_hundred_that_can_not_be_read(self, gateway: Gateway) -> None:
        """That is no partner for us: we unbind."""
        far = gateway.bound()
        for _ in range(100):
            far.send(Command.SUBMIT_SM, b"junk")
        *answers, unbind = far.got()
        assert len(answers) == 100
        assert unbind.command_id == Command.UNBIND

    @given(sm_fields)
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_comes_is_answered_once(
        self, gateway: Gateway, fields: dict[str, Any]
    ) -> None:
        """No content of a submit_sm breaks anything."""
        far = gateway.bound()
        for to in (fields["destination_addr"], b"233501234567", b"+233501234567"):
            sequence = submit(far, **(fields | {"destination_addr": to}))
            [answer] = far.got()
            assert answer.command_id == Command.SUBMIT_SM_RESP
            assert answer.sequence_number == sequence
            assert bool(answer.body) is (answer.command_status == 0)
        far.cut()


class TestOtherRequests:
    @pytest.mark.parametrize(
        ("command", "body"),
        [
            (Command.QUERY_SM, b"1\0\1\1Luck\0"),
            (Command.CANCEL_SM, b"\01\0\1\1Luck\0\1\1233501234567\0"),
            (Command.REPLACE_SM, b"1\0\1\1Luck\0\0\0\0\0\2hi"),
            (Command.SUBMIT_MULTI, b"junk"),
            (Command.DATA_SM, DATA),
            (0x00000777, b""),
        ],
    )
    @pytest.mark.parametrize("kind", KINDS)
    def test_what_is_turned_off(
        self, make_gateway: MakeGateway, kind: Command, command: int, body: bytes
    ) -> None:
        """generic_nack 0x03 with the request's number; the session stays."""
        far = make_gateway(disabled=OPTIONAL_PDUS).bound(kind)
        sequence = far.send(command, body)
        assert far.got() == [nack(0x03, sequence)]
        far.send(Command.ENQUIRE_LINK)
        assert statuses(far) == [0]

    def test_a_deliver_sm_of_a_partner(self, gateway: Gateway) -> None:
        """That is our part: 0x04."""
        far = gateway.bound()
        sequence = far.send(Command.DELIVER_SM, SUBMIT)
        assert far.got() == [resp(Command.DELIVER_SM, 0x04, sequence, b"\0")]

    def test_an_outbind(self, gateway: Gateway) -> None:
        """Only an SMSC may: generic_nack and the end."""
        far = gateway.bound()
        sequence = far.send(Command.OUTBIND, b"x\0y\0")
        assert far.closed()
        assert far.got() == [nack(0x03, sequence)]

    @pytest.mark.parametrize(
        "command",
        [
            Command.ALERT_NOTIFICATION,
            Command.GENERIC_NACK,
            Command.SUBMIT_SM_RESP,
            0x80000777,
        ],
    )
    def test_what_has_no_answer(self, gateway: Gateway, command: int) -> None:
        """Counted, and not answered."""
        far = gateway.bound()
        far.send(command)
        assert far.got() == []
        assert gateway.server.malformed_pdus == 1

    def test_malformed_ones_do_not_flood_the_log(
        self, gateway: Gateway, log: list[str]
    ) -> None:
        """Of ten, four lines are written: the first, second, fourth, eighth."""
        far = gateway.bound()
        for _ in range(10):
            far.send(0x80000777)
        assert len([line for line in log if "malformed PDU" in line]) == 4


class TestDeliver:
    def sent(self, far: Far, *contexts: object) -> list[Pdu]:
        """deliver_sm with these contexts, as they arrived."""
        for context in contexts:
            session_of(far).deliver(SUBMIT, context)
        return far.got()

    @pytest.mark.parametrize(
        ("kind", "room"),
        [
            (Command.BIND_RECEIVER, 100),
            (Command.BIND_TRANSCEIVER, 100),
            (Command.BIND_TRANSMITTER, 0),
        ],
    )
    def test_to_those_who_receive(
        self, gateway: Gateway, kind: Command, room: int
    ) -> None:
        """A receiver and a transceiver have a window for us; a transmitter has none."""
        session = session_of(gateway.bound(kind))
        assert (session.room, session.capacity) == (room, room)

    def test_the_outbox_hears_of_a_new_session(self, gateway: Gateway) -> None:
        """It may begin at once, and what it sends comes behind the bind's answer."""
        far = gateway.connect()
        bind(far, Command.BIND_RECEIVER)
        assert "changed" in gateway.outbox("acme").news()
        session_of(far).deliver(SUBMIT, "a")
        assert [p.command_id for p in far.got()] == [
            Command.BIND_RECEIVER_RESP,
            Command.DELIVER_SM,
        ]

    @pytest.mark.parametrize("status", [0, 0x08, 0x58, 0x64, 0x65, 0x4FF])
    def test_the_answer_is_told(self, gateway: Gateway, status: int) -> None:
        """As it is, with its context; a message_id in it does not matter."""
        far = gateway.bound()
        [sm] = self.sent(far, "a")
        assert sm == Pdu(Command.DELIVER_SM, 0, sm.sequence_number, SUBMIT)
        assert session_of(far).room == 99
        far.respond(sm, b"id\0", status)
        assert gateway.outbox("acme").news() == [("answered", "a", status), "changed"]
        assert session_of(far).room == 100

    @pytest.mark.parametrize("status", [0x00, 0x03, 0x66])
    def test_a_generic_nack_is_a_temporary_refusal(
        self, gateway: Gateway, status: int
    ) -> None:
        """Whatever its status: the partner did not understand the PDU."""
        far = gateway.bound()
        [sm] = self.sent(far, "a")
        far.send(RESP, status=status, sequence=sm.sequence_number)
        assert gateway.outbox("acme").news() == [
            ("answered", "a", Status.ESME_RUNKNOWNERR),
            "changed",
        ]

    def test_answers_of_one_read_are_one_change(self, gateway: Gateway) -> None:
        """The outbox looks for more once, not for each."""
        far = gateway.bound()
        sent = self.sent(far, "a", "b", "c")
        far.transport.arrive(
            b"".join(
                encode_pdu(Command.DELIVER_SM_RESP, 0, sm.sequence_number, b"\0")
                for sm in sent
            )
        )
        assert gateway.outbox("acme").news() == [
            ("answered", "a", 0),
            ("answered", "b", 0),
            ("answered", "c", 0),
            "changed",
        ]

    def test_no_answer(self, gateway: Gateway) -> None:
        """After a minute the outbox is told; a late answer is told apart."""
        far = gateway.bound()
        [sm] = self.sent(far, "a")
        for _ in range(4):
            far.send(Command.ENQUIRE_LINK)
            far.turn(16)
        assert gateway.outbox("acme").news() == [("timed out", "a"), "changed"]
        far.respond(sm, b"\0")
        assert gateway.outbox("acme").news()[0] == ("answered late", "a", 0)

    def test_the_partner_goes(self, gateway: Gateway) -> None:
        """What it did not answer goes back, in order, after the session has ceased to
        count: the outbox gives back its own newer ones before, so the oldest are first.
        """
        far = gateway.bound()
        a, *_ = self.sent(far, "a", "b", "c")
        far.respond(a, b"\0")
        gateway.outbox("acme").news()
        far.cut()
        assert gateway.outbox("acme").news() == [
            "changed",
            ("lost", ["b", "c"]),
            "changed",
        ]
        session = session_of(far)
        assert (session.room, session.capacity) == (0, 0)
        assert gateway.sessions.counts() == {}

    def test_a_partner_that_does_not_read(self, gateway: Gateway) -> None:
        """It has no room, keeps its place, and its outbox hears when it reads again."""
        far = gateway.bound()
        far.transport.is_taking = False
        session_of(far).deliver(SUBMIT + b"x" * 70_000, "a")
        far.turn()
        session = session_of(far)
        assert (session.room, session.capacity) == (0, 100)
        gateway.outbox("acme").news()
        far.transport.take()
        assert gateway.outbox("acme").news() == ["changed"]
        assert session.room == 99

    def test_before_the_bind_nobody_is_told(self, gateway: Gateway) -> None:
        """A connection that stops reading before it binds has no outbox."""
        far = gateway.connect()
        far.session.pauseProducing()
        far.session.resumeProducing()
        assert gateway.outboxes == {}


class TestLeaving:
    def test_a_partner_unbinds(self, gateway: Gateway) -> None:
        """unbind_resp, closed, forgotten."""
        far = gateway.bound()
        sequence = far.send(Command.UNBIND)
        assert far.closed()
        assert far.got() == [resp(Command.UNBIND, 0, sequence)]
        assert gateway.sessions.counts() == {}

    def test_a_partner_unbinds_with_messages_under_way(self, gateway: Gateway) -> None:
        """They are answered first; what comes behind the unbind is refused."""
        far = gateway.bound()
        gateway.store.is_slow = True
        first = submit(far)
        unbind = far.send(Command.UNBIND)
        late = submit(far)
        assert far.got() == [resp(Command.SUBMIT_SM, 0x08, late)]
        gateway.store.go_on()
        assert far.closed()
        answer, last = far.got()
        assert (answer.sequence_number, answer.command_status) == (first, 0)
        assert last == resp(Command.UNBIND, 0, unbind)

    def drained(self, gateway: Gateway) -> list[Any]:
        """Where it is told that all partners are gone."""
        told: list[Any] = []
        gateway.server.drain().addCallback(told.append)
        return told

    def test_draining(self, gateway: Gateway) -> None:
        """Everybody is told; who answers is closed; then the Deferred fires."""
        fars = [gateway.bound(kind) for kind in KINDS]
        told = self.drained(gateway)
        for far in fars:
            [unbind] = far.got()
            assert unbind.command_id == Command.UNBIND
            assert told == []
            far.respond(unbind)
            assert far.closed()
        assert told == [None]
        assert gateway.sessions.counts() == {}
        assert gateway.clock.getDelayedCalls() == []

    def test_nobody_new_comes_in(self, gateway: Gateway) -> None:
        """No connection is taken any more; those without a bind are closed."""
        far = gateway.connect()
        told = self.drained(gateway)
        assert far.closed()
        assert far.got() == []
        assert gateway.connect().closed()
        assert told == [None]

    def test_a_bind_that_is_being_checked(self, make_gateway: MakeGateway) -> None:
        """It is refused with 0x0D, whatever the check will say."""
        gateway = make_gateway(account("acme", password=HASHED))
        far = gateway.connect()
        bind(far)
        self.drained(gateway)
        assert far.closed()
        assert statuses(far) == [Status.ESME_RBINDFAIL]
        gateway.checks.pop()()
        assert gateway.sessions.counts() == {}

    def test_what_is_being_stored_is_answered(self, gateway: Gateway) -> None:
        """A partner is not sent away with a message of which it knows nothing; new ones
        are refused as "try again".
        """
        far = gateway.bound()
        gateway.store.is_slow = True
        first = submit(far)
        far.turn()
        self.drained(gateway)
        late = submit(far)
        assert far.got() == [resp(Command.SUBMIT_SM, 0x08, late)]
        gateway.store.go_on()
        answer, unbind = far.got()
        assert (answer.sequence_number, answer.command_status) == (first, 0)
        assert unbind.command_id == Command.UNBIND
        far.respond(unbind)
        assert far.closed()
        assert gateway.clock.getDelayedCalls() == []

    def test_receipts_under_way_are_awaited(self, gateway: Gateway) -> None:
        """No new ones are sent, the outbox is told so; an answer still counts."""
        far = gateway.bound()
        session_of(far).deliver(SUBMIT, "a")
        [sm] = far.got()
        told = self.drained(gateway)
        assert gateway.outbox("acme").news() == ["changed"]
        session = session_of(far)
        assert (session.room, session.capacity) == (0, 0)
        assert far.got() == []
        far.respond(sm, b"\0")
        assert gateway.outbox("acme").news()[0] == ("answered", "a", 0)
        [unbind] = far.got()
        far.respond(unbind)
        assert far.closed()
        assert told == [None]

    def test_not_for_ever(self, gateway: Gateway) -> None:
        """A store and a partner that do nothing hold it up for ten seconds or so."""
        far = gateway.bound()
        gateway.store.is_slow = True
        submit(far)
        session_of(far).deliver(SUBMIT, "a")
        far.turn()
        told = self.drained(gateway)
        far.turn(12)
        assert told == [None]
        assert ("lost", ["a"]) in gateway.outbox("acme").news()

    def test_a_partner_that_goes_by_itself_meanwhile(self, gateway: Gateway) -> None:
        """Its end is the end; nothing is left behind."""
        far = gateway.bound()
        gateway.store.is_slow = True
        submit(far)
        far.turn()
        told = self.drained(gateway)
        told_again = self.drained(gateway)
        far.cut()
        assert told == told_again == [None]
        gateway.store.go_on()
        far.turn()
        assert gateway.clock.getDelayedCalls() == []
        assert len(gateway.ids) == 1


def test_the_settings_are_kept(make_gateway: MakeGateway) -> None:
    """``[smpp]``: who we are, and every timer."""
    gateway = make_gateway(
        account("acme"),
        system_id="luck-eu",
        session_init_s=3,
        enquire_link_s=7,
        inactivity_s=40,
        response_s=5,
    )
    silent = gateway.connect()
    far = gateway.connect()
    bind(far)
    [bound] = far.got()
    assert bound.body.startswith(b"luck-eu\0")
    silent.turn(4)
    assert silent.closed()
    session_of(far).deliver(SUBMIT, "a")
    for _ in range(6):
        far.send(Command.ENQUIRE_LINK)
        far.turn(1)
    assert ("timed out", "a") in gateway.outbox("acme").news()
    far.got()
    far.turn(8)
    assert [p.command_id for p in far.got()] == [Command.ENQUIRE_LINK]
    for _ in range(30):
        far.send(Command.ENQUIRE_LINK)
        far.turn(1)
    assert Command.UNBIND in {p.command_id for p in far.got()}
