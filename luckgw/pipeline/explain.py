"""What would become of a message? Told by the code that routes and writes it.

Nothing is kept, sent or counted, and no turn of a strategy is used.
"""

from collections.abc import Callable, Mapping, Sequence

import attrs

from luckgw.config.model import Account, Config
from luckgw.domain.address import normalise_number
from luckgw.domain.errors import Refusal
from luckgw.pipeline.addresses import addresses_for
from luckgw.pipeline.contents import TextContent
from luckgw.pipeline.edited import EditedOutgoing
from luckgw.pipeline.outgoing import outgoings
from luckgw.pipeline.route_addresses import route_addresses
from luckgw.routing.explain import Told, explain
from luckgw.routing.facts import Facts, Unanswered
from luckgw.routing.prefixes import PrefixMap
from luckgw.routing.table import Decision, RouteTable, pick, refusal
from luckgw.text.references import References
from luckgw.wire.pdus import decode_sm


@attrs.frozen
class Asked:
    """A message, real or imagined."""

    account: Account
    source: str
    destination: str
    """As a caller would write it."""
    content: str
    tags: frozenset[str] = frozenset()
    now_ms: int = 0
    """When it would come, wall-clock ms."""


@attrs.frozen
class Choice:
    """One of the upstreams of the route, in the order in which they would be tried."""

    upstream: str
    up: bool | None
    """None: nobody knows."""
    cost: int | None
    """What a segment costs us there, in millionths; None: no list says."""


@attrs.frozen
class Sent:
    """What the upstream would get."""

    source_addr: str
    destination_addr: str
    text: str
    encoding: str
    segments: int


@attrs.frozen
class Explanation:
    """Where a message would go, and why."""

    destination: str | None
    """The normalised number; None: it is none, and the message is refused."""
    routes: Sequence[Told] = ()
    route: str | None = None
    """The one that decides; None: none matches."""
    strategy: str | None = None
    choices: Sequence[Choice] = ()
    upstream: str | None = None
    """Where it would be queued; None: nowhere."""
    sent: Sent | None = None
    price: int | None = None
    """What a segment costs the customer, in millionths; None: no route says."""
    refusal: str | None = None
    """Why it would be refused; None: it would not."""


class Explainer:
    """Explains with one configuration."""

    def __init__(
        self,
        config: Config,
        up: Mapping[str, bool] | None,
        ask: Callable[[str, Facts], bool | str] = lambda _hook, _facts: False,
    ) -> None:
        """``up``: which upstreams are up; None: it is not known, and they count as up.
        ``ask`` gives what a hook says of a message: yes, no, or a word of refusal.

        Raises what RouteTable does.
        """
        self._ask = ask
        self._config = config
        self._up = up
        self._table = RouteTable(
            config.routes, config.upstreams, config.routing.portability
        )
        self._outgoing = outgoings(config.upstreams.values(), References(lambda: 0))
        self._costs = {
            name: PrefixMap(one.costs.prices)
            for name, one in config.upstreams.items()
            if one.costs is not None
        }

    def explain(self, asked: Asked) -> Explanation:
        """Every rule with its reason, and what follows. Raises nothing."""
        number = normalise_number(asked.destination)
        if number is None:
            return Explanation(None, refusal="the recipient is no international number")
        facts = Facts(
            asked.account.name,
            asked.source,
            number,
            asked.account.group,
            asked.tags,
            asked.now_ms,
            TextContent(asked.content),
        )
        try:
            told = self._told(facts)
            decision = self._table.decide(facts)
        except Refusal as refused:  # by a hook, or a text that nothing can carry
            return Explanation(number, refusal=refused.detail)
        if decision is None:
            why = "no route leads to this destination"
            return Explanation(number, told, refusal=why)
        if decision.refusal is not None:
            why = decision.refusal.detail
            return Explanation(number, told, decision.route_name, refusal=why)
        return self._decided(asked, facts, told, decision)

    def _told(self, facts: Facts) -> Sequence[Told]:
        """What every rule says. Raises Refusal."""
        answers: dict[str, bool] = {}
        facts.answers = answers
        while True:
            try:
                return explain(self._table, facts)
            except Unanswered as unanswered:
                answer = self._ask(unanswered.hook, facts)
                if isinstance(answer, str):
                    detail = f"hook {unanswered.hook} refuses it"
                    raise refusal(answer, detail) from None
                answers[unanswered.hook] = answer

    def _decided(
        self, asked: Asked, facts: Facts, told: Sequence[Told], decision: Decision
    ) -> Explanation:
        order = decision.strategy.choose(decision.candidates, self._is_up, facts)
        upstream = pick(_fixed(decision, order), facts, self._is_up, self._waits)
        why = None
        sent = None
        if upstream is None:
            why = "no upstream of the route can take messages now"
        else:
            try:
                sent = self._sent(asked, facts.destination, decision, upstream)
            except Refusal as refused:
                why = refused.detail
        strategies = {route.name: route.strategy for route in self._config.routes}
        prices = decision.prices
        return Explanation(
            facts.destination,
            told,
            decision.route_name,
            strategies[decision.route_name],
            [self._choice(name, facts.destination) for name in order],
            upstream,
            sent,
            None if prices is None else prices.get(facts.destination),
            why,
        )

    def _is_up(self, name: str) -> bool:
        return self._up is None or self._up.get(name, False)

    def _waits(self, name: str) -> bool:
        return self._config.upstreams[name].queue_when_down

    def _choice(self, name: str, number: str) -> Choice:
        costs = self._costs.get(name)
        return Choice(
            name,
            None if self._up is None else self._is_up(name),
            None if costs is None else costs.get(number),
        )

    def _sent(
        self, asked: Asked, number: str, decision: Decision, upstream: str
    ) -> Sent:
        """What the upstream would get of it. Raises Refusal."""
        outgoing, text = self._outgoing[upstream], asked.content
        if decision.edit is not None:
            outgoing = EditedOutgoing(outgoing, decision.edit)
            text = decision.edit(text)
        bodies, written = outgoing.text(
            asked.account, asked.source, number, asked.content, 0
        )
        body = bodies[0]
        for rewrite in (
            route_addresses(self._config.routes).get(decision.route_name),
            addresses_for(self._config.upstreams[upstream].addresses),
        ):
            if rewrite is not None:
                body = rewrite.written(body)
        sm = decode_sm(body)
        return Sent(
            sm.source_addr.decode("latin-1"),
            sm.destination_addr.decode("latin-1"),
            text,
            written.encoding.value,
            written.segments,
        )


def _fixed(decision: Decision, order: tuple[str, ...]) -> Decision:
    """The same decision with the order that its strategy has just given."""
    return attrs.evolve(decision, strategy=_Given(order))


@attrs.frozen
class _Given:
    order: tuple[str, ...]

    def choose(
        self,
        candidates: tuple[str, ...],
        is_up: Callable[[str], bool],
        facts: Facts,
    ) -> tuple[str, ...]:
        """The order, again."""
        del candidates, is_up, facts
        return self.order
