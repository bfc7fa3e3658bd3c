"""Where routes lead: tables of prefixes, refusals, prices, and another try."""

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.lists import PrefixRoutes, PriceList
from luckgw.config.routes import Match, Route
from luckgw.domain.status import Status
from luckgw.routing.explain import explain
from luckgw.routing.facts import Facts
from luckgw.routing.table import Decision, RouteTable, pick

FILE = Path("lists/world.csv")
UPSTREAMS = ("a", "b", "c")


def prefixes(**ways: str) -> PrefixRoutes:
    """``n44="ab"``: 44 goes to a, then b; ``n=``: every number."""
    rows = {name.removeprefix("n"): tuple(way) for name, way in ways.items()}
    return PrefixRoutes(FILE, rows, {})


def decided(table: RouteTable, destination: str) -> tuple[str, tuple[str, ...]] | None:
    """The route's name and candidates."""
    decision = table.decide(Facts("acme", "Acme", destination))
    return None if decision is None else (decision.route_name, decision.candidates)


class TestPrefixFiles:
    ROUTE = Route(
        "world",
        match=Match(account=("acme",)),
        prefixes=prefixes(n44="ab", n4420="c", n233="ab"),
        strategy="failover",
    )

    def test_the_longest_prefix_counts(self) -> None:
        """Each row has upstreams of its own."""
        table = RouteTable([self.ROUTE], UPSTREAMS)
        assert decided(table, "447700900123") == ("world", ("a", "b"))
        assert decided(table, "442079460000") == ("world", ("c",))

    def test_other_numbers_go_on(self) -> None:
        """To the next route."""
        table = RouteTable([self.ROUTE, Route("rest", ("c",))], UPSTREAMS)
        assert decided(table, "491701234567") == ("rest", ("c",))
        told = explain(table, Facts("acme", "Acme", "491701234567"))[0]
        assert told.reason == (
            "destination 491701234567 begins with none of its prefixes"
        )

    def test_every_number(self) -> None:
        """Of a row with the prefix ``*``."""
        table = RouteTable([Route("world", prefixes=prefixes(n="a"))], UPSTREAMS)
        assert decided(table, "491701234567") == ("world", ("a",))
        told = explain(table, Facts("acme", "Acme", "49170"))[0]
        assert told.reason == "destination 49170 begins with *"

    def test_conditions_hold_as_well(self) -> None:
        """Of the route that has the file."""
        table = RouteTable([self.ROUTE], UPSTREAMS)
        assert table.decide(Facts("other", "Acme", "447700900123")) is None


MATCHES = st.builds(
    Match,
    prefix=st.lists(st.text("123", min_size=1, max_size=4), max_size=3).map(tuple),
    account=st.lists(st.sampled_from("ab"), max_size=1).map(tuple),
)
ROWS = st.dictionaries(
    st.text("123", max_size=3), st.sampled_from([("a",), ("b", "c")]), min_size=1
)


@st.composite
def routes(draw: st.DrawFn) -> list[Route]:
    """Many of prefixes alone, some with accounts, exceptions and files."""
    found = []
    for number in range(draw(st.integers(0, 8))):
        has_file = draw(st.integers(0, 3)) == 0
        unless = draw(MATCHES) if draw(st.integers(0, 4)) == 0 else Match()
        found.append(
            Route(
                f"r{number}",
                () if has_file else ("a",),
                draw(MATCHES),
                "failover",
                unless,
                PrefixRoutes(FILE, draw(ROWS), {}) if has_file else None,
            )
        )
    return found


@given(routes(), st.sampled_from("ab"), st.text("123", max_size=6))
def test_neighbours_made_one_change_nothing(
    given_routes: list[Route], account: str, destination: str
) -> None:
    """The table decides what trying one route after the other does."""
    table = RouteTable(given_routes, UPSTREAMS)
    facts = Facts(account, "X", destination)
    expected = None
    for rule in table.rules:
        if all(one.matches(facts) for one in rule.filters):
            expected = rule.decision_for(destination)
            if expected is not None:
                break
    assert table.decide(facts) is expected


@pytest.mark.parametrize(
    ("fault", "status", "http"),
    [
        ("destination", Status.ESME_RINVDSTADR, 400),
        ("sender", Status.ESME_RINVSRCADR, 400),
        ("content", Status.ESME_RSUBMITFAIL, 400),
        ("account", Status.ESME_RBINDFAIL, 403),
        ("later", Status.ESME_RTHROTTLED, 429),
    ],
)
def test_a_route_that_refuses(fault: str, status: Status, http: int) -> None:
    """Says whose fault it is, in both languages."""
    route = Route("no", match=Match(prefix=("44",)), refuse=fault)
    decision = RouteTable([route], ()).decide(Facts("a", "b", "4477"))
    assert decision is not None
    assert decision.refusal is not None
    assert decision.refusal.detail == "route no refuses it"
    assert (decision.refusal.command_status, decision.refusal.http_status) == (
        status,
        http,
    )


def test_prices() -> None:
    """By a fixed price, by a list, or not at all."""
    by_list = PriceList(FILE, {"233": 20_000, "23324": 10_000})
    cases: list[tuple[Route, int | None]] = [
        (Route("r", ("a",), price="0.012"), 12_000),
        (Route("r", ("a",), prices=by_list), 10_000),
        (Route("r", ("a",)), None),
    ]
    for route, price in cases:
        decision = RouteTable([route], UPSTREAMS).decide(Facts("a", "b", "233241"))
        assert decision is not None
        found = None if decision.prices is None else decision.prices.get("233241")
        assert found == price


def test_costs_are_those_of_the_upstreams() -> None:
    """By their configuration; one without a list has no price."""

    @attrs.frozen
    class Carrier:
        costs: PriceList | None

    carriers = {
        "a": Carrier(PriceList(FILE, {"44": 3})),
        "b": Carrier(PriceList(FILE, {"44": 2})),
        "c": Carrier(None),
    }
    table = RouteTable([Route("r", ("a", "b"), strategy="least_cost")], carriers)
    facts = Facts("a", "b", "4477")
    decision = table.decide(facts)
    assert decision is not None
    assert pick(decision, facts, lambda _: True, lambda _: False) == "b"


class TestPick:
    """Which upstream to queue for."""

    FACTS = Facts("a", "b", "233")

    def decision(self) -> Decision:
        """To a, then b."""
        route = Route("r", ("a", "b"), strategy="failover")
        decision = RouteTable([route], UPSTREAMS).decide(self.FACTS)
        assert decision is not None
        return decision

    @pytest.mark.parametrize(
        ("up", "waits", "chosen"),
        [
            ("ab", "", "a"),
            ("b", "ab", "b"),
            ("", "b", "b"),
            ("", "ab", "a"),
            ("", "", None),
        ],
    )
    def test_up_or_patient(self, up: str, waits: str, chosen: str | None) -> None:
        """The first that is up, else the first that messages may wait for."""
        found = pick(self.decision(), self.FACTS, up.__contains__, waits.__contains__)
        assert found == chosen


class TestAnotherTry:
    """A message that a carrier has refused or not answered."""

    TABLE = RouteTable(
        [
            Route("r", ("a", "b", "c"), strategy="failover"),
            Route("no", refuse="content"),
            Route("world", prefixes=prefixes(n44="ab"), strategy="failover"),
        ],
        UPSTREAMS,
    )

    @pytest.mark.parametrize(
        ("route", "tried", "up", "chosen"),
        [
            ("r", "a", "abc", "b"),
            ("r", "a", "ac", "c"),
            ("r", "ab", "abc", "c"),
            ("r", "a", "a", None),
            ("r", "abc", "abc", None),
            ("no", "", "abc", None),
            ("gone", "a", "abc", None),
            ("world", "a", "abc", "b"),
        ],
    )
    def test_the_next_that_is_up(
        self, route: str, tried: str, up: str, chosen: str | None
    ) -> None:
        """Of the same route, and never one that was tried."""
        facts = Facts("acme", "Acme", "447700900123")
        found = self.TABLE.next_upstream(route, facts, up.__contains__, tuple(tried))
        assert found == chosen
