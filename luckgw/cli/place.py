"""What the commands that ask a running gateway have in common."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

import attrs
import click

from luckgw.cli.client import AdminClient, AdminError, GatewayAway
from luckgw.config.files import read_files
from luckgw.config.model import Gateway

DEFAULTS: Final = (Path("/etc/luckgw/luckgw.toml"), Path("etc/luckgw.toml"))
AWAY: Final = 2
"""The exit status when no gateway can be reached."""

P = ParamSpec("P")
R = TypeVar("R")


@attrs.frozen
class Place:
    """Where the gateway of this command is configured."""

    given: Path | None

    def file(self) -> Path:
        """The file that was named, or the first of DEFAULTS that is there."""
        if self.given is not None:
            return self.given
        for path in DEFAULTS:
            if path.exists():
                return path
        raise click.ClickException(
            f"no configuration: neither {DEFAULTS[0]} nor {DEFAULTS[1]} exists;"
            " use --config FILE"
        )

    def client(self) -> AdminClient:
        """The gateway that runs there. Ends the command when the file is no good."""
        # Only this one key is read: secrets may be in the gateway's environment alone.
        files = read_files(self.file())
        for problem in files.problems:
            click.echo(str(problem), err=True)
        gateway = files.data.get("gateway", {})
        data_dir = None
        if isinstance(gateway, dict):
            data_dir = gateway.get("data_dir", str(Gateway().data_dir))
        if files.problems or not isinstance(data_dir, str):
            fail("the configuration can not be used: luckgw check tells why", 1)
        return AdminClient(Path(data_dir).absolute() / "admin.sock")


def asks_gateway(command: Callable[P, R]) -> Callable[P, R]:
    """What a command that talks to the gateway does with its trouble."""

    @functools.wraps(command)
    def asking(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except GatewayAway as away:
            fail(str(away), AWAY)
        except AdminError as refused:
            fail(str(refused), 1)

    return asking


def fail(message: str, status: int) -> NoReturn:
    """End the command with one sentence."""
    click.echo(f"Error: {message}", err=True)
    raise SystemExit(status)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of text."
)


def print_json(answer: Any) -> None:
    """Print an answer as it is."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
