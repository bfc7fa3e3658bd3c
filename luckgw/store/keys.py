"""Every key in the store, and why it lives as long as it does.

Nothing expires by TTL that a promise depends on (the store's clock is the wall clock):
the TTLs here are a last sweep, with days of slack. Names of queues, claims and events:
"queue" is what waits for an upstream (``q:``), for an account's SMPP sessions (``o:``),
for its webhook (``w:``), or to be given to an account (``n:``); the store's script
treats them alike.
"""

from typing import Final

SCHEMA: Final = b"luckgw:schema"
"""The version of this layout; a gateway refuses a store written by a newer one."""
SCHEMA_VERSION: Final = 1
NODES: Final = b"luckgw:nodes"
"""Hash: node name -> epoch. An operation under an older epoch is refused (fencing)."""
CLAIMS: Final = b"luckgw:claims"
"""Set of the claim sets that may not be empty: what a new epoch takes over."""
INDEXES: Final = b"luckgw:indexes"
"""Set of the index lists: what the retention sweep walks through."""
LOOKED: Final = b"luckgw:looked"
"""Hash: index -> how many of its messages the look for open ends has seen."""
OPEN: Final = b"luckgw:open"
"""Sorted set: ids of messages that were not at their end minutes after they had been
accepted, by the end of their validity in wall-clock ms."""
DROPPED: Final = b"luckgw:dropped"
"""Hash: key of a queue, of parked receipts or of a quarantine -> how many entries were
dropped from it, ever, because they were too old or too many."""

SHORT_IDS: Final = b"luckgw:short-ids"
"""Counter: how many message ids of eight hexadecimal digits were given away."""

SLACK_S: Final = 2 * 86_400
"""TTLs are this much longer than the rule they back up."""
PARKED_S: Final = 72 * 3600
"""How long a receipt for an unknown id waits for its message (DESIGN 4.3)."""


def message(message_id: bytes) -> bytes:
    """String: the message's record (luckgw/store/records.py)."""
    return b"m:" + message_id


def alias(account: str, name: bytes) -> bytes:
    """String: the id of the message that the account knows by a shorter name."""
    return b"v:" + account.encode() + b":" + name


INBOUND: Final = b"n:mo"
"""List of ids of messages from phones that no account has got yet."""
JOINS: Final = b"luckgw:joins"
"""Sorted set: keys of ``join``, by the wall-clock ms at which they wait no longer."""
REPLIES_S: Final = 3600
"""For so long a phone's automatic replies are counted together."""


def seen(digest: bytes) -> bytes:
    """String: the id under which a message from a phone (or a part of one) was kept."""
    return b"e:" + digest


def join(digest: bytes) -> bytes:
    """Hash: the parts of one long message from a phone, by their numbers.

    Beside them ``i`` is its id, ``n`` how many parts there are, ``h`` the head of its
    record; without ``h`` it was joined already, and of the parts only digests are left.
    """
    return b"j:" + digest


def inbox(account: str) -> bytes:
    """Sorted set, all of one score: 8 octets wall-clock ms and the id of each message
    from a phone that the account got.
    """
    return b"b:" + account.encode()


def opted_out(account: str) -> bytes:
    """Hash: interface.opted_out_field -> the wall-clock ms since when."""
    return b"t:" + account.encode()


def replies(account: str, field: bytes) -> bytes:
    """Hash: how many automatic replies a phone got (``n``), and to what (``d``)."""
    return b"y:" + account.encode() + b":" + field


def upstream_queue(upstream: str) -> bytes:
    """List of message ids, ready for an upstream, first in first out."""
    return b"q:" + upstream.encode()


def deliver_sm_outbox(account: str) -> bytes:
    """List of events for an account's bound sessions."""
    return b"o:" + account.encode()


def webhook_outbox(account: str) -> bytes:
    """List of events for an account's webhook."""
    return b"w:" + account.encode()


def delayed(queue: bytes) -> bytes:
    """Sorted set beside a queue: entry -> wall-clock ms at which it is due."""
    return b"d:" + queue


def claims(queue: bytes, node: str, epoch: int) -> bytes:
    """Set of entries of a queue that one epoch of one node holds."""
    return b"c:" + queue + b"|" + node.encode() + b"|" + str(epoch).encode()


def parse_claims(key: bytes) -> tuple[bytes, str, int]:
    """The queue, node and epoch in the name of a claim set."""
    queue, node, epoch = key[2:].rsplit(b"|", 2)
    return queue, node.decode(), int(epoch)


def carrier_id(upstream: str, canonical: bytes) -> bytes:
    """String: a carrier's id -> our id and segment, or the receipt parked for it."""
    return b"r:" + upstream.encode() + b":" + canonical


def parked(upstream: str) -> bytes:
    """Sorted set: carrier_id keys that hold a parked receipt, by wall-clock ms."""
    return b"p:" + upstream.encode()


def parse_carrier_id(key: bytes) -> tuple[str, bytes]:
    """The upstream and the canonical id in the name of a carrier's id."""
    _, upstream, canonical = key.split(b":", 2)
    return upstream.decode(), canonical


def quarantine(upstream: str) -> bytes:
    """List of what an upstream delivered that could not be read: time, PDU in hex."""
    return b"z:" + upstream.encode()


def index(account: str, day: str) -> bytes:
    """List of the ids an account sent on a UTC day (``20261123``), for the sweep."""
    return b"i:" + account.encode() + b":" + day.encode()


def parse_index(key: bytes) -> tuple[str, str]:
    """The account and the day in the name of an index."""
    account, day = key[2:].decode().rsplit(":", 1)
    return account, day


def webhook_parked(account: str) -> bytes:
    """List of events that a webhook did not take within the schedule."""
    return b"x:" + account.encode()
