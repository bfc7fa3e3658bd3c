"""The load generator over SMPP: what a partner sends, and whether all of it came back.

It plays an ESME with several binds, in a closed loop (as fast as its windows let) or an
open one (so many a second). Every message_id is kept until its receipt came.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.receipts.parse import parse
from luckgw.sandbox.load_report import Latencies, Receipts, Report, per_second
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import (
    Answered,
    BindRefused,
    Bound,
    Closing,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.pdus import MAX_SHORT_MESSAGE, Command, Sm, Tag, encode_sm

TICK_S: Final = 0.005
"""An open loop sends what is due so often."""

_SUBMIT_SM: Final = int(Command.SUBMIT_SM)
_MANY = 100_000
_BIND_WITHIN_S = 15.0
_UNBIND_WITHIN_S = 5.0
_MATCHED = -1.0
_NUMBER = b"NNNNNNNNN"
_RECIPIENT = b"RRRRRRR"


class LoadError(Exception):
    """The run could not begin. The text is for people."""


@attrs.frozen
class SmppPlan:
    """What to send. Times in seconds."""

    system_id: str
    password: str = attrs.field(repr=False)
    binds: int = 4
    """Transceivers."""
    window: int = 50
    """Unanswered submit_sm of each."""
    count: int = 1000
    rate: float = 0.0
    """submit_sm a second over all binds; 0: as fast as the windows let."""
    source: str = "LuckCreators"
    to_prefix: str = "23350"
    """Seven digits follow, of which the last four never call for a sandbox recipe."""
    text: str = "Hello {n}"
    """``{n}`` is the message's number, nine digits."""
    receipts: bool = True
    """Whether to ask for receipts."""
    wait_receipts_s: float = 30.0
    """After the last answer: how long to wait for the receipts that are missing."""
    response_s: float = 30.0
    """A submit_sm without an answer for so long is given up."""


def body_maker(plan: SmppPlan) -> Callable[[int, int], bytes]:
    """A function of the message's number and its recipient's seven digits that gives
    the body of its submit_sm, by filling in a template: encoding costs ten times more.
    """
    text = plan.text.encode().replace(b"{n}", _NUMBER)
    is_long = len(text) > MAX_SHORT_MESSAGE
    template = encode_sm(
        source_addr_ton=5 if not plan.source.isdigit() else 1,
        source_addr_npi=0 if not plan.source.isdigit() else 1,
        source_addr=plan.source.encode(),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=plan.to_prefix.encode() + _RECIPIENT,
        registered_delivery=1 if plan.receipts else 0,
        short_message=b"" if is_long else text,
        tlvs={Tag.MESSAGE_PAYLOAD: text} if is_long else None,
    )
    form = template.replace(b"%", b"%%").replace(_RECIPIENT, b"%(to)07d", 1)
    form = form.replace(_NUMBER, b"%(n)09d")
    return lambda number, recipient: form % {b"n": number, b"to": recipient}


def random_recipient(below: Callable[[float], float] = random.random) -> int:
    """Seven digits, of which the last four are 1000 or more."""
    drawn = int(random.random() * 9_000_000)
    return drawn // 9000 * 10_000 + 1000 + drawn % 9000
