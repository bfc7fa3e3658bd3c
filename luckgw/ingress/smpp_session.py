"""One partner's session: what it says, and what it is told, from bind to unbind."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.admission.accounts import KnownAccount
from luckgw.admission.checks import check_submit, message_times
from luckgw.config.model import Account
from luckgw.domain import ids
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.ingress.smpp_bodies import as_submit_sm, due_now, without_tlvs
from luckgw.ingress.smpp_multi import Group
from luckgw.ingress.smpp_requests import Requests
from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.pipeline.contents import SmContent
from luckgw.pipeline.outgoing import Bodies, Outgoing
from luckgw.pipeline.submit import Done, Submit
from luckgw.store.interface import ID_FORM_SHIFT
from luckgw.wire.connection import Connection, State
from luckgw.wire.events import (
    Answered,
    BindRequested,
    Closing,
    Malformed,
    Request,
    TimedOut,
)
from luckgw.wire.pdus import Command, PduError, Sm

FINISH_S: Final = 5.0
"""How long what is under way may take before we unbind (spec/reliability 2.3)."""

KINDS: Final[dict[int, str]] = {
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
    Command.BIND_TRANSCEIVER: "transceiver",
}
"""What people call a bind."""

_SUBMIT_SM: Final = int(Command.SUBMIT_SM)
_DELIVER_SM: Final = int(Command.DELIVER_SM)
_DELIVER_SM_RESP: Final = int(Command.DELIVER_SM_RESP)


class Outbox(Protocol):
    """An account's outbox: what it is told of deliver_sm on its way."""

    def answered(self, delivery: Any, command_status: int) -> None:
        """The partner answered."""
        ...

    def answered_late(self, delivery: Any, command_status: int) -> None:
        """The partner answered after all, when ``timed_out`` had been told."""
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


class Server(Protocol):
    """What a session asks of the server that it belongs to (ingress.smpp_server)."""

    submit: Submit
    requests: Requests
    outbox: Callable[[str], Outbox]
    now_ms: Callable[[], int]
    system_id: bytes

    def authenticate(
        self, bind: BindRequested, session: "ServerSession"
    ) -> "Deferred[KnownAccount | Status]":
        """The account of a bind, or the status that refuses it."""
        ...

    def bound(self, session: "ServerSession", account: KnownAccount) -> None:
        """A session was bound."""
        ...

    def gone(self, session: "ServerSession") -> None:
        """A session is over."""
        ...

    def refused(self, account: str, refusal: Refusal) -> None:
        """A message was refused."""
        ...

    def malformed(self, session: "ServerSession", event: Malformed) -> None:
        """A malformed PDU came; it was answered already."""
        ...

    def closing(self, session: "ServerSession", reason: str) -> None:
        """We end the session."""
        ...


class ServerSession(SmppSession):
    """One partner's connection."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        wire: Connection,
        server: Server,
    ) -> None:
        super().__init__(clock, flusher, wire)
        self._server = server
        self._account: KnownAccount | None = None
        self._sender: KnownAccount | None = None
        self._outbox: Outbox
        self._receives = False
        self._is_v33 = False
        self._id_flags = 0  # the form in which it is told message ids
        self._window = 0
        self._storing = 0
        self.bound_at = 0.0
        """When it was bound, by the clock."""
        self.malformed = 0
        self.alarms = 0
        """How many of its malformed PDUs were ten or more within a minute."""
        self._leave_call: IDelayedCall | None = None

    @property
    def account(self) -> KnownAccount | None:
        """Whose session this is; None before the bind."""
        return self._account

    @property
    def is_binding(self) -> bool:
        """Whether its bind waits for our verdict."""
        return self.wire.state is State.BINDING and not self.is_gone

    @property
    def kind(self) -> str:
        """How it is bound, or asks to be; empty before that."""
        return KINDS.get(self.wire.bound_as or 0, "")

    @property
    def in_flight(self) -> int:
        """Our deliver_sm that it has not answered."""
        return self._window - self.wire.room if self._receives else 0

    def enquire(self) -> None:
        """Send an enquire_link now."""
        self.wire.enquire()
        self.flusher.mark(self)

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
        return self._window if self._receives else 0

    @property
    def takes_tlvs(self) -> bool:
        """Whether the partner bound with v3.4 or later."""
        return not self._is_v33

    def deliver(self, body: bytes, context: object) -> None:
        """Send a deliver_sm. HOT PATH."""
        if self._is_v33:
            body = without_tlvs(body)
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
        status = event.command_status
        if event.command_id != _DELIVER_SM_RESP:
            status = Status.ESME_RUNKNOWNERR
        if event.late:
            self._outbox.answered_late(event.context, status)
            return
        self._outbox.answered(event.context, status)

    def _rare(self, event: object) -> None:
        """What is no traffic."""
        if isinstance(event, TimedOut):
            self._outbox.timed_out(event.context)
            self._outbox.changed()
        elif isinstance(event, Request):
            self._requested(event)
        elif isinstance(event, BindRequested):
            self._bind_requested(event)
        elif isinstance(event, Malformed):
            self._server.malformed(self, event)
        elif isinstance(event, Closing):
            self._server.closing(self, event.reason)
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
            self._offer(
                sm if sm.command_id == _SUBMIT_SM else as_submit_sm(sm),
                account,
                partial(self._stored, sm),
            )
            self._storing += 1
        except Refusal as refusal:
            self._server.refused(account.name, refusal)
            self.wire.answer(sm, refusal.command_status)

    def _offer(
        self,
        sm: Sm,
        account: KnownAccount,
        done: Done,
        message_id: bytes | None = None,
        flags: int = 0,
    ) -> None:
        """Check a message and have it kept; raises Refusal. HOT PATH.

        Without a ``message_id`` it gets one of the session's form.
        """
        destination = check_submit(sm, account)
        now_ms = self._server.now_ms()
        due_ms, deadline_ms = message_times(sm, account, now_ms)
        if sm.schedule_delivery_time:
            sm = due_now(sm, deadline_ms)
        submit = self._server.submit
        if message_id is None and self._id_flags:
            flags = self._id_flags
            message_id = submit.new_id(flags >> ID_FORM_SHIFT)
        settings = account.settings
        submit.submit(
            settings,
            sm.source_addr.decode("latin-1"),
            destination,
            partial(_bodies, sm, settings, destination, deadline_ms),
            registered_delivery=sm.registered_delivery,
            deadline_ms=deadline_ms,
            over_http=False,
            done=done,
            due_ms=due_ms if due_ms > now_ms else None,
            message_id=message_id,
            flags=flags,
            content=SmContent(sm, settings.default_alphabet)
            if submit.looks_at_content
            else None,
        )

    def _stored(self, sm: Sm, result: str | Refusal) -> None:
        """A message is kept, or it is not and never will be. HOT PATH."""
        self._storing -= 1
        if type(result) is str:
            self.wire.answer_message(sm.command_id, sm.sequence_number, result.encode())
        else:
            assert isinstance(result, Refusal)  # noqa: S101 - one of the two
            self.wire.answer(sm, result.command_status)
        self.flusher.mark(self)
        if self._leave_call is not None:
            self._leave_if_quiet()

    # -- query_sm, cancel_sm, replace_sm, submit_multi ---------------------------------

    def _requested(self, request: Request) -> None:
        account = self._sender
        if account is None:
            self.wire.answer(request, Status.ESME_RSYSERR)
            return
        self._storing += 1
        if request.command_id == Command.SUBMIT_MULTI:
            d = self._submit_group(request, account)
        else:
            d = self._server.requests.answer(request.command_id, request.body, account)
        d.addErrback(self._not_answered, request, account)
        d.addCallback(self._answer, request)
        d.addErrback(lambda failure: self.log.failure("no answer", failure=failure))

    def _submit_group(
        self, request: Request, account: KnownAccount
    ) -> "Deferred[tuple[int, bytes]]":
        def offer(sm: Sm, message_id: bytes, flags: int, done: Done) -> None:
            try:
                self._offer(sm, account, done, message_id, flags)
            except Refusal as refusal:
                self._server.refused(account.name, refusal)
                raise

        return maybeDeferred(
            lambda: Group(request.body, self._id_flags, offer, self._server.submit).told
        )

    def _not_answered(
        self, failure: Failure, request: Request, account: KnownAccount
    ) -> tuple[int, bytes]:
        """What a request is answered that could not be done."""
        error = failure.value
        if isinstance(error, Refusal):
            self._server.refused(account.name, error)
            return error.command_status, b""
        if isinstance(error, PduError):
            self.wire.note_bad_body(request, error, self.clock.seconds())
            return error.command_status, b""
        self.log.failure("a request of {name} failed", failure, name=account.name)
        return Status.ESME_RSYSERR, b""

    def _answer(self, answer: tuple[int, bytes], request: Request) -> None:
        self._storing -= 1
        self.wire.answer(request, *answer)
        self.flusher.mark(self)
        if self._leave_call is not None:
            self._leave_if_quiet()

    # -- bind --------------------------------------------------------------------------

    def _bind_requested(self, bind: BindRequested) -> None:
        d = self._server.authenticate(bind, self)
        d.addCallback(self._authenticated, bind)
        d.addErrback(self._authentication_failed)

    def _authentication_failed(self, failure: Failure) -> None:
        self.log.failure("a bind could not be checked", failure=failure)
        self._refuse(Status.ESME_RSYSERR)

    def _authenticated(self, found: KnownAccount | Status, bind: BindRequested) -> None:
        if self.wire.state is not State.BINDING:
            return  # it went, or was sent away, meanwhile
        if isinstance(found, Status):
            self._refuse(found)
            return
        self._outbox = self._server.outbox(found.name)
        self._account = self._sender = found
        self._receives = bind.kind != Command.BIND_TRANSMITTER
        self._is_v33 = self.wire.is_v33
        form = (
            ids.HEX8 if self._is_v33 else ids.FORMS.index(found.settings.smpp_id_form)
        )
        self._id_flags = form << ID_FORM_SHIFT
        self._window = found.settings.deliver_window
        self.bound_at = self.clock.seconds()
        self.wire.set_window(self._window)
        self.wire.set_inbound_window(found.settings.window)
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
            wire.bound_as == Command.BIND_TRANSMITTER or wire.room == self._window
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


def _bodies(
    sm: Sm, account: Account, destination: str, deadline_ms: int, outgoing: Outgoing
) -> Bodies:
    """As pipeline.submit.BodiesFor. HOT PATH."""
    return outgoing.sm(sm, account, destination, deadline_ms)
