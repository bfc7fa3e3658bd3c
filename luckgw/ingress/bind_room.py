"""The places of an account's sessions; a dead session gives way to a living partner.

After a half-open link (the partner's host was restarted, a firewall forgot the
connection) our side still holds the old session, and would refuse the partner's new
bind until its timers end it, a minute later. So before a bind is refused for want of a
place, the silent sessions of the account are asked whether they live
(spec/reliability 2.10).
"""

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from luckgw.admission.accounts import KnownAccount
from luckgw.admission.binds import fits

SILENT_S: Final = 5.0
"""Who said nothing for so long is asked ..."""
ANSWER_S: Final = 3.0
"""... and has so long to say anything at all."""
_LOOK_S: Final = 0.1


class Occupant(Protocol):
    """A bound session, as its place sees it."""

    @property
    def kind(self) -> str:
        """``transmitter``, ``receiver`` or ``transceiver``."""
        ...

    @property
    def is_gone(self) -> bool:
        """Whether its connection is over."""
        ...

    @property
    def peer(self) -> str:
        """Its address."""
        ...

    def silence(self) -> float:
        """For how many seconds it has said nothing."""
        ...

    def enquire(self) -> None:
        """Send it an enquire_link now."""
        ...

    def abort(self) -> None:
        """Cut it off."""
        ...

    def when_gone(self) -> "Deferred[None]":
        """Fires when its connection is over."""
        ...


class BindRoom:
    """Who is bound, by account, and whether one more may be."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._bound: dict[str, list[Occupant]] = {}
        self._asked: set[Occupant] = set()
        """One silent session gives way to one bind: no two wait for the same."""
        self.evicted = 0

    def add(self, account: str, session: Occupant) -> None:
        """A session was bound."""
        self._bound.setdefault(account, []).append(session)

    def remove(self, account: str, session: Occupant) -> None:
        """A session is gone."""
        sessions = self._bound.get(account, [])
        if session in sessions:
            sessions.remove(session)
            if not sessions:
                del self._bound[account]

    async def has_room(
        self, account: KnownAccount, kind: str, is_wanted: Callable[[], bool]
    ) -> bool:
        """Whether the account may have one more session of ``kind``.

        At once when there is a place, or nobody silent; else after ANSWER_S at most for
        each session that is asked. ``is_wanted`` says whether the bind still waits.
        """
        while is_wanted():
            if self._fits(account, kind):
                return True
            silent = self._most_silent(account, kind)
            if silent is None:
                return False
            self._asked.add(silent)
            try:
                is_alive = await self._is_alive(silent)
                if not is_alive and is_wanted() and not self._fits(account, kind):
                    await self._evict(account, silent)
            finally:
                self._asked.discard(silent)
        return False

    def _fits(
        self, account: KnownAccount, kind: str, without: Occupant | None = None
    ) -> bool:
        bound = self._bound.get(account.name, [])
        return fits(account, kind, [each.kind for each in bound if each is not without])

    def _most_silent(self, account: KnownAccount, kind: str) -> Occupant | None:
        """Of those whose place would be enough, who has been silent the longest."""
        found = [
            each
            for each in self._bound.get(account.name, [])
            if each not in self._asked
            and each.silence() > SILENT_S
            and self._fits(account, kind, without=each)
        ]
        return max(found, key=lambda each: each.silence(), default=None)

    async def _is_alive(self, session: Occupant) -> bool:
        """Ask for a sign of life, and look for one until it comes or the time is over.

        Looking is cheap, and it is rare; to be told would cost something for every PDU.
        A session that goes meanwhile counts as dead.
        """
        done: Deferred[bool] = Deferred()
        asked_at = self._clock.seconds()

        def look() -> None:
            waited = self._clock.seconds() - asked_at
            is_alive = not session.is_gone and session.silence() <= waited
            if is_alive or session.is_gone or waited >= ANSWER_S:
                looking.stop()
                done.callback(is_alive)

        session.enquire()
        looking = LoopingCall(look)
        looking.clock = self._clock
        looking.start(_LOOK_S, now=False).addErrback(done.errback)
        return await done

    async def _evict(self, account: KnownAccount, session: Occupant) -> None:
        if session.is_gone:
            return
        self.evicted += 1
        self.log.info(
            "the session of {account} from {peer} was silent for {silence} s and makes"
            " way for a new bind",
            account=account.name,
            peer=session.peer,
            silence=round(session.silence()),
        )
        session.abort()
        await session.when_gone()
