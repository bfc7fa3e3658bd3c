"""Other people's Python, asked about messages: each hook in a process of its own.

A hook that hangs, crashes, leaks or burns a core does so there. The gateway waits for
an answer as long as the configuration says; a process that has not answered by then is
killed and replaced, because one that stands still can not be told to stop.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import attrs
from twisted.internet.defer import Deferred, DeferredList, FirstError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.config.routes import Hook
from luckgw.domain.repeats import is_worth_saying
from luckgw.routing.facts import Facts

START_S: Final = 30.0
"""How long a process may take to import its function."""
AGAIN_S: Final = 1.0
"""After that long a process that has ended is started again."""
MOST_WAITING: Final = 1_000
"""Questions to one hook at the same time; more fail at once."""
_LONGEST_LINE: Final = 65_536

Answered = Callable[[bool | str], None]


class HookError(Exception):
    """A hook can not be used; the message is one sentence for the operator."""


class Process(Protocol):
    """What is asked of a running process (twisted's IProcessTransport)."""

    def write(self, data: bytes) -> None:
        """To its stdin."""

    def signalProcess(self, signalID: str) -> None:  # noqa: N802, N803 - Twisted's
        """Send it a signal."""

    def loseConnection(self) -> None:
        """Close its pipes."""


Spawn = Callable[[ProcessProtocol, Sequence[str]], Process]
"""Start a program with these arguments."""


@attrs.define
class _Question:
    line: bytes
    answered: Answered
    deadline: IDelayedCall


class HookProcess(ProcessProtocol):
    """One hook: asks its process, answers for it when it can not."""

    log = Logger()

    def __init__(self, clock: IReactorTime, spawn: Spawn, config: Hook) -> None:
        self._clock = clock
        self._spawn = spawn
        self._config = config
        self._process: Process | None = None
        self._started: Deferred[None] | None = None
        self._is_ready = False
        self._is_stopping = False
        self._waiting: dict[int, _Question] = {}
        self._last = 0
        self._rest = b""
        self._again: IDelayedCall | None = None
        self._giving_up: IDelayedCall | None = None
        self._stopped: Deferred[None] | None = None
        self.failures = 0

    def start(self) -> "Deferred[None]":
        """Fires when the function is there. Fails with HookError when it is not."""
        self._started = Deferred()
        self._begin()
        return self._started

    def ask(self, facts: Facts, answered: Answered) -> None:
        """``answered`` hears what the hook says, or what counts instead, once."""
        if not self._is_ready or len(self._waiting) >= MOST_WAITING:
            self._failed("it is not running, or has too much to do", answered)
            return
        self._last += 1
        number = self._last
        line = json.dumps([number, message_of(facts)]).encode() + b"\n"
        deadline = self._clock.callLater(self._config.timeout_s, self._too_late, number)
        self._waiting[number] = _Question(line, answered, deadline)
        assert self._process is not None  # noqa: S101 - it is ready
        self._process.write(line)

    def stop(self) -> "Deferred[None]":
        """End the process; what waits is answered as failed."""
        self._is_stopping = True
        for call in (self._again, self._giving_up):
            if call is not None and call.active():
                call.cancel()
        self._stopped = Deferred()
        stopped = self._stopped
        if self._process is None:
            stopped.callback(None)
        else:
            self._kill()
        self._fail_all("the gateway stops")
        return stopped

    # -- the process -------------------------------------------------------------------

    def _begin(self) -> None:
        self._again = None
        self._rest = b""
        arguments = (sys.executable, "-m", "luckgw.ops.hook_main")
        self._giving_up = self._clock.callLater(START_S, self._never_started)
        self._process = self._spawn(self, (*arguments, self._config.function))

    def _never_started(self) -> None:
        self._not_started(f"its process has said nothing in {START_S:g} s")
        self._kill()

    def _kill(self) -> None:
        self._is_ready = False
        if self._process is not None:
            self._process.signalProcess("KILL")

    def outReceived(self, data: bytes) -> None:
        """Answers, one a line."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > _LONGEST_LINE:
            self._kill()

    def errReceived(self, data: bytes) -> None:
        """What the function prints."""
        self.log.info(
            "hook {hook} says: {text}",
            hook=self._config.name,
            text=data[:500].decode("utf-8", "replace").rstrip(),
        )

    def processEnded(self, reason: Failure) -> None:
        """It has ended, by itself or by us: another one is started."""
        del reason
        self._process = None
        self._is_ready = False
        if self._giving_up is not None and self._giving_up.active():
            self._giving_up.cancel()
        if self._stopped is not None:
            self._stopped.callback(None)
            return
        self._not_started("its process has ended")
        self._fail_all("its process has ended")
        if not self._is_stopping:
            self._again = self._clock.callLater(AGAIN_S, self._begin)

    # -- answers -----------------------------------------------------------------------

    def _line(self, line: bytes) -> None:
        try:
            number, answer = json.loads(line)
            error, value = answer.get("error"), answer.get("answer")
        except (ValueError, TypeError, AttributeError):
            self._kill()  # somebody else writes there: nothing it says can be trusted
            return
        if number == 0:
            self._began(error)
            return
        question = self._waiting.pop(number, None)
        if question is None:
            return  # too late
        question.deadline.cancel()
        if error is not None:
            self._failed(error, question.answered)
        else:
            question.answered(value)

    def _began(self, error: str | None) -> None:
        if self._giving_up is not None and self._giving_up.active():
            self._giving_up.cancel()
        if error is not None:
            self._not_started(error)
            return
        self._is_ready = True
        if self._started is not None:
            started, self._started = self._started, None
            started.callback(None)

    def _not_started(self, why: str) -> None:
        if self._started is not None:
            started, self._started = self._started, None
            self._is_stopping = True
            started.errback(HookError(f"hook {self._config.name}: {why}"))

    def _too_late(self, number: int) -> None:
        question = self._waiting.pop(number)
        self._kill()
        self._failed(f"no answer in {self._config.timeout_s:g} s", question.answered)

    def _fail_all(self, why: str) -> None:
        waiting, self._waiting = self._waiting, {}
        for question in waiting.values():
            question.deadline.cancel()
            self._failed(why, question.answered)

    def _failed(self, why: str, answered: Answered) -> None:
        """Answer in the hook's place."""
        self.failures += 1
        if is_worth_saying(self.failures):
            self.log.warn(
                "hook {hook} failed: {why} ({count} times so far)",
                hook=self._config.name,
                why=why,
                count=self.failures,
            )
        answered(self._config.when_it_fails)


class Hooks:
    """All hooks. Implements pipeline.submit.Hooks."""

    def __init__(
        self, clock: IReactorTime, spawn: Spawn, configs: Iterable[Hook]
    ) -> None:
        self._processes = {
            config.name: HookProcess(clock, spawn, config) for config in configs
        }

    def start(self) -> "Deferred[None]":
        """Fires when all can be asked. Fails with HookError if one can not."""
        started = [process.start() for process in self._processes.values()]
        gathered: Deferred[Any] = DeferredList(
            started, fireOnOneErrback=True, consumeErrors=True
        )
        return gathered.addCallbacks(lambda _: None, _why)

    def ask(self, name: str, facts: Facts, answered: Answered) -> None:
        """See the port."""
        self._processes[name].ask(facts, answered)

    def stop(self) -> "Deferred[None]":
        """End all processes."""
        stopped = [process.stop() for process in self._processes.values()]
        return DeferredList(stopped).addCallback(lambda _: None)


def _why(failure: Failure) -> Failure:
    assert isinstance(failure.value, FirstError)  # noqa: S101 - as DeferredList says
    return failure.value.subFailure


def message_of(facts: Facts) -> dict[str, Any]:
    """What a hook is told of a message; docs/extending.md names each key."""
    content = facts.content
    return {
        "account": facts.account,
        "group": facts.group,
        "from": facts.source,
        "to": facts.destination,
        "tags": sorted(facts.tags),
        "time_ms": facts.now_ms,
        "text": None if content is None else content.text(),
        "encoding": None if content is None else content.encoding(),
        "segments": None if content is None else content.segments(),
    }
