"""Partners bind to us: connections, who may bind, and all sessions there are."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.config import model
from luckgw.domain.errors import Refusal
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.status import Status
from luckgw.egress.sessions import Sessions
from luckgw.ingress.smpp_requests import Requests
from luckgw.ingress.smpp_session import DELIVER_WINDOW, Outbox, ServerSession
from luckgw.link.flusher import Flusher
from luckgw.pipeline.submit import Submit
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import BindRequested, Malformed
from luckgw.wire.pdus import RESPONSE, Command

MAX_SESSIONS: Final = 2000
"""Connections at the same time (spec/reliability 2.10) ..."""
MAX_UNBOUND: Final = 200
"""... and those among them that have not bound yet."""


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
    ) -> None:
        """``in_thread`` runs a slow password check (twisted's deferToThread)."""
        self._clock = clock
        self._flusher = flusher
        self._config = config
        self._accounts = accounts
        self._in_thread = in_thread
        self._sessions = sessions
        self.submit = submit
        self.requests = requests
        self._disabled = frozenset(Command[name.upper()] for name in config.disabled)
        self.outbox = outbox
        self.now_ms = now_ms
        self.system_id = config.system_id.encode()
        self._open: set[ServerSession] = set()
        self._unbound: set[ServerSession] = set()
        self._draining = False
        self.refusals: dict[int, int] = {}
        self.malformed_pdus = 0

    def buildProtocol(
        self,
        addr: IAddress | None,  # noqa: ARG002 - Twisted gives it
    ) -> ServerSession | None:
        """A new connection, unless there are too many."""
        if (
            self._draining
            or len(self._open) >= MAX_SESSIONS
            or len(self._unbound) >= MAX_UNBOUND
        ):
            return None
        config = self._config
        settings = Settings(
            window=DELIVER_WINDOW,
            session_init_s=config.session_init_s,
            enquire_link_s=config.enquire_link_s,
            inactivity_s=config.inactivity_s,
            response_s=config.response_s,
            disabled=self._disabled,
        )
        wire = Connection(Role.SMSC, settings, self._clock.seconds())
        session = ServerSession(self._clock, self._flusher, wire, self)
        self._open.add(session)
        self._unbound.add(session)
        return session

    def authenticate(
        self, bind: BindRequested, peer: str
    ) -> "Deferred[KnownAccount | Status]":
        """The account of a bind, or the status that refuses it (spec/reliability 2.3).

        An unknown system_id, a wrong password and a refused address get one answer, so
        that nobody can list accounts.
        """
        accounts = self._accounts
        account = accounts.by_system_id(bind.system_id)
        run = self._in_thread if accounts.password_check_is_slow else maybeDeferred
        d: Deferred[bool] = run(accounts.verify_password, account, bind.password)
        return d.addCallback(self._judge, account, peer)

    def _judge(
        self, is_right: bool, account: KnownAccount | None, peer: str
    ) -> KnownAccount | Status:
        if account is None or not is_right or not account.allows_address(peer):
            return Status.ESME_RINVPASWD
        settings = account.settings
        bound = len(self._sessions.of(settings.name))
        if not settings.enabled or bound >= settings.max_binds:
            return Status.ESME_RBINDFAIL
        return account

    def bound(self, session: ServerSession, account: KnownAccount) -> None:
        """A session was bound."""
        self._unbound.discard(session)
        session.wire.set_inbound_window(account.settings.window)
        self._sessions.add(account.name, session)

    def gone(self, session: ServerSession) -> None:
        """A session is over."""
        self._open.discard(session)
        self._unbound.discard(session)
        if session.account is not None:
            self._sessions.remove(session.account.name, session)

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
        count = self.malformed_pdus
        if is_worth_saying(count):
            self.log.info(
                "malformed PDU 0x{command:X} from {peer}: {what} ({count} so far)",
                command=event.command_id & ~RESPONSE,
                peer=session.peer,
                what=event.kind,
                count=count,
            )

    def drain(self) -> "Deferred[None]":
        """Take nobody new, and let all partners go; fires when all are gone."""
        self._draining = True
        leaving = DeferredList([session.leave() for session in list(self._open)])
        return leaving.addCallback(lambda _: None)
