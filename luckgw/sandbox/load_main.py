"""The load generator as a process: ``python -m luckgw.sandbox.load_main``."""

import gc
import json
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import attrs
import click
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import react

from luckgw.sandbox.load import LoadError, SmppLoad, SmppPlan
from luckgw.sandbox.load_http import METHODS, HttpLoad, HttpPlan
from luckgw.sandbox.load_report import Report
from luckgw.sandbox.process import prepare

#: Options that both modes have.
_COMMON = (
    click.option("--count", type=click.IntRange(1), default=1000, show_default=True),
    click.option(
        "--rate",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="Messages a second; 0: as fast as they are answered.",
    ),
    click.option("--source", default="LuckCreators", show_default=True),
    click.option(
        "--to-prefix",
        default="23350",
        show_default=True,
        help="Seven random digits follow.",
    ),
    click.option(
        "--text",
        default="Hello {n}",
        show_default=True,
        help="{n} stands for the number of the message.",
    ),
)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_COMMON):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Load a gateway and see that nothing is lost.

    Prints one line of JSON. Exit status: 0 if every message was accepted under an id of
    its own (and, over SMPP with receipts, every id came back), 1 if not, 2 if the run
    could not begin.
    """


@main.command()
@click.option(
    "--connect",
    default="tcp:127.0.0.1:2775",
    show_default=True,
    help="A Twisted client endpoint.",
)
@click.option("--system-id", required=True)
@click.option("--password", required=True, envvar="LUCKGW_LOAD_PASSWORD")
@click.option("--binds", type=click.IntRange(1), default=4, show_default=True)
@click.option("--window", type=click.IntRange(1), default=50, show_default=True)
@click.option("--receipts/--no-receipts", default=True, show_default=True)
@click.option(
    "--wait-receipts-s", type=click.FloatRange(0), default=30.0, show_default=True
)
@click.option(
    "--response-s",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help="A submit_sm without an answer for so long is given up.",
)
@_common
def smpp(connect: str, **plan: Any) -> None:
    """Be a partner that submits over SMPP and waits for its receipts."""

    def run(reactor: Any) -> Coroutine[Deferred[Any], Any, Report]:
        endpoint = clientFromString(reactor, connect)
        return SmppLoad(reactor, endpoint, SmppPlan(**plan)).run()

    _run(run)


@main.command()
@click.option("--url", default="http://127.0.0.1:8080/api/v1/send/", show_default=True)
@click.option("--key", required=True, envvar="LUCKGW_LOAD_KEY", help="The API key.")
@click.option(
    "--method", type=click.Choice(METHODS), default=METHODS[0], show_default=True
)
@click.option("--connections", type=click.IntRange(1), default=32, show_default=True)
@click.option(
    "--response-s",
    type=click.FloatRange(1),
    default=10.0,
    show_default=True,
    help="A request without an answer for so long is given up.",
)
@_common
def http(url: str, **plan: Any) -> None:
    """Be a customer that sends over HTTP."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise click.UsageError("--url has to begin with http:// and a host")
    host, port = parts.hostname, parts.port or 80

    def run(reactor: Any) -> Coroutine[Deferred[Any], Any, Report]:
        endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, host, port)
        return HttpLoad(reactor, endpoint, HttpPlan(url, **plan)).run()

    _run(run)


def _run(run: Callable[[Any], Coroutine[Deferred[Any], Any, Report]]) -> None:
    """Run on the reactor, print the report, exit."""
    reactor: Any = _reactor
    prepare(reactor)
    # What is there now stays, and what a run makes is freed without the collector,
    # whose full passes over a growing table of ids would show as latency.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)

    async def go(reactor: Any) -> None:
        try:
            report = await run(reactor)
        except LoadError as error:
            click.echo(f"Error: {error}", err=True)
            raise SystemExit(2) from error
        click.echo(json.dumps(attrs.asdict(report)))
        raise SystemExit(0 if report.ok else 1)

    react(go)


if __name__ == "__main__":
    main()
