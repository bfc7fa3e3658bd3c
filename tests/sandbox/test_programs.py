"""The sandbox and the load generator as programs, on real sockets."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from luckgw.sandbox.recipes import RECIPES


def program(name: str, *arguments: str) -> list[str]:
    """The command line of one of them."""
    return [sys.executable, "-m", f"luckgw.sandbox.{name}", *arguments]


def load(*arguments: str) -> tuple[int, Any, str]:
    """Run the load generator: exit status, its line of JSON, its errors."""
    done = subprocess.run(
        program("load_main", *arguments),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


@contextlib.contextmanager
def carrier(*arguments: str) -> Iterator[tuple[str, dict[str, int]]]:
    """A sandbox process: its address; when it has ended also its counts."""
    counts: dict[str, int] = {}
    with subprocess.Popen(
        program("smsc_main", "--listen", "tcp:0:interface=127.0.0.1", *arguments),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["listening"], counts
        finally:
            process.send_signal(signal.SIGTERM)
            counts |= json.loads(process.stdout.readline())
    assert process.returncode == 0


def test_a_run_from_end_to_end() -> None:
    """Exit status 0 when every id came back; the sandbox counted the same."""
    with carrier("--id-format", "uuid") as (address, counts):
        status, report, errors = load(
            *("smpp", "--connect", f"tcp:{address}", "--count", "300"),
            *("--system-id", "sandbox", "--password", "sandbox"),
        )
    assert (status, errors) == (0, "")
    assert report["ok"] is True
    assert report["accepted"] == report["receipts"]["matched"] == 300
    assert counts["accepted"] == counts["receipts_done"] == 300


def test_a_run_that_cannot_begin() -> None:
    """Exit status 2 and one sentence, for both roads."""
    with carrier() as (address, _counts):
        status, report, errors = load(
            *("smpp", "--connect", f"tcp:{address}"),
            *("--system-id", "sandbox", "--password", "wrong"),
        )
    assert (status, report) == (2, None)
    assert errors == "Error: cannot bind: the bind was refused with 0x0E\n"
    status, report, errors = load("http", "--url", f"http://{address}/", "--key", "k")
    assert (status, report) == (2, None)
    assert errors.startswith("Error: cannot connect: ")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "127.0.0.1", "http:///x"])
def test_a_url_that_will_not_do(url: str) -> None:
    """Said as a usage error."""
    status, _, errors = load("http", "--url", url, "--key", "k")
    assert status == 2
    assert "--url has to begin with http://" in errors


def test_help_lists_the_recipes() -> None:
    """What the numbers do can be looked up where the sandbox is started."""
    done = subprocess.run(
        program("smsc_main", "--help"), capture_output=True, text=True, check=True
    )
    for recipe in RECIPES:
        assert f"  {recipe.digits}  {recipe.what}\n" in done.stdout


def test_a_port_that_is_taken() -> None:
    """The sandbox ends with one sentence and status 1."""
    with carrier() as (address, _counts):
        port = address.rpartition(":")[2]
        done = subprocess.run(
            program("smsc_main", "--listen", f"tcp:{port}:interface=127.0.0.1"),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert "Couldn't listen on 127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
