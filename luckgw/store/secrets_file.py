"""A secret that the gateway makes for itself and keeps in a file of its own."""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

SECRET_OCTETS: Final = 32


class SecretFileError(Exception):
    """The file can not be trusted or used; the message says what to do."""


def load_or_create_secret(path: Path) -> bytes:
    """The secret kept in ``path``; made, and durable, if there is no such file.

    The file holds 32 random octets in hexadecimal and is readable by its owner alone.
    Processes that start together agree on one secret. Raises SecretFileError for a file
    that others may read or that holds something else, OSError for a directory that can
    not be written.
    """
    with contextlib.suppress(FileNotFoundError):
        return _load(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    _write(fresh, secrets.token_hex(SECRET_OCTETS) + "\n")
    try:
        # A link, not a rename: of two that start together, the second must not replace
        # the secret that the first has already used.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
    _sync_directory(path.parent)
    return _load(path)


def _load(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise SecretFileError(
                f"{path} may be read or changed by others (mode {mode:04o}):"
                f" chmod 600 {path}"
            )
        text = file.read(4 * SECRET_OCTETS)
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_OCTETS:
        raise SecretFileError(
            f"{path} does not hold {SECRET_OCTETS} octets in hexadecimal: restore it"
            " from a backup, for what was made with it is void without it"
        )
    return secret


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
