"""Promises of the HTTP load generator, against scripted servers, in memory."""

import json
from collections.abc import Callable
from itertools import count
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from luckgw.sandbox.load import LoadError
from luckgw.sandbox.load_http import (
    Answers,
    BadAnswer,
    HttpLoad,
    HttpPlan,
    request_maker,
)
from luckgw.sandbox.load_report import Report
from tests.sandbox.memory import Network, result_of

URL = "http://127.0.0.1:8080/api/v1/send/"
PLAN = HttpPlan(URL, "lk_test_key", connections=3, count=20)


def ok(number: int, *, extra: str = "") -> bytes:
    """The answer of a gateway that accepted a message."""
    body = f'Success "{number:08x}-0000-4000-8000-000000000000"'
    return answer(200, body, extra)


def answer(status: int, body: str, extra: str = "") -> bytes:
    """An HTTP answer."""
    head = f"HTTP/1.1 {status} Whatever\r\nServer: x\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


#: Gives the answer to request number n; None is none, b"" hangs up.
Script = Callable[[int], bytes | None]


class Server(Factory):
    """Answers requests as the script says."""

    noisy = False

    def __init__(self, script: Script) -> None:
        self.script = script
        self.numbers = count()
        self.requests: list[bytes] = []
        self.connections = 0

    def buildProtocol(self, _address: object) -> Protocol:
        """One connection."""
        self.connections += 1
        return _Connection(self)


@attrs.define(slots=False, eq=False)
class _Connection(Protocol):
    _server: Server

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self._server.requests.append(data)
        said = self._server.script(next(self._server.numbers))
        if said is None:
            return
        self.transport.write(said)
        if not said or b"Connection: close" in said:
            self.transport.loseConnection()


@attrs.define
class Run:
    """A load run in memory."""

    server: Server
    network: Network
    done: Deferred[Report]

    def report(self, seconds: float = 0.0, step: float = 0.5) -> Report:
        """What came out after so many seconds."""
        self.network.run(seconds, step)
        return result_of(self.done)


@pytest.fixture
def begin(clock: Clock) -> Callable[..., Run]:
    """Start a run of a plan against a script."""

    def begin(script: Script, plan: HttpPlan = PLAN) -> Run:
        server = Server(script)
        network = Network(clock, server)
        load = HttpLoad(clock, network, plan)
        return Run(server, network, ensureDeferred(load.run()))

    return begin


class TestVerdict:
    def test_all_accepted_under_their_own_ids(
        self, begin: Callable[..., Run], clock: Clock
    ) -> None:
        """Every request answered with a fresh id: ok, and the connections are kept."""
        run = begin(ok)
        report = run.report()
        assert report.ok
        assert (report.sent, report.accepted, report.unanswered) == (20, 20, 0)
        assert (report.mode, report.connections) == ("http", 3)
        assert report.receipts is None
        assert run.server.connections == 3
        assert clock.getDelayedCalls() == []

    def test_refusals_are_counted_by_status(self, begin: Callable[..., Run]) -> None:
        """What was refused is told by its status."""
        run = begin(lambda n: answer(429, "(88) Throttled") if n < 5 else ok(n))
        report = run.report()
        assert not report.ok
        assert (report.accepted, report.errors) == (15, {"429": 5})

    def test_a_success_without_an_id_is_none(self, begin: Callable[..., Run]) -> None:
        """200 alone is not acceptance."""
        report = begin(lambda _n: answer(200, "welcome")).report()
        assert (report.accepted, report.errors) == (0, {"200 without an id": 20})

    def test_an_id_given_twice_is_told(self, begin: Callable[..., Run]) -> None:
        """Two messages under one id are one message lost."""
        report = begin(lambda n: ok(n // 2)).report()
        assert not report.ok
        assert report.duplicate_ids == 10

    def test_what_is_not_http_is_told(self, begin: Callable[..., Run]) -> None:
        """The connection is closed, since nobody knows where an answer ends."""
        run = begin(lambda n: b"220 smtp ready\r\n\r\n" if n == 3 else ok(n))
        report = run.report(1)
        assert report.errors == {"no HTTP/1.1 status line": 1}
        assert report.accepted == 19
        assert run.server.connections == 4


class TestConnections:
    def test_a_close_that_was_announced_costs_nothing(
        self, begin: Callable[..., Run]
    ) -> None:
        """Another connection takes its place at once."""
        run = begin(lambda n: ok(n, extra="Connection: close\r\n"))
        report = run.report()
        assert report.ok
        assert run.server.connections >= 20

    def test_a_close_instead_of_an_answer_is_a_lost_request(
        self, begin: Callable[..., Run]
    ) -> None:
        """It is not sent again: the message may have been accepted."""
        run = begin(lambda n: b"" if n == 7 else ok(n))
        report = run.report(1)
        assert not report.ok
        assert (report.sent, report.accepted, report.unanswered) == (20, 19, 1)

    def test_a_request_that_is_never_answered_is_given_up(
        self, begin: Callable[..., Run]
    ) -> None:
        """After response_s, with its connection; the others go on."""
        run = begin(lambda n: None if n == 0 else ok(n))
        report = run.report(12)
        assert (report.accepted, report.unanswered) == (19, 1)

    def test_nobody_listens(self, clock: Clock) -> None:
        """The run does not begin, and one sentence says why."""
        load = HttpLoad(clock, Network(clock, None), PLAN)
        with pytest.raises(LoadError, match="cannot connect: Connection was refused"):
            result_of(ensureDeferred(load.run()))

    def test_a_server_that_goes_away_ends_the_run(
        self, begin: Callable[..., Run]
    ) -> None:
        """Nobody to connect to any more: what was not sent is not accepted."""
        run = begin(lambda n: ok(n) if n < 10 else None)
        run.network.run()
        run.network.server = None
        while run.network.pumps:
            run.network.cut(0)
        report = run.report(2)
        assert not report.ok
        assert (report.accepted, report.unanswered) == (10, 3)
        assert report.lost_connections == 3


class TestPace:
    def test_open_loop_keeps_to_its_rate(self, begin: Callable[..., Run]) -> None:
        """What is due is sent, and never more."""
        run = begin(ok, attrs.evolve(PLAN, count=100, rate=40.0))
        run.network.run(1.0, 0.005)
        assert abs(len(run.server.requests) - 40) <= 1
        assert run.report(1.6, 0.005).ok


class TestRequests:
    @given(
        number=st.integers(0, 999_999_999),
        recipient=st.integers(0, 9_999_999),
        text=st.sampled_from(["Hello {n}", "100 % {n}", "naïve ☃", ""]),
    )
    def test_post_is_json_of_the_length_it_says(
        self, number: int, recipient: int, text: str
    ) -> None:
        """A whole request, with the key in its header."""
        plan = attrs.evolve(PLAN, text=text)
        head, _, body = request_maker(plan)(number, recipient).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /api/v1/send/ HTTP/1.1"
        assert lines[1:] == [
            "Host: 127.0.0.1:8080",
            "Authorization: Bearer lk_test_key",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        assert json.loads(body) == {
            "from": "LuckCreators",
            "to": f"23350{recipient:07d}",
            "content": text.replace("{n}", f"{number:09d}"),
        }

    @pytest.mark.parametrize("query", ["", "?format=json"])
    def test_get_has_it_all_in_the_query(self, query: str) -> None:
        """Percent-encoded, beside what the URL already asks."""
        plan = attrs.evolve(PLAN, url=URL + query, method="GET", text="50 % & {n}")
        octets = request_maker(plan)(12, 345)
        head, _, body = octets.partition(b"\r\n\r\n")
        assert body == b""
        method, target, version = head.split(b"\r\n")[0].decode().split(" ")
        assert (method, version) == ("GET", "HTTP/1.1")
        asked = parse_qs(urlsplit(target).query)
        assert asked.pop("format", [""]) == [query.partition("=")[2]]
        assert asked == {
            "from": ["LuckCreators"],
            "to": ["233500000345"],
            "content": ["50 % & 000000012"],
        }


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"7\r\nSuccess\r\n3;x=y\r\n ok\r\n0\r\n\r\n"
)

SAMPLES = [
    (answer(200, "hello"), (200, b"hello", False)),
    (answer(503, "", "CONNECTION: Close\r\n"), (503, b"", True)),
    (b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", (200, b"ok", False)),
    (CHUNKED, (200, b"Success ok", False)),
]


class TestAnswers:
    @given(sample=st.sampled_from(SAMPLES), data=st.data())
    def test_any_cut_gives_the_same(
        self, sample: tuple[bytes, object], data: st.DataObject
    ) -> None:
        """An answer is one answer, in whatever pieces it comes."""
        octets, expected = sample
        answers, at, found = Answers(), 0, None
        while at < len(octets):
            assert found is None
            size = data.draw(st.integers(1, len(octets)))
            found = answers.feed(octets[at : at + size])
            at += size
        assert found == expected
        assert answers.feed(octets) == expected

    @pytest.mark.parametrize(
        ("octets", "problem"),
        [
            (b"SSH-2.0-x\r\n\r\n\r\n", "no HTTP/1.1 status line"),
            (b"HTTP/1.0 200 OK\r\n\r\n", "no HTTP/1.1 status line"),
            (b"HTTP/1.1 abc OK\r\n\r\n", "no HTTP/1.1 status line"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "neither Content-Length nor chunks"),
            (b"x" * 70_000, "no end of the headers"),
        ],
    )
    def test_what_is_no_answer(self, octets: bytes, problem: str) -> None:
        """An answer that cannot be told from the next one is refused."""
        with pytest.raises(BadAnswer, match=problem):
            Answers().feed(octets)
