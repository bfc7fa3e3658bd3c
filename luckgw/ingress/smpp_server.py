"""Partners bind to us: connections, who may bind, and all sessions there are."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    ensureDeferred,
    fail,
    succeed,
)
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import Logger

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.admission.binds import Refused, Visitor, judge
from luckgw.admission.brake import Brake, address_key
from luckgw.admission.crowd import Crowd
from luckgw.admission.limits import TokenBucket
from luckgw.config import model
from luckgw.domain.errors import Refusal
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.status import Status
from luckgw.egress.sessions import Sessions
from luckgw.ingress.bind_room import BindRoom
from luckgw.ingress.password_desk import DeskFull, PasswordDesk
from luckgw.ingress.smpp_requests import Requests
from luckgw.ingress.smpp_session import Outbox, ServerSession
from luckgw.link.flusher import Flusher
from luckgw.pipeline.submit import Submit
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import BindRequested, Malformed
from luckgw.wire.pdus import RESPONSE, Command

ALARM: Final = 10
"""Malformed PDUs of one session within 60 s that are worth an alarm
(spec/reliability 2.8)."""

_LINES_S: Final = 5.0
"""Lines a second in the log about binds that are refused."""
_GONE: Final = Refused(Status.ESME_RBINDFAIL, "it went before it was answered")


class _TurnedAway(Protocol):
    """A connection that is closed at once.

    None in its place is for plain sockets alone: Twisted's TLS can not do with it.
    """

    def connectionMade(self) -> None:
        """Say nothing, keep nothing."""
        transport: Any = self.transport
        transport.abortConnection()


class SmppServer(Factory):
    """Builds sessions and knows all that are there."""

    log = Logger()
    noisy = False

    def __init__(  # noqa: PLR0913, PLR0917 - each is a collaborator
        self,
        clock: IReactorTime,
        flusher: Flusher,
        config: model.Smpp,
        accounts: Accounts,
        submit: Submit,
        requests: Requests,
        sessions: Sessions,
        outbox: Callable[[str], Outbox],
        now_ms: Callable[[], int],
        in_thread: Callable[..., "Deferred[bool]"],
        brake: Brake,
    ) -> None:
        """``in_thread`` runs a slow password check; ``brake`` is that of all doors."""
        self._clock = clock
        self._flusher = flusher
        self._config = config
        self._accounts = accounts
        self._in_thread = in_thread
        self._sessions = sessions
        self._brake = brake
        self.submit = submit
        self.requests = requests
        self._disabled = frozenset(Command[name.upper()] for name in config.disabled)
        self.outbox = outbox
        self.now_ms = now_ms
        self.system_id = config.system_id.encode()
        self._settings = Settings(
            session_init_s=config.session_init_s,
            pdu_read_s=config.pdu_read_s,
            enquire_link_s=config.enquire_link_s,
            link_response_s=config.link_response_s,
            inactivity_s=config.inactivity_s,
            response_s=config.response_s,
            disabled=self._disabled,
        )
        self._crowd: Crowd[ServerSession] = Crowd(config.connections)
        self._room = BindRoom(clock)
        self._desk = PasswordDesk()
        # Many strangers may be wrong once each: not all of them are told.
        self._lines = TokenBucket(_LINES_S, clock.seconds())
        self._draining = False
        self.refusals: dict[int, int] = {}
        self.malformed_pdus = 0
        self.turned_away: Counter[str] = Counter()
        """Connections that were closed unheard, by the reason."""
        self.refused_binds: Counter[str] = Counter()
        """By the reason."""
        self._closed: Counter[str] = Counter()

    # -- connections -------------------------------------------------------------------

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """A new connection; it is closed at once when there are too many."""
        host = f"{getattr(addr, 'host', addr)}"
        address = address_key(host)
        why = self._why_not(host, address)
        if why is not None:
            self._turn_away(why, host)
            return _TurnedAway()
        silent = self._crowd.makes_way()
        if silent is not None:
            self._turn_away("too many are not bound", silent.peer)
            silent.abort()
            self._crowd.remove(silent)
        wire = Connection(Role.SMSC, self._settings, self._clock.seconds())
        session = ServerSession(self._clock, self._flusher, wire, self)
        session.write_stall_s = self._config.write_stall_s
        self._crowd.add(session, address)
        return session

    def _why_not(self, host: str, address: str) -> str | None:
        if self._draining:
            return "we are about to stop"
        if self._brake.is_shut(host, self._clock.seconds()):
            return "too many wrong passwords"
        return self._crowd.why_full(address)

    def _turn_away(self, why: str, host: str) -> None:
        self.turned_away[why] = count = self.turned_away[why] + 1
        if is_worth_saying(count):
            self.log.info(
                "closed a connection from {host}: {why} ({count} so far)",
                host=host,
                why=why,
                count=count,
            )

    # -- binds -------------------------------------------------------------------------

    def authenticate(
        self, bind: BindRequested, session: ServerSession
    ) -> "Deferred[KnownAccount | Status]":
        """The account of a bind, or the status that refuses it (spec/reliability 2.3).

        It may take its time: a brake, a password in a thread, a place that has to
        become free. Who goes meanwhile is no longer waited for.
        """
        self._crowd.asks(session)
        return ensureDeferred(self._authenticate(bind, session))

    async def _authenticate(
        self, bind: BindRequested, session: ServerSession
    ) -> KnownAccount | Status:
        found = await self._judged(bind, session)
        if isinstance(found, KnownAccount):
            return found
        if found is not _GONE:
            self._refused_bind(bind, session, found)
        return found.status

    async def _judged(
        self, bind: BindRequested, session: ServerSession
    ) -> KnownAccount | Refused:
        """Each check in the order of the specification."""
        host, name = session.peer, bind.system_id
        if not await self._braked(host, name, session):
            return _GONE
        account = self._accounts.by_system_id(name)
        is_right = await self._is_right(account, bind.password, session)
        if isinstance(is_right, Refused):
            return is_right
        if self._brake.is_shut(host, self._clock.seconds()):
            # Others from there were wrong meanwhile: no more is told, right or not.
            return Refused(Status.ESME_RINVPASWD, "too many wrong passwords")
        found = judge(account, is_right, Visitor(host, session.kind, session.tls))
        if isinstance(found, Refused):
            return found
        self._brake.succeeded(host, name)
        return await self._placed(found, session)

    async def _placed(
        self, account: KnownAccount, session: ServerSession
    ) -> KnownAccount | Refused:
        """It is who it says: whether we can have it now."""
        if not self.submit.is_open:
            return Refused(Status.ESME_RSYSERR, "the store does not answer")
        is_wanted = partial(getattr, session, "is_binding")
        if await self._room.has_room(account, session.kind, is_wanted):
            return account
        if not session.is_binding:
            return _GONE
        return Refused(Status.ESME_RBINDFAIL, "as many sessions as it may have")

    async def _braked(self, host: str, name: bytes, session: ServerSession) -> bool:
        """Let a peer wait that was wrong before; false when it went meanwhile."""
        wait = self._brake.delay(host, name, self._clock.seconds())
        if not wait:
            return True
        waiting: Deferred[None] = deferLater(self._clock, wait)
        session.when_gone().addCallback(lambda _: waiting.cancel())
        try:
            await waiting
        except CancelledError:
            return False
        return session.is_binding

    async def _is_right(
        self, account: KnownAccount | None, password: bytes, session: ServerSession
    ) -> bool | Refused:
        """Whether the password is; or why nobody looked at it."""
        accounts, clock = self._accounts, self._clock
        if not accounts.password_check_is_slow:
            return accounts.verify_password(account, password)
        known = accounts.right_passwords
        name = "" if account is None else account.name

        def check() -> "Deferred[bool]":
            # While it waited another bind may have found the same, or the peer gone.
            if known.knows(name, password, clock.seconds()):
                return succeed(True)
            if not session.is_binding:
                return fail(CancelledError())
            return self._in_thread(accounts.verify_password, account, password)

        if known.knows(name, password, clock.seconds()):
            return True
        rank = self._brake.wrongs(session.peer, clock.seconds())
        try:
            is_right = await self._desk.check(rank, check)
        except DeskFull:
            return Refused(Status.ESME_RSYSERR, "too many binds at once")
        except CancelledError:
            return _GONE
        if is_right:
            known.remember(name, password, clock.seconds())
        return is_right

    def _refused_bind(
        self, bind: BindRequested, session: ServerSession, refused: Refused
    ) -> None:
        """Count it, against the peer if it was a guess; say so, but not every time."""
        self.refused_binds[refused.why] = total = self.refused_binds[refused.why] + 1
        host, now = session.peer, self._clock.seconds()
        count = total
        if refused.is_wrong:
            was_shut = self._brake.is_shut(host, now)
            count = self._brake.failed(host, bind.system_id, bind.password, now)
            if not was_shut and self._brake.is_shut(host, now):
                self.log.warn(
                    "too many wrong passwords from {host}: it can not connect for"
                    " {shut_s} s",
                    host=host,
                    shut_s=round(self._config.brake.shut_s),
                )
        is_told = is_worth_saying(count) and not self._lines.take(now)
        if is_told or is_worth_saying(total):
            self.log.info(
                "bind of {system_id!r} from {peer} refused with 0x{status:02X}: {why}"
                " ({count} so far)",
                system_id=bind.system_id.decode("latin-1"),
                peer=host,
                status=refused.status.value,
                why=refused.why,
                count=count,
            )

    def bound(self, session: ServerSession, account: KnownAccount) -> None:
        """A session was bound."""
        self._crowd.bound(session)
        self._room.add(account.name, session)
        self._sessions.add(account.name, session)

    def gone(self, session: ServerSession) -> None:
        """A session is over."""
        self._crowd.remove(session)
        if session.account is not None:
            self._room.remove(session.account.name, session)
            self._sessions.remove(session.account.name, session)

    # -- what is counted ---------------------------------------------------------------

    def refused(self, account: str, refusal: Refusal) -> None:
        """Count a refused message; say so once for each reason."""
        status = refusal.command_status
        self.refusals[status] = count = self.refusals.get(status, 0) + 1
        if is_worth_saying(count):
            self.log.info(
                "refused a request of {account} with 0x{status:02X}: {detail} "
                "({count} so far)",
                account=account,
                status=status,
                detail=refusal.detail,
                count=count,
            )

    def malformed(self, session: ServerSession, event: Malformed) -> None:
        """Count a malformed PDU; it was answered already."""
        self.malformed_pdus += 1
        session.malformed += 1
        count = self.malformed_pdus
        if event.recent >= ALARM:
            session.alarms += 1
            if is_worth_saying(session.alarms):
                self.log.warn(
                    "alarm: {recent} malformed PDUs within 60 s from {peer}, account"
                    " {account}; at 100 it is unbound",
                    recent=event.recent,
                    peer=session.peer,
                    account=session.account.name if session.account else "-",
                )
        if is_worth_saying(count):
            self.log.info(
                "malformed PDU 0x{command:X} from {peer}: {what} ({count} so far)",
                command=event.command_id & ~RESPONSE,
                peer=session.peer,
                what=event.kind,
                count=count,
            )

    def closing(self, session: ServerSession, reason: str) -> None:
        """We end a session; of strangers, who may be many, not every one is told."""
        self._closed[reason] = count = self._closed[reason] + 1
        if session.account is not None or is_worth_saying(count):
            self.log.info(
                "closing {peer}: {reason} ({count} so far)",
                peer=session.peer,
                reason=reason,
                count=count,
            )

    def status(self) -> dict[str, object]:
        """For ``luckgw status``: who is bound, and who was not let in."""
        now = self._clock.seconds()
        bound = [each for each in self._crowd if each.account is not None]
        return {
            "partners": [_shown(each, now) for each in bound],
            "doors": {
                "connections": len(self._crowd),
                "unbound": self._crowd.unbound,
                "evicted": self._room.evicted,
                "turned away": dict(self.turned_away),
                "refused binds": dict(self.refused_binds),
            },
        }

    # -- the end -----------------------------------------------------------------------

    def drain(self) -> "Deferred[None]":
        """Take nobody new, and let all partners go; fires when all are gone."""
        self._draining = True
        leaving = DeferredList([session.leave() for session in self._crowd])
        return leaving.addCallback(lambda _: None)


def _shown(session: ServerSession, now: float) -> dict[str, object]:
    """One bound session, for people."""
    assert session.account is not None  # noqa: S101 - it is bound
    wire, tls = session.wire, session.tls
    return {
        "account": session.account.name,
        "kind": session.kind,
        "peer": session.peer,
        "age_s": round(now - session.bound_at),
        "silent_s": round(session.silence()),
        "version": f"0x{wire.peer_version:02x}",
        "tls": tls.version if tls is not None else None,
        "certificate": tls.fingerprint[:16] if tls is not None else None,
        "in_flight": session.in_flight,
        "unanswered": wire.unanswered,
        "malformed": session.malformed,
        "throttled": wire.throttled,
    }
