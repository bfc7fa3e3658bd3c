"""A carrier with a ledger: ``python -m tests.faults.carrier --help``.

The sandbox, which writes down every submit_sm that it has taken (the number in its
text, a line each), before it is answered. It can be late with answers, or have a limit.
"""

import time
from pathlib import Path
from typing import Any

import click
from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import serverFromString

from luckgw.admission.limits import TokenBucket
from luckgw.domain.status import Status
from luckgw.link.flusher import Flusher
from luckgw.sandbox.process import prepare
from luckgw.sandbox.smsc import Smsc, SmscService, SmscSession, SmscSettings
from luckgw.wire.pdus import Sm


class LedgerSmsc(Smsc):
    """Writes down what it takes, and what it turns away (with a minus)."""

    def __init__(self, reactor: Any, ledger: Path) -> None:
        self.flusher = Flusher(reactor)
        settings = SmscSettings(recipes=False)
        wall_ms = lambda: time.time_ns() // 1_000_000
        super().__init__(reactor, self.flusher, settings, wall_ms)
        self.reactor = reactor
        self.started = reactor.seconds()
        self.delay_s = self.delay_for_s = 0.0
        self.limit = 0.0
        self.refuse_with = [Status.ESME_RTHROTTLED]
        self._bucket: TokenBucket | None = None
        self._ledger = ledger.open("a", buffering=1)

    def throttle(self, limit: float) -> None:
        """Take no more than so many a second."""
        self.limit = limit
        self._bucket = TokenBucket(limit, self.reactor.seconds())

    def submitted(self, session: SmscSession, sm: Sm) -> None:
        """One more."""
        now = self.reactor.seconds()
        since = now - self.started
        number = sm.payload.split()[-1].decode()
        if self._bucket is not None and self._bucket.take(now):
            self._ledger.write(f"{since:.3f} -{number}\n")
            status = self.refuse_with[int(since / 10) % len(self.refuse_with)]
            session.wire.answer(sm, status)
            return
        self._ledger.write(f"{since:.3f} {number}\n")
        if self.delay_s and since < self.delay_for_s:
            self.reactor.callLater(self.delay_s, self._late, session, sm)
        else:
            super().submitted(session, sm)

    def _late(self, session: SmscSession, sm: Sm) -> None:
        super().submitted(session, sm)
        self.flusher.mark(session)
        self.send_receipts()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--ledger", type=click.Path(path_type=Path), required=True)
@click.option("--delay-s", type=float, default=0.0, help="How late an answer is.")
@click.option("--delay-for-s", type=float, default=0.0, help="For so long, from now.")
@click.option("--limit", type=float, default=0.0, help="submit_sm a second; 0: any.")
def main(
    port: int, ledger: Path, delay_s: float, delay_for_s: float, limit: float
) -> None:
    """Listen until told to end. Over its limit it says 0x58 and, in turn, 0x14."""
    reactor: Any = _reactor
    prepare(reactor)
    smsc = LedgerSmsc(reactor, ledger)
    smsc.delay_s, smsc.delay_for_s = delay_s, delay_for_s
    if limit:
        smsc.throttle(limit)
        smsc.refuse_with = [Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL]
    endpoint = serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1")
    service = SmscService(smsc, [endpoint])
    reactor.callWhenRunning(
        lambda: service.start().addCallback(lambda _: click.echo("listening"))
    )
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


if __name__ == "__main__":
    main()
