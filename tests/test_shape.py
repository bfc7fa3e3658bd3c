"""The project around the code: what the documents and the samples say is true."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.adr.make_index import RecordError, index
from luckgw.cli.main import main
from luckgw.config.load import load
from luckgw.sandbox.recipes import RECIPES

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
)
ENTRY_POINTS = re.compile(r"luckgw/(tap\.py|cli/.*|.*_main\.py)")
"""Where the reactor may be imported: everybody else is given it."""


def by_name(path: Path) -> str:
    """A path as the documents write it."""
    return str(path.relative_to(ROOT))


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the product, parsed."""
    for path in sorted((ROOT / "luckgw").rglob("*.py")):
        yield by_name(path), ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=by_name)
class TestDocuments:
    """README.md, CONTRIBUTING.md and everything under docs/."""

    def test_commands_exist(self, document: Path) -> None:
        """Every `make x` that a document tells to type is a target of the Makefile."""
        makefile = (ROOT / "Makefile").read_text("utf-8")
        targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
        text = document.read_text("utf-8")
        typed = re.findall(r"(?:`|^ {4})make ([a-z]+)", text, re.MULTILINE)
        assert set(typed) <= targets

    def test_links_lead_somewhere(self, document: Path) -> None:
        """Every relative link of a document leads to a file that is there."""
        targets = re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
        assert [t for t in targets if not (document.parent / t).exists()] == []

    def test_files_named_are_there(self, document: Path) -> None:
        """Every file of the project that a document names in backticks is there."""
        named = re.findall(
            r"`((?:luckgw|tests|docs|etc|bench|stubs)/[\w./-]*\w)`",
            document.read_text("utf-8"),
        )
        assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_room_is_in_the_table_of_contributing() -> None:
    """A newcomer finds each package of luckgw in CONTRIBUTING.md, and no other."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rooms = {path.parent.name for path in (ROOT / "luckgw").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == rooms


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, *sorted(ROOT.glob("etc/*.toml"))], ids=by_name
)
def test_subcommands_exist(document: Path) -> None:
    """Every `luckgw x` that a document or a sample tells to type is a command."""
    text = document.read_text("utf-8")
    typed = re.findall(r"(?:`|^ {4})luckgw ([a-z]+)", text, re.MULTILINE)
    assert set(typed) <= main.commands.keys()


def test_the_sandbox_does_what_operations_says() -> None:
    """docs/operations.md has a row for each recipe of the sandbox."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d{4}) \|", text, re.MULTILINE)
    assert rows == [recipe.digits for recipe in RECIPES]


def test_the_sample_configuration_works(tmp_path: Path) -> None:
    """etc/ loads as it is, with nothing there but the demo password to be made."""
    shutil.copytree(ROOT / "etc", tmp_path / "etc")
    made: list[str] = []

    def create_missing(path: Path) -> None:
        made.append(path.name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("password")

    config = load(tmp_path / "etc/luckgw.toml", create_missing)
    assert (made, list(config.accounts)) == (["demo.password"], ["demo"])
    assert {name for route in config.routes for name in route.to} == {"sandbox"}


class TestDecisions:
    """docs/adr and its generated index."""

    def test_the_index_is_current(self) -> None:
        """docs/adr/README.md is what `make adr` would write."""
        assert (ROOT / "docs/adr/README.md").read_text("utf-8") == index()

    HEADER = "# T\n\n| Date | 2026-11-23 |\n| Status | accepted |\n"
    SECTIONS = "## Context\n## Decision\n## Consequences\n"

    def test_a_record_is_a_row(self, tmp_path: Path) -> None:
        """The index has number, title, status and date of each record."""
        (tmp_path / "0001-a.md").write_text(self.HEADER + self.SECTIONS)
        row = index(tmp_path).splitlines()[-1]
        assert row == "| [0001](0001-a.md) | T | accepted | 2026-11-23 |"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("0001-a.md", "no title"),
            ("0001-a.md", "# T\n\n| Date | 2026-11-23 |\n" + SECTIONS),
            ("0001-a.md", HEADER + "## Decision\n"),
            ("0002-a.md", HEADER + SECTIONS),
        ],
    )
    def test_a_record_is_complete(self, tmp_path: Path, name: str, text: str) -> None:
        """A record without title, date, status or a section is refused, as is a gap."""
        (tmp_path / name).write_text(text)
        with pytest.raises(RecordError, match=name):
            index(tmp_path)


def imported(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_entry_points_import_the_reactor() -> None:
    """Whoever waits is given a clock; nobody reaches for the global reactor."""
    offenders = [
        name
        for name, tree in modules()
        if "twisted.internet.reactor" in imported(tree) and not ENTRY_POINTS.match(name)
    ]
    assert offenders == []
