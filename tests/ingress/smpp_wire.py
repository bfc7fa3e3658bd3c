"""The SMPP server on transports in memory, with the real pipeline and journal."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.address import IPv4Address
from twisted.internet.defer import (
    Deferred,
    ensureDeferred,
    fail,
    maybeDeferred,
    succeed,
)
from twisted.internet.task import Clock

from luckgw.admission.accounts import Accounts
from luckgw.admission.brake import Brake
from luckgw.config import model
from luckgw.config.secret import Secret
from luckgw.domain.ids import to_text, uuid_source
from luckgw.egress.sessions import Sessions
from luckgw.ingress.smpp_requests import Requests
from luckgw.ingress.smpp_server import SmppServer
from luckgw.ingress.smpp_session import ServerSession
from luckgw.link.flusher import Flusher
from luckgw.pipeline.outgoing import outgoings
from luckgw.pipeline.submit import Submit
from luckgw.routing.table import RouteTable
from luckgw.store.interface import StoreAway
from luckgw.store.journal import Args, Backend, Journal
from luckgw.store.memory import MemoryBackend, MemoryStore
from luckgw.store.messages import Messages
from luckgw.store.records import Record, decode
from luckgw.store.revoked import RevokeList
from luckgw.text.references import References
from luckgw.wire.binds import Bind, encode_bind
from luckgw.wire.pdus import Command, encode_sm
from tests.link.far import Far
from tests.store import reads

WALL_MS = 1_800_014_400_000
PASSWORD = "secret08"
UPSTREAM = "mtn"
CARRIER = model.Upstream(UPSTREAM, "tcp:smsc.example.net:2775", "luck", Secret(""))


class Store:
    """A store that answers when the test lets it; a Backend over the one in memory."""

    def __init__(self) -> None:
        self.kept = MemoryStore()
        self._backend: Backend = MemoryBackend(self.kept, "gw1", self.kept.join("gw1"))
        self.is_slow = False
        """Applies nothing and answers nothing until ``go_on``."""
        self.is_away = False
        self._waiting: list[tuple[Sequence[Args], Deferred[list[object]]]] = []

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """As Backend."""
        if self.is_away:
            return fail(StoreAway("no store"))
        if not self.is_slow:
            return self._backend.run(operations)
        d: Deferred[list[object]] = Deferred()
        self._waiting.append((operations, d))
        return d

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """As interface.Commands."""
        if self.is_away:
            return fail(StoreAway("no store"))
        return succeed(reads.run(self.kept, *args))

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """As Backend."""
        return self._backend.claimed(claims)

    def go_on(self) -> None:
        """Do and answer what waits."""
        self.is_slow = False
        waiting, self._waiting = self._waiting, []
        for operations, d in waiting:
            self._backend.run(operations).chainDeferred(d)

    @property
    def records(self) -> dict[str, Record]:
        """Every message that is kept, by the id that the partner was told."""
        return {to_text(i): decode(data) for i, data in self.kept.records.items()}


class Marks:
    """The store's marks."""

    is_full = False


class Upstreams:
    """What the pipeline knows of carriers: one, and it is up."""

    def __init__(self) -> None:
        self.poked = 0

    def is_up(self, name: str) -> bool:
        """Whether it can take messages."""
        return name == UPSTREAM

    def queues_when_down(self, name: str) -> bool:
        """Whether messages may wait."""
        return name == UPSTREAM

    def poke(self, name: str) -> None:
        """Count."""
        assert name == UPSTREAM
        self.poked += 1


@attrs.define
class Outbox:
    """An account's outbox: keeps what it is told, in order."""

    heard: list[Any] = attrs.Factory(list)

    def answered(self, delivery: Any, command_status: int) -> None:
        """The partner answered."""
        self.heard.append(("answered", delivery, command_status))

    def answered_late(self, delivery: Any, command_status: int) -> None:
        """The partner answered after all."""
        self.heard.append(("answered late", delivery, command_status))

    def timed_out(self, delivery: Any) -> None:
        """The partner did not."""
        self.heard.append(("timed out", delivery))

    def lost(self, deliveries: list[Any]) -> None:
        """The link went."""
        self.heard.append(("lost", list(deliveries)))

    def changed(self) -> None:
        """There is room, or there are sessions."""
        self.heard.append("changed")

    def news(self) -> list[Any]:
        """What was heard since the last look."""
        heard, self.heard[:] = list(self.heard), []
        return heard


def account(name: str, **settings: Any) -> model.Account:
    """A customer who may send as anybody."""
    usual: dict[str, Any] = {"password": Secret(PASSWORD), "senders": ("*",)}
    return model.Account(name=name, **(usual | settings))


class Gateway:
    """The server, and all that it works with."""

    def __init__(
        self, clock: Clock, folder: Path, *accounts: model.Account, **smpp: Any
    ) -> None:
        self.clock = clock
        self.store = Store()
        self.now_ms = WALL_MS
        self.woken: list[str] = []
        self.marks = Marks()
        self.upstreams = Upstreams()
        self.outboxes: dict[str, Outbox] = {}
        self.sessions = Sessions(lambda name: self.outbox(name).changed())
        self.is_check_broken = False
        self.checks: list[Callable[[], object]] = []
        """Password checks that wait for their thread."""
        known = {each.name: each for each in accounts or (account("acme"),)}
        self.journal = Journal(
            clock,
            self.store,
            RevokeList(folder / "revoked"),
            lambda: self.now_ms,
            "gw1",
            1,
            7 * 86_400,
            lambda: None,
        )
        ensureDeferred(self.journal.opened())
        submit = Submit(
            self.journal,
            RouteTable(
                [
                    model.Route(
                        name="ghana", to=(UPSTREAM,), match=model.Match(prefix=("233",))
                    )
                ],
                [UPSTREAM],
            ),
            self.upstreams,
            self.marks,
            known,
            outgoings([CARRIER], References(lambda: 7)),
            uuid_source(),
            clock.seconds,
            self._short_id,
        )
        requests = Requests(
            clock,
            self.journal,
            Messages(self.store.execute),
            [UPSTREAM],
            lambda: self.now_ms,
            self.woken.append,
        )
        self.short_ids = 0
        config = model.Smpp(**({"system_id": "luckgw"} | smpp))
        self.server = SmppServer(
            clock,
            Flusher(clock),
            config,
            Accounts(known, self._verify_hash),
            submit,
            requests,
            self.sessions,
            self.outbox,
            lambda: self.now_ms,
            self._in_thread,
            Brake(config.brake),
        )

    def _short_id(self) -> bytes:
        """An id whose first octets count."""
        self.short_ids += 1
        return self.short_ids.to_bytes(4, "big") + b"\x07" * 12

    def outbox(self, name: str) -> Outbox:
        """An account's outbox."""
        return self.outboxes.setdefault(name, Outbox())

    def _verify_hash(self, encoded: str, given: bytes) -> bool:
        """A password check that takes no time."""
        if self.is_check_broken:
            raise ZeroDivisionError
        return encoded.startswith("$argon2id$") and given == PASSWORD.encode()

    def _in_thread(self, f: Callable[..., bool], *args: Any) -> "Deferred[bool]":
        """The thread that the test is: it works when told to."""
        d: Deferred[bool] = Deferred()
        self.checks.append(lambda: maybeDeferred(f, *args).chainDeferred(d))
        return d

    def connect(self, host: str = "192.0.2.1") -> Far:
        """A partner connects."""
        session = self.server.buildProtocol(IPv4Address("TCP", host, 40000))
        return Far(self.clock, session, host)

    def bound(
        self,
        kind: Command = Command.BIND_TRANSCEIVER,
        system_id: str = "acme",
        *,
        version: int = 0x34,
    ) -> Far:
        """A partner who is bound."""
        far = self.connect()
        bind(far, kind, system_id, version=version)
        [answer] = far.got()
        assert answer.command_status == 0
        self.outbox(system_id).news()
        return far

    @property
    def ids(self) -> list[str]:
        """The ids of all messages kept."""
        return list(self.store.records)


def bind(
    far: Far,
    kind: Command = Command.BIND_TRANSCEIVER,
    system_id: str = "acme",
    password: str = PASSWORD,
    *,
    version: int = 0x34,
) -> int:
    """Ask to be bound; the sequence number."""
    fields = Bind(system_id.encode(), password.encode(), b"", version, 0, 0, b"")
    return far.send(kind, encode_bind(fields))


def submit_body(**fields: Any) -> bytes:
    """A usual submit_sm; fields that matter are given."""
    usual: dict[str, Any] = {
        "source_addr_ton": 5,
        "source_addr": b"Luck",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": b"233501234567",
        "registered_delivery": 1,
        "short_message": b"Hello",
    }
    return encode_sm(**(usual | fields))


def submit(far: Far, **fields: Any) -> int:
    """Send a submit_sm; its sequence number."""
    return far.send(Command.SUBMIT_SM, submit_body(**fields))


def statuses(far: Far) -> list[int]:
    """The command_status of what came since the last look."""
    return [pdu.command_status for pdu in far.got()]


def session_of(far: Far) -> ServerSession:
    """Our end of it."""
    session: ServerSession = far.session
    return session
