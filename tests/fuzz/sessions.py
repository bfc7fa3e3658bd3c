"""No octets break a session, in any state of either role, whatever is answered.

Only whole legal PDUs go out, each answers something, each request of ours ends exactly
once, and a peer costs no more than the limits say.
"""

import random
import re
import struct
from collections import Counter
from typing import Any, Final

from luckgw.domain.status import Status
from luckgw.wire.connection import Command, Role, Settings, State
from luckgw.wire.events import Answered, BindRequested, Event, Request, TimedOut
from luckgw.wire.pdus import Sm, decode_sm
from luckgw.wire.session import BINDS, BOUND
from tests.fuzz.mutate import SEEDS, a_pdu, pieces
from tests.fuzz.target import Target
from tests.wire.peers import SUBMIT, Pdu, in_state, pdus

SETTINGS: Final = Settings(
    window=3,
    inbound_window=3,
    max_pdus_per_read=4,
    max_pdu=700,
    inactivity_s=100,
)
"""Small, so that every limit is met."""
_RESPONSE: Final = 0x80000000

# ------------------------------------------------------------------- what may go out

_MAY_BEGIN: Final = {
    Role.SMSC: {Command.DELIVER_SM, Command.DATA_SM},
    Role.ESME: {Command.SUBMIT_SM, Command.DATA_SM, *BINDS},
}
_COMMANDS: Final = frozenset(int(command) for command in Command)
_STATUSES: Final = frozenset(int(status) for status in Status)
_WITH_NUL: Final = {Command.DELIVER_SM_RESP, Command.DATA_SM_RESP}
_QUERIED: Final = re.compile(
    rb"[^\0]{1,64}\0(\d{15}\+)?\0[\1-\x08].", re.DOTALL
)  # message_id, final_date, message_state, error_code
_BIND_BODIES: Final = (b"luckgw\0", b"luckgw\0\x02\x10\x00\x01\x34")


def check_pdu(role: Role, pdu: Pdu) -> None:
    """Fail unless a session of this role may send it, to the octet."""
    assert pdu.command_id in _COMMANDS
    if not pdu.command_id & _RESPONSE:
        assert pdu.command_status == 0
        assert 1 <= pdu.sequence_number <= 0x7FFFFFFF
        if pdu.command_id in (Command.ENQUIRE_LINK, Command.UNBIND):
            assert pdu.body == b""
        else:
            assert pdu.command_id in _MAY_BEGIN[role]
    elif pdu.command_status:
        _check_refusal(role, pdu)
    else:
        _check_answer(pdu)


def _check_refusal(role: Role, pdu: Pdu) -> None:
    assert pdu.command_status in _STATUSES
    if pdu.command_id in _WITH_NUL:
        assert pdu.body == b"\0"
    elif pdu.command_id == Command.SUBMIT_SM_RESP and role is Role.SMSC:
        assert pdu.body in (b"", b"\0")  # the latter for v3.3
    elif pdu.command_id == Command.SUBMIT_MULTI_RESP and pdu.body:
        assert pdu.body[:1] == b"\0"  # no id, and who was refused
        _check_unsuccess(pdu.body[1:])
    else:
        assert pdu.body == b""


def _check_unsuccess(octets: bytes) -> None:
    """Fail unless it is a whole list of destinations, each with its status."""
    entry = rb"..[^\0]{0,20}\0\0\0\0[^\0]"
    assert re.fullmatch(rb".(%b){%d}" % (entry, octets[0]), octets, re.DOTALL)


def _check_answer(pdu: Pdu) -> None:
    assert pdu.command_id != Command.GENERIC_NACK
    if pdu.command_id in (Command.SUBMIT_SM_RESP, *_WITH_NUL):
        assert pdu.body.find(b"\0") == len(pdu.body) - 1 <= 64
    elif pdu.command_id & ~_RESPONSE in BINDS:
        assert pdu.body in _BIND_BODIES
    elif pdu.command_id == Command.SUBMIT_MULTI_RESP and pdu.body:
        message_id, rest = pdu.body.split(b"\0", 1)
        assert 0 < len(message_id) <= 64
        _check_unsuccess(rest)
    elif pdu.command_id == Command.QUERY_SM_RESP and pdu.body:
        assert _QUERIED.fullmatch(pdu.body)
    else:  # a session alone answers these without a body
        assert pdu.body == b""


def check_output(role: Role, received: bytes, output: bytes) -> None:
    """Fail unless it is whole legal PDUs, and answers only what was asked."""
    asked = Counter(_numbers_of_requests(received))
    for pdu in pdus(output):
        check_pdu(role, pdu)
        is_for_the_stream = pdu.command_status == Status.ESME_RINVCMDLEN
        if pdu.command_id & _RESPONSE and not is_for_the_stream:
            assert asked[pdu.sequence_number] > 0, "an answer to nothing"
            asked[pdu.sequence_number] -= 1


def _numbers_of_requests(octets: bytes) -> list[int]:
    """The sequence_number of each request, up to where boundaries are lost."""
    numbers = []
    at = 0
    while len(octets) - at >= 16:
        length, command_id, _, number = struct.unpack_from(">4I", octets, at)
        if length < 16 or at + length > len(octets):
            break
        if not command_id & _RESPONSE:
            numbers.append(number)
        at += length
    return numbers


# --------------------------------------------------------------------- the application

ANSWERS_AT_ONCE, ANSWERS_LATER, REFUSES = range(3)
Step = tuple[str, Any]
"""What happens, and a number or octets to go with it."""


class Play:
    """One session and the application behind it."""

    def __init__(self, role: Role, state: State, manner: int) -> None:
        self.wire = in_state(role, state, SETTINGS)
        self.now = 0.0
        self.received = b""
        self.output = b""
        self._manner = manner
        self._asked: list[Sm | Request] = []
        self._sent = 0
        self._ended: list[Any] = []

    def read(self, octets: bytes) -> None:
        """The peer writes."""
        self.received += octets
        self._obey(self.wire.receive(octets, self.now))

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds
        self._obey(self.wire.tick(self.now))

    def send(self, _: int) -> None:
        """We write a message, if there is room."""
        if self.wire.room:
            is_client = self.wire.role is Role.ESME
            command = Command.SUBMIT_SM if is_client else Command.DELIVER_SM
            self.wire.send(command, SUBMIT, self._sent, self.now)
            self._sent += 1

    def answer(self, count: int) -> None:
        """The application answers what waited longest."""
        for request in self._asked[:count]:
            if self._manner == REFUSES or isinstance(request, Request):
                self.wire.answer(request, Status.ESME_RSYSERR)
            else:
                message_id = b"id-1" if self.wire.role is Role.SMSC else b""
                self.wire.answer_message(
                    request.command_id, request.sequence_number, message_id
                )
        del self._asked[:count]

    def unbind(self, _: int) -> None:
        """We want to leave."""
        self.wire.unbind(self.now)

    def settle(self) -> None:
        """What was left for the next turn happens."""
        for _ in range(1000):
            if not self.wire.has_more:
                break
            self._obey(self.wire.receive(b"", self.now))
        assert not self.wire.has_more, "it never ends"
        self.output += self.wire.take_output()

    def _obey(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Answered):
                if not event.late:
                    self._ended.append(event.context)
            elif isinstance(event, TimedOut):
                self._ended.append(event.context)
            elif isinstance(event, Sm | Request):
                self._asked.append(event)
            elif isinstance(event, BindRequested):
                if self._manner == REFUSES:
                    self.wire.refuse_bind(Status.ESME_RINVPASWD)
                else:
                    self.wire.accept_bind(b"luckgw")
        if self._manner != ANSWERS_LATER:
            self.answer(len(self._asked))

    def check_limits(self) -> None:
        """Fail if the session keeps more than it may (spec/reliability 7.7)."""
        wire = self.wire
        assert wire._frames.pending < SETTINGS.max_pdu
        assert 0 <= wire._unanswered <= SETTINGS.inbound_window
        assert len(wire._window) <= SETTINGS.window
        assert len(wire._window._own) <= 8
        assert len(wire._pending) <= 2
        if wire.state not in BOUND:
            assert wire.room == 0

    def end(self) -> None:
        """The transport goes. Fail unless everything of ours has ended, once."""
        ended = self._ended + self.wire.close()
        assert sorted(ended) == list(range(self._sent))
        assert (self.wire.state, self.wire.room) == (State.CLOSED, 0)
        assert self.wire.receive(SEEDS[0], self.now) == []
        self.wire.answer(_A_MESSAGE, 0)
        assert self.wire.take_output() == b""


_A_MESSAGE: Final = decode_sm(SUBMIT)

# -------------------------------------------------------------------------- the target

_ROLES: Final = list(Role)
_STATES: Final = [state for state in State if state is not State.CLOSED]
_BETWEEN: Final = ("wait", "send", "answer", "answer")


def make(rng: random.Random) -> tuple[Any, ...]:
    """A state of a side, how its application behaves, and what happens, in order."""
    octets = b"".join([a_pdu(rng) for _ in range(rng.randrange(1, 5))])
    if not rng.randrange(20):
        octets += rng.randbytes(rng.randrange(40))
    steps: list[Step] = []
    for piece in pieces(rng, octets):
        steps.append(("read", piece))
        if not rng.randrange(3):
            steps.append((rng.choice(_BETWEEN), rng.randrange(1, 70)))
        elif not rng.randrange(30):
            steps.append(("unbind", 0))
    return rng.choice(_ROLES), rng.choice(_STATES), rng.randrange(3), steps


def check(role: Role, state: State, manner: int, steps: list[Step]) -> None:
    """Let it happen, and fail unless the promise of this module holds."""
    play = Play(role, state, manner)
    for name, value in steps:
        play.now += 0.25
        getattr(play, name)(value)
        play.settle()
        play.check_limits()
    check_output(role, play.received, play.output)
    play.end()


SESSION: Final = Target("session", 40, make, check)
