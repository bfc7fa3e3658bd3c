"""The load generator over HTTP: keep-alive connections, one request at a time on each.

A protocol of its own, because an HTTP client library costs more per request than the
gateway does, and would measure itself.
"""

import json
import random
import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlencode, urlsplit

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IReactorTime,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from luckgw.sandbox.load import TICK_S, LoadError, recipient_source
from luckgw.sandbox.load_report import Latencies, Report, per_second

METHODS = ("POST", "GET")

_NUMBER = "NNNNNNNNN"
_RECIPIENT = "RRRRRRR"
_CONNECT_WITHIN_S = 10.0
_RECONNECT_S = 0.1
_OK: Final = 200
_MAX_HEAD = 65_536

_length = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE).search
_chunked = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE).search
_closing = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE).search
_chunk_size = re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n").match
_message_id = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").search


@attrs.frozen
class HttpPlan:
    """What to send. Times in seconds."""

    url: str
    """Of the send call, like http://127.0.0.1:8080/api/v1/send/."""
    key: str = attrs.field(repr=False)
    """The API key, sent as Bearer."""
    method: str = "POST"
    """POST with a JSON body, or GET with a query."""
    connections: int = 32
    count: int = 1000
    rate: float = 0.0
    """Requests a second over all connections; 0: as fast as they are answered."""
    source: str = "LuckCreators"
    to_prefix: str = "23350"
    """Seven digits follow, of which the last four never call for a sandbox recipe."""
    text: str = "Hello {n}"
    """``{n}`` is the message's number, nine digits."""
    response_s: float = 10.0
    """A request without an answer for so long is given up, with its connection."""


def request_maker(plan: HttpPlan) -> Callable[[int, int], bytes]:
    """A function of the message's number and its recipient's seven digits that gives
    the whole request. Both have a fixed width, so that Content-Length is fixed, too.
    """
    parts = urlsplit(plan.url)
    path = parts.path or "/"
    message = {
        "from": plan.source,
        "to": plan.to_prefix + _RECIPIENT,
        "content": plan.text.replace("{n}", _NUMBER),
    }
    query = [parts.query] if parts.query else []
    body = ""
    if plan.method == "GET":
        query.append(urlencode(message))
    else:
        body = json.dumps(message)
    target = path + ("?" + "&".join(query) if query else "")
    head = [
        f"{plan.method} {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer {plan.key}",
    ]
    if body:
        head += [
            "Content-Type: application/json",
            f"Content-Length: {len(body.encode())}",
        ]
    template = "\r\n".join([*head, "", body]).encode()
    form = template.replace(b"%", b"%%")
    form = form.replace(_RECIPIENT.encode(), b"%(to)07d", 1)
    form = form.replace(_NUMBER.encode(), b"%(n)09d")
    return lambda number, recipient: form % {b"n": number, b"to": recipient}


class BadAnswer(Exception):
    """What came is not an HTTP/1.1 answer that can be told from the next one."""


class Answers:
    """HTTP answers out of octets, in whatever pieces they come."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> tuple[int, bytes, bool] | None:
        """Take octets. Gives status, body and whether the connection closes.

        None while the answer is not whole. There is never more than one: the next
        request waits. Raises ``BadAnswer``.
        """
        self._buffer = buffer = self._buffer + data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > _MAX_HEAD:
                raise BadAnswer("no end of the headers")
            return None
        head = buffer[: end + 2]
        if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
            raise BadAnswer("no HTTP/1.1 status line")
        length = _length(head)
        if length is not None:
            stop = end + 4 + int(length[1])
            body = buffer[end + 4 : stop] if len(buffer) >= stop else None
        elif _chunked(head):
            body = _joined(buffer, end + 4)
        else:
            raise BadAnswer("neither Content-Length nor chunks")
        if body is None:
            return None
        self._buffer = b""
        return int(head[9:12]), body, _closing(head) is not None


def _joined(buffer: bytes, at: int) -> bytes | None:
    """The body whose chunks begin at ``at``; None while the last one is missing."""
    body = b""
    while True:
        size = _chunk_size(buffer, at)
        if size is None:
            return None
        start, length = size.end(), int(size[1], 16)
        at = start + length + 2
        if len(buffer) < at:
            return None
        if length == 0:
            return body
        body += buffer[start : start + length]


class _Client(Protocol):
    """One connection, with at most one request on it."""

    def __init__(self, load: "HttpLoad") -> None:
        self._load = load
        self._answers = Answers()
        self.was_told = False
        """The gateway announced that it closes."""
        self.sent_at: float | None = None
        """When the request that waits for its answer was sent; None: it is idle."""

    def connectionMade(self) -> None:
        """Connected."""
        transport = cast("ITCPTransport", self.transport)
        transport.setTcpNoDelay(True)
        self._load.opened(self)

    def request(self, octets: bytes, now: float) -> None:
        """Send one. HOT PATH."""
        self.sent_at = now
        cast("ITCPTransport", self.transport).write(octets)

    def dataReceived(self, data: bytes) -> None:
        """An answer, or a piece of one. HOT PATH."""
        try:
            answer = self._answers.feed(data)
        except BadAnswer as error:
            self.sent_at = None
            self._load.misunderstood(str(error))
            self.abort()
            return
        if answer is None or self.sent_at is None:
            return
        status, body, closes = answer
        sent_at, self.sent_at = self.sent_at, None
        self._load.answered(status, body, sent_at)
        if closes:
            self.was_told = True
            cast("ITCPTransport", self.transport).loseConnection()
        else:
            self._load.idle(self)

    def abort(self) -> None:
        """Close at once."""
        cast("ITCPTransport", self.transport).abortConnection()

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Closed, by the gateway or by us."""
        self._load.gone(self)


class HttpLoad:
    """One run of a plan. ``draw`` gives random numbers of [0, 1)."""

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        plan: HttpPlan,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._endpoint = endpoint
        self._request = request_maker(plan)
        self._recipient = recipient_source(draw)
        self._clients: set[_Client] = set()
        self._idle: deque[_Client] = deque()
        self._pacing = LoopingCall(self._tick)
        self._pacing.clock = clock
        self._watching = LoopingCall(self._watch)
        self._watching.clock = clock
        self._allowed = 0
        self._sent = 0
        self._accepted = 0
        self._errors: Counter[str] = Counter()
        self._answered = 0
        """Accepted, refused, misunderstood, or given up."""
        self._unanswered = 0
        self._reconnecting = 0
        self._reconnects_failed = 0
        self._duplicate_ids = 0
        self._ids: set[bytes] = set()
        self._started_at = self._answered_at = 0.0
        self._responses = Latencies()
        self._all_answered: Deferred[None] = Deferred()
        self._closing: Deferred[None] | None = None

    async def run(self) -> Report:
        """Connect, send, wait, close. Raises ``LoadError`` when nobody listens."""
        try:
            for _ in range(self._plan.connections):
                await self._connect()
        except Exception as error:
            await self._close()
            raise LoadError(f"cannot connect: {error}") from error
        self._started_at = self._clock.seconds()
        self._watching.start(1.0, now=False)
        if self._plan.rate:
            self._pacing.start(TICK_S)
        else:
            self._allowed = self._plan.count
            self._send()
        await self._all_answered
        for call in (self._pacing, self._watching):
            if call.running:
                call.stop()
        await self._close()
        return self._report()

    def _connect(self) -> Deferred[IProtocol]:
        factory = Factory.forProtocol(lambda: _Client(self))
        factory.noisy = False
        return self._endpoint.connect(factory).addTimeout(
            _CONNECT_WITHIN_S, self._clock
        )

    async def _close(self) -> None:
        if self._clients:
            self._closing = Deferred()
            for client in list(self._clients):
                client.abort()
            await self._closing

    def _check(self) -> None:
        """Go on with ``run`` when what it waits for has come, or cannot come."""
        is_over = self._answered >= self._plan.count or not (
            self._clients or self._reconnecting
        )
        if is_over and not self._all_answered.called:
            self._all_answered.callback(None)

    # Sending

    def _tick(self) -> None:
        """Open loop: what is due by now may go."""
        due = int((self._clock.seconds() - self._started_at) * self._plan.rate) + 1
        self._allowed = min(self._plan.count, due)
        self._send()

    def _watch(self) -> None:
        """Give up the requests that are overdue, with their connections."""
        limit = self._clock.seconds() - self._plan.response_s
        for client in list(self._clients):
            if client.sent_at is not None and client.sent_at <= limit:
                client.abort()

    def _send(self) -> None:
        """As many requests as may go and find an idle connection. HOT PATH."""
        now = self._clock.seconds()
        while self._idle and self._sent < self._allowed:
            client = self._idle.popleft()
            if client in self._clients:
                client.request(self._request(self._sent, self._recipient()), now)
                self._sent += 1

    # What the connections tell

    def opened(self, client: _Client) -> None:
        """A connection is there."""
        self._clients.add(client)
        self.idle(client)

    def idle(self, client: _Client) -> None:
        """A connection can take a request. HOT PATH."""
        self._idle.append(client)
        if self._sent < self._allowed:
            self._send()

    def answered(self, status: int, body: bytes, sent_at: float) -> None:
        """A request was answered. HOT PATH."""
        self._answered += 1
        self._answered_at = now = self._clock.seconds()
        found = _message_id(body) if status == _OK else None
        if found is None:
            self._errors[str(status) if status != _OK else "200 without an id"] += 1
        else:
            self._accepted += 1
            self._responses.add(now - sent_at)
            ids, message_id = self._ids, found[0]
            if message_id in ids:
                self._duplicate_ids += 1
            ids.add(message_id)
        self._check()

    def misunderstood(self, reason: str) -> None:
        """A request was answered with something else than HTTP."""
        self._answered += 1
        self._answered_at = self._clock.seconds()
        self._errors[reason] += 1

    def gone(self, client: _Client) -> None:
        """A connection is over; while there is work, another takes its place."""
        self._clients.discard(client)
        if client.sent_at is not None:
            self._answered += 1
            self._unanswered += 1
        if not self._all_answered.called and self._answered < self._plan.count:
            self._reconnecting += 1
            # At once only if the gateway said that it would close.
            wait = 0.0 if client.was_told else _RECONNECT_S
            self._clock.callLater(wait, self._reconnect)
        self._check()
        if not self._clients and self._closing is not None:
            self._closing.callback(None)

    def _reconnect(self) -> None:
        def failed(_why: Failure) -> None:
            self._reconnects_failed += 1

        def over(_result: object) -> None:
            self._reconnecting -= 1
            self._check()

        self._connect().addErrback(failed).addCallback(over)

    # The report

    def _report(self) -> Report:
        seconds = max(0.0, self._answered_at - self._started_at)
        return Report(
            mode="http",
            connections=self._plan.connections,
            sent=self._sent,
            accepted=self._accepted,
            errors=dict(self._errors),
            unanswered=self._unanswered,
            lost_connections=self._reconnects_failed,
            duplicate_ids=self._duplicate_ids,
            seconds=round(seconds, 3),
            rate=per_second(self._accepted, seconds),
            response_ms=self._responses.quantiles_ms(),
            receipts=None,
            ok=self._accepted == self._plan.count and self._duplicate_ids == 0,
        )
