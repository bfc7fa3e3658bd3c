"""A message comes in: may it, where to, keep it, then say so."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock

from luckgw.config import model
from luckgw.config.routes import RouteRewrite
from luckgw.domain.errors import Refusal
from luckgw.domain.ids import to_text
from luckgw.domain.status import Status
from luckgw.pipeline.contents import TextContent
from luckgw.pipeline.edited import EditedOutgoing
from luckgw.pipeline.outgoing import Bodies, Outgoing, outgoings
from luckgw.pipeline.submit import Submit
from luckgw.routing.facts import Facts
from luckgw.routing.table import RouteTable
from luckgw.store import keys
from luckgw.store.interface import FLAG_DELIVER_SM, FLAG_HTTP, FLAG_WEBHOOK
from luckgw.store.memory import MemoryStore
from luckgw.text.references import References
from tests.dispatch.world import Node, submit_body, upstream_config


@attrs.define
class Carriers:
    """pipeline.submit.Upstreams, as the test wants them."""

    up: set[str] = attrs.Factory(lambda: {"mtn", "voda"})
    patient: set[str] = attrs.Factory(set)
    poked: list[str] = attrs.Factory(list)

    def is_up(self, name: str) -> bool:
        """See the port."""
        return name in self.up

    def queues_when_down(self, name: str) -> bool:
        """See the port."""
        return name in self.patient

    def poke(self, name: str) -> None:
        """See the port."""
        self.poked.append(name)


@attrs.define
class Marks:
    """pipeline.submit.Marks, as the test wants them."""

    is_full: bool = False


ACME = model.Account("acme")
HOOKED = model.Account("hooked", webhook="https://hooked.example/")
SLOW = model.Account("slow", throughput=2.0)
RETAIL = model.Account("retail", group="retail")


class House:
    """A node that takes messages in."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.store = MemoryStore()
        self.node = Node(clock, self.store, folder)
        self.carriers = Carriers()
        self.marks = Marks()
        accounts = (ACME, HOOKED, SLOW)
        upstreams = {name: upstream_config(name=name) for name in ("mtn", "voda")}
        routes = (
            model.Route("ghana", ("mtn", "voda"), model.Match(("233",)), "failover"),
            model.Route("kenya", ("voda",), model.Match(("254",))),
            model.Route("blocked", match=model.Match(("44",)), refuse="account"),
            model.Route(
                "tagged", ("mtn",), model.Match(prefix=("49",), tag=("promo",))
            ),
            model.Route("retail", ("mtn",), model.Match(("49",), group=("retail",))),
            model.Route(
                "night", ("mtn",), model.Match(prefix=("33",), time=("22:00-06:00",))
            ),
            model.Route("free", ("mtn",), model.Match(("33",), content=("free",))),
            model.Route(
                "asks",
                ("mtn",),
                model.Match(("351",), hook=("one",)),
                unless=model.Match(hook=("two",)),
            ),
            model.Route(
                "appends",
                ("mtn",),
                model.Match(("34",)),
                rewrite=RouteRewrite(append=" STOP"),
            ),
        )
        numbers = itertools.count(1)
        self.submit = Submit(
            self.node.journal,
            RouteTable(routes, upstreams),
            self.carriers,
            self.marks,
            {account.name: account for account in accounts},
            outgoings(upstreams.values(), References(lambda: 7)),
            lambda: next(numbers).to_bytes(16, "big"),
            clock.seconds,
            heeds_opt_outs={"acme"},
            now_ms=lambda: self.wall_ms,
            hooks=self,
        )
        self.questions: list[tuple[str, Callable[[bool | str], None]]] = []
        self.wall_ms = 12 * 3_600_000  # noon of a day
        self.told: list[str | Refusal] = []

    def send(
        self,
        account: model.Account = ACME,
        destination: str = "233501234567",
        *,
        parts: int = 1,
        on_the_air: int | None = None,
        **given: Any,
    ) -> None:
        """A message comes in."""
        self.submit.submit(
            account,
            "Luck",
            destination,
            lambda _outgoing: (
                [submit_body(b"%d" % n) for n in range(parts)],
                on_the_air or parts,
            ),
            **{
                "registered_delivery": 0,
                "deadline_ms": self.node.now_ms() + 1000,
                "over_http": False,
                "done": self.told.append,
                **given,
            },
        )

    def ask(
        self, name: str, facts: Facts, answered: Callable[[bool | str], None]
    ) -> None:
        """As pipeline.submit.Hooks."""
        assert facts.destination.startswith("351")
        self.questions.append((name, answered))

    def refused(self, *args: Any, **given: Any) -> Refusal:
        """Why a message may not enter; nothing is kept of it."""
        kept = len(self.store.records)
        with pytest.raises(Refusal) as caught:
            self.send(*args, **given)
        self.node.turn()
        assert len(self.store.records) == kept
        assert self.told == []
        return caught.value

    def kept(self) -> list[str]:
        """In which queues messages are."""
        self.node.turn()
        return [key.decode() for key, ids in self.store.lists.items() for _ in ids]


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node with two upstreams and three accounts."""
    return House(clock, tmp_path)


class TestKeeping:
    def test_kept_then_told(self, house: House) -> None:
        """The id is told once the message is durable and queued, and not before."""
        house.node.link.is_slow = True
        house.send(parts=2)
        house.node.turn()
        assert (house.told, house.carriers.poked) == ([], [])
        house.node.link.release()
        assert house.told == [to_text((1).to_bytes(16, "big"))]
        assert house.carriers.poked == ["mtn"]
        record = house.node.record((1).to_bytes(16, "big"))
        assert (record.account, record.route) == ("acme", "ghana")
        assert record.bodies == [submit_body(b"0"), submit_body(b"1")]
        assert record.deadline_ms == house.node.now_ms() + 1000
        assert house.node.queued() == [(1).to_bytes(16, "big")]

    def test_the_store_goes(self, house: House) -> None:
        """Who was not told an id is told "no", once it is certain."""
        house.send()
        house.node.lose()
        house.node.turn()
        (told,) = house.told
        assert isinstance(told, Refusal)
        assert told.command_status == Status.ESME_RSYSERR
        assert house.carriers.poked == []

    @pytest.mark.parametrize(
        ("account", "registered_delivery", "over_http", "flags"),
        [
            (ACME, 0, False, 0),
            (ACME, 1, False, FLAG_DELIVER_SM),
            (ACME, 2, False, FLAG_DELIVER_SM),
            (ACME, 0x10, False, FLAG_DELIVER_SM),
            (ACME, 0x0C, False, 0),
            (ACME, 1, True, FLAG_HTTP),
            (HOOKED, 0, False, FLAG_WEBHOOK),
            (HOOKED, 1, False, FLAG_WEBHOOK | FLAG_DELIVER_SM),
            (HOOKED, 1, True, FLAG_WEBHOOK | FLAG_HTTP),
        ],
    )
    def test_who_will_be_told(
        self,
        house: House,
        account: model.Account,
        registered_delivery: int,
        over_http: bool,
        flags: int,
    ) -> None:
        """Sessions for messages that came over SMPP and asked for receipts; the webhook
        of an account that has one.
        """
        house.send(
            account, registered_delivery=registered_delivery, over_http=over_http
        )
        house.node.turn()
        record = house.node.record((1).to_bytes(16, "big"))
        assert (record.flags, record.registered_delivery) == (
            flags,
            registered_delivery,
        )


class TestWhereTo:
    def test_the_first_that_is_up(self, house: House) -> None:
        """As the route's strategy says."""
        house.carriers.up = {"voda"}
        house.send()
        assert "q:voda" in house.kept()

    def test_none_is_up_but_one_is_patient(self, house: House) -> None:
        """The message waits for the first that lets it."""
        house.carriers.up, house.carriers.patient = set(), {"voda"}
        house.send()
        assert "q:voda" in house.kept()

    def test_none_is_up(self, house: House) -> None:
        """Refused, with a time after which it may be tried again."""
        house.carriers.up = set()
        refusal = house.refused()
        assert refusal.command_status == Status.ESME_RSUBMITFAIL
        assert refusal.body == "Connection failed"
        assert refusal.retry_after

    def test_no_route(self, house: House) -> None:
        """Refused for good."""
        refusal = house.refused(destination="4917012345678")
        assert refusal.command_status == Status.ESME_RINVDSTADR
        assert refusal.retry_after is None

    def test_only_one_may_have_it(self, house: House) -> None:
        """Whatever the routes say, and up or down: a test message goes nowhere else."""
        house.carriers.up = {"mtn"}
        house.send(destination="4917012345678", only="voda")
        assert "q:voda" in house.kept()
        assert house.carriers.poked == ["voda"]
        assert house.node.record((1).to_bytes(16, "big")).route == ""


class TestRefused:
    def test_full(self, house: House) -> None:
        """Above a mark nothing enters."""
        house.marks.is_full = True
        assert house.refused().command_status == Status.ESME_RMSGQFUL

    def test_the_store_is_away(self, house: House) -> None:
        """Nothing enters that could not be kept."""
        house.node.lose()
        assert house.refused().command_status == Status.ESME_RSYSERR

    def test_too_fast(self, house: House) -> None:
        """Throughput counts segments; others are not slowed down, and time heals."""
        self.check_throughput(house, parts=2)

    def test_too_fast_for_a_carrier_that_cuts(self, house: House) -> None:
        """The segments that count are those on the air."""
        self.check_throughput(house, parts=1, on_the_air=2)

    def check_throughput(self, house: House, **message: Any) -> None:
        """Two segments a second, and this message has two."""
        house.send(SLOW, **message)
        house.node.turn()
        house.told.clear()
        refusal = house.refused(SLOW)
        assert refusal.command_status == Status.ESME_RTHROTTLED
        assert refusal.retry_after == 1
        house.send()
        house.node.wait(1)
        house.send(SLOW)
        house.node.turn()
        assert len(house.told) == 2


class TestRoutesThatLookCloser:
    """What they look at is what the message has."""

    def test_a_route_that_refuses(self, house: House) -> None:
        """The message does not enter."""
        refusal = house.refused(destination="447700900123")
        assert refusal.command_status == Status.ESME_RBINDFAIL

    def test_tags_and_groups(self, house: House) -> None:
        """Of the call and of the account."""
        refusal = house.refused(destination="491701234567")
        assert refusal.command_status == Status.ESME_RINVDSTADR
        house.send(destination="491701234567", tags=frozenset({"promo"}))
        house.send(RETAIL, destination="491701234567")
        assert house.kept().count("q:mtn") == 2

    def test_time(self, house: House) -> None:
        """Of the wall clock, in UTC where a route says nothing else."""
        house.refused(destination="33612345678")
        house.wall_ms = 23 * 3_600_000
        house.send(destination="33612345678")
        assert house.kept().count("q:mtn") == 1

    def test_content(self, house: House) -> None:
        """Which is asked for."""
        assert house.submit.looks_at_content
        dear, free = TextContent("Dear"), TextContent("Now FREE")
        house.refused(destination="33612345678", content=dear)
        house.send(destination="33612345678", content=free)
        assert house.kept().count("q:mtn") == 1

    def test_a_text_is_changed_before_it_is_written(self, house: House) -> None:
        """By the route that decides, and by no other."""
        kinds: list[type] = []

        def bodies_for(outgoing: Outgoing) -> Bodies:
            kinds.append(type(outgoing))
            return [submit_body()], 1

        for destination in ("34612345678", "233501234567"):
            house.submit.submit(
                ACME,
                "Luck",
                destination,
                bodies_for,
                registered_delivery=0,
                deadline_ms=house.node.now_ms() + 1000,
                over_http=False,
                done=house.told.append,
            )
        assert kinds == [EditedOutgoing, Outgoing]


class TestHooks:
    """Other people's functions are asked first."""

    def asked(self, house: House, *answers: bool | str) -> list[str]:
        """Which hooks are asked of a message, when they answer so."""
        house.send(destination="351912345678", content=TextContent("Hello"))
        names = []
        for answer in answers:
            assert house.kept() == []
            assert house.told == []
            name, answered = house.questions.pop()
            names.append(name)
            answered(answer)
        assert house.questions == []
        return names

    def test_all_agree(self, house: House) -> None:
        """The message is kept once the last has answered, and told then."""
        assert self.asked(house, True, False) == ["one", "two"]
        assert "q:mtn" in house.kept()
        assert len(house.told) == 1

    def test_one_says_no(self, house: House) -> None:
        """No other route leads there: its sender is told."""
        assert self.asked(house, False) == ["one"]
        (refusal,) = house.told
        assert isinstance(refusal, Refusal)
        assert refusal.command_status == Status.ESME_RINVDSTADR
        assert house.kept() == []

    def test_an_exception_applies(self, house: House) -> None:
        """The second says yes, so the route is not for the message."""
        assert self.asked(house, True, True) == ["one", "two"]
        (refusal,) = house.told
        assert isinstance(refusal, Refusal)

    def test_one_refuses(self, house: House) -> None:
        """With the word that it chose."""
        assert self.asked(house, "sender") == ["one"]
        (refusal,) = house.told
        assert isinstance(refusal, Refusal)
        assert refusal.command_status == Status.ESME_RINVSRCADR
        assert refusal.detail == "hook one refuses it"

    def test_others_are_not_asked(self, house: House) -> None:
        """Messages that no such route could take are kept at once."""
        house.send()
        assert house.questions == []
        assert "q:mtn" in house.kept()


class TestOptOuts:
    """A recipient that has sent STOP to this sender."""

    def opt_out(self, house: House, account: str) -> None:
        """It wants nothing more from Luck."""
        field = {b"Luck>233501234567": b"1"}
        house.store.opted_out[keys.opted_out(account)] = field

    def test_is_told_and_nothing_is_kept(self, house: House) -> None:
        """0x45 and 403; any other recipient gets its message."""
        self.opt_out(house, "acme")
        house.send()
        house.send(destination="233501234568")
        house.node.turn()
        refusal, kept = house.told
        assert isinstance(refusal, Refusal)
        assert (refusal.command_status, refusal.http_status) == (0x45, 403)
        assert refusal.body == "(69) Opted Out"
        assert isinstance(kept, str)
        assert len(house.store.records) == 1
        assert house.carriers.poked == ["mtn"]

    def test_what_it_asked_for_goes_there(self, house: House) -> None:
        """The confirmation of its STOP, the answer to its HELP."""
        self.opt_out(house, "acme")
        house.send(is_reply=True)
        house.node.turn()
        assert len(house.store.records) == 1

    def test_accounts_that_phones_can_not_write_to_pay_nothing(
        self, house: House
    ) -> None:
        """Nobody looks into their lists."""
        self.opt_out(house, "hooked")
        house.send(HOOKED)
        house.node.turn()
        assert len(house.store.records) == 1
