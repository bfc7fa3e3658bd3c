"""What an installation brings: the twistd plugin, the command, all files."""

import configparser
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import ClassVar

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def _is_installed() -> bool:
    try:
        importlib.metadata.version("luckgw")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def run_in(folder: Path, *command: str | Path) -> str:
    """Standard output of a command; the test fails with its errors if it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not _is_installed(), reason="luckgw is not installed: `make test`")
class TestInstalled:
    """luckgw as `make install` puts it into an environment."""

    @pytest.mark.parametrize("elsewhere", [True, False])
    def test_twistd_lists_luckgw(self, tmp_path: Path, *, elsewhere: bool) -> None:
        """The plugin is found by twistd, in whatever folder that is started."""
        twistd = Path(sys.executable).with_name("twistd")
        listed = run_in(tmp_path if elsewhere else ROOT, twistd, "--help")
        assert "The luckgw SMS gateway" in " ".join(listed.split())

    def test_the_command_is_on_the_path(self, tmp_path: Path) -> None:
        """`luckgw --help` works in any folder."""
        luckgw = Path(sys.executable).with_name("luckgw")
        assert "Usage: luckgw" in run_in(tmp_path, luckgw, "--help")


def test_a_wheel_holds_everything(tmp_path: Path) -> None:
    """A wheel has every module, the plugin, the scripts for the store and py.typed."""
    source = tmp_path / "source"
    for name in ("luckgw", "twisted"):
        ignored = shutil.ignore_patterns("__pycache__", "dropin.cache")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    expected = {
        str(path.relative_to(source))
        for name in ("luckgw", "twisted")
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    run_in(
        tmp_path,
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
        *("--no-build-isolation", "--wheel-dir", tmp_path, source),
    )
    (wheel,) = tmp_path.glob("luckgw-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == expected
    assert "twisted/plugins/luckgw_plugin.py" in packed


def requirements(section: str, key: str) -> list[Requirement]:
    """What setup.cfg asks for there."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup[section][key].split("\n")
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


RUNTIME = requirements("options", "install_requires")
EXTRAS = [
    *requirements("options.extras_require", "test"),
    *requirements("options.extras_require", "check"),
]


class TestDependencies:
    """What setup.cfg asks for."""

    IMPORTED_AS: ClassVar = {"smpp.pdu3": "smpp.pdu", "argon2-cffi": "argon2"}

    @pytest.mark.parametrize("needed", RUNTIME, ids=str)
    def test_each_is_used_and_explained(self, needed: Requirement) -> None:
        """The product imports what it asks for, and docs/adr/0005 says what for."""
        name = self.IMPORTED_AS.get(needed.name, needed.name.lower())
        statement = re.compile(rf"^\s*(from|import) {re.escape(name)}\b", re.MULTILINE)
        modules = (ROOT / "luckgw").rglob("*.py")
        assert any(statement.search(module.read_text("utf-8")) for module in modules)
        record = (ROOT / "docs/adr/0005-dependencies.md").read_text("utf-8")
        assert f"\n| {needed.name} |" in record


class TestLock:
    """requirements.lock, from which `make` installs."""

    def locked(self) -> dict[str, Version]:
        """Name to version of all that the lock pins."""
        lines = (ROOT / "requirements.lock").read_text().splitlines()
        pins = [line.split()[0].split("==") for line in lines if "==" in line]
        return {name: Version(version) for name, version in pins}

    @pytest.mark.parametrize("needed", [*RUNTIME, *EXTRAS], ids=str)
    def test_every_requirement_is_locked(self, needed: Requirement) -> None:
        """What setup.cfg asks for, with all extras, is in the lock and in range."""
        name = needed.name.lower().replace(".", "-")
        assert self.locked()[name] in needed.specifier

    def test_it_names_no_place(self) -> None:
        """The lock works with any registry and on any machine: no URL, no path."""
        lock = (ROOT / "requirements.lock").read_text()
        options = [line for line in lock.splitlines() if line.startswith("-")]
        assert (options, "://" in lock) == ([], False)
