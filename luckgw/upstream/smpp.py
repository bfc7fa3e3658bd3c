"""A carrier that is reached over SMPP: one or more binds seen as one upstream."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import LoopingCall

from luckgw.config import model
from luckgw.link.flusher import Flusher
from luckgw.upstream.interface import BindStatus, Listener, NotCarried
from luckgw.upstream.outbind import Door
from luckgw.upstream.smpp_client import Bind, Phase
from luckgw.wire.bare import bare
from luckgw.wire.connection import Settings
from luckgw.wire.pdus import Command

_KINDS = {
    "transceiver": (Command.BIND_TRANSCEIVER,),
    "transmitter": (Command.BIND_TRANSMITTER,),
    "receiver": (Command.BIND_RECEIVER,),
    "tx+rx": (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER),
}

_DRAIN_LOOK_S = 0.05


class SmppUpstream:
    """Spreads submits over its binds; see upstream.interface.Upstream."""

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        endpoint: IStreamClientEndpoint,
        config: model.Upstream,
        random: Callable[[], float],
    ) -> None:
        self.name = config.name
        self._clock = clock
        self._flusher = flusher
        self._draining = False
        self.listener: Listener
        settings = Settings(
            window=config.window,
            # A carrier may push receipts as fast as it likes: it waits for our answers.
            inbound_window=10_000,
            enquire_link_s=config.enquire_link_s,
            response_s=config.response_s,
        )
        self.binds = [
            Bind(
                clock,
                flusher,
                endpoint,
                self,
                random,
                kind=kind,
                config=config,
                settings=settings,
            )
            for _ in range(config.binds)
            for kind in _KINDS[config.bind]
        ]
        self.door = Door(clock, flusher, config, settings, self._free_bind)
        """Where the carrier calls with outbind, if it does; to be listened with."""
        self._senders = [b for b in self.binds if b.kind is not Command.BIND_RECEIVER]
        self._next = 0

    def _free_bind(self) -> Bind | None:
        return next((bind for bind in self.binds if bind.is_free()), None)

    def start(self, listener: Listener) -> None:
        """Begin to connect."""
        self.listener = listener
        for bind in self.binds:
            bind.start()

    @property
    def is_up(self) -> bool:
        """Whether a bind that can send is bound."""
        if not self._draining:
            for bind in self._senders:
                if bind.phase is Phase.BOUND:
                    return True
        return False

    @property
    def room(self) -> int:
        """Free places over all binds."""
        if self._draining:
            return 0
        return sum(bind.room for bind in self._senders)

    @property
    def capacity(self) -> int:
        """The sum of the windows that are open."""
        return sum(bind.capacity for bind in self._senders)

    def submit(self, body: bytes, context: object) -> object:
        """Send over the next bind that has room; gives that bind. HOT PATH."""
        senders = self._senders
        count = len(senders)
        for _ in range(count):
            self._next = at = (self._next + 1) % count
            bind = senders[at]
            if bind.room > 0:
                session = bind.session
                assert session is not None  # noqa: S101 - room says so
                if bind.is_bare:
                    body = _bare(body)
                session.wire.send(
                    Command.SUBMIT_SM, body, context, self._clock.seconds()
                )
                self._flusher.mark(session)
                if bind.pace.rate is not None:
                    bind.pace.spend()
                return bind
        msg = "submit without room"
        raise RuntimeError(msg)

    def hold_back(self, via: object, seconds: float) -> None:
        """Pause the bind that was throttled."""
        if isinstance(via, Bind):
            via.pause(seconds)

    def bind_changed(self) -> None:
        """A bind came up, went down, or may send again."""
        self.listener.changed()

    def drain(self, timeout_s: float) -> "Deferred[None]":
        """Nothing new; answers until ``timeout_s``; then unbind."""
        self._draining = True
        self.door.close()
        for bind in self.binds:
            if bind.phase is not Phase.BOUND:
                bind.stop()  # what has no bind now does not begin one
        until = self._clock.seconds() + timeout_s
        looking = LoopingCall(self._look, until)
        looking.clock = self._clock
        self._looking = looking
        return looking.start(_DRAIN_LOOK_S).addCallback(self._unbind)

    def _look(self, until: float) -> None:
        in_flight = sum(bind.in_flight for bind in self._senders)
        if in_flight == 0 or self._clock.seconds() >= until:
            self._looking.stop()

    def _unbind(self, _: LoopingCall) -> "Deferred[None]":
        leaving = DeferredList([bind.stop() for bind in self.binds])
        return leaving.addCallback(lambda _: None)

    def status(self) -> list[BindStatus]:
        """All binds."""
        return [bind.status() for bind in self.binds]


def _bare(body: bytes) -> bytes:
    try:
        return bare(body)
    except ValueError as error:
        raise NotCarried(f"{error}, and the carrier takes no TLVs") from error
