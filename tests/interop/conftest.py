"""Foreign stacks only when `make interop` asks for them, and the table at the end."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.interop.stacks import STACKS, Stack
from tests.interop.town import Partner, Town

collect_ignore_glob = [] if os.environ.get("INTEROP") else ["test_*.py"]

_VERSIONS: dict[str, str] = {}
_RESULTS: dict[str, Counter[str]] = {}


def version(stack: Stack) -> str:
    """Its version, asked for once."""
    if stack.name not in _VERSIONS:
        _VERSIONS[stack.name] = stack.version()
    return _VERSIONS[stack.name]


def need(stack: Stack) -> None:
    """Skip what INTEROP_SKIP names; fail for what is not installed."""
    if not stack.is_wanted:
        pytest.skip(f"INTEROP_SKIP names {stack.name}")
    if not version(stack):
        pytest.fail(
            f"{stack.name} is not installed: see docs/interop.md", pytrace=False
        )


@pytest.fixture(scope="session")
def whole_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One gateway between all foreign carriers and all foreign partners."""
    town = Town(tmp_path_factory.mktemp("town"))
    try:
        town.start()
        yield town
    finally:
        town.close()


@pytest.fixture
def town(whole_town: Town) -> Iterator[Town]:
    """The town; a bug that shows in the gateway's log fails the test."""
    before = len(whole_town.house.log.read_text())
    yield whole_town
    assert "Traceback" not in whole_town.house.log.read_text()[before:]


@pytest.fixture
def partner(town: Town) -> Iterator[Callable[[Stack], Partner]]:
    """Starts foreign partners, not bound; they are gone after the test."""
    partners: list[Partner] = []

    def start(stack: Stack, *, tls: bool = False) -> Partner:
        need(stack)
        where = (town.tls_port, town.ca) if tls else (town.house.smpp_port,)
        partners.append(Partner(stack, *where))
        return partners[-1]

    yield start
    for each in partners:
        each.foreign.close()


# ------------------------------------------------------------------------- the table


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note which stack each test is about: its parameter, or its module's STACK."""
    for item in items:
        if isinstance(item, pytest.Function):
            given = getattr(item, "callspec", None)
            stack = given and given.params.get("stack")
            stack = stack or getattr(item.module, "STACK", None)
            if stack:
                item.user_properties.append(("stack", stack.name))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what came of the tests of each stack."""
    stack = dict(report.user_properties).get("stack")
    if stack and (report.when == "call" or report.outcome != "passed"):
        _RESULTS.setdefault(str(stack), Counter())[report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What ran against what."""
    if not os.environ.get("INTEROP"):
        return
    line = "{:<8} {:<25} {:<10} {:>7} {:>7} {:>7}".format
    terminalreporter.section("foreign stacks")
    columns = ("stack", "package", "version", "passed", "failed", "skipped")
    terminalreporter.line(line(*columns))
    for stack in STACKS:
        came = _RESULTS.get(stack.name, Counter())
        found = version(stack) or "missing" if stack.is_wanted else "not wanted"
        package = f"{stack.source}: {stack.package}"
        counts = (came[outcome] for outcome in ("passed", "failed", "skipped"))
        terminalreporter.line(line(stack.name, package, found, *counts))
