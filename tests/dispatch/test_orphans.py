"""Receipts that wait for their message: other forms, messages on hold, people."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from luckgw.dispatch.orphans import LEARNT, Orphans
from luckgw.domain.ids import to_text
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.ops.receipt_desk import NotPossible, ReceiptDesk
from luckgw.pipeline.receipt import Receipts
from luckgw.store import keys
from luckgw.store.interface import FLAG_WEBHOOK
from luckgw.wire.pdus import Command, decode_sm, encode_sm
from tests.dispatch.world import ACCOUNT, UPSTREAM, World, submit_body

TEXT = "id:%s sub:001 dlvrd:001 submit date:%s done date:2701151201 stat:%s err:000"
NUMBER = b"233501234567"
OTHER = b"233507654321"
AS_DEC = "receipt in decimal, answer in hexadecimal"


class House(World):
    """A node that serves one carrier, and sees to its receipts."""

    @staticmethod
    def _from_phone(_upstream: Any, _sm: Any, reply: Any) -> None:
        reply(Status.ESME_RX_T_APPN)

    def start(self) -> None:
        """A process starts."""
        super().start()
        node = self.node
        self.receipts = Receipts(node.journal, self.woken.append, self._from_phone)
        self.orphans = Orphans(
            self.clock,
            node.execute,
            node.journal,
            self.receipts,
            {UPSTREAM: self.config},
            {UPSTREAM: self.mt},
            node.now_ms,
            self.woken.append,
        )
        self.orphans.start()

    def sent_as(self, carrier_id: bytes, to: bytes = NUMBER, **given: Any) -> bytes:
        """A message that the carrier has taken under this id."""
        body = submit_body(destination_addr=to, **given)
        message_id = self.accept(bodies=(body,), flags=FLAG_WEBHOOK)
        self.after(self.carrier.answer, message_id=carrier_id)
        return message_id

    def receipt(
        self,
        carrier_id: str,
        of: bytes = NUMBER,
        stat: str = "DELIVRD",
        submit_date: str = "2701151200",
    ) -> None:
        """The carrier sends one."""
        body = encode_sm(
            source_addr=of,
            destination_addr=b"Luck",
            esm_class=4,
            short_message=(TEXT % (carrier_id, submit_date, stat)).encode(),
        )
        answers: list[int] = []
        sm = decode_sm(body, Command.DELIVER_SM)
        self.receipts.received(self.config, sm, answers.append)
        self.node.turn()
        assert answers == [0]

    def state(self, message_id: bytes) -> State:
        """A message's state."""
        return self.node.state(message_id)

    @property
    def parked(self) -> int:
        """How many receipts wait."""
        return len(self.store.parked.get(keys.parked(UPSTREAM), {}))


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """With a carrier as it is configured by default: ids are texts."""
    return House(clock, tmp_path, window=10)


class TestForms:
    @pytest.mark.parametrize(
        ("answered", "reported"),
        [
            (b"1F2E", "7982"),
            (b"7982", "1f2e"),
            (b"1F2E", "0000007982"),
            (b"812FC7470000001B", "9308878062554710043"),
            (
                b"8a3c1f5e-2b64-4c7d-9e80-1a2b3c4d5e6f",
                "8A3C1F5E2B644C7D9E801A2B3C4D5E6F",
            ),
            (
                b"8a3c1f5e2b644c7d9e801a2b3c4d5e6f",
                "8a3c1f5e-2b64-4c7d-9e80-1a2b3c4d5e6f",
            ),
        ],
    )
    def test_an_id_in_another_form(
        self, house: House, answered: bytes, reported: str
    ) -> None:
        """It finds its message within seconds, and that is told."""
        message_id = house.sent_as(answered)
        house.receipt(reported)
        assert house.state(message_id) is State.SENT
        house.wait(11)
        assert house.state(message_id) is State.DELIVERED
        assert house.parked == 0
        assert ACCOUNT in house.woken
        ((name, learnt),) = house.orphans.status().items()
        assert name == UPSTREAM
        assert isinstance(learnt, dict)
        assert 1 in learnt.values()
        house.receipt(reported, stat="UNDELIV")
        assert house.parked == 0  # from now on the id is known

    @pytest.mark.parametrize("config", [{"dlr_id": "hex"}, {"resp_id": "hex"}])
    def test_a_form_that_was_configured_wrongly(
        self, clock: Clock, tmp_path: Path, config: dict[str, Any]
    ) -> None:
        """The ids are plain decimal numbers on both sides, whatever we were told."""
        house = House(clock, tmp_path, **config)
        message_id = house.sent_as(b"7982")
        house.receipt("7982")
        house.wait(11)
        assert house.state(message_id) is State.DELIVERED

    def test_the_receipt_is_first(self, house: House) -> None:
        """In another form, too: it finds its message when that has its id."""
        message_id = house.accept(bodies=(submit_body(),))
        house.receipt("7982")
        house.after(house.carrier.answer, message_id=b"1f2e")
        house.wait(11)
        assert house.state(message_id) is State.DELIVERED

    def test_another_recipient(self, house: House) -> None:
        """An id that fits by chance is not enough."""
        message_id = house.sent_as(b"1f2e", to=OTHER)
        house.receipt("7982")
        house.wait(700)
        assert (house.state(message_id), house.parked) == (State.SENT, 1)

    def test_national_numbers(self, house: House) -> None:
        """The carrier may leave the country out."""
        message_id = house.sent_as(b"1f2e")
        house.receipt("7982", of=b"0501234567")
        house.wait(11)
        assert house.state(message_id) is State.DELIVERED

    def test_more_than_one_fits(self, house: House) -> None:
        """None gets it: "10" may be 0x10 or 0xa."""
        ids = [house.sent_as(b"a"), house.sent_as(b"16")]
        house.receipt("10")
        house.wait(700)
        assert [house.state(each) for each in ids] == [State.SENT] * 2
        assert house.parked == 1

    def test_what_is_at_its_end_gets_nothing(self, house: House) -> None:
        """Of two that fit the open one is meant."""
        ended, still_open = house.sent_as(b"a"), house.sent_as(b"16")
        house.receipt("a", stat="EXPIRED")
        house.receipt("10")
        house.wait(11)
        assert house.state(ended) is State.EXPIRED
        assert house.state(still_open) is State.DELIVERED

    def test_many(self, house: House) -> None:
        """Page by page, also when they come in one moment."""
        ids = [house.sent_as(b"%x" % number) for number in range(1000, 1250)]
        for number in range(1000, 1250):
            house.receipt(str(number))
        house.wait(60)
        assert {house.state(each) for each in ids} == {State.DELIVERED}

    def test_what_has_gone_from_a_page(self, house: House) -> None:
        """What was parked behind it is looked at all the same."""
        for number in range(150):
            house.receipt(f"gone{number}")
            del house.store.carrier_ids[keys.carrier_id(UPSTREAM, b"gone%d" % number)]
        house.wait(0.25)
        message_id = house.sent_as(b"1f2e")
        house.receipt("7982")
        house.wait(11)
        assert house.state(message_id) is State.DELIVERED

    def test_a_restart(self, house: House) -> None:
        """What had come before is looked at as well."""
        message_id = house.accept(bodies=(submit_body(),))
        house.receipt("7982")
        house.wait(700)
        house.after(house.carrier.answer, message_id=b"1f2e")
        house.orphans.stop()
        house.start()
        house.wait(11)
        assert house.state(message_id) is State.DELIVERED


class TestLearning:
    def learn(self, house: House) -> None:
        """As many matches as it takes."""
        for number in range(LEARNT):
            house.sent_as(b"%x" % (0xABC0 + number))
            house.receipt(str(0xABC0 + number))
        house.wait(11)

    def test_it_is_tried_first(self, house: House) -> None:
        """After some matches the receipts find their messages at once."""
        self.learn(house)
        assert house.receipts.rules[UPSTREAM].learnt == AS_DEC
        message_id = house.sent_as(b"1f2e")
        house.receipt("7982")
        assert house.state(message_id) is State.DELIVERED

    def test_never_for_another_recipient(self, house: House) -> None:
        """What was learnt is a guess: it waits, as it would without."""
        self.learn(house)
        message_id = house.sent_as(b"1f2e", to=OTHER)
        house.receipt("7982")
        assert (house.state(message_id), house.parked) == (State.SENT, 1)

    def test_ids_as_configured_still_count(self, house: House) -> None:
        """One that is only known as it is written."""
        self.learn(house)
        message_id = house.sent_as(b"77")
        house.receipt("77")
        assert house.state(message_id) is State.DELIVERED

    def test_a_carrier_of_two_minds(self, house: House) -> None:
        """Another form, once: nothing is tried first any more."""
        self.learn(house)
        house.sent_as(b"7982")
        house.receipt("1f2e")
        house.wait(11)
        assert house.receipts.rules[UPSTREAM].learnt is None


class TestHold:
    """A submit_sm was never answered, and then comes a receipt."""

    @pytest.fixture
    def house(self, clock: Clock, tmp_path: Path) -> House:
        """The carrier answers within 20 s, or not; doubt lasts for 120 s."""
        return House(clock, tmp_path, window=10, response_s=20)

    def in_doubt(self, house: House, **given: Any) -> bytes:
        """A message whose submit_sm is not answered in time."""
        message_id = house.accept(bodies=(submit_body(**given),))
        house.wait(20)
        house.after(house.carrier.time_out)
        return message_id

    def test_the_only_one_that_fits(self, house: House) -> None:
        """It is settled, and never sent again."""
        message_id = self.in_doubt(house)
        self.in_doubt(house, destination_addr=OTHER)
        house.receipt("c77")
        house.wait(35)
        assert house.state(message_id) is State.DELIVERED
        house.wait(200)
        assert [each.body for each in house.carrier.got].count(submit_body()) == 1
        assert house.mt.status()["uncertain"] == 0

    @pytest.mark.parametrize(
        ("of", "submit_date"),
        [(OTHER, "2701151200"), (NUMBER, "2701151207"), (NUMBER, ""), (NUMBER, "x")],
    )
    def test_it_does_not_fit(self, house: House, of: bytes, submit_date: str) -> None:
        """Another recipient, another minute, no date: it goes on waiting."""
        message_id = self.in_doubt(house)
        house.receipt("c77", of=of, submit_date=submit_date)
        house.wait(60)
        assert house.state(message_id) is State.ACCEPTED
        assert house.parked == 1

    def test_two_that_fit(self, house: House) -> None:
        """Nobody knows which: neither."""
        ids = [self.in_doubt(house), self.in_doubt(house)]
        house.receipt("c77")
        house.wait(60)
        assert [house.state(each) for each in ids] == [State.ACCEPTED] * 2


class TestByHand:
    """What the operator can do."""

    def asked(self, house: House, deed: Any) -> Any:
        """What the desk answers; raises what it refuses with."""
        found: list[Any] = []
        d: Deferred[Any] = ensureDeferred(deed)
        d.addBoth(found.append)
        house.node.turn()
        if not isinstance(found[0], (list, str, type(None))):
            found[0].raiseException()
        return found[0]

    def desk(self, house: House) -> ReceiptDesk:
        """Where the admin API asks."""
        return ReceiptDesk(house.orphans, house.node.execute)

    def test_a_list(self, house: House) -> None:
        """The oldest first, without the whole number."""
        house.receipt("b1", stat="UNDELIV")
        house.wait(1)
        house.receipt("B2")
        found = self.asked(house, self.desk(house).waiting(None))
        assert [each["orphan"] for each in found] == ["mtn:b1", "mtn:b2"]
        assert found[0] == {
            "orphan": "mtn:b1",
            "upstream": "mtn",
            "id": "b1",
            "time_ms": house.node.now_ms() - 1000,
            "state": "UNDELIVERED",
            "stat": "UNDELIV",
            "err": "000",
            "recipient": "*********567",
        }

    def test_bind(self, house: House) -> None:
        """The message gets it, and the list has one less."""
        message_id = house.sent_as(b"zz")
        house.receipt("b1")
        bind = partial(self.desk(house).bind, "mtn:b1")
        assert "has it now" in self.asked(house, bind(to_text(message_id)))
        assert house.state(message_id) is State.DELIVERED
        assert house.parked == 0

    def test_drop(self, house: House) -> None:
        """It is gone, and counted."""
        house.receipt("b1")
        self.asked(house, self.desk(house).drop("mtn:b1"))
        assert house.parked == 0
        assert house.store.dropped == {keys.parked(UPSTREAM): 1}

    @pytest.mark.parametrize(
        ("orphan", "message"),
        [
            ("mtn:b1", "no id"),
            ("mtn:b1", "8a3c1f5e-2b64-4c7d-9e80-1a2b3c4d5e6f"),
            ("mtn:nowhere", None),
            ("nowhere", None),
        ],
    )
    def test_what_is_not_there(
        self, house: House, orphan: str, message: str | None
    ) -> None:
        """It is said, and nothing changes."""
        message_id = to_text(house.sent_as(b"zz"))
        house.receipt("b1")
        desk = self.desk(house)
        with pytest.raises(NotPossible):
            self.asked(house, desk.bind(orphan, message or message_id))
        if message is None:
            with pytest.raises(NotPossible):
                self.asked(house, desk.drop(orphan))
        assert house.parked == 1


def test_what_could_not_be_read(house: House) -> None:
    """It is kept as it came, the last thousand, for people to look at."""
    for number in range(1005):
        house.after(house.mt.unreadable, 5, 0x01, b"\0%d" % number)
    desk = ReceiptDesk(house.orphans, house.node.execute)
    found: list[Any] = []
    ensureDeferred(desk.quarantine(UPSTREAM)).addCallback(found.extend)
    assert len(found) == 1000
    assert found[-1] == {
        "time_ms": house.node.now_ms(),
        "command_id": 5,
        "answered": 1,
        "body": b"\x001004".hex(),
    }
    assert house.store.dropped == {keys.quarantine(UPSTREAM): 5}
