"""The sandbox as a process of its own: ``python -m luckgw.sandbox.smsc_main``."""

import json
import sys
import time
from functools import partial
from typing import IO, Any

import attrs
import click
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from luckgw.domain.errors import Refusal
from luckgw.link.flusher import Flusher
from luckgw.sandbox.mixed import RECEIPT_IDS, MixedSmsc
from luckgw.sandbox.phone import PhoneText
from luckgw.sandbox.process import prepare
from luckgw.sandbox.recipes import RECIPES
from luckgw.sandbox.smsc import ID_FORMATS, Smsc, SmscService, SmscSettings
from luckgw.wire.pdus import Sm

_EPILOG = "\b\nWhat the last four digits of a recipient do:\n" + "\n".join(
    f"  {recipe.digits}  {recipe.what}" for recipe in RECIPES
)


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.option(
    "--listen",
    default="tcp:2776:interface=127.0.0.1",
    show_default=True,
    help="A Twisted server endpoint; port 0 takes any free one.",
)
@click.option("--system-id", default="sandbox", show_default=True, help="Who may bind.")
@click.option("--password", default="sandbox", show_default=True)
@click.option(
    "--id-format", type=click.Choice(ID_FORMATS), default="dec", show_default=True
)
@click.option(
    "--receipt-delay-s",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="From a submit_sm to its receipt.",
)
@click.option(
    "--receipt-window",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="deliver_sm that a session may leave unanswered.",
)
@click.option(
    "--phones",
    is_flag=True,
    help="Read messages from phones from standard input, one JSON object a line:"
    ' {"phone": "233501234567", "number": "4040", "text": "Hello"}; also "form",'
    ' "reference" and "parts".',
)
@click.option(
    "--recipes/--no-recipes",
    default=True,
    show_default=True,
    help="Whether numbers call for the recipes below.",
)
@click.option(
    "--record",
    type=click.File("a", lazy=False),
    help="Append every message that comes to this file, as a line of JSON.",
)
@click.option(
    "--mixed",
    is_flag=True,
    help="Receipts in all their forms, whatever the number: early, late, twice ...",
)
@click.option(
    "--receipt-ids",
    type=click.Choice(RECEIPT_IDS),
    default="same",
    show_default=True,
    help="With --mixed: how ids are written in receipts.",
)
def main(
    listen: str,
    recipes: bool,
    phones: bool,
    record: IO[str] | None,
    mixed: bool,
    receipt_ids: str,
    **settings: Any,
) -> None:
    """Be a carrier: take binds, answer every submit_sm, send its receipt.

    Prints the port as one line of JSON when it listens, and the counts of what it did
    as another when SIGINT or SIGTERM ends it.
    """
    reactor: Any = _reactor
    prepare(reactor)
    make = partial(MixedSmsc, receipt_ids=receipt_ids) if mixed else Smsc
    smsc = make(
        reactor,
        Flusher(reactor),
        SmscSettings(recipes=recipes, **settings),
        lambda: time.time_ns() // 1_000_000,
        None if record is None else partial(_record, record),
    )
    service = SmscService(smsc, [serverFromString(reactor, listen)])
    problems: list[str] = []

    def listening(ports: list[IListeningPort]) -> None:
        address: Any = ports[0].getHost()
        _say({"listening": f"{address.host}:{address.port}"})

    def failed(why: Failure) -> None:
        problems.append(why.getErrorMessage())
        reactor.stop()

    def start() -> None:
        service.start().addCallbacks(listening, failed)

    def stop() -> Deferred[None]:
        return service.stopService()

    if phones:
        StandardIO(_Phones(smsc), reactor=reactor)
    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    reactor.run()
    if problems:
        raise click.ClickException(problems[0])
    _say({**attrs.asdict(smsc.counts), "receipts_kept": smsc.kept})


def _record(file: IO[str], sm: Sm) -> None:
    """A message as a line of JSON, octets in hexadecimal."""
    fields = {
        "service_type": sm.service_type.decode("latin-1"),
        "source": f"{sm.source_addr_ton}/{sm.source_addr_npi}",
        "source_addr": sm.source_addr.decode("latin-1"),
        "destination": f"{sm.dest_addr_ton}/{sm.dest_addr_npi}",
        "destination_addr": sm.destination_addr.decode("latin-1"),
        "esm_class": sm.esm_class,
        "data_coding": sm.data_coding,
        "short_message": sm.short_message.hex(),
        "tlvs": {f"{tag:#06x}": value.hex() for tag, value in (sm.tlvs or {}).items()},
        "body": sm.body.hex(),
    }
    file.write(json.dumps(fields) + "\n")
    file.flush()


class _Phones(LineOnlyReceiver):
    """Messages from phones, read from standard input."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self, smsc: Smsc) -> None:
        self._smsc = smsc

    def lineReceived(self, line: bytes) -> None:
        """One message."""
        try:
            self._smsc.bring(PhoneText.from_json(json.loads(line)).bodies())
        except (ValueError, Refusal) as error:
            click.echo(f"no message: {error}", err=True)


def _say(what: dict[str, object]) -> None:
    click.echo(json.dumps(what))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
