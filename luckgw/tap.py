"""``twistd luckgw start``: its options, and the service they make."""

import sys
import time
from pathlib import Path
from typing import Any, cast

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.python import usage

from luckgw.config.load import load, warnings
from luckgw.config.problems import ConfigError
from luckgw.wiring import Gateway, create_missing_secret

DEFAULTS = (Path("/etc/luckgw/luckgw.toml"), Path("etc/luckgw.toml"))


class StartOptions(usage.Options):  # type: ignore[misc, unused-ignore]
    """The options of ``start``. Holds the configuration once they are read."""

    optParameters = (
        (
            "config",
            "c",
            None,
            "the configuration [/etc/luckgw/luckgw.toml, else etc/luckgw.toml]",
        ),
    )

    def postOptions(self) -> None:
        """Read the configuration here, where twistd shows an error as an error."""
        path = config_file(self["config"])
        try:
            self.configuration = load(path, create_missing_secret)
        except ConfigError as error:
            msg = f"the configuration can not be used:\n{error}"
            raise usage.UsageError(msg) from None
        for each in warnings(self.configuration):
            sys.stderr.write(f"warning: {each}\n")


class Options(usage.Options):  # type: ignore[misc, unused-ignore]
    """The command line of ``twistd luckgw``."""

    synopsis = "[options] start [--config FILE]"
    subCommands = (("start", None, StartOptions, "start the gateway"),)

    def postOptions(self) -> None:
        """There is one thing to do, and it is said."""
        if self.subCommand != "start":
            msg = "say what to do: twistd luckgw start [--config FILE]"
            raise usage.UsageError(msg)


def config_file(given: str | None) -> Path:
    """The file that is named, else the first default that exists.

    Raises UsageError when there is none.
    """
    if given is not None:
        return Path(given)
    for path in DEFAULTS:
        if path.exists():
            return path
    msg = (
        f"no configuration: neither {DEFAULTS[0]} nor {DEFAULTS[1]} exists;"
        " use --config FILE"
    )
    raise usage.UsageError(msg)


def makeService(options: Options) -> IService:
    """The gateway as a service."""
    # First of all: no timer of this process may follow the wall clock, which is set
    # back and forth by people and daemons (docs/adr/0007).
    cast(Any, reactor).seconds = time.monotonic
    start: StartOptions = options.subOptions
    return Gateway(reactor, start.configuration)
