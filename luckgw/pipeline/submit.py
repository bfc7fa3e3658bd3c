"""A message comes in: may it, where to, keep it, then say so."""

import math
from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import Final, Protocol

from luckgw.admission.limits import TokenBucket
from luckgw.config.model import Account
from luckgw.domain import errors, ids
from luckgw.pipeline.edited import EditedOutgoing
from luckgw.pipeline.outgoing import Bodies, Outgoing
from luckgw.routing.facts import Content, Facts, Unanswered
from luckgw.routing.table import RouteTable, pick, refusal
from luckgw.store.interface import (
    FLAG_DELIVER_SM,
    FLAG_HTTP,
    FLAG_MULTI,
    FLAG_WEBHOOK,
    Accept,
    Journal,
    opted_out_field,
    told_id,
)

Done = Callable[[str | errors.Refusal], None]
"""Told the message's id once it is kept, or why it is not and never will be."""
BodiesFor = Callable[[Outgoing], Bodies]
"""A message as an upstream wants it, made by what knows that."""
_NO_TAGS: Final[frozenset[str]] = frozenset()
_OPTED_OUT: Final = errors.opted_out(
    "the recipient wants no more messages from this sender"
)
_TELLS: Final = 0x13
"""registered_delivery: a receipt (bits 1-0), intermediate notifications (bit 4)."""
_NOT_CONFIRMED: Final = errors.system_error("the store did not confirm; try again")


def no_short_id() -> bytes:
    """Where nobody gives short ids."""
    raise errors.system_error("there are no short ids now; try again later")


class Marks(Protocol):
    """Whether the store has room for more (luckgw.ops.marks)."""

    @property
    def is_full(self) -> bool:
        """The disk or the store's memory is at its mark."""
        ...


class Upstreams(Protocol):
    """What the pipeline knows of carriers."""

    def is_up(self, name: str) -> bool:
        """Whether the upstream can take messages now."""
        ...

    def queues_when_down(self, name: str) -> bool:
        """Whether messages may wait for it while it is down."""
        ...

    def poke(self, name: str) -> None:
        """Something was queued for it."""
        ...


class Hooks(Protocol):
    """Functions of somebody's own that routes ask (luckgw.ops.hooks)."""

    def ask(
        self, name: str, facts: Facts, answered: Callable[[bool | str], None]
    ) -> None:
        """``answered`` hears, now or later and once, what a hook says of a message: yes
        or no, or the word of ``config.routes.REFUSALS`` with which it is refused.
        """
        ...


class Submit:
    """Admits, routes and keeps messages."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is a collaborator
        self,
        journal: Journal,
        routes: RouteTable,
        upstreams: Upstreams,
        marks: Marks,
        accounts: Mapping[str, Account],
        outgoing: Mapping[str, Outgoing],
        fresh_id: Callable[[], bytes],
        clock: Callable[[], float],
        short_id: Callable[[], bytes] = no_short_id,
        heeds_opt_outs: Container[str] = (),
        now_ms: Callable[[], int] = lambda: 0,
        hooks: Hooks | None = None,
    ) -> None:
        """``outgoing`` holds each upstream's; ``clock`` gives monotonic seconds, for
        rates. ``fresh_id`` gives ids, and ``short_id`` those of which the first four
        octets are enough to tell them apart. ``heeds_opt_outs``: the accounts whose
        recipients can opt out. ``now_ms`` is the wall clock, for routes that look at
        it, and ``hooks`` are those that routes ask.
        """
        self._journal = journal
        self._routes = routes
        self._looks_at_time = routes.looks_at_time
        self.looks_at_content = routes.looks_at_content
        """Whether ``submit`` is to be given the content: some route looks at it."""
        self._upstreams = upstreams
        self._is_up = upstreams.is_up
        self._waits = upstreams.queues_when_down
        self._marks = marks
        self._outgoing = outgoing
        self._fresh_id = fresh_id
        self._short_id = short_id
        self._clock = clock
        self._now_ms = now_ms
        self._hooks = hooks
        self._heeds_opt_outs = heeds_opt_outs
        now = clock()
        self._buckets = {
            name: TokenBucket(account.throughput, now)
            for name, account in accounts.items()
            if account.throughput
        }

    @property
    def is_open(self) -> bool:
        """Whether the store answers."""
        return self._journal.is_open

    def submit(  # noqa: PLR0913 - a message has many sides
        self,
        account: Account,
        source: str,
        destination: str,
        bodies_for: BodiesFor,
        *,
        registered_delivery: int,
        deadline_ms: int,
        over_http: bool,
        done: Done,
        only: str | None = None,
        due_ms: int | None = None,
        message_id: bytes | None = None,
        flags: int = 0,
        is_reply: bool = False,
        content: Content | None = None,
        tags: frozenset[str] = _NO_TAGS,
        answers: Mapping[str, bool] | None = None,
    ) -> None:
        """Keep a message; ``done`` hears its id when it is durable. HOT PATH.

        ``source`` and ``destination`` are normalised. ``bodies_for`` is asked once the
        upstream is known, and gives submit_sm bodies that ask the carrier for a
        receipt, and how many segments they are, which is what a rate counts. ``only``
        names the one upstream it may go to, whatever the routes say. ``due_ms``: it is
        kept until then (wall-clock ms). ``message_id`` comes from ``new_id``, and
        ``flags`` say how the customer is told it: FLAG_MULTI, and one of ids.FORMS.
        ``is_reply``: a phone asked for it just now, so it goes there even if it wants
        nothing more. ``content`` and ``tags`` are for routes that look at them,
        ``answers`` what hooks have said of it. ``done`` hears a Refusal when the
        recipient has opted out or a hook refuses it. Raises Refusal when it may not
        enter: then nothing is stored and ``done`` is not called.
        """
        name = account.name
        if self._marks.is_full:
            raise errors.queue_full("the store is at its mark; try again later")
        if not self._journal.is_open:
            raise errors.system_error("the store does not answer; try again later")
        if only is None:
            now_ms = self._time_of(due_ms) if self._looks_at_time else 0
            facts = Facts(
                name, source, destination, account.group, tags, now_ms, content, answers
            )
            try:
                upstream, route, outgoing = self._routed(facts)
            except Unanswered as unanswered:
                again = partial(
                    self.submit,
                    account,
                    source,
                    destination,
                    bodies_for,
                    registered_delivery=registered_delivery,
                    deadline_ms=deadline_ms,
                    over_http=over_http,
                    done=done,
                    due_ms=due_ms,
                    message_id=message_id,
                    flags=flags,
                    is_reply=is_reply,
                    content=content,
                    tags=tags,
                )
                self._ask(unanswered.hook, facts, again, done)
                return
        else:
            upstream, route, outgoing = only, "", self._outgoing[only]
        bodies, segments = bodies_for(outgoing)
        if self._buckets:
            self._take_from_bucket(name, segments)
        message_id = message_id or self._fresh_id()

        def told(result: Accept) -> None:
            if result is Accept.STORED:
                done(told_id(message_id, flags) if flags else ids.to_text(message_id))
                self._upstreams.poke(upstream)
            elif result is Accept.OPTED_OUT:
                done(_OPTED_OUT)
            else:
                done(_NOT_CONFIRMED)

        if flags:
            self._name(name, message_id, flags, deadline_ms)
        self._journal.accept(
            message_id,
            account=name,
            route=route,
            upstream=upstream,
            flags=flags
            | self._flags(account, registered_delivery, over_http=over_http),
            registered_delivery=registered_delivery,
            deadline_ms=deadline_ms,
            bodies=bodies,
            done=told,
            due_ms=due_ms,
            unless_opted_out=b""
            if is_reply or name not in self._heeds_opt_outs
            else opted_out_field(source, destination),
        )

    def _take_from_bucket(self, account: str, segments: int) -> None:
        bucket = self._buckets.get(account)
        if bucket is not None:
            wait = bucket.take(self._clock(), segments)
            if wait:
                raise errors.throttled(
                    "the account's throughput is used up", math.ceil(wait)
                )

    def new_id(self, form: int) -> bytes:
        """An id that is written in one of ids.FORMS, by its place there.

        Raises Refusal when there is none now.
        """
        return self._short_id() if form == ids.HEX8 else self._fresh_id()

    def _name(
        self, account: str, message_id: bytes, flags: int, deadline_ms: int
    ) -> None:
        """Have a message found by what its customer is told, if that is not its id."""
        name = ids.alias_of(told_id(message_id, flags))
        if name is not None:
            if flags & FLAG_MULTI:
                message_id = ids.group_of(message_id)
            self._journal.alias(account, name, message_id, deadline_ms)

    def _time_of(self, due_ms: int | None) -> int:
        """When a message is to leave, which is the time that its route looks at."""
        return self._now_ms() if due_ms is None else due_ms

    def _routed(self, facts: Facts) -> tuple[str, str, Outgoing]:
        """The upstream to queue for, the name of the route that says so, and what
        writes the message as both want it. Raises Refusal.
        """
        decision = self._routes.decide(facts)
        if decision is None:
            raise errors.no_route("no route leads to this destination")
        if decision.refusal is not None:
            raise decision.refusal
        upstream = pick(decision, facts, self._is_up, self._waits)
        if upstream is None:
            raise errors.upstream_down("no upstream of the route can take messages now")
        outgoing = self._outgoing[upstream]
        if decision.edit is not None:
            outgoing = EditedOutgoing(outgoing, decision.edit)
        return upstream, decision.route_name, outgoing

    def _ask(
        self, hook: str, facts: Facts, again: Callable[..., None], done: Done
    ) -> None:
        """Begin again when a hook has said what it thinks of a message."""
        assert self._hooks is not None  # noqa: S101 - the configuration has it

        def answered(answer: bool | str) -> None:
            if isinstance(answer, str):
                done(refusal(answer, f"hook {hook} refuses it"))
                return
            try:
                again(answers={**(facts.answers or {}), hook: answer})
            except errors.Refusal as why:
                done(why)

        self._hooks.ask(hook, facts, answered)

    @staticmethod
    def _flags(account: Account, registered_delivery: int, *, over_http: bool) -> int:
        flags = FLAG_HTTP if over_http else 0
        if account.webhook is not None:
            flags |= FLAG_WEBHOOK
        if registered_delivery & _TELLS and not over_http:
            flags |= FLAG_DELIVER_SM
        return flags
