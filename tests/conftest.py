"""What every test gets: nothing may fail in silence, time stands still, a real Valkey.

Under pytest an error that Twisted only logs, or a failed Deferred that nobody looked
at, would pass. `logged_failures` turns both into an error of the test that caused them.
"""

import functools
import gc
import inspect
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from hypothesis import is_hypothesis_test
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    globalLogBeginner,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.valkey_server import Valkey, running_valkey

ASYNC_TEST_S = 30.0
"""How long an `async def` test may take, unless its mark `time_limit` says else."""

DROPPED = "Unhandled error in Deferred:"
"""How Twisted announces a failed Deferred that was collected."""


@implementer(ILogObserver)
class LoggedFailures:
    """The failures and critical events logged while one test runs."""

    def __init__(self) -> None:
        self._events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        """Observe one event."""
        if event.get("log_format") == DROPPED:
            return  # a second event follows, with the failure itself
        if "log_failure" in event or event.get("log_level") is LogLevel.critical:
            self._events.append(event)

    def flush(self, *types: type[BaseException]) -> list[Failure]:
        """Forgive, and give, the failures logged so far; with types, only those.

        For the test whose promise is that a failure is logged. Dropped Deferreds are
        collected first. A critical event without a failure is forgiven by a call
        without types, and is not among what is given.
        """
        gc.collect()
        flushed: list[Failure] = []
        kept: list[LogEvent] = []
        for event in self._events:
            failure: Failure | None = event.get("log_failure")
            if types and (failure is None or failure.check(*types) is None):
                kept.append(event)
            elif failure is not None:
                flushed.append(failure)
        self._events = kept
        return flushed

    def report(self) -> str:
        """What was logged and not flushed, a paragraph per event; empty if nothing."""
        return "\n".join(_described(event) for event in self._events)


def _described(event: LogEvent) -> str:
    text = formatEvent(event) or DROPPED
    failure: Failure | None = event.get("log_failure")
    return text if failure is None else f"{text}\n{failure.getTraceback()}"


@pytest.fixture(autouse=True)
def logged_failures() -> Iterator[LoggedFailures]:
    """Fail the test that logs a failure or anything critical, or drops a Deferred.

    Set up first and torn down last, so it hears what other fixtures do as well.
    """
    logged = LoggedFailures()
    globalLogPublisher.addObserver(logged)
    try:
        yield logged
        gc.collect()  # a failed Deferred complains when it is collected
    finally:
        globalLogPublisher.removeObserver(logged)
    if report := logged.report():
        pytest.fail(
            f"logged during the test, and nobody flushed it:\n{report}", pytrace=False
        )


@pytest.fixture
def logged() -> Iterator[Callable[[str], list[str]]]:
    """The lines of the log that hold a word."""
    events: list[LogEvent] = []

    @implementer(ILogObserver)
    def keep(event: LogEvent) -> None:
        events.append(event)

    globalLogPublisher.addObserver(keep)
    yield lambda word: [
        text for event in events if word in (text := formatEvent(event))
    ]
    globalLogPublisher.removeObserver(keep)


@pytest.fixture
def clock() -> Clock:
    """A clock that moves only when the test says `clock.advance(seconds)`."""
    return Clock()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """The one server of this run. Tests ask for `valkey`."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """A real Valkey server with nothing in it: no key and no script."""
    valkey_server.command("FLUSHALL")
    valkey_server.command("SCRIPT", "FLUSH")
    return valkey_server


def pytest_sessionstart() -> None:
    """Set Twisted up as the product does: its clock, and where its log goes.

    The clock is monotonic from the start (docs/adr/0007), so that a test that makes the
    service in this process changes nothing. The log goes to its observers alone, not to
    stderr and a buffer.
    """
    _reactor.seconds = time.monotonic  # type: ignore[method-assign]
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)


def pytest_collection_finish() -> None:
    """Take all that exists now out of the collector's sight.

    `logged_failures` collects after every test: over what the test made, that costs a
    millisecond; over all imported modules, a hundred.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Run tests in the two ways that pytest-twisted gets wrong.

    A hanging `async def` test fails: what pytest-timeout raises would be caught by the
    reactor, in whose greenlet nothing of the test is running. A hypothesis test runs as
    a plain function: pytest-twisted wraps what is inside it, and wraps it once more for
    each set of parameters, until it can not run at all.
    """
    test = pyfuncitem.obj
    if inspect.iscoroutinefunction(test):
        mark = pyfuncitem.get_closest_marker("time_limit")
        limit: float = mark.args[0] if mark else ASYNC_TEST_S
        reactor = IReactorTime(_reactor)

        @functools.wraps(test)
        def limited(**arguments: Any) -> "Deferred[Any]":
            return Deferred.fromCoroutine(test(**arguments)).addTimeout(limit, reactor)

        pyfuncitem.obj = limited
    elif is_hypothesis_test(test):
        pyfuncitem.obj = functools.partial(test)
    return (yield)
