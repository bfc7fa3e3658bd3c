"""Partners bind to us: sessions of the SMSC role, from bind to unbind."""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.admission.checks import check_submit, message_times
from luckgw.config import model
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.egress.sessions import Sessions
from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.pipeline.submit import Submit
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import (
    Answered,
    BindRequested,
    Closing,
    Malformed,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.pdus import RESPONSE, Command, Sm, encode_sm

DELIVER_WINDOW = 100
"""deliver_sm that a partner may leave unanswered on one session."""
MAX_SESSIONS = 2000
MAX_UNBOUND = 200
UNBIND_S = 5.0


class Outbox(Protocol):
    """An account's outbox: what it is told of deliver_sm on its way."""

    def answered(self, delivery: Any, command_status: int) -> None:
        """The partner answered."""
        ...

    def timed_out(self, delivery: Any) -> None:
        """The partner did not answer in time."""
        ...

    def lost(self, deliveries: list[Any]) -> None:
        """The link went with these unanswered."""
        ...

    def changed(self) -> None:
        """There is room again."""
        ...


class ServerSession(SmppSession):
    """One partner's connection."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        wire: Connection,
        server: "SmppServer",
    ) -> None:
        super().__init__(clock, flusher, wire)
        self._server = server
        self._account: KnownAccount | None = None
        self._outbox: Outbox
        self._receives = False

    @property
    def account(self) -> KnownAccount | None:
        """Whose session this is; None before the bind."""
        return self._account

    # -- for the account's outbox (egress.sessions.Receiver) ----------------------------

    @property
    def room(self) -> int:
        """Free places in our window, while the partner may receive and reads."""
        if not self._receives or self.is_stalled or self.is_gone:
            return 0
        return self.wire.room

    @property
    def capacity(self) -> int:
        """Our window, if this session receives at all."""
        return DELIVER_WINDOW if self._receives and not self.is_gone else 0

    def deliver(self, body: bytes, context: object) -> None:
        """Send a deliver_sm. HOT PATH."""
        self.wire.send(Command.DELIVER_SM, body, context, self.clock.seconds())
        self.flusher.mark(self)

    def resumed(self) -> None:
        """The partner reads again."""
        if self._account is not None:
            self._outbox.changed()

    # -- what the partner says -------------------------------------------------------------

    def handle(self, events: list[Any]) -> None:
        """HOT PATH: one call for each read."""
        answers = False
        for event in events:
            kind = type(event)
            if kind is Sm:
                self._submitted(event)
            elif kind is Answered:
                if not event.late:
                    answers = True
                    self._outbox.answered(event.context, event.command_status)
            elif kind is TimedOut:
                answers = True
                self._outbox.timed_out(event.context)
            elif kind is BindRequested:
                self._bind_requested(event)
            elif kind is Request:
                # query_sm, cancel_sm, replace_sm, submit_multi: not offered.
                self.wire.answer(event, Status.ESME_RINVCMDID)
            elif kind is Malformed:
                self._server.malformed(self, event)
            elif kind is Closing:
                self.log.info(
                    "closing {peer}: {reason}", peer=self.peer, reason=event.reason
                )
                self.close()
            elif kind is Unbound or kind is UnbindDone:
                self.close()
        if answers:
            self._outbox.changed()

    def _submitted(self, sm: Sm) -> None:
        """A submit_sm. HOT PATH."""
        account = self._account
        if account is None or sm.command_id != Command.SUBMIT_SM:
            # data_sm of the submit direction: not offered.
            self.wire.answer(sm, Status.ESME_RINVCMDID)
            return
        try:
            destination = check_submit(sm, account)
            _, deadline_ms = message_times(sm, account, self._server.now_ms())
            body = sm.body
            at = sm.registered_delivery_at
            if body[at] != 1:
                # The carrier is always asked for a receipt: that is how we know.
                body = body[:at] + b"\1" + body[at + 1 :]
            destination_addr = destination.encode()
            if destination_addr != sm.destination_addr:
                body = _with_destination(sm, destination_addr)
            sequence_number = sm.sequence_number

            def done(message_id: str) -> None:
                self._answer(sm, sequence_number, message_id)

            self._server.submit.submit(
                account.settings,
                sm.source_addr.decode("latin-1"),
                destination,
                (body,),
                registered_delivery=sm.registered_delivery,
                deadline_ms=deadline_ms,
                over_http=False,
                done=done,
            )
        except Refusal as refusal:
            self._server.refused(account.name, refusal)
            self.wire.answer(sm, refusal.command_status)

    def _answer(self, sm: Sm, sequence_number: int, message_id: str) -> None:
        if self.is_gone:
            return
        if message_id:
            self.wire.answer_message(
                Command.SUBMIT_SM, sequence_number, message_id.encode()
            )
        else:
            self.wire.answer(sm, Status.ESME_RSYSERR)
        self.flusher.mark(self)

    # -- bind ---------------------------------------------------------------------------------

    def _bind_requested(self, bind: BindRequested) -> None:
        d = maybeDeferred(self._server.authenticate, bind, self.peer)
        d.addCallback(self._authenticated, bind)
        d.addErrback(self._authentication_failed)

    def _authentication_failed(self, failure: Failure) -> None:
        self.log.failure("a bind could not be checked", failure=failure)
        self._refuse(Status.ESME_RSYSERR)

    def _authenticated(self, found: KnownAccount | Status, bind: BindRequested) -> None:
        if self.is_gone:
            return
        if isinstance(found, Status):
            self.log.info(
                "bind of {system_id} from {peer} refused with 0x{status:02X}",
                system_id=bind.system_id.decode("latin-1"),
                peer=self.peer,
                status=found.value,
            )
            self._refuse(found)
            return
        self._account = found
        self._outbox = self._server.outbox(found.name)
        self._receives = bind.kind is not Command.BIND_TRANSMITTER
        self.wire.accept_bind(self._server.system_id)
        self.flusher.mark(self)
        self.log.info(
            "{account} bound as {kind} from {peer}",
            account=found.name,
            kind=Command(bind.kind).name,
            peer=self.peer,
        )
        self._server.bound(self)

    def _refuse(self, status: Status) -> None:
        if not self.is_gone:
            self.wire.refuse_bind(status)
            self.close()

    # -- the end ----------------------------------------------------------------------------------

    def unbind(self) -> "Deferred[None]":
        """Tell the partner to leave; fires when the connection is over."""
        if self._account is None:
            self.close()
        else:
            self.wire.unbind(self.clock.seconds())
            self.flush()
            call = self.clock.callLater(UNBIND_S, self.abort)
            self.when_gone().addCallback(
                lambda _: call.cancel() if call.active() else None
            )
        return self.when_gone()

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The connection is over."""
        self._receives = False
        self._server.gone(self)
        if self._account is not None:
            self.log.info(
                "session of {account} from {peer} ended: {reason}",
                account=self._account.name,
                peer=self.peer,
                reason=reason,
            )
            self._outbox.lost(unanswered)
            self._outbox.changed()


def _with_destination(sm: Sm, destination: bytes) -> bytes:
    """The body of a submit_sm whose destination was written in another form."""
    return encode_sm(
        service_type=sm.service_type,
        source_addr_ton=sm.source_addr_ton,
        source_addr_npi=sm.source_addr_npi,
        source_addr=sm.source_addr,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination,
        esm_class=sm.esm_class,
        protocol_id=sm.protocol_id,
        priority_flag=sm.priority_flag,
        schedule_delivery_time=sm.schedule_delivery_time,
        validity_period=sm.validity_period,
        registered_delivery=1,
        replace_if_present_flag=sm.replace_if_present_flag,
        data_coding=sm.data_coding,
        sm_default_msg_id=sm.sm_default_msg_id,
        short_message=sm.short_message,
        tlvs=sm.tlvs,
    )


class SmppServer(Factory):
    """Builds sessions and knows all that are there."""

    log = Logger()
    noisy = False

    def __init__(  # noqa: PLR0913 - each is a collaborator
        self,
        clock: IReactorTime,
        flusher: Flusher,
        config: model.Smpp,
        accounts: Accounts,
        submit: Submit,
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
        self.outbox = outbox
        self.now_ms = now_ms
        self.system_id = config.system_id.encode()
        self._open: set[ServerSession] = set()
        self._unbound = 0
        self._draining = False
        self.refusals: dict[int, int] = {}
        self.malformed_pdus = 0

    def buildProtocol(self, addr: IAddress) -> ServerSession | None:  # noqa: N802 - Twisted's name
        """A new connection, unless there are too many."""
        if (
            self._draining
            or len(self._open) >= MAX_SESSIONS
            or self._unbound >= MAX_UNBOUND
        ):
            return None
        config = self._config
        settings = Settings(
            window=DELIVER_WINDOW,
            session_init_s=config.session_init_s,
            enquire_link_s=config.enquire_link_s,
            inactivity_s=config.inactivity_s,
            response_s=config.response_s,
        )
        wire = Connection(Role.SMSC, settings, self._clock.seconds())
        session = ServerSession(self._clock, self._flusher, wire, self)
        self._open.add(session)
        self._unbound += 1
        return session

    def authenticate(
        self, bind: BindRequested, peer: str
    ) -> "KnownAccount | Status | Deferred[KnownAccount | Status]":
        """The account of a bind, or the status that refuses it (spec/reliability 2.3).

        An unknown system_id, a wrong password and a refused address get one answer, so
        that nobody can list accounts.
        """
        account = self._accounts.by_system_id(bind.system_id)
        verify = self._accounts.verify_password
        if self._accounts.password_check_is_slow:
            d: Deferred[bool] = self._in_thread(verify, account, bind.password)
            return d.addCallback(self._judge, account, peer)
        return self._judge(verify(account, bind.password), account, peer)

    def _judge(
        self, is_right: bool, account: KnownAccount | None, peer: str
    ) -> KnownAccount | Status:
        if account is None or not is_right or not account.allows_address(peer):
            return Status.ESME_RINVPASWD
        settings = account.settings
        bound = len(self._sessions.of(settings.name))
        if self._draining or not settings.enabled or bound >= settings.max_binds:
            return Status.ESME_RBINDFAIL
        return account

    def bound(self, session: ServerSession) -> None:
        """A session was bound."""
        self._unbound -= 1
        assert session.account is not None  # noqa: S101 - it was just bound
        session.wire.set_inbound_window(session.account.settings.window)
        self._sessions.add(session.account.name, session)

    def gone(self, session: ServerSession) -> None:
        """A session is over."""
        self._open.discard(session)
        if session.account is None:
            self._unbound -= 1
        else:
            self._sessions.remove(session.account.name, session)

    def refused(self, account: str, refusal: Refusal) -> None:
        """Count a refused message; say so once for each reason."""
        status = refusal.command_status
        self.refusals[status] = count = self.refusals.get(status, 0) + 1
        if count & (count - 1) == 0:  # 1, 2, 4, 8 ...: repeats do not flood the log
            self.log.info(
                "refused a submit_sm of {account} with 0x{status:02X}: {detail} ({count} so far)",
                account=account,
                status=status,
                detail=refusal.detail,
                count=count,
            )

    def malformed(self, session: ServerSession, event: Malformed) -> None:
        """Count a malformed PDU; it was answered already."""
        self.malformed_pdus += 1
        count = self.malformed_pdus
        if count & (count - 1) == 0:
            self.log.info(
                "malformed PDU 0x{command:X} from {peer}: {what} ({count} so far)",
                command=event.command_id & ~RESPONSE,
                peer=session.peer,
                what=event.kind,
                count=count,
            )

    def stop_accepting(self) -> None:
        """Take no new connections and no new binds."""
        self._draining = True

    def drain(self) -> "Deferred[None]":
        """Unbind all partners; fires when all are gone."""
        self._draining = True
        leaving = DeferredList([session.unbind() for session in list(self._open)])
        return leaving.addCallback(lambda _: None)
