"""Promises of the benchmark's arithmetic; the rest of it is measured, not promised."""

import os
import subprocess
from typing import Any

import pytest

from bench.run import BenchError, child_of, legs, median, table, usage


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 1, 2], 2),
        ([1.5, 0.5], 1.0),
        ([True, True], True),
        ([True, False, True], False),
        (["smpp", "smpp"], "smpp"),
        ([None, None], None),
        ([{"a": 1, "b": {"c": 5}}, {"a": 3, "b": {"c": 7}}], {"a": 2, "b": {"c": 6}}),
        ([{}, {"0x58": 4}, {"0x58": 6}], {"0x58": 5}),
    ],
)
def test_median(values: list[Any], expected: object) -> None:
    """Of numbers field by field; one bad run makes a bad verdict."""
    assert median(values) == expected


def test_usage_is_that_of_the_process() -> None:
    """CPU seconds only grow, and memory is that of a Python process."""
    before = usage(os.getpid())
    sum(n * n for n in range(1_000_000))
    after = usage(os.getpid())
    assert 0 < before.cpu_s < after.cpu_s < before.cpu_s + 10
    assert 10 < after.rss_mb <= after.peak_mb


def test_a_child_is_found_by_its_name() -> None:
    """The store is a child of the gateway; nobody else's child will do."""
    with subprocess.Popen(["/bin/sleep", "60"]) as child:
        try:
            assert child_of(os.getpid(), "sleep") == child.pid
            with pytest.raises(BenchError, match="no child called nobody"):
                child_of(os.getpid(), "nobody")
        finally:
            child.kill()


def test_the_table_shows_every_leg() -> None:
    """One row each, a dash for what a leg does not have, and NO for what was lost."""
    used = {"cpu_s": 1.5, "rss_mb": 60.0, "peak_mb": 61.0}
    latency = {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}
    report = {
        "rate": 5000.0,
        "response_ms": latency,
        "receipts": None,
        "ok": False,
        "processes": dict.fromkeys(("gateway", "store", "carrier", "load"), used),
    }
    found = {"legs": {leg.name: {"median": report} for leg in legs(1, 1, 1, 1)}}
    rows = table(found).split("\n")
    assert len(rows) == 2 + 3
    assert rows[2] == (
        "| smpp | 5,000 | 1.0 / 2.0 / 3.0 | - | 1.50 | 1.50 | 1.50 | 1.50 | 60 | 60"
        " | NO |"
    )
