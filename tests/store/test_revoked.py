"""The revoke list: what is on it survives everything until it is revoked."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.store.revoked import RevokeList
from tests.conftest import LoggedFailures

IDS = [bytes([each]) * 16 for each in range(4)]
ids = st.lists(st.binary(min_size=16, max_size=16), unique=True, max_size=6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the list is kept."""
    return tmp_path / "revoked"


def test_a_new_list_is_empty(path: Path) -> None:
    """Without a file there is nothing to revoke, and none is made."""
    assert RevokeList(path).ids() == []
    assert not path.exists()


def test_what_is_added_is_on_disk(path: Path) -> None:
    """Ids are there for the next process, in their order, and nobody else may read."""
    revoked = RevokeList(path)
    revoked.add(IDS[:1])
    revoked.add(IDS[1:3])
    assert revoked.ids() == IDS[:3]
    assert RevokeList(path).ids() == IDS[:3]
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_synced_before_it_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The octets, and the name of a new file, are on the disk and not on their way."""
    synced = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink())
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    revoked = RevokeList(path)
    revoked.add(IDS[:1])
    assert synced == [path, path.parent]
    revoked.add(IDS[1:2])
    assert synced[2:] == [path]


def test_to_add_nothing_writes_nothing(path: Path) -> None:
    """No message refused, no file."""
    RevokeList(path).add([])
    assert not path.exists()


def test_the_file_goes_with_the_last_id(path: Path) -> None:
    """Until then it keeps all of them: to revoke one twice does no harm."""
    revoked = RevokeList(path)
    revoked.add(IDS[:2])
    revoked.remove(IDS[:1])
    assert revoked.ids() == IDS[1:2]
    assert RevokeList(path).ids() == IDS[:2]
    revoked.remove([*IDS[1:2], b"never noted here"])
    assert revoked.ids() == []
    assert not path.exists()


def test_it_can_be_used_again(path: Path) -> None:
    """After all were revoked new ones are kept as before."""
    revoked = RevokeList(path)
    revoked.add(IDS[:3])
    revoked.remove(IDS[:3])
    revoked.remove([])
    revoked.add(IDS[3:])
    assert RevokeList(path).ids() == IDS[3:]


@given(before=ids, torn=st.integers(0, 32), after=ids)
def test_a_torn_line_harms_no_other(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[bytes],
    torn: int,
    after: list[bytes],
) -> None:
    """Half a line, from a crash while it was written, is of an answer that was never
    given: it is dropped, and what is added after it is whole.
    """
    path = tmp_path_factory.mktemp("torn") / "revoked"
    RevokeList(path).add(before)
    with path.open("ab") as file:
        file.write((b"ab" * 16)[:torn])
    revoked = RevokeList(path)
    assert revoked.ids() == before
    revoked.add(after)
    assert RevokeList(path).ids() == list(dict.fromkeys(before + after))


def test_a_damaged_line_is_told_and_skipped(
    path: Path, logged_failures: LoggedFailures
) -> None:
    """Damage in the middle costs that line only; nothing is raised at the start."""
    RevokeList(path).add(IDS[:3])
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"\0\xff!" + data[36:])
    assert RevokeList(path).ids() == [IDS[0], IDS[2]]


def test_what_can_not_be_written_is_not_noted(path: Path) -> None:
    """A failure to write is raised, and the list is as it was."""
    revoked = RevokeList(path.parent / "missing" / "revoked")
    with pytest.raises(OSError, match="missing"):
        revoked.add(IDS[:1])
    assert revoked.ids() == []


def test_a_failed_write_leaves_no_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a full disk left behind is overwritten by the next id."""
    revoked = RevokeList(path)
    revoked.add(IDS[:1])
    real = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        if offset % 33 == 0:
            return real(fd, data[:10], offset)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            revoked.add(IDS[1:2])
    assert RevokeList(path).ids() == IDS[:1]
    revoked.add(IDS[2:3])
    assert RevokeList(path).ids() == [IDS[0], IDS[2]]
