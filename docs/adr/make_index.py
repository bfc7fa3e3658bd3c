"""Write README.md in this folder from the decision records beside it: ``make adr``.

With ``--check``, write nothing and fail if README.md is not what it would be.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
SECTIONS = ["Context", "Decision", "Consequences"]
PREFACE = """\
# Decisions

Why luckgw is as it is. Write one (`NNNN-title.md`, the next free number) when somebody
asks "why not X?" for the second time, and run `make adr`: this page is generated.
A decision that no longer holds stays, with a status that names its successor.

| No. | Decision | Status | Date |
| --- | --- | --- | --- |
"""


class RecordError(Exception):
    """A record lacks a part; the text names the file and what is missing."""


def row(path: Path) -> str:
    """The line of the index for one record; raises RecordError."""
    text = path.read_text("utf-8")
    title = re.match(r"# (\S.*)\n", text)
    header = dict(re.findall(r"^\| (\w+) \| (.+) \|$", text, re.MULTILINE))
    if title is None or not {"Date", "Status"} <= header.keys():
        raise RecordError(f"{path.name}: no title, or no Date and Status in its table")
    if re.findall(r"^## (.+)$", text, re.MULTILINE)[:3] != SECTIONS:
        raise RecordError(f"{path.name}: the sections are {', '.join(SECTIONS)}")
    return (
        f"| [{path.name[:4]}]({path.name}) | {title[1]} "
        f"| {header['Status']} | {header['Date']} |\n"
    )


def index(folder: Path = FOLDER) -> str:
    """The whole page; raises RecordError."""

    def rows() -> Iterator[str]:
        records = sorted(folder.glob("[0-9][0-9][0-9][0-9]-*.md"))
        for number, path in enumerate(records, start=1):
            if path.name[:4] != f"{number:04}":
                raise RecordError(f"{path.name}: {number:04} is missing or used twice")
            yield row(path)

    return PREFACE + "".join(rows())


def main(arguments: list[str]) -> str | None:
    """Do what the command line says; the text is the error, None is success."""
    page = FOLDER / "README.md"
    if "--check" not in arguments:
        page.write_text(index(), "utf-8")
    elif not page.exists() or page.read_text("utf-8") != index():
        return "docs/adr/README.md is out of date: run `make adr`"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
