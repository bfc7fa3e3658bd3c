"""The SMPP upstream keeps the promises of an upstream."""

from typing import Any

import pytest

from luckgw.testing.upstream_contract import UpstreamContract, UpstreamUnderTest
from luckgw.upstream.interface import Upstream
from luckgw.wire.pdus import Command
from tests.link.far import Far
from tests.upstream.carrier import Carrier
from tests.wire.peers import Pdu

BINDS = (
    Command.BIND_RECEIVER,
    Command.BIND_TRANSMITTER,
    Command.BIND_TRANSCEIVER,
)


class SmscUnderTest:
    """An SMSC by the book, and our upstream."""

    def __init__(self, **config: Any) -> None:
        self._carrier = Carrier(response_s=20.0, **config)
        self._fars: list[tuple[Far, Command]] = []
        self._taken: list[tuple[Far, Pdu]] = []
        self._replies: list[int] = []

    @property
    def upstream(self) -> Upstream:
        """What is tested."""
        return self._carrier.upstream

    @property
    def answer_s(self) -> float:
        """How long a submit waits for its answer."""
        return 20.0

    def turn(self, seconds: float = 0.0) -> None:
        """Let octets flow until all is quiet, through so much time."""
        self._settle()
        while seconds > 0:
            self._carrier.clock.advance(min(0.5, seconds))
            seconds -= 0.5
            self._settle()

    def _settle(self) -> None:
        while True:
            while self._carrier.calls:
                self._fars.append((self._carrier.accept(), Command.UNBIND))
            came = [(far, pdu) for far, _ in self._fars for pdu in far.got()]
            for far, pdu in came:
                self._hear(far, pdu)
            self._fars = [each for each in self._fars if not each[0].closed()]
            if not came and not self._carrier.calls:
                return

    def _hear(self, far: Far, pdu: Pdu) -> None:
        if pdu.command_id in BINDS:
            far.respond(pdu, b"smsc\0")
            kind = Command(pdu.command_id)
            self._fars = [(f, kind if f is far else k) for f, k in self._fars]
        elif pdu.command_id in (Command.ENQUIRE_LINK, Command.UNBIND):
            far.respond(pdu)
        elif pdu.command_id == Command.SUBMIT_SM:
            self._taken.append((far, pdu))
        elif pdu.command_id == Command.DELIVER_SM_RESP:
            self._replies.append(pdu.command_status)

    def taken(self) -> list[bytes]:
        """What waits for an answer."""
        return [pdu.body for _, pdu in self._taken]

    def answer(self, at: int, command_status: int, message_id: bytes) -> None:
        """Answer one."""
        far, pdu = self._taken.pop(at)
        body = b"" if command_status else message_id + b"\0"
        far.respond(pdu, body, command_status)

    def deliver(self, body: bytes) -> None:
        """Over any bind that receives."""
        far = next(f for f, kind in self._fars if kind != Command.BIND_TRANSMITTER)
        far.send(Command.DELIVER_SM, body)

    def replies(self) -> list[int]:
        """How deliveries were answered."""
        return self._replies

    def cut(self) -> None:
        """All links are gone."""
        fars, self._fars = self._fars, []
        self._taken.clear()
        for far, _ in fars:
            far.cut()

    def timers(self) -> int:
        """What the clock still has to do."""
        return len(self._carrier.clock.getDelayedCalls())


class TestSmppUpstream(UpstreamContract):
    @pytest.fixture(
        params=[
            {"window": 10},
            {"window": 1},
            {"window": 7, "binds": 3},
            {"window": 10, "bind": "tx+rx", "binds": 2},
        ],
        ids=["one bind", "window of one", "three binds", "tx+rx"],
    )
    def peer(self, request: pytest.FixtureRequest) -> UpstreamUnderTest:
        """An upstream with such binds."""
        return SmscUnderTest(**request.param)
