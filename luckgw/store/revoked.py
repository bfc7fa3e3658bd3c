"""Messages whose sender was told no although the store may have kept them.

They must never leave. The list is written to disk before the answer goes out, and the
first thing that happens on a new connection to the store is that they are revoked
(spec/reliability 3.2, step 6).
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from twisted.logger import Logger

_LINE: Final = re.compile(rb"[0-9a-f]{32}")


class RevokeList:
    """An append-only file of message ids, 32 hexadecimal digits a line.

    It goes when the last id on it is revoked. Until then ids that are revoked already
    may stand in it: to revoke one twice changes nothing.
    """

    log = Logger()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: dict[bytes, None] = {}  # a set that keeps its order
        data = path.read_bytes() if path.exists() else b""
        # What follows the last whole line is of an answer that was never given.
        self._size = data.rfind(b"\n") + 1
        for line in data[: self._size].splitlines():
            if _LINE.fullmatch(line):
                self._ids[bytes.fromhex(line.decode())] = None
            else:
                self.log.error("{path} has a damaged line", path=str(path))

    def ids(self) -> list[bytes]:
        """What is to be revoked, oldest first."""
        return list(self._ids)

    def add(self, message_ids: Iterable[bytes]) -> None:
        """Note ids; they are on disk when this returns.

        Raises OSError when they are not; then none of them is noted.
        """
        new = list(message_ids)
        if not new:
            return
        lines = b"".join(each.hex().encode() + b"\n" for each in new)
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Half a line may stand there, from a crash or a full disk.
            os.ftruncate(fd, self._size)
            written = 0
            while written < len(lines):
                written += os.pwrite(fd, lines[written:], self._size + written)
            os.fsync(fd)
        finally:
            os.close(fd)
        if self._size == 0:
            self._sync_folder()
        self._size += len(lines)
        self._ids.update(dict.fromkeys(new))

    def remove(self, message_ids: Iterable[bytes]) -> None:
        """These are revoked."""
        for each in message_ids:
            self._ids.pop(each, None)
        if not self._ids:
            self._path.unlink(missing_ok=True)
            self._size = 0

    def _sync_folder(self) -> None:
        """Make the new file's name durable, too."""
        fd = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
