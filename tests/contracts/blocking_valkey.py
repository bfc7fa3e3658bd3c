"""A connection to a real server that waits for each answer: no reactor, so it is fast.

It stands in for luckgw.store.connection.StoreConnection under the real ValkeyBackend.
"""

import socket
from pathlib import Path
from typing import Any, cast

import hiredis
from twisted.internet.defer import Deferred, fail, succeed
from txredisapi import ResponseError, ScriptDoesNotExist

from luckgw.store import keys
from luckgw.store.connection import StoreConnection
from luckgw.store.journal import Backend
from luckgw.store.valkey import ValkeyBackend


class BlockingConnection:
    """One link to the server's unix socket; close it after use."""

    def __init__(self, path: Path) -> None:
        self._reader = hiredis.Reader(replyError=_as_txredisapi_says)
        self._link = socket.socket(socket.AF_UNIX)
        self._link.settimeout(10)
        self._link.connect(str(path))

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """The reply, in a Deferred that has fired, as StoreConnection gives it."""
        self._link.sendall(hiredis.pack_command(args))
        while (reply := self._reader.gets()) is False:
            data = self._link.recv(65536)
            assert data, "the server closed the connection"
            self._reader.feed(data)
        return fail(reply) if isinstance(reply, Exception) else succeed(reply)

    def close(self) -> None:
        """Be done."""
        self._link.close()


def _as_txredisapi_says(text: str) -> ResponseError:
    if text.startswith("NOSCRIPT"):
        return ScriptDoesNotExist(text)
    return ResponseError(text)


class ValkeyUnderTest:
    """A server as the contract suite wants it (store_contract.StoreUnderTest)."""

    def __init__(self, connection: BlockingConnection) -> None:
        self._connection = connection

    def command(self, *args: bytes | str | int) -> Any:
        """Run one command and give its reply."""
        replies: list[Any] = []
        self._connection.execute(*args).addCallback(replies.append)
        (reply,) = replies
        return reply

    def join(self, node: str) -> tuple[int, Backend]:
        """Begin a new epoch of a node."""
        epoch: int = self.command(b"HINCRBY", keys.NODES, node, 1)
        return epoch, self.backend(node, epoch)

    def backend(self, node: str, epoch: int) -> Backend:
        """The store as one epoch of a node sees it."""
        return ValkeyBackend(cast("StoreConnection", self._connection), node, epoch)

    def record(self, message_id: bytes) -> bytes | None:
        """The record of a message."""
        record: bytes | None = self.command(b"GET", keys.message(message_id))
        return record
