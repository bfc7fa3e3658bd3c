# mypy: allow-untyped-calls
"""The HTTP server under the API: its limits, its deadlines and its silence.

Twisted's own Site takes a body of any length into a file, lets a trickle of octets keep
a connection for ever, names its version, and logs whole URLs, keys included. This one
does none of that (spec/reliability 7.4): a body has 64 KiB at most, a header 10 s, a
body 30 s, a connection without a request 75 s; there is no access log.
"""

from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.http import Request as HttpRequest
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from luckgw.domain.errors import Refusal
from luckgw.ingress.http_answers import asks_json
from luckgw.ingress.http_errors import not_found, render, too_large

MAX_BODY: Final = 64 * 1024
MAX_CONNECTIONS: Final = 1000
HEADER_S: Final = 10.0
"""From the first octet of a request (or the connection) to the end of its header."""
BODY_S: Final = 30.0
KEEP_ALIVE_S: Final = 75.0
SWEEP_S: Final = 1.0
"""How often the deadlines are looked at: one timer for all connections."""
LINGER_S: Final = 2.0
LINGER_OCTETS: Final = 1024 * 1024
"""How long and how much is still read, and dropped, of a body that was refused: closing
at once would reset the connection under the answer."""
CLOSING_S: Final = 15.0
_LONGEST_LENGTH = 40
"""Of a Content-Length header: int() raises for thousands of digits."""

_log = Logger()

_HEADERS = Headers(
    {
        "Cache-Control": ["no-store"],
        "Referrer-Policy": ["no-referrer"],
        "X-Content-Type-Options": ["nosniff"],
    }
)


class ApiRequest(Request):
    """One call: its body is bounded, its answers carry the API's headers."""

    answers_json = False
    """Whether the answer, or the refusal, is to be JSON."""
    query = b""
    """What followed the ``?``."""
    channel: "ApiChannel"

    def __init__(self, channel: "ApiChannel", *args: Any, **kwargs: Any) -> None:
        super().__init__(channel, *args, **kwargs)
        self.responseHeaders = _HEADERS.copy()
        self.content = self._body = BytesIO()
        self._is_too_large = False

    # -- the body comes in -------------------------------------------------------------

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The header is complete: refuse a body that says it is too long."""
        if length is not None and length > MAX_BODY:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A piece of the body: keep it, as long as all of them are not too long."""
        if self._is_too_large:
            return
        if self._body.tell() + len(data) > MAX_BODY:
            self._refuse_body()
        else:
            self._body.write(data)

    def _refuse_body(self) -> None:
        self._is_too_large = True
        self.requestHeaders.removeHeader("Expect")  # or it would be told to go on
        self.method, self.clientproto = self.channel.method_and_version()
        self.setHeader("Connection", "close")
        self.channel.linger()
        self._answer(too_large(MAX_BODY))

    def parseCookies(self) -> None:  # noqa: N802
        """The API knows no cookies: a browser's must never pay for a message."""

    # -- the call is complete ----------------------------------------------------------

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of it is here. HOT PATH; parameters are read where they are needed."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path, _, self.query = path.partition(b"?")
        self.process()

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._body.getvalue()

    def process(self) -> None:
        """Hand the call to the API."""
        self.site = self.channel.site
        self.responseHeaders.setRawHeaders(b"Date", [datetimeToString()])
        self.answers_json = self._asks_json()
        self.prepath = []
        self.postpath = [unquote_to_bytes(part) for part in self.path[1:].split(b"/")]
        try:
            b"/".join(self.postpath).decode("utf-8")
        except UnicodeDecodeError:
            self._answer(not_found())
            return
        self.render(self.site.resource)

    def getRequestHostname(self) -> bytes:  # noqa: N802
        """One name for all: the router asks, and chokes on a Host header of garbage."""
        return b"luckgw"

    def processingFailed(self, reason: Failure) -> Failure:  # noqa: N802
        """What nobody caught: logged, and told without a word about what it was."""
        body = render(self, reason, self.answers_json)
        self.write(body)
        self.finish()
        return reason

    def _asks_json(self) -> bool:
        # As much as can be known without the parameters and the key.
        if asks_json(self.getHeader(b"Accept") or b""):
            return True
        return bool(self.query) and b"format=json" in self.query.split(b"&")

    def _answer(self, refusal: Refusal) -> None:
        self.write(render(self, Failure(refusal), self._asks_json()))
        self.finish()


class ApiChannel(HTTPChannel):
    """One connection, with absolute deadlines in place of Twisted's idle timer."""

    site: "ApiSite"
    deadline: float | None = None
    """When it is given up, on the site's clock; None while we are the ones at work."""
    _is_idle = False
    _is_dropping = False
    _is_closing = False
    _dropped = 0

    def connectionMade(self) -> None:
        """The deadline for the first request runs from here."""
        super().connectionMade()
        self.deadline = self._in(HEADER_S)
        self.site.channels.add(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Forget it."""
        super().connectionLost(reason)
        self.site.forget(self)

    def dataReceived(self, data: bytes) -> None:
        """Octets came; after a refused body they are dropped."""
        if self._is_idle:
            self._is_idle = False
            self.deadline = self._in(HEADER_S)
        if not self._is_dropping:
            super().dataReceived(data)
            return
        self._dropped += len(data)
        if self._dropped > LINGER_OCTETS:
            self.loseConnection()

    def headerReceived(self, line: bytes) -> bool:  # noqa: N802
        """One header: a Content-Length beyond all measure is a bad request."""
        if len(line) > _LONGEST_LENGTH and line[:15].lower() == b"content-length:":
            self._respondToBadRequestAndDisconnect()
            return False
        is_good: bool = super().headerReceived(line)
        return is_good

    def lineLengthExceeded(self, _line: bytes) -> None:  # noqa: N802
        """A header line of more than 16 KiB: told, where Twisted would only hang up."""
        self._respondToBadRequestAndDisconnect()

    def checkPersistence(self, request: Request, version: bytes) -> bool:  # noqa: N802
        """Whether another request may follow: not when the gateway is to stop."""
        if self.site.is_draining:
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            return False
        is_persistent: bool = super().checkPersistence(request, version)
        return is_persistent

    def allHeadersReceived(self) -> None:  # noqa: N802
        """Now the body has its own deadline."""
        self.deadline = self._in(BODY_S)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:  # noqa: N802
        """The call is ours to answer: no deadline, the store has its own."""
        if not self._is_dropping:
            self.deadline = None
            super().allContentReceived()

    def requestDone(self, request: Request) -> None:  # noqa: N802
        """Answered: wait for the next request, if there may be one."""
        if self._is_dropping:
            self.requests.remove(request)
            return
        self._is_idle = True
        self.deadline = self._in(KEEP_ALIVE_S)
        super().requestDone(request)

    def method_and_version(self) -> tuple[bytes, bytes]:
        """Of the request whose header has come, and its body perhaps not yet."""
        return self._command, self._version

    def linger(self) -> None:
        """From now on drop what comes, for a little while, then close."""
        self._is_dropping = True
        self.deadline = self._in(LINGER_S)

    def expire(self) -> None:
        """The deadline has passed."""
        if self._is_closing or not (self._is_idle or self._is_dropping):
            self.forceAbortClient()
        else:
            self.loseConnection()

    def drain(self) -> None:
        """Take no further request; one that has begun to come is still answered."""
        if self._is_idle:
            self.loseConnection()
        elif self.deadline is None:
            self.persistent = False

    def loseConnection(self) -> None:
        """Close politely; if the peer stays on, the next deadline is the last."""
        if not self._is_closing:
            self._is_closing = self._is_dropping = True
            self.deadline = self._in(CLOSING_S)
            super().loseConnection()

    def _in(self, seconds: float) -> float:
        return self.site.reactor.seconds() + seconds


class ApiSite(Site):
    """The factory of all connections to the API.

    ``resource`` answers the calls; ``clock`` is monotonic.
    """

    noisy = False
    protocol = ApiChannel  # type: ignore[assignment]
    requestFactory = ApiRequest  # noqa: N815 - Twisted's

    def __init__(
        self,
        resource: IResource,
        clock: IReactorTime,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        super().__init__(resource, reactor=clock, parsePOSTFormSubmission=False)
        self.timeOut = None  # the channel's deadlines are in force
        self.channels: set[ApiChannel] = set()
        self.is_draining = False
        self._max_connections = max_connections
        self._is_full = False
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = clock
        self._drained: Deferred[None] | None = None

    def startFactory(self) -> None:
        """Look after the deadlines. Opens no log, where Twisted's would."""
        self._sweeper.start(SWEEP_S, now=False)

    def stopFactory(self) -> None:
        """The last port is closed; connections may still be there, see ``drain``."""

    def log(self, request: HttpRequest) -> None:
        """No access log: a URL may hold a key, a number and a text."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """HTTP/1.1 alone: the limits here are for it."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A channel for a new connection, or None when there are too many."""
        if len(self.channels) >= self._max_connections:
            if not self._is_full:
                self._is_full = True
                _log.warn(
                    "no more HTTP connections: {limit} are open",
                    limit=self._max_connections,
                )
            return None
        self._is_full = False
        return super().buildProtocol(addr)

    def drain(self) -> "Deferred[None]":
        """Answer what is being answered, take no more; fires when all are gone.

        To be called when the ports are closed.
        """
        self.is_draining = True
        for channel in list(self.channels):
            channel.drain()
        drained = self._drained = Deferred()
        self._check_drained()
        return drained

    def forget(self, channel: ApiChannel) -> None:
        """A connection is gone."""
        self.channels.discard(channel)
        self._check_drained()

    def _check_drained(self) -> None:
        if self._drained is not None and not self.channels:
            drained, self._drained = self._drained, None
            if self._sweeper.running:
                self._sweeper.stop()
            drained.callback(None)

    def _sweep(self) -> None:
        now = self.reactor.seconds()
        for channel in list(self.channels):
            if channel.deadline is not None and channel.deadline <= now:
                channel.expire()
