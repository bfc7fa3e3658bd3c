"""How a session is asked for: bind_*, their responses and outbind (SMPP v3.4 4.1).

Ours, although smpp.pdu could read most of them: with it a system_id that is not ASCII
raises, and the bind is never answered (spec/reliability 2.13).
"""

from collections.abc import Mapping

import attrs

from luckgw.domain.status import Status
from luckgw.wire.fields import Field, Layout, checked_text, text
from luckgw.wire.protocol import PduError, Tag
from luckgw.wire.tlvs import decode_tlvs, encode_tlvs


@attrs.frozen
class Bind:
    """The body of bind_receiver, bind_transmitter or bind_transceiver (v3.4 4.1.1)."""

    system_id: bytes
    password: bytes = attrs.field(repr=False)
    system_type: bytes
    interface_version: int
    addr_ton: int
    addr_npi: int
    address_range: bytes


_SYSTEM_ID = text("system_id", 0, 15, Status.ESME_RINVSYSID)
# The book says 8, but partners have longer ones (spec/features 2.13).
_PASSWORD = text("password", 0, 64, Status.ESME_RINVPASWD)

_BIND_LAYOUT = Layout(
    _SYSTEM_ID,
    _PASSWORD,
    text("system_type", 0, 12, Status.ESME_RINVSYSTYP),
    Field("interface_version, addr_ton, addr_npi", b"(...)", Status.ESME_RINVCMDLEN),
    text("address_range", 0, 40, Status.ESME_RINVCMDLEN),
)
_OUTBIND_LAYOUT = Layout(_SYSTEM_ID, _PASSWORD)


def decode_bind(body: bytes) -> Bind:
    """The fields of a bind request; what follows them is ignored.

    Raises:
        PduError: with the command_status of the first field that is malformed
            (spec/reliability 2.3).
    """
    found = _BIND_LAYOUT.match(body)
    if found is None:
        _BIND_LAYOUT.refuse(body)
    system_id, password, system_type, (version, ton, npi), area = found.groups()
    return Bind(system_id, password, system_type, version, ton, npi, area)


def encode_bind(bind: Bind) -> bytes:
    """The body of a bind request.

    Raises:
        ValueError: a field is too long or holds a NUL, or a number does not fit.
    """
    return b"".join(
        (
            checked_text("system_id", bind.system_id, 15),
            b"\0",
            checked_text("password", bind.password, 64),
            b"\0",
            checked_text("system_type", bind.system_type, 12),
            bytes((0, bind.interface_version, bind.addr_ton, bind.addr_npi)),
            checked_text("address_range", bind.address_range, 40),
            b"\0",
        )
    )


def decode_bind_resp(body: bytes) -> tuple[bytes, int]:
    """The SMSC's system_id and its sc_interface_version, 0 when it does not tell.

    Total: many SMSCs send less than v3.4 4.1.2 asks for, and are bound all the same.
    """
    system_id, _, rest = body.partition(b"\0")
    try:
        tlvs = decode_tlvs(rest, 0) or {}
    except PduError:
        tlvs = {}
    version = tlvs.get(Tag.SC_INTERFACE_VERSION, b"\0")
    return system_id, version[0] if version else 0


def encode_bind_resp(system_id: bytes, *, tlvs: Mapping[int, bytes]) -> bytes:
    """The body of a positive bind response (v3.4 4.1.2).

    Raises:
        ValueError: system_id is too long or holds a NUL.
    """
    return checked_text("system_id", system_id, 15) + b"\0" + encode_tlvs(tlvs)


def decode_outbind(body: bytes) -> tuple[bytes, bytes]:
    """The SMSC's system_id and password in an outbind (v3.4 4.1.7).

    Raises:
        PduError: one of them is malformed.
    """
    found = _OUTBIND_LAYOUT.match(body)
    if found is None:
        _OUTBIND_LAYOUT.refuse(body)
    system_id, password = found.groups()
    return system_id, password
