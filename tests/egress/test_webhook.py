# mypy: allow-untyped-calls
"""One webhook attempt: what is sent, what the answers mean, how long it may take."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from luckgw import __version__
from luckgw.domain.states import State
from luckgw.egress.webhook import (
    AddressRefused,
    Outcome,
    Verdict,
    WebhookNotifier,
    client_over,
    status_update_body,
    webhook_client,
)

URL = "https://customer.example/hooks/sms?token=a%2Fb"
UUID = "f48c1e28-0c5d-4c5e-9d0a-0123456789ab"
BODY = b'{"event":"sms.status_update"}'
EVENT = "evt_1"
NOW = 1_698_417_005.9


class Endpoint(Resource):
    """A customer's server on a memory transport: answers as it is told."""

    isLeaf = True

    def __init__(self, respond: Callable[[Request], bytes | int] | None = None) -> None:
        super().__init__()
        self.respond = respond or (lambda _: b"")
        self.bodies: list[bytes] = []
        self.headers: list[Headers] = []
        self.uris: list[bytes] = []

    def render(self, request: Request) -> bytes | int:
        """Keep it, then answer."""
        assert request.content is not None
        self.bodies.append(request.content.read())
        self.headers.append(request.requestHeaders.copy())
        self.uris.append(request.uri)
        assert request.method == b"POST"
        return self.respond(request)


class Gateway:
    """A notifier whose network is one endpoint."""

    def __init__(self, endpoint: Endpoint, **options: Any) -> None:
        self.clock = Clock()
        self.agent = RequestTraversalAgent(endpoint)
        self.notifier = WebhookNotifier(
            client_over(self.agent), self.clock, lambda: NOW, **options
        )
        self.verdicts: list[Verdict] = []

    def post(self, attempt: int = 1, **options: Any) -> "Deferred[Verdict]":
        """Make one attempt."""
        d = self.notifier.post(URL, BODY, EVENT, attempt, **options)
        d.addCallback(self.verdicts.append)
        self.agent.flush()
        return d


def answering(status: int, **headers: str) -> Endpoint:
    """An endpoint that answers every request so."""

    def respond(request: Request) -> bytes:
        request.setResponseCode(status)
        for name, value in headers.items():
            request.setHeader(name.replace("_", "-"), value)
        return b"an answer"

    return Endpoint(respond)


class TestTheBody:
    def test_is_the_portals_byte_for_byte(self) -> None:
        """The same keys in the same order, whole seconds, Z."""
        body = status_update_body(
            UUID, State.DELIVERED, "LuckCreators", "233501234567", 1_698_417_005_999
        )
        assert body == (
            b'{"event":"sms.status_update","data":{"message_id":"%s",'
            b'"status":"DELIVERED","sender_id":"LuckCreators",'
            b'"recipient":"233501234567","updated_at":"2023-10-27T14:30:05Z"}}'
            % UUID.encode()
        )

    @given(
        st.sampled_from(State), st.text(), st.text(), st.integers(0, 4_000_000_000_000)
    )
    def test_is_json_whatever_the_names_are(
        self, state: State, sender: str, recipient: str, updated_ms: int
    ) -> None:
        """Quotes, controls, any script."""
        body = status_update_body(UUID, state, sender, recipient, updated_ms)
        data = json.loads(body)["data"]
        assert list(data) == [
            "message_id",
            "status",
            "sender_id",
            "recipient",
            "updated_at",
        ]
        assert (data["sender_id"], data["recipient"]) == (sender, recipient)
        assert data["status"] == state.word


class TestARequest:
    def test_carries_the_body_as_it_is_and_the_headers(self) -> None:
        """Standard Webhooks' names, the attempt's number, our name."""
        endpoint = Endpoint()
        Gateway(endpoint).post(attempt=3)
        assert endpoint.bodies == [BODY]
        assert endpoint.uris == [b"/hooks/sms?token=a%2Fb"]
        (headers,) = endpoint.headers
        sent = {name.lower(): values for name, values in headers.getAllRawHeaders()}
        assert sent[b"content-type"] == [b"application/json"]
        assert sent[b"user-agent"] == [f"luckgw/{__version__}".encode()]
        assert sent[b"webhook-id"] == [EVENT.encode()]
        assert sent[b"webhook-timestamp"] == [b"1698417005"]
        assert sent[b"x-attempt"] == [b"3"]
        assert sent[b"accept-encoding"] == [b"identity"]
        assert sent[b"content-length"] == [b"%d" % len(BODY)]

    def test_carries_what_the_signer_says(self) -> None:
        """It signs the id, the time of this attempt and the very octets."""
        endpoint = Endpoint()
        asked = []

        def signer(event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
            asked.append((event_id, timestamp, body))
            return {"webhook-signature": "v1,abc="}

        Gateway(endpoint).post(signer=signer)
        assert asked == [(EVENT, 1698417005, BODY)]
        (headers,) = endpoint.headers
        assert headers.getRawHeaders(b"webhook-signature") == [b"v1,abc="]

    def test_brings_no_cookie_back(self) -> None:
        """A cookie of one endpoint is nobody's business, not even its own."""
        endpoint = answering(200, Set_Cookie="session=1; Path=/")
        gateway = Gateway(endpoint)
        gateway.post()
        gateway.post()
        assert [h.hasHeader(b"Cookie") for h in endpoint.headers] == [False, False]

    def test_is_not_made_to_a_refused_address(self) -> None:
        """The check sees the URL before each attempt, and its word is the reason."""
        endpoint = Endpoint()

        def check(url: str) -> None:
            raise AddressRefused(f"{url} is private")

        gateway = Gateway(endpoint, address_check=check)
        gateway.post()
        (verdict,) = gateway.verdicts
        assert verdict.outcome is Outcome.RETRY
        assert verdict.reason == f"AddressRefused: {URL} is private"
        assert endpoint.bodies == []


class TestAnAnswer:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_of_2xx_is_delivery(self, status: int) -> None:
        """Any of them, whatever the body says."""
        gateway = Gateway(answering(status))
        gateway.post()
        assert gateway.verdicts == [Verdict(Outcome.DELIVERED, status=status)]

    @pytest.mark.parametrize("status", [300, 400, 401, 404, 500, 502, 504])
    def test_of_most_others_is_a_retry(self, status: int) -> None:
        """Retry-After counts for 429 and 503 alone."""
        gateway = Gateway(answering(status, Retry_After="7"))
        gateway.post()
        assert gateway.verdicts == [Verdict(Outcome.RETRY, status=status)]

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_of_3xx_is_not_followed(self, status: int) -> None:
        """A redirect could lead anywhere (ASVS 15.3.2)."""
        endpoint = answering(status, Location="https://customer.example/elsewhere")
        gateway = Gateway(endpoint)
        gateway.post()
        assert gateway.verdicts == [Verdict(Outcome.RETRY, status=status)]
        assert len(endpoint.bodies) == 1

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("value", "after"),
        [
            ("30", 30.0),
            ("86400", 3600.0),
            ("Fri, 27 Oct 2023 14:31:05 GMT", pytest.approx(59.1)),
            ("soon", None),
        ],
    )
    def test_may_say_when_to_come_again(
        self, status: int, value: str, after: float | None
    ) -> None:
        """Seconds or a date, up to an hour."""
        gateway = Gateway(answering(status, Retry_After=value))
        gateway.post()
        assert gateway.verdicts == [Verdict(Outcome.RETRY, after, status)]

    def test_of_410_is_goodbye(self) -> None:
        """The endpoint is to be disabled."""
        gateway = Gateway(answering(410))
        gateway.post()
        assert gateway.verdicts == [Verdict(Outcome.GONE, status=410)]

    def test_that_is_endless_is_cut_and_counts_by_its_status(self) -> None:
        """4 KiB are read; the rest of the stream costs its sender the connection."""
        requests: list[Request] = []

        def pour(request: Request) -> int:
            requests.append(request)
            request.write(b"x" * 4096)
            return NOT_DONE_YET

        gateway = Gateway(Endpoint(pour))
        gone: list[Any] = []
        gateway.post()
        requests[0].notifyFinish().addErrback(gone.append)
        gateway.agent.flush()
        assert gateway.verdicts == []
        requests[0].write(b"x")
        gateway.agent.flush()
        gateway.agent.flush()
        assert gateway.verdicts == [Verdict(Outcome.DELIVERED, status=200)]
        assert len(gone) == 1

    def test_that_is_packed_stays_packed(self) -> None:
        """A megabyte in a kilobyte of gzip is a kilobyte to us."""
        packed = gzip.compress(bytes(1_000_000))

        def respond(request: Request) -> bytes:
            request.setHeader(b"Content-Encoding", b"gzip")
            return packed

        gateway = Gateway(Endpoint(respond))
        gateway.post()
        assert len(packed) < 4096
        assert gateway.verdicts == [Verdict(Outcome.DELIVERED, status=200)]


class TestWaiting:
    def test_ends_after_fifteen_seconds_without_an_answer(self) -> None:
        """Then it is a retry, and no timer is left."""
        gateway = Gateway(Endpoint(lambda _: NOT_DONE_YET))
        gateway.post()
        gateway.clock.advance(14.9)
        assert gateway.verdicts == []
        gateway.clock.advance(0.1)
        reason = "no answer within 15 s"
        assert gateway.verdicts == [Verdict(Outcome.RETRY, reason=reason)]
        assert gateway.clock.getDelayedCalls() == []

    def test_is_as_long_as_is_configured(self) -> None:
        """[webhooks] timeout_s."""
        gateway = Gateway(Endpoint(lambda _: NOT_DONE_YET), timeout_s=2)
        gateway.post()
        gateway.clock.advance(2)
        assert len(gateway.verdicts) == 1

    def test_for_the_rest_of_a_body_does_not_change_the_verdict(self) -> None:
        """The status has come, so the receiver has the event."""

        def drip(request: Request) -> int:
            request.write(b"x")
            return NOT_DONE_YET

        gateway = Gateway(Endpoint(drip))
        gateway.post()
        assert gateway.verdicts == []
        gateway.clock.advance(15)
        assert gateway.verdicts == [Verdict(Outcome.DELIVERED, status=200)]

    def test_may_be_cancelled(self) -> None:
        """At a stop the event goes back to the queue."""
        gateway = Gateway(Endpoint(lambda _: NOT_DONE_YET))
        gateway.post().cancel()
        assert gateway.verdicts == [Verdict(Outcome.RETRY, reason="CancelledError: ")]
        assert gateway.clock.getDelayedCalls() == []

    def test_leaves_nothing_behind_when_it_was_short(self) -> None:
        """No timer survives an answer."""
        gateway = Gateway(answering(200))
        gateway.post()
        assert gateway.clock.getDelayedCalls() == []


@implementer(IAgent)
class Broken:
    """A network that fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def request(
        self,
        _method: bytes,
        _uri: bytes,
        _headers: Headers | None = None,
        _body: IBodyProducer | None = None,
    ) -> "Deferred[Any]":
        """Fail."""
        return fail(self._error)


class TestTrouble:
    @pytest.mark.parametrize("error", [Refused("no"), OSError("DNS"), ValueError("x")])
    def test_of_the_network_is_a_retry_with_its_reason(self, error: Exception) -> None:
        """Nothing that the world does makes the Deferred fail."""
        notifier = WebhookNotifier(client_over(Broken(error)), Clock(), lambda: NOW)
        verdicts: list[Verdict] = []
        notifier.post(URL, BODY, EVENT, 1).addCallback(verdicts.append)
        assert verdicts[0].outcome is Outcome.RETRY
        assert verdicts[0].reason.startswith(type(error).__name__)

    @pytest.mark.parametrize("url", ["ftp://x/", "nonsense", "http://[", "http:///x"])
    def test_of_a_url_is_a_retry_as_well(self, url: str) -> None:
        """What the configuration lets through must not stop the queue."""
        reactor = MemoryReactorClock()
        notifier = WebhookNotifier(webhook_client(reactor), reactor, lambda: NOW)
        verdicts: list[Verdict] = []
        notifier.post(url, BODY, EVENT, 1).addCallback(verdicts.append)
        reactor.advance(15)
        assert verdicts[0].outcome is Outcome.RETRY


class TestTheClient:
    def test_gives_a_connection_five_seconds(self) -> None:
        """A host that does not answer is given up early."""
        reactor = MemoryReactorClock()
        notifier = WebhookNotifier(webhook_client(reactor), reactor, lambda: NOW)
        notifier.post("http://127.0.0.1:1/", BODY, EVENT, 1)
        ((_, port, _, timeout, _),) = reactor.tcpClients
        assert (port, timeout) == (1, 5)
