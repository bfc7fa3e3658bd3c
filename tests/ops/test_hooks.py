"""Hooks: asked in time, answered for when they can not, started again."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from luckgw.config.routes import Hook
from luckgw.ops import hook_main
from luckgw.ops.hooks import AGAIN_S, MOST_WAITING, START_S, HookError, Hooks
from luckgw.pipeline.contents import TextContent
from luckgw.routing.facts import Facts

FACTS = Facts("acme", "Acme", "233241234567", "retail", frozenset({"b", "a"}), 5)


class Process:
    """A hook's process, as the gateway sees it."""

    def __init__(self, protocol: ProcessProtocol, arguments: Sequence[str]) -> None:
        self.protocol = protocol
        self.arguments = arguments
        self.lines: list[bytes] = []
        self.signals: list[str] = []

    def write(self, data: bytes) -> None:
        """To its stdin."""
        self.lines += data.splitlines()

    def signalProcess(self, signalID: str) -> None:  # noqa: N802, N803 - Twisted's
        """It dies of any."""
        self.signals.append(signalID)
        self.end()

    def loseConnection(self) -> None:
        """Not needed."""

    def say(self, *objects: object) -> None:
        """One JSON object a line."""
        data = b"".join(json.dumps(each).encode() + b"\n" for each in objects)
        self.protocol.outReceived(data)

    def begin(self) -> None:
        """The function is there."""
        self.say([0, {"answer": True}])

    def answer(self, answer: object, number: int = -1) -> None:
        """To a question, the last one if no other is named."""
        number = json.loads(self.lines[number])[0] if number < 0 else number
        self.say([number, {"answer": answer}])

    def end(self) -> None:
        """It is gone."""
        self.protocol.processEnded(Failure(Exception("gone")))


class House:
    """One hook on a clock that stands still."""

    def __init__(self, on_failure: str = "refuse") -> None:
        self.clock = Clock()
        self.processes: list[Process] = []
        config = Hook("h", "acme.rules:fn", 0.5, on_failure)
        self.hooks = Hooks(self.clock, self.spawn, [config])
        self.answers: list[bool | str] = []
        self.started: list[object] = []
        self.hooks.start().addBoth(self.started.append)

    def spawn(self, protocol: ProcessProtocol, arguments: Sequence[str]) -> Process:
        """A process starts."""
        self.processes.append(Process(protocol, arguments))
        return self.processes[-1]

    def ask(self) -> None:
        """About a message."""
        self.hooks.ask("h", FACTS, self.answers.append)


@pytest.fixture
def house() -> House:
    """One whose hook is there."""
    house = House()
    house.processes[0].begin()
    assert house.started == [None]
    return house


def test_it_is_told_the_message_and_its_answer_counts(house: House) -> None:
    """Yes, no, or a refusal; each question has its own answer."""
    (process,) = house.processes
    assert process.arguments[1:] == ("-m", "luckgw.ops.hook_main", "acme.rules:fn")
    for answer in (True, False, "content"):
        house.ask()
        process.answer(answer)
    assert house.answers == [True, False, "content"]
    assert json.loads(process.lines[0]) == [
        1,
        {
            "account": "acme",
            "group": "retail",
            "from": "Acme",
            "to": "233241234567",
            "tags": ["a", "b"],
            "time_ms": 5,
            "text": None,
            "encoding": None,
            "segments": None,
        },
    ]
    house.clock.advance(60)
    assert len(house.processes) == 1


def test_it_is_told_the_text(house: House) -> None:
    """With what it takes."""
    facts = Facts("a", "b", "49", content=TextContent("Привет"))
    house.hooks.ask("h", facts, house.answers.append)
    _, message = json.loads(house.processes[0].lines[0])
    assert (message["text"], message["encoding"], message["segments"]) == (
        "Привет",
        "ucs2",
        1,
    )


@pytest.mark.parametrize(
    ("on_failure", "counts"), [("refuse", "later"), ("yes", True), ("no", False)]
)
def test_its_time_is_limited(on_failure: str, counts: bool | str) -> None:
    """Then its failure counts as configured, and the process is replaced: one that
    stands still can not be told to stop.
    """
    house = House(on_failure)
    (first,) = house.processes
    first.begin()
    house.ask()
    house.clock.advance(0.49)
    assert house.answers == []
    house.clock.advance(0.01)
    assert house.answers == [counts]
    assert first.signals == ["KILL"]
    house.ask()
    assert house.answers == [counts, counts]
    house.clock.advance(AGAIN_S)
    house.processes[1].begin()
    house.ask()
    house.processes[1].answer(True)
    assert house.answers == [counts, counts, True]


def test_what_else_waits_when_it_stands_still(house: House) -> None:
    """Fails with it, at once."""
    house.ask()
    house.clock.advance(0.3)
    house.ask()
    house.clock.advance(0.2)
    assert house.answers == ["later", "later"]
    assert house.clock.getDelayedCalls()[0].getTime() == 0.5 + AGAIN_S


def test_it_raises(house: House) -> None:
    """The process lives on."""
    house.ask()
    house.processes[0].say([1, {"error": "ValueError: x"}])
    house.ask()
    house.processes[0].answer(True)
    assert house.answers == ["later", True]


def test_it_crashes(house: House) -> None:
    """Another one takes its place; what waited has failed."""
    house.ask()
    house.processes[0].end()
    assert house.answers == ["later"]
    house.clock.advance(AGAIN_S)
    assert len(house.processes) == 2
    house.processes[1].say([0, {"error": "no module"}])
    house.processes[1].end()
    house.clock.advance(AGAIN_S)
    assert len(house.processes) == 3


def test_somebody_else_writes_to_its_pipe(house: House) -> None:
    """Then nothing that it says can be trusted."""
    for noise in (b"hello\n", b"[1]\n", b"[1, 2]\n", b"x" * 70_000):
        house.ask()
        process = house.processes[-1]
        process.protocol.outReceived(noise)
        assert process.signals == ["KILL"]
        house.clock.advance(AGAIN_S)
        house.processes[-1].begin()
    assert house.answers == ["later"] * 4


def test_answers_come_in_pieces(house: House) -> None:
    """As pipes give them."""
    house.ask()
    for octet in b'[1, {"answer": true}]\n':
        house.processes[0].protocol.outReceived(bytes([octet]))
    house.processes[0].protocol.errReceived(b"printed\n")
    assert house.answers == [True]


def test_an_answer_to_nothing(house: House) -> None:
    """Is not heard."""
    house.processes[0].say([7, {"answer": True}])
    assert house.answers == []


def test_it_has_too_much_to_do(house: House) -> None:
    """More than it can do fails at once: no queue without an end."""
    for _ in range(MOST_WAITING):
        house.ask()
    assert house.answers == []
    house.ask()
    assert house.answers == ["later"]


def test_it_can_not_be_started() -> None:
    """The gateway says so and does not start."""
    house = House()
    house.processes[0].say([0, {"error": "acme.rules:fn: ModuleNotFoundError: x"}])
    (failure,) = house.started
    assert isinstance(failure, Failure)
    assert isinstance(failure.value, HookError)
    assert str(failure.value) == "hook h: acme.rules:fn: ModuleNotFoundError: x"
    house.processes[0].end()
    house.clock.advance(60)
    assert len(house.processes) == 1


@pytest.mark.parametrize("how", ["end", "silence"])
def test_its_process_says_nothing(how: str) -> None:
    """It ends, or it does not come to an end with its imports."""
    house = House()
    if how == "end":
        house.processes[0].end()
    else:
        house.clock.advance(START_S)
        assert house.processes[0].signals == ["KILL"]
    (failure,) = house.started
    assert isinstance(failure, Failure)
    assert isinstance(failure.value, HookError)


def test_the_gateway_stops(house: House) -> None:
    """What waits has failed, the process is gone, and nothing is left to happen."""
    house.ask()
    stopped: list[object] = []
    house.hooks.stop().addCallback(stopped.append)
    assert (house.answers, stopped) == (["later"], [None])
    assert house.processes[0].signals == ["KILL"]
    assert house.clock.getDelayedCalls() == []


def test_the_gateway_stops_while_it_is_away(house: House) -> None:
    """No other process is started."""
    house.processes[0].end()
    stopped: list[object] = []
    house.hooks.stop().addCallback(stopped.append)
    assert stopped == [None]
    house.clock.advance(60)
    assert len(house.processes) == 1


def test_the_gateway_stops_before_it_began() -> None:
    """While the function is being imported."""
    house = House()
    house.hooks.stop()
    assert house.processes[0].signals == ["KILL"]
    assert house.clock.getDelayedCalls() == []


class TestTheProcess:
    """The other end of the pipe."""

    @staticmethod
    def served(hook: hook_main.Hook, *lines: str) -> list[Any]:
        """What is answered."""
        answers = io.StringIO()
        hook_main.serve(hook, io.StringIO("\n".join(lines)), answers)
        return [json.loads(line) for line in answers.getvalue().splitlines()]

    def test_it_answers(self) -> None:
        """In order, also after an exception."""

        def hook(message: dict[str, Any]) -> object:
            return message["answer"]

        questions = [{"answer": True}, {"answer": "later"}, {}, {"answer": 1}]
        served = self.served(
            hook, *(json.dumps([n, q]) for n, q in enumerate(questions, 1))
        )
        assert served[:3] == [
            [1, {"answer": True}],
            [2, {"answer": "later"}],
            [3, {"error": "KeyError: 'answer'"}],
        ]
        assert (
            "answered 1, not True, False or one of destination"
            in (served[3][1]["error"])
        )

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("no_such_module:fn", "ModuleNotFoundError"),
            ("json:no_such_function", "AttributeError"),
            ("json:__name__", "is not a function"),
        ],
    )
    def test_what_is_no_function(self, name: str, why: str) -> None:
        """Is said in one sentence."""
        with pytest.raises(hook_main.NotAHook, match=why):
            hook_main.load_hook(name)

    def test_a_function_is_found(self) -> None:
        """In a module of a package, too."""
        found: object = hook_main.load_hook("json.decoder:JSONDecoder")
        assert found is json.JSONDecoder
