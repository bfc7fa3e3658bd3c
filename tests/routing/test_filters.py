"""What a route may ask of a message, and how it is told."""

import datetime as dt
from array import array
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.lists import NumberList, PatternList, PortedNumbers, WordList
from luckgw.config.routes import Match, Route
from luckgw.pipeline.contents import TextContent
from luckgw.routing.explain import explain
from luckgw.routing.facts import Facts, Unanswered
from luckgw.routing.table import RouteTable

FILE = Path("lists/some.txt")
NUMBERS = NumberList(FILE, array("Q", [233241234567]), frozenset({"23326"}))
PORTED = PortedNumbers(FILE, array("Q", [233241234567]), array("H", [0]), ("voda",))
CHRISTMAS_EVE = dt.datetime(2026, 12, 24, 18, 30, tzinfo=dt.UTC)
TEXT = "Win 500 now: it's FREE! Big  SALE, $$$"
FACTS = Facts(
    "acme",
    "Acme",
    "233241234567",
    "retail",
    frozenset({"promo", "night"}),
    int(CHRISTMAS_EVE.timestamp() * 1000),
    TextContent(TEXT),
)


def told(match: Match, facts: Facts = FACTS) -> tuple[bool, str]:
    """What a route with this match says; the table decides the same."""
    table = RouteTable([Route("r", ("mtn",), match)], {"mtn"}, PORTED)
    ((_, matched, reason),) = explain(table, facts)
    assert (table.decide(facts) is not None) is matched
    return matched, reason


@pytest.mark.parametrize(
    ("match", "matched", "reason"),
    [
        (Match(destination=("233241234567",)), True, "is one of its destinations"),
        (Match(destination=("re:23324[0-9]*7",)), True, "matches 23324[0-9]*7"),
        (Match(destination=("re:23324",)), False, "is none of its destinations"),
        (Match(destination_list=NUMBERS), True, "233241234567 is in some.txt"),
        (
            Match(sender_list=PatternList(FILE, ("Acme",))),
            True,
            "sender 'Acme' is one of its senders",
        ),
        (
            Match(sender_list=PatternList(FILE, ("re:B.*",))),
            False,
            "sender 'Acme' is none of its senders",
        ),
        (Match(group=("retail",)), True, "group retail of acme is one of its groups"),
        (
            Match(group=("bank",)),
            False,
            "group retail of acme is not one of its groups",
        ),
        (Match(tag=("x", "promo")), True, "tag promo is one of its tags"),
        (Match(tag=("x",)), False, "the message has none of its tags"),
        (Match(network=("voda",)), True, "network voda of 233241234567 is one of"),
        (Match(network=("mtn",)), False, "network voda of 233241234567 is not one"),
        (Match(content=("free",)), True, "the text holds 'free'"),
        (Match(content=("big sale",)), True, "the text holds 'big sale'"),
        (Match(content=("big",)), True, "the text holds 'big'"),
        (Match(content=("ig sale",)), False, "the text holds none of its words"),
        (Match(content=("fre",)), False, "the text holds none of its words"),
        (Match(content=("$$$",)), True, "the text holds"),
        (Match(content=("re:Win [0-9]+",)), True, "the text holds 'Win [0-9]+'"),
        (Match(content=("re:win",)), False, "the text holds none of its words"),
        (
            Match(content_list=WordList(FILE, ("lottery", "now"))),
            True,
            "the text holds 'now'",
        ),
        (Match(encoding=("gsm7",)), True, "encoding gsm7 is one of its encodings"),
        (Match(encoding=("ucs2",)), False, "encoding gsm7 is not one of"),
        (Match(segments=("2+", "1")), True, "1 segments is one of its counts"),
        (Match(segments=("2-3",)), False, "1 segments is not one of its counts"),
    ],
)
def test_conditions(match: Match, matched: bool, reason: str) -> None:
    """Each holds or not, and says why."""
    holds, why = told(match)
    assert holds is matched
    assert reason in why


@pytest.mark.parametrize(
    ("match", "facts", "reason"),
    [
        (
            Match(destination_list=NUMBERS),
            Facts("a", "b", "233261234567"),
            "destination 233261234567 is in some.txt, as 23326*",
        ),
    ],
)
def test_more_reasons(match: Match, facts: Facts, reason: str) -> None:
    """Of other messages."""
    assert told(match, facts) == (True, reason)


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        (Match(destination_list=NUMBERS), "destination 49 is not in some.txt"),
        (Match(group=("retail",)), "account a is in no group"),
        (Match(network=("voda",)), "destination 49 is not known as ported"),
        (Match(content=("free",)), "there is no text to look at"),
        (Match(content=("re:free",)), "there is no text to look at"),
        (Match(encoding=("gsm7",)), "there is no text to look at"),
        (Match(segments=("1",)), "there is no text to look at"),
    ],
)
def test_what_a_message_does_not_have(match: Match, reason: str) -> None:
    """Holds nowhere."""
    assert told(match, Facts("a", "b", "49")) == (False, reason)


def test_without_a_file_no_number_is_ported() -> None:
    """The condition never holds."""
    table = RouteTable([Route("r", ("mtn",), Match(network=("voda",)))], {"mtn"})
    assert table.decide(FACTS) is None


@pytest.mark.parametrize(
    ("match", "matched", "reason"),
    [
        (Match(time=("18:00-19:00",)), True, "it is thu 2026-12-24 18:30 UTC"),
        (Match(time=("18:31-19:00",)), False, "which is none of its time"),
        (Match(time=("17:00-18:30",)), False, "which is none of its time"),
        (Match(time=("22:00-18:31",)), True, "18:30"),
        (Match(days=("mon-wed", "fri")), False, "which is none of its days"),
        (Match(days=("thu",), dates=("2026-12-24",)), True, "thu"),
        (Match(dates=("2026-12-25..2026-12-31",)), False, "none of its dates"),
        (
            Match(dates=("2026-12-25",), time=("00:30-02:00",), time_zone="Asia/Tokyo"),
            False,
            "it is fri 2026-12-25 03:30 Asia/Tokyo, which is none of its time",
        ),
        (Match(days=("fri",), time_zone="Asia/Tokyo"), True, "fri 2026-12-25 03:30"),
    ],
)
def test_times(match: Match, matched: bool, reason: str) -> None:
    """On the clock of the route."""
    holds, why = told(match)
    assert holds is matched
    assert reason in why


def test_a_clock_that_is_put_back_is_followed() -> None:
    """02:30 comes twice in Berlin on the last Sunday of October; both count."""
    match = Match(time=("02:00-03:00",), time_zone="Europe/Berlin")
    table = RouteTable([Route("r", ("mtn",), match)], {"mtn"})
    start = int(dt.datetime(2026, 10, 24, 23, 30, tzinfo=dt.UTC).timestamp())
    halves = [
        table.decide(Facts("a", "b", "49", now_ms=(start + 1800 * n) * 1000))
        is not None
        for n in range(8)
    ]
    assert halves == [False, True, True, True, True, False, False, False]


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_time_is_remembered_by_the_minute_only(minutes: list[int]) -> None:
    """Whatever was asked before, the answer is the one of a table that is new."""
    match = Match(time=("08:00-20:00",), days=("mon-fri",))
    routes = [Route("r", ("mtn",), match)]
    old = RouteTable(routes, {"mtn"})
    for minute in minutes:
        facts = Facts("a", "b", "49", now_ms=minute * 60_000 + 59_999)
        fresh = RouteTable(routes, {"mtn"})
        assert (old.decide(facts) is None) is (fresh.decide(facts) is None)


class TestUnless:
    """Exceptions."""

    MATCH = Match(prefix=("233",))

    def table(self, unless: Match) -> RouteTable:
        """One route with an exception."""
        route = Route("r", ("mtn",), self.MATCH, unless=unless)
        return RouteTable([route], {"mtn"})

    def test_all_of_it_has_to_hold(self) -> None:
        """Then the route is not for the message."""
        table = self.table(Match(account=("acme",), sender=("Acme",)))
        assert table.decide(FACTS) is None
        ((_, matched, reason),) = explain(table, FACTS)
        assert not matched
        assert reason == (
            "its exception applies: account acme is one of its accounts;"
            " sender 'Acme' is one of its senders"
        )

    def test_part_of_it_is_none(self) -> None:
        """The route counts."""
        table = self.table(Match(account=("acme",), sender=("Bcme",)))
        assert table.decide(FACTS) is not None
        ((_, matched, reason),) = explain(table, FACTS)
        assert matched
        assert reason.endswith(
            "its exception does not apply: sender 'Acme' is none of its senders"
        )

    def test_what_it_looks_at_is_known(self) -> None:
        """Time and content are fetched for it, too."""
        table = self.table(Match(time=("00:00-24:00",), content=("free",)))
        assert (table.looks_at_time, table.looks_at_content) == (True, True)
        assert table.decide(FACTS) is None


class TestHooks:
    """Functions that have to be asked before a route is judged."""

    TABLE = RouteTable(
        [Route("r", ("mtn",), Match(prefix=("233",), hook=("one", "two")))], {"mtn"}
    )

    def facts(self, **answers: bool) -> Facts:
        """A message, and what hooks have said of it."""
        return Facts("a", "b", "233", answers=answers)

    def test_one_after_the_other(self) -> None:
        """Until one says yes."""
        for answers, asked in (({}, "one"), ({"one": False}, "two")):
            with pytest.raises(Unanswered) as caught:
                self.TABLE.decide(self.facts(**answers))
            assert caught.value.hook == asked
        with pytest.raises(Unanswered):
            self.TABLE.decide(Facts("a", "b", "233"))
        assert self.TABLE.decide(self.facts(one=True)) is not None
        assert self.TABLE.decide(self.facts(one=False, two=True)) is not None
        assert self.TABLE.decide(self.facts(one=False, two=False)) is None

    def test_not_before_cheaper_conditions(self) -> None:
        """A message to another prefix costs no question."""
        assert self.TABLE.decide(Facts("a", "b", "44")) is None

    def test_what_they_say_is_told(self) -> None:
        """Which of them said yes."""
        ((_, matched, reason),) = explain(self.TABLE, self.facts(one=False, two=True))
        assert (matched, reason.endswith("hook two says yes")) == (True, True)
        ((_, _, reason),) = explain(self.TABLE, self.facts(one=False, two=False))
        assert reason == "hook one, two says no"


def test_what_no_route_looks_at_is_not_fetched() -> None:
    """So it costs nothing."""
    table = RouteTable([Route("r", ("mtn",), Match(prefix=("1",)))], {"mtn"})
    assert (table.looks_at_time, table.looks_at_content) == (False, False)
    for match in (
        Match(content=("x",)),
        Match(content_list=WordList(FILE, ("x",))),
        Match(encoding=("gsm7",)),
        Match(segments=("1",)),
    ):
        assert RouteTable([Route("r", ("mtn",), match)], {"mtn"}).looks_at_content


def test_content_is_not_asked_before_cheaper_conditions() -> None:
    """A message to another prefix is not read."""

    @attrs.define
    class Secret:
        def text(self) -> str | None:
            """Must not be called."""
            raise AssertionError

        def encoding(self) -> str:
            """Nor this."""
            raise AssertionError

        def segments(self) -> int:
            """Nor this."""
            raise AssertionError

    match = Match(
        prefix=("44",), content=("free",), encoding=("gsm7",), segments=("1",)
    )
    table = RouteTable([Route("r", ("mtn",), match)], {"mtn"})
    assert table.decide(Facts("a", "b", "233", content=Secret())) is None
