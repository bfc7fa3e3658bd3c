"""Write the tables of docs/smpp.md from the code: ``python docs/make_smpp_table.py``.

With ``--check``, write nothing and fail if the page is not what it would be. The tables
stand between markers; the words around them are people's.
"""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from luckgw.config.model import OPTIONAL_PDUS
from luckgw.domain.states import MESSAGE_STATE, STAT
from luckgw.domain.states import State as Message
from luckgw.wire.connection import Command
from luckgw.wire.session import RESPONSES, Action, Role, Rule, State, rule

PAGE = Path(__file__).parent / "smpp.md"
LIVE = [state for state in State if state is not State.CLOSED]
"""The columns."""
UNKNOWN_REQUEST, UNKNOWN_RESPONSE = 0x0A, 0x8000000A
"""Two numbers that v3.4 has not given away, for all of their kind."""

Row = tuple[list[int], list[str]]
"""command_ids that are treated alike, and what becomes of them in each of LIVE."""


def words(found: Rule) -> str:
    """A cell of the table, as the page's legend explains it."""
    cell = {
        Action.HANDLE: "taken",
        Action.HOLD: "kept",
        Action.IGNORE: "ignored",
        Action.RESPOND: f"0x{found.command_status:02X}",
        Action.NACK: f"nack 0x{found.command_status:02X}",
    }[found.action]
    return f"{cell}, closes" if found.close else cell


def rows(role: Role) -> list[Row]:
    """The table of one side."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for command in [*Command, UNKNOWN_REQUEST, UNKNOWN_RESPONSE]:
        cells = tuple(words(rule(role, state, command)) for state in LIVE)
        kind = "response" if command in RESPONSES else ""  # they make rows of their own
        if command not in set(Command):
            kind = "unknown"
        alike.setdefault((kind, *cells), []).append(command)
    return [(commands, list(cells)) for (_, *cells), commands in alike.items()]


def label(commands: list[int]) -> str:
    """What stands in front of a row."""
    if commands[0] not in set(Command):
        is_response = commands[0] == UNKNOWN_RESPONSE
        return "unknown, bit 31 set" if is_response else "unknown, bit 31 clear"
    if set(commands) >= RESPONSES:
        return "every `*_resp`"
    if len(RESPONSES.intersection(commands)) > len(RESPONSES) / 2:
        return "every other `*_resp`"
    return ", ".join(f"`{Command(command).name.lower()}`" for command in commands)


def _table(header: list[str], body: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def session_table(role: Role) -> str:
    """Which PDU is taken when, and what is answered otherwise."""
    header = ["PDU", *(state.name.replace("_", " ") for state in LIVE)]
    return _table(header, [[label(commands), *cells] for commands, cells in rows(role)])


def states_table() -> str:
    """How a message can end, in the words of a receipt and of the API."""
    return _table(
        ["`stat`", "`message_state`", "elsewhere"],
        [
            [f"`{STAT[state]}`", str(MESSAGE_STATE[state]), f"`{state.word}`"]
            for state in Message
            if state.is_final
        ],
    )


def optional() -> str:
    """The requests that an operator may turn off."""
    return f"{', '.join(f'`{name}`' for name in OPTIONAL_PDUS)}\n"


SECTIONS: dict[str, Callable[[], str]] = {
    "server": lambda: session_table(Role.SMSC),
    "client": lambda: session_table(Role.ESME),
    "states": states_table,
    "optional": optional,
}
_MARKED = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def page(text: str) -> str:
    """The page with its tables as the code is now.

    Raises:
        ValueError: a table has no place on the page, or a place has no table.
    """
    places = [found[2] for found in _MARKED.finditer(text)]
    if sorted(places) != sorted(SECTIONS):
        raise ValueError(f"the page has places for {places}, not for {list(SECTIONS)}")
    return _MARKED.sub(lambda m: m[1] + SECTIONS[m[2]]() + m[3], text)


def table_of(text: str, name: str) -> Iterator[list[str]]:
    """The cells of a table as the page has it, row by row, without its header."""
    for found in _MARKED.finditer(text):
        if found[2] == name:
            for line in found[0].splitlines()[3:-1]:
                yield line.strip("| ").split(" | ")


def main(arguments: list[str]) -> str | None:
    """Do what the command line says; the text is the error, None is success."""
    text = PAGE.read_text("utf-8")
    if "--check" not in arguments:
        PAGE.write_text(page(text), "utf-8")
    elif page(text) != text:
        return "docs/smpp.md is out of date: run `python docs/make_smpp_table.py`"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
