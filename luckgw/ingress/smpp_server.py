"""Partners bind to us: sessions of the SMSC role, from bind to unbind."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.admission.checks import check_submit, message_times
from luckgw.config import model
from luckgw.domain.errors import Refusal, bad_request
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.status import Status
from luckgw.egress.sessions import Sessions
from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.pipeline.submit import Submit
from luckgw.wire.connection import Connection, Role, Settings, State
from luckgw.wire.events import (
    Answered,
    BindRequested,
    Closing,
    Malformed,
    TimedOut,
)
from luckgw.wire.pdus import RESPONSE, Command, Sm, encode_sm

DELIVER_WINDOW: Final = 100
"""deliver_sm that a partner may leave unanswered on one session."""
MAX_BODY: Final = 65_535
"""Octets of a submit_sm that can be kept (luckgw.store.records); no SMS is as long."""
MAX_SESSIONS: Final = 2000
"""Connections at the same time (spec/reliability 2.10) ..."""
MAX_UNBOUND: Final = 200
"""... and those among them that have not bound yet."""
FINISH_S: Final = 5.0
"""How long what is under way may take before we unbind (spec/reliability 2.3)."""

_SUBMIT_SM: Final = int(Command.SUBMIT_SM)
_DELIVER_SM: Final = int(Command.DELIVER_SM)
_DELIVER_SM_RESP: Final = int(Command.DELIVER_SM_RESP)
#: Not offered yet: answered with generic_nack, as by an SMSC that has them off.
_DISABLED: Final[frozenset[int]] = frozenset(
    {
        Command.DATA_SM,
        Command.QUERY_SM,
        Command.CANCEL_SM,
        Command.REPLACE_SM,
        Command.SUBMIT_MULTI,
    }
)


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
        self._sender: KnownAccount | None = None
        self._outbox: Outbox
        self._receives = False
        self._storing = 0
        self._leave_call: IDelayedCall | None = None

    @property
    def account(self) -> KnownAccount | None:
        """Whose session this is; None before the bind."""
        return self._account

    # -- for the account's outbox (egress.sessions.Receiver) ---------------------------

    @property
    def room(self) -> int:
        """Free places in our window, while the partner may receive and reads."""
        if not self._receives or self.is_stalled:
            return 0
        return self.wire.room

    @property
    def capacity(self) -> int:
        """Our window, if this session receives at all."""
        return DELIVER_WINDOW if self._receives else 0

    def deliver(self, body: bytes, context: object) -> None:
        """Send a deliver_sm. HOT PATH."""
        self.wire.send(_DELIVER_SM, body, context, self.clock.seconds())
        self.flusher.mark(self)

    def resumed(self) -> None:
        """The partner reads again."""
        if self._account is not None:
            self._outbox.changed()

    # -- what the partner says ---------------------------------------------------------

    def handle(self, events: list[Any]) -> None:
        """What the partner says. HOT PATH: one call for each read."""
        has_room = False
        for event in events:
            kind = type(event)
            if kind is Sm:
                self._submitted(event)
            elif kind is Answered:
                has_room = True
                self._answered(event)
            else:
                self._rare(event)
        if has_room:
            self._outbox.changed()
        if self._leave_call is not None:
            self._leave_if_quiet()

    def _answered(self, event: Answered) -> None:
        """A deliver_sm_resp, or a generic_nack in its place. HOT PATH."""
        if event.late:
            return  # the outbox has taken it back
        status = event.command_status
        if event.command_id != _DELIVER_SM_RESP:
            status = Status.ESME_RUNKNOWNERR
        self._outbox.answered(event.context, status)

    def _rare(self, event: object) -> None:
        """What is no traffic."""
        if isinstance(event, TimedOut):
            self._outbox.timed_out(event.context)
            self._outbox.changed()
        elif isinstance(event, BindRequested):
            self._bind_requested(event)
        elif isinstance(event, Malformed):
            self._server.malformed(self, event)
        elif isinstance(event, Closing):
            self.log.info(
                "closing {peer}: {reason}", peer=self.peer, reason=event.reason
            )
            self.close()
        else:  # Unbound, UnbindDone
            self.close()

    def _submitted(self, sm: Sm) -> None:
        """A submit_sm. HOT PATH."""
        account = self._sender
        if account is None:
            self.wire.answer(sm, Status.ESME_RSYSERR)  # we are leaving: try again
            return
        try:
            destination = check_submit(sm, account)
            _, deadline_ms = message_times(sm, account, self._server.now_ms())
            self._server.submit.submit(
                account.settings,
                sm.source_addr.decode("latin-1"),
                destination,
                (_body_to_send(sm, destination.encode()),),
                registered_delivery=sm.registered_delivery,
                deadline_ms=deadline_ms,
                over_http=False,
                done=partial(self._stored, sm),
            )
            self._storing += 1
        except Refusal as refusal:
            self._server.refused(account.name, refusal)
            self.wire.answer(sm, refusal.command_status)

    def _stored(self, sm: Sm, message_id: str) -> None:
        """A message is kept ("": it is not, and never will be). HOT PATH."""
        self._storing -= 1
        if message_id:
            self.wire.answer_message(
                _SUBMIT_SM, sm.sequence_number, message_id.encode()
            )
        else:
            self.wire.answer(sm, Status.ESME_RSYSERR)
        self.flusher.mark(self)
        if self._leave_call is not None:
            self._leave_if_quiet()

    # -- bind --------------------------------------------------------------------------

    def _bind_requested(self, bind: BindRequested) -> None:
        d = self._server.authenticate(bind, self.peer)
        d.addCallback(self._authenticated, bind)
        d.addErrback(self._authentication_failed)

    def _authentication_failed(self, failure: Failure) -> None:
        self.log.failure("a bind could not be checked", failure=failure)
        self._refuse(Status.ESME_RSYSERR)

    def _authenticated(self, found: KnownAccount | Status, bind: BindRequested) -> None:
        if self.wire.state is not State.BINDING:
            return  # it went, or was sent away, meanwhile
        if isinstance(found, Status):
            self.log.info(
                "bind of {system_id!r} from {peer} refused with 0x{status:02X}",
                system_id=bind.system_id.decode("latin-1"),
                peer=self.peer,
                status=found.value,
            )
            self._refuse(found)
            return
        self._outbox = self._server.outbox(found.name)
        self._account = self._sender = found
        self._receives = bind.kind != Command.BIND_TRANSMITTER
        self.wire.accept_bind(self._server.system_id)
        self.flusher.mark(self)
        self.log.info(
            "{account} bound as {kind} from {peer}",
            account=found.name,
            kind=Command(bind.kind).name,
            peer=self.peer,
        )
        self._server.bound(self, found)

    def _refuse(self, status: Status) -> None:
        self.wire.refuse_bind(status)
        self.close()

    # -- the end -----------------------------------------------------------------------

    def leave(self) -> "Deferred[None]":
        """Finish what is under way either way, unbind, close; fires when that is over.

        What is new is refused from now on, and what the outbox has not sent goes back.
        """
        if self.wire.state is State.BINDING:
            self._refuse(Status.ESME_RBINDFAIL)
        elif self._account is None:
            self.close()
        elif self._leave_call is None:
            self._sender = None
            self._receives = False
            self._outbox.changed()
            self._leave_call = self.clock.callLater(FINISH_S, super().leave)
            self._leave_if_quiet()
        return self.when_gone()

    def _leave_if_quiet(self) -> None:
        """Unbind as soon as nothing is being stored and no deliver_sm is unanswered."""
        wire, call = self.wire, self._leave_call
        is_quiet = (
            wire.bound_as == Command.BIND_TRANSMITTER or wire.room == DELIVER_WINDOW
        )
        if call is not None and call.active() and is_quiet and not self._storing:
            call.cancel()
            super().leave()

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The connection is over."""
        self._receives = False
        if self._leave_call is not None and self._leave_call.active():
            self._leave_call.cancel()
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


def _body_to_send(sm: Sm, destination: bytes) -> bytes:
    """The body that the carrier is to get. HOT PATH.

    It is the partner's own, but the carrier is always asked for a receipt: that is how
    we know what became of a message. Raises Refusal when no record can hold it.
    """
    body, at = sm.body, sm.registered_delivery_at
    if destination != sm.destination_addr:
        body = _with_destination(sm, destination)
    elif body[at] != 1:
        body = body[:at] + b"\1" + body[at + 1 :]
    if len(body) > MAX_BODY:
        raise bad_request("the message is too long", Status.ESME_RINVMSGLEN)
    return body


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

    def __init__(  # noqa: PLR0913, PLR0917 - each is a collaborator
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
            disabled=_DISABLED,
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
                "refused a submit_sm of {account} with 0x{status:02X}: {detail} "
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
