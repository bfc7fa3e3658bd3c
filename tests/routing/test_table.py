"""The first route that matches decides, and the explanation says the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.routes import STRATEGIES, Match, Route
from luckgw.routing.explain import Told, explain
from luckgw.routing.facts import Facts
from luckgw.routing.failover import Failover
from luckgw.routing.static import Static
from luckgw.routing.strategies import ROUTE_TYPES
from luckgw.routing.table import Decision, RouteTable

UPSTREAMS = {"mtn", "airtel", "backup", "sandbox"}
GHANA = Route(
    name="ghana-mtn",
    match=Match(prefix=("23324", "23354", "2335412")),
    to=("mtn", "backup"),
    strategy="failover",
)
ACME = Route(
    name="acme",
    match=Match(account=("acme",), sender=("Acme", "re:A[0-9]+"), prefix=("44",)),
    to=("airtel",),
)
DEFAULT = Route(name="default", to=("sandbox",))
TABLE = RouteTable((GHANA, ACME, DEFAULT), UPSTREAMS)


@pytest.mark.parametrize(
    ("account", "source", "destination", "route"),
    [
        ("x", "X", "233241234567", "ghana-mtn"),
        ("x", "X", "233541234567", "ghana-mtn"),
        ("x", "X", "233551234567", "default"),
        ("acme", "Acme", "233241234567", "ghana-mtn"),
        ("acme", "Acme", "447700900123", "acme"),
        ("acme", "A1", "447700900123", "acme"),
        ("acme", "A1x", "447700900123", "default"),
        ("acme", "xA1", "447700900123", "default"),
        ("acme", "acme", "447700900123", "default"),
        ("acme2", "Acme", "447700900123", "default"),
        ("acme", "Acme", "457700900123", "default"),
        ("acme", "Acme", "2332", "default"),
    ],
)
def test_the_first_rule_that_matches_decides(
    account: str, source: str, destination: str, route: str
) -> None:
    """All conditions of a rule have to hold; of each any one of its list."""
    decision = TABLE.decide(Facts(account, source, destination))
    assert decision is not None
    assert decision.route_name == route


def test_a_decision_says_where_and_how() -> None:
    """The route's upstreams in its order, and its strategy."""
    facts = Facts("x", "X", "233241234567")
    expected = Decision("ghana-mtn", ("mtn", "backup"), Failover())
    assert TABLE.decide(facts) == expected
    assert TABLE.decide(Facts("x", "X", "1")) == Decision(
        "default", ("sandbox",), Static()
    )


def test_without_a_rule_there_is_no_decision() -> None:
    """The message is refused then: no route."""
    assert RouteTable((GHANA,), UPSTREAMS).decide(Facts("x", "X", "44")) is None
    assert RouteTable((), UPSTREAMS).decide(Facts("x", "X", "44")) is None


def test_a_route_to_nowhere_is_refused() -> None:
    """A table can not be built that loses messages."""
    with pytest.raises(ValueError, match="ghana-mtn leads to backup"):
        RouteTable((GHANA,), {"mtn"})


def test_every_configurable_strategy_exists() -> None:
    """The words of the configuration are those of the registry."""
    assert set(ROUTE_TYPES) == set(STRATEGIES)


class TestExplain:
    def test_tells_every_rule(self) -> None:
        """The first condition that failed, or what held and which prefix did."""
        assert explain(TABLE, Facts("acme", "A7", "447700900123")) == [
            Told(
                "ghana-mtn",
                False,
                "destination 447700900123 begins with none of its prefixes",
            ),
            Told(
                "acme",
                True,
                "account acme is one of its accounts; "
                "destination 447700900123 begins with 44; "
                "sender 'A7' matches A[0-9]+",
            ),
            Told("default", True, "it has no conditions; but acme comes before it"),
        ]

    @pytest.mark.parametrize(
        ("facts", "matched", "reason"),
        [
            (Facts("b", "Acme", "44"), False, "account b is not one of its accounts"),
            (
                Facts("acme", "Bcme", "44"),
                False,
                "sender 'Bcme' is none of its senders",
            ),
            (Facts("acme", "Acme", "44"), True, "sender 'Acme' is one of its senders"),
        ],
    )
    def test_reasons(self, facts: Facts, matched: bool, reason: str) -> None:
        """In an operator's words."""
        told = explain(TABLE, facts)[1]
        assert told.matched is matched
        assert told.reason.endswith(reason)

    def test_the_longest_prefix_is_told(self) -> None:
        """Of several that fit."""
        told = explain(TABLE, Facts("a", "b", "233541234567"))[0]
        assert told.reason == "destination 233541234567 begins with 2335412"


DIGITS = st.text("0123", max_size=5)
ROUTES = st.lists(
    st.builds(
        Match,
        prefix=st.lists(st.text("123", min_size=1, max_size=4), max_size=4).map(tuple),
        account=st.lists(st.sampled_from("ab"), max_size=1).map(tuple),
        sender=st.lists(st.sampled_from(["X", "re:Y+"]), max_size=2).map(tuple),
    ),
    max_size=5,
)


@given(ROUTES, st.sampled_from("ab"), st.sampled_from(["X", "Y", "YY", "Z"]), DIGITS)
def test_agrees_with_its_meaning(
    matches: list[Match], account: str, source: str, destination: str
) -> None:
    """The compiled table decides what the plain reading of the routes does.

    And ``explain`` tells the same rule as the first that matched.
    """
    table = RouteTable(
        [Route(name=f"r{n}", match=m, to=("mtn",)) for n, m in enumerate(matches)],
        UPSTREAMS,
    )
    facts = Facts(account, source, destination)
    expected = None
    for number, match in enumerate(matches):
        senders = {"X": ["X"], "re:Y+": ["Y", "YY"]}
        if (
            (not match.account or account in match.account)
            and (not match.prefix or destination.startswith(match.prefix))
            and (not match.sender or any(source in senders[s] for s in match.sender))
        ):
            expected = f"r{number}"
            break
    decision = table.decide(facts)
    assert (decision and decision.route_name) == expected
    told = [rule.route_name for rule in explain(table, facts) if rule.matched]
    assert (told[0] if told else None) == expected
