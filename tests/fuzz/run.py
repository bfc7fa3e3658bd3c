"""Many cases, and a report: ``make fuzz``, or ``python -m tests.fuzz.run --help``.

A case is made of the seed and its number alone, so any one can be made again.
"""

import random
import secrets
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

import attrs
import click

from tests.fuzz.readers import READERS
from tests.fuzz.sessions import SESSION
from tests.fuzz.target import Target

TARGETS: Final = (SESSION, *READERS)
SLOWEST_S: Final = 1.0
"""A case that takes longer (of this process's time) is a broken promise, too."""
GROWTH_MIB: Final = 64.0
"""So is a run that leaves the process larger by more (bar B6)."""
MOST_BROKEN: Final = 20
"""After so many broken promises the rest can wait."""

_BY_PERCENT: Final = [target for target in TARGETS for _ in range(target.share)]


def case(
    seed: int, number: int, targets: list[Target] | None = None
) -> tuple[Target, tuple[Any, ...]]:
    """The target of a case, and its input."""
    rng = random.Random(seed << 32 | number)
    target = rng.choice(targets or _BY_PERCENT)
    return target, target.make(rng)


@attrs.define
class Figures:
    """What one target took."""

    cases: int = 0
    seconds: float = 0.0
    """Making the inputs included."""
    slowest_s: float = 0.0
    """Of one check."""


@attrs.define
class Report:
    """One run."""

    seed: int
    figures: dict[str, Figures] = attrs.Factory(dict)
    broken: list[str] = attrs.Factory(list)
    """For each broken promise: which case, what happened, and with which input."""
    growth_mib: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        return not self.broken and self.growth_mib <= GROWTH_MIB

    def __str__(self) -> str:
        lines = [f"{'':<20} {'cases':>9} {'seconds':>8} {'us each':>8} {'slowest':>9}"]
        total = Figures(
            sum(each.cases for each in self.figures.values()),
            sum(each.seconds for each in self.figures.values()),
            max(each.slowest_s for each in self.figures.values()),
        )
        for name, each in [*self.figures.items(), ("all", total)]:
            lines.append(
                f"{name:<20} {each.cases:>9,} {each.seconds:>8.1f} "
                f"{each.seconds / max(each.cases, 1) * 1e6:>8.1f} "
                f"{each.slowest_s * 1000:>6.1f} ms"
            )
        lines.append(
            f"seed {self.seed}: {len(self.broken)} broken promises; "
            f"the process grew by {self.growth_mib:.1f} MiB"
        )
        return "\n".join([*self.broken, *lines])


def run(
    seed: int, count: int, first: int = 0, targets: list[Target] | None = None
) -> Report:
    """Run the cases from number ``first`` on. Never raises for a broken promise."""
    chosen = targets or list(TARGETS)
    report = Report(seed, {target.name: Figures() for target in chosen})
    before = resident_mib()
    for number in range(first, first + count):
        began = time.perf_counter()
        target, made = case(seed, number, targets)
        figures = report.figures[target.name]
        cpu = time.thread_time()
        try:
            target.check(*made)
        except Exception:  # noqa: BLE001 - that is what is looked for
            why = traceback.format_exc(limit=-3)
            report.broken.append(_told(seed, number, target, made, why))
        took = time.thread_time() - cpu
        if took > SLOWEST_S:
            why = f"it took {took:.1f} s"
            report.broken.append(_told(seed, number, target, made, why))
        figures.cases += 1
        figures.seconds += time.perf_counter() - began
        figures.slowest_s = max(figures.slowest_s, took)
        if len(report.broken) >= MOST_BROKEN:
            break
    report.growth_mib = resident_mib() - before
    return report


def _told(
    seed: int, number: int, target: Target, made: tuple[Any, ...], why: str
) -> str:
    return (
        f"BROKEN: {target.name}, case {number} of seed {seed}\n  input: {made!r}\n{why}"
    )


def resident_mib(pid: int | str = "self") -> float:
    """How much memory a process has now."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


@click.command(help=__doc__)
@click.option("--cases", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="Without it: a new one.")
@click.option("--first", type=click.IntRange(0), default=0, help="Begin with it.")
@click.option(
    "--only",
    type=click.Choice([target.name for target in TARGETS]),
    help="Cases of one target alone; their numbers mean other cases, then.",
)
def main(cases: int, seed: int | None, first: int, only: str | None) -> None:
    """Run and report; the exit status is 1 when a promise was broken."""
    targets = [target for target in TARGETS if target.name == only]
    report = run(
        secrets.randbits(32) if seed is None else seed, cases, first, targets or None
    )
    click.echo(str(report))
    sys.exit(not report.ok)


if __name__ == "__main__":
    main()
