"""``luckgw route``: where messages go, and why."""

import contextlib
import datetime as dt
import sys
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import attrs
import click

from luckgw.admission.senders import Senders
from luckgw.cli.client import AdminError, GatewayAway
from luckgw.cli.place import Place, fail, json_option, print_json
from luckgw.cli.tables import report, table
from luckgw.config.load import load
from luckgw.config.model import Account, Config
from luckgw.config.problems import ConfigError
from luckgw.config.structure import did_you_mean
from luckgw.domain.money import written
from luckgw.ops.hook_main import call, load_hook
from luckgw.ops.hooks import message_of
from luckgw.pipeline.explain import Asked, Explainer, Explanation
from luckgw.routing.facts import Facts

_REFUSED = 1


@click.group()
def route() -> None:
    """Find out where messages go."""


@route.command()
@click.option("--account", "-a", required=True, help="Who sends it.")
@click.option("--from", "-f", "source", required=True, help="Its sender ID.")
@click.option("--to", "-t", "destination", required=True, help="Its recipient.")
@click.option("--content", "-m", default="", help="Its text.")
@click.option("--tag", multiple=True, help="A tag of it; may be given more than once.")
@click.option(
    "--at",
    metavar="TIME",
    help="When it comes: 2026-12-24T18:00, UTC, or with an offset. [default: now]",
)
@json_option
@click.pass_obj
def explain(
    place: Place,
    account: str,
    source: str,
    destination: str,
    content: str,
    tag: tuple[str, ...],
    at: str | None,
    as_json: bool,
) -> None:
    """Tell where a message would go: every route, and why it matches or not.

    Reads the configuration FILE, not what a running gateway has loaded; which upstreams
    are up is asked of the gateway if one is running. Exit status 1: it would be
    refused. Nothing is sent.
    """
    config = _config(place)
    sender = config.accounts.get(account)
    if sender is None:
        known = did_you_mean(account, config.accounts)
        fail(f"there is no account {account!r}{known}", _REFUSED)
    up = _up(place)
    asked = Asked(sender, source, destination, content, frozenset(tag), _ms(at))
    explanation = Explainer(config, up, partial(_asked_hook, config)).explain(asked)
    notes = list(_notes(place, sender, source, up))
    if as_json:
        print_json(_as_json(explanation, notes))
    else:
        _show(explanation, notes, asked)
    if explanation.refusal is not None:
        raise SystemExit(_REFUSED)


def _config(place: Place) -> Config:
    try:
        return load(place.file(), without_secrets=True)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        fail("the configuration can not be used", _REFUSED)


def _up(place: Place) -> Mapping[str, bool] | None:
    """Which upstreams are up; None: no gateway can be asked."""
    try:
        answer = place.client().get("status")
    except (GatewayAway, AdminError):
        return None
    return {name: bool(one["up"]) for name, one in answer["upstreams"].items()}


def _asked_hook(config: Config, name: str, facts: Facts) -> bool | str:
    """What a hook says, in this process and without a time limit."""
    hook = config.hooks[name]
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what it prints is no answer
            return call(load_hook(hook.function), message_of(facts))
    except Exception as error:  # noqa: BLE001 - it is other people's code
        click.echo(f"hook {name} failed: {type(error).__name__}: {error}", err=True)
        return hook.when_it_fails


def _ms(at: str | None) -> int:
    if at is None:
        return time.time_ns() // 1_000_000
    try:
        moment = dt.datetime.fromisoformat(at)
    except ValueError:
        fail(f"--at must be a time like 2026-12-24T18:00, not {at!r}", 2)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp() * 1000)


def _notes(
    place: Place, account: Account, source: str, up: Mapping[str, bool] | None
) -> Iterable[str]:
    """What an operator should know beside the routes."""
    if up is None:
        yield (
            f"No gateway is running for {place.file()}: every upstream counts as up."
        )
    else:
        yield (
            f"Read from {place.file()}; which upstreams are up, from the running"
            " gateway."
        )
    if not Senders(account.senders).approves(source):
        yield (
            f"{source!r} is no approved sender ID of {account.name}: the message would"
            " be refused before any route is asked."
        )
    if not account.enabled:
        yield f"Account {account.name} is not enabled: it can send nothing."


def _show(explanation: Explanation, notes: list[str], asked: Asked) -> None:
    for note in notes:
        click.echo(note)
    click.echo()
    rows = [
        (told.route_name, "yes" if told.matched else "no", told.reason)
        for told in explanation.routes
    ]
    if rows:
        click.echo(table(("ROUTE", "MATCHES", "WHY"), rows))
        click.echo()
    if explanation.choices:
        choices = [
            (
                choice.upstream,
                {None: "?", True: "up", False: "down"}[choice.up],
                _money(choice.cost),
            )
            for choice in explanation.choices
        ]
        click.echo(table(("UPSTREAM", "STATE", "COST"), choices))
        click.echo()
    click.echo(report(_result(explanation, asked)))


def _result(explanation: Explanation, asked: Asked) -> dict[str, Any]:
    result: dict[str, Any] = {"to": explanation.destination or asked.destination}
    if explanation.route is not None:
        result["route"] = explanation.route
    if explanation.strategy is not None:
        result["strategy"] = explanation.strategy
    if explanation.refusal is not None:
        result["refused"] = explanation.refusal
    if explanation.upstream is not None:
        result["upstream"] = explanation.upstream
    sent = explanation.sent
    if sent is not None:
        result["segments"] = f"{sent.segments} ({sent.encoding})"
        result["sent as"] = f"{sent.source_addr} to {sent.destination_addr}"
        if sent.text != asked.content:
            result["text"] = sent.text
        if explanation.price is not None:
            total = explanation.price * sent.segments
            each = written(explanation.price)
            result["price"] = f"{written(total)} ({sent.segments} x {each})"
    return result


def _as_json(explanation: Explanation, notes: list[str]) -> dict[str, Any]:
    """Amounts as decimals in texts: JSON's numbers are floating point to many."""
    answer = attrs.asdict(attrs.evolve(explanation, routes=()))
    answer["routes"] = [told._asdict() for told in explanation.routes]
    answer["price"] = _decimal(explanation.price)
    for choice in answer["choices"]:
        choice["cost"] = _decimal(choice["cost"])
    sent = explanation.sent
    if sent is not None and explanation.price is not None:
        answer["total"] = written(explanation.price * sent.segments)
    answer["notes"] = notes
    return answer


def _decimal(amount: int | None) -> str | None:
    return None if amount is None else written(amount)


def _money(amount: int | None) -> str:
    return "-" if amount is None else written(amount)
