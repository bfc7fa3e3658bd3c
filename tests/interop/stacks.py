"""The foreign stacks: where they come from, how they are run, what they can do."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[2]
PLACE: Final = ROOT / "build" / "interop"
"""Where their own environments are: a venv, and node_modules."""
PYTHON: Final = PLACE / "py" / "bin" / "python"
NODE: Final = PLACE / "node" / "node_modules"
SKIP: Final = frozenset(re.split(r"[\s,]+", os.environ.get("INTEROP_SKIP", "")))
"""Stacks that are not wanted today, by name."""


@attrs.frozen
class Stack:
    """One foreign stack."""

    name: str
    source: str
    """From where it comes: ``pypi``, ``npm`` or ``debian``."""
    package: str
    """Its name there."""
    probe: tuple[str | Path, ...]
    """A command that prints its version, and fails when it is not installed."""
    runner: tuple[str | Path, ...] = ()
    """What runs its scripts."""
    lacks: frozenset[str] = frozenset()
    """What it can not do of what others can."""

    @property
    def is_wanted(self) -> bool:
        """Whether INTEROP_SKIP does not name it."""
        return self.name not in SKIP

    def program(self, role: str) -> list[str | Path]:
        """The command that runs its ``partner`` or ``carrier``."""
        if self.source == "pypi":
            return [*self.runner, "-m", f"tests.interop.{self.name}_{role}"]
        suffix = {"npm": "js", "debian": "pl"}[self.source]
        return [*self.runner, Path(__file__).with_name(f"{self.name}_{role}.{suffix}")]

    def environment(self) -> dict[str, str]:
        """What its programs are run with: this environment, without our own code."""
        kept = {name: v for name, v in os.environ.items() if name != "PYTHONPATH"}
        return kept | {"NODE_PATH": str(NODE)}

    def version(self) -> str:
        """The version that is installed; "" when it is not."""
        try:
            told = subprocess.run(
                self.probe,
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
                env=self.environment(),
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        found = re.search(r"\d+(?:\.\d+)+", told.stdout + told.stderr)
        return found[0] if found else ""


def _pypi(name: str) -> tuple[str | Path, ...]:
    ask = f"import importlib.metadata as m; print(m.version({name!r}))"
    return (PYTHON, "-c", ask)


SMPPLIB: Final = Stack(
    "smpplib",
    "pypi",
    "smpplib",
    _pypi("smpplib"),
    (PYTHON,),
    lacks=frozenset({"cancel", "rare"}),
)
SMPP34: Final = Stack(
    "smpp34",
    "pypi",
    "smpp34",
    _pypi("smpp34"),
    (PYTHON,),
    lacks=frozenset(
        {"enquire", "query", "cancel", "rare", "tls", "bind status"}
        | {"data-sm", "tls carrier"}
    ),
)
NODE_SMPP: Final = Stack(
    "node",
    "npm",
    "smpp",
    ("node", "-p", "require('smpp/package.json').version"),
    ("node",),
)
PERL: Final = Stack(
    "perl",
    "debian",
    "libnet-smpp-perl",
    ("perl", "-e", "use Net::SMPP; print Net::SMPP->VERSION"),
    ("perl",),
    lacks=frozenset({"tls"}),
)
KANNEL: Final = Stack(
    "kannel",
    "debian",
    "kannel",
    (shutil.which("bearerbox", path="/usr/sbin:/usr/bin") or "bearerbox", "--version"),
)
STACKS: Final = (SMPPLIB, SMPP34, NODE_SMPP, PERL, KANNEL)
PARTNERS: Final = (SMPPLIB, SMPP34, NODE_SMPP, PERL)
CARRIERS: Final = (SMPP34, NODE_SMPP)
