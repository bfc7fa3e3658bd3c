"""Where messages go: ``[[routes]]`` and ``[routing]``.

As in ``luckgw.config.model``, the docstring under a field says what the key means.
"""

import attrs
from attrs import field

from luckgw.config import expressions, hours, rules
from luckgw.config.lines import KeyPath
from luckgw.config.lists import (
    NumberList,
    PatternList,
    PortedNumbers,
    PrefixRoutes,
    PriceList,
    WordList,
)
from luckgw.config.outgoing import Rewrite
from luckgw.config.rules import Invalid, accepted_by, each, must, optional
from luckgw.domain.money import parse_amount

STRATEGIES = (
    "static",
    "failover",
    "round_robin",
    "weighted",
    "split",
    "sticky",
    "least_cost",
)
REFUSALS = ("destination", "sender", "content", "account", "later")
ENCODINGS = ("gsm7", "ucs2", "latin1", "ascii", "binary")
MOST_APPENDED = 160
"""Characters that a route may append."""

_WITH_WEIGHTS = ("weighted", "split")
_HUNDRED = 100


@attrs.frozen
class Match:
    """``match`` of a route: all that is given has to hold, of each one of its list.

    ``unless`` of a route has the same keys.
    """

    prefix: tuple[str, ...] = field(default=(), validator=each(rules.number_prefix))
    """First digits of the destination, in international format."""
    account: tuple[str, ...] = field(default=(), validator=each(rules.name))
    """Names of accounts."""
    sender: tuple[str, ...] = field(default=(), validator=each(rules.pattern))
    """Sender IDs, exact or ``re:`` and an expression that matches the whole."""
    destination: tuple[str, ...] = field(default=(), validator=each(rules.pattern))
    """Whole destinations, exact or ``re:`` and an expression for all their digits."""
    destination_list: NumberList | None = None
    """A file of destinations, one a line: numbers, or prefixes with ``*`` behind."""
    sender_list: PatternList | None = None
    """A file of sender IDs, one a line, in the form of ``sender``."""
    group: tuple[str, ...] = field(default=(), validator=each(rules.name))
    """Groups of accounts (``group`` of an account)."""
    tag: tuple[str, ...] = field(default=(), validator=each(rules.name))
    """Tags that the caller gave the message; one of them is enough."""
    network: tuple[str, ...] = field(default=(), validator=each(rules.name))
    """Networks that the number was ported to (``portability`` of ``[routing]``)."""
    content: tuple[str, ...] = field(
        default=(), validator=each(accepted_by(expressions.check_content))
    )
    """Words or phrases in the text, whatever their letter case, or ``re:`` and an
    expression that is found in its first 1,600 characters."""
    content_list: WordList | None = None
    """A file of such words, phrases and expressions, one a line."""
    hook: tuple[str, ...] = field(default=(), validator=each(rules.name))
    """Hooks (``[hooks.NAME]``), of which one says yes. Asked last of all conditions."""
    encoding: tuple[str, ...] = field(
        default=(), validator=each(rules.one_of(*ENCODINGS))
    )
    """The alphabet that the text needs or, over SMPP, came in."""
    segments: tuple[str, ...] = field(
        default=(), validator=each(accepted_by(hours.parse_segments))
    )
    """How many segments it takes: ``1``, ``2-4`` or ``3+``."""
    time: tuple[str, ...] = field(
        default=(), validator=each(accepted_by(hours.parse_time))
    )
    """Spans of the day, like ``08:00-20:00``, also over midnight."""
    days: tuple[str, ...] = field(
        default=(), validator=each(accepted_by(hours.parse_days))
    )
    """Days of the week: ``sun``, ``mon-fri``."""
    dates: tuple[str, ...] = field(
        default=(), validator=each(accepted_by(hours.parse_dates))
    )
    """Dates: ``2026-12-25``, or from the first to the last, both included:
    ``2026-12-24..2027-01-01``."""
    time_zone: str = field(default="UTC", validator=must(accepted_by(hours.parse_zone)))
    """Whose clock ``time``, ``days`` and ``dates`` mean."""

    def __attrs_post_init__(self) -> None:
        """A time zone that would be ignored is refused."""
        if self.time_zone != "UTC" and not (self.time or self.days or self.dates):
            raise Invalid([(("time_zone",), "is only for time, days and dates")])


@attrs.frozen
class ContentRewrite:
    """A rule of ``content``: every place that the expression finds is replaced."""

    re: str = field(validator=must(accepted_by(expressions.check_bounded)))
    to: str
    """What takes its place; ``\\1`` is the first group."""

    def __attrs_post_init__(self) -> None:
        """Groups that exist."""
        complaint = rules.replacement(self.re, self.to)
        if complaint is not None:
            raise Invalid([(("to",), complaint)])


@attrs.frozen
class RouteRewrite:
    """``rewrite`` of a route: what its upstreams get instead of what was sent.

    Customers go on seeing the addresses that they know. An upstream's own rules
    (``[upstreams.NAME.addresses]``) come after these.
    """

    source: tuple[Rewrite, ...] = ()
    """The first rule that matches the sender changes it. Numbers have no + here."""
    source_pool: tuple[str, ...] = field(
        default=(),
        validator=[each(rules.sender_address), must(rules.no_repeats)],
    )
    """Every sender becomes one of these; the same for the same recipient."""
    destination: tuple[Rewrite, ...] = ()
    """As ``source``, for the recipient: digits of the international number."""
    content: tuple[ContentRewrite, ...] = ()
    """Changes of the text, each after the other."""
    append: str = field(default="", validator=must(rules.at_most(MOST_APPENDED)))
    """What is put behind the text."""

    def __attrs_post_init__(self) -> None:
        """Two ways to choose a sender are refused."""
        if self.source and self.source_pool:
            raise Invalid([(("source_pool",), "can not be used with source")])


@attrs.frozen
class Route:
    """``[[routes]]``: the first that matches decides."""

    name: str = field(validator=must(rules.name))
    to: tuple[str, ...] = field(default=(), validator=must(rules.no_repeats))
    """Names of upstreams, in order of preference."""
    match: Match = Match()
    """Without it: every message."""
    strategy: str = field(default="static", validator=must(rules.one_of(*STRATEGIES)))
    """``static``: the one upstream, up or down; ``failover``: the first that is up;
    ``round_robin``: each in turn; ``weighted``: each as often as its weight says;
    ``split``: so many percent of the recipients to each; ``sticky``: the same recipient
    to the same one; ``least_cost``: the one whose ``costs`` are lowest."""
    unless: Match = Match()
    """The route is not for a message of which all that is given here holds."""
    prefixes: PrefixRoutes | None = None
    """Instead of ``to``: a file with rows ``prefix,upstream[,upstream...]``, of which
    the one with the longest prefix of the destination counts."""
    weights: tuple[int, ...] = ()
    """For ``weighted`` and ``split``: one for each of ``to``; of ``split`` they are
    percents, 100 in all."""
    refuse: str | None = field(
        default=None, validator=optional(rules.one_of(*REFUSALS))
    )
    """Instead of ``to``: the message is refused, as the fault of this."""
    price: str | None = field(
        default=None, validator=optional(accepted_by(parse_amount))
    )
    """What a segment costs the customer, like ``0.012``."""
    prices: PriceList | None = None
    """Instead of ``price``: a file with rows ``prefix,price``."""
    rewrite: RouteRewrite = RouteRewrite()

    def __attrs_post_init__(self) -> None:
        """What does not go together, or would be ignored, is refused."""
        faults = [*self._way_faults(), *self._weight_faults()]
        if self.price is not None and self.prices is not None:
            faults.append((("prices",), "can not be used with price"))
        if faults:
            raise Invalid(faults)

    def _way_faults(self) -> list[tuple[KeyPath, str]]:
        ways = {"to": self.to, "prefixes": self.prefixes, "refuse": self.refuse}
        given = [key for key, value in ways.items() if value]
        if not given:
            message = "is missing: where it leads, or prefixes, or refuse"
            return [(("to",), message)]
        if len(given) > 1:
            return [((given[1],), f"can not be used with {given[0]}")]
        if self.refuse is not None:
            others = {
                "strategy": self.strategy != "static",
                "rewrite": self.rewrite != RouteRewrite(),
                "price": self.price is not None,
                "prices": self.prices is not None,
            }
            message = "is not for a route that refuses"
            return [((key,), message) for key, is_given in others.items() if is_given]
        most = len(self.to)
        if self.prefixes is not None:
            most = max(map(len, self.prefixes.ways.values()), default=0)
        if self.strategy == "static" and most > 1:
            others_ = ", ".join(STRATEGIES[1:])
            message = (
                'holds more than one name, which needs strategy = "failover"'
                f" (or another of {others_})"
            )
            return [((given[0],), message)]
        return []

    def _weight_faults(self) -> list[tuple[KeyPath, str]]:
        if self.strategy not in _WITH_WEIGHTS:
            message = "are only for strategy weighted or split"
            return [(("weights",), message)] if self.weights else []
        if self.prefixes is not None:
            return [(("strategy",), f"{self.strategy} needs to, not prefixes")]
        if len(self.weights) != len(self.to):
            return [(("weights",), "must be as many as there are upstreams in to")]
        if not all(1 <= weight <= 1000 for weight in self.weights):  # noqa: PLR2004
            return [(("weights",), "must be from 1 to 1000")]
        if self.strategy == "split" and sum(self.weights) != _HUNDRED:
            message = f"must be 100 in all, not {sum(self.weights)}"
            return [(("weights",), message)]
        return []

    def upstreams(self) -> tuple[str, ...]:
        """All the upstreams that it may lead to, each once."""
        if self.prefixes is None:
            return self.to
        every = (name for way in self.prefixes.ways.values() for name in way)
        return tuple(dict.fromkeys(every))


@attrs.frozen
class Hook:
    """``[hooks.NAME]``: a function of somebody's own that judges messages."""

    name: str = field(validator=must(rules.name))
    """From the table's name."""
    function: str = field(validator=must(rules.function))
    """``package.module:function``, where the gateway's Python finds it."""
    timeout_s: float = field(default=0.5, validator=must(rules.between(0.01, 10)))
    """How long it may take to answer."""
    on_failure: str = field(
        default="refuse", validator=must(rules.one_of("refuse", "yes", "no"))
    )
    """What counts when it does not answer in time or raises: ``refuse`` the message (it
    may be sent again later), or as if it had said ``yes`` or ``no``."""

    @property
    def when_it_fails(self) -> bool | str:
        """The answer in its place."""
        return "later" if self.on_failure == "refuse" else self.on_failure == "yes"


@attrs.frozen
class Routing:
    """``[routing]``: what all routes have in common."""

    portability: PortedNumbers | None = None
    """A file with rows ``number,network``, for ``network`` of ``match``."""
