"""What the tests of ``wire`` share: sessions in any state, and octets taken apart."""

import struct
from typing import Any

import attrs
from hypothesis import strategies as st

from luckgw.wire.binds import Bind, encode_bind
from luckgw.wire.connection import Command, Connection, Role, Settings, State
from luckgw.wire.events import Event
from luckgw.wire.pdus import encode_pdu, encode_sm
from luckgw.wire.session import BOUND_AS

SUBMIT = encode_sm(
    source_addr_ton=5,
    source_addr=b"LuckCreator",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr=b"233241234567",
    registered_delivery=1,
    short_message=b"Hello! This is a tes",
)
"""The body of a usual submit_sm, and of a usual deliver_sm."""

DATA = b"\0\1\1233241234567\0\5\0Luck\0\0\1\0" + b"\x04\x24\x00\x05Hello"
"""The body of a usual data_sm."""

BIND = encode_bind(Bind(b"luck", b"secret08", b"", 0x34, 0, 0, b""))
"""The body of a usual bind."""

KIND_OF = {state: kind for kind, state in BOUND_AS.items()}
"""The bind that leads to each bound state."""


@attrs.frozen
class Pdu:
    """One PDU, taken apart by other code than the one under test."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes = b""


def pdus(octets: bytes) -> list[Pdu]:
    """The PDUs in ``octets``, which must end with the last one."""
    found = []
    while octets:
        length, command_id, status, sequence = struct.unpack(">IIII", octets[:16])
        assert len(octets) >= length >= 16
        found.append(Pdu(command_id, status, sequence, octets[16:length]))
        octets = octets[length:]
    return found


def resp(command: Command, status: int, sequence: int, body: bytes = b"") -> Pdu:
    """The response to that request."""
    return Pdu(command | 0x80000000, status, sequence, body)


def nack(status: int, sequence: int) -> Pdu:
    """A generic_nack."""
    return Pdu(0x80000000, status, sequence)


def written(connection: Connection) -> list[Pdu]:
    """What the connection wants to write, taken away from it."""
    return pdus(connection.take_output())


def tell(
    connection: Connection,
    command_id: int,
    body: bytes = b"",
    *,
    sequence: int = 7,
    status: int = 0,
    now: float = 0.0,
) -> list[Event]:
    """Give the connection one whole PDU."""
    return connection.receive(encode_pdu(command_id, status, sequence, body), now)


def in_state(
    role: Role, state: State, settings: Settings | None = None, **changed: Any
) -> Connection:
    """A connection that came to that state as peers bring it there, at time 0.

    Nothing is left in its output. In UNBINDING we sent the unbind.
    """
    settings = settings or Settings(**changed)
    connection = Connection(role, settings, 0.0)
    if state in (State.OPEN, State.CLOSED):
        if state is State.CLOSED:
            connection.close()
        return connection
    kind = KIND_OF.get(state, Command.BIND_TRANSCEIVER)
    if role is Role.SMSC:
        tell(connection, kind, BIND, sequence=1)
        if state is not State.BINDING:
            connection.accept_bind(b"gateway")
    else:
        connection.bind(Command(kind), b"luck", b"secret08", b"", 0.0)
        if state is not State.BINDING:
            tell(connection, kind | 0x80000000, b"smsc\0", sequence=1)
    if state is State.UNBINDING:
        connection.unbind(0.0)
    connection.take_output()
    assert connection.state is state
    return connection


def server(state: State = State.BOUND_TRX, **changed: Any) -> Connection:
    """A connection in the server's role."""
    return in_state(Role.SMSC, state, **changed)


def client(state: State = State.BOUND_TRX, **changed: Any) -> Connection:
    """A connection in the client's role."""
    return in_state(Role.ESME, state, **changed)


def joined(
    kind: Command = Command.BIND_TRANSCEIVER, **changed: Any
) -> tuple[Connection, Connection]:
    """A client and a server that are bound to each other."""
    settings = Settings(**changed)
    esme, smsc = (
        Connection(Role.ESME, settings, 0.0),
        Connection(Role.SMSC, settings, 0.0),
    )
    esme.bind(kind, b"luck", b"secret08", b"", 0.0)
    smsc.receive(esme.take_output(), 0.0)
    smsc.accept_bind(b"gateway")
    esme.receive(smsc.take_output(), 0.0)
    return esme, smsc


def state_of(connection: Connection) -> State:
    """Its state now; mypy believes what an earlier assertion said of the attribute."""
    return connection.state


octet = st.integers(0, 255)


def c_string(most: int, least: int = 0) -> st.SearchStrategy[bytes]:
    """Octets that can stand in a C-octet string."""
    return st.binary(min_size=least, max_size=most).filter(lambda s: 0 not in s)


tlv_dicts = st.dictionaries(
    st.integers(0, 0xFFFF), st.binary(max_size=40), min_size=1, max_size=6
)


def vendors(tlvs: dict[int, bytes] | None) -> dict[int, bytes] | None:
    """The same values under vendors' tags, which have no rules."""
    return {0x1400 | tag & 0x2BFF: v for tag, v in tlvs.items()} if tlvs else None


sm_fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "service_type": c_string(5),
        "source_addr_ton": octet,
        "source_addr_npi": octet,
        "source_addr": c_string(20),
        "dest_addr_ton": octet,
        "dest_addr_npi": octet,
        "destination_addr": c_string(20, 1),
        "esm_class": octet,
        "protocol_id": octet,
        "priority_flag": octet,
        "schedule_delivery_time": st.just(b"") | c_string(16, 16),
        "validity_period": st.just(b"") | c_string(16, 16),
        "registered_delivery": octet,
        "replace_if_present_flag": octet,
        "data_coding": octet,
        "sm_default_msg_id": octet,
        "short_message": st.binary(max_size=254),
    }
)
