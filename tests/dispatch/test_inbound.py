"""Messages from phones on their way to accounts: sessions, webhook, opt-outs."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from twisted.internet.task import Clock

from luckgw.config.model import Account, MoMatch, MoRoute, OptOut
from luckgw.dispatch.inbound import InboundDispatcher
from luckgw.dispatch.outbox import DeliverSmOutbox
from luckgw.dispatch.webhooks import Event
from luckgw.domain.errors import bad_request
from luckgw.egress.mo import Reading
from luckgw.egress.sessions import Sessions
from luckgw.routing.phones import MoRouteTable
from luckgw.store import keys, records
from luckgw.store.interface import Inbound, Part
from luckgw.store.memory import MemoryStore
from luckgw.text.alphabets import choose
from luckgw.text.segments import Form, cut
from luckgw.wire.pdus import encode_sm
from tests.dispatch.test_outbox import Session
from tests.dispatch.world import ACCOUNT, Node

OUTBOX: Final = keys.deliver_sm_outbox(ACCOUNT)
HOOK: Final = keys.webhook_outbox(ACCOUNT)
PHONE: Final = "233501234567"
LONG: Final = "0123456789" * 40


class House:
    """A node, its dispatcher of phones' messages, and its account's sessions."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.clock = clock
        self.folder = folder
        self.store = MemoryStore()
        self.woken: list[str] = []
        self.replies: list[tuple[str, ...]] = []
        self.refuses_replies = False
        self._ids = 0
        self.start()

    def start(
        self,
        *routes: MoRoute,
        opt_out: OptOut = OptOut(help_reply="Call us", stop_reply="Bye"),  # noqa: B008 - frozen
        mo: Reading = Reading(),  # noqa: B008 - frozen
    ) -> None:
        """A process starts; if there was one it has died."""
        self.node = node = Node(self.clock, self.store, self.folder)
        accounts = {
            ACCOUNT: Account(ACCOUNT, webhook="https://a.example/", opt_out=opt_out)
        }
        routes = routes or (MoRoute("all", ACCOUNT, to=("session", "webhook")),)
        self.dispatcher = InboundDispatcher(
            node.journal,
            MoRouteTable(routes, accounts),
            accounts,
            node.now_ms,
            self.woken.append,
        )
        self.dispatcher.reply_with(self._reply)
        self.sessions = Sessions(lambda _: self.outbox.changed())
        self.outbox = DeliverSmOutbox(
            node.journal, ACCOUNT, self.sessions, node.now_ms, mo
        )

    def _reply(self, *reply: str) -> None:
        if self.refuses_replies:
            raise bad_request("no")
        self.replies.append(reply)

    def bring(
        self, text: str, *, phone: str = PHONE, number: str = "4040", **fields: Any
    ) -> None:
        """A carrier brings a text; each as a message of its own."""
        encoding = choose(text)
        pieces = cut(text, encoding, Form.UDH8, 7)
        for place, piece in enumerate(pieces, 1):
            self._ids += 1
            body = encode_sm(
                **{
                    "source_addr": phone.encode(),
                    "destination_addr": number.encode(),
                    "esm_class": 0x40 if piece.udhi else 0,
                    "data_coding": encoding.data_coding,
                    "short_message": piece.short_message,
                    **fields,
                }
            )
            part = Part(text.encode()[:16], place, len(pieces), 60.0)
            mo = Inbound(
                message_id=self._ids.to_bytes(16, "big"),
                upstream="mtn",
                deliver_sm=body,
                default_alphabet="gsm7",
                packed=False,
                digest=self._ids.to_bytes(16, "big"),
                dedup_s=120,
                part=part if len(pieces) > 1 else None,
            )
            self.node.journal.inbound(mo, lambda _: None)
        self.node.turn()
        self.look()

    def look(self) -> None:
        """The dispatcher looks."""
        self.dispatcher.poke()
        self.node.turn()

    def bind(self, *, takes_tlvs: bool = True) -> Session:
        """The partner binds."""
        session = Session(takes_tlvs=takes_tlvs)
        self.sessions.add(ACCOUNT, session)
        self.node.turn()
        return session

    def answer(self, session: Session, status: int = 0) -> None:
        """The partner answers its oldest."""
        self.outbox.answered(session.open.pop(0), status)
        self.outbox.changed()
        self.node.turn()

    def hooks(self) -> list[dict[str, Any]]:
        """What waits for the webhook, as it will be posted."""
        entries = self.node.queued(HOOK)
        return [
            json.loads(Event(each, self.store.records[each[:16]]).body)
            for each in entries
        ]


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node whose routes lead all to one account."""
    return House(clock, tmp_path)


def test_the_account_is_told(house: House) -> None:
    """Both ways, once; nobody holds the message any more."""
    house.bring("Hello")
    assert house.woken == [ACCOUNT]
    assert len(house.node.queued(OUTBOX)) == 1
    assert house.hooks() == [
        {
            "event": "sms.received",
            "data": {
                "message_id": "00000000-0000-0000-0000-000000000001",
                "from": PHONE,
                "to": "4040",
                "content": "Hello",
                "received_at": "2027-01-15T12:00:00Z",
            },
        }
    ]
    assert house.node.claimed(keys.INBOUND) == house.dispatcher.consumer.held == set()


def test_binary_has_its_octets_in_extra(house: House) -> None:
    """And no content."""
    house.bring(
        "x",
        short_message=b"\x06\x05\x04\x15\x81\0\0\xff",
        data_coding=4,
        esm_class=0x40,
    )
    (event,) = house.hooks()
    assert event["data"]["content"] == ""
    assert event["data"]["extra"] == {
        "data_coding": 4,
        "udh": "06050415810000",
        "hex": "ff",
    }


# -- routes --------------------------------------------------------------------------


def test_without_a_route_it_waits(house: House) -> None:
    """Longer each time, and is given out when there is a route."""
    house.start(MoRoute("votes", ACCOUNT, MoMatch(keyword=("vote",))))
    house.bring("What?")
    house.bring("vote 4")
    assert len(house.node.queued(HOOK)) == 1
    assert [*house.node.due(keys.INBOUND).values()] == [5]
    for _ in range(60):
        house.node.wait(5)
        house.look()
    assert 5 <= house.dispatcher.counters.unrouted <= 10
    assert house.dispatcher.consumer.held == set()
    house.start()
    house.node.wait(300)
    house.look()
    assert len(house.node.queued(HOOK)) == 2


def test_a_death_between_claim_and_account(house: House) -> None:
    """The next process gives it out."""
    house.dispatcher.stop_claiming()
    house.bring("Hello")
    consumer = house.dispatcher.consumer
    house.node.journal.claim(consumer.queue, 1, lambda _: None)
    house.node.turn()
    dead = consumer.queue
    house.start()
    taken: list[int] = []
    house.node.journal.take_over(dead.key, dead.claims, None, b"", taken.append)
    house.node.turn()
    house.look()
    assert (taken, len(house.node.queued(HOOK))) == ([1], 1)


def test_gaps_are_given_out_in_time(house: House) -> None:
    """A look finds what has waited long enough."""
    house.dispatcher.look_for_gaps()
    house.bring("0123456789" * 20)
    part = Part(b"j" * 16, 1, 2, 60.0)
    body = encode_sm(
        source_addr=b"1", short_message=b"\5\0\3\1\2\1first", esm_class=0x40
    )
    mo = Inbound(b"i" * 16, "mtn", body, "gsm7", False, b"d" * 16, 0, part)
    house.node.journal.inbound(mo, lambda _: None)
    house.node.wait(61)
    house.dispatcher.look_for_gaps()
    house.node.turn()
    assert house.hooks()[-1]["data"]["content"] == "first[...]"
    assert house.dispatcher.counters.with_gaps == 1


# -- to sessions ---------------------------------------------------------------------


def test_a_long_one_is_one_deliver_sm_for_v34(house: House) -> None:
    """Kept while nobody is bound, settled by the answer."""
    house.bring(LONG)
    session = house.bind()
    (sm,) = session.got
    assert sm.payload.decode() == LONG
    house.answer(session)
    assert house.node.claimed(OUTBOX) == set()
    assert house.outbox.delivered == 1


def test_parts_go_one_by_one_and_the_entry_ends_once(house: House) -> None:
    """To a v3.3 partner; the next goes when the one before it was taken."""
    house.bring(LONG)
    session = house.bind(takes_tlvs=False)
    for number in (1, 2, 3):
        assert len(session.got) == number
        assert session.got[-1].short_message[:6] == b"\5\0\3\7\3" + bytes((number,))
        assert house.node.claimed(OUTBOX)
        house.answer(session)
    assert len(session.got) == 3
    assert house.node.claimed(OUTBOX) == set()
    assert house.outbox.delivered == 1


def test_a_refusal_goes_on_where_it_was(house: House) -> None:
    """A temporary one at the second part: later, from there, also after a restart."""
    house.bring(LONG)
    session = house.bind(takes_tlvs=False)
    house.answer(session)
    house.answer(session, 0x64)
    ((entry, wait),) = house.node.due(OUTBOX).items()
    assert wait == 5
    assert records.InboundEntry.from_bytes(entry).taken == 1
    assert records.InboundEntry.from_bytes(entry).attempts == 1
    house.start()
    house.node.wait(6)
    session = house.bind()
    assert session.got[0].short_message[5] == 2


def test_a_refusal_for_good_ends_it(house: House) -> None:
    """As it does for a receipt."""
    house.bring("Hello")
    session = house.bind()
    house.answer(session, 0x65)
    assert house.node.claimed(OUTBOX) == set()
    assert (house.outbox.refused, house.outbox.delivered) == (1, 0)


def test_what_is_begun_goes_back_as_far_as_it_is(house: House) -> None:
    """The link goes, nobody else is bound: the entry remembers what was taken."""
    house.bring(LONG)
    session = house.bind(takes_tlvs=False)
    house.answer(session)
    house.sessions.remove(ACCOUNT, session)
    house.outbox.lost(session.open)
    house.node.turn()
    (entry,) = house.node.queued(OUTBOX)
    assert records.InboundEntry.from_bytes(entry).taken == 1


# -- opt-outs and replies ------------------------------------------------------------


def listed(house: House) -> set[bytes]:
    """Who has opted out."""
    return set(house.store.opted_out.get(keys.opted_out(ACCOUNT), {}))


@pytest.mark.parametrize("text", ["STOP", " stop\n", "Stop.", '"Unsubscribe!"', "END"])
def test_a_stop_is_the_whole_text(house: House, text: str) -> None:
    """Letter case and what stands around it do not count; it is passed on as well."""
    house.bring(text)
    assert listed(house) == {b"4040>233501234567"}
    assert len(house.node.queued(HOOK)) == 1
    house.bring("start")
    assert listed(house) == set()


@pytest.mark.parametrize("text", ["Stop it", "non-stop", "", "...", "HELP"])
def test_other_texts_mean_nothing(house: House, text: str) -> None:
    """Nothing is put on the list."""
    house.bring(text or " ")
    assert listed(house) == set()


def test_the_words_mean_nothing_when_not_enabled(house: House) -> None:
    """Neither STOP nor HELP."""
    house.start(opt_out=OptOut(enabled=False, help_reply="x"))
    house.bring("STOP")
    house.bring("HELP")
    assert (listed(house), house.replies) == (set(), [])


def test_help_is_answered_from_the_number_it_was_sent_to(house: House) -> None:
    """Once for the same text running; also who has opted out is helped."""
    house.bring("STOP")
    house.bring("HELP")
    house.bring("HELP")
    assert house.replies == [
        (ACCOUNT, "4040", PHONE, "Bye"),
        (ACCOUNT, "4040", PHONE, "Call us"),
    ]
    assert house.dispatcher.counters.replies == 2


def test_loops_end(house: House) -> None:
    """Whatever the other side says, so many answers and no more in an hour."""
    for text in ("HELP", "INFO") * 5:
        house.bring(text)
    assert len(house.replies) == 4


@pytest.mark.parametrize("phone", ["12345", "Bank", "0501234567"])
def test_machines_are_not_answered(house: House, phone: str) -> None:
    """Short codes, names, and what no answer could reach."""
    house.bring("HELP", phone=phone)
    assert house.replies == []


def test_acknowledgements_are_no_words(house: House) -> None:
    """What a phone acknowledges with is passed on, and means nothing."""
    house.bring("STOP", esm_class=0x08)
    assert (listed(house), len(house.node.queued(HOOK))) == (set(), 1)


def test_a_reply_that_is_refused_harms_nobody(house: House) -> None:
    """It is told in the log; the message was given out."""
    house.refuses_replies = True
    house.bring("HELP")
    assert (house.dispatcher.counters.replies, len(house.node.queued(HOOK))) == (0, 1)
