"""Why this route? The router's own rules, told for one message."""

from typing import NamedTuple

from luckgw.routing.facts import Facts
from luckgw.routing.table import Decision, RouteTable, Rule


class Told(NamedTuple):
    """What one rule says about a message."""

    route_name: str
    matched: bool
    """Whether all its conditions hold. The first rule that matched decides."""
    reason: str
    """The conditions that hold, or the first that does not."""


def explain(table: RouteTable, facts: Facts) -> list[Told]:
    """Every rule in order, with what it says."""
    told: list[Told] = []
    winner: str | None = None
    for rule in table.rules:
        matched, reason = _tell(rule, facts)
        if matched and winner is not None:
            reason += f"; but {winner} comes before it"
        elif matched:
            winner = rule.name
        told.append(Told(rule.name, matched, reason))
    return told


def _tell(rule: Rule, facts: Facts) -> tuple[bool, str]:
    for condition in rule.filters:
        if not condition.matches(facts):
            return False, condition.tell(facts)
    reasons = [condition.tell(facts) for condition in rule.filters]
    if not isinstance(rule.target, Decision):
        prefix = rule.target.longest(facts.destination)
        if prefix is None:
            number = facts.destination
            return False, f"destination {number} begins with none of its prefixes"
        reasons.append(f"destination {facts.destination} begins with {prefix or '*'}")
    return True, "; ".join(reasons) or "it has no conditions"
