"""The configuration becomes a tree of services: the only place that names classes.

It starts whole or fails with one sentence: nothing listens before everything behind it
works, and what was started is stopped again when a later part can not.
"""

import atexit
import gc
import inspect
import os
import random
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar, cast
from urllib.parse import unquote, urlsplit

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    UNIXClientEndpoint,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from luckgw import __version__
from luckgw.admission.accounts import Accounts
from luckgw.admission.brake import Brake
from luckgw.config.load import DEMO, DEMO_PASSWORD, SANDBOX
from luckgw.config.model import Account, Config
from luckgw.dispatch.mt import MtDispatcher
from luckgw.dispatch.orphans import Orphans
from luckgw.dispatch.service import Dispatch
from luckgw.dispatch.takeover import take_over
from luckgw.domain.ids import uuid_source
from luckgw.egress.webhook import WebhookNotifier, webhook_client
from luckgw.ingress.http_api import HttpApi
from luckgw.ingress.http_auth import Gate
from luckgw.ingress.http_site import ApiSite
from luckgw.ingress.inbox import Inbox as Received
from luckgw.ingress.sender import Reader, Sender
from luckgw.ingress.smpp_requests import Requests
from luckgw.ingress.smpp_server import SmppServer
from luckgw.link.flusher import Flusher
from luckgw.link.tls import TlsFailure, tls_factory
from luckgw.ops.admin import AdminApi, listen_admin
from luckgw.ops.health import Health
from luckgw.ops.hooks import Hooks
from luckgw.ops.marks import Marks
from luckgw.ops.phones import Phones
from luckgw.ops.receipt_desk import ReceiptDesk
from luckgw.pipeline.inbound import Inbox
from luckgw.pipeline.outgoing import outgoings
from luckgw.pipeline.receipt import Receipts
from luckgw.pipeline.route_addresses import route_addresses
from luckgw.pipeline.submit import Submit
from luckgw.pipeline.text import SendText
from luckgw.routing.table import RouteTable
from luckgw.sandbox.phone import PhoneText
from luckgw.sandbox.smsc import Smsc, SmscService, SmscSettings
from luckgw.store import keys
from luckgw.store.api_keys import ApiKeys
from luckgw.store.connection import Credentials
from luckgw.store.embedded import EmbeddedServer
from luckgw.store.interface import StoreAway
from luckgw.store.messages import Messages
from luckgw.store.open_ends import OpenEnds
from luckgw.store.outbox_bounds import OutboxBounds
from luckgw.store.secrets_file import load_or_create_secret
from luckgw.store.service import StoreService
from luckgw.store.short_ids import ShortIds
from luckgw.store.sweep import Sweep
from luckgw.text.references import References
from luckgw.upstream.outbind import Door
from luckgw.upstream.reach import way_to
from luckgw.upstream.registry import UPSTREAM_TYPES
from luckgw.upstream.smpp import SmppUpstream
from luckgw.upstream.tls import TlsError

_T = TypeVar("_T")

_START_FAILED: Final = 1
_GC_THRESHOLDS: Final = (50_000, 20, 50)


def create_missing_secret(path: Path) -> None:
    """Make the password file of the demo account at the first start.

    Eight characters, as many as SMPP v3.4 has room for (4.1.1).
    """
    if path.name != DEMO_PASSWORD:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    password = "".join(secrets.choice(letters) for _ in range(8))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")


def wall_ms() -> int:
    """The wall clock, in milliseconds: for what people see and what outlives a boot."""
    return time.time_ns() // 1_000_000


class Gateway(MultiService):
    """One node of luckgw, all of it."""

    log = Logger()

    def __init__(self, reactor: Any, config: Config) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.setName("luckgw")  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._clock = cast(IReactorTime, reactor)
        self._config = config
        self._data_dir = config.gateway.data_dir.absolute()
        self._started_at = self._clock.seconds()
        self._starting: Deferred[None] | None = None
        self._stop_steps: list[tuple[str, Callable[[], Any]]] = []
        """What was started, last first: how each part is stopped."""
        self._is_draining = False
        self._health = Health(self._problems)
        self._dispatch: Dispatch
        self._store: StoreService
        self._marks: Marks
        self._partners: SmppServer
        self._smsc: Smsc | None = None
        self._inbox: Inbox
        self._receipts: Receipts
        self._orphans: Orphans
        self._open_ends: OpenEnds
        self._keys: ApiKeys
        self._doors: dict[str, Door] = {}
        """Where carriers call with outbind, by upstream."""

    # -- start -------------------------------------------------------------------------

    def startService(self) -> None:
        """Begin to start; a failure ends the process with one sentence and status 1."""
        super().startService()  # type: ignore[no-untyped-call]
        self._starting = ensureDeferred(self._start())
        self._starting.addErrback(self._not_started)

    def _not_started(self, failure: Failure) -> None:
        if self._is_draining:
            return  # told to stop while starting
        why = failure.getErrorMessage() or type(failure.value).__name__
        if not isinstance(failure.value, OSError) and not _is_ours(failure.value):
            self.log.failure("starting failed", failure=failure)
        self.log.critical("luckgw can not start: {why}", why=why)
        _say(sys.__stderr__, f"luckgw can not start: {why}\n")
        exit_with(_START_FAILED)
        self._reactor.callLater(0, self._reactor.stop)

    async def _start(self) -> None:
        config, clock = self._config, self._clock
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        pepper = load_or_create_secret(self._data_dir / "pepper")
        await self._open_store()
        store = self._store
        journal = store.journal

        accounts = Accounts(config.accounts)
        self._keys = ApiKeys(store, pepper, config.accounts.get, clock, wall_ms)
        await self._keys.start()
        self._on_stop("API keys", self._keys.stop)

        self._look_after_store()
        flusher = Flusher(clock)
        if config.sandbox.enabled:
            await self._start_sandbox(flusher)
        notifier = WebhookNotifier(
            webhook_client(self._reactor, config.webhooks.max_in_flight),
            clock,
            time.time,
            timeout_s=config.webhooks.timeout_s,
        )
        dispatch = self._dispatch = Dispatch(
            clock, journal, config, notifier, wall_ms, random.random
        )
        self._inbox = Inbox(journal, self._marks, uuid_source(), dispatch.inbound.poke)
        self._receipts = Receipts(journal, dispatch.wake, self._inbox.received)
        self._add_upstreams(dispatch, flusher)
        await take_over(store.execute, journal, config, store.epoch, wall_ms)
        self._look_after_receipts(dispatch)
        dispatch.start()
        self._on_stop(
            "upstreams", lambda: dispatch.drain_upstreams(config.gateway.drain_s / 3)
        )
        self._on_stop(
            "webhooks", lambda: dispatch.drain_outboxes(config.gateway.drain_s / 3)
        )

        submit = await self._submit()
        await self._listen_outbind()
        await self._listen_smpp(submit, accounts, flusher)
        self._on_stop("claims", dispatch.stop_claiming)
        await self._listen_http(submit, accounts)
        self._listen_admin()
        # All that was made so far stays: the collector need not look at it again, and
        # seldom at the rest, for messages leave no cycles behind.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        self.log.info("luckgw {version} is ready", version=__version__)
        await self._greet()

    def _look_after_store(self) -> None:
        """Know how full it is, and remove what is too old."""
        config, clock, store = self._config, self._clock, self._store
        embedded = config.store.is_embedded
        self._marks = Marks(
            clock,
            store.execute,
            self._data_dir if embedded else None,
            config.store.min_free_mb << 20,
        )
        self._marks.start()
        self._on_stop("marks", self._marks.stop)

        sweep = Sweep(
            clock,
            store.execute,
            store.journal,
            config.store.retention_days,
            config.upstreams,
            wall_ms,
        )
        sweep.start()
        self._on_stop("sweep", sweep.stop)

    async def _submit(self) -> Submit:
        """The way into the store."""
        config, store = self._config, self._store
        short_ids = ShortIds(store.execute, uuid_source())
        await short_ids.start()
        return Submit(
            store.journal,
            RouteTable(config.routes, config.upstreams, config.routing.portability),
            self._dispatch,
            self._marks,
            config.accounts,
            outgoings(
                config.upstreams.values(), References(lambda: random.getrandbits(8))
            ),
            uuid_source(),
            self._clock.seconds,
            short_ids.fresh,
            heeding_opt_outs(config),
            wall_ms,
            await self._start_hooks(),
        )

    async def _open_store(self) -> None:
        config = self._config.store
        reactor = self._reactor
        if config.is_embedded:
            server = EmbeddedServer(
                reactor,
                self._data_dir / "store",
                binary=config.binary,
                durability=config.durability,
                on_failed=lambda why: self.log.critical("the store: {why}", why=why),
            )
            self._on_stop("store server", server.stop)
            await server.start()

            def connect() -> IStreamClientEndpoint:
                return UNIXClientEndpoint(reactor, server.address.path)

            def credentials() -> Credentials:
                return Credentials(password=server.address.password)

        else:
            connect, credentials = _external(reactor, config.url)
        self._store = StoreService(
            self._clock,
            connect,
            credentials,
            self._data_dir / "revoked",
            wall_ms,
            self._config.gateway.node,
            config.retention_days * 86_400,
            want_durable=config.durability == "always",
            on_fenced=self._fenced,
        )
        self._on_stop("store", self._store.close)
        await self._store.open()

    def _fenced(self) -> None:
        exit_with(_START_FAILED)
        self._reactor.callLater(0, self._reactor.stop)

    async def _start_sandbox(self, flusher: Flusher) -> None:
        known = self._config.upstreams[SANDBOX]
        settings = SmscSettings(
            system_id=known.system_id, password=known.password.reveal()
        )
        endpoints = [
            serverFromString(self._reactor, each)
            for each in self._config.sandbox.listen
        ]
        self._smsc = Smsc(self._reactor, flusher, settings, wall_ms)
        service = SmscService(self._smsc, endpoints)
        self._on_stop("sandbox", service.stopService)
        await service.start()

    async def _start_hooks(self) -> Hooks | None:
        configs = self._config.hooks
        if not configs:
            return None

        def spawn(protocol: ProcessProtocol, arguments: Sequence[str]) -> Any:
            return self._reactor.spawnProcess(
                protocol, arguments[0], arguments, env=None
            )

        hooks = Hooks(self._clock, spawn, configs.values())
        self._on_stop("hooks", hooks.stop)
        await hooks.start()
        return hooks

    def _add_upstreams(self, dispatch: Dispatch, flusher: Flusher) -> None:
        rewrites = route_addresses(self._config.routes)
        for config in self._config.upstreams.values():
            try:
                way = way_to(self._reactor, config)
            except TlsError as error:
                msg = f"[upstreams.{config.name}] tls: {error}"
                raise StartError(msg) from error
            upstream = UPSTREAM_TYPES[config.type](
                self._clock, flusher, way, config, random.random
            )
            if isinstance(upstream, SmppUpstream) and config.outbind_listen:
                self._doors[config.name] = upstream.door
            dispatch.add(
                MtDispatcher(
                    self._clock,
                    self._store.journal,
                    upstream,
                    config,
                    wall_ms,
                    partial(self._receipts.received, config),
                    dispatch.wake,
                    rewrites,
                ),
                upstream,
            )

    async def _listen_outbind(self) -> None:
        for name, door in self._doors.items():
            endpoints = self._config.upstreams[name].outbind_listen
            key = f"[upstreams.{name}] outbind_listen"
            ports = await self._listen(endpoints, door, key)
            self._on_stop(key, partial(_close_all, ports))

    def _look_after_receipts(self, dispatch: Dispatch) -> None:
        """Receipts without message, messages without receipt, outboxes that grow."""
        config, clock, store = self._config, self._clock, self._store
        self._orphans = Orphans(
            clock,
            store.execute,
            store.journal,
            self._receipts,
            config.upstreams,
            dispatch.dispatchers,
            wall_ms,
            dispatch.wake,
        )
        self._open_ends = OpenEnds(
            clock,
            store.execute,
            store.journal,
            config.receipts,
            wall_ms,
            dispatch.wake,
        )
        bounds = OutboxBounds(
            clock, store.journal, config.outboxes, config.accounts, wall_ms
        )
        for name, each in (
            ("parked receipts", self._orphans),
            ("open ends", self._open_ends),
            ("bounds of outboxes", bounds),
        ):
            each.start()
            self._on_stop(name, each.stop)

    async def _listen_smpp(
        self, submit: Submit, accounts: Accounts, flusher: Flusher
    ) -> None:
        dispatch = self._dispatch
        config = self._config.smpp
        passwords = ThreadPool(0, 1, "passwords")
        passwords.start()
        self._on_stop("password checks", passwords.stop)
        server = self._partners = SmppServer(
            self._clock,
            flusher,
            config,
            accounts,
            submit,
            Requests(
                self._clock,
                self._store.journal,
                Messages(self._store.execute),
                list(self._config.upstreams),
                wall_ms,
                dispatch.wake,
            ),
            dispatch.sessions,
            dispatch.outbox,
            wall_ms,
            partial(deferToThreadPool, self._reactor, passwords),
            Brake(config.brake),
        )
        ports = await self._listen(config.listen, server, "[smpp] listen")
        if config.tls.listen:
            try:
                over_tls = tls_factory(config.tls, server)
            except TlsFailure as error:
                await _close_all(ports)
                raise StartError(f"[smpp.tls] {error}") from error
            ports += await self._listen(
                config.tls.listen, over_tls, "[smpp.tls] listen"
            )
        self._on_stop("SMPP partners", server.drain)
        self._on_stop("SMPP ports", lambda: _close_all(ports))

    async def _listen_http(self, submit: Submit, accounts: Accounts) -> None:
        config = self._config
        send_text = SendText(
            submit,
            accounts,
            wall_ms,
            SANDBOX if config.sandbox.enabled else None,
        )
        self._dispatch.inbound.reply_with(partial(_reply, config.accounts, send_text))
        api = HttpApi(
            Gate(self._keys, config.accounts.get),
            Sender(send_text),
            Reader(Messages(self._store.execute), wall_ms),
            self._health,
            Received(self._store.execute),
        )
        site = ApiSite(api.resource(), self._clock)
        ports = await self._listen(config.http.listen, site, "[http] listen")
        self._on_stop("HTTP calls", site.drain)
        self._on_stop("HTTP ports", lambda: _close_all(ports))

    def _listen_admin(self) -> None:
        config = self._config
        phones = Phones(
            self._store.execute,
            Received(self._store.execute),
            config.accounts,
            heeding_opt_outs(config),
            None if self._smsc is None else partial(_bring, self._smsc),
            wall_ms,
        )
        desk = ReceiptDesk(self._orphans, self._store.execute)
        admin = AdminApi(self._keys, self.status, phones, desk)
        path = self._data_dir / "admin.sock"
        port = listen_admin(self._reactor, path, admin.resource())
        self._on_stop("admin socket", port.stopListening)

    async def _listen(
        self, endpoints: tuple[str, ...], factory: Any, key: str
    ) -> list[Any]:
        ports: list[Any] = []
        for description in endpoints:
            try:
                ports.append(
                    await serverFromString(self._reactor, description).listen(factory)
                )
            except Exception as error:
                await _close_all(ports)
                msg = f"{key}: can not listen on {description!r}: {error}"
                raise StartError(msg) from error
        return ports

    # -- stop --------------------------------------------------------------------------

    def _on_stop(self, name: str, stop: Callable[[], Any]) -> None:
        self._stop_steps.append((name, stop))

    def stopService(self) -> "Deferred[None]":
        """Drain: what is on its way finishes, nothing new begins; in the reverse order
        of the start, the store last.
        """
        self._is_draining = True
        self._health.drain()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        if self._starting is not None and not self._starting.called:
            self._starting.cancel()
        limit = self._config.gateway.drain_s
        while self._stop_steps:
            name, stop = self._stop_steps.pop()
            try:
                result = stop()
                if inspect.iscoroutine(result):
                    result = ensureDeferred(result)
                if isinstance(result, Deferred):
                    await result.addTimeout(limit, self._clock)
            except Exception:  # noqa: BLE001 - the other parts must be stopped all the same
                self.log.failure("stopping {part} failed", part=name)
        await super().stopService()  # type: ignore[no-untyped-call]
        self.log.info("luckgw has stopped")

    # -- for people who look -----------------------------------------------------------

    def _problems(self) -> list[str]:
        found = list(self._marks.problems)
        if not self._store.is_open:
            found.append("the store does not answer")
        found += [
            f"no upstream of route {name} is up"
            for name in self._dispatch.down_routes(self._config.routes)
        ]
        return found

    def status(self) -> "Deferred[Mapping[str, Any]]":
        """What ``luckgw status`` shows."""
        return ensureDeferred(self._status())

    async def _status(self) -> Mapping[str, Any]:
        problems = self._health.problems()
        journal = self._store.journal
        receipts = self._receipts.counters
        return {
            "node": self._config.gateway.node,
            "epoch": self._store.epoch,
            "version": __version__,
            "uptime_s": int(self._clock.seconds() - self._started_at),
            "ready": not problems,
            "problems": problems,
            "alarms": self._dispatch.alarms(),
            **self._dispatch.status(),
            **self._partners.status(),
            "queues": await self._depths(),
            "receipts": {
                **{name: getattr(receipts, name) for name in type(receipts).__slots__},
                "ended_without": self._open_ends.ended,
                "learnt": self._orphans.status(),
                "waiting": await self._or_nothing(self._orphans.counts()),
            },
            "phones": {
                **attrs.asdict(self._inbox.counters),
                **attrs.asdict(self._dispatch.inbound.counters),
            },
            "dropped": await self._or_nothing(self._dropped()),
            "journal": {"batches": journal.batches, "operations": journal.operations},
        }

    async def _or_nothing(self, reading: Awaitable[_T]) -> _T | None:
        """What was read of the store; None when it is away."""
        try:
            return await reading
        except StoreAway:
            return None

    async def _dropped(self) -> dict[str, int]:
        """What was dropped because it was too old or too much, ever, by what it was."""
        flat = await self._store.execute(b"HGETALL", keys.DROPPED)
        counts = dict(zip(flat[::2], flat[1::2], strict=True))
        return {dropped_name(key): int(count) for key, count in counts.items()}

    async def _depths(self) -> dict[str, dict[str, int]]:
        """How much waits in each queue: ready, and for a later time."""
        config = self._config
        queues = {
            "from phones": keys.INBOUND,
            **{f"to {name}": keys.upstream_queue(name) for name in config.upstreams},
            **{
                f"deliver_sm to {name}": keys.deliver_sm_outbox(name)
                for name in config.accounts
            },
            **{
                f"webhook of {name}": keys.webhook_outbox(name)
                for name, account in config.accounts.items()
                if account.webhook is not None
            },
        }
        execute = self._store.execute
        try:
            return {
                name: {
                    "ready": await execute(b"LLEN", key),
                    "delayed": await execute(b"ZCARD", keys.delayed(key)),
                }
                for name, key in queues.items()
            }
        except StoreAway:
            return {}

    async def _greet(self) -> None:
        """On the first start of the demo: a key, shown once, and what to do with it.

        Not for a daemon, whose words nobody hears: ``luckgw key create`` is for that.
        """
        config = self._config
        if DEMO not in config.accounts or not _is_heard(sys.__stdout__):
            return
        if await self._keys.keys_of(DEMO):
            return
        key, _ = await self._keys.create(DEMO, "made at the first start")
        account = config.accounts[DEMO]
        _say(sys.__stdout__, greeting(config, account, key))


def heeding_opt_outs(config: Config) -> frozenset[str]:
    """The accounts to which phones can write, and so can write STOP."""
    return frozenset(
        route.account
        for route in config.mo_routes
        if config.accounts[route.account].opt_out.enabled
    )


def _bring(smsc: Smsc, wish: Mapping[str, Any]) -> None:
    """Have the sandbox deliver a phone's message."""
    smsc.bring(PhoneText.from_json(wish).bodies())


def _reply(
    accounts: Mapping[str, Account],
    send_text: SendText,
    account: str,
    number: str,
    phone: str,
    text: str,
) -> None:
    """Send an automatic reply to a phone."""
    send_text.send(
        accounts[account],
        number,
        phone,
        text,
        lambda _kept: None,
        sandbox_only=False,
        is_reply=True,
    )


_DROPPED_FROM: Final = {
    "o": "events for sessions of",
    "p": "receipts from",
    "w": "events for the webhook of",
    "x": "parked events for the webhook of",
    "z": "quarantined PDUs from",
}


def dropped_name(key: bytes) -> str:
    """What stands under a key, for people."""
    kind, _, name = key.decode().partition(":")
    return f"{_DROPPED_FROM.get(kind, kind)} {name}"


class StartError(Exception):
    """The gateway can not start; the text is one sentence for the operator."""


def _is_ours(error: BaseException | None) -> bool:
    """Whether an error explains itself: then no traceback is shown."""
    return type(error).__module__.startswith("luckgw.")


def greeting(config: Config, account: Account, key: str) -> str:
    """What a newcomer reads after the first start."""
    http = _address(config.http.listen)
    smpp = _address(config.smpp.listen)
    password = account.password.reveal() if account.password is not None else "-"
    lines = [
        "",
        "  luckgw is ready. The demo account was made; its API key is shown only now:",
        "",
        f"    API key        {key}",
        f"    SMPP           {smpp}",
        f"    system_id      {account.system_id}",
        f"    password       {password}",
        "",
        "  Send a message (it goes to the built-in SMSC, not to a phone):",
        "",
        f"    curl -H 'Authorization: Bearer {key}' http://{http}/api/v1/send/ \\",
        "      -d from=LuckCreators -d to=233501234567 -d content=Hello",
        "",
        "  Ask what became of it, with the UUID of the answer:",
        "",
        f"    curl -H 'Authorization: Bearer {key}' http://{http}/api/v1/status/UUID",
        "",
        "",
    ]
    return "\n".join(lines)


def _address(listen: tuple[str, ...]) -> str:
    """Host and port of the first TCP endpoint, for people."""
    for each in listen:
        kind, _, rest = each.partition(":")
        if kind in ("tcp", "tcp6", "ssl"):
            port, *options = rest.split(":")
            given = dict(option.partition("=")[::2] for option in options)
            return f"{given.get('interface', 'localhost')}:{port}"
    return "(not listening)"


def _external(
    reactor: Any, url: str
) -> tuple[Callable[[], IStreamClientEndpoint], Callable[[], Credentials]]:
    """How to reach a store that is not ours: redis://, rediss://, unix://."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        endpoint: IStreamClientEndpoint = UNIXClientEndpoint(
            reactor, unquote(parts.path)
        )
    else:
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
        endpoint = HostnameEndpoint(reactor, host, port)
        if parts.scheme == "rediss":
            endpoint = wrapClientTLS(optionsForClientTLS(host), endpoint)
    database = parts.path.strip("/") if parts.scheme != "unix" else ""
    credentials = Credentials(
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=int(database or 0),
    )
    return (lambda: endpoint), (lambda: credentials)


async def _close_all(ports: list[Any]) -> None:
    for port in ports:
        await maybeDeferred(port.stopListening)


def _say(stream: TextIO | None, text: str) -> None:
    """Write to the real stream: twistd has turned sys.stdout into its log."""
    if stream is not None:
        stream.write(text)
        stream.flush()


def _is_heard(stream: TextIO | None) -> bool:
    """Whether what is written to ``stream`` may reach anybody."""
    if stream is None:
        return False
    try:
        return os.fstat(stream.fileno()).st_rdev != Path(os.devnull).stat().st_rdev
    except (OSError, ValueError):
        return False


def exit_with(status: int) -> None:
    """End this process with ``status`` once the reactor and twistd are done.

    twistd itself always ends with 0. The exit handler runs after it has removed its pid
    file and flushed its log.
    """

    def leave() -> None:
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
        os._exit(status)

    atexit.register(leave)
