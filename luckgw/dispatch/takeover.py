"""What an earlier epoch of this node held when it died is taken over at the start.

The epoch is the fencing token: whoever still runs under the old one is refused by the
store, so nothing is taken from a living process. A submit that had been claimed may
have reached the carrier: it is uncertain (spec/reliability 3.3).
"""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from luckgw.config import model
from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.interface import Queue
from luckgw.store.journal import Journal

log = Logger()


class Commands(Protocol):
    """Runs one command of the store."""

    def __call__(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Fires with the reply."""
        ...


async def take_over(
    execute: Commands,
    journal: Journal,
    config: model.Config,
    epoch: int,
    now_ms: Callable[[], int],
) -> int:
    """Give back all that older epochs of this node held; tells how many entries."""
    total = 0
    for name in await execute(b"SMEMBERS", keys.CLAIMS):
        queue, node, of_epoch = keys.parse_claims(name)
        if node != config.gateway.node or of_epoch >= epoch:
            continue
        taken = await _take(execute, journal, config, queue, name, now_ms)
        if taken:
            log.info(
                "took over {count} entries of {queue} from epoch {epoch}",
                count=taken,
                queue=queue.decode(),
                epoch=of_epoch,
            )
        total += taken
    return total


async def _take(  # noqa: PLR0913 - one step of the loop above
    execute: Commands,
    journal: Journal,
    config: model.Config,
    queue: bytes,
    claims: bytes,
    now_ms: Callable[[], int],
) -> int:
    kind, _, rest = queue.decode().partition(":")
    upstream = config.upstreams.get(rest) if kind == "q" else None
    due_ms: int | None = None
    event = b""
    if upstream is not None:
        now = now_ms()
        if upstream.uncertain == "unknown":
            return await _end_as_unknown(execute, journal, Queue(queue, claims), rest)
        if upstream.uncertain == "hold_then_resend":
            due_ms = now + int(upstream.uncertain_hold_s * 1000)
        event = records.event(
            records.UNCERTAIN, now, records.EVERY_SEGMENT, rest.encode()
        )
    total = 0
    while True:
        step: Deferred[int] = Deferred()
        journal.take_over(queue, claims, due_ms, event, step.callback)
        taken = await step
        if taken == 0:
            return total
        total += taken


async def _end_as_unknown(
    execute: Commands, journal: Journal, queue: Queue, upstream: str
) -> int:
    entries = await execute(b"SMEMBERS", queue.claims)
    tail = upstream.encode() + b"\0UNKNOWN\x00000"
    for entry in entries:
        journal.finish(queue, entry, State.UNKNOWN, tail, lambda _v, _a: None)
    return len(entries)
