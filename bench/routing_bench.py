"""What finding a message's way costs, in microseconds of CPU, with 100,000 prefixes.

    python bench/routing_bench.py

Each line is the median of three runs on one core; memory is what Python allocates, and
the time to load is that of one reading. Exits with 1 when a goal is missed.
"""

import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from luckgw.config.lists import NumberList, PortedNumbers, PrefixRoutes, PriceList
from luckgw.config.routes import Match, Route
from luckgw.routing.facts import Facts
from luckgw.routing.prefixes import PrefixMap
from luckgw.routing.table import RouteTable

PREFIXES = 100_000
PORTED = 1_000_000
GOAL_US = 5.0
RUNS = 3
UPSTREAMS = ("a", "b", "c", "d")


def world(count: int) -> list[str]:
    """So many different prefixes of 1 to 9 digits, as price lists have them."""
    draw = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        length = draw.choices(range(1, 10), (1, 2, 5, 10, 20, 30, 20, 8, 4))[0]
        found[str(draw.randrange(10 ** (length - 1), 10**length))] = None
    return list(found)


def numbers(prefixes: list[str]) -> list[str]:
    """Recipients: three in four under one of the prefixes, the others anywhere."""
    draw = random.Random(2)
    return [
        (draw.choice(prefixes) if draw.randrange(4) else str(draw.randrange(1, 10)))
        + str(draw.randrange(10**6, 10**7))
        for _ in range(20_000)
    ]


def per_call(call: Callable[[str], object], arguments: list[str]) -> float:
    """The median of the runs: microseconds of CPU for one call."""
    runs = []
    for _ in range(RUNS):
        start = time.process_time()
        for argument in arguments:
            call(argument)
        runs.append((time.process_time() - start) / len(arguments) * 1e6)
    return statistics.median(runs)


def built(make: Callable[[], object]) -> tuple[object, float, float]:
    """What ``make`` gives, its seconds, and its MiB (measured another time)."""
    start = time.process_time()
    made = make()
    seconds = time.process_time() - start
    tracemalloc.start()
    kept = make()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return made, seconds, size / 2**20


def main() -> int:
    """Measure, print, and say whether all goals are met."""
    prefixes = world(PREFIXES)
    asked = numbers(prefixes)
    rows: list[tuple[str, float, float, float]] = []

    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder, "prices.csv")
        prices.write_text("".join(f"{p},0.{len(p)}{p[:3]}\n" for p in prefixes))
        ways = Path(folder, "ways.csv")
        ways.write_text("".join(f"{p},{UPSTREAMS[int(p[-1]) % 4]}\n" for p in prefixes))
        ported = Path(folder, "ported.csv")
        ported.write_text(
            "".join(f"{233_200_000_000 + 7 * n},net{n % 5}\n" for n in range(PORTED))
        )
        blocked = Path(folder, "blocked.txt")
        blocked.write_text("".join(f"{p}*\n" for p in prefixes))

        def priced() -> PrefixMap[int]:
            return PrefixMap(PriceList.read(prices).prices)

        def many_routes() -> RouteTable:
            return RouteTable(
                [
                    Route(f"r{n}", (UPSTREAMS[n % 4],), Match(prefix=(prefix,)))
                    for n, prefix in enumerate(prefixes)
                ],
                UPSTREAMS,
            )

        def one_route() -> RouteTable:
            match = Match(prefix=tuple(prefixes), account=("acme",))
            return RouteTable([Route("r", ("a",), match)], UPSTREAMS)

        def file_of_routes() -> RouteTable:
            route = Route("r", prefixes=PrefixRoutes.read(ways), strategy="failover")
            return RouteTable([route], UPSTREAMS)

        def denied() -> RouteTable:
            match = Match(destination_list=NumberList.read(blocked))
            return RouteTable([Route("no", match=match, refuse="content")], ())

        table: PrefixMap[int]
        table, seconds, size = built(priced)  # type: ignore[assignment]
        rows.append(
            ("price list", per_call(table.get, asked), seconds, size),
        )
        for name, make in (
            ("a route for each prefix", many_routes),
            ("one route with all prefixes", one_route),
            ("one route with a file of prefixes", file_of_routes),
            ("a deny list of prefixes", denied),
        ):
            made, seconds, size = built(make)
            assert isinstance(made, RouteTable)
            decide = made.decide
            facts = {number: Facts("acme", "Acme", number) for number in asked}
            cost = per_call(lambda number, d=decide, f=facts: d(f[number]), asked)  # type: ignore[misc]
            rows.append((name, cost, seconds, size))
        numbers_, seconds, size = built(lambda: PortedNumbers.read(ported))
        assert isinstance(numbers_, PortedNumbers)
        rows.append(
            (
                f"{PORTED:,} ported numbers",
                per_call(numbers_.network_of, asked),
                seconds,
                size,
            )
        )

    print(f"{PREFIXES:,} prefixes; goal: {GOAL_US} us a look-up")
    print(f"{'':36}{'us':>8}{'load s':>10}{'MiB':>8}")
    for name, cost, seconds, size in rows:
        print(f"{name:36}{cost:8.2f}{seconds:10.2f}{size:8.1f}")
    return int(max(cost for _, cost, _, _ in rows) > GOAL_US)


if __name__ == "__main__":
    sys.exit(main())
