"""The server under the API: what it bounds, when it hangs up, what it keeps quiet."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher, textFileLogObserver
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import directlyProvides

from luckgw.ingress.http_site import (
    BODY_S,
    CLOSING_S,
    HEADER_S,
    KEEP_ALIVE_S,
    LINGER_OCTETS,
    LINGER_S,
    MAX_BODY,
    ApiRequest,
    ApiSite,
)
from luckgw.ingress.ports import Accepted
from tests.conftest import LoggedFailures
from tests.ingress.http_wire import KEY, UUID, Api, Connection, read_answers, request

LIVE = request("GET", "/health/live")
JSON = {"Content_Type": "application/json", "Authorization": f"Bearer {KEY}"}


def padded(size: int) -> bytes:
    """A good JSON body of exactly so many octets."""
    body = b'{"from":"a","to":"1","content":"x"}'
    return body + b" " * (size - len(body))


def chunked(body: bytes, size: int = 4096) -> bytes:
    """A body in chunks, whole."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in [*pieces, b""])


class TestABody:
    def test_of_64_kib_is_read(self, api: Api) -> None:
        """The limit itself is allowed."""
        assert api.call("POST", "/api/v1/send/", padded(MAX_BODY), **JSON).status == 200

    def test_that_says_it_is_longer_is_refused_before_it_comes(self, api: Api) -> None:
        """413 on the header alone; then the connection closes."""
        octets = request("POST", "/api/v1/send/", padded(MAX_BODY + 1), **JSON)
        header, _, body = octets.partition(b"\r\n\r\n")
        connection = api.connect()
        connection.send(header + b"\r\n\r\n")
        (answer,) = connection.answers()
        assert (answer.status, answer.body) == (413, b"PDU Error")
        assert answer.headers["Connection"] == "close"
        assert answer.headers["Cache-Control"] == "no-store"
        connection.send(body)
        assert api.pipeline.taken == []
        assert connection.answers() == []

    def test_that_comes_with_its_header_is_refused_as_well(self, api: Api) -> None:
        """The same when all of it is in one read, and in JSON when that is asked."""
        body = padded(MAX_BODY + 1)
        answer = api.call(
            "POST", "/api/v1/send/", body, Accept="application/json", **JSON
        )
        assert answer.status == 413
        assert answer.json["error"]["detail"] == "the body is longer than 65536 octets"
        assert api.pipeline.taken == []

    def test_that_waits_to_be_told_is_not_told_to_come(self, api: Api) -> None:
        """Expect: 100-continue gets the refusal and no 100."""
        headers = {"Expect": "100-continue", "Content_Length": "200000000", **JSON}
        connection = api.connect()
        connection.send(request("PUT", "/api/v1/send/", **headers))
        octets = connection.transport.value()
        assert octets.startswith(b"HTTP/1.1 413 ")
        assert b"100 Continue" not in octets

    def test_within_the_limit_is_told_to_come(self, api: Api) -> None:
        """The other side of the same rule."""
        connection = api.connect()
        headers = {"Expect": "100-continue", "Content_Length": "5", **JSON}
        connection.send(request("PUT", "/api/v1/send/", **headers))
        assert connection.transport.value() == b"HTTP/1.1 100 Continue\r\n\r\n"

    def test_in_chunks_is_counted(self, api: Api) -> None:
        """No Content-Length: the count decides, before more is kept."""
        head = request("PUT", "/api/v1/send/", Transfer_Encoding="chunked", **JSON)
        head = head.replace(b"PUT", b"POST")
        connection = api.connect()
        connection.send(head + chunked(padded(MAX_BODY)))
        assert connection.answers()[0].status == 200
        connection.send(head + chunked(padded(MAX_BODY + 1)))
        assert connection.answers()[0].status == 413
        assert len(api.pipeline.taken) == 1

    def test_in_endless_chunks_is_not_kept(self, api: Api) -> None:
        """After the refusal nothing is stored, and a megabyte later we hang up."""
        head = request("PUT", "/", Transfer_Encoding="chunked")
        connection = api.connect()
        connection.send(head)
        piece = chunked(b"x" * 65536).removesuffix(b"0\r\n\r\n")
        connection.send(piece)
        connection.send(piece)
        assert connection.answers()[0].status == 413
        sent = 0
        while not connection.is_closing():
            connection.send(piece)
            sent += len(piece)
        assert LINGER_OCTETS < sent < LINGER_OCTETS + 2 * len(piece)
        connection.send(piece)
        assert connection.answers() == []

    def test_refused_is_waited_out_for_a_little_while(self, api: Api) -> None:
        """So that the answer gets through; then close, then cut."""
        connection = api.connect()
        connection.send(request("PUT", "/", Content_Length="70000"))
        api.clock.pump([1] * int(LINGER_S - 1))
        assert not connection.is_closing()
        api.clock.advance(1)
        assert connection.is_closing()
        assert not connection.is_cut()
        api.clock.pump([1] * int(CLOSING_S))
        assert connection.is_cut()


class TestDeadlines:
    """Absolute: an octet now and then buys no time."""

    def test_of_a_header(self, api: Api) -> None:
        """A header that trickles in is given up after 10 s."""
        connection = api.connect()
        for octet in LIVE[: int(HEADER_S) - 1]:
            api.clock.advance(1)
            connection.send(bytes([octet]))
        assert not connection.is_cut()
        api.clock.advance(1)
        assert connection.is_cut()

    def test_of_a_body(self, api: Api) -> None:
        """A body that trickles in is given up after 30 s."""
        connection = api.connect()
        octets = request("POST", "/api/v1/send/", padded(100), **JSON)
        connection.send(octets[:-100])
        for octet in octets[-100:][: int(BODY_S) - 1]:
            api.clock.advance(1)
            connection.send(bytes([octet]))
        assert not connection.is_cut()
        api.clock.advance(1)
        assert connection.is_cut()

    def test_of_a_connection_without_requests(self, api: Api) -> None:
        """After 75 s we close it politely; a peer that stays is cut."""
        connection = api.connect()
        connection.send(LIVE)
        api.clock.pump([1] * (int(KEEP_ALIVE_S) - 1))
        assert not connection.is_closing()
        api.clock.advance(1)
        assert connection.is_closing()
        assert not connection.is_cut()
        api.clock.pump([1] * int(CLOSING_S))
        assert connection.is_cut()

    def test_start_anew_with_each_request(self, api: Api) -> None:
        """A second request has 10 s for its header, however long the pause was."""
        connection = api.connect()
        connection.send(LIVE)
        api.clock.pump([1] * 70)
        connection.send(LIVE[:-2])
        api.clock.pump([1] * 9)
        connection.send(LIVE[-2:])
        assert len(connection.answers()) == 2
        connection.send(LIVE[:1])
        api.clock.pump([1] * 10)
        assert connection.is_cut()

    def test_do_not_hurry_the_store(self, api: Api) -> None:
        """While we are the ones who work, the caller is not cut off."""
        stored = api.pipeline.waiting = Deferred()
        connection = api.connect()
        connection.send(request("POST", "/api/v1/send/", padded(40), **JSON))
        api.clock.pump([1] * 100)
        assert not connection.is_closing()
        stored.callback(Accepted(UUID, 1, "gsm7"))
        assert connection.answers()[0].status == 200


class TestConnections:
    def test_are_kept_and_may_be_pipelined(self, api: Api) -> None:
        """Many requests in one read, however the octets are cut."""
        octets = LIVE * 3
        for cut in range(0, len(octets), 17):
            connection = api.connect()
            connection.send(octets[:cut])
            connection.send(octets[cut:])
            assert [a.status for a in connection.answers()] == [200] * 3

    def test_are_closed_when_the_client_says_so(self, api: Api) -> None:
        """Connection: close, and HTTP/1.0."""
        for octets in (
            request("GET", "/health/live", Connection="close"),
            LIVE.replace(b"1.1", b"1.0"),
        ):
            connection = api.connect()
            connection.send(octets)
            assert connection.answers()[0].status == 200
            assert connection.is_closing()

    def test_beyond_the_limit_are_not_taken(self, api: Api) -> None:
        """Until another one goes."""
        site = api.site_of(Resource(), max_connections=2)
        first, _ = Connection(site), Connection(site)
        assert site.buildProtocol(None) is None
        assert site.buildProtocol(None) is None
        first.lose()
        assert site.buildProtocol(None) is not None

    def test_have_nagle_off(self, api: Api) -> None:
        """Nagle and a delayed ACK together cost 40 ms a turn."""

        class Tcp(StringTransport):
            is_nodelay = False

            def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802
                self.is_nodelay = enabled

        transport = Tcp()  # type: ignore[no-untyped-call]
        directlyProvides(transport, ITCPTransport)
        api.site.buildProtocol(None).makeConnection(transport)
        assert transport.is_nodelay

    def test_speak_http_1_1_alone(self, api: Api) -> None:
        """Whatever else is installed: the limits here are for it."""
        assert api.site.acceptableProtocols() == [b"http/1.1"]

    @pytest.mark.parametrize(
        "header",
        [
            "Content-Length: " + "9" * 5000,
            "Content-Length: -1",
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "X: " + "x" * 20_000,
        ],
    )
    def test_with_a_broken_header_are_told_and_closed(
        self, api: Api, header: str
    ) -> None:
        """400, and no traceback in the log."""
        connection = api.connect()
        connection.send(f"POST / HTTP/1.1\r\n{header}\r\n\r\n".encode())
        assert connection.transport.value().startswith(b"HTTP/1.1 400 ")
        assert connection.is_closing()


class TestDrain:
    def test_closes_what_is_idle_and_finishes_what_is_not(self, api: Api) -> None:
        """It is over when the last answer is out and all are gone."""
        stored = api.pipeline.waiting = Deferred()
        idle, busy, slow = api.connect(), api.connect(), api.connect()
        idle.send(LIVE)
        busy.send(request("POST", "/api/v1/send/", padded(40), **JSON))
        slow.send(LIVE[:9])
        done: list[None] = []
        api.site.drain().addCallback(done.append)
        assert idle.is_closing()
        idle.lose()
        assert not busy.is_closing()
        stored.callback(Accepted(UUID, 1, "gsm7"))
        assert busy.answers()[0].status == 200
        assert busy.is_closing()
        busy.lose()
        slow.send(LIVE[9:])
        (answer,) = slow.answers()
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert slow.is_closing()
        assert done == []
        slow.lose()
        assert done == [None]
        assert not api.clock.getDelayedCalls()

    def test_is_over_at_once_when_nobody_is_there(self, api: Api) -> None:
        """Nothing to wait for."""
        done: list[None] = []
        api.site.drain().addCallback(done.append)
        api.site.stopFactory()
        assert done == [None]

    def test_of_a_site_without_ports_is_over_too(self, api: Api) -> None:
        """[http] listen may be empty."""
        done: list[None] = []
        ApiSite(Resource(), api.clock).drain().addCallback(done.append)
        assert done == [None]


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All of the log, of every level, as text."""
    text = io.StringIO()
    observer = textFileLogObserver(text)
    globalLogPublisher.addObserver(observer)
    try:
        yield text
    finally:
        globalLogPublisher.removeObserver(observer)


class TestTheLog:
    def test_never_holds_a_key_a_number_or_a_text(self, api: Api) -> None:
        """Not of good calls, nor of bad ones, wherever they carry them."""
        secrets = [KEY, "233501234567", "TopSecret"]
        query = f"api_key={KEY}&from=a&to=233501234567&content=TopSecret"
        with everything_logged() as text:
            api.call("GET", f"/api/v1/send/?{query}")
            api.call("GET", f"/api/v1/send/?{query}&to=1")
            api.call("GET", f"/api/v1/sent/?{query}")
            api.call("PUT", f"/api/v1/send/?{query}", query.encode())
            connection = api.connect()
            connection.send(f"GET /?{query} HTTP".encode())
            api.clock.pump([1] * 20)
        assert connection.is_cut()
        assert [secret for secret in secrets if secret in text.getvalue()] == []

    def test_has_what_nobody_caught(
        self, api: Api, logged_failures: LoggedFailures
    ) -> None:
        """A resource that fails by Twisted's own way: 500, told by a reference."""

        class Broken(Resource):
            isLeaf = True

            def render(self, request: ApiRequest) -> int:
                request.processingFailed(Failure(RuntimeError("secret 4711")))
                return NOT_DONE_YET

        connection = Connection(api.site_of(Broken()))  # type: ignore[no-untyped-call]
        connection.send(LIVE)
        (answer,) = read_answers(connection.transport.value())
        assert (answer.status, answer.body) == (500, b"(8) System Error")
        assert answer.headers["X-Error-Detail"].startswith(
            "unexpected error, reference"
        )
        assert len(logged_failures.flush(RuntimeError)) == 1
