"""``luckgw receipts``: what carriers said and nobody could use."""

import time
from typing import Any, Final

import click

from luckgw.cli.place import Place, asks_gateway, json_option, print_json
from luckgw.cli.tables import moment, table

_HEADS: Final = ("ORPHAN", "WAITS", "STATE", "STAT", "ERR", "RECIPIENT")


@click.group()
def receipts() -> None:
    """See to receipts without a message, and to what could not be read."""


@receipts.command()
@click.option("--upstream", metavar="NAME", help="Only those of this upstream.")
@json_option
@click.pass_obj
@asks_gateway
def orphans(place: Place, upstream: str | None, as_json: bool) -> None:
    """List the receipts that wait for their message, the oldest first.

    A receipt whose id is not known waits for 72 hours, then it is dropped and counted.
    """
    answer = place.client().get("receipts", "orphans", upstream=upstream)
    if as_json:
        print_json(answer)
        return
    now_ms = time.time() * 1000
    rows = [
        (
            each["orphan"],
            _age((now_ms - each["time_ms"]) / 1000),
            each["state"],
            each["stat"] or "-",
            each["err"] or "-",
            each["recipient"] or "-",
        )
        for each in answer["orphans"]
    ]
    click.echo(table(_HEADS, rows))


@receipts.command()
@click.argument("orphan")
@click.argument("message")
@json_option
@click.pass_obj
@asks_gateway
def bind(place: Place, orphan: str, message: str, as_json: bool) -> None:
    """Give the receipt ORPHAN to MESSAGE, as if its id had been known.

    ORPHAN is what `luckgw receipts orphans` shows, MESSAGE the id (UUID) of a message.
    From then on the carrier's id stands for that message.
    """
    body = {"orphan": orphan, "message": message}
    answer = place.client().post("receipts", "bind", body=body)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"Receipt {orphan}: {answer['result']}.")


@receipts.command()
@click.argument("orphan")
@json_option
@click.pass_obj
@asks_gateway
def drop(place: Place, orphan: str, as_json: bool) -> None:
    """Drop the receipt ORPHAN: its message never hears of it."""
    answer = place.client().post("receipts", "drop", body={"orphan": orphan})
    if as_json:
        print_json(answer)
    else:
        click.echo(f"Receipt {orphan} is dropped.")


@receipts.command()
@click.argument("upstream")
@json_option
@click.pass_obj
@asks_gateway
def quarantine(place: Place, upstream: str, as_json: bool) -> None:
    """List what UPSTREAM delivered that could not be read, as hexadecimal octets."""
    answer = place.client().get("receipts", "quarantine", upstream)
    if as_json:
        print_json(answer)
        return
    rows: list[tuple[Any, ...]] = [
        (
            moment(each["time_ms"]),
            f"0x{each['command_id']:08X}",
            f"0x{each['answered']:02X}",
            each["body"],
        )
        for each in answer["quarantine"]
    ]
    click.echo(table(("TIME", "COMMAND", "ANSWERED", "BODY"), rows))


def _age(seconds: float) -> str:
    """How long, in the largest unit that gives at least two."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
