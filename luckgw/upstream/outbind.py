"""The carrier calls us: outbind, then we bind as receiver over its connection.

SMPP v3.4 2.2.1 and 4.1.7. There is no response to an outbind; whoever is not the
carrier is shown out, and learns nothing.
"""

import hmac
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.config import model
from luckgw.domain.repeats import is_worth_saying
from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.upstream.smpp_client import Bind, ClientSession
from luckgw.wire.binds import decode_outbind
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import Closing, Request
from luckgw.wire.pdus import Command, PduError

MOST_STRANGERS: Final = 10
"""Callers at the same time that have not said who they are."""


class CalledSession(ClientSession):
    """A connection that the carrier has made; by its outbind it becomes a bind's."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, flusher: Flusher, wire: Connection, door: "Door"
    ) -> None:
        SmppSession.__init__(self, clock, flusher, wire)
        self._door = door
        self._malformed = 0
        self._is_stranger = True

    def belongs_to(self, bind: Bind) -> None:
        """The carrier is who it says: bind."""
        super().belongs_to(bind)
        self._is_stranger = False
        bind.answer_call(self)
        self.flusher.mark(self)

    def connectionMade(self) -> None:
        """Connected: whoever it is speaks first."""
        SmppSession.connectionMade(self)

    def handle(self, events: list[Any]) -> None:
        """Until the outbind, only that is heard. HOT PATH."""
        if not self._is_stranger:
            super().handle(events)
            return
        for event in events:
            if isinstance(event, Request) and event.command_id == Command.OUTBIND:
                self._door.knocked(self, event.body)
                break
            if isinstance(event, Closing):
                self._door.turn_away(self, event.reason)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is over."""
        if self._is_stranger:
            SmppSession.connectionLost(self, reason)
        else:
            super().connectionLost(reason)

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The connection is over."""
        self._door.left(self)
        if not self._is_stranger:
            super().gone(unanswered, reason)

    def resumed(self) -> None:
        """The carrier reads again."""
        if not self._is_stranger:
            super().resumed()


class Door(ServerFactory):
    """Where one carrier calls."""

    log = Logger()
    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        config: model.Upstream,
        settings: Settings,
        free_bind: Callable[[], Bind | None],
    ) -> None:
        """``free_bind`` gives a bind that waits to be called, or None."""
        self._clock = clock
        self._flusher = flusher
        self._config = config
        self._settings = settings
        self._free_bind = free_bind
        self._strangers: set[CalledSession] = set()
        self._refused = 0

    def buildProtocol(self, addr: IAddress | None) -> CalledSession | None:
        """Somebody connects."""
        del addr
        if len(self._strangers) >= MOST_STRANGERS:
            self._say("too many callers that have not said who they are")
            return None
        wire = Connection(Role.ESME, self._settings, self._clock.seconds())
        session = CalledSession(self._clock, self._flusher, wire, self)
        self._strangers.add(session)
        return session

    def knocked(self, session: CalledSession, body: bytes) -> None:
        """An outbind came."""
        try:
            system_id, password = decode_outbind(body)
        except PduError as error:
            self.turn_away(session, str(error))
            return
        config = self._config
        is_ours = hmac.compare_digest(
            system_id, config.outbind_system_id.encode()
        ) & hmac.compare_digest(password, config.outbind_password.reveal().encode())
        if not is_ours:
            self.turn_away(session, "another system_id or password than configured")
        elif (bind := self._free_bind()) is None:
            self.turn_away(session, "all receivers are bound already")
        else:
            self.left(session)
            session.belongs_to(bind)

    def turn_away(self, session: CalledSession, why: str) -> None:
        """This caller is not let in."""
        self._say(why, session.peer)
        session.close()

    def left(self, session: CalledSession) -> None:
        """It is a stranger no more."""
        self._strangers.discard(session)

    def close(self) -> None:
        """Show out who has not said who it is."""
        for session in list(self._strangers):
            session.close()

    def _say(self, why: str, peer: str = "") -> None:
        self._refused += 1
        if is_worth_saying(self._refused):
            self.log.warn(
                "a call for {upstream} was turned away: {why} {peer}({count} so far)",
                upstream=self._config.name,
                why=why,
                peer=f"from {peer} " if peer else "",
                count=self._refused,
            )
