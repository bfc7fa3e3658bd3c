"""Damaged PDUs on a live port, beside a partner that behaves: ``make fuzz-live``.

Starts a gateway, its store, a carrier, the partner and the crowd of ``attack.py``, each
a process of its own, all on loopback. Prints what came of it, for people and as one
line of JSON; the exit status is 1 when a promise of spec/reliability B6, B7 or F20 is
broken.
"""

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import attrs
import click

from tests.fuzz.run import GROWTH_MIB, resident_mib
from tests.journeys.house import ROOT, House

PARTNER_RATE: Final = 200
"""submit_sm a second of the partner that behaves, with receipts."""
SLOWER: Final = 1.5
"""How much longer its p99 may be beside the crowd (bar B6) ..."""
NOISE_MS: Final = 5.0
"""... and what is too little to be told from noise."""
FLAT_MIB: Final = 16.0
"""How much more memory the last quarter of the attack may need than the second one:
the first is left to caches that fill."""
_UNHANDLED: Final = re.compile(r"Traceback|Unhandled|critical|a session broke")
_PASSWORD: Final = "nobodys-guess"
_OPEN_DOORS: Final = """\
connections.unbound_per_address = 200
brake.max_delay_s = 0
brake.shut_s = 0
"""
"""The crowd comes from one address and guesses: it is to get through to the codec."""
_ACCOUNT: Final = """
[accounts.crowd]
password = "damaged"
senders = ["*"]
max_binds = 1000
window = 50
"""


@attrs.define
class Outcome:
    """What came of it. As JSON it is one line."""

    attack: dict[str, Any]
    alone: dict[str, Any]
    """The load generator's report of the partner alone."""
    beside: dict[str, Any]
    """The same beside the crowd."""
    unhandled: int
    """Lines of the gateway's log that tell of an error nobody handled."""
    rss_before_mib: float
    rss_peak_mib: float
    rss_after_mib: float
    rss_quarters_mib: list[float]
    """The most that there was in each quarter of the attack."""
    gateway_cpu_s: float
    """Of the gateway's process, during the attack."""

    @property
    def faults(self) -> list[str]:
        """The promises that were broken, for people."""
        growth = self.rss_quarters_mib[3] - self.rss_quarters_mib[1]
        checks = {
            "errors that nobody handled": self.unhandled > 0,
            "illegal answers": bool(self.attack["illegal"]),
            "a partner lost something": not (self.alone["ok"] and self.beside["ok"]),
            "memory": self.rss_peak_mib - self.rss_before_mib > GROWTH_MIB,
            "memory that grows on": growth > FLAT_MIB,
            "the partner's p99": self.beside["response_ms"]["p99"] > self.slowest,
        }
        return [what for what, is_broken in checks.items() if is_broken]

    def __str__(self) -> str:
        """For people."""
        attack, before, peak = self.attack, self.rss_before_mib, self.rss_peak_mib
        alone, beside = self.alone["response_ms"], self.beside["response_ms"]
        quarters = ", ".join(f"{mib:.0f}" for mib in self.rss_quarters_mib)
        bounds = (before + GROWTH_MIB, FLAT_MIB, self.slowest)
        lines = (
            f"damaged PDUs: {attack['pdus']} in {attack['seconds']:.0f} s",
            f"answers: {attack['answers']}, illegal {len(attack['illegal'])}",
            f"errors that nobody handled: {self.unhandled}",
            f"memory: {before:.0f} MiB, at most {peak:.0f} (bound {bounds[0]:.0f})",
            f"  by quarters {quarters} (last at most {bounds[1]:.0f} over second)",
            f"partner alone: p50 {alone['p50']:.1f} ms, p99 {alone['p99']:.1f} ms",
            f"partner beside: p50 {beside['p50']:.1f} ms, p99 {beside['p99']:.1f} ms",
            f"  (bound {bounds[2]:.1f} ms)",
        )
        return "\n".join(lines)

    @property
    def slowest(self) -> float:
        """The longest p99 that the partner may have beside the crowd, in ms."""
        alone: float = self.alone["response_ms"]["p99"]
        return max(alone * SLOWER, alone + NOISE_MS)


class Partner:
    """The load generator as a process, at an even pace."""

    def __init__(self, house: House, seconds: float) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "luckgw.sandbox.load_main", "smpp"),
                *("--connect", f"tcp:127.0.0.1:{house.smpp_port}"),
                *("--system-id", "acme", "--password", _PASSWORD, "--binds", "2"),
                *("--rate", str(PARTNER_RATE)),
                *("--count", str(int(PARTNER_RATE * seconds))),
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def report(self) -> dict[str, Any]:
        """What it measured."""
        out, _ = self._process.communicate(timeout=1200)
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


class Watch(threading.Thread):
    """Looks at a process's memory, until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._seen: list[float] = []
        self._pid = pid
        self._told_to_stop = threading.Event()

    def run(self) -> None:
        """Look."""
        while not self._told_to_stop.wait(0.2):
            self._seen.append(resident_mib(self._pid))

    def stop(self) -> list[float]:
        """The most there was in each quarter of the time, in MiB."""
        self._told_to_stop.set()
        self.join()
        self._seen.append(resident_mib(self._pid))
        count = len(self._seen)
        cuts = [count * quarter // 4 for quarter in range(5)]
        return [
            round(max(self._seen[begin : max(end, begin + 1)]), 1)
            for begin, end in pairwise(cuts)
        ]


def cpu_seconds(pid: int) -> float:
    """How much processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def attack(house: House, pdus: int, rate: float, seconds: float) -> dict[str, Any]:
    """Run the crowd; gives its report."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.attack"),
            *("--port", str(house.smpp_port)),
            *("--system-id", "crowd", "--password", "damaged"),
            *("--pdus", str(pdus), "--rate", str(rate), "--seconds", str(seconds)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=ROOT,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def prepare(house: House) -> None:
    """Make room for the crowd in a gateway that is not started yet."""
    # The museum's binds, which the crowd sends as well, know the usual password.
    config = house.config.read_text().replace('"secret"', f'"{_PASSWORD}"')
    config = config.replace("[smpp]\n", f"[smpp]\n{_OPEN_DOORS}")
    house.config.write_text(config + _ACCOUNT)


def unhandled(house: House) -> int:
    """How many lines of its log tell of an error that nobody handled."""
    return len(_UNHANDLED.findall(house.log.read_text()))


def live(house: House, pdus: int, rate: float, seconds: float) -> Outcome:
    """The partner alone, then the partner and the crowd."""
    prepare(house)
    house.carrier.start()
    house.start()
    house.wait_ready()
    assert house.process is not None
    pid = house.process.pid
    lasts_s = min(pdus / rate, seconds)
    Partner(house, 5).report()  # everything is loaded and warm, then
    alone = Partner(house, min(lasts_s + 2, 60)).report()
    before, cpu = resident_mib(pid), cpu_seconds(pid)
    watch = Watch(pid)
    watch.start()
    partner = Partner(house, lasts_s + 2)
    time.sleep(1)  # it is bound
    attacked = attack(house, pdus, rate, seconds)
    quarters = watch.stop()
    beside = partner.report()
    return Outcome(
        attack=attacked,
        alone=alone,
        beside=beside,
        unhandled=unhandled(house),
        rss_before_mib=round(before, 1),
        rss_peak_mib=max(quarters),
        rss_after_mib=round(resident_mib(pid), 1),
        rss_quarters_mib=quarters,
        gateway_cpu_s=round(cpu_seconds(pid) - cpu, 1),
    )


@click.command(help=__doc__)
@click.option("--pdus", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option(
    "--rate",
    type=click.FloatRange(1),
    default=5000.0,
    show_default=True,
    help="Damaged PDUs a second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="The attack ends then, whatever is left.",
)
def main(pdus: int, rate: float, seconds: float) -> None:
    """Run it and report."""
    with tempfile.TemporaryDirectory(prefix="luckgw-fuzz-") as directory:
        house = House(Path(directory))
        try:
            outcome = live(house, pdus, rate, seconds)
        finally:
            house.close()
    click.echo(json.dumps(attrs.asdict(outcome)))
    click.echo(str(outcome))
    for fault in outcome.faults:
        click.echo(f"BROKEN: {fault}")
    sys.exit(bool(outcome.faults))


if __name__ == "__main__":
    main()
