"""What a foreign program and its test say to each other: one JSON object a line.

The test writes commands (``{"do": "bind", ...}``) on the program's standard input, the
program tells on standard output what happened (``{"event": "bound", ...}``). Only the
standard library: this runs in the foreign stacks' own environment.
"""

import json
import os
import sys
from typing import Any


def say(event: str, **fields: Any) -> None:
    """Tell the test what happened."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Commands:
    """Standard input, read without ever waiting for the rest of a line."""

    def __init__(self) -> None:
        self.is_over = False
        """Whether the test has closed its end, and nothing more will come."""
        self._unread = b""

    def fileno(self) -> int:
        """For select."""
        return sys.stdin.fileno()

    def read(self) -> list[dict[str, Any]]:
        """The commands that are there; call it when select says so."""
        octets = os.read(self.fileno(), 65_536)
        self.is_over = not octets
        *lines, self._unread = (self._unread + octets).split(b"\n")
        return [json.loads(line) for line in lines]
