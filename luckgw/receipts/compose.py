"""A delivery receipt as we write it: the body of a deliver_sm. Hot path.

SMPP v3.4 4.6.1 (layout), Appendix B (text), 5.3.2.12, 5.3.2.31, 5.3.2.35 (TLVs), in the
form of spec/features 2.5.
"""

import datetime as dt
import functools

from luckgw.domain.states import MESSAGE_STATE, STAT, State

_TEXT_OCTETS = 20
_ERR_CHARACTERS = 8
_ESC = b"\x1b"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MINUTE_MS = 60_000
_MAX_ERROR = 0xFFFF

#: ``stat:`` word and message_state TLV of each state, by its number.
_STAT = tuple(STAT[state].encode() for state in State)
_MESSAGE_STATE_TLV = tuple(
    b"\x04\x27\x00\x01%c" % MESSAGE_STATE[state] for state in State
)


def receipt_body(  # noqa: PLR0913 - a PDU has as many fields
    *,
    source_addr_ton: int,
    source_addr_npi: int,
    source_addr: bytes,
    dest_addr_ton: int,
    dest_addr_npi: int,
    destination_addr: bytes,
    message_id: str,
    state: State,
    submit_ms: int,
    done_ms: int,
    err: str = "000",
    text: bytes = b"",
    segments: int = 1,
    tlvs: bool = True,
    intermediate: bool = False,
) -> bytes:
    """The body (all after the header) of the deliver_sm that tells a partner ``state``.

    - The addresses are the receipt's own: the source is the message's recipient.
    - ``submit_ms``, ``done_ms``: milliseconds since 1970, written as YYMMDDhhmm in UTC.
    - ``err``: the network's code, at most 8 characters are written; empty is 000. A
      decimal one other than 0 is also a network_error_code, of type 3 (GSM).
    - ``text``: the octets of the message's text when its data_coding is 0 or 1, else
      b"": nothing in here can tell UCS2 from ASCII. The first 20 are written, and none
      when it holds octets that are no 7-bit text (or NUL, which ends strings in many
      partners' readers).
    - ``segments``: of how many the state is told (``sub``), at most 999.
    - ``tlvs``: False leaves them out, for partners that choke on them.
    - ``intermediate``: an intermediate notification (v3.4 5.2.12), not a receipt.
    """
    err = err[:_ERR_CHARACTERS] or "000"
    receipted = message_id.encode("ascii", "replace")
    short_message = (
        b"id:%b sub:%03d dlvrd:%03d submit date:%b done date:%b stat:%b err:%b text:%b"
    ) % (
        receipted,
        segments,
        segments if state is State.DELIVERED else 0,
        _minute(submit_ms // _MINUTE_MS),
        _minute(done_ms // _MINUTE_MS),
        _STAT[state],
        err.encode("ascii", "replace"),
        _shown(text),
    )
    body = (
        b"\0%c%c%b\0%c%c%b\0"  # service_type, source, destination
        b"%b\0\0\0\0\0\0\0\0%c%b"  # esm_class ... sm_default_msg_id, short_message
    ) % (
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        b"\x20" if intermediate else b"\x04",
        len(short_message),
        short_message,
    )
    if not tlvs:
        return body
    body += b"\x00\x1e\x00%c%b\0%b" % (
        len(receipted) + 1,
        receipted,
        _MESSAGE_STATE_TLV[state],
    )
    if err != "000":
        body += _network_error_code(err)
    return body


@functools.lru_cache(maxsize=4096)
def _minute(minute: int) -> bytes:
    """YYMMDDhhmm in UTC of a minute since 1970."""
    moment = _EPOCH + dt.timedelta(minutes=minute)
    return moment.strftime("%y%m%d%H%M").encode()


def _shown(text: bytes) -> bytes:
    """As much of the message's text as a receipt shows."""
    shown = text[:_TEXT_OCTETS]
    if not shown.isascii() or b"\0" in shown:
        return b""
    return shown.removesuffix(_ESC)


def _network_error_code(err: str) -> bytes:
    """The TLV, or nothing when ``err`` is not a number that fits it."""
    if not (err.isascii() and err.isdigit()):
        return b""
    code = int(err)
    if not 0 < code <= _MAX_ERROR:
        return b""
    return b"\x04\x23\x00\x03\x03%c%c" % (code >> 8, code & 0xFF)
