"""A foreign program as the test sees it: commands go in, events come out."""

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, TypeAlias

from tests.interop.stacks import Stack
from tests.journeys.house import ROOT

Event: TypeAlias = dict[str, Any]

WITHIN_S = 15.0
"""How long an event may take. Two cores are shared by five processes."""


class Foreign:
    """One foreign program, from its start to its end."""

    def __init__(self, stack: Stack, role: str, *args: object) -> None:
        self.events: list[Event] = []
        """All it has told so far."""
        self._news = threading.Condition()
        self._over = False
        self._process = subprocess.Popen(
            [*stack.program(role), *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=stack.environment(),
        )
        self._complaints: list[str] = []
        self._readers = [
            threading.Thread(target=read, daemon=True)
            for read in (self._read_events, self._read_complaints)
        ]
        for reader in self._readers:
            reader.start()

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        self._complaints.extend(self._process.stderr)

    def tell(self, do: str, **fields: Any) -> None:
        """Give a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        self._process.stdin.flush()

    def found(self, event: str, **wanted: Any) -> list[Event]:
        """The events so far of this kind that have these values."""
        return [
            each
            for each in list(self.events)
            if each["event"] == event and wanted.items() <= each.items()
        ]

    def wait(self, event: str, count: int = 1, **wanted: Any) -> list[Event]:
        """Wait until there are so many such events; gives them all."""
        end = time.monotonic() + WITHIN_S
        with self._news:
            while len(found := self.found(event, **wanted)) < count:
                left = end - time.monotonic()
                if left <= 0 or (self._over and len(found) < count):
                    raise AssertionError(
                        f"{len(found)} of {count} {event} {wanted}; it told "
                        f"{self.events[-10:]} and wrote {''.join(self._complaints)}"
                    )
                self._news.wait(left)
        return found

    def ask(self, do: str, answer: str, **fields: Any) -> Event:
        """Give a command and wait for the one event that answers it."""
        before = len(self.found(answer))
        self.tell(do, **fields)
        return self.wait(answer, before + 1)[before]

    def close(self) -> None:
        """End it: its standard input closes, and if it does not leave it is made to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        for reader in self._readers:
            reader.join(timeout=5)
        self._process.stdout.close()
        self._process.stderr.close()


def script(name: str) -> Path:
    """A file beside this one."""
    return Path(__file__).with_name(name)
