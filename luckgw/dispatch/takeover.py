"""What an earlier epoch of this node held when it died is taken over at the start.

The epoch is the fencing token: whoever still runs under the old one is refused by the
store, so nothing is taken from a living process. A submit that had been claimed may
have reached the carrier: it is uncertain (spec/reliability 3.3).
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from luckgw.config import model
from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.interface import Commands, Queue, Verdict
from luckgw.store.journal import Journal

log = Logger()


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


async def _take(
    execute: Commands,
    journal: Journal,
    config: model.Config,
    queue: bytes,
    claims: bytes,
    now_ms: Callable[[], int],
) -> int:
    """Give back what one claim set holds."""
    kind, _, name = queue.decode().partition(":")
    if kind != "q":
        return await _give_back(journal, queue, claims)
    now = now_ms()
    due_ms: int | None = None
    upstream = config.upstreams.get(name)
    if upstream is not None and upstream.uncertain == "unknown":
        ended = await _end_as_unknown(execute, journal, Queue(queue, claims), name)
        return ended + await _give_back(journal, queue, claims)
    if upstream is not None and upstream.uncertain == "hold_then_resend":
        due_ms = now + int(upstream.uncertain_hold_s * 1000)
    event = records.event(records.UNCERTAIN, now, records.EVERY_SEGMENT, name.encode())
    return await _give_back(journal, queue, claims, due_ms, event)


async def _give_back(
    journal: Journal,
    queue: bytes,
    claims: bytes,
    due_ms: int | None = None,
    event: bytes = b"",
) -> int:
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
    """End the messages of a claim set: nobody knows whether the carrier has them."""
    entries = await execute(b"SMEMBERS", queue.claims)
    tail = upstream.encode() + b"\0UNKNOWN\x00000"
    for entry in entries:
        journal.finish(queue, entry, State.UNKNOWN_FOR_GOOD, tail, _ignore)
    return len(entries)


def _ignore(_verdict: Verdict, _account: str) -> None:
    """The outboxes are polled: nobody need be woken."""
