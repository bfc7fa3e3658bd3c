"""The store as one thing: the server if it is ours, the connection, the journal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from luckgw.store import valkey
from luckgw.store.connection import Credentials, StoreConnection, StoreUnfit
from luckgw.store.interface import StoreAway
from luckgw.store.journal import Journal
from luckgw.store.revoked import RevokeList

OPEN_S: Final = 60.0
"""How long an external store may take to answer at the start."""
CLOSE_S: Final = 5.0
"""How long it may take to answer what is under way at the end."""


class StoreService:
    """Opens the store and keeps it open.

    Reads go over a connection of their own, so that a long one never holds up the
    journal.
    """

    log = Logger()

    def __init__(  # noqa: PLR0913 - each is a collaborator
        self,
        clock: IReactorTime,
        connect: Callable[[], IStreamClientEndpoint],
        credentials: Callable[[], Credentials],
        revoke_file: Path,
        now_ms: Callable[[], int],
        node: str,
        retention_s: int,
        *,
        want_durable: bool,
        on_fenced: Callable[[], None],
    ) -> None:
        """``connect`` and ``credentials`` are asked once the server is there."""
        self._clock = clock
        self._connect = connect
        self._credentials = credentials
        self._revoke_file = revoke_file
        self._now_ms = now_ms
        self._node = node
        self._retention_s = retention_s
        self._want_durable = want_durable
        self._on_fenced = on_fenced
        self._epoch = 0
        self._journal: Journal | None = None
        self._writes: StoreConnection | None = None
        self._reads: StoreConnection | None = None
        self._opened: Deferred[None] = Deferred()

    @property
    def epoch(self) -> int:
        """This process's epoch; 0 until ``open`` has fired."""
        return self._epoch

    @property
    def journal(self) -> Journal:
        """The journal; only after ``open`` has fired."""
        assert self._journal is not None  # noqa: S101 - by contract
        return self._journal

    def open(self) -> "Deferred[None]":
        """Fires when messages can be accepted; fails after 60 s without a store."""
        credentials = self._credentials()
        self._writes = StoreConnection(
            self._clock, self._connect(), credentials, self._prepare, self._lost
        )
        self._reads = StoreConnection(
            self._clock, self._connect(), credentials, _nothing_to_prepare, _ignore_loss
        )
        self._writes.start()
        self._reads.start()
        self._opened.addTimeout(OPEN_S, self._clock, self._not_opened)
        return self._opened

    def _not_opened(self, _result: object, _timeout: float) -> None:
        why = self._writes.last_error if self._writes is not None else "closed"
        raise StoreAway(f"the store can not be used: {why}")

    async def _prepare(self, connection: StoreConnection) -> None:
        try:
            await valkey.check_server(connection, want_durable=self._want_durable)
            await valkey.check_schema(connection)
        except StoreUnfit as unfit:
            if not self._opened.called:  # waiting would not mend it
                self._opened.errback(StoreAway(f"the store can not be used: {unfit}"))
            raise
        if self._journal is None:
            self._journal = await self._join(connection)
        await self._journal.opened()
        self.log.info(
            "the store is open (node {node}, epoch {epoch})",
            node=self._node,
            epoch=self._epoch,
        )
        if not self._opened.called:
            self._opened.callback(None)

    async def _join(self, connection: StoreConnection) -> Journal:
        """Begin this process's epoch."""
        self._epoch = await valkey.join(connection, self._node)
        return Journal(
            self._clock,
            valkey.ValkeyBackend(connection, self._node, self._epoch),
            RevokeList(self._revoke_file),
            self._now_ms,
            self._node,
            self._epoch,
            self._retention_s,
            self._on_fenced,
        )

    def _lost(self) -> None:
        if self._journal is not None:
            self.log.error("the connection to the store is lost: accepting nothing")
            self._journal.lost()

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """One command, on the connection for reads (and for keys of the API)."""
        if self._reads is None:
            return fail(StoreAway("the store is not open yet"))
        return self._reads.execute(*args)

    @property
    def is_open(self) -> bool:
        """Whether the journal takes operations."""
        return self._journal is not None and self._journal.is_open

    def close(self) -> "Deferred[None]":
        """Wait for what is under way, then close."""

        def close(_: object) -> None:
            for connection in (self._writes, self._reads):
                if connection is not None:
                    connection.stop()

        idle: Deferred[None] = succeed(None)
        if self._journal is not None and self._journal.is_open:
            idle = self._journal.when_idle().addTimeout(CLOSE_S, self._clock)
        return idle.addErrback(lambda _: None).addCallback(close)


async def _nothing_to_prepare(_connection: StoreConnection) -> None:
    """Reads need no more than the login."""


def _ignore_loss() -> None:
    """The next read says so itself."""
