"""All that waits for its turn, every queue and outbox: woken, polled, drained."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from luckgw.config import model
from luckgw.dispatch.consumer import Consumer
from luckgw.dispatch.inbound import InboundDispatcher
from luckgw.dispatch.mt import MtDispatcher
from luckgw.dispatch.outbox import DeliverSmOutbox
from luckgw.dispatch.webhooks import Notifier, WebhookOutbox
from luckgw.egress.mo import Reading
from luckgw.egress.sessions import Sessions
from luckgw.routing.phones import MoRouteTable
from luckgw.store.journal import Journal
from luckgw.upstream.interface import Upstream

POLL_S: Final = 0.25
"""How soon a due retry, or what another node queued, is seen."""
EXPIRE_S: Final = 10.0
"""How soon it is seen that a message's validity has ended while its carrier is away."""


class Dispatch:
    """The dispatchers of one node."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        journal: Journal,
        config: model.Config,
        notifier: Notifier,
        now_ms: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._config = config
        self._now_ms = now_ms
        self.sessions = Sessions(self._sessions_changed)
        self._mt: dict[str, MtDispatcher] = {}
        self._upstreams: dict[str, Upstream] = {}
        self._outboxes: dict[str, DeliverSmOutbox] = {}
        self._webhooks: dict[str, WebhookOutbox] = {}
        for account in config.accounts.values():
            if account.webhook is not None:
                webhook = WebhookOutbox(
                    clock,
                    journal,
                    account.name,
                    account.webhook,
                    config.webhooks.max_in_flight,
                    notifier,
                    now_ms,
                    random,
                )
                self._webhooks[account.name] = webhook
                self._register(webhook.consumer)
        self.inbound = InboundDispatcher(
            journal,
            MoRouteTable(config.mo_routes, config.accounts),
            config.accounts,
            now_ms,
            self.wake,
        )
        """Gives messages from phones to accounts."""
        self._register(self.inbound.consumer)
        self._polling = LoopingCall(self._poll)
        self._expiring = LoopingCall(self._expire)
        for loop in (self._polling, self._expiring):
            loop.clock = clock

    def _register(self, consumer: Consumer) -> None:
        self._journal.register_holder(consumer.queue, lambda: consumer.held)

    def add(self, dispatcher: MtDispatcher, upstream: Upstream) -> None:
        """Serve an upstream."""
        self._mt[upstream.name] = dispatcher
        self._upstreams[upstream.name] = upstream
        self._register(dispatcher.consumer)

    @property
    def dispatchers(self) -> Mapping[str, MtDispatcher]:
        """Those of all upstreams, by name."""
        return self._mt

    def outbox(self, account: str) -> DeliverSmOutbox:
        """An account's outbox for its sessions."""
        found = self._outboxes.get(account)
        if found is None:
            known = self._config.accounts.get(account)
            reading = Reading()
            if known is not None:
                reading = Reading(known.mo.long, known.default_alphabet)
            found = DeliverSmOutbox(
                self._journal, account, self.sessions, self._now_ms, reading
            )
            self._outboxes[account] = found
            self._register(found.consumer)
        return found

    # -- pipeline.submit.Upstreams -----------------------------------------------------

    def is_up(self, name: str) -> bool:
        """Whether an upstream can take messages now."""
        return self._upstreams[name].is_up

    def queues_when_down(self, name: str) -> bool:
        """Whether messages may wait for it."""
        return self._config.upstreams[name].queue_when_down

    def poke(self, name: str) -> None:
        """Something was queued for an upstream. HOT PATH."""
        self._mt[name].poke()

    def wake(self, account: str) -> None:
        """Something was added to an outbox of an account. HOT PATH."""
        outbox = self._outboxes.get(account)
        if outbox is not None:
            outbox.poke()
        webhook = self._webhooks.get(account)
        if webhook is not None:
            webhook.poke()

    def _sessions_changed(self, account: str) -> None:
        outbox = self._outboxes.get(account)
        if outbox is not None:
            outbox.changed()

    # -- life --------------------------------------------------------------------------

    def start(self) -> None:
        """Connect the upstreams and begin to look."""
        for dispatcher in self._mt.values():
            dispatcher.start()
        for loop, every in ((self._polling, POLL_S), (self._expiring, EXPIRE_S)):
            loop.start(every, now=False).addErrback(
                lambda f: self.log.failure("the dispatcher stopped looking", failure=f)
            )

    def _poll(self) -> None:
        for each in self._pokable():
            each.poke()

    def _pokable(
        self,
    ) -> Iterable[MtDispatcher | DeliverSmOutbox | WebhookOutbox | InboundDispatcher]:
        yield self.inbound
        yield from self._mt.values()
        yield from self._outboxes.values()
        yield from self._webhooks.values()

    def _expire(self) -> None:
        self.inbound.look_for_gaps()
        for dispatcher in self._mt.values():
            dispatcher.expire()

    def stop_claiming(self) -> None:
        """Take nothing new from the store."""
        for loop in (self._polling, self._expiring):
            if loop.running:
                loop.stop()
        self.inbound.stop_claiming()
        for dispatcher in self._mt.values():
            dispatcher.stop_claiming()

    def drain_upstreams(self, timeout_s: float) -> "Deferred[None]":
        """Wait for answers, then unbind from all carriers."""
        return _all(each.drain(timeout_s) for each in self._upstreams.values())

    def drain_outboxes(self, timeout_s: float) -> "Deferred[None]":
        """Send no more to customers; wait for webhooks that are under way."""
        for outbox in self._outboxes.values():
            outbox.stop_claiming()
        return _all(each.stop(timeout_s) for each in self._webhooks.values())

    # -- for people who look -----------------------------------------------------------

    def status(self) -> dict[str, object]:
        """Upstreams with their binds, and outboxes."""
        return {
            "upstreams": {
                name: {
                    **dispatcher.status(),
                    "binds": [
                        attrs.asdict(each) for each in self._upstreams[name].status()
                    ],
                }
                for name, dispatcher in self._mt.items()
            },
            "sessions": self.sessions.counts(),
        }

    def alarms(self) -> list[str]:
        """What goes on until a person acts, a sentence for each."""
        return [
            f"upstream {name}: {each.kind}: {each.trouble}: {each.last_error}"
            for name, upstream in self._upstreams.items()
            for each in upstream.status()
            if each.is_alarm
        ]

    def down_routes(self, routes: Iterable[model.Route]) -> list[str]:
        """The routes of which no upstream is up."""
        return [
            route.name
            for route in routes
            if (names := route.upstreams())
            and not any(self._upstreams[name].is_up for name in names)
        ]


def _all(deferreds: Iterable["Deferred[None]"]) -> "Deferred[None]":
    return DeferredList(list(deferreds)).addCallback(lambda _: None)
