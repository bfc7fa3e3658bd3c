"""Faults between a real gateway and a carrier: ``make faults`` (spec/reliability 6.2).

A partner submits numbered messages at a steady rate while the way to the carrier is
spoilt; then all heals, and the two ledgers are compared. What the partner was given an
ROK for has to have its receipt, and how often the carrier took each number is counted.
Each scenario is short; ``--long`` takes the times of the specification.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import click

from tests.journeys.house import ROOT, House, free_port

BINDS: Final = 2
WINDOW: Final = 10
HEAL_S: Final = 60.0
"""After the last message: how long receipts may take."""


class Broken(Exception):
    """A promise that does not hold."""


@attrs.define
class Proxy:
    """The chaosproxy process; its orders and what it told."""

    process: subprocess.Popen[str]
    told: Path

    def order(self, **order: Any) -> None:
        """Give an order (tests.faults.chaosproxy)."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def events(self, word: str) -> list[dict[str, Any]]:
        """What it told with this word, so far."""
        lines = map(json.loads, self.told.read_text().splitlines())
        return [line for line in lines if word in line]


@attrs.define
class Stage:
    """Everything that runs in a scenario."""

    house: House
    proxy: Proxy
    carrier: subprocess.Popen[str]
    ledger: Path
    is_long: bool

    def seconds(self, short: float, long: float) -> float:
        """How long a fault lasts."""
        return long if self.is_long else short

    def load(self, rate: float, seconds: float) -> "Load":
        """Begin to submit."""
        return Load(self.house, rate, round(rate * seconds))

    def binds(self) -> list[dict[str, Any]]:
        """As ``luckgw status`` shows them."""
        told = json.loads(self.house.luckgw("status", "--json").stdout)
        binds: list[dict[str, Any]] = told["upstreams"]["carrier"]["binds"]
        return binds


class Load:
    """A partner that submits and waits for its receipts, as a process."""

    def __init__(self, house: House, rate: float, count: int) -> None:
        self.count = count
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "luckgw.sandbox.load_main", "smpp"),
                *("--connect", f"tcp:127.0.0.1:{house.smpp_port}"),
                *("--system-id", "acme", "--password", "secret"),
                *("--binds", "2", "--rate", str(rate), "--count", str(count)),
                *("--text", "number {n}", "--wait-receipts-s", str(HEAL_S)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def report(self) -> dict[str, Any]:
        """What it saw, when it is done."""
        out, _ = self._process.communicate(timeout=3600)
        report: dict[str, Any] = json.loads(out.splitlines()[-1])
        return report


@attrs.define
class Outcome:
    """What the two ledgers say."""

    report: dict[str, Any]
    taken: Counter[int]
    """How often the carrier took each number."""
    refused: int
    facts: dict[str, Any] = attrs.Factory(dict)

    @property
    def duplicates(self) -> int:
        """Submits that the carrier took once more."""
        return sum(count - 1 for count in self.taken.values())


Scenario = Callable[[Stage], tuple[Load, int, dict[str, Any]]]
"""Does its harm; gives the load, the most duplicates, and facts for the report."""
_SCENARIOS: dict[str, tuple[Scenario, dict[str, str], list[str], str]] = {}


def scenario(
    name: str, what: str, carrier: list[str] | None = None, **keys: str
) -> Callable[[Scenario], Scenario]:
    """Register; ``keys`` are keys of the upstream, ``carrier`` options of it."""

    def register(function: Scenario) -> Scenario:
        _SCENARIOS[name] = (function, keys, carrier or [], what)
        return function

    return register


def _resets(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    seconds = stage.seconds(20, 300)
    load = stage.load(100, seconds)
    # With some way to go there is always something in the windows when it happens.
    stage.proxy.order(set={"reset_every_s": 5, "latency_s": 0.05})
    time.sleep(seconds + 1)
    stage.proxy.order(set={})
    cut = sum(event["reset"] for event in stage.proxy.events("reset"))
    return load, WINDOW * cut, {"connections reset": cut}


@scenario("F11", "connections are reset every 5 s", uncertain_hold_s="3")
def reset(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """At most a window of duplicates for each connection that was cut."""
    return _resets(stage)


@scenario("F11-unknown", "the same with uncertain = unknown", uncertain='"unknown"')
def reset_unknown(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """No duplicates at all; what was in the windows may stay UNKNOWN, and no more."""
    load, most, facts = _resets(stage)
    facts["most unknown"] = most
    return load, 0, facts


@scenario(
    "F12",
    "one of two links goes half-open, with no farewell",
    enquire_link_s="5",
    uncertain_hold_s="3",
)
def half_open(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """Found within enquire_link_s + 30 s; the other bind serves meanwhile."""
    limit = 5 + 15 + 15 + 2
    seconds = stage.seconds(40, 300)
    load = stage.load(20, seconds)
    time.sleep(2)
    begun = time.monotonic()
    before = len(stage.proxy.events("closed"))
    stage.proxy.order(hang=1)
    while len(stage.proxy.events("closed")) == before:
        if time.monotonic() - begun > limit:
            raise Broken(f"a half-open link is not found within {limit} s")
        time.sleep(0.2)
    found = time.monotonic() - begun
    return load, WINDOW, {"found after s": round(found, 1)}


@scenario("F13", "the carrier stands still", enquire_link_s="5", uncertain_hold_s="20")
def silent(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """The link timer closes; one connection for each step of the backoff, not more."""
    seconds = stage.seconds(45, 90)
    load = stage.load(20, seconds)
    time.sleep(2)
    opened = len(stage.proxy.events("opened"))
    stage.carrier.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    stage.carrier.send_signal(signal.SIGCONT)
    tries = len(stage.proxy.events("opened")) - opened
    # A try takes 10 s and the wait before it 0.8 s at least.
    most = BINDS * (int(seconds / 10.8) + 1)
    if tries > most:
        raise Broken(f"{tries} connections in {seconds:g} s, {most} are in the steps")
    return load, BINDS * WINDOW, {"connections tried": tries}


@scenario("F14", "a slow line: 200 ms, slices of 1 to 7 octets, 200 kbit/s")
def slow(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """The window limits, nothing times out; at least 0.8 x window / latency."""
    latency_s = 0.2
    stage.proxy.order(
        set={"latency_s": latency_s / 2, "slicer": 7, "bandwidth_kbit": 200}
    )
    seconds = stage.seconds(15, 60)
    best = BINDS * WINDOW / latency_s
    load = stage.load(2 * best, seconds / 2)
    time.sleep(3)
    before, begun = _taken(stage.ledger)[0].total(), time.monotonic()
    time.sleep(seconds / 2)
    rate = (_taken(stage.ledger)[0].total() - before) / (time.monotonic() - begun)
    if rate < 0.8 * best:
        raise Broken(f"{rate:.0f} a second through a window worth {best:.0f}")
    return load, 0, {"rate": round(rate, 1), "window / latency": best}


@scenario("F14-narrow", "the same at 8 kbit/s")
def narrow(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """Nothing times out, nothing is sent twice."""
    stage.proxy.order(set={"latency_s": 0.1, "slicer": 7, "bandwidth_kbit": 8})
    seconds = stage.seconds(15, 120)
    load = stage.load(5, seconds)
    time.sleep(seconds)
    return load, 0, {}


@scenario("F15", "the carrier takes 50 a second of 80", carrier=["--limit", "50"])
def throttled(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """After 10 s less than 5 % are turned away, by 0x58 or 0x14; no message fails."""
    seconds = stage.seconds(25, 300)
    load = stage.load(80, seconds)
    time.sleep(seconds)
    lines = [line.split() for line in stage.ledger.read_text().splitlines()]
    first = float(lines[0][0])
    later = [number for at, number in lines if float(at) > first + 10]
    share = sum(number.startswith("-") for number in later) / len(later)
    rate = sum(not number.startswith("-") for number in later) / (seconds - 10)
    facts = {"turned away after 10 s": f"{share:.1%}", "rate": round(rate, 1)}
    if share >= 0.05:
        raise Broken(f"{share:.1%} are turned away after 10 s")
    return load, 0, facts


@scenario(
    "F16",
    "answers come after response_s, within the hold",
    carrier=["--delay-s", "9", "--delay-for-s", "25"],
    response_s="6",
    enquire_link_s="3",
    uncertain_hold_s="30",
)
def late(stage: Stage) -> tuple[Load, int, dict[str, Any]]:
    """A late ROK settles: nothing is sent twice."""
    load = stage.load(10, stage.seconds(20, 60))
    return load, 0, {}


def _taken(ledger: Path) -> tuple[Counter[int], int]:
    """How often each number was taken, and how many were turned away."""
    numbers = [line.split()[1] for line in ledger.read_text().splitlines()]
    taken = Counter(int(each) for each in numbers if not each.startswith("-"))
    return taken, sum(each.startswith("-") for each in numbers)


@contextmanager
def _stage(keys: dict[str, str], options: list[str], is_long: bool) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="luckgw-faults-") as folder:
        directory = Path(folder)
        house = House(directory)
        ledger, told = directory / "ledger", directory / "proxy"
        ledger.touch()
        carrier = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.faults.carrier"),
                *("--port", str(house.carrier.port), "--ledger", str(ledger)),
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        proxy: subprocess.Popen[str] | None = None
        try:
            assert carrier.stdout is not None
            assert "listening" in carrier.stdout.readline()
            port = free_port()
            with told.open("w") as output:
                proxy = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "tests.faults.chaosproxy"),
                        *(str(port), str(house.carrier.port)),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    text=True,
                    cwd=ROOT,
                )
            _configure(house, port, keys)
            house.start()
            house.wait_ready()
            yield Stage(house, Proxy(proxy, told), carrier, ledger, is_long)
        finally:
            house.close()
            carrier.send_signal(signal.SIGCONT)
            carrier.terminate()
            carrier.communicate(timeout=20)
            if proxy is not None:
                proxy.communicate(timeout=20)  # it ends with its orders


def _configure(house: House, port: int, keys: dict[str, str]) -> None:
    text = house.config.read_text()
    own = {"binds": str(BINDS), "window": str(WINDOW), **keys}
    old = "binds = 2\nwindow = 50\nuncertain_hold_s = 2\n"
    assert old in text
    new = "".join(f"{key} = {value}\n" for key, value in own.items())
    text = text.replace(old, new).replace(str(house.carrier.port), str(port))
    house.config.write_text(text)


def play(name: str, is_long: bool) -> Outcome:
    """One scenario. Raises Broken."""
    function, keys, options, _ = _SCENARIOS[name]
    with _stage(keys, options, is_long) as stage:
        load, most, facts = function(stage)
        outcome = Outcome(load.report(), *_taken(stage.ledger), facts)
        facts["most duplicates"] = most
        _check(outcome, load.count, most)
        log = stage.house.log.read_text()
        if "Traceback" in log:
            raise Broken(f"the gateway's log holds a traceback:\n{log[-4000:]}")
    return outcome


def _check(outcome: Outcome, count: int, most: int) -> None:
    report = outcome.report
    receipts = report["receipts"]
    if report["accepted"] != count:
        raise Broken(f"{report['accepted']} of {count} were accepted: {report}")
    if receipts["unknown"] or receipts["duplicates"]:
        raise Broken(f"receipts: {receipts}")
    unknown = receipts["missing"] + receipts["stat"].get("UNKNOWN", 0)
    if unknown > outcome.facts.get("most unknown", 0):
        raise Broken(f"{unknown} messages have no end: {receipts}")
    if set(receipts["stat"]) - {"DELIVRD", "UNKNOWN"}:
        raise Broken(f"messages ended as {receipts['stat']}")
    lost = [n for n in range(count) if not outcome.taken[n]]
    if len(lost) > unknown:
        raise Broken(f"{len(lost)} accepted messages never reached the carrier")
    if outcome.duplicates > most:
        raise Broken(f"{outcome.duplicates} duplicates, at most {most} may be")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--long", "is_long", is_flag=True, help="The specification's times.")
def main(names: tuple[str, ...], is_long: bool) -> None:
    """Play the scenarios NAMES (all of them without) and print what came out."""
    unknown = set(names) - set(_SCENARIOS)
    if unknown:
        raise click.UsageError(f"known are: {', '.join(_SCENARIOS)}")
    failed = 0
    for name in names or _SCENARIOS:
        begun = time.monotonic()
        click.echo(f"{name}: {_SCENARIOS[name][3]}")
        try:
            outcome = play(name, is_long)
        except Broken as broken:
            failed += 1
            click.echo(f"  BROKEN: {broken}")
            continue
        stat = outcome.report["receipts"]["stat"]
        click.echo(
            f"  {outcome.report['accepted']} accepted,"
            f" without an end {outcome.report['receipts']['missing']},"
            f" duplicates {outcome.duplicates}, turned away {outcome.refused},"
            f" receipts {stat}, {outcome.facts},"
            f" {time.monotonic() - begun:.0f} s"
        )
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
