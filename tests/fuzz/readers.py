"""What reads octets of a peer reads any octets: frames, bodies, TLVs, receipts."""

import random
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from luckgw.admission.accounts import KnownAccount
from luckgw.admission.checks import check_submit, message_times
from luckgw.admission.passwords import PasswordCheck
from luckgw.config.model import Account
from luckgw.domain.errors import Refusal
from luckgw.domain.states import FROM_STAT, STAT, State
from luckgw.domain.status import Status
from luckgw.receipts.match import FORMS, canonical
from luckgw.receipts.parse import parse
from luckgw.wire import rare
from luckgw.wire.binds import decode_bind, decode_bind_resp, decode_outbind
from luckgw.wire.frames import Frame, Frames, FramingError
from luckgw.wire.pdus import (
    Command,
    PduError,
    Sm,
    decode_sm,
    encode_data_sm,
    encode_sm,
)
from luckgw.wire.tlvs import decode_tlvs, encode_tlvs, judge_tlvs
from tests.fuzz.mutate import LABELS, SEEDS, TEXTS, a_pdu, damaged, own_receipt, pieces
from tests.fuzz.target import Target

NOW_MS: Final = 1_795_442_700_000
_REFUSALS: Final = frozenset(int(status) for status in Status) - {0}
T = TypeVar("T")


def read_or_refused(read: Callable[[], T]) -> T | None:
    """What was read; None when it was refused, with a status of the book."""
    status = 0
    try:
        return read()
    except PduError as error:
        status = error.command_status
        assert str(error)  # noqa: PT017 - whether it raises is not the question
    assert status in _REFUSALS
    return None


# ------------------------------------------------------------------------------ frames

_MAX_PDU: Final = 700


def make_frames(rng: random.Random) -> tuple[Any, ...]:
    """A stream in pieces."""
    octets = b"".join([a_pdu(rng) for _ in range(rng.randrange(1, 5))])
    return (pieces(rng, octets),)


def check_frames(parts: list[bytes]) -> None:
    """The PDUs are those of a plain reading of the whole, whatever the pieces."""
    frames = Frames(_MAX_PDU)
    found: list[Frame] = []
    failed = False
    for part in parts:
        frames.feed(part)
        try:
            found.extend(frames)
        except FramingError as error:
            failed = not 16 <= error.command_length <= _MAX_PDU
            break
        assert not frames.has_next()
        assert frames.pending < _MAX_PDU
    assert (found, failed) == _read_plainly(b"".join(parts))


def _read_plainly(octets: bytes) -> tuple[list[Frame], bool]:
    """The PDUs at the front, and whether boundaries are lost behind them."""
    found: list[Frame] = []
    while len(octets) >= 4:
        length = int.from_bytes(octets[:4], "big")
        if not 16 <= length <= _MAX_PDU:
            return found, True
        if len(octets) < length:
            break
        found.append((*struct.unpack(">3I", octets[4:16]), octets[16:length]))
        octets = octets[length:]
    return found, False


# --------------------------------------------------------------------- short messages

_SHAPES: Final = [
    (Command.SUBMIT_SM, False),
    (Command.DELIVER_SM, True),
    (Command.DATA_SM, False),
    (Command.DATA_SM, True),
]
_SM_SEEDS: Final = [pdu for pdu in SEEDS if pdu[4:8] in (b"\0\0\0\4", b"\0\0\0\5")]
_DATA_SEEDS: Final = [pdu for pdu in SEEDS if pdu[4:8] == b"\0\0\1\3"]
_DATA_FIELDS: Final = (
    "service_type", "source_addr_ton", "source_addr_npi", "source_addr",
    "dest_addr_ton", "dest_addr_npi", "destination_addr", "esm_class",
    "registered_delivery", "data_coding", "tlvs",
)  # fmt: skip
_SM_FIELDS: Final = (
    *_DATA_FIELDS, "protocol_id", "priority_flag", "schedule_delivery_time",
    "validity_period", "replace_if_present_flag", "sm_default_msg_id", "short_message",
)  # fmt: skip
_ACCOUNT: Final = KnownAccount(
    Account("fuzz", senders=("*",)), PasswordCheck(None, None, lambda _h, _p: False)
)


def make_sm(rng: random.Random) -> tuple[Any, ...]:
    """A body, and as what it is read."""
    command, from_smsc = rng.choice(_SHAPES)
    seeds = _DATA_SEEDS if command is Command.DATA_SM else _SM_SEEDS
    return damaged(rng, rng.choice(seeds)[16:], 4), command, from_smsc


def check_sm(body: bytes, command: Command, from_smsc: bool) -> None:
    """It is refused with a status of the book, or read so that it can be written again
    as it was; and then it is admitted, or refused for a reason.
    """
    sm = read_or_refused(lambda: decode_sm(body, command, 1, from_smsc=from_smsc))
    if sm is None:
        return
    assert body[sm.registered_delivery_at] == sm.registered_delivery
    names = _DATA_FIELDS if command is Command.DATA_SM else _SM_FIELDS
    fields = {name: getattr(sm, name) for name in names}
    if command is Command.DATA_SM:
        written = encode_data_sm(**fields | {"tlvs": sm.tlvs or {}})
    else:
        written = encode_sm(**fields)
    if sm.tlvs is None:  # else they are in one order and without repeats
        assert body.startswith(written)
        assert body[len(written) :] in (b"", b"\0", b"\0\0", b"\0\0\0")
    again = decode_sm(written, command, 1, from_smsc=from_smsc)
    assert {name: getattr(again, name) for name in names} == fields
    assert again.payload == sm.payload
    check_admission(sm)


def check_admission(sm: Sm) -> None:
    """A message that can be read is admitted or refused, and nothing else."""
    status = 0
    try:
        destination = check_submit(sm, _ACCOUNT)
        due_ms, deadline_ms = message_times(sm, _ACCOUNT, NOW_MS)
    except Refusal as refusal:
        status = refusal.command_status
    else:
        assert destination.isdigit()
        assert NOW_MS <= due_ms < deadline_ms
    assert status in {0, *_REFUSALS}


# --------------------------------------------------------------------------- receipts

_ESM_CLASSES: Final = (0x00, 0x04, 0x04, 0x04, 0x08, 0x20, 0x44)
_TAGS: Final = (0x001E, 0x0427, 0x0423, 0x0424, 0x1400)
_VALUES: Final = (b"4f2a\0", b"\2", b"\3\0\x1b", TEXTS[-1], b"id:7 stat:DELIVRD")


def make_receipt(rng: random.Random) -> tuple[Any, ...]:
    """esm_class, text and TLVs of something that may be a receipt."""
    kind = rng.randrange(4)
    if kind == 0:
        text = b"".join([rng.choice(LABELS) for _ in range(rng.randrange(1, 25))])
    else:
        body = rng.choice(TEXTS)
        text = body[33:] if kind == 1 else body[max(0, body.find(b"id:")) :]
    tlvs = None
    if not rng.randrange(3):
        tlvs = {
            rng.choice(_TAGS): damaged(rng, rng.choice(_VALUES))
            for _ in range(rng.randrange(4))
        }
    esm_class = rng.choice(_ESM_CLASSES) if rng.randrange(8) else rng.randrange(256)
    return esm_class, damaged(rng, text, 4), tlvs


def check_receipt(esm_class: int, text: bytes, tlvs: dict[int, bytes] | None) -> None:
    """Reading never raises, what it gives is clean, and its id has a key in each form
    of ids, which neither letter case nor zeros in front change.
    """
    receipt = parse(esm_class, text, tlvs)
    if receipt is None:
        assert esm_class & 0x3C not in (0x04, 0x20)
        return
    message_id = receipt.message_id
    assert message_id == message_id.strip()
    assert 0 not in message_id
    assert isinstance(receipt.state, State)
    assert len(receipt.err) <= 8
    assert receipt.intermediate == (esm_class & 0x3C == 0x20)
    for form in FORMS:
        key = canonical(message_id, form)
        assert bool(key) == bool(message_id)
        if message_id:
            assert canonical(message_id.swapcase(), form) == key
            assert canonical(b"00" + message_id, form) == key


def make_own(rng: random.Random) -> tuple[Any, ...]:
    """A state, and texts that come from outside."""
    text = damaged(rng, b"".join([rng.choice(LABELS) for _ in range(4)]))
    err = damaged(rng, b"027").decode("latin-1")
    return rng.choice(list(State)), text, err, rng.randrange(1, 256)


def check_own(state: State, text: bytes, err: str, segments: int) -> None:
    """Our own receipt says what it should, whatever a customer or a carrier wrote."""
    body = own_receipt(state, text, err, segments, tlvs=bool(segments & 1))
    sm = decode_sm(body, Command.DELIVER_SM)
    receipt = parse(sm.esm_class, sm.payload, sm.tlvs)
    assert receipt is not None
    assert receipt.message_id == b"f48c1e28-5a0b-4c53-9d55-2f1d0f6a7b10"
    assert receipt.stat == STAT[state]
    assert receipt.state in (FROM_STAT[STAT[state]], State.REJECTED)
    assert receipt.submit_date == "2611231405"


# ------------------------------------------------------------------- TLVs, rare, binds

_ALL_TAGS: Final = (
    0x0005, 0x001D, 0x001E, 0x0204, 0x020C, 0x020E, 0x020F, 0x0381, 0x0424, 0x0427,
    0x1383, 0x1400, 0x3FFF, 0x0000, 0xFFFF,
)  # fmt: skip


def make_tlvs(rng: random.Random) -> tuple[Any, ...]:
    """Octets that are nearly TLVs."""
    tags = [rng.choice(_ALL_TAGS) for _ in range(rng.randrange(5))]
    octets = encode_tlvs({tag: rng.randbytes(rng.randrange(6)) for tag in tags})
    return (damaged(rng, octets),)


def check_tlvs(octets: bytes) -> None:
    """They are refused, or come out again as they went in; then they are judged."""
    tlvs = read_or_refused(lambda: (decode_tlvs(octets, 0),))
    if tlvs is None:
        return
    (found,) = tlvs
    if found is None:
        assert octets in (b"", b"\0", b"\0\0", b"\0\0\0")
        return
    assert decode_tlvs(encode_tlvs(found), 0) == found
    read_or_refused(lambda: judge_tlvs(found))


_RARE: Final[dict[bytes, Callable[[bytes], object]]] = {
    b"\0\0\0\3": rare.decode_query_sm,
    b"\0\0\0\x08": rare.decode_cancel_sm,
    b"\0\0\0\7": rare.decode_replace_sm,
    b"\0\0\1\2": rare.decode_alert_notification,
    b"\0\0\0\x21": rare.decode_submit_multi,
    b"\0\0\0\x09": decode_bind,
    b"\0\0\0\x0b": decode_outbind,
    b"\x80\0\0\x09": decode_bind_resp,
}
_RARE_SEEDS: Final = [pdu for pdu in SEEDS if pdu[4:8] in _RARE]


def make_rare(rng: random.Random) -> tuple[Any, ...]:
    """A command and a body."""
    pdu = rng.choice(_RARE_SEEDS)
    return pdu[4:8], damaged(rng, pdu[16:], 4)


def check_rare(command: bytes, body: bytes) -> None:
    """It is read, or refused with a status of the book; so is each destination."""
    found = read_or_refused(lambda: _RARE[command](body))
    if isinstance(found, rare.SubmitMulti):
        for destination in found.destinations:
            read_or_refused(partial(found.submit_sm, destination))


READERS: Final = (
    Target("frames", 10, make_frames, check_frames),
    Target("short message", 20, make_sm, check_sm),
    Target("receipt", 15, make_receipt, check_receipt),
    Target("our receipt", 5, make_own, check_own),
    Target("TLVs", 5, make_tlvs, check_tlvs),
    Target("rare PDUs and binds", 5, make_rare, check_rare),
)
