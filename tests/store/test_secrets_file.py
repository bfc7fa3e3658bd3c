import os
import subprocess
import sys
from pathlib import Path

import pytest

from luckgw.store.secrets_file import SecretFileError, load_or_create_secret


def names_in(folder: Path) -> list[str]:
    """Nothing temporary may stay behind."""
    return sorted(path.name for path in folder.iterdir())


def test_is_made_once_and_kept(tmp_path: Path) -> None:
    """32 octets, the same at every start, for its owner's eyes alone."""
    path = tmp_path / "pepper"
    secret = load_or_create_secret(path)
    assert len(secret) == 32
    assert load_or_create_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["pepper"]
    assert load_or_create_secret(tmp_path / "other") != secret


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_mode_does_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    """A careless environment does not open it."""
    before = os.umask(umask)
    try:
        load_or_create_secret(tmp_path / "pepper")
    finally:
        os.umask(before)
    assert (tmp_path / "pepper").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_is_not_trusted_when_others_may_touch_it(tmp_path: Path, mode: int) -> None:
    """Refused, with the command that mends it; never mended in silence."""
    path = tmp_path / "pepper"
    load_or_create_secret(path)
    path.chmod(mode)
    with pytest.raises(SecretFileError, match=f"chmod 600 {path}"):
        load_or_create_secret(path)
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("text", ["", "00" * 31, "zz" * 32, "00" * 33, "é"])
def test_is_never_replaced_when_it_is_damaged(tmp_path: Path, text: str) -> None:
    """A new one would void every key: a person decides."""
    path = tmp_path / "pepper"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SecretFileError, match="restore it from a backup"):
        load_or_create_secret(path)
    assert path.read_text() == text


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Workers share one data directory."""
    path = tmp_path / "pepper"
    code = (
        "import pathlib, sys\n"
        "from luckgw.store.secrets_file import load_or_create_secret\n"
        "sys.stdin.read(1)\n"
        "print(load_or_create_secret(pathlib.Path(sys.argv[1])).hex())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    answers = {process.communicate(timeout=20)[0].strip() for process in started}
    assert answers == {load_or_create_secret(path).hex()}
    assert names_in(tmp_path) == ["pepper"]


def test_the_one_that_comes_second_takes_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race of two first starts, in slow motion."""
    path = tmp_path / "pepper"
    link = os.link

    def overtaken(source: Path, target: Path) -> None:
        monkeypatch.undo()
        load_or_create_secret(path)
        link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    secret = load_or_create_secret(path)
    assert secret == load_or_create_secret(path)
    assert names_in(tmp_path) == ["pepper"]


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    """OSError, which names the path."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_or_create_secret(tmp_path / "nowhere" / "pepper")
