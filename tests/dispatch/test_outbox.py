"""Receipts on their way to a partner's sessions, answer by answer."""

from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from twisted.internet.task import Clock

from luckgw.dispatch.outbox import DeliverSmOutbox
from luckgw.domain.ids import from_text, group_of, to_text, written
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.egress.mo import Reading
from luckgw.egress.sessions import Sessions
from luckgw.receipts.parse import Receipt, parse
from luckgw.store import keys
from luckgw.store.interface import FLAG_DELIVER_SM, FLAG_MULTI, ID_FORM_SHIFT
from luckgw.store.memory import MemoryStore
from luckgw.wire.pdus import Command, Sm, decode_sm
from tests.dispatch.world import ACCOUNT, UPSTREAM, Node, submit_body

OUTBOX: Final = keys.deliver_sm_outbox(ACCOUNT)
TEMPORARY: Final = int(Status.ESME_RX_T_APPN)


@attrs.define(eq=False)
class Session:
    """A partner's session: egress.sessions.Receiver."""

    capacity: int = 2
    takes_tlvs: bool = True
    open: list[Any] = attrs.Factory(list)
    got: list[Sm] = attrs.Factory(list)

    @property
    def room(self) -> int:
        """See the port."""
        return self.capacity - len(self.open)

    def deliver(self, body: bytes, context: object) -> None:
        """See the port."""
        assert self.room > 0
        self.got.append(decode_sm(body, Command.DELIVER_SM))
        self.open.append(context)

    @property
    def receipts(self) -> list[Receipt]:
        """What the partner reads."""
        found = [parse(sm.esm_class, sm.short_message, sm.tlvs) for sm in self.got]
        return [each for each in found if each is not None]

    @property
    def ids(self) -> list[str]:
        """Of which messages it has got receipts."""
        return [each.message_id.decode() for each in self.receipts]


class House:
    """A node with one account's outbox."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.clock = clock
        self.node = Node(clock, MemoryStore(), folder)
        self.sessions = Sessions(lambda _: self.outbox.changed())
        self.outbox = DeliverSmOutbox(
            self.node.journal, ACCOUNT, self.sessions, self.node.now_ms, Reading()
        )

    def bind(self, capacity: int = 2) -> Session:
        """The partner binds."""
        session = Session(capacity)
        self.sessions.add(ACCOUNT, session)
        self.node.turn()
        return session

    def lose(self, session: Session) -> None:
        """A session is over, with what is unanswered."""
        self.sessions.remove(ACCOUNT, session)
        unanswered, session.open = session.open, []
        self.outbox.lost(unanswered)
        self.outbox.changed()
        self.node.turn()

    def answer(self, session: Session, *statuses: int) -> None:
        """The partner answers its oldest, one for each status."""
        for status in statuses or (0,):
            self.outbox.answered(session.open.pop(0), status)
        self.outbox.changed()
        self.node.turn()

    def message(
        self,
        *states: State,
        bodies: tuple[bytes, ...] = (submit_body(),),
        errs: tuple[str, ...] = (),
        registered_delivery: int = 1,
        flags: int = FLAG_DELIVER_SM,
    ) -> str:
        """A message that was sent, and whose segments then came to these states."""
        node = self.node
        message_id = node.accept(
            bodies=bodies, flags=flags, registered_delivery=registered_delivery
        )
        queue = node.journal.queue(keys.upstream_queue(UPSTREAM))
        node.journal.claim(queue, 100, lambda _: None)
        for segment in range(len(bodies)):
            carrier_id = b"c%d-" % segment + message_id.hex().encode()
            node.journal.sent(
                queue,
                message_id,
                segment,
                UPSTREAM,
                carrier_id,
                carrier_id,
                last=segment == len(bodies) - 1,
                webhook=b"",
                done=lambda *_: None,
            )
        node.turn()
        for number, state in enumerate(states):
            err = errs[number] if errs else "000"
            carrier_id = b"c%d-" % (number % len(bodies)) + message_id.hex().encode()
            node.receipt(carrier_id, state, f"mtn\0X\0{err}\0".encode())
        self.outbox.poke()
        node.turn()
        return to_text(message_id)

    def messages(self, count: int) -> list[str]:
        """So many that were delivered."""
        return [self.message(State.DELIVERED) for _ in range(count)]

    def wait(self, seconds: float) -> None:
        """Time passes; then a look."""
        self.node.wait(seconds)
        self.outbox.poke()
        self.node.turn()

    @property
    def waiting(self) -> list[str]:
        """What is ready in the store."""
        return [to_text(entry[:16]) for entry in self.node.queued(OUTBOX)]

    @property
    def is_empty(self) -> bool:
        """Whether all has been told."""
        node = self.node
        return not (node.queued(OUTBOX) or node.due(OUTBOX) or node.claimed(OUTBOX))


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node with an account's outbox and no session."""
    return House(clock, tmp_path)


class TestDelivering:
    def test_to_a_session(self, house: House) -> None:
        """A receipt goes out as soon as there is news; its answer settles it."""
        session = house.bind()
        message_id = house.message(State.DELIVERED)
        assert session.ids == [message_id]
        house.answer(session)
        assert house.is_empty
        assert house.outbox.delivered == 1
        assert house.outbox.consumer.held == set()

    @pytest.mark.parametrize("form", range(4))
    @pytest.mark.parametrize("multi", [0, FLAG_MULTI])
    def test_under_the_id_that_was_told(
        self, house: House, form: int, multi: int
    ) -> None:
        """In the form of the session that sent it, whichever session gets it; the
        messages of a submit_multi under the one of their group.
        """
        flags = FLAG_DELIVER_SM | form << ID_FORM_SHIFT | multi
        session = house.bind()
        message_id = from_text(house.message(State.DELIVERED, flags=flags))
        assert message_id is not None
        told = written(group_of(message_id) if multi else message_id, form)
        assert session.ids == [told]

    def test_kept_until_somebody_binds(self, house: House) -> None:
        """In order, however many there are; a transmitter gets none."""
        ids = house.messages(5)
        house.bind(capacity=0)
        assert house.waiting == ids
        session = house.bind()
        while session.open:
            house.answer(session)
        assert session.ids == ids
        assert house.is_empty

    def test_by_turns(self, house: House) -> None:
        """All sessions get their share, none more than its window."""
        one, two = house.bind(), house.bind()
        house.messages(7)
        assert [len(each.open) for each in (one, two)] == [2, 2]
        while one.open or two.open:
            house.answer(one if one.open else two)
        assert len(one.got) + len(two.got) == 7
        assert min(len(one.got), len(two.got)) >= 2

    @pytest.mark.parametrize(
        ("registered_delivery", "state", "is_told"),
        [
            (0, State.DELIVERED, False),
            (1, State.DELIVERED, True),
            (1, State.UNDELIVERED, True),
            (2, State.DELIVERED, False),
            (2, State.UNDELIVERED, True),
            (1, State.SENT, False),
        ],
    )
    def test_only_what_was_asked_for(
        self, house: House, registered_delivery: int, state: State, is_told: bool
    ) -> None:
        """registered_delivery says which ends are told."""
        session = house.bind()
        house.message(state, registered_delivery=registered_delivery)
        assert bool(session.got) is is_told


class TestWhatItSays:
    def test_all_of_it(self, house: House) -> None:
        """Addresses swapped, the id, the times, the state, the carrier's err, and the
        start of the text.
        """
        session = house.bind()
        body = submit_body(b"Hello, this is a long enough text")
        message_id = house.message(State.UNDELIVERED, bodies=(body,), errs=("027",))
        (sm,) = session.got
        assert (sm.source_addr, sm.source_addr_ton) == (b"233501234567", 1)
        assert (sm.destination_addr, sm.dest_addr_ton) == (b"Luck", 5)
        assert sm.short_message == (
            b"id:%s sub:001 dlvrd:000 submit date:2701151200 done date:2701151200"
            b" stat:UNDELIV err:027 text:Hello, this is a lon" % message_id.encode()
        )

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({"short_message": b"Hi", "data_coding": 1}, b"Hi"),
            ({"short_message": b"\0H\0i", "data_coding": 8}, b""),
            ({"short_message": b"\5\0\3\1\2\1part", "esm_class": 0x40}, b"part"),
            ({"short_message": b"", "tlvs": {0x0424: b"in a TLV"}}, b"in a TLV"),
            ({"short_message": b"\xe9t\xe9", "data_coding": 0}, b""),
        ],
    )
    def test_the_text(self, house: House, fields: dict[str, Any], text: bytes) -> None:
        """Shown when its octets can be: without a user data header, from wherever it
        stands, and nothing in place of what is not text.
        """
        session = house.bind()
        house.message(State.DELIVERED, bodies=(submit_body(**{"text": b"", **fields}),))
        assert session.got[0].short_message.partition(b" text:")[2] == text

    def test_the_err_of_the_segment_that_decided(self, house: House) -> None:
        """Of a long message, not that of the last receipt; and ``sub`` counts all."""
        session = house.bind()
        house.message(
            State.UNDELIVERED,
            State.EXPIRED,
            State.DELIVERED,
            bodies=(submit_body(b"a"), submit_body(b"b"), submit_body(b"c")),
            errs=("027", "031", "000"),
        )
        (receipt,) = session.receipts
        assert (receipt.stat, receipt.err) == ("UNDELIV", "027")
        assert b" sub:003 dlvrd:000 " in session.got[0].short_message

    def test_each_end_has_its_own_err(self, house: House) -> None:
        """A message that was delivered after all: both receipts say what was then."""
        house.message(State.EXPIRED, State.DELIVERED, errs=("031", "000"))
        session = house.bind()
        told = [(receipt.stat, receipt.err) for receipt in session.receipts]
        assert told == [("EXPIRED", "031"), ("DELIVRD", "000")]

    def test_an_end_without_a_carrier(self, house: House) -> None:
        """EXPIRED in the queue: err is 000."""
        message_id = house.node.accept(flags=FLAG_DELIVER_SM)
        queue = house.node.journal.queue(keys.upstream_queue(UPSTREAM))
        house.node.journal.claim(queue, 10, lambda _: None)
        house.node.journal.finish(
            queue, message_id, State.EXPIRED, b"", lambda *_: None
        )
        house.node.turn()
        session = house.bind()
        assert [(r.stat, r.err) for r in session.receipts] == [("EXPIRED", "000")]


class TestRefusals:
    @pytest.mark.parametrize("status", [TEMPORARY, 0x08, 0x14, 0x58, 0x0B])
    def test_for_now(self, house: House, status: int) -> None:
        """Tried again after 5, 15, 60, 300, 900, 900 s; others do not wait for it."""
        session = house.bind(capacity=1)
        message_id = house.message(State.DELIVERED)
        for wait in (5, 15, 60, 300, 900, 900):
            house.answer(session, status)
            assert list(house.node.due(OUTBOX).values()) == [wait]
            other = house.message(State.DELIVERED)
            house.answer(session)
            assert session.ids[-1] == other
            house.wait(wait)
            assert session.ids[-1] == message_id
        house.answer(session)
        assert house.is_empty

    @pytest.mark.parametrize("status", [0x65, 0x66])
    def test_for_good(self, house: House, status: int) -> None:
        """The partner does not want it: it is not told again."""
        session = house.bind()
        house.messages(3)
        house.answer(session, status, status)
        assert house.outbox.refused == 2
        assert len(house.node.claimed(OUTBOX)) == 1
        assert house.node.due(OUTBOX) == {}

    def test_no_answer(self, house: House) -> None:
        """Tried again later."""
        session = house.bind()
        house.message(State.DELIVERED)
        house.outbox.timed_out(session.open.pop())
        house.node.turn()
        assert list(house.node.due(OUTBOX).values()) == [5]


class TestSessionsGo:
    def test_another_one_takes_over(self, house: House) -> None:
        """What was unanswered goes first, in its order, at once."""
        one = house.bind()
        ids = house.messages(4)
        two = house.bind(capacity=4)
        house.lose(one)
        assert two.ids == [*ids[2:], *ids[:2]]
        house.answer(two, 0, 0, 0, 0)
        assert house.is_empty

    def test_the_last_one(self, house: House) -> None:
        """All goes back, in its order, for the day when somebody binds again."""
        session = house.bind()
        ids = house.messages(7)
        house.lose(session)
        assert house.waiting == ids
        assert house.node.claimed(OUTBOX) == set()
        again = house.bind(capacity=7)
        assert again.ids == ids

    def test_the_last_one_while_a_claim_is_under_way(self, house: House) -> None:
        """What the claim brings goes back with the rest."""
        session = house.bind()
        ids = house.messages(7)
        house.node.link.is_slow = True
        house.answer(session)
        house.lose(session)
        house.node.link.release()
        house.node.turn()
        assert house.waiting == ids[1:]
        assert house.node.claimed(OUTBOX) == set()

    def test_however_often(self, house: House) -> None:
        """Lost links and time-outs leave no place taken."""
        ids = house.messages(6)
        for _ in range(5):
            house.lose(house.bind())
        session = house.bind()
        while session.open:
            house.outbox.timed_out(session.open.pop())
            house.outbox.changed()
            house.node.turn()
        house.wait(5)
        while session.open:
            house.answer(session)
        assert sorted(session.ids[6:]) == ids
        assert house.is_empty

    def test_after_a_time_out(self, house: House) -> None:
        """What timed out waits for its time; only the rest goes back at once."""
        session = house.bind()
        ids = house.messages(2)
        house.outbox.timed_out(session.open.pop(0))
        house.lose(session)
        assert house.waiting == [ids[1]]
        assert len(house.node.due(OUTBOX)) == 1


class TestStopping:
    def test_what_is_not_sent_goes_back(self, house: House) -> None:
        """In order; answers to what was sent still settle it."""
        session = house.bind()
        ids = house.messages(6)
        house.outbox.stop_claiming()
        house.node.turn()
        assert house.waiting == ids[2:]
        house.answer(session, 0, TEMPORARY)
        assert house.node.claimed(OUTBOX) == set()
        assert len(house.node.due(OUTBOX)) == 1
        assert len(session.got) == 2

    def test_while_a_claim_is_under_way(self, house: House) -> None:
        """What the claim brings is not sent, and goes back."""
        session = house.bind()
        ids = house.messages(6)
        house.node.link.is_slow = True
        house.answer(session, 0, 0)
        house.outbox.stop_claiming()
        house.node.link.release()
        house.node.turn()
        assert house.waiting == ids[4:]
        house.lose(session)
        assert house.waiting == ids[2:]
        assert house.node.claimed(OUTBOX) == set()


class TestOnItsWay:
    """Intermediate notifications, for who asked for them (v3.4 5.2.17)."""

    @pytest.mark.parametrize(
        ("registered_delivery", "kinds"),
        [(0x11, [0x20, 0x04]), (0x10, [0x20]), (0x01, [0x04]), (0x12, [0x20])],
    )
    def test_who_gets_what(
        self, house: House, registered_delivery: int, kinds: list[int]
    ) -> None:
        """esm_class 0x20, ENROUTE, with what the carrier said; then the receipt."""
        session = house.bind()
        house.message(
            State.SENT,
            State.DELIVERED,
            errs=("007", "000"),
            registered_delivery=registered_delivery,
        )
        assert [each.esm_class for each in session.got] == kinds
        if kinds[0] == 0x20:
            first = session.receipts[0]
            assert (first.stat, first.err, first.state) == (
                "ENROUTE",
                "007",
                State.SENT,
            )
            assert first.intermediate


def test_unknown_for_good(house: House) -> None:
    """The end of which nobody knows more is told as UNKNOWN, also as a failure."""
    session = house.bind()
    house.message(State.UNKNOWN_FOR_GOOD, registered_delivery=2)
    assert [each.stat for each in session.receipts] == ["UNKNOWN"]


class TestLateAnswers:
    """A deliver_sm_resp that comes after our timer."""

    def timed_out(self, house: House, session: Session) -> Any:
        """A delivery that the partner did not answer in time."""
        house.message(State.DELIVERED)
        delivery = session.open.pop(0)
        house.outbox.timed_out(delivery)
        return delivery

    def test_it_was_taken(self, house: House) -> None:
        """Then it is not told a second time."""
        session = house.bind()
        house.outbox.answered_late(self.timed_out(house, session), 0)
        house.wait(1000)
        assert len(session.got) == 1
        assert house.outbox.delivered == 1
        outbox = keys.deliver_sm_outbox(ACCOUNT)
        assert not house.node.queued(outbox)
        assert not house.node.due(outbox)
        assert not house.node.claimed(outbox)

    def test_it_was_refused(self, house: House) -> None:
        """Then it comes again, as it would have."""
        session = house.bind()
        house.outbox.answered_late(self.timed_out(house, session), 0x08)
        house.wait(1000)
        assert len(session.got) == 2

    def test_it_has_come_again(self, house: House) -> None:
        """Then the answer is for nothing, and the next one counts."""
        session = house.bind()
        delivery = self.timed_out(house, session)
        house.wait(1000)
        assert len(session.got) == 2
        house.outbox.answered_late(delivery, 0)
        house.answer(session)
        house.wait(1000)
        assert len(session.got) == 2
