"""Promises of the SMPP load generator, against the sandbox, in memory."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from luckgw.sandbox.load import (
    LoadError,
    SmppLoad,
    SmppPlan,
    body_maker,
    recipient_source,
)
from luckgw.sandbox.load_report import Latencies, Report
from luckgw.sandbox.recipes import RECIPES, Recipe
from luckgw.wire.pdus import Command, Tag, decode_sm, encode_sm
from tests.sandbox.memory import Carrier, Network, make_carrier, result_of

PLAN = SmppPlan("sandbox", "sandbox", binds=2, window=10, count=100)


class Always(dict[bytes, Recipe]):
    """Calls for one recipe, whatever the number."""

    def __init__(self, digits: str) -> None:
        self._recipe = next(r for r in RECIPES if r.digits == digits)

    def get(self, _digits: bytes, _default: object = None) -> Any:
        """The recipe."""
        return self._recipe


@pytest.fixture
def cooking(clock: Clock) -> Callable[[str], Carrier]:
    """Make a sandbox that does the same with every message."""

    def make(digits: str) -> Carrier:
        carrier = make_carrier(clock)
        carrier.smsc._recipes = Always(digits)
        return carrier

    return make


def finished(
    running: Coroutine[Deferred[Any], Any, Report],
    network: Network,
    seconds: float = 0.0,
    step: float = 0.5,
) -> Report:
    """The report of a run, after so many seconds."""
    done = ensureDeferred(running)
    network.run(seconds, step)
    return result_of(done)


def run(carrier: Carrier, plan: SmppPlan, seconds: float = 0.0) -> Report:
    """Run a plan against a sandbox."""
    load = SmppLoad(carrier.clock, carrier.network, plan)
    return finished(load.run(), carrier.network, seconds)


class TestVerdict:
    def test_everything_came_back(self, carrier: Carrier) -> None:
        """Every message accepted under its own id, every receipt matched: ok."""
        report = run(carrier, PLAN)
        assert report.ok
        assert (report.sent, report.accepted, report.unanswered) == (100, 100, 0)
        assert (report.connections, report.lost_connections) == (2, 0)
        assert report.errors == {}
        receipts = report.receipts
        assert receipts is not None
        assert (receipts.received, receipts.matched, receipts.missing) == (100, 100, 0)
        assert (receipts.duplicates, receipts.unknown) == (0, 0)
        assert receipts.stat == {"DELIVRD": 100}
        assert carrier.smsc.counts.receipts_done == 100
        assert carrier.smsc.sessions == set()
        assert carrier.clock.getDelayedCalls() == []

    def test_without_receipts(self, carrier: Carrier) -> None:
        """When none are asked for, none are waited for, and none are reported."""
        report = run(carrier, SmppPlan("sandbox", "sandbox", count=10, receipts=False))
        assert report.ok
        assert report.receipts is None
        assert carrier.smsc.counts.receipts_sent == 0

    def test_duplicate_receipts_are_counted(
        self, cooking: Callable[[str], Carrier]
    ) -> None:
        """At least once is the promise, so they spoil nothing, but they show."""
        report = run(cooking("0005"), PLAN)
        assert report.receipts is not None
        assert report.receipts.matched == 100
        assert report.receipts.duplicates > 0
        assert report.ok

    def test_receipts_before_their_response_are_matched(
        self, cooking: Callable[[str], Carrier]
    ) -> None:
        """An id that nobody was told yet is remembered until it is."""
        report = run(cooking("0006"), PLAN, 30)
        assert report.ok
        assert report.receipts is not None
        assert (report.receipts.matched, report.receipts.unknown) == (100, 0)

    def test_missing_receipts_are_told(self, cooking: Callable[[str], Carrier]) -> None:
        """After the wait the run ends, and is not ok."""
        report = run(cooking("0010"), PLAN, 31)
        assert not report.ok
        assert report.receipts is not None
        assert report.receipts.missing == 100
        assert report.receipts.latency_ms is None

    def test_refusals_are_counted_by_status(
        self, cooking: Callable[[str], Carrier]
    ) -> None:
        """What was refused was not lost, but the run is not ok."""
        report = run(cooking("0008"), PLAN)
        assert not report.ok
        assert report.errors == {"0x0B": 100}
        assert (report.accepted, report.rate, report.response_ms) == (0, 0.0, None)

    def test_what_is_never_answered_is_given_up(
        self, cooking: Callable[[str], Carrier]
    ) -> None:
        """After response_s each counts as unanswered, and the run ends."""
        plan = SmppPlan("sandbox", "sandbox", binds=1, count=5, response_s=5)
        report = run(cooking("0009"), plan, 10)
        assert not report.ok
        assert report.unanswered == 5

    def test_an_id_given_twice_is_told(self, carrier: Carrier) -> None:
        """Two messages under one id are one message lost."""
        carrier.smsc._next_id = lambda: b"same"
        report = run(carrier, SmppPlan("sandbox", "sandbox", count=3), 31)
        assert not report.ok
        assert report.duplicate_ids == 2

    def test_a_receipt_of_nobodys_message_is_told(self, carrier: Carrier) -> None:
        """An id that no response named is unknown."""
        carrier.smsc._keep(
            encode_sm(esm_class=4, short_message=b"id:stranger stat:DELIVRD err:000")
        )
        report = run(carrier, PLAN, 31)
        assert not report.ok
        assert report.receipts is not None
        assert report.receipts.unknown == 1

    def test_other_deliveries_are_answered_and_ignored(self, carrier: Carrier) -> None:
        """A message from a phone, and an intermediate report, are no receipts."""
        carrier.smsc._keep(encode_sm(short_message=b"hello from a phone"))
        carrier.smsc._keep(
            encode_sm(esm_class=0x20, short_message=b"id:1 stat:ENROUTE err:000")
        )
        report = run(carrier, PLAN)
        assert report.ok
        assert report.receipts is not None
        assert report.receipts.received == 100

    def test_a_lost_connection_is_told(self, carrier: Carrier) -> None:
        """The rest goes over the others; what was unanswered is counted."""
        carrier.smsc._recipes = Always("0006")
        load = SmppLoad(carrier.clock, carrier.network, PLAN)
        done = ensureDeferred(load.run())
        carrier.network.run()
        carrier.network.cut(0)
        carrier.network.run(30)
        report: Report = result_of(done)
        assert not report.ok
        assert (report.lost_connections, report.unanswered) == (1, 10)
        assert report.accepted == 90

    def test_without_any_connection_it_ends(self, carrier: Carrier) -> None:
        """Nothing more can come: the run says so at once."""
        carrier.smsc._recipes = Always("0009")
        load = SmppLoad(carrier.clock, carrier.network, PLAN)
        done = ensureDeferred(load.run())
        carrier.network.run()
        carrier.network.cut(0)
        carrier.network.cut(0)
        report: Report = result_of(done)
        assert not report.ok
        assert (report.sent, report.unanswered) == (20, 20)


class TestBinding:
    def test_a_refused_bind_is_one_sentence(self, carrier: Carrier) -> None:
        """The run does not begin, and no connection is left."""
        load = SmppLoad(carrier.clock, carrier.network, SmppPlan("sandbox", "wrong"))
        with pytest.raises(LoadError, match="the bind was refused with 0x0E"):
            finished(load.run(), carrier.network, 10)
        assert carrier.smsc.sessions == set()

    def test_nobody_listens(self, clock: Clock) -> None:
        """A refused connection is said in the same way."""
        network = Network(clock, None)
        load = SmppLoad(clock, network, PLAN)
        with pytest.raises(LoadError, match="cannot bind: Connection was refused"):
            finished(load.run(), network)

    def test_a_server_that_says_nothing(self, carrier: Carrier) -> None:
        """After its limit the run gives up."""
        load = SmppLoad(carrier.clock, carrier.network, PLAN)
        done = ensureDeferred(load.run())
        for pump in carrier.network.pumps:
            pump.server.dataReceived = lambda _data: None
        carrier.network.run(30)
        with pytest.raises(LoadError):
            result_of(done)


class TestPace:
    def test_closed_loop_fills_the_windows(self, carrier: Carrier) -> None:
        """As many are unanswered as the windows let, no more."""
        carrier.smsc._recipes = Always("0009")
        load = SmppLoad(carrier.clock, carrier.network, PLAN)
        running = ensureDeferred(load.run())
        carrier.network.run()
        assert carrier.smsc.counts.submitted == 2 * 10
        assert not running.called

    def test_open_loop_keeps_to_its_rate(self, carrier: Carrier) -> None:
        """What is due is sent, and never more, however fast the answers come."""
        plan = SmppPlan("sandbox", "sandbox", binds=2, count=100, rate=50)
        load = SmppLoad(carrier.clock, carrier.network, plan)
        done = ensureDeferred(load.run())
        for second in range(1, 3):
            carrier.network.run(1.0, 0.005)
            assert abs(carrier.smsc.counts.submitted - 50 * second) <= 1
        carrier.network.run(0.1, 0.005)
        report = result_of(done)
        assert report.ok
        assert report.rate == pytest.approx(50, rel=0.02)


class TestBody:
    @given(
        number=st.integers(0, 999_999_999),
        recipient=st.integers(0, 9_999_999),
        text=st.sampled_from(
            ["Hello {n}", "100 % {n}", "{n} and {n}", "", "x" * 254, "y" * 255 + "{n}"]
        ),
        source=st.sampled_from(["LuckCreators", "233200000000", "50%"]),
    )
    def test_it_is_what_encoding_gives(
        self, number: int, recipient: int, text: str, source: str
    ) -> None:
        """The template is a short cut, not another codec."""
        plan = SmppPlan("", "", text=text, source=source)
        body = body_maker(plan)(number, recipient)
        said = text.replace("{n}", f"{number:09d}").encode()
        is_long = len(said) > 254
        assert body == encode_sm(
            source_addr_ton=1 if source.isdigit() else 5,
            source_addr_npi=1 if source.isdigit() else 0,
            source_addr=source.encode(),
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=f"23350{recipient:07d}".encode(),
            registered_delivery=1,
            short_message=b"" if is_long else said,
            tlvs={Tag.MESSAGE_PAYLOAD: said} if is_long else None,
        )
        assert decode_sm(body, Command.SUBMIT_SM).payload == said

    @given(st.floats(0, 1, exclude_max=True))
    def test_recipients_call_for_no_recipe(self, drawn: float) -> None:
        """Seven digits, and the last four are none of the sandbox's."""
        recipient = recipient_source(lambda: drawn)()
        assert 0 <= recipient <= 9_999_999
        assert recipient % 10_000 >= 1000


class TestLatencies:
    def test_quantiles(self) -> None:
        """The smallest value that at least so many per cent do not exceed."""
        latencies = Latencies(n / 1000 for n in range(100, 0, -1))
        assert latencies.quantiles_ms() == {
            "p50": 50.0,
            "p95": 95.0,
            "p99": 99.0,
            "max": 100.0,
        }
        assert len(latencies) == 100

    @given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
    def test_they_are_measured_values_in_order(self, seconds: list[float]) -> None:
        """Never an interpolation, and never one above a later one."""
        quantiles = Latencies(seconds).quantiles_ms()
        assert quantiles is not None
        found = list(quantiles.values())
        assert found == sorted(found)
        assert set(found) <= {round(s * 1000, 3) for s in seconds}
        assert found[-1] == round(max(seconds) * 1000, 3)

    def test_nothing_measured(self) -> None:
        """No figure is made up."""
        assert Latencies().quantiles_ms() is None
