"""Messages from phones get their account; their STOP counts, their HELP is answered."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

import attrs
from twisted.logger import Logger

from luckgw.config.model import Account, OptOut
from luckgw.dispatch.consumer import Consumer, Pairs
from luckgw.domain.address import LONGEST_SHORT_CODE, normalise_number
from luckgw.domain.errors import Refusal
from luckgw.domain.ids import to_text
from luckgw.domain.repeats import is_worth_saying
from luckgw.egress.mo import Mo
from luckgw.routing.phones import MoDecision, MoFacts, MoRouteTable
from luckgw.store import interface, keys, records
from luckgw.store.interface import Assignment, AutoReply, Verdict
from luckgw.store.journal import Journal

ROOM: Final = 200
"""Messages held at the same time."""
GAPS: Final = 100
"""Unfinished messages looked at in one step."""
SOONEST_MS: Final = 5_000
LATEST_MS: Final = 300_000
"""A message without a route is looked at again after as long as it has waited, but not
sooner and not later than this."""

_DECORATION: Final = re.compile(r"^[\s\"'\u201c\u2018(]+|[\s\"'.,!\u201d\u2019)]+$")
"""What people put around a word."""


Replies = Callable[[str, str, str, str], None]
"""Sends an automatic reply: account, from which number, to which phone, the text. May
raise Refusal."""


@attrs.define
class Counters:
    """What became of messages from phones."""

    assigned: int = 0
    unrouted: int = 0
    """Looks at a message that found no route for it."""
    with_gaps: int = 0
    """Long ones of which not all came."""
    opted_out: int = 0
    opted_in: int = 0
    replies: int = 0


@attrs.frozen
class _Words:
    """The words of an account that mean something, ready to be compared."""

    settings: OptOut
    stop: frozenset[str]
    start: frozenset[str]
    help: frozenset[str]

    @classmethod
    def of(cls, settings: OptOut) -> "_Words":
        """None at all if they are not enabled."""
        if not settings.enabled:
            return cls(settings, frozenset(), frozenset(), frozenset())
        return cls(
            settings,
            *(
                frozenset(word.casefold() for word in words)
                for words in (settings.stop, settings.start, settings.help)
            ),
        )

    def reply_to(self, word: str) -> str | None:
        """What is answered; "": nothing; None: the word means nothing."""
        if word in self.stop:
            return self.settings.stop_reply
        if word in self.start:
            return self.settings.start_reply
        return self.settings.help_reply if word in self.help else None


class InboundDispatcher:
    """Gives messages from phones to accounts, on this node."""

    log = Logger()

    def __init__(
        self,
        journal: Journal,
        routes: MoRouteTable,
        accounts: Mapping[str, Account],
        now_ms: Callable[[], int],
        wake: Callable[[str], None],
    ) -> None:
        """``wake`` is called with an account that has something in an outbox now."""
        self._journal = journal
        self._routes = routes
        self._words = {
            name: _Words.of(account.opt_out) for name, account in accounts.items()
        }
        self._now_ms = now_ms
        self._wake = wake
        self._send: Replies | None = None
        self._stopping = False
        self._is_looking = False
        self.consumer = Consumer(journal, keys.INBOUND, self._room, self._take)
        """Claims the queue."""
        self.counters = Counters()

    def reply_with(self, send: Replies) -> None:
        """From now on automatic replies are sent; before that there are none."""
        self._send = send

    def poke(self) -> None:
        """There may be something to do."""
        self.consumer.poke()

    def stop_claiming(self) -> None:
        """Take nothing new."""
        self._stopping = True

    def _room(self) -> int:
        return 0 if self._stopping else ROOM - len(self.consumer.held)

    # -- one message -------------------------------------------------------------------

    def _take(self, pairs: Pairs) -> None:
        for message_id, data in pairs:
            self._assign(message_id, Mo(*records.read_inbound(data)))

    def _assign(self, message_id: bytes, mo: Mo) -> None:
        text = mo.text or ""
        first_word = text.split(maxsplit=1)[:1]
        facts = MoFacts(mo.upstream, mo.phone, mo.number, "".join(first_word))
        decision = self._routes.decide(facts)
        if decision is None:
            self._keep(message_id, mo)
            return
        word = _DECORATION.sub("", text).casefold() if mo.kind == 0 else ""
        words = self._words[decision.account]
        answer = words.reply_to(word)
        field = interface.opted_out_field(mo.number, mo.phone)
        change = None
        if answer is not None and word not in words.help:
            change = interface.OptOut(field, is_out=word in words.stop)
        reply = None
        if answer and self._send is not None and _can_be_answered(mo):
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            most = words.settings.replies_per_hour
            reply = AutoReply(field, digest, most)

        def told(verdict: Verdict, may_reply: bool) -> None:
            self.consumer.held.discard(message_id)
            if verdict is Verdict.APPLIED:
                self._assigned(decision, change)
                if may_reply:
                    self._reply(message_id, mo, decision.account, answer or "")
            self.consumer.poke()

        self._journal.assign(
            self.consumer.queue,
            Assignment(
                message_id,
                decision.account,
                decision.route,
                decision.to_session,
                decision.to_webhook,
                change,
                reply,
            ),
            told,
        )

    def _assigned(self, decision: MoDecision, change: interface.OptOut | None) -> None:
        counters = self.counters
        counters.assigned += 1
        if change is not None:
            if change.is_out:
                counters.opted_out += 1
            else:
                counters.opted_in += 1
        self._wake(decision.account)

    def _keep(self, message_id: bytes, mo: Mo) -> None:
        """No route: it waits, and is looked at again."""
        self.counters.unrouted = count = self.counters.unrouted + 1
        if is_worth_saying(count):
            self.log.warn(
                "no [[mo_routes]] for message {id} from upstream {upstream}: it is kept"
                " and tried again ({count} so far)",
                id=to_text(message_id),
                upstream=mo.upstream,
                count=count,
            )
        now = self._now_ms()
        wait = min(max(now - mo.received_ms, SOONEST_MS), LATEST_MS)
        self.consumer.retry(message_id, message_id, now + wait)

    def _reply(self, message_id: bytes, mo: Mo, account: str, text: str) -> None:
        assert self._send is not None  # noqa: S101 - else no reply was asked for
        try:
            self._send(account, mo.number, mo.phone, text)
            self.counters.replies += 1
        except Refusal as refusal:
            self.log.warn(
                "the automatic reply of {account} to message {id} is refused: {why}",
                account=account,
                id=to_text(message_id),
                why=str(refusal),
            )

    # -- long messages that are never whole --------------------------------------------

    def look_for_gaps(self) -> None:
        """Give out what has waited long enough for its missing parts."""
        if self._journal.is_open and not self._is_looking and not self._stopping:
            self._is_looking = True
            self._journal.give_out_gaps(GAPS, self._looked)

    def _looked(self, looked: int, gaps: int) -> None:
        self._is_looking = False
        self.counters.with_gaps += gaps
        if gaps:
            self.consumer.poke()
        if looked == GAPS:
            self.look_for_gaps()


def _can_be_answered(mo: Mo) -> bool:
    """Whether a phone wrote it: machines use short codes and names."""
    return len(mo.phone) > LONGEST_SHORT_CODE and normalise_number(mo.phone) is not None
