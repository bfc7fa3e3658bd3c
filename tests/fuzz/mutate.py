"""Octets that are nearly SMPP: the museum's and the usual PDUs, damaged at random."""

import random
import struct
from itertools import pairwise
from typing import Final

from luckgw.domain.states import State
from luckgw.receipts.compose import receipt_body
from luckgw.wire.pdus import Command, encode_pdu
from tests.museum.collection import EXHIBITS
from tests.wire.peers import BIND, DATA, SUBMIT


def own_receipt(
    state: State, text: bytes, err: str = "000", segments: int = 1, *, tlvs: bool = True
) -> bytes:
    """The body of a receipt of ours for a customer."""
    return receipt_body(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"233241234567",
        dest_addr_ton=5,
        dest_addr_npi=0,
        destination_addr=b"LuckCreators",
        message_id="f48c1e28-5a0b-4c53-9d55-2f1d0f6a7b10",
        state=state,
        submit_ms=1_795_442_700_000,
        done_ms=1_795_442_760_000,
        err=err,
        text=text,
        segments=segments,
        tlvs=tlvs,
    )


MULTI: Final = b"\0\5\0Luck\0\2\1\1\1233241234567\0\1\1\1233501234567\0" + SUBMIT[-37:]
"""The body of a submit_multi, nearly."""

REQUESTS: Final = [command for command in Command if not command & 0x80000000]
RESPONSES: Final = [command for command in Command if command & 0x80000000]
_BODIES: Final = {
    **dict.fromkeys((1, 2, 9), BIND),
    Command.SUBMIT_SM: SUBMIT,
    Command.DELIVER_SM: own_receipt(State.DELIVERED, b"Hello! This is a test"),
    Command.DATA_SM: DATA,
    Command.SUBMIT_MULTI: MULTI,
    Command.QUERY_SM: b"id-1\0\5\0Luck\0",
    Command.CANCEL_SM: b"\0id-1\0\5\0Luck\0\1\1233241234567\0",
    Command.REPLACE_SM: b"id-1\0\5\0Luck\0\0\0\1\0\5Hello",
    Command.OUTBIND: b"SMSC\0secret\0",
    Command.ALERT_NOTIFICATION: b"\1\1233241234567\0\5\0Luck\0",
    Command.SUBMIT_SM_RESP: b"id-1\0",
    Command.DELIVER_SM_RESP: b"\0",
    Command.DATA_SM_RESP: b"id-1\0",
    Command.BIND_TRANSCEIVER_RESP: b"SMSC\0\x02\x10\0\1\x34",
}
LABELS: Final = [
    b"id:", b"sub:", b"dlvrd:", b"submit date:", b"done date:", b"stat:", b"err:",
    b"text:", b"Text:", b"ID:", b"submitdate:", b"done_date:", b" ", b"\r\n", b"\0",
    b"DELIVRD", b"UNDELIV", b"FAILED", b"2611231405", b"0000000000", b"001", b"4F2A",
]  # fmt: skip
_OCTETS: Final = b"\x00\x00\x00\x01\x04\x05\x0a\x1b\x20\x34\x3a\x40\x7f\x80\xfe\xff"
_INTEGERS: Final = [
    0, 1, 15, 16, 17, 255, 256, 257, 0x7FFF, 0xFFFF, 70_000, 70_001,
    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
]  # fmt: skip
_HEADER = struct.Struct(">4I")


def _split(octets: bytes) -> list[bytes]:
    """The whole PDUs at the front."""
    found = []
    while len(octets) >= 16:
        length = int.from_bytes(octets[:4], "big")
        if not 16 <= length <= len(octets):
            break
        found.append(octets[:length])
        octets = octets[length:]
    return found


SEEDS: Final = [
    *(encode_pdu(command, 0, 1, body) for command, body in _BODIES.items()),
    # The greatest ones would eat the time of all others.
    *{pdu for e in EXHIBITS for pdu in _split(e.octets) if len(pdu) < 600},
]
"""PDUs to damage, in an order that is the same in every process."""
SEEDS.sort()
TEXTS: Final = sorted({pdu[16:] for pdu in SEEDS if pdu[7] == Command.DELIVER_SM})
"""Bodies of deliver_sm, most of them receipts."""


def damaged(rng: random.Random, octets: bytes, most: int = 3) -> bytes:
    """These octets after up to ``most`` accidents."""
    for _ in range(rng.randrange(most + 1)):
        size = len(octets)
        at = rng.randrange(size + 1)
        kind = rng.randrange(8)
        if kind <= 1:  # one octet more, or another one
            octets = (
                octets[:at]
                + rng.choice(_OCTETS).to_bytes(1, "big")
                + octets[at + kind :]
            )
        elif kind == 2:  # a bit
            if at < size:
                flipped = octets[at] ^ 1 << rng.randrange(8)
                octets = octets[:at] + flipped.to_bytes(1, "big") + octets[at + 1 :]
        elif kind == 3:  # some octets less
            octets = octets[:at] + octets[at + rng.randrange(1, 9) :]
        elif kind == 4:  # some octets twice
            octets = octets[:at] + octets[max(0, at - rng.randrange(1, 30)) :]
        elif kind == 5:  # an integer
            width = rng.choice((1, 2, 4))
            number = rng.choice(_INTEGERS) & (1 << 8 * width) - 1
            octets = octets[:at] + number.to_bytes(width, "big") + octets[at + width :]
        elif kind == 6:  # the front of this and the end of another
            other = rng.choice(SEEDS)
            octets = octets[:at] + other[rng.randrange(len(other)) :]
        else:  # noise
            octets = octets[:at] + rng.randbytes(rng.randrange(1, 6)) + octets[at:]
    return octets


def a_pdu(rng: random.Random, unframed: int = 10) -> bytes:
    """One PDU with a sound frame around whatever it holds; but one of ``unframed`` is
    damaged anywhere, and may end a session.
    """
    pdu = rng.choice(SEEDS)
    if not rng.randrange(unframed):
        return damaged(rng, pdu)
    command_id = int.from_bytes(pdu[4:8], "big")
    if not rng.randrange(5):
        command_id = rng.choice(_COMMANDS)
    status = 0 if rng.randrange(4) else rng.choice(_STATUSES)
    sequence = rng.randrange(6) if rng.randrange(4) else rng.choice(_INTEGERS)
    body = damaged(rng, pdu[16:])
    return _HEADER.pack(16 + len(body), command_id, status, sequence) + body


_COMMANDS: Final = [*REQUESTS, *RESPONSES, 0x0A, 0x111, 0x10200, 0x8000000A, 0xFFFFFFFF]
_STATUSES: Final = [0x01, 0x04, 0x08, 0x45, 0x58, 0x401, 0x55F, 0xFFFFFFFF]


def pieces(rng: random.Random, octets: bytes) -> list[bytes]:
    """The same octets, as TCP may bring them."""
    if rng.randrange(3):
        return [octets]
    cuts = sorted(rng.randrange(len(octets) + 1) for _ in range(rng.randrange(1, 6)))
    ends = [0, *cuts, len(octets)]
    return [octets[a:b] for a, b in pairwise(ends)]
