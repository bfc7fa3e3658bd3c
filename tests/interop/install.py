"""Install the foreign stacks: ``python -m tests.interop.install``.

What comes from PyPI and npm goes into build/interop. What comes from Debian is
installed by apt-get, which needs root. The exit status is 1 when a stack that
INTEROP_SKIP does not name is missing in the end.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

import click

from tests.interop.stacks import PLACE, PYTHON, STACKS, Stack

HERE = Path(__file__).parent


def from_pypi() -> None:
    """A virtual environment with what requirements.txt says."""
    if not PYTHON.exists():
        venv.create(PLACE / "py", with_pip=True)
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)


def from_npm() -> None:
    """node_modules with what package.json says."""
    folder = PLACE / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", folder)
    quiet = ("--silent", "--no-package-lock", "--no-audit", "--no-fund")
    subprocess.run(["npm", "install", *quiet], cwd=folder, check=True)


def from_debian(packages: Iterable[str]) -> None:
    """Packages of the system. Kannel's own services stay down."""
    if shutil.which("apt-get") is None:
        raise click.ClickException(f"no apt-get here; install {' '.join(packages)}")
    if os.getuid() != 0:
        raise click.ClickException(
            f"only root can install them: sudo apt-get install {' '.join(packages)}"
        )
    # At run level 1 Debian starts no service of a package that it installs.
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
    ):
        subprocess.run(command, env=quiet, check=True, stdout=subprocess.DEVNULL)


def install(source: str, missing: list[Stack]) -> None:
    """Install what comes from one source; tell what went wrong and go on."""
    names = [stack.package for stack in missing]
    click.echo(f"installing from {source}: {' '.join(names)}")
    try:
        if source == "pypi":
            from_pypi()
        elif source == "npm":
            from_npm()
        else:
            from_debian(names)
    except click.ClickException as problem:
        click.echo(f"{source}: {problem.message}", err=True)
    except (OSError, subprocess.SubprocessError) as problem:
        click.echo(f"{source}: {problem}", err=True)


@click.command(help=__doc__)
def main() -> None:
    """Install what is wanted and not there."""
    wanted = [stack for stack in STACKS if stack.is_wanted]
    missing = [stack for stack in wanted if not stack.version()]
    for source in ("pypi", "npm", "debian"):
        if of_it := [stack for stack in missing if stack.source == source]:
            install(source, of_it)
    if left := [stack for stack in missing if not stack.version()]:
        names = " ".join(stack.name for stack in left)
        click.echo(f"not installed: {names} (INTEROP_SKIP='{names}' does without)")
        sys.exit(1)


if __name__ == "__main__":
    main()
