"""The fixtures of tests/conftest.py, tried on small tests in a pytest of their own."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.valkey_server import Valkey

ROOT = Path(__file__).parents[2]

SILENT_FAILURES = """
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python import log as legacy
import pytest

log = Logger()

def raised():
    raise ValueError("boom")

def test_logs_a_failure():
    try:
        raised()
    except ValueError:
        log.failure("it went wrong")

def test_logs_a_failure_as_a_warning():
    try:
        raised()
    except ValueError as error:
        from twisted.python.failure import Failure
        log.warn("it went wrong", log_failure=Failure(error))

def test_logs_critical():
    log.critical("the disk is full")

def test_logs_through_the_old_log():
    legacy.err(ValueError("boom"))

def test_drops_a_deferred():
    fail(ValueError("boom"))

def test_drops_a_deferred_in_a_circle():
    circle = []
    circle.append((circle, fail(ValueError("boom"))))

async def test_drops_a_deferred_after_waiting():
    from twisted.internet import reactor, task
    await task.deferLater(reactor, 0.01)
    fail(ValueError("boom"))

@pytest.fixture
def careless():
    yield
    log.critical("while tearing down")

def test_with_a_careless_fixture(careless):
    pass

def test_forgets_to_await():
    async def work():
        pass
    work()
"""

HONEST = """
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from twisted.internet import defer, reactor, task
from twisted.logger import Logger

log = Logger()

def test_says_nothing():
    log.error("bad input, handled")

def test_runs_after_a_noisy_neighbour_and_is_not_blamed():
    pass

def test_flushes_what_it_promised(logged_failures):
    defer.fail(ValueError("boom"))
    (failure,) = logged_failures.flush(ValueError)
    assert str(failure.value) == "boom"

def test_flushes_only_what_it_names(logged_failures):
    defer.fail(ValueError("boom"))
    assert logged_failures.flush(KeyError) == []
    assert len(logged_failures.flush()) == 1

def test_flushes_a_critical_event(logged_failures):
    log.critical("the disk is full")
    assert logged_failures.flush() == []

def test_the_clock_stands_still(clock):
    called = []
    clock.callLater(1, called.append, "now")
    assert (clock.seconds(), called) == (0.0, [])
    clock.advance(1)
    assert called == ["now"]

async def test_waits_on_the_real_reactor():
    await task.deferLater(reactor, 0.01)

@pytest.mark.parametrize("way", ["one", "other"])
@given(number=integers())
def test_properties_with_parameters(way, number):
    assert number == int(str(number))
"""

HANGING = """
import time
import pytest
from twisted.internet.defer import Deferred

@pytest.mark.time_limit(0.2)
async def test_hangs():
    await Deferred()

@pytest.mark.timeout(1)
def test_blocks():
    time.sleep(20)

async def test_next():
    pass
"""


def run(pytester: pytest.Pytester, *arguments: str, **files: str) -> pytest.RunResult:
    """Run files in a pytest of its own, with the project's conftest and settings."""
    pytester.makeconftest("from tests.conftest import *")
    pytester.makepyprojecttoml((ROOT / "pyproject.toml").read_text())
    pytester.makepyfile(**files)
    return pytester.runpytest_subprocess(
        *("-p", "no:cacheprovider", "-o", f"pythonpath={ROOT}", "-o", "testpaths=."),
        *arguments,
    )


def test_what_fails_in_silence_fails_the_test(pytester: pytest.Pytester) -> None:
    """A logged failure, a critical event or a dropped Deferred is a test's error."""
    result = run(pytester, test_silent=SILENT_FAILURES)
    names = [
        line.split("::")[1].split()[0] for line in result.outlines if "ERROR t" in line
    ]
    assert names == [
        "test_logs_a_failure",
        "test_logs_a_failure_as_a_warning",
        "test_logs_critical",
        "test_logs_through_the_old_log",
        "test_drops_a_deferred",
        "test_drops_a_deferred_in_a_circle",
        "test_drops_a_deferred_after_waiting",
        "test_with_a_careless_fixture",
    ]
    result.assert_outcomes(passed=8, errors=8, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_forgets_to_await*"])
    result.stdout.fnmatch_lines(["*the disk is full*"])


def test_what_is_handled_passes(pytester: pytest.Pytester) -> None:
    """Errors that are handled, and failures that a test flushes, do not fail it."""
    result = run(pytester, test_honest=HONEST)
    result.assert_outcomes(passed=9)


def test_a_hanging_test_fails_alone(pytester: pytest.Pytester) -> None:
    """A test that hangs or blocks fails at its limit, and the next one still runs."""
    result = run(pytester, test_hanging=HANGING)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*test_hangs*TimeoutError*", "*test_blocks*Timeout*"])


class TestValkey:
    """The `valkey` fixture."""

    @pytest.mark.parametrize("round_", [1, 2])
    def test_is_empty_for_each_test(self, valkey: Valkey, round_: int) -> None:
        """Keys and scripts of an earlier test are gone."""
        script = valkey.command("SCRIPT", "LOAD", f"return {round_}")
        exists = valkey.command("SCRIPT", "EXISTS", script)
        assert (valkey.command("DBSIZE"), exists) == (0, [1])
        valkey.command("SET", "left", "behind")

    def test_is_as_durable_as_luckgw_demands(self, valkey: Valkey) -> None:
        """The contract tests run on the settings that production must have."""
        for name, value in [
            ("appendonly", b"yes"),
            ("appendfsync", b"always"),
            ("maxmemory-policy", b"noeviction"),
        ]:
            assert valkey.command("CONFIG", "GET", name)[1] == value


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_a_server_ends_with_its_tests() -> None:
    """Tests that are killed leave no server behind (Linux alone can promise that)."""
    program = (
        "import os, signal\n"
        "from tests.valkey_server import running_valkey\n"
        "with running_valkey() as server:\n"
        "    print(server.socket_path, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    socket_path = Path(killed.stdout.strip())
    try:
        wait_until(lambda: not is_listening(socket_path))
    finally:
        shutil.rmtree(socket_path.parent)


def is_listening(socket_path: Path) -> bool:
    """Whether a server answers there."""
    try:
        Valkey(socket_path, pid=0).command("PING")
    except OSError:
        return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
