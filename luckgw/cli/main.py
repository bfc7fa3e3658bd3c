"""The ``luckgw`` command: what operators type beside ``twistd luckgw start``.

Exit status: 0 done; 1 it could not be done, or what was checked is wrong; 2 no gateway
can be reached (or the command line is wrong).
"""

import re
from pathlib import Path
from typing import Any, Final

import attrs
import click

from luckgw import __version__
from luckgw.cli.place import Place as _Place
from luckgw.cli.place import asks_gateway as _asks_gateway
from luckgw.cli.place import fail as _fail
from luckgw.cli.place import json_option as _json_option
from luckgw.cli.place import print_json as _print_json
from luckgw.cli.receipts import receipts
from luckgw.cli.route import route
from luckgw.cli.tables import moment, report, table
from luckgw.config.files import read_files
from luckgw.config.load import DEMO_PASSWORD, SANDBOX, load, warnings
from luckgw.config.outgoing import FORMS, UpstreamText
from luckgw.config.problems import ConfigError, Problem
from luckgw.config.rules import Invalid
from luckgw.config.structure import Structure, did_you_mean
from luckgw.domain.errors import Refusal
from luckgw.text.alphabets import Encoding
from luckgw.text.preview import Preview, preview
from luckgw.text.writer import Writer

_WHOLE_KEY = re.compile(r"lk_(?:live|test)_([a-z2-7]{8})_\S+")

_KEY_HEADS: Final = (
    "ID",
    "ACCOUNT",
    "NAME",
    "MODE",
    "SCOPES",
    "IN-URL",
    "CREATED",
    "LAST-USED",
    "REVOKED",
)
"""The one secret file that need not be there yet (luckgw/wiring.py)."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="luckgw")
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The gateway's configuration. [default: /etc/luckgw/luckgw.toml, else"
    " etc/luckgw.toml]",
)
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Look after a luckgw SMS gateway.

    The gateway itself is started with: twistd luckgw start
    """
    context.obj = _Place(config)


main.add_command(route)
main.add_command(receipts)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_json_option
@click.pass_obj
def check(place: _Place, file: Path | None, as_json: bool) -> None:
    """Check the configuration FILE (or the one of --config) and all it includes.

    Prints every problem as file:line: key: message. Starts and changes nothing.
    """
    path = file or place.file()
    problems, notes = _checked(path)
    if as_json:
        _print_json(
            {
                "file": str(path),
                "problems": [attrs.asdict(each) for each in problems],
                "warnings": [attrs.asdict(each) for each in notes],
            }
        )
    else:
        for note in notes:
            click.echo(f"warning: {note}")
        for problem in problems:
            click.echo(str(problem))
        if not problems:
            click.echo(f"{path} is good")
    if problems:
        raise SystemExit(1)


@main.command()
@_json_option
@click.pass_obj
@_asks_gateway
def status(place: _Place, as_json: bool) -> None:
    """Show how the running gateway is."""
    answer = place.client().get("status")
    if as_json:
        _print_json(answer)
    else:
        click.echo(report(answer))


def _checked(path: Path) -> tuple[list[Problem], list[Problem]]:
    """What is wrong, and what an operator should know."""
    missing: list[Path] = []
    try:
        return [], warnings(load(path, missing.append))
    except ConfigError as error:
        problems, notes = [], []
        to_come = tuple(
            f"{name} can not be read" for name in missing if name.name == DEMO_PASSWORD
        )
        for each in error.problems:
            if each.message.startswith(to_come):
                message = "its file will be made at the first start"
                notes.append(attrs.evolve(each, message=message))
            else:
                problems.append(each)
        return problems, notes


# -- keys ------------------------------------------------------------------------------


@main.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@click.argument("account")
@click.option("--name", default="", help="What the key is for.")
@click.option("--test", is_flag=True, help="Its messages never leave the sandbox.")
@click.option("--no-query", is_flag=True, help="It may not be sent in a URL.")
@click.option(
    "--json-answers", is_flag=True, help="Calls with it are answered in JSON."
)
@_json_option
@click.pass_obj
@_asks_gateway
def create(
    place: _Place,
    account: str,
    name: str,
    *,
    test: bool,
    no_query: bool,
    json_answers: bool,
    as_json: bool,
) -> None:
    """Make an API key for ACCOUNT.

    The key is the last line. It is shown this once: the gateway keeps only a hash.
    """
    answer = place.client().post(
        "keys",
        body={
            "account": account,
            "name": name,
            "test": test,
            "allow_query": not no_query,
            "json_answers": json_answers,
        },
    )
    if as_json:
        _print_json(answer)
        return
    click.echo(f"API key {answer['id']} for account {answer['account']}.")
    click.echo("It is shown only now; send it as Authorization: Bearer KEY.")
    click.echo()
    click.echo(answer["key"])


@key.command("list")
@click.argument("account", required=False)
@_json_option
@click.pass_obj
@_asks_gateway
def list_keys(place: _Place, account: str | None, as_json: bool) -> None:
    """List the API keys of ACCOUNT, or of all accounts."""
    answer = place.client().get("keys", account=account)
    if as_json:
        _print_json(answer)
        return
    rows = [
        (
            each["id"],
            each["account"],
            each["name"] or "-",
            "test" if each["test"] else "live",
            ",".join(each["scopes"]),
            "yes" if each["allow_query"] else "no",
            moment(each["created_ms"]),
            moment(each["last_used_ms"]),
            moment(each["revoked_ms"]),
        )
        for each in answer["keys"]
    ]
    click.echo(table(_KEY_HEADS, rows))


@key.command()
@click.argument("account")
@click.argument("key_id", metavar="ID")
@_json_option
@click.pass_obj
@_asks_gateway
def revoke(place: _Place, account: str, key_id: str, as_json: bool) -> None:
    """Make the API key ID of ACCOUNT worthless, within a second and for good.

    ID is what `luckgw key list` shows, or the whole key.
    """
    whole = _WHOLE_KEY.fullmatch(key_id)
    answer = place.client().delete(
        "keys", whole[1] if whole else key_id, account=account
    )
    if as_json:
        _print_json(answer)
    else:
        click.echo(f"API key {answer['id']} of account {answer['account']} is revoked.")


# -- messages from phones --------------------------------------------------------------


@main.command()
@click.argument("account")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@_json_option
@click.pass_obj
@_asks_gateway
def inbox(place: _Place, account: str, limit: int, as_json: bool) -> None:
    """Show what ACCOUNT got from phones, newest first."""
    answer = place.client().get("inbox", account, limit=str(limit))
    if as_json:
        _print_json(answer)
        return
    rows = [
        (each["received_at"], each["from"], each["to"], each["content"] or "(binary)")
        for each in answer["messages"]
    ]
    click.echo(table(("RECEIVED", "FROM", "TO", "CONTENT"), rows))


@main.group()
def optout() -> None:
    """List and change who wants no more messages."""


@optout.command("list")
@click.argument("account")
@_json_option
@click.pass_obj
@_asks_gateway
def list_opted_out(place: _Place, account: str, as_json: bool) -> None:
    """List the phones that want nothing more from a sender of ACCOUNT."""
    answer = place.client().get("optout", account)
    if as_json:
        _print_json(answer)
        return
    rows = [
        (each["phone"], each["sender"], moment(each["since_ms"]))
        for each in answer["opted_out"]
    ]
    click.echo(table(("PHONE", "SENDER", "SINCE"), rows))
    if answer["count"] > len(rows):
        click.echo(f"... and {answer['count'] - len(rows)} more")


@optout.command("add")
@click.argument("account")
@click.argument("sender")
@click.argument("phone")
@click.pass_obj
@_asks_gateway
def add_opt_out(place: _Place, account: str, sender: str, phone: str) -> None:
    """Refuse messages of ACCOUNT from SENDER to PHONE from now on."""
    answer = place.client().post("optout", account, sender, phone, body={})
    click.echo("opted out" if answer["changed"] else "had opted out before")


@optout.command("remove")
@click.argument("account")
@click.argument("sender")
@click.argument("phone")
@click.pass_obj
@_asks_gateway
def remove_opt_out(place: _Place, account: str, sender: str, phone: str) -> None:
    """Let messages of ACCOUNT from SENDER to PHONE pass again."""
    answer = place.client().delete("optout", account, sender, phone)
    click.echo("taken off the list" if answer["changed"] else "was not on the list")


@main.group()
def simulate() -> None:
    """Have the built-in SMSC do something."""


def _part_numbers(_context: object, _option: object, value: str) -> list[int]:
    try:
        return [int(each) for each in value.split(",") if each]
    except ValueError:
        raise click.BadParameter("must be numbers like 2,1") from None


@simulate.command("mo")
@click.argument("text")
@click.option("--from", "phone", default="233501234567", show_default=True)
@click.option("--to", "number", default="4040", show_default=True)
@click.option(
    "--form",
    default="udh8",
    show_default=True,
    help="How a long text travels: udh8, udh16, sar, payload or data_sm.",
)
@click.option("--reference", type=click.IntRange(0, 65535), default=1)
@click.option(
    "--parts",
    default="",
    callback=_part_numbers,
    help="Which parts of a long text, in which order: 2,1. [default: all]",
)
@click.pass_obj
@_asks_gateway
def simulate_mo(place: _Place, /, **wish: Any) -> None:
    """Bring TEXT from a phone, by the built-in SMSC."""
    place.client().post("simulate", "mo", body=wish)
    click.echo("brought")


# -- texts -----------------------------------------------------------------------------


@main.command()
@click.argument("text")
@click.option("--upstream", metavar="NAME", help="What this upstream would be sent.")
@click.option(
    "--form", type=click.Choice(FORMS), help="How the parts are told from each other."
)
@click.option(
    "--transliterate",
    is_flag=True,
    default=None,
    help="Make it look alike in GSM 7-bit where the alphabet lacks something.",
)
@_json_option
@click.pass_obj
def segments(
    place: _Place,
    text: str,
    upstream: str | None,
    form: str | None,
    transliterate: bool | None,
    as_json: bool,
) -> None:
    """Show how many segments TEXT takes, and what makes it dearer.

    Names each character that the alphabet does not have, which mostly forces UCS2, with
    what transliteration would put in its place, and what the text would take then.
    Without --upstream: for one that is configured with nothing but defaults.
    """
    wanted = UpstreamText() if upstream is None else _text_of(place, upstream)
    try:
        writer = Writer(wanted if form is None else attrs.evolve(wanted, form=form))
        seen = preview(text, writer, transliterate=transliterate)
    except Refusal as refusal:
        _fail(str(refusal), 1)
    except Invalid as invalid:
        _fail(f"--form {form}: {invalid}", 1)
    if as_json:
        _print_json(_preview_as_json(seen, writer))
        return
    if seen.text != text:
        click.echo(f"sent as   {seen.text}")
    click.echo(f"segments  {seen.segments}")
    click.echo(f"encoding  {seen.encoding.value}")
    if upstream is not None or form is not None:
        click.echo(f"coding    {seen.encoding.data_coding_at(writer.alphabet)}")
        click.echo(f"form      {writer.form.value}")
        click.echo(f"submit_sm {writer.submit_sms(seen.segments)}")
    if seen.segments > writer.max_segments:
        click.echo(f"It would be refused: max_segments is {writer.max_segments}.")
    for each in seen.forcing:
        codes = " ".join(f"U+{ord(character):04X}" for character in each.characters)
        click.echo(
            f"position {each.position}: {each.characters} ({codes})"
            f" {_effect(seen, writer)}; {_advice(each.replacement)}"
        )
    if seen.transliterated is not None and seen.text == text:
        count, encoding = seen.transliterated
        plural = "" if count == 1 else "s"
        click.echo(f"transliterated: {count} segment{plural} of {encoding.value}")


def _text_of(place: _Place, upstream: str) -> UpstreamText:
    """How an upstream wants texts. Only that is read: no secret, nothing else."""
    files = read_files(place.file())
    tables = files.data.get("upstreams", {})
    known = tables if isinstance(tables, dict) else {}
    table = known.get(upstream, {} if upstream == SANDBOX else None)
    if not isinstance(table, dict):
        _fail(f"there is no upstream {upstream!r}{did_you_mean(upstream, known)}", 1)
    path = ("upstreams", upstream, "text")
    structure = Structure(files, None)
    found = structure.build(UpstreamText, table.get("text", {}), path)
    if found is None or files.problems:
        for problem in files.problems:
            click.echo(str(problem), err=True)
        _fail("the configuration can not be used: luckgw check tells why", 1)
    return found


def _effect(seen: Preview, writer: Writer) -> str:
    if seen.encoding is Encoding.UCS2:
        return "forces UCS2"
    return f"is not in {writer.alphabet.value}"


def _advice(replacement: str | None) -> str:
    if replacement is None:
        return "nothing in GSM 7-bit looks like it"
    return f"suggested: {replacement!r}" if replacement else "suggested: leave it out"


def _preview_as_json(seen: Preview, writer: Writer) -> dict[str, Any]:
    transliterated = None
    if seen.transliterated is not None:
        count, encoding = seen.transliterated
        transliterated = {"segments": count, "encoding": encoding.value}
    return {
        "text": seen.text,
        "segments": seen.segments,
        "max_segments": writer.max_segments,
        "encoding": seen.encoding.value,
        "data_coding": seen.encoding.data_coding_at(writer.alphabet),
        "form": writer.form.value,
        "submit_sm": writer.submit_sms(seen.segments),
        "forcing": [
            {
                "position": each.position,
                "character": each.characters,
                "replacement": each.replacement,
            }
            for each in seen.forcing
        ],
        "transliterated": transliterated,
    }
