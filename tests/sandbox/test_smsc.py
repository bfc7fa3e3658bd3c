"""Promises of the sandbox's SMSC, through a network in memory."""

import re
from typing import Any

import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.link.flusher import Flusher
from luckgw.sandbox.recipes import BY_DIGITS, DELIVERED, RECIPES
from luckgw.sandbox.smsc import Smsc, SmscService, SmscSettings
from luckgw.wire.events import BindRefused, Unbound
from luckgw.wire.pdus import Command, Tag, encode_data_sm
from tests.sandbox.memory import WALL_MS, Carrier, Esme, make_carrier, until

reactor: Any = _reactor

BINDS = [
    Command.BIND_RECEIVER,
    Command.BIND_TRANSMITTER,
    Command.BIND_TRANSCEIVER,
]


class TestBind:
    @pytest.mark.parametrize("kind", BINDS)
    def test_every_kind_is_taken(self, carrier: Carrier, kind: Command) -> None:
        """With the right credentials, each kind of bind is accepted."""
        assert carrier.esme(kind).is_bound

    @pytest.mark.parametrize(
        ("system_id", "password"),
        [("sandbox", "wrong"), ("other", "sandbox"), ("", ""), ("Sandbox", "sandbox")],
    )
    def test_a_stranger_is_refused(
        self, carrier: Carrier, system_id: str, password: str
    ) -> None:
        """Wrong credentials are answered 0x0E, and the connection is closed."""
        esme = carrier.esme(None)
        esme.bind(Command.BIND_TRANSCEIVER, system_id, password)
        carrier.network.run()
        assert esme.events == [BindRefused(Status.ESME_RINVPASWD)]
        assert carrier.smsc.sessions == set()

    def test_credentials_are_settings(self, clock: Clock) -> None:
        """Who may bind is set by whoever runs the sandbox."""
        carrier = make_carrier(clock, system_id="me", password="secret")
        esme = carrier.esme(None)
        esme.bind(Command.BIND_TRANSCEIVER, "me", "secret")
        carrier.network.run()
        assert esme.is_bound

    def test_an_unbind_ends_the_session(self, carrier: Carrier) -> None:
        """An ESME that leaves is answered and forgotten."""
        esme = carrier.esme()
        esme.wire.unbind(0)
        esme.flush()
        carrier.network.run()
        assert carrier.smsc.sessions == set()

    def test_silence_before_the_bind_ends_the_session(self, carrier: Carrier) -> None:
        """Who does not bind within ten seconds is closed."""
        carrier.esme(None)
        carrier.network.run(12)
        assert carrier.smsc.sessions == set()


class TestMessages:
    def test_each_gets_an_id_and_its_receipt(self, carrier: Carrier) -> None:
        """The receipt names the id of the response; its addresses are swapped."""
        esme = carrier.esme()
        esme.submit("233501234567")
        carrier.network.run()
        [(status, message_id)] = esme.responses
        assert status == Status.ESME_ROK
        assert esme.log == ["resp", "receipt"]
        [sm], [receipt] = esme.deliveries, esme.receipts
        assert receipt.message_id == message_id
        assert receipt.state is State.DELIVERED
        assert (receipt.stat, receipt.err) == ("DELIVRD", "000")
        assert receipt.done_date == "2311142213"
        assert (sm.source_addr, sm.destination_addr) == (b"233501234567", b"Luck")
        assert (sm.source_addr_ton, sm.dest_addr_ton) == (1, 5)
        assert sm.esm_class == 0x04
        assert sm.short_message.endswith(b"text:Hello")
        assert sm.tlvs is not None
        assert sm.tlvs[Tag.RECEIPTED_MESSAGE_ID] == message_id + b"\0"
        assert sm.tlvs[Tag.MESSAGE_STATE] == b"\x02"
        assert carrier.smsc.counts.receipts_done == 1

    @pytest.mark.parametrize(
        ("to", "registered_delivery", "receipts"),
        [
            ("0000", 0, 0),
            ("0000", 1, 1),
            ("0000", 2, 0),
            ("0002", 0, 0),
            ("0002", 1, 1),
            ("0002", 2, 1),
            ("0001", 0x11, 1),
        ],
    )
    def test_receipts_only_as_asked_for(
        self, carrier: Carrier, to: str, registered_delivery: int, receipts: int
    ) -> None:
        """registered_delivery 0: none; 1: each; 2: of failures only (v3.4 5.2.17)."""
        esme = carrier.esme()
        esme.submit(f"23350000{to}", registered_delivery=registered_delivery)
        carrier.network.run()
        assert len(esme.receipts) == receipts

    @pytest.mark.parametrize(
        "fields",
        [
            {"data_coding": 8, "short_message": "Héllo".encode("utf-16-be")},
            {"esm_class": 0x40, "short_message": b"\5\0\3\1\2\1Hello"},
            {"short_message": b"", "tlvs": {Tag.MESSAGE_PAYLOAD: b"Hello"}},
        ],
    )
    def test_text_that_is_no_plain_text_is_not_shown(
        self, carrier: Carrier, fields: dict[str, Any]
    ) -> None:
        """UCS2, a part with a header, a payload: the receipt's ``text:`` is empty."""
        esme = carrier.esme()
        esme.submit(**fields)
        carrier.network.run()
        assert esme.deliveries[0].short_message.endswith(b"text:")

    def test_data_sm_is_a_message_like_any_other(self, carrier: Carrier) -> None:
        """Answered with an id; its receipt is a deliver_sm."""
        esme = carrier.esme()
        body = encode_data_sm(
            source_addr=b"Luck",
            destination_addr=b"233501234567",
            registered_delivery=1,
            tlvs={Tag.MESSAGE_PAYLOAD: b"Hello"},
        )
        esme.send(Command.DATA_SM, body)
        carrier.network.run()
        [(status, message_id)] = esme.responses
        assert status == 0
        assert [receipt.message_id for receipt in esme.receipts] == [message_id]

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (Command.QUERY_SM, Status.ESME_RQUERYFAIL),
            (Command.CANCEL_SM, Status.ESME_RCANCELFAIL),
            (Command.REPLACE_SM, Status.ESME_RREPLACEFAIL),
            (Command.SUBMIT_MULTI, Status.ESME_RSUBMITFAIL),
        ],
    )
    def test_what_it_cannot_do_it_says(
        self, carrier: Carrier, command: Command, status: Status
    ) -> None:
        """The rest of v3.4 gets its own response, with the status for "not now"."""
        esme = carrier.esme()
        esme.send(command, b"\0")
        carrier.network.run()
        assert [answer[0] for answer in esme.responses] == [status]

    def test_a_malformed_message_is_refused_and_the_session_lives(
        self, carrier: Carrier
    ) -> None:
        """One bad PDU costs one negative response."""
        esme = carrier.esme()
        esme.send(Command.SUBMIT_SM, b"nonsense")
        esme.submit()
        carrier.network.run()
        assert [status == 0 for status, _ in esme.responses] == [False, True]
        assert carrier.smsc.counts.malformed == 1

    @pytest.mark.parametrize(
        ("id_format", "form"),
        [
            ("dec", r"[0-9]{16}"),
            ("hex", r"[0-9a-f]{13}"),
            ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ],
    )
    def test_ids_are_unique_and_of_the_form_that_was_chosen(
        self, clock: Clock, id_format: str, form: str
    ) -> None:
        """As the ESME sees them, on however many sessions."""
        carrier = make_carrier(clock, id_format=id_format)
        esmes = [carrier.esme(), carrier.esme()]
        for _ in range(3):
            for esme in esmes:
                esme.submit()
        carrier.network.run()
        seen = [message_id for esme in esmes for _, message_id in esme.responses]
        assert len(set(seen)) == 6
        assert all(re.fullmatch(form, message_id.decode()) for message_id in seen)

    def test_a_later_start_counts_on_from_a_later_time(self, clock: Clock) -> None:
        """A millisecond makes room for a thousand ids, more than it can give."""
        first, second = (
            Smsc(clock, Flusher(clock), SmscSettings(), lambda ms=ms: ms)  # type: ignore[misc]
            for ms in (WALL_MS, WALL_MS + 1)
        )
        given = {first._next_id() for _ in range(1000)}
        assert given.isdisjoint({second._next_id() for _ in range(1000)})

    def test_an_unknown_id_format_is_refused(self) -> None:
        """A setting that would be ignored is an error."""
        with pytest.raises(ValueError, match="'octal' is not one of dec, hex, uuid"):
            SmscSettings(id_format="octal")

    def test_a_turn_is_one_write(self, carrier: Carrier) -> None:
        """All answers and receipts of one reactor turn leave in one write."""
        esme = carrier.esme()
        for _ in range(20):
            esme.submit()
        [pump] = carrier.network.pumps
        pump.pump()
        carrier.clock.advance(0)
        assert len(pump.serverIO.stream) == 1
        carrier.network.run()
        assert len(esme.receipts) == 20


class TestRecipes:
    def test_the_table_is_sound(self) -> None:
        """Four digits each, none twice, a sentence for people; 0001 is the usual."""
        assert len({recipe.digits for recipe in RECIPES}) == len(RECIPES) == 10
        for recipe in RECIPES:
            assert len(recipe.digits) == 4
            assert recipe.digits.isdigit()
            assert recipe.what
        assert DELIVERED.digits == "0001"
        assert BY_DIGITS.keys() == {b"%04d" % n for n in range(2, 11)}

    @pytest.mark.parametrize(
        ("digits", "state", "err"),
        [
            ("0001", State.DELIVERED, "000"),
            ("0002", State.UNDELIVERED, "001"),
            ("0003", State.EXPIRED, "027"),
            ("9999", State.DELIVERED, "000"),
        ],
    )
    def test_final_states(
        self, carrier: Carrier, digits: str, state: State, err: str
    ) -> None:
        """0001 and unlisted numbers are delivered, 0002 undelivered, 0003 expired."""
        esme = carrier.esme()
        esme.submit("2335000" + digits)
        carrier.network.run()
        assert [(r.state, r.err) for r in esme.receipts] == [(state, err)]

    def test_0004_the_receipt_is_late(self, carrier: Carrier) -> None:
        """A minute passes; the receipt's own time says so."""
        esme = carrier.esme()
        esme.submit("233500000004")
        carrier.network.run(59.5)
        assert len(esme.responses) == 1
        assert esme.receipts == []
        carrier.network.run(1)
        assert [(r.state, r.done_date) for r in esme.receipts] == [
            (State.DELIVERED, "2311142214")
        ]

    def test_0005_the_receipt_comes_twice(self, carrier: Carrier) -> None:
        """The same receipt, two deliver_sm."""
        esme = carrier.esme()
        esme.submit("233500000005")
        carrier.network.run()
        first, second = esme.receipts
        assert first == second

    def test_0006_the_receipt_comes_first(self, carrier: Carrier) -> None:
        """The receipt names an id that the ESME learns a second later."""
        esme = carrier.esme()
        esme.submit("233500000006")
        carrier.network.run(0.9)
        assert esme.log == ["receipt"]
        carrier.network.run(0.5)
        assert esme.log == ["receipt", "resp"]
        assert esme.responses[0][1] == esme.receipts[0].message_id

    def test_0006_when_the_session_is_gone_nothing_happens(
        self, carrier: Carrier
    ) -> None:
        """A response to a connection that was lost goes nowhere."""
        carrier.esme().submit("233500000006")
        carrier.network.run()
        carrier.network.cut(0)
        carrier.network.run(2)

    def test_0007_throttled_three_times(self, carrier: Carrier) -> None:
        """Each message on its own; the fourth try is accepted, the next begins anew."""
        esme = carrier.esme()
        throttled, ok = Status.ESME_RTHROTTLED, Status.ESME_ROK
        for _ in range(5):
            for text in (b"one", b"two"):
                esme.submit("233500000007", short_message=text)
            carrier.network.run()
        statuses = [status for status, _ in esme.responses]
        assert statuses == [*[throttled] * 6, ok, ok, throttled, throttled]
        assert len(esme.receipts) == 2

    def test_0007_remembers_only_so_many(self, carrier: Carrier) -> None:
        """Messages that are never tried again do not fill the memory."""
        esme = carrier.esme()
        for n in range(10_050):
            esme.submit("233500000007", short_message=b"%d" % n)
            if n % 500 == 0:
                carrier.network.run()
        carrier.network.run()
        assert len(carrier.smsc._refusals) == 10_000

    def test_0008_rejected_for_good(self, carrier: Carrier) -> None:
        """Every try is refused with 0x0B; no id, no receipt."""
        esme = carrier.esme()
        for _ in range(5):
            esme.submit("233500000008")
        carrier.network.run(120)
        assert esme.responses == [(Status.ESME_RINVDSTADR, b"")] * 5
        assert esme.receipts == []
        assert carrier.smsc.counts.refused == 5

    def test_0009_never_answered(self, carrier: Carrier) -> None:
        """The submit_sm is swallowed; the session goes on."""
        esme = carrier.esme()
        esme.submit("233500000009")
        esme.submit("233500000001")
        carrier.network.run(30)
        assert len(esme.responses) == 1
        assert len(esme.receipts) == 1

    def test_0010_no_receipt_ever(self, carrier: Carrier) -> None:
        """Accepted, and that is the last one hears."""
        esme = carrier.esme()
        esme.submit("233500000010")
        carrier.network.run(120)
        assert [status for status, _ in esme.responses] == [0]
        assert esme.receipts == []

    def test_they_can_be_turned_off(self, clock: Clock) -> None:
        """For load runs with random numbers: every number is an ordinary one."""
        carrier = make_carrier(clock, recipes=False)
        esme = carrier.esme()
        for digits in range(1, 11):
            esme.submit(f"23350000{digits:04d}")
        carrier.network.run()
        assert [r.state for r in esme.receipts] == [State.DELIVERED] * 10


class TestReceipts:
    def test_they_wait_for_a_session_that_receives(self, carrier: Carrier) -> None:
        """A transmitter gets none; the next receiver gets all, in order."""
        transmitter = carrier.esme(Command.BIND_TRANSMITTER)
        for _ in range(3):
            transmitter.submit()
        carrier.network.run(5)
        assert transmitter.receipts == []
        assert carrier.smsc.kept == 3
        receiver = carrier.esme(Command.BIND_RECEIVER)
        # Nothing calls for it but the bind itself.
        carrier.network.run()
        assert [r.message_id for r in receiver.receipts] == [
            message_id for _, message_id in transmitter.responses
        ]

    def test_the_session_that_sent_is_preferred(self, carrier: Carrier) -> None:
        """A transceiver gets the receipts of its own messages."""
        first, second = carrier.esme(), carrier.esme()
        second.submit()
        carrier.network.run()
        assert (len(first.receipts), len(second.receipts)) == (0, 1)

    def test_the_others_take_turns(self, carrier: Carrier) -> None:
        """Receipts of a transmitter go to all receivers alike."""
        transmitter = carrier.esme(Command.BIND_TRANSMITTER)
        receivers = [carrier.esme(Command.BIND_RECEIVER) for _ in range(3)]
        for _ in range(6):
            transmitter.submit()
            carrier.network.run()
        assert [len(receiver.receipts) for receiver in receivers] == [2, 2, 2]

    def test_no_more_than_the_window_at_once(self, clock: Clock) -> None:
        """A slow ESME has so many unanswered; each answer lets another one go."""
        carrier = make_carrier(clock, receipt_window=4)
        esme = carrier.esme(is_silent=True)
        for _ in range(10):
            esme.submit()
        carrier.network.run()
        assert len(esme.deliveries) == 4
        esme.wire.answer(esme.deliveries[0], 0)
        esme.flush()
        carrier.network.run()
        assert len(esme.deliveries) == 5

    def test_unacknowledged_ones_are_repeated_on_the_next_session(
        self, carrier: Carrier
    ) -> None:
        """A lost connection loses no receipt, and their order is kept."""
        esme = carrier.esme(is_silent=True)
        for _ in range(5):
            esme.submit()
        carrier.network.run()
        ids = [r.message_id for r in esme.receipts]
        assert len(ids) == 5
        carrier.network.cut(0)
        again = carrier.esme(Command.BIND_RECEIVER)
        carrier.network.run()
        assert [r.message_id for r in again.receipts] == ids
        assert carrier.smsc.counts.receipts_done == 5

    def test_one_without_an_answer_is_repeated(self, carrier: Carrier) -> None:
        """After a minute without deliver_sm_resp the receipt is sent again."""
        esme = carrier.esme(is_silent=True)
        esme.submit()
        carrier.network.run(61)
        assert len(esme.deliveries) == 2

    @pytest.mark.parametrize(
        "status",
        [Status.ESME_RX_T_APPN, Status.ESME_RTHROTTLED, Status.ESME_RSYSERR],
    )
    def test_one_that_was_refused_for_now_is_repeated(
        self, carrier: Carrier, status: Status
    ) -> None:
        """The ESME was in trouble: five seconds later it gets the receipt again."""
        esme = carrier.esme(answers=[status, status])
        esme.submit()
        carrier.network.run(4)
        assert len(esme.deliveries) == 1
        carrier.network.run(7)
        assert len(esme.deliveries) == 3
        assert carrier.smsc.counts.receipts_done == 1

    def test_a_late_refusal_repeats_nothing_twice(self, carrier: Carrier) -> None:
        """The receipt whose time was over has been sent again already."""
        esme = carrier.esme(is_silent=True)
        esme.submit()
        carrier.network.run(61)
        for sm in esme.deliveries:
            esme.wire.answer(sm, Status.ESME_RX_T_APPN)
        esme.flush()
        esme.is_silent = False
        carrier.network.run(20)
        assert len(esme.deliveries) == 3

    @pytest.mark.parametrize("status", [Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN])
    def test_one_that_was_refused_for_good_is_dropped(
        self, carrier: Carrier, status: Status
    ) -> None:
        """0x65 and 0x66 say: do not send it again."""
        esme = carrier.esme(answers=[status])
        esme.submit()
        carrier.network.run(120)
        assert len(esme.deliveries) == 1
        assert carrier.smsc.counts.receipts_dropped == 1

    def test_they_can_all_be_late(self, clock: Clock) -> None:
        """The delay of the settings holds for every receipt."""
        carrier = make_carrier(clock, receipt_delay_s=2.0)
        esme = carrier.esme()
        esme.submit("233500000001")
        esme.submit("233500000004")
        carrier.network.run(1.5)
        assert esme.receipts == []
        carrier.network.run(1)
        assert len(esme.receipts) == 1
        carrier.network.run(60)
        assert len(esme.receipts) == 2

    def test_memory_is_bounded(self, clock: Clock) -> None:
        """What nobody fetches is dropped from a limit on, and counted."""
        carrier = make_carrier(clock, max_kept=3)
        esme = carrier.esme(Command.BIND_TRANSMITTER)
        for _ in range(5):
            esme.submit()
        carrier.network.run()
        assert carrier.smsc.kept == 3
        assert carrier.smsc.counts.receipts_dropped == 2

    def test_a_peer_that_does_not_read_gets_nothing_new(self, carrier: Carrier) -> None:
        """Receipts wait while the transport's buffer is full."""
        esme = carrier.esme()
        [session] = carrier.smsc.sessions
        session.pauseProducing()
        esme.submit()
        carrier.network.run()
        assert esme.receipts == []
        session.resumeProducing()
        carrier.network.run()
        assert len(esme.receipts) == 1


class TestStop:
    def test_everybody_is_unbound(self, carrier: Carrier) -> None:
        """ESMEs are told; connections that never bound are closed."""
        bound, unbound = carrier.esme(), carrier.esme(None)
        stopping = carrier.smsc.stop()
        carrier.network.run()
        assert stopping.called
        assert any(isinstance(event, Unbound) for event in bound.events)
        assert unbound.events == []
        assert carrier.smsc.sessions == set()

    def test_a_silent_esme_does_not_hold_it_up(self, carrier: Carrier) -> None:
        """Who does not answer the unbind is cut off after five seconds."""
        carrier.esme()
        [pump] = carrier.network.pumps
        pump.client.dataReceived = lambda _data: None
        stopping = carrier.smsc.stop()
        carrier.network.run(6)
        assert stopping.called

    def test_nothing_is_left_to_do(self, carrier: Carrier) -> None:
        """Late receipts are forgotten, and no timer is left behind."""
        carrier.esme().submit("233500000004")
        carrier.network.run()
        carrier.smsc.stop()
        carrier.network.run()
        assert carrier.clock.getDelayedCalls() == []


class TestService:
    async def test_it_listens_and_leaves(self) -> None:
        """On a real socket: bind, message, receipt, stop; then the port is free."""
        smsc = Smsc(reactor, Flusher(reactor), SmscSettings(), lambda: WALL_MS)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        service = SmscService(smsc, [endpoint])
        [port] = await service.start()
        service.startService()
        host: Any = port.getHost()
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", host.port)
        esme = await client.connect(Factory.forProtocol(lambda: Esme(reactor)))
        assert isinstance(esme, Esme)
        esme.bind(Command.BIND_TRANSCEIVER)
        await until(lambda: esme.is_bound)
        esme.submit()
        await until(lambda: esme.receipts)
        await service.stopService()
        assert smsc.sessions == set()
        again = TCP4ServerEndpoint(reactor, host.port, interface="127.0.0.1")
        await (await again.listen(Factory())).stopListening()

    async def test_a_port_that_is_taken_is_said(self) -> None:
        """The start fails, and of several endpoints none stays open."""
        taken = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            Factory()
        )
        number = taken.getHost().port
        smsc = Smsc(reactor, Flusher(reactor), SmscSettings(), lambda: WALL_MS)
        service = SmscService(
            smsc,
            [
                TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
                TCP4ServerEndpoint(reactor, number, interface="127.0.0.1"),
            ],
        )
        with pytest.raises(CannotListenError):
            await service.start()
        assert service._ports == []
        await taken.stopListening()
