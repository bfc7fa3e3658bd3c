"""One SMPP session, for either side: octets in, events out, octets to write (v3.4 2).

Nothing here does I/O or reads a clock. Whoever holds the socket calls ``receive`` with
what was read, ``tick`` once a second, and writes what ``take_output`` gives, once per
turn. Pause reading while ``has_more`` or ``is_choked`` is true.
"""

from collections.abc import Callable
from itertools import islice
from typing import ClassVar, Final

import attrs

from luckgw.domain.status import Status
from luckgw.wire import binds, session
from luckgw.wire import events as ev
from luckgw.wire.events import (
    Alert,
    Answered,
    BindRefused,
    BindRequested,
    Bound,
    Closing,
    Event,
    Malformed,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.frames import Frame, Frames, FramingError
from luckgw.wire.pdus import Sm, decode_sm, encode_pdu
from luckgw.wire.protocol import (
    HEADER,
    MAX_MESSAGE_ID,
    RESPONSE,
    SMPP_V34,
    Command,
    PduError,
    Tag,
)
from luckgw.wire.session import Action, Role, Rule, State
from luckgw.wire.timers import Link, LinkTimer, Recent, is_due
from luckgw.wire.window import Window, WindowFull

__all__ = ["Command", "Connection", "Role", "Settings", "State", "WindowFull"]

_MAX_BACKLOG = 65_536  # octets read beyond one greatest PDU (spec/reliability 7.7)
_ILLEGAL_WHEN_OPEN = 3  # illegal requests before the bind (spec/reliability 2.2)
_MALFORMED_SPAN_S, _MALFORMED_LIMIT = 60.0, 100  # spec/reliability 2.8
_NACK_SPAN_S, _NACK_LIMIT = 10.0, 3  # spec/reliability 2.8
_SILENT_TIMEOUTS = 3  # spec/reliability 2.5
_CHOKED_S = 4.0  # looked at once a second, so that it is never above 5 (2.6)

_SUBMIT_SM_RESP: Final = int(Command.SUBMIT_SM_RESP)
_NOTHING: Final = -1  # no command_id is equal to it

# Found by one look-up instead of two.
_pack = HEADER.pack
_CLOSED: Final = State.CLOSED

#: The request and the response that make up the traffic of each side.
_HOT: Final = {
    Role.SMSC: (int(Command.SUBMIT_SM), int(Command.DELIVER_SM_RESP)),
    Role.ESME: (int(Command.DELIVER_SM), int(Command.SUBMIT_SM_RESP)),
}
#: Responses whose message_id means something (v3.4 4.4.2, 4.5.2, 4.7.2).
_WITH_MESSAGE_ID: Final = frozenset(
    {Command.SUBMIT_SM_RESP, Command.SUBMIT_MULTI_RESP, Command.DATA_SM_RESP}
)
#: Responses that have a message_id field whatever their status (v3.4 4.6.2, 4.7.2).
_WITH_BODY: Final = frozenset(
    {Command.SUBMIT_SM_RESP, Command.DELIVER_SM_RESP, Command.DATA_SM_RESP}
)


@attrs.frozen
class Settings:
    """What can be set for one session. Times in seconds; 0 turns a timer off."""

    window: int = 10
    """Our unanswered requests (spec/reliability 2.6)."""
    inbound_window: int = 50
    """The peer's unanswered requests; one more is refused at once as "try again".
    As many refused again, and a server's peer is not read for a while."""
    session_init_s: float = 10
    """From connected to a bind request; as client also from our bind to its answer."""
    pdu_read_s: float = 10
    """From the first octet of a PDU to its last."""
    enquire_link_s: float = 30
    """Silence of the peer before we ask whether it is there."""
    link_response_s: float = 15
    """How long each of two enquire_links waits for a sign of life."""
    response_s: float = 60
    """How long a request waits for its response, and a bind for our verdict."""
    inactivity_s: float = 0
    """Without any PDU of an application: unbind."""
    unbind_s: float = 5
    """How long our unbind waits for its answer, the peer's for what is in progress."""
    max_pdu_unbound: int = 256
    """The greatest command_length before the bind: the longest legal bind is 98."""
    max_pdu: int = 70_000
    """The greatest command_length of a bound session."""
    max_pdus_per_read: int = 200
    """How many PDUs one ``receive`` handles, so that no peer starves the others."""
    disabled: frozenset[int] = frozenset()
    """Requests answered as if their command_id were unknown."""


class Connection:
    """One session from its first octet to its last. HOT."""

    def __init__(self, role: Role, settings: Settings, now: float) -> None:
        self.role = role
        self.state = State.OPEN
        self.bound_as: Command | None = None
        """The kind of bind that was asked for; None before."""
        self.peer_version = 0
        """Server: the interface_version of the bind. Client: the SMSC's
        sc_interface_version, 0 when it did not tell."""
        self.has_more = False
        """There is more to tell: call ``receive(b"", now)`` in the next turn."""
        self.throttled = 0
        """How many requests were refused because ``inbound_window`` was full."""
        self.is_choked = False
        """The peer has its window full and sends on: do not read from it now. Ends
        when half of what is unanswered is answered, or within 5 s."""
        self._settings = settings
        self._own_window = settings.window
        self._frames = Frames(settings.max_pdu_unbound)
        self._window = Window(0, settings.response_s)
        self._out: list[bytes] = []
        self._pending: list[Event] = []
        self._unanswered = 0
        self._refused = 0  # because the window is full, since it was half empty
        self._choked_since = now
        self._inbound_window = settings.inbound_window
        # What the present state handles without a look at the table.
        self._hot_request = _NOTHING
        self._hot_response = _NOTHING
        self._may_send: frozenset[int] = frozenset()
        # The bind and the unbind that wait for their answers.
        self._bind_command = 0
        self._bind_sequence = 0
        self._bound_state = State.OPEN
        self._held: Frame | None = None
        self._unbind_sequence: int | None = None
        # Times
        self._state_since = now
        self._partial_since: float | None = None
        self._active_at = now
        self._link = LinkTimer(settings.enquire_link_s, settings.link_response_s, now)
        self._malformed = Recent(_MALFORMED_SPAN_S, _MALFORMED_LIMIT)
        self._stray_nacks = Recent(_NACK_SPAN_S, _NACK_LIMIT)
        self._illegal = 0
        self._silent_timeouts = 0

    # ------------------------------------------------------------------ octets in

    def receive(self, data: bytes, now: float) -> list[Event]:  # noqa: C901, PLR0912, PLR0915
        """Take what was read and tell what happened. Never raises. HOT.

        Handles at most ``max_pdus_per_read`` PDUs; when more are there ``has_more`` is
        true: call it with ``b""`` in the next turn, and pause reading until then.
        """
        # One loop with the traffic of both sides inline, instead of a call per PDU.
        events, self._pending = self._pending, []
        self.has_more = False
        if self.state is State.CLOSED:
            return events
        frames = self._frames
        frames.feed(data)
        if self._is_deaf():
            return events  # told when it is over
        try:
            for frame in islice(frames, self._limit()):
                command_id, command_status, sequence_number, body = frame
                if command_id == self._hot_request:
                    if self._unanswered >= self._inbound_window:
                        if self._throttle(command_id, sequence_number, now):
                            break
                        continue
                    try:
                        sm = decode_sm(body, command_id, sequence_number)
                    except PduError as error:
                        self._refuse_body(frame, error, events, now)
                        continue
                    self._unanswered += 1
                    events.append(sm)
                elif command_id == self._hot_response:
                    waiting = self._window.settle(sequence_number, command_id)
                    if waiting is None:
                        self._on_response(frame, events, now)
                        continue
                    message_id = b""
                    if command_id == _SUBMIT_SM_RESP:
                        message_id = body.partition(b"\0")[0]
                        if len(message_id) > MAX_MESSAGE_ID:
                            message_id = _too_long(command_id, events)
                    events.append(
                        Answered(
                            waiting[0],
                            command_id,
                            command_status,
                            message_id,
                            late=False,
                            body=body,
                        )
                    )
                else:
                    self._on_other(frame, events, now)
                    if self._is_over() or self._is_deaf():
                        break
        except FramingError as error:
            self._on_framing_error(error, events)
        self._note_read(now)
        if events:
            self._active_at = now
        return events

    def _limit(self) -> int | None:
        """How many PDUs to handle now; all of them when too much is waiting already."""
        if self._frames.pending > self._settings.max_pdu + _MAX_BACKLOG:
            return None
        return self._settings.max_pdus_per_read

    def _note_read(self, now: float) -> None:
        """Keep the times, and whether there is more, after a read."""
        frames = self._frames
        if self.state is State.CLOSED:
            frames.clear()
            self._partial_since = None
            return
        if frames.taken:
            self._link.heard(now)
            self._silent_timeouts = 0
        if frames.has_next():
            self.has_more = not self.is_choked
            self._partial_since = None
        elif not frames.pending:
            self._partial_since = None
        elif frames.taken or self._partial_since is None:
            self._partial_since = now

    def _on_other(self, frame: Frame, events: list[Event], now: float) -> None:
        """Handle what the loop of ``receive`` does not, by the session table."""
        command_id, _, sequence_number, _ = frame
        rule = self._rule(command_id)
        if rule.action is Action.HANDLE:
            if command_id & RESPONSE:
                self._on_response(frame, events, now)
            else:
                self._REQUESTS[command_id](self, frame, events, now)
        elif rule.action is Action.HOLD and self._held is None:
            self._held = frame
        elif rule.action is Action.IGNORE:
            events.append(Malformed(ev.IGNORED, command_id))
        else:
            self._refuse(rule, command_id, sequence_number, events, now)

    def _refuse(
        self,
        rule: Rule,
        command_id: int,
        sequence_number: int,
        events: list[Event],
        now: float,
    ) -> None:
        """Answer an illegal or unknown request, and close if that is called for."""
        status = rule.command_status
        if rule.action is Action.NACK:
            self._write(Command.GENERIC_NACK, status, sequence_number)
        else:
            self._respond(command_id, status, sequence_number)
        if command_id in session.REQUESTS:
            kind = ev.UNKNOWN_COMMAND if rule is session.UNKNOWN else ev.ILLEGAL
            events.append(Malformed(kind, command_id, status))
        else:
            self._count_malformed(ev.UNKNOWN_COMMAND, command_id, status, events, now)
        if self.state is State.OPEN:
            self._illegal += 1
        if rule.close:
            self._close(events, f"{Command(command_id).name.lower()} can not be here")
        elif self._illegal >= _ILLEGAL_WHEN_OPEN:
            self._close(events, "illegal requests before the bind")

    def _refuse_body(
        self, frame: Frame, error: PduError, events: list[Event], now: float
    ) -> None:
        """Answer a legal request whose body can not be read."""
        command_id, _, sequence_number, body = frame
        self._respond(command_id, error.command_status, sequence_number)
        kept = body if self.role is Role.ESME else b""
        self._count_malformed(
            ev.BAD_BODY, command_id, error.command_status, events, now, kept
        )

    def _count_malformed(
        self,
        kind: str,
        command_id: int,
        command_status: int,
        events: list[Event],
        now: float,
        body: bytes = b"",
    ) -> None:
        """Tell a malformed PDU; a peer that sends nothing else is unbound."""
        recent = self._malformed.add(now)
        events.append(Malformed(kind, command_id, command_status, recent, body))
        if recent < _MALFORMED_LIMIT or self.state is State.UNBINDING:
            return
        if self.state in session.BOUND:
            self.unbind(now)
        else:
            self._close(events, "too many malformed PDUs")

    def _on_framing_error(self, error: FramingError, events: list[Event]) -> None:
        status = Status.ESME_RINVCMDLEN
        self._write(Command.GENERIC_NACK, status, error.sequence_number)
        kind = ev.FRAMING if error.is_smpp else ev.NOT_SMPP
        events.append(Malformed(kind, 0, status))
        self._close(events, str(error))

    # ------------------------------------------------------------- requests of the peer

    def _on_bind(self, frame: Frame, events: list[Event], now: float) -> None:
        command_id, _, sequence_number, body = frame
        try:
            bind = binds.decode_bind(body)
        except PduError as error:
            self._refuse_body(frame, error, events, now)
            self._close(events, "malformed bind")
            return
        self.bound_as = Command(command_id)
        self.peer_version = bind.interface_version
        self._bound_state = session.BOUND_AS[command_id]
        self._bind_command = command_id
        self._bind_sequence = sequence_number
        self._enter(State.BINDING)
        self._state_since = now
        events.append(BindRequested.of(command_id, sequence_number, bind))

    def _on_unbind(self, frame: Frame, events: list[Event], now: float) -> None:
        self._unbind_sequence = frame[2]
        if self._unanswered:  # the response waits for what is in progress
            self._enter(State.UNBINDING)
            self._state_since = now
        else:
            self._finish_unbind(events)

    def _on_enquire_link(self, frame: Frame, events: list[Event], now: float) -> None:
        del events, now
        self._respond(Command.ENQUIRE_LINK, Status.ESME_ROK, frame[2])

    def _on_sm(self, frame: Frame, events: list[Event], now: float) -> None:
        """A legal data_sm; submit_sm and deliver_sm never come this way."""
        command_id, _, sequence_number, body = frame
        if self._unanswered >= self._inbound_window:
            self._throttle(command_id, sequence_number, now)
            return
        from_smsc = self.role is Role.ESME
        try:
            sm = decode_sm(body, command_id, sequence_number, from_smsc=from_smsc)
        except PduError as error:
            self._refuse_body(frame, error, events, now)
            return
        self._unanswered += 1
        events.append(sm)

    def _on_request(self, frame: Frame, events: list[Event], now: float) -> None:
        """query_sm, cancel_sm, replace_sm, submit_multi: the application answers."""
        command_id, _, sequence_number, body = frame
        if self._unanswered >= self._inbound_window:
            self._throttle(command_id, sequence_number, now)
            return
        self._unanswered += 1
        events.append(Request(command_id, sequence_number, body))

    def _on_outbind(self, frame: Frame, events: list[Event], now: float) -> None:
        del now
        events.append(Request(frame[0], frame[2], frame[3]))

    def _on_alert(self, frame: Frame, events: list[Event], now: float) -> None:
        del now
        events.append(Alert(frame[3]))

    _REQUESTS: ClassVar[
        dict[int, Callable[["Connection", Frame, list[Event], float], None]]
    ] = {
        Command.BIND_RECEIVER: _on_bind,
        Command.BIND_TRANSMITTER: _on_bind,
        Command.BIND_TRANSCEIVER: _on_bind,
        Command.OUTBIND: _on_outbind,
        Command.UNBIND: _on_unbind,
        Command.ENQUIRE_LINK: _on_enquire_link,
        Command.DATA_SM: _on_sm,
        Command.QUERY_SM: _on_request,
        Command.CANCEL_SM: _on_request,
        Command.REPLACE_SM: _on_request,
        Command.SUBMIT_MULTI: _on_request,
        Command.ALERT_NOTIFICATION: _on_alert,
    }

    def _throttle(self, command_id: int, sequence_number: int, now: float) -> bool:
        """Refuse, as "try again", a request for which there is no place.

        Whether that is enough: nothing more is to be handled now.

        As many again as the window holds, and a server stops reading (spec/reliability
        2.6). A client does not: behind its SMSC's requests are the answers to its own.
        """
        self.throttled += 1
        self._refused += 1
        if self._refused >= self._inbound_window and self.role is Role.SMSC:
            self.is_choked = True
            self._choked_since = now
        status = (
            Status.ESME_RTHROTTLED if self.role is Role.SMSC else Status.ESME_RX_T_APPN
        )
        self._respond(command_id, status, sequence_number)
        return self._is_deaf()

    def _is_deaf(self) -> bool:
        """Whether what was read has to wait; not when too much is waiting already."""
        return self.is_choked and self._limit() is not None

    # ------------------------------------------------------------ responses of the peer

    def _on_response(self, frame: Frame, events: list[Event], now: float) -> None:
        """Match a response, or a generic_nack, with what waits for it."""
        command_id, command_status, sequence_number, body = frame
        late = False
        waiting = self._window.settle(sequence_number, command_id)
        if waiting is None:
            waiting = self._window.settle_late(sequence_number, command_id)
            late = True
        if waiting is not None:
            message_id = b""
            if command_id in _WITH_MESSAGE_ID:
                message_id = body.partition(b"\0")[0]
                if len(message_id) > MAX_MESSAGE_ID:
                    message_id = _too_long(command_id, events)
            events.append(
                Answered(waiting[0], command_id, command_status, message_id, late, body)
            )
            return
        due = self._window.settle_own(sequence_number, command_id)
        if due == Command.UNBIND_RESP:
            self._enter(State.CLOSED)
            events.append(UnbindDone())
        elif due & ~RESPONSE in session.BINDS:
            self._on_bind_answer(frame, events)
        elif not due:
            self._on_stray_response(command_id, sequence_number, events, now)

    def _on_bind_answer(self, frame: Frame, events: list[Event]) -> None:
        command_id, command_status, _, body = frame
        if command_status or command_id == Command.GENERIC_NACK:
            self._enter(State.CLOSED)
            events.append(BindRefused(command_status or Status.ESME_RUNKNOWNERR))
            return
        system_id, self.peer_version = binds.decode_bind_resp(body)
        self._enter_bound()
        events.append(Bound(system_id))

    def _on_stray_response(
        self, command_id: int, sequence_number: int, events: list[Event], now: float
    ) -> None:
        """Count what answers nothing; a peer that only nacks has lost our framing."""
        if command_id != Command.GENERIC_NACK:
            waits = self._window.waits(sequence_number)
            kind = ev.WRONG_RESPONSE if waits else ev.ORPHAN_RESPONSE
            events.append(Malformed(kind, command_id))
            return
        events.append(Malformed(ev.STRAY_NACK, command_id))
        if self._stray_nacks.add(now) >= _NACK_LIMIT and self.role is Role.ESME:
            self._close(events, "the peer keeps sending generic_nack")

    # ------------------------------------------------------------------ octets out

    @property
    def has_output(self) -> bool:
        """Whether there is something to write."""
        return bool(self._out)

    def take_output(self) -> bytes:
        """All there is to write, in order; empty when nothing is."""
        out = self._out
        if not out:
            return b""
        self._out = []
        return b"".join(out)

    def _write(
        self,
        command_id: int,
        command_status: int,
        sequence_number: int,
        body: bytes = b"",
    ) -> None:
        self._out.append(encode_pdu(command_id, command_status, sequence_number, body))

    def _respond(
        self,
        command_id: int,
        command_status: int,
        sequence_number: int,
        body: bytes = b"",
    ) -> None:
        """Write that request's response, with the body that its status asks for."""
        response_id = command_id | RESPONSE
        if response_id == _SUBMIT_SM_RESP and command_status:
            # v3.4 4.4.2: no body; v3.3 peers expect the NUL (spec/reliability 2.9)
            body = b"\0" if self.is_v33 else b""
        elif response_id in _WITH_BODY and not body:
            body = b"\0"
        self._write(response_id, command_status, sequence_number, body)

    @property
    def is_v33(self) -> bool:
        """Whether a partner bound with an interface_version below 3.4."""
        return (
            self.role is Role.SMSC
            and self.bound_as is not None
            and self.peer_version < SMPP_V34
        )

    # ------------------------------------------------------------------ what we say

    def accept_bind(self, system_id: bytes) -> None:
        """Server: the peer may be bound; ``system_id`` is ours.

        Does nothing when the session ended meanwhile. A PDU that came behind the bind
        is told by the next ``receive`` or ``tick``: ``has_more`` says whether.

        Raises:
            ValueError: our own ``system_id`` does not fit the PDU.
        """
        if self.state is not State.BINDING:
            return
        tlvs: dict[int, bytes] = {}
        if not self.is_v33:
            tlvs[Tag.SC_INTERFACE_VERSION] = bytes([SMPP_V34])
        body = binds.encode_bind_resp(system_id, tlvs=tlvs)
        self._respond(self._bind_command, Status.ESME_ROK, self._bind_sequence, body)
        self._enter_bound()
        held, self._held = self._held, None
        if held is not None:
            command_id, command_status, sequence_number, body = held
            self._frames.put_back(
                encode_pdu(command_id, command_status, sequence_number, body)
            )
            self.has_more = True

    def set_window(self, size: int) -> None:
        """Server, before ``accept_bind``: how many requests of ours may wait."""
        self._own_window = size

    def set_inbound_window(self, size: int) -> None:
        """Server: how many requests this partner may have unanswered."""
        self._inbound_window = size

    def refuse_bind(self, command_status: int) -> None:
        """Server: the peer may not be bound. The session is over: flush and close.

        Does nothing when the session ended meanwhile.
        """
        if self.state is not State.BINDING:
            return
        self._respond(self._bind_command, command_status, self._bind_sequence)
        self._enter(State.CLOSED)

    def bind(  # noqa: PLR0913 - the PDU has so many fields
        self,
        kind: Command,
        system_id: bytes,
        password: bytes,
        system_type: bytes,
        now: float,
        addr_ton: int = 0,
        addr_npi: int = 0,
        address_range: bytes = b"",
        *,
        interface_version: int = SMPP_V34,
    ) -> None:
        """Client: ask to be bound; told by Bound, BindRefused or Closing.

        Raises:
            ValueError: the session is not OPEN, or a field does not fit its PDU.
        """
        if self.role is not Role.ESME or self.state is not State.OPEN:
            raise ValueError(f"no bind as {self.role.name} in {self.state.name}")
        body = binds.encode_bind(
            binds.Bind(
                system_id,
                password,
                system_type,
                interface_version,
                addr_ton,
                addr_npi,
                address_range,
            )
        )
        self.bound_as = kind
        self._bound_state = session.BOUND_AS[kind]
        self._write(kind, 0, self._window.open_own(kind | RESPONSE), body)
        self._enter(State.BINDING)
        self._state_since = now

    @property
    def room(self) -> int:
        """How many requests ``send`` would take now."""
        window = self._window
        return max(window.size - len(window), 0)

    def send(self, command_id: int, body: bytes, context: object, now: float) -> int:
        """Write a request. Returns its sequence_number. HOT.

        It ends exactly once: told by Answered or TimedOut with ``context``, or given
        back by ``close``. (An Answered that is ``late`` comes after its TimedOut.)

        Raises:
            WindowFull: as many are unanswered as may be, or the session is not bound in
                a way that may send messages.
            ValueError: this side of the session never sends this command, or it is a
                data_sm for a v3.3 peer.
        """
        if command_id not in self._may_send:
            if not self._may_send:
                raise WindowFull
            raise ValueError(f"{self.role.name} does not send {command_id:#x}")
        sequence_number = self._window.open(command_id | RESPONSE, context, now)
        self._out.append(_pack(16 + len(body), command_id, 0, sequence_number) + body)
        return sequence_number

    def answer(
        self, request: Sm | Request, command_status: int, body: bytes = b""
    ) -> None:
        """Write the response of ``request``. Does nothing when the session is over.

        A negative submit_sm_resp has no body (v3.4 4.4.2): one given is left out.
        """
        if self.state is State.CLOSED or request.command_id == Command.OUTBIND:
            return
        self._respond(request.command_id, command_status, request.sequence_number, body)
        self._note_answer()

    def note_bad_body(self, request: Request, error: PduError, now: float) -> None:
        """Server: the body of ``request``, still to be answered, could not be read.

        Counted as others are, and told by the next ``receive`` or ``tick``.
        """
        self._count_malformed(
            ev.BAD_BODY, request.command_id, error.command_status, self._pending, now
        )
        self.has_more = True

    def answer_message(
        self, command_id: int, sequence_number: int, message_id: bytes
    ) -> None:
        """Write the positive response of a submit_sm, deliver_sm or data_sm. HOT.

        ``command_id`` is the request's; a deliver_sm_resp has an empty ``message_id``
        (v3.4 4.6.2). Does nothing when the session is over.
        """
        if self.state is _CLOSED:
            return
        self._out.append(
            _pack(17 + len(message_id), command_id | RESPONSE, 0, sequence_number)
            + message_id
            + b"\0"
        )
        if self._unanswered > 1 and not self._refused:  # nothing waits for this one
            self._unanswered -= 1
        else:
            self._note_answer()

    def _note_answer(self) -> None:
        """One request of the peer less is in progress."""
        if self._unanswered:
            self._unanswered -= 1
        if self._refused and self._unanswered <= self._inbound_window // 2:
            self._unchoke()
        if self._unbind_sequence is not None and not self._unanswered:
            self._finish_unbind(self._pending)
            self.has_more = True

    def _unchoke(self) -> None:
        """There is room again: what was left unread is told in the next turn."""
        self._refused = 0
        if self.is_choked:
            self.is_choked = False
            self.has_more = True

    def unbind(self, now: float) -> None:
        """Ask to end the session; told by UnbindDone, or Closing when nobody answers.

        What waits for a response goes on waiting. When nothing is bound the session is
        over at once, and the next ``receive`` or ``tick`` tells UnbindDone.
        """
        if self.state in session.BOUND:
            self._write(Command.UNBIND, 0, self._window.open_own(Command.UNBIND_RESP))
            self._enter(State.UNBINDING)
            self._state_since = now
        elif self.state in (State.OPEN, State.BINDING):
            self._enter(State.CLOSED)
            self._pending.append(UnbindDone())
            self.has_more = True

    def close(self) -> list[object]:
        """The transport is gone: end the session.

        Returns the contexts of all requests that nobody answered, the oldest first.
        """
        self._enter(State.CLOSED)
        self._frames.clear()
        self._out.clear()
        self._pending.clear()
        self.has_more = False
        return self._window.drain()

    # ------------------------------------------------------------------ time

    def tick(self, now: float) -> list[Event]:
        """Do what is due, and tell what is left to tell. To be called once a second."""
        if self.is_choked and now - self._choked_since >= _CHOKED_S:
            self._unchoke()
        events = self.receive(b"", now) if self.has_more else []
        settings = self._settings
        if self.state is State.CLOSED:
            return events
        if is_due(self._partial_since, settings.pdu_read_s, now):
            self._write(Command.GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)
            self._close(events, "a PDU was not complete in time")
        elif self.state is State.OPEN:
            if is_due(self._state_since, settings.session_init_s, now):
                self._close(events, "no bind in time")
        elif self.state is State.BINDING:
            as_client = self.role is Role.ESME
            limit = settings.session_init_s if as_client else settings.response_s
            if is_due(self._state_since, limit, now):
                self._close(events, ev.BIND_TIMEOUT)
        else:
            self._tick_bound(events, now)
        return events

    @property
    def heard_at(self) -> float:
        """When the last PDU of the peer came; before the first, when it connected."""
        return self._link.heard_at

    @property
    def unanswered(self) -> int:
        """How many requests of the peer are in progress."""
        return self._unanswered

    def enquire(self) -> None:
        """Ask the peer for a sign of life now: any PDU is one (``heard_at``)."""
        if self.state in session.BOUND:
            self._send_enquire_link()

    def _send_enquire_link(self) -> None:
        sequence_number = self._window.open_own(Command.ENQUIRE_LINK_RESP)
        self._write(Command.ENQUIRE_LINK, 0, sequence_number)

    def _tick_bound(self, events: list[Event], now: float) -> None:
        settings = self._settings
        overdue = self._window.expire(now)
        events.extend(
            TimedOut(context, response_id & ~RESPONSE)
            for context, response_id, _ in overdue
        )
        if overdue:
            self._silent_timeouts += 1
        link = self._link.check(now)
        if overdue and link is Link.FINE:
            # Late answers, or a peer that is gone? Its answer to this tells, and a peer
            # that is only slow keeps its bind.
            link = self._link.ask(now)
        if link is Link.DEAD:
            self._close(events, "the peer is silent")
        elif self._silent_timeouts >= _SILENT_TIMEOUTS:
            self._close(events, "responses time out and nothing else comes")
        elif self.state is State.UNBINDING:
            if is_due(self._state_since, settings.unbind_s, now):
                if self._unbind_sequence is None:
                    self._close(events, "the unbind was not answered in time")
                else:
                    self._finish_unbind(events)
        elif is_due(self._active_at, settings.inactivity_s, now):
            self.unbind(now)
        elif link is Link.PROBE:
            self._send_enquire_link()

    # ------------------------------------------------------------------ state

    def _is_over(self) -> bool:
        return self.state is State.CLOSED

    def _enter(self, state: State) -> None:
        """Change the state, and with it what is legal."""
        self.state = state
        may_send = session.MAY_SEND.get((self.role, state), frozenset())
        if self.is_v33:
            may_send -= {Command.DATA_SM}
        self._may_send = may_send
        self._window.size = self._own_window if may_send else 0
        hot_request, hot_response = _HOT[self.role]
        self._hot_request = hot_request if self._is_legal(hot_request) else _NOTHING
        self._hot_response = hot_response if self._is_legal(hot_response) else _NOTHING

    def _is_legal(self, command_id: int) -> bool:
        """Whether the present state handles this command."""
        return self._rule(command_id).action is Action.HANDLE

    def _rule(self, command_id: int) -> Rule:
        """What the present state does with this command."""
        if command_id in self._settings.disabled:
            return session.UNKNOWN
        if command_id == Command.DATA_SM and self.is_v33:
            return session.UNKNOWN  # v3.4 brought it (spec/reliability 2.9)
        return session.rule(self.role, self.state, command_id)

    def _enter_bound(self) -> None:
        """The bind succeeded."""
        self._enter(self._bound_state)
        self._frames.maximum = self._settings.max_pdu

    def _finish_unbind(self, events: list[Event]) -> None:
        """Answer the peer's unbind."""
        self._respond(Command.UNBIND, Status.ESME_ROK, self._unbind_sequence or 0)
        self._enter(State.CLOSED)
        events.append(Unbound())

    def _close(self, events: list[Event], reason: str) -> None:
        """The session can not go on."""
        self._enter(State.CLOSED)
        events.append(Closing(reason))


def _too_long(command_id: int, events: list[Event]) -> bytes:
    """Tell that a message_id is beyond v3.4's 64 octets; it counts as none."""
    events.append(Malformed(ev.LONG_MESSAGE_ID, command_id))
    return b""
