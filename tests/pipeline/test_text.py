"""A text becomes a message."""

import itertools
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock

from luckgw.admission.accounts import Accounts
from luckgw.config import model
from luckgw.config.outgoing import UpstreamText
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.pipeline.outgoing import UDHI, outgoings
from luckgw.pipeline.submit import Submit
from luckgw.pipeline.text import Kept, SendText
from luckgw.routing.table import RouteTable
from luckgw.store import records
from luckgw.store.memory import MemoryStore
from luckgw.text.references import References
from luckgw.wire.pdus import Sm, decode_sm
from tests.dispatch.world import NOON_MS, Node, upstream_config
from tests.pipeline.test_submit import Carriers, Marks

ACME = model.Account("acme", senders=("*",), validity_s=3600)
OTHER = model.Account("other", senders=("Luck", "Ω-exact"))


class House:
    """A node that takes texts in."""

    def __init__(
        self, clock: Clock, folder: Path, sandbox: str | None = "voda"
    ) -> None:
        self.node = Node(clock, MemoryStore(), folder)
        self.upstreams = {n: upstream_config(name=n) for n in ("mtn", "voda")}
        self.clock = clock
        self.sandbox = sandbox
        self.told: list[Kept | Refusal] = []
        self.build()

    def build(self) -> None:
        """With the upstreams as they are configured now."""
        accounts = {each.name: each for each in (ACME, OTHER)}
        numbers = itertools.count(1)
        submit = Submit(
            self.node.journal,
            RouteTable([model.Route("all", ("mtn",))], self.upstreams),
            Carriers(),
            Marks(),
            accounts,
            outgoings(self.upstreams.values(), References(lambda: 7)),
            lambda: next(numbers).to_bytes(16, "big"),
            self.clock.seconds,
        )
        self.send_text = SendText(
            submit,
            Accounts(accounts),
            self.node.now_ms,
            self.sandbox,
        )

    def send(
        self,
        content: str = "Hello",
        source: str = "Luck",
        destination: str = "+233 50 123 4567",
        account: model.Account = ACME,
        *,
        sandbox_only: bool = False,
    ) -> Kept:
        """Send a text; what was told."""
        self.send_text.send(
            account,
            source,
            destination,
            content,
            self.told.append,
            sandbox_only=sandbox_only,
        )
        self.node.turn()
        told = self.told[-1]
        assert isinstance(told, Kept)
        return told

    def sms(self) -> list[Sm]:
        """The segments of the last message."""
        *_, record = self.node.store.records.values()
        return [decode_sm(body) for body in records.decode(record).bodies]


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node that takes texts in."""
    return House(clock, tmp_path)


class TestSending:
    def test_a_short_text(self, house: House) -> None:
        """One submit_sm that asks for a receipt, with everything in its place."""
        kept = house.send()
        assert (kept.segments, kept.encoding) == (1, "gsm7")
        (sm,) = house.sms()
        assert (sm.source_addr_ton, sm.source_addr) == (5, b"Luck")
        assert (sm.dest_addr_ton, sm.dest_addr_npi) == (1, 1)
        assert sm.destination_addr == b"233501234567"
        assert (sm.esm_class, sm.data_coding, sm.registered_delivery) == (0, 0, 1)
        assert sm.short_message == b"Hello"
        record = house.node.record((1).to_bytes(16, "big"))
        assert record.deadline_ms == NOON_MS + 3_600_000

    def test_a_long_text(self, house: House) -> None:
        """As many as it takes, with one reference, the next one for the next text."""
        kept = house.send("x" * 400)
        assert kept.segments == 3
        assert [sm.short_message[:6] for sm in house.sms()] == [
            bytes((5, 0, 3, 7, 3, number)) for number in (1, 2, 3)
        ]
        assert {sm.esm_class for sm in house.sms()} == {UDHI}
        house.send("x" * 400)
        assert house.sms()[0].short_message[3] == 8

    def test_a_carrier_that_cuts(self, house: House) -> None:
        """One submit_sm; what is told are the segments on the air."""
        house.upstreams["mtn"] = attrs.evolve(
            house.upstreams["mtn"], text=UpstreamText(form="payload")
        )
        house.build()
        kept = house.send("x" * 400)
        assert kept.segments == 3
        (sm,) = house.sms()
        assert sm.payload == b"x" * 400

    def test_other_alphabets(self, house: House) -> None:
        """UCS2 when it must be."""
        kept = house.send("Привет")
        assert kept.encoding == "ucs2"
        assert house.sms()[0].data_coding == 8

    @pytest.mark.parametrize(
        ("source", "octets", "ton"),
        [
            ("+233501234567", b"233501234567", 1),
            ("1234", b"1234", 3),
            ("Café", b"Caf\xe9", 5),
        ],
    )
    def test_senders(self, house: House, source: str, octets: bytes, ton: int) -> None:
        """Written as SMPP wants them; a + stands in the type of number."""
        house.send(source=source)
        (sm,) = house.sms()
        assert (sm.source_addr, sm.source_addr_ton) == (octets, ton)

    def test_a_test_key(self, house: House) -> None:
        """Its messages go to the sandbox, whatever the routes say."""
        house.send(sandbox_only=True)
        assert house.node.queued(b"q:voda") == [(1).to_bytes(16, "big")]
        assert house.node.queued() == []

    def test_the_store_goes(self, house: House) -> None:
        """None is told when the store did not confirm."""
        house.send_text.send(
            ACME, "Luck", "233501234567", "Hi", house.told.append, sandbox_only=False
        )
        house.node.lose()
        (told,) = house.told
        assert isinstance(told, Refusal)
        assert told.command_status == Status.ESME_RSYSERR


class TestRefused:
    def refused(self, house: House, *args: Any, **given: Any) -> Refusal:
        """Why a text may not enter; nothing is kept of it."""
        with pytest.raises(Refusal) as caught:
            house.send(*args, **given)
        assert house.node.store.records == {}
        return caught.value

    def test_the_sender(self, house: House) -> None:
        """Only approved ones."""
        refusal = self.refused(house, source="Evil", account=OTHER)
        assert refusal.command_status == Status.ESME_RINVSRCADR

    @pytest.mark.parametrize(("source", "account"), [("ΔΦΓ", ACME), ("Ω-exact", OTHER)])
    def test_a_sender_that_smpp_can_not_carry(
        self, house: House, source: str, account: model.Account
    ) -> None:
        """Approved or not: there is no way to write it."""
        refusal = self.refused(house, source=source, account=account)
        assert refusal.command_status == Status.ESME_RINVSRCADR

    def test_the_destination(self, house: House) -> None:
        """Only international numbers."""
        refusal = self.refused(house, destination="0501234567")
        assert refusal.command_status == Status.ESME_RINVDSTADR

    def test_an_account_that_is_gone(self, house: House) -> None:
        """It may have been removed since its key was looked up."""
        refusal = self.refused(house, account=model.Account("stranger"))
        assert refusal.http_status == 401

    def test_a_test_key_without_a_sandbox(self, clock: Clock, tmp_path: Path) -> None:
        """It never reaches a real carrier."""
        house = House(clock, tmp_path, sandbox=None)
        assert self.refused(house, sandbox_only=True).http_status == 403
