"""Measure this machine: a partner, the gateway with its store, and a carrier.

    make bench                     three runs, the median
    make bench ARGS='--runs 1'     see --help for more

Four processes on loopback: the load generator (`luckgw.sandbox.load_main`), the gateway
as `twistd` runs it, its embedded store, and the carrier (`luckgw.sandbox.smsc_main`).
Each run begins with an empty store. bench/README.md tells the method and results.
"""

import contextlib
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "benchpw1"
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 60.0

CONFIG = """\
[gateway]
data_dir = {data_dir}
[store]
url = "embedded"
durability = "{durability}"
min_free_mb = 0
[http]
listen = ["tcp:{http}:interface=127.0.0.1"]
[smpp]
listen = ["tcp:{smpp}:interface=127.0.0.1"]
[upstreams.carrier]
endpoint = "tcp:{carrier}"
system_id = "sandbox"
password = "sandbox"
binds = 2
window = 200
[[routes]]
name = "default"
to = ["carrier"]
[accounts.bench]
password = {{ file = "bench.password" }}
senders = ["LuckCreators"]
max_binds = 16
window = 1000
"""


class BenchError(Exception):
    """Something did not start or did not work. The text is for people."""


# -------------------------------------------------------------------- what is measured


@attrs.frozen
class Usage:
    """What a process has used since its start."""

    cpu_s: float
    """In user and system mode."""
    rss_mb: float
    """Resident memory now."""
    peak_mb: float
    """The most resident memory it ever had."""


def usage(pid: int) -> Usage:
    """From /proc, so on Linux alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Usage(
        (int(fields[11]) + int(fields[12])) / TICKS,
        int(status["VmRSS"].split()[0]) / 1024,
        int(status["VmHWM"].split()[0]) / 1024,
    )


def child_of(pid: int, *names: str) -> int:
    """The child process whose program's name begins with one of ``names``."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == pid and head.partition("(")[2].startswith(names):
                return int(stat.parent.name)
    raise BenchError(f"process {pid} has no child called {' or '.join(names)}")


# ----------------------------------------------------------------------- the processes


@attrs.frozen
class Bed:
    """What is running: everything but the load."""

    gateway: int
    store: int
    carrier: int
    http: int
    smpp: int
    key: str

    def usages(self) -> dict[str, Usage]:
        """Of each process."""
        return {
            "gateway": usage(self.gateway),
            "store": usage(self.store),
            "carrier": usage(self.carrier),
        }


@contextlib.contextmanager
def bed(durability: str) -> Iterator[Bed]:
    """Start all but the load, with an empty store, and end it."""
    with (
        tempfile.TemporaryDirectory(prefix="luckgw-bench-") as name,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        carrier = stack.enter_context(
            process(
                *(sys.executable, "-m", "luckgw.sandbox.smsc_main", "--no-recipes"),
                *("--listen", "tcp:0:interface=127.0.0.1"),
                log=folder / "carrier.log",
                stdout=subprocess.PIPE,
            )
        )
        assert carrier.stdout is not None
        line = carrier.stdout.readline()
        if not line:
            raise BenchError(f"the carrier: {(folder / 'carrier.log').read_text()}")
        http, smpp = free_port(), free_port()
        config = folder / "luckgw.toml"
        config.write_text(
            CONFIG.format(
                data_dir=json.dumps(str(folder / "var")),
                durability=durability,
                http=http,
                smpp=smpp,
                carrier=json.loads(line)["listening"],
            )
        )
        secret = folder / "bench.password"
        secret.touch(0o600)
        secret.write_text(PASSWORD)
        log = folder / "gateway.log"
        gateway = stack.enter_context(
            process(
                *(str(BIN / "twistd"), "-n", "--pidfile="),
                *("luckgw", "start", "--config", str(config)),
                log=log,
            )
        )
        wait_until_ready(gateway, http, log)
        yield Bed(
            gateway.pid,
            child_of(gateway.pid, "valkey-server", "redis-server"),
            carrier.pid,
            http,
            smpp,
            make_key(config),
        )


@contextlib.contextmanager
def process(
    *command: str, log: Path, stdout: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process that is told to end, and has to, when the block is left."""
    with log.open("w") as file:
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=file if stdout is None else stdout,
            stderr=file,
            text=True,
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
        if running.stdout is not None:
            running.stdout.close()


def free_port() -> int:
    """A TCP port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(gateway: subprocess.Popen[str], http: int, log: Path) -> None:
    """Until /health/ready says so; raises BenchError when it does not."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and gateway.poll() is None:
        with contextlib.suppress(OSError, urllib.error.HTTPError):
            url = f"http://127.0.0.1:{http}/health/ready"
            with urllib.request.urlopen(url, timeout=2):
                return  # any answer but a success raises
        time.sleep(0.1)
    raise BenchError(f"the gateway did not become ready:\n{log.read_text()[-2000:]}")


def make_key(config: Path) -> str:
    """An API key of the account ``bench``."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from luckgw.cli.main import main; main()"),
            *("--config", str(config), "key", "create", "bench"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"luckgw key create: {done.stderr}")
    return done.stdout.split()[-1]


# ---------------------------------------------------------------------------- the legs


@attrs.frozen
class Leg:
    """One kind of load."""

    name: str
    what: str
    arguments: tuple[str, ...]


def legs(smpp_count: int, http_count: int, rate: int, rate_s: int) -> list[Leg]:
    """What is measured, in this order."""
    return [
        Leg(
            "smpp",
            f"SMPP in, carrier out, receipt back; {smpp_count} messages as fast as 4"
            " binds with a window of 50 let",
            ("smpp", "--binds", "4", "--window", "50", "--count", str(smpp_count)),
        ),
        Leg(
            "smpp-paced",
            f"the same at {rate} messages/s for {rate_s} s: what one message takes",
            (
                *("smpp", "--binds", "4", "--window", "50"),
                *("--rate", str(rate), "--count", str(rate * rate_s)),
            ),
        ),
        Leg(
            "http",
            f"HTTP in (POST, JSON), while the carrier gets them; {http_count} messages"
            " over 32 connections that are kept alive",
            ("http", "--connections", "32", "--count", str(http_count)),
        ),
    ]


def measure(leg: Leg, bed: Bed) -> dict[str, Any]:
    """Run one leg: the load's report, and what each process used for it."""
    before = bed.usages()
    where = (
        ["--connect", f"tcp:127.0.0.1:{bed.smpp}", "--system-id", "bench"]
        if leg.arguments[0] == "smpp"
        else ["--url", f"http://127.0.0.1:{bed.http}/api/v1/send/"]
    )
    environment = {
        **os.environ,
        "LUCKGW_LOAD_PASSWORD": PASSWORD,
        "LUCKGW_LOAD_KEY": bed.key,
    }
    load = subprocess.Popen(
        [sys.executable, "-m", "luckgw.sandbox.load_main", *leg.arguments, *where],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert load.stdout is not None
    with load.stdout:
        line = load.stdout.read()
    # Not wait(): this tells what the process used, too.
    _, status, used = os.wait4(load.pid, 0)
    load.returncode = os.waitstatus_to_exitcode(status)
    if not line:
        raise BenchError(f"{leg.name}: the load generator ended with {load.returncode}")
    report: dict[str, Any] = json.loads(line)
    after = bed.usages()
    report["processes"] = {
        name: {
            "cpu_s": round(after[name].cpu_s - before[name].cpu_s, 2),
            "rss_mb": round(after[name].rss_mb, 1),
            "peak_mb": round(after[name].peak_mb, 1),
        }
        for name in after
    }
    peak_mb = used.ru_maxrss / 1024
    report["processes"]["load"] = {
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "rss_mb": round(peak_mb, 1),
        "peak_mb": round(peak_mb, 1),
    }
    return report


# ------------------------------------------------------------------------- the results


def median(values: list[Any]) -> Any:
    """Of records field by field; of numbers the median; of verdicts whether all hold.

    What is missing in some runs (a refusal's status) is taken from those that have it,
    and of anything else the first one.
    """
    first = values[0]
    if isinstance(first, bool):
        return all(values)
    if isinstance(first, int | float):
        return round(statistics.median(values), 3)
    if isinstance(first, dict):
        names = [name for value in values for name in value]
        return {
            name: median([value[name] for value in values if name in value])
            for name in dict.fromkeys(names)
        }
    return first


def machine() -> dict[str, Any]:
    """What was measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def table(result: dict[str, Any]) -> str:
    """The results for people, in Markdown."""
    heads = (
        *("leg", "messages/s", "response ms p50/p95/p99", "receipt ms p50/p95/p99"),
        *("CPU s: gateway", "store", "carrier", "load"),
        *("RSS MB: gateway", "store", "all came back"),
    )
    rows = [heads, tuple("---" for _ in heads)]
    for name, leg in result["legs"].items():
        found, used = leg["median"], leg["median"]["processes"]
        receipts = found["receipts"] or {}
        # A message is through when its receipt is back, if it has one.
        rate = receipts.get("rate", found["rate"])
        rows.append(
            (
                name,
                f"{rate:,.0f}",
                quantiles(found["response_ms"]),
                quantiles(receipts.get("latency_ms")),
                *(
                    f"{used[each]['cpu_s']:.2f}"
                    for each in ("gateway", "store", "carrier", "load")
                ),
                *(f"{used[each]['rss_mb']:.0f}" for each in ("gateway", "store")),
                "yes" if found["ok"] else "NO",
            )
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def quantiles(found: dict[str, float] | None) -> str:
    """Three of them."""
    if not found:
        return "-"
    return " / ".join(f"{found[name]:.1f}" for name in ("p50", "p95", "p99"))


@click.command(context_settings={"show_default": True})
@click.option("--runs", type=click.IntRange(1), default=3)
@click.option("--smpp-count", type=click.IntRange(1), default=60_000)
@click.option("--http-count", type=click.IntRange(1), default=30_000)
@click.option("--rate", type=click.IntRange(1), default=1000, help="Of smpp-paced.")
@click.option("--rate-s", type=click.IntRange(1), default=10)
@click.option(
    "--durability", type=click.Choice(("always", "everysec")), default="always"
)
@click.option("--leg", "only", multiple=True, help="Only this leg; may be repeated.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write it here."
)
def main(
    runs: int,
    smpp_count: int,
    http_count: int,
    rate: int,
    rate_s: int,
    durability: str,
    only: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Measure this machine; prints a table and a line of JSON.

    Exit status 0 if in every run every message was accepted and came back.
    """
    if not Path("/proc/self/stat").exists():
        raise click.ClickException("CPU and memory are read from /proc: Linux only")
    plan = legs(smpp_count, http_count, rate, rate_s)
    unknown = set(only) - {leg.name for leg in plan}
    if unknown:
        known = ", ".join(leg.name for leg in plan)
        raise click.UsageError(f"no leg {', '.join(unknown)}; there are {known}")
    plan = [leg for leg in plan if not only or leg.name in only]
    found: dict[str, list[dict[str, Any]]] = {leg.name: [] for leg in plan}
    try:
        for number in range(1, runs + 1):
            with bed(durability) as running:
                for leg in plan:
                    click.echo(f"run {number} of {runs}: {leg.name}", err=True)
                    found[leg.name].append(measure(leg, running))
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    measured = {
        leg.name: {
            "what": leg.what,
            "median": median(found[leg.name]),
            "runs": found[leg.name],
        }
        for leg in plan
    }
    result = {
        "machine": machine(),
        "durability": durability,
        "legs": measured,
    }
    line = json.dumps(result)
    if json_file is not None:
        json_file.write_text(line + "\n")
    click.echo(table(result))
    click.echo(line)
    if not all(run["ok"] for runs_of in found.values() for run in runs_of):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
