"""Promises of one bind: how it comes up, stays up, and goes down."""

from collections.abc import Callable
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet import error

from luckgw.domain.status import Status
from luckgw.upstream.interface import NACK, NotCarried
from luckgw.wire.pdus import Command, encode_pdu, encode_sm
from tests.link.far import Far
from tests.upstream.carrier import Carrier
from tests.wire.peers import SUBMIT, Pdu, nack, resp

BIND_RESP = Command.BIND_TRANSCEIVER_RESP


def rebound(carrier: Carrier) -> Far:
    """Wait for the next call, and take its bind."""
    carrier.wait()
    return carrier.bound()


class TestComingUp:
    @pytest.mark.parametrize(
        ("bind", "command"),
        [
            ("transceiver", Command.BIND_TRANSCEIVER),
            ("transmitter", Command.BIND_TRANSMITTER),
            ("receiver", Command.BIND_RECEIVER),
        ],
    )
    def test_it_binds_as_it_is_told(self, bind: str, command: Command) -> None:
        """One bind request, with the credentials, as SMPP v3.4."""
        carrier = Carrier(bind=bind, system_type="VMA").start()
        far = carrier.accept()
        assert far.got() == [
            Pdu(command, 0, 1, b"luck\0secret08\0VMA\0" + b"\x34\0\0\0")
        ]
        assert carrier.state == "binding"
        far.send(command | 0x80000000, b"smsc\0", sequence=1)
        assert carrier.state == "bound"
        assert carrier.ear.changes > 0

    @pytest.mark.parametrize(
        ("version", "octet"), [("3.3", 0x33), ("3.4", 0x34), ("5.0", 0x50)]
    )
    def test_it_names_the_version_it_is_told(self, version: str, octet: int) -> None:
        """Never an older one by itself (spec/reliability 2.9)."""
        carrier = Carrier(interface_version=version).start()
        [bind] = carrier.accept().got()
        assert bind.body == b"luck\0secret08\0\0" + bytes((octet, 0, 0, 0))

    def test_it_names_the_numbers_it_is_told(self) -> None:
        """addr_ton, addr_npi and address_range."""
        carrier = Carrier(addr_ton=1, addr_npi=9, address_range="^23320").start()
        [bind] = carrier.accept().got()
        assert bind.body == b"luck\0secret08\0\0" + b"\x34\1\x09^23320\0"

    def test_nothing_can_be_sent_before(self, carrier: Carrier) -> None:
        """No room, no capacity, not up: until the carrier takes the bind."""
        upstream = carrier.upstream
        seen = [(upstream.is_up, upstream.room, upstream.capacity)]
        far = carrier.accept()
        [bind] = far.got()
        seen.append((upstream.is_up, upstream.room, upstream.capacity))
        far.respond(bind, b"smsc\0")
        seen.append((upstream.is_up, upstream.room, upstream.capacity))
        assert seen == [(False, 0, 0), (False, 0, 0), (True, 10, 10)]

    def test_a_receiver_never_sends(self) -> None:
        """It is bound, and has neither room nor capacity."""
        carrier = Carrier(bind="receiver").start()
        carrier.bound()
        assert carrier.state == "bound"
        assert not carrier.upstream.is_up
        assert (carrier.upstream.room, carrier.upstream.capacity) == (0, 0)
        assert carrier.bind.status().in_flight == 0

    def test_nobody_listens(self, carrier: Carrier) -> None:
        """A second, two, four ... to a minute; and what it was can be seen."""
        seen = []
        for _ in range(8):
            carrier.refuse()
            assert carrier.state == "waiting"
            assert "refused" in carrier.bind.status().last_error
            seen.append(carrier.wait())
        assert seen == [1, 2, 4, 8, 16, 32, 60, 60]

    def test_nobody_answers_the_call(self, carrier: Carrier) -> None:
        """After 10 s the call is given up, and later made again."""
        connector = carrier.ignore()
        carrier.clock.advance(9.5)
        assert carrier.state == "connecting"
        carrier.clock.advance(0.5)
        assert connector.stoppedConnecting
        assert carrier.bind.status().last_error == "not connected within 10 s"
        assert carrier.wait() == 1

    def test_nobody_answers_the_bind(self, carrier: Carrier) -> None:
        """After 10 s the connection is closed, and a new one made a second later."""
        far = carrier.accept()
        far.turn(9)
        assert not far.closed()
        far.turn(2)
        assert far.closed()
        assert "bind" in carrier.bind.status().last_error
        assert carrier.wait() <= 1

    def test_the_carrier_closes_while_the_bind_is_pending(
        self, carrier: Carrier
    ) -> None:
        """Nothing breaks; it is called again."""
        far = carrier.accept()
        far.got()
        far.cut()
        assert carrier.state == "waiting"
        assert "lost" in carrier.bind.status().last_error
        rebound(carrier)
        assert carrier.state == "bound"
        assert carrier.bind.status().last_error == ""

    @pytest.mark.parametrize(
        ("status", "seconds"),
        [
            (Status.ESME_RINVPASWD, [60, 120, 240, 300, 300]),
            (Status.ESME_RINVSYSID, [60, 120]),
            (Status.ESME_RALYBND, [15, 30, 60, 120, 120]),
            (Status.ESME_RBINDFAIL, [15, 30]),
            (Status.ESME_RSYSERR, [1, 2, 4]),
        ],
    )
    def test_a_refused_bind(
        self, carrier: Carrier, status: int, seconds: list[float]
    ) -> None:
        """The connection is closed by us; the wait depends on what was said."""
        seen = []
        for _ in seconds:
            far = carrier.accept()
            [bind] = far.got()
            far.respond(bind, status=status)
            assert far.closed()
            assert carrier.bind.status().last_error == (
                f"bind refused with 0x{status:02X}"
            )
            seen.append(carrier.wait())
        assert seen == seconds

    def test_a_bind_that_is_nacked(self, carrier: Carrier) -> None:
        """generic_nack refuses it as well."""
        far = carrier.accept()
        [bind] = far.got()
        far.send(0x80000000, status=0x03, sequence=bind.sequence_number)
        assert far.closed()
        assert carrier.wait() == 1

    def test_something_else_listens_there(self, carrier: Carrier) -> None:
        """What is no SMPP is closed, and called again."""
        far = carrier.accept()
        far.got()
        far.transport.arrive(b"SSH-2.0-OpenSSH_9.6\r\n")
        assert far.closed()
        assert carrier.wait() == 1


class TestStayingUp:
    def test_a_short_bind_proves_nothing(self, carrier: Carrier) -> None:
        """A carrier that takes the bind and drops it is not hammered."""
        seen = []
        for _ in range(4):
            far = carrier.bound()
            far.turn(20)
            far.cut()
            seen.append(carrier.wait())
        assert seen == [1, 2, 4, 8]

    def test_a_minute_proves_that_the_trouble_is_over(self, carrier: Carrier) -> None:
        """Then the first wait is short again."""
        for _ in range(4):
            carrier.refuse()
            carrier.wait()
        far = carrier.bound()
        for _ in range(3):
            far.turn(20)
            far.send(Command.ENQUIRE_LINK)
        far.cut()
        assert carrier.wait() == 1

    def test_a_carrier_that_says_goodbye(self, carrier: Carrier) -> None:
        """unbind is answered, the connection closed by us, and not before five seconds
        have passed there is a new one.
        """
        far = carrier.bound()
        sequence = far.send(Command.UNBIND)
        assert far.closed()
        assert far.got() == [resp(Command.UNBIND, 0, sequence)]
        assert carrier.bind.status().last_error == "the carrier sent unbind"
        assert carrier.wait() == 5
        carrier.refuse()
        assert carrier.wait() == 2

    def test_a_goodbye_waits_for_our_answers(self, carrier: Carrier) -> None:
        """What the carrier has delivered is answered before its unbind."""
        far = carrier.bound()
        delivered = far.send(Command.DELIVER_SM, SUBMIT)
        unbind = far.send(Command.UNBIND)
        assert far.got() == []
        assert carrier.upstream.room == 0
        carrier.ear.replies[0](0)
        assert far.closed()
        assert far.got() == [
            resp(Command.DELIVER_SM, 0, delivered, b"\0"),
            resp(Command.UNBIND, 0, unbind),
        ]

    def test_a_silent_carrier(self, carrier: Carrier) -> None:
        """Two enquire_links without a sign of life: over, within a minute."""
        far = carrier.bound()
        far.turn(10)
        carrier.upstream.submit(SUBMIT, "a")
        far.turn(50)
        assert far.closed()
        assert carrier.ear.news() == [("uncertain", ["a"], False)]
        assert carrier.bind.status().last_error == "the peer is silent"

    def test_answers_that_do_not_come_three_times(self) -> None:
        """One timeout closes nothing, the third in a row does, when nothing else comes
        meanwhile (spec/reliability 2.5).
        """
        carrier = Carrier(response_s=5.0).start()
        far = carrier.bound()
        for context in ("a", "b", "c"):
            carrier.upstream.submit(SUBMIT, context)
            far.turn(2)
        assert not far.closed()
        far.turn(4)
        assert far.closed()
        assert carrier.ear.news() == [
            ("uncertain", [context], True) for context in ("a", "b", "c")
        ]

    def test_a_carrier_that_is_only_slow(self) -> None:
        """However many answers are late: it says that it is there when it is asked, so
        it keeps its bind, and its late ROKs settle (spec/reliability 6.2, F16).
        """
        carrier = Carrier(response_s=6.0, enquire_link_s=300.0).start()
        far = carrier.bound()
        submits = []
        for context in range(5):
            carrier.upstream.submit(SUBMIT, context)
            submits += carrier.submits(far)
            far.turn(1)
        for _ in range(8):
            far.turn(1)
            for pdu in far.got():
                assert pdu.command_id == Command.ENQUIRE_LINK
                far.respond(pdu)
        assert carrier.state == "bound"
        assert carrier.ear.news() == [("uncertain", [n], True) for n in range(5)]
        for submit in submits:
            far.respond(submit, b"id\0")
        assert carrier.ear.news() == [("late", n, 0, b"id") for n in range(5)]

    @pytest.mark.parametrize("status", [Status.ESME_RINVBNDSTS, Status.ESME_RALYBND])
    def test_a_carrier_that_does_not_know_the_bind(
        self, carrier: Carrier, status: int
    ) -> None:
        """Told that the session is not what we think, we bind anew: the rest of the
        window is awaited, nothing is sent meanwhile (spec/reliability 2.11).
        """
        far = carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        carrier.upstream.submit(SUBMIT, "b")
        a, b = far.got()
        far.respond(a, status=status)
        assert (carrier.upstream.room, carrier.upstream.capacity) == (0, 0)
        assert (carrier.upstream.is_up, carrier.state) == (False, "unbinding")
        [unbind] = far.got()
        assert unbind.command_id == Command.UNBIND
        far.respond(b, b"id\0")
        far.respond(unbind)
        assert far.closed()
        assert carrier.ear.news() == [
            ("answered", "a", status, b""),
            ("answered", "b", 0, b"id"),
        ]
        assert carrier.wait() == 1
        carrier.bound()
        assert carrier.upstream.is_up

    def test_which_codes_say_so_can_be_told(self) -> None:
        """By [answers]: one more, and one less."""
        carrier = Carrier(answers={0x4FF: "session", 0x04: "permanent"}).start()
        far = carrier.bound()
        for context in ("a", "b"):
            carrier.upstream.submit(SUBMIT, context)
        a, b = far.got()
        far.respond(a, status=0x04)
        assert far.got() == []
        far.respond(b, status=0x4FF)
        assert [p.command_id for p in far.got()] == [Command.UNBIND]

    def test_a_whole_window_that_says_so_is_one_reason(self, carrier: Carrier) -> None:
        """There is one unbind, however many submits were answered with 0x04."""
        far = carrier.bound()
        for context in range(3):
            carrier.upstream.submit(SUBMIT, context)
        for submit in far.got():
            far.respond(submit, status=0x04)
        assert [p.command_id for p in far.got()] == [Command.UNBIND]


class TestTrouble:
    """What people see of a bind that is not there."""

    def seen(self, carrier: Carrier) -> tuple[str, float | None, bool]:
        """Class, seconds until the next try, alarm."""
        status = carrier.bind.status()
        return status.trouble, status.next_try_s, status.is_alarm

    @pytest.mark.parametrize(
        ("status", "trouble", "wait", "is_alarm"),
        [
            (0x0E, "wrong credentials", 60, True),
            (0x0F, "wrong credentials", 60, True),
            (0x53, "wrong credentials", 60, True),
            (0x05, "already bound", 15, False),
            (0x0D, "already bound", 15, False),
            (0x08, "bind refused", 1, False),
            (0x45A, "bind refused", 1, False),
        ],
    )
    def test_refused_by_the_carrier(
        self, carrier: Carrier, status: int, trouble: str, wait: int, is_alarm: bool
    ) -> None:
        """By its class, with an alarm where only a person can help; it is over with
        the next good bind.
        """
        far = carrier.accept()
        [bind] = far.got()
        far.respond(bind, status=status)
        assert far.closed()
        assert self.seen(carrier) == (trouble, wait, is_alarm)
        rebound(carrier)
        assert self.seen(carrier) == ("", None, False)

    @pytest.mark.parametrize(
        ("error", "trouble"),
        [
            (error.ConnectionRefusedError(), "connection refused"),
            (error.DNSLookupError("no such name"), "name not found"),
            (error.TimeoutError(), "timeout"),
            (error.NoRouteError(), "unreachable"),
            (error.ConnectError(), "unreachable"),
            (SSL.Error([("", "", "certificate verify failed")]), "TLS"),
        ],
    )
    def test_no_connection(
        self, carrier: Carrier, error: Exception, trouble: str
    ) -> None:
        """Each kind has its word."""
        carrier.refuse(error)
        assert self.seen(carrier) == (trouble, 1, False)

    def test_no_answer(self, carrier: Carrier) -> None:
        """To the call, and to the bind: timeout."""
        carrier.ignore()
        carrier.clock.advance(10)
        assert self.seen(carrier)[0] == "timeout"
        carrier.wait()
        far = carrier.accept()
        far.turn(11)
        assert far.closed()
        assert self.seen(carrier)[0] == "timeout"

    def test_lost_and_sent_away(self, carrier: Carrier) -> None:
        """What ends a bind has a class, too."""
        carrier.bound().cut()
        assert self.seen(carrier)[0] == "connection lost"
        carrier.wait()
        far = carrier.bound()
        far.send(Command.UNBIND)
        assert far.closed()
        assert self.seen(carrier) == ("unbound by the carrier", 5, False)

    def test_it_is_logged_once_for_each_kind(
        self, carrier: Carrier, logged: Callable[[str], list[str]]
    ) -> None:
        """And now and then while it lasts."""
        for _ in range(9):
            carrier.refuse()
            carrier.wait()
        assert len(logged("no bind")) == 4
        carrier.refuse(error.DNSLookupError("no such name"))
        assert "name not found" in logged("no bind")[-1]
        carrier.wait()
        far = carrier.accept()
        [bind] = far.got()
        far.respond(bind, status=0x0E)
        assert far.closed()
        assert logged("no bind")[-1].startswith("ALARM: ")


class TestWithoutTlvs:
    TAGGED = SUBMIT + b"\x02\x04\0\2\0\7"

    def sent(self, bind_resp: bytes, **config: Any) -> bytes:
        """What becomes of a submit with a TLV."""
        carrier = Carrier(**config).start()
        far = carrier.accept()
        [bind] = far.got()
        far.respond(bind, bind_resp)
        carrier.upstream.submit(self.TAGGED, "a")
        [submit] = carrier.submits(far)
        return submit.body

    @pytest.mark.parametrize(
        ("tlvs", "version", "bind_resp", "goes"),
        [
            ("on", "3.4", b"smsc\0", True),
            ("on", "5.0", b"", True),
            ("on", "3.3", b"smsc\0", False),
            ("off", "3.4", b"smsc\0\x02\x10\0\1\x34", False),
            ("auto", "3.4", b"smsc\0\x02\x10\0\1\x34", True),
            ("auto", "3.4", b"smsc\0\x02\x10\0\1\x50", True),
            ("auto", "3.4", b"smsc\0\x02\x10\0\1\x33", False),
            ("auto", "3.4", b"smsc\0", False),
            ("auto", "3.4", b"", False),
        ],
    )
    def test_who_gets_them(
        self, tlvs: str, version: str, bind_resp: bytes, goes: bool
    ) -> None:
        """As configured; "auto" believes sc_interface_version (reliability 2.9)."""
        got = self.sent(bind_resp, tlvs=tlvs, interface_version=version)
        assert got == (self.TAGGED if goes else SUBMIT)

    def test_what_can_not_go_is_said_at_once(self) -> None:
        """Nothing is sent, and there is as much room as before."""
        carrier = Carrier(tlvs="off").start()
        far = carrier.bound()
        long = encode_sm(destination_addr=b"1", tlvs={0x0424: b"x" * 300})
        with pytest.raises(NotCarried, match=r"message_payload.* takes no TLVs"):
            carrier.upstream.submit(long, "a")
        assert carrier.submits(far) == []
        assert carrier.upstream.room == 10


class TestTraffic:
    def test_a_submit_and_its_answer(self, carrier: Carrier) -> None:
        """The body goes as it is; the answer comes back with its context."""
        far = carrier.bound()
        via = carrier.upstream.submit(SUBMIT, "a")
        assert via is carrier.bind
        [submit] = far.got()
        assert submit == Pdu(Command.SUBMIT_SM, 0, submit.sequence_number, SUBMIT)
        assert (carrier.upstream.room, carrier.bind.status().in_flight) == (9, 1)
        changes = carrier.ear.changes
        far.respond(submit, b"4F2A\0")
        assert carrier.ear.news() == [("answered", "a", 0, b"4F2A")]
        assert carrier.ear.changes > changes
        assert (carrier.upstream.room, carrier.bind.status().in_flight) == (10, 0)

    @pytest.mark.parametrize("status", [0x08, 0x0B, 0x14, 0x58, 0x45, 0x4FF])
    def test_a_refusal_is_told_as_it_is(self, carrier: Carrier, status: int) -> None:
        """Whatever the number; with or without a body."""
        far = carrier.bound()
        for body in (b"", b"\0", b"id\0"):
            carrier.upstream.submit(SUBMIT, body)
            [submit] = far.got()
            far.respond(submit, body, status)
            [(word, context, told, _)] = carrier.ear.news()
            assert (word, context, told) == ("answered", body, status)
        assert carrier.upstream.is_up

    @pytest.mark.parametrize("status", [0x00, 0x03, 0x58])
    def test_a_generic_nack_is_told_apart(self, carrier: Carrier, status: int) -> None:
        """Even one with status 0 is no success (spec/reliability 2.8)."""
        far = carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        [submit] = far.got()
        far.send(0x80000000, status=status, sequence=submit.sequence_number)
        assert carrier.ear.news() == [("answered", "a", NACK | status, b"")]

    def test_a_late_answer(self, carrier: Carrier) -> None:
        """After a minute: uncertain. What comes after that comes as late, and once."""
        far = carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        [submit] = far.got()
        for _ in range(4):
            far.send(Command.ENQUIRE_LINK)
            far.turn(16)
        assert carrier.ear.news() == [("uncertain", ["a"], True)]
        assert carrier.upstream.room == 10
        far.respond(submit, b"id\0")
        far.respond(submit, b"id\0")
        assert carrier.ear.news() == [("late", "a", 0, b"id")]

    def test_uncertain_is_told_once(self, carrier: Carrier) -> None:
        """A timeout, and then the link goes: nothing new about that submit."""
        far = carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        for _ in range(4):
            far.send(Command.ENQUIRE_LINK)
            far.turn(16)
        carrier.upstream.submit(SUBMIT, "b")
        far.turn()
        far.cut()
        assert carrier.ear.news() == [
            ("uncertain", ["a"], True),
            ("uncertain", ["b"], False),
        ]

    def test_a_lost_link(self, carrier: Carrier) -> None:
        """All that was unanswered is uncertain, in order; then the bind comes back."""
        far = carrier.bound()
        for context in ("a", "b", "c"):
            carrier.upstream.submit(SUBMIT, context)
        [_, b, _] = far.got()
        far.respond(b, b"id\0")
        far.cut()
        assert carrier.ear.news() == [
            ("answered", "b", 0, b"id"),
            ("uncertain", ["a", "c"], False),
        ]
        assert not carrier.upstream.is_up
        rebound(carrier)
        assert carrier.upstream.room == 10

    def test_answers_that_answer_nothing(self, carrier: Carrier) -> None:
        """Another's, a second one, the wrong type: counted, and nothing else."""
        far = carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        [submit] = far.got()
        far.send(Command.SUBMIT_SM_RESP, b"x\0", sequence=77)
        far.send(Command.QUERY_SM_RESP, b"x\0", sequence=submit.sequence_number)
        assert carrier.ear.news() == []
        far.respond(submit, b"id\0")
        far.respond(submit, b"id\0")
        assert carrier.ear.news() == [("answered", "a", 0, b"id")]
        assert carrier.state == "bound"

    def test_alerts_and_outbinds_do_no_harm(self, carrier: Carrier) -> None:
        """alert_notification has no answer; an outbind is refused here."""
        far = carrier.bound()
        far.send(Command.ALERT_NOTIFICATION, b"\1\1233\0\1\1Luck\0")
        far.send(Command.ALERT_NOTIFICATION, b"\1\1233\0\1\1Luck\0\x04\x22\0\1\2")
        assert far.got() == []
        assert carrier.bind.status().alerts == 2
        sequence = far.send(Command.OUTBIND, b"smsc\0pw\0")
        assert far.got() == [nack(0x04, sequence)]
        assert carrier.state == "bound"


class TestDeliveries:
    @pytest.mark.parametrize("command", [Command.DELIVER_SM, Command.DATA_SM])
    def test_answered_only_when_told(self, carrier: Carrier, command: int) -> None:
        """Nothing is written before the listener says that it is safe."""
        far = carrier.bound()
        body = (
            SUBMIT if command == Command.DELIVER_SM else b"\0\0\0Luck\0\0\0233\0\4\0\0"
        )
        sequence = far.send(command, body)
        assert far.got() == []
        carrier.ear.replies[0](0)
        assert far.got() == [Pdu(command | 0x80000000, 0, sequence, b"\0")]

    def test_not_now(self, carrier: Carrier) -> None:
        """What could not be stored is refused as temporary: the carrier repeats it."""
        far = carrier.bound()
        carrier.ear.reply = Status.ESME_RX_T_APPN
        sequence = far.send(Command.DELIVER_SM, SUBMIT)
        assert far.got() == [
            resp(Command.DELIVER_SM, Status.ESME_RX_T_APPN, sequence, b"\0")
        ]

    def test_answers_in_any_order(self, carrier: Carrier) -> None:
        """Each answer has the number of its own request, however long it took."""
        far = carrier.bound()
        numbers = [far.send(Command.DELIVER_SM, SUBMIT) for _ in range(3)]
        for reply in reversed(carrier.ear.replies):
            reply(0)
        assert [p.sequence_number for p in far.got()] == numbers[::-1]

    def test_the_carrier_goes_before_the_answer(self, carrier: Carrier) -> None:
        """The answer is dropped: the carrier will deliver it again."""
        far = carrier.bound()
        far.send(Command.DELIVER_SM, SUBMIT)
        far.send(Command.DELIVER_SM, SUBMIT)
        far.cut()
        carrier.ear.replies[0](0)
        carrier.ear.replies[1](0x64)
        far.turn()
        assert far.got() == []

    def test_one_that_can_not_be_read(self, carrier: Carrier) -> None:
        """Its own response says why, its octets are told, and the bind goes on."""
        far = carrier.bound()
        for _ in range(9):
            far.send(Command.DELIVER_SM, SUBMIT[:-3])
        assert {(p.command_id, p.command_status) for p in far.got()} == {
            (Command.DELIVER_SM_RESP, 0x01)
        }
        kept = ("unreadable", Command.DELIVER_SM, 0x01, SUBMIT[:-3])
        assert carrier.ear.news() == [kept] * 9
        assert carrier.state == "bound"

    def test_thousands_at_once(self, carrier: Carrier) -> None:
        """A carrier may push all that it has: it is read in turns, and answered."""
        carrier.ear.reply = 0
        far = carrier.bound()
        burst = b"".join(
            encode_pdu(Command.DELIVER_SM, 0, n, SUBMIT) for n in range(1000)
        )
        far.transport.arrive(burst)
        answers = far.got()
        assert [p.sequence_number for p in answers] == list(range(1000))
        assert far.is_read()


class TestPausing:
    def room_after(self, carrier: Carrier, seconds: float) -> int:
        """The room when so much time has passed."""
        carrier.clock.advance(seconds)
        return carrier.upstream.room

    def test_a_throttled_bind_rests(self, carrier: Carrier) -> None:
        """No room for a second, then word that there is some again."""
        carrier.bound()
        carrier.upstream.hold_back(carrier.bind, 1.0)
        assert carrier.upstream.room == 0
        assert carrier.upstream.capacity == 10
        assert carrier.upstream.is_up
        assert self.room_after(carrier, 0.9) == 0
        changes = carrier.ear.changes
        assert self.room_after(carrier, 0.1) == 10
        assert carrier.ear.changes == changes + 1

    def test_the_rest_of_the_window_does_not_lengthen_it(
        self, carrier: Carrier
    ) -> None:
        """Ten answers 0x58 to one window are one reason to pause."""
        carrier.bound()
        for _ in range(10):
            carrier.upstream.hold_back(carrier.bind, 1.0)
        assert self.room_after(carrier, 1.0) == 10

    def test_again_and_again_it_rests_twice_as_long(self, carrier: Carrier) -> None:
        """1, 2, 4 ... 30 s, while each pause is followed by another."""
        far = carrier.bound()
        seen = []
        for _ in range(7):
            carrier.upstream.hold_back(carrier.bind, 1.0)
            begun = carrier.clock.seconds()
            while carrier.upstream.room == 0:
                far.send(Command.ENQUIRE_LINK)
                carrier.clock.advance(0.5)
            seen.append(carrier.clock.seconds() - begun)
            carrier.clock.advance(1.0)
        assert seen == [1, 2, 4, 8, 16, 30, 30]

    def test_after_a_good_while_it_is_forgotten(self, carrier: Carrier) -> None:
        """The next pause is short again."""
        carrier.bound()
        for _ in range(2):
            carrier.upstream.hold_back(carrier.bind, 1.0)
            carrier.clock.advance(10.0)
        carrier.upstream.hold_back(carrier.bind, 1.0)
        assert self.room_after(carrier, 1.0) == 10

    def test_a_carrier_that_does_not_read_has_no_room(self, carrier: Carrier) -> None:
        """It gets nothing new until it takes what was sent; then the word goes out."""
        far = carrier.bound()
        far.transport.is_taking = False
        carrier.upstream.submit(SUBMIT + b"x" * 70_000, "a")
        far.turn()
        assert carrier.upstream.room == 0
        assert carrier.upstream.is_up
        changes = carrier.ear.changes
        far.transport.take()
        assert carrier.upstream.room == 9
        assert carrier.ear.changes == changes + 1

    def test_a_carrier_that_never_reads_again(self) -> None:
        """Cut after 30 s, and what it was sent is uncertain (spec/reliability 2.5)."""
        carrier = Carrier(window=500).start()
        far = carrier.bound()
        far.transport.is_taking = False
        count = 0
        while carrier.upstream.room:
            carrier.upstream.submit(SUBMIT + b"\x14\0\x03\xe8" + b"x" * 1000, count)
            far.turn()
            count += 1
        far.turn(28)
        assert not far.aborted()
        far.turn(3)
        assert far.aborted()
        assert far.closed()
        assert carrier.ear.news() == [("uncertain", [*range(count)], False)]


class TestGoingDown:
    """``stop``, whatever the bind is doing: it ends, and nothing is left behind."""

    def stopped(self, carrier: Carrier) -> list[Any]:
        """Where it is told that the bind is down."""
        told: list[Any] = []
        carrier.bind.stop().addCallback(told.append)
        return told

    def check_down(self, carrier: Carrier, told: list[Any]) -> None:
        """It said so, stays so, and no timer runs."""
        assert told == [None]
        assert carrier.state == "down"
        assert carrier.clock.getDelayedCalls() == []
        assert carrier.calls == 0

    def test_before_the_start(self) -> None:
        """There is nothing to end."""
        carrier = Carrier()
        self.check_down(carrier, self.stopped(carrier))

    def test_connecting(self, carrier: Carrier) -> None:
        """The call is given up."""
        connector = carrier.ignore()
        told = self.stopped(carrier)
        assert connector.stoppedConnecting
        self.check_down(carrier, told)

    def test_binding(self, carrier: Carrier) -> None:
        """The connection is closed; an answer that comes now makes no bind."""
        far = carrier.accept()
        [bind] = far.got()
        told = self.stopped(carrier)
        far.session.dataReceived(encode_pdu(BIND_RESP, 0, bind.sequence_number, b"\0"))
        assert not carrier.upstream.is_up
        assert far.closed()
        self.check_down(carrier, told)

    def test_bound(self, carrier: Carrier) -> None:
        """unbind; what is unanswered may still be answered; then it closes."""
        far = carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        carrier.upstream.submit(SUBMIT, "b")
        told = self.stopped(carrier)
        assert carrier.state == "unbinding"
        a, _, unbind = far.got()
        assert unbind.command_id == Command.UNBIND
        far.respond(a, b"id\0")
        far.respond(unbind)
        assert far.closed()
        assert carrier.ear.news() == [
            ("answered", "a", 0, b"id"),
            ("uncertain", ["b"], False),
        ]
        self.check_down(carrier, told)

    def test_bound_to_one_that_does_not_care(self, carrier: Carrier) -> None:
        """It ends after five seconds without unbind_resp."""
        far = carrier.bound()
        told = self.stopped(carrier)
        far.turn(6)
        self.check_down(carrier, told)

    def test_twice(self, carrier: Carrier) -> None:
        """The second time waits for the same end."""
        far = carrier.bound()
        told = self.stopped(carrier)
        again = self.stopped(carrier)
        [unbind] = far.got()
        far.respond(unbind)
        assert far.closed()
        assert again == [None]
        self.check_down(carrier, told)

    def test_while_the_carrier_leaves(self, carrier: Carrier) -> None:
        """Its unbind is answered, and there is no next call."""
        far = carrier.bound()
        far.send(Command.DELIVER_SM, SUBMIT)
        far.send(Command.UNBIND)
        told = self.stopped(carrier)
        carrier.ear.replies[0](0)
        assert far.closed()
        assert len(far.got()) == 2
        self.check_down(carrier, told)

    def test_waiting(self, carrier: Carrier) -> None:
        """The next call is not made."""
        carrier.refuse()
        assert carrier.state == "waiting"
        self.check_down(carrier, self.stopped(carrier))

    def test_pausing(self, carrier: Carrier) -> None:
        """The end of the pause is not awaited."""
        far = carrier.bound()
        carrier.upstream.hold_back(carrier.bind, 30.0)
        told = self.stopped(carrier)
        [unbind] = far.got()
        far.respond(unbind)
        assert far.closed()
        self.check_down(carrier, told)

    def test_what_comes_meanwhile_is_for_later(self, carrier: Carrier) -> None:
        """A deliver_sm after our unbind is refused as temporary."""
        far = carrier.bound()
        self.stopped(carrier)
        sequence = far.send(Command.DELIVER_SM, SUBMIT)
        assert far.got()[-1] == resp(Command.DELIVER_SM, 0x64, sequence, b"\0")
        assert carrier.ear.news() == []


def test_the_password_is_not_in_any_state(carrier: Carrier) -> None:
    """What people look at shows no secret."""
    far = carrier.accept()
    far.got()
    assert "secret08" not in repr(carrier.bind.status())
    assert "secret08" not in repr(carrier.upstream.status())
