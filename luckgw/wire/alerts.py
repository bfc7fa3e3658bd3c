"""alert_notification: a phone can be reached, or not (SMPP v3.4 4.12)."""

from collections.abc import Mapping
from typing import Final

from luckgw.domain.status import Status
from luckgw.wire.fields import Layout, octets, text
from luckgw.wire.protocol import PduError, Tag
from luckgw.wire.tlvs import decode_tlvs

_LAYOUT = Layout(
    octets("source_addr_ton, source_addr_npi", 2),
    text("source_addr", 0, 64, Status.ESME_RINVSRCADR),
    octets("esme_addr_ton, esme_addr_npi", 2),
    text("esme_addr", 0, 64, Status.ESME_RINVDSTADR),
)
#: ms_availability_status (v3.4 5.3.2.30).
_WORDS: Final[Mapping[bytes, str]] = {
    b"\0": "available",
    b"\1": "denied",
    b"\2": "unavailable",
}
UNTOLD: Final = "not told"


def availability(body: bytes) -> str:
    """What an alert says of the phone, in a word; "not told" without the TLV.

    Total: a PDU that has no response has nowhere to be refused.
    """
    found = _LAYOUT.match(body)
    if found is None:
        return "unreadable"
    try:
        tlvs = decode_tlvs(body, found.end()) or {}
    except PduError:
        return "unreadable"
    status = tlvs.get(Tag.MS_AVAILABILITY_STATUS)
    if status is None:
        return UNTOLD
    return _WORDS.get(status, f"0x{status.hex().upper()}")
