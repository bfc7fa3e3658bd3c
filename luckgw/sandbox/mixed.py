"""The sandbox as a carrier whose receipts are all that receipts can be.

They come first, late, twice and out of order; with and without TLVs; their ids are
padded, or written in another base than those of the answers; some are of ids that were
never given. What is true of a message its recipient tells: the last digit even, it is
delivered, odd, it is not.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Final

from twisted.internet.interfaces import IReactorTime

from luckgw.domain.states import State
from luckgw.link.flusher import Flusher
from luckgw.receipts.compose import receipt_body
from luckgw.sandbox.smsc import Smsc, SmscSession, SmscSettings
from luckgw.wire.pdus import Sm

RECEIPT_IDS: Final = ("same", "hex", "dec")
UNKNOWN_EACH: Final = 10
"""Every so many messages there is a receipt of an id that was never given."""

_SHAPES: Final = 8
_FIRST, _TWICE, _LATE, _ONLY_TEXT, _ON_ITS_WAY, _OUT_OF_ORDER, _PADDED_ID = range(1, 8)
_PADDED: Final = 20


def true_state(destination_addr: bytes) -> State:
    """What becomes of a message to this number."""
    return State.UNDELIVERED if destination_addr[-1] % 2 else State.DELIVERED


class MixedSmsc(Smsc):
    """Takes everything, and reports it in eight ways, in turn."""

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        settings: SmscSettings,
        now_ms: Callable[[], int],
        seen: Callable[[Sm], None] | None = None,
        *,
        receipt_ids: str = "same",
    ) -> None:
        """``receipt_ids``: how ids are written in receipts (one of RECEIPT_IDS)."""
        super().__init__(clock, flusher, settings, now_ms, seen)
        self._rewrite = _REWRITE[receipt_ids]
        self._numbers = itertools.count()

    def submitted(self, session: SmscSession, sm: Sm) -> None:
        """Somebody sent a submit_sm."""
        if self._seen is not None:
            self._seen(sm)
        self.counts.submitted += 1
        self.counts.accepted += 1
        message_id = self._next_id()
        number = next(self._numbers)
        shape = number % _SHAPES
        if shape == _FIRST:
            answer = partial(self._answer, session, sm, message_id)
            self._agenda.after(1.0, answer)
        else:
            self._answer(session, sm, message_id)
        if not sm.registered_delivery & 1:
            return
        written = self._rewrite(message_id)
        for after_s, body in self._plan(sm, written, shape):
            self._agenda.after(after_s, partial(self._due, body))
        if number % UNKNOWN_EACH == 0:
            self.counts.receipts_unknown += 1
            body = self._written(sm, b"never-%d" % number, State.DELIVERED)
            self._agenda.after(0.2, partial(self._due, body))

    def _plan(self, sm: Sm, written: bytes, shape: int) -> list[tuple[float, bytes]]:
        """The receipts of a message: after how many seconds, and what."""
        state = true_state(sm.destination_addr)
        write = partial(self._written, sm, written)
        usual = write(state)
        padded = self._written(sm, written.rjust(_PADDED, b"0"), state, tlvs=False)
        return {
            _TWICE: [(0.1, usual), (0.6, usual)],
            _LATE: [(2.0, usual)],
            _ONLY_TEXT: [(0.1, write(state, tlvs=False))],
            _ON_ITS_WAY: [(0.1, write(State.SENT, intermediate=True)), (0.6, usual)],
            _OUT_OF_ORDER: [(0.1, usual), (0.6, write(State.SENT))],
            _PADDED_ID: [(0.1, padded)],
        }.get(shape, [(0.1, usual)])

    def _written(
        self,
        sm: Sm,
        message_id: bytes,
        state: State,
        *,
        tlvs: bool = True,
        intermediate: bool = False,
    ) -> bytes:
        now_ms = self._now_ms()
        return receipt_body(
            source_addr_ton=sm.dest_addr_ton,
            source_addr_npi=sm.dest_addr_npi,
            source_addr=sm.destination_addr,
            dest_addr_ton=sm.source_addr_ton,
            dest_addr_npi=sm.source_addr_npi,
            destination_addr=sm.source_addr,
            message_id=message_id.decode(),
            state=state,
            submit_ms=now_ms,
            done_ms=now_ms,
            tlvs=tlvs,
            intermediate=intermediate,
        )


_REWRITE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "same": lambda message_id: message_id,
    "hex": lambda message_id: b"%X" % int(message_id),
    "dec": lambda message_id: b"%d" % int(message_id, 16),
}
"""Ids of answers as receipts write them: what came in decimal, what in hexadecimal."""
