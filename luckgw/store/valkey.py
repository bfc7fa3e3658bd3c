"""The journal's backend on a Valkey or Redis server: one EVALSHA for each batch."""

import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from txredisapi import ResponseError, ScriptDoesNotExist

from luckgw.store import keys
from luckgw.store.connection import StoreConnection, StoreUnfit
from luckgw.store.interface import StoreAway
from luckgw.store.journal import Args, Fenced

SCRIPT: Final = files("luckgw.store").joinpath("lua/journal.lua").read_bytes()
SCRIPT_SHA: Final = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()

OLDEST_SERVER: Final = (7, 2)


class ValkeyBackend:
    """Runs batches on a server; see luckgw.store.journal.Backend."""

    def __init__(self, connection: StoreConnection, node: str, epoch: int) -> None:
        self._connection = connection
        self._head = (b"EVALSHA", SCRIPT_SHA, b"0", node.encode(), str(epoch).encode())

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """Apply a batch. A script that the server forgot is loaded by EVAL, once."""
        flat: list[bytes] = [*self._head]
        for args in operations:
            flat += args
        d = self._connection.execute(*flat)
        d.addErrback(self._refused, flat)
        return d

    def _refused(self, failure: Failure, flat: list[bytes]) -> Any:
        if failure.check(ScriptDoesNotExist):
            return self._connection.execute(b"EVAL", SCRIPT, *flat[2:]).addErrback(
                self._translated
            )
        return self._translated(failure)

    @staticmethod
    def _translated(failure: Failure) -> Failure:
        error = failure.value
        if isinstance(error, ResponseError) and "FENCED" in str(error):
            raise Fenced(str(error))
        if isinstance(error, ResponseError):
            # OOM, MISCONF, LOADING, READONLY ...: the server's trouble, to be repeated.
            raise StoreAway(str(error))
        return failure

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """The entries of a claim set."""
        return self._connection.execute(b"SMEMBERS", claims)


async def check_server(connection: StoreConnection, *, want_durable: bool) -> None:
    """Refuse a server on which "accepted" is not "kept" (spec/reliability 3.10).

    Raises StoreUnfit with the setting and the value it must have.
    """
    info = _info(await connection.execute(b"INFO", b"server"))
    version = info.get("valkey_version") or info.get("redis_version", "0.0")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        msg = f"the store is version {version}; at least 7.2 is needed"
        raise StoreUnfit(msg)
    role = (await connection.execute(b"ROLE"))[0]
    if role != b"master":
        msg = f"the store is a {role.decode()}, not a master"
        raise StoreUnfit(msg)
    settings = await connection.execute(
        b"CONFIG", b"GET", b"append*", b"maxmemory-policy"
    )
    found = dict(zip(settings[::2], settings[1::2], strict=True))
    wanted = {b"maxmemory-policy": (b"noeviction",)}
    if want_durable:
        wanted |= {b"appendonly": (b"yes",), b"appendfsync": (b"always",)}
    for name, values in wanted.items():
        value = found.get(name, b"")
        if value not in values:
            msg = (
                f"the store has {name.decode()} {value.decode()!r};"
                f" it must be {values[0].decode()!r}"
            )
            raise StoreUnfit(msg)


async def check_schema(connection: StoreConnection) -> None:
    """Write the layout's version into a store that is new or older; refuse a newer one.

    What an older gateway has written is read; it would not understand what is written
    from now on.
    """
    version = b"%d" % keys.SCHEMA_VERSION
    await connection.execute(b"SET", keys.SCHEMA, version, b"NX")
    found = await connection.execute(b"GET", keys.SCHEMA)
    if int(found) > keys.SCHEMA_VERSION:
        msg = (
            f"the store's layout is version {int(found)},"
            f" this gateway knows {keys.SCHEMA_VERSION}: it was written by a newer one"
        )
        raise StoreUnfit(msg)
    if int(found) < keys.SCHEMA_VERSION:
        await connection.execute(b"SET", keys.SCHEMA, version)


async def join(connection: StoreConnection, node: str) -> int:
    """Begin a new epoch of this node: from now on every older one is fenced off."""
    epoch: int = await connection.execute(b"HINCRBY", keys.NODES, node, 1)
    return epoch


def _info(reply: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}
