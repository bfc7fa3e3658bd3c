"""Whose a message from a phone is, and how the account gets it."""

import pytest

from luckgw.config.model import Account, MoMatch, MoRoute
from luckgw.config.secret import Secret
from luckgw.routing.phones import MoDecision, MoFacts, MoRouteTable

ACCOUNTS = {
    "acme": Account("acme", webhook="https://acme.example/hook"),
    "bank": Account("bank", password=Secret("x")),
    "plain": Account("plain"),
}
FACTS = MoFacts("mtn", "233501234567", "4040", "Vote")


def decide(facts: MoFacts, *routes: MoRoute) -> str | None:
    """The name of the route that decides."""
    decision = MoRouteTable(routes, ACCOUNTS).decide(facts)
    return None if decision is None else decision.route


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        (MoMatch(), True),
        (MoMatch(number=("4040",)), True),
        (MoMatch(number=("404",)), False),
        (MoMatch(number=("404*",)), True),
        (MoMatch(number=("5*", "*")), True),
        (MoMatch(keyword=("VOTE",)), True),
        (MoMatch(keyword=("vot",)), False),
        (MoMatch(upstream=("voda", "mtn")), True),
        (MoMatch(upstream=("voda",)), False),
        (MoMatch(sender=("23350*",)), True),
        (MoMatch(sender=("233501234568",)), False),
        (MoMatch(number=("4040",), keyword=("quiz",)), False),
    ],
)
def test_conditions(match: MoMatch, holds: bool) -> None:
    """All that are given have to hold, of each one of its list."""
    assert (decide(FACTS, MoRoute("r", "acme", match)) == "r") is holds


def test_the_first_that_matches_decides() -> None:
    """In the order of the files; None when none does."""
    first = MoRoute("votes", "acme", MoMatch(keyword=("vote",)))
    rest = MoRoute("rest", "bank")
    assert decide(FACTS, first, rest) == "votes"
    assert decide(MoFacts("mtn", "1", "4040", ""), first, rest) == "rest"
    assert decide(MoFacts("mtn", "1", "4040", ""), first) is None


@pytest.mark.parametrize(
    ("account", "to", "session", "webhook"),
    [
        ("acme", (), False, True),
        ("bank", (), True, False),
        ("plain", (), False, False),
        ("bank", ("inbox",), False, False),
        ("acme", ("session", "webhook"), True, True),
    ],
)
def test_how_the_account_gets_it(
    account: str, to: tuple[str, ...], session: bool, webhook: bool
) -> None:
    """As the route says; else by the webhook if there is one, else by sessions."""
    table = MoRouteTable([MoRoute("r", account, to=to)], ACCOUNTS)
    assert table.decide(FACTS) == MoDecision("r", account, session, webhook)
    assert table.accounts == {account}
