"""One POST of an event to a customer's webhook, and what its answer means.

When to call and when to call again is the queue worker's business (with
``luckgw.egress.retry``); this module makes one attempt and gives a verdict. The rules
are spec/features 2.8 and spec/reliability 3.6 and 7.3: no redirects, no cookies, no
compression, and of an answer at most 4 KiB are read and none are shown.
"""

import enum
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import attrs
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from luckgw import __version__
from luckgw.egress.body import status_update_body
from luckgw.egress.retry import parse_retry_after

__all__ = [
    "AddressRefused",
    "Outcome",
    "Signer",
    "Verdict",
    "WebhookNotifier",
    "status_update_body",
    "webhook_client",
]

CONNECT_S: Final = 5.0
MAX_ANSWER: Final = 4096
IDLE_S: Final = 60

_GONE = 410
_MAY_SAY_WHEN = (429, 503)

Signer = Callable[[str, int, bytes], dict[str, str]]
"""(event id, Unix seconds of this attempt, body) -> headers that prove the sender."""


class AddressRefused(Exception):
    """An ``address_check`` says that this URL must not be called, and why."""


class Outcome(enum.Enum):
    """What to do with the event now."""

    DELIVERED = enum.auto()
    """The receiver has it (2xx)."""
    RETRY = enum.auto()
    """It has not, or nobody knows."""
    GONE = enum.auto()
    """It wants no more (410): disable the endpoint and tell the customer."""


@attrs.frozen
class Verdict:
    """How one attempt ended."""

    outcome: Outcome
    after: float | None = None
    """With RETRY: the seconds the receiver asked to wait, if it did."""
    status: int | None = None
    """The HTTP status it answered with; None when there was no answer."""
    reason: str = ""
    """Why there was no answer, for the delivery log."""


def no_signature(_event_id: str, _timestamp: int, _body: bytes) -> dict[str, str]:
    """The signer until endpoints have secrets: no header."""
    return {}


def any_address(_url: str) -> None:
    """The address check until there are rules: every URL may be called."""


class WebhookNotifier:
    """POSTs events; any number of attempts may be under way at once.

    ``http`` is what ``webhook_client`` gives; ``wall`` gives Unix time, for the
    headers; an attempt that takes longer than ``timeout_s`` in all, to the answer's
    last octet, is given up. ``address_check`` is called with the URL before each
    attempt and raises AddressRefused for one that must not be called.
    """

    log = Logger()

    def __init__(
        self,
        http: HTTPClient,
        clock: IReactorTime,
        wall: Callable[[], float],
        timeout_s: float = 15.0,
        address_check: Callable[[str], None] = any_address,
    ) -> None:
        self._http = http
        self._clock = clock
        self._wall = wall
        self._timeout_s = timeout_s
        self._address_check = address_check

    def post(
        self,
        url: str,
        body: bytes,
        event_id: str,
        attempt: int,
        signer: Signer = no_signature,
    ) -> "Deferred[Verdict]":
        """Make attempt number ``attempt`` (from 1). Never fails: trouble is a RETRY.

        ``event_id`` is the same at every attempt and has no "."; ``body`` is sent as it
        is, and is what ``signer`` signs. Cancelling ends the attempt, as a RETRY.
        """
        d = Deferred.fromCoroutine(self._attempt(url, body, event_id, attempt, signer))
        d.addTimeout(self._timeout_s, self._clock, _too_late)
        return d.addErrback(self._no_answer, event_id)

    async def _attempt(
        self, url: str, body: bytes, event_id: str, attempt: int, signer: Signer
    ) -> Verdict:
        self._address_check(url)
        timestamp = int(self._wall())
        response = await self._http.request(
            "POST",
            url,
            data=body,
            headers=Headers(
                {
                    "Content-Type": ["application/json"],
                    "User-Agent": [f"luckgw/{__version__}"],
                    "X-Attempt": [str(attempt)],
                    "webhook-id": [event_id],
                    "webhook-timestamp": [str(timestamp)],
                    **{k: [v] for k, v in signer(event_id, timestamp, body).items()},
                }
            ),
            allow_redirects=False,
            unbuffered=True,
            reactor=self._clock,  # type: ignore[arg-type]  # unused: no timeout of treq's
        )
        verdict = self._verdict(response)
        try:
            await _drained(response)
        except CancelledError:
            # Too slow, but the status has come: what follows it changes nothing.
            self.log.debug("webhook answer cut off", event_id=event_id)
        return verdict

    def _verdict(self, response: IResponse) -> Verdict:
        status = int(response.code)
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's classes
            return Verdict(Outcome.DELIVERED, status=status)
        if status == _GONE:
            return Verdict(Outcome.GONE, status=status)
        after = None
        if status in _MAY_SAY_WHEN:
            for value in response.headers.getRawHeaders("Retry-After", []):
                after = parse_retry_after(value, self._wall())
        return Verdict(Outcome.RETRY, after, status)

    def _no_answer(self, failure: Failure, event_id: str) -> Verdict:
        reason = _why(failure)
        self.log.info(
            "webhook attempt without an answer: {reason}",
            reason=reason,
            event_id=event_id,
        )
        return Verdict(Outcome.RETRY, reason=reason)


def _too_late(result: Verdict | Failure, timeout_s: float) -> Verdict:
    """What the timer's cancelling came to; a status that had come is a verdict."""
    if isinstance(result, Failure):
        return Verdict(Outcome.RETRY, reason=f"no answer within {timeout_s:g} s")
    return result


def _why(failure: Failure) -> str:
    error = failure.value
    if isinstance(error, ResponseFailed) and error.reasons:
        return _why(error.reasons[0])
    return f"{type(error).__name__}: {failure.getErrorMessage()}"


def webhook_client(reactor: Any, per_endpoint: int = 8) -> HTTPClient:
    """treq as webhooks need it: kept connections, none of a browser's conveniences.

    ``per_endpoint`` is how many idle connections to one endpoint are kept: as many as
    there may be requests in flight to it.
    """
    pool = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = per_endpoint
    pool.cachedConnectionTimeout = IDLE_S
    return client_over(Agent(reactor, connectTimeout=CONNECT_S, pool=pool))


def client_over(agent: IAgent) -> HTTPClient:
    """The client of ``webhook_client`` over an agent that somebody else made."""
    return HTTPClient(
        _Plain(agent),
        cookiejar=IndexableCookieJar(DefaultCookiePolicy(allowed_domains=())),
        data_to_body_producer=_Octets,
    )


@implementer(IAgent)
class _Plain:
    """An agent under treq that takes no encoded answers.

    treq asks for gzip whatever it is told, and would unpack 4 KiB into 4 MiB: so the
    request header is put right here, below it, and an answer that is packed all the
    same stays packed, since nobody reads it.
    """

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,  # noqa: N803 - IAgent's name
    ) -> "Deferred[IResponse]":
        """IAgent.request, with the header set."""
        headers = Headers() if headers is None else headers.copy()
        headers.setRawHeaders("Accept-Encoding", ["identity"])
        d: Deferred[IResponse] = self._agent.request(method, uri, headers, bodyProducer)
        return d.addCallback(self._never_unpack)

    def _never_unpack(self, response: IResponse) -> IResponse:
        response.headers.removeHeader("Content-Encoding")
        return response


@implementer(IBodyProducer)
class _Octets:
    """A request body that is there at once: treq's own takes turns of the reactor."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":  # noqa: N802
        """Write it all."""
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Nothing is left to hold back."""

    def resumeProducing(self) -> None:
        """Nothing is left to go on with."""

    def stopProducing(self) -> None:
        """Nothing is left to stop."""


def _drained(response: IResponse) -> "Deferred[None]":
    """Fires when the answer's body is over, so that its connection can serve again.

    A body that is too long, or a cancelled Deferred, costs the connection.
    """
    drain = _Drain()
    response.deliverBody(drain)
    return drain.over


class _Drain(Protocol):
    def __init__(self) -> None:
        self._left = MAX_ANSWER
        self.over: Deferred[None] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:
        """Count, and drop."""
        self._left -= len(data)
        if self._left < 0:
            self._abort()

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """The body is over, or was cut."""
        if not self.over.called:
            self.over.callback(None)

    def _abort(self) -> None:
        # What a body protocol gets as its transport can only close politely, which
        # over TLS waits for the peer: the connection behind it, if any, is asked.
        behind = getattr(self.transport, "_producer", None)
        if behind is not None:
            behind.abortConnection()
