"""Who gets in by SMPP: TLS, certificates, half-open links, strangers, the deaf."""

import contextlib
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from luckgw.wire.binds import Bind, encode_bind
from luckgw.wire.pdus import Command, decode_sm, encode_pdu, encode_sm
from tests.certificates import Certificate
from tests.journeys.house import House, free_port, until
from tests.wire.peers import Pdu, pdus

RESP = 0x80000000


class DoorHouse(House):
    """A gateway with more in its configuration."""

    def __init__(self, directory: Path, extra: str, smpp: str = "") -> None:
        super().__init__(directory)
        text = self.config.read_text().replace("[smpp]\n", f"[smpp]\n{smpp}")
        self.config.write_text(text + extra)

    def memory_mib(self) -> float:
        """What the process has of the machine's memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [each for each in status.splitlines() if each.startswith("VmRSS")]
        return int(line.split()[1]) / 1024


Open = Callable[..., DoorHouse]
_SOCKETS: list[socket.socket] = []
"""What a test has connected: closed behind it, lest the gateway waits for farewells."""


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[Open]:
    """Starts a gateway; the text goes behind its configuration, into account acme, and
    ``smpp`` into that section.
    """
    houses: list[DoorHouse] = []

    def start(extra: str, smpp: str = "") -> DoorHouse:
        house = DoorHouse(tmp_path, extra, smpp)
        houses.append(house)
        house.carrier.start()
        house.start()
        house.wait_ready()
        return house

    yield start
    for each in _SOCKETS:
        each.close()
    _SOCKETS.clear()
    for house in houses:
        house.close()


class Partner:
    """An ESME on a plain socket: it does what the test says, and nothing else."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        _SOCKETS.append(sock)
        self._octets = b""
        self._sequence = 0

    def send(self, command: int, body: bytes = b"", sequence: int = 0) -> int:
        """Send one PDU."""
        self._sequence += 1
        number = sequence or self._sequence
        self.sock.sendall(encode_pdu(command, 0, number, body))
        return number

    def read(self) -> Pdu | None:
        """The next PDU; None when the connection is over."""
        while len(self._octets) < 4 or len(self._octets) < self._length():
            try:
                octets = self.sock.recv(65_536)
            except ConnectionError:
                octets = b""
            if not octets:
                return None
            self._octets += octets
        length = self._length()
        [pdu] = pdus(self._octets[:length])
        self._octets = self._octets[length:]
        return pdu

    def _length(self) -> int:
        length: int = struct.unpack_from(">I", self._octets)[0]
        return length

    def bind(
        self,
        system_id: str = "acme",
        password: str = "secret",
        kind: int = Command.BIND_TRANSCEIVER,
    ) -> int | None:
        """Ask to be bound; the answer's status, or None when there is none."""
        fields = Bind(system_id.encode(), password.encode(), b"", 0x34, 0, 0, b"")
        try:
            self.send(kind, encode_bind(fields))
        except ConnectionError:
            return None
        answer = self.read()
        return answer.command_status if answer is not None else None

    def submit(self) -> Pdu | None:
        """Send a message; the answer."""
        self.send(Command.SUBMIT_SM, MESSAGE)
        return self.read()

    def receipt(self) -> str:
        """Wait for a deliver_sm, and answer it; its text."""
        pdu = self.read()
        while pdu is not None and pdu.command_id != Command.DELIVER_SM:
            pdu = self.read()
        assert pdu is not None, "the connection ended"
        self.send(Command.DELIVER_SM_RESP, b"\0", pdu.sequence_number)
        return decode_sm(pdu.body, from_smsc=True).short_message.decode()


MESSAGE = encode_sm(
    source_addr_ton=5,
    source_addr=b"LuckCreators",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr=b"233501234567",
    registered_delivery=1,
    short_message=b"Hello",
)


def connect(port: int, host: str = "127.0.0.1", source: str = "127.0.0.1") -> Partner:
    """In the clear, from an address of this machine."""
    return Partner(socket.create_connection((host, port), 10, (source, 0)))


def connect_tls(
    port: int, certificate: Certificate | None = None, **settings: Any
) -> Partner:
    """With Python's own TLS."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # what is refused, the gateway refuses
    for name, value in settings.items():
        setattr(context, name, value)
    if certificate is not None:
        context.load_cert_chain(certificate.path)
    raw = socket.create_connection(("127.0.0.1", port), 10)
    return Partner(context.wrap_socket(raw, server_hostname="gateway"))


def session(house: House) -> Any:
    """The one bound session, as the operator sees it."""

    def alone() -> Any:
        shown = json.loads(house.luckgw("status", "--json").stdout)
        return shown["partners"] if len(shown["partners"]) == 1 else None

    [partner] = until(alone, 5, "one session is bound")
    return partner


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_tls_and_a_certificate_of_its_own(open_house: Open, tmp_path: Path) -> None:
    """An account is bound to a certificate by its fingerprint: without it, or with
    another one, 0x0E, though the password is right; an account that asks for none binds
    over the same port without. Messages and receipts go over it.
    """
    ours, theirs, others = [
        Certificate.make(tmp_path, name) for name in ("gateway", "acme", "eve")
    ]
    port = free_port()
    house = open_house(
        f"""access.certificates = ["sha256:{theirs.fingerprint.upper()}"]
[accounts.plain]
password = "secret"
[accounts.safe]
password = "secret"
access.require_tls = true
[smpp.tls]
listen = ["tcp:{port}:interface=127.0.0.1"]
certificate = "{ours.path}"
private_key = "{ours.path}"
"""
    )
    assert connect(house.smpp_port).bind() == 0x0E
    assert connect_tls(port).bind() == 0x0E
    assert connect_tls(port, others).bind() == 0x0E
    assert connect_tls(port).bind("plain") == 0
    assert connect(house.smpp_port).bind("safe") == 0x0E
    assert connect_tls(port).bind("safe") == 0
    with pytest.raises(ssl.SSLError):
        connect_tls(
            port,
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )
    for each in _SOCKETS:
        each.close()
    partner = connect_tls(port, theirs, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert partner.bind() == 0
    shown = session(house)
    assert shown["account"] == "acme"
    assert (shown["tls"], shown["kind"]) == ("TLSv1.2", "transceiver")
    assert shown["certificate"] == theirs.fingerprint[:16]
    answer = partner.submit()
    assert answer is not None
    assert answer.command_status == 0
    message_id = answer.body[:-1].decode()
    assert message_id in partner.receipt()
    text = house.log.read_text()
    assert "no certificate of this account" in text
    assert "Traceback" not in text


def test_certificates_of_an_authority(open_house: Open, tmp_path: Path) -> None:
    """What the authority did not sign ends the handshake; what it signed is known by
    its name; and no certificate is none.
    """
    authority = Certificate.make(tmp_path, "authority")
    ours = Certificate.make(tmp_path, "gateway")
    good = Certificate.make(tmp_path, "acme", authority)
    other = Certificate.make(tmp_path, "other", authority)
    false = Certificate.make(tmp_path, "false-authority")
    (tmp_path / "false").mkdir()
    forged = Certificate.make(tmp_path / "false", "acme", false)
    port = free_port()
    house = open_house(
        f"""access.certificates = ["subject:CN=acme"]
[smpp.tls]
listen = ["tcp:{port}:interface=127.0.0.1"]
certificate = "{ours.path}"
private_key = "{ours.path}"
client_ca = "{authority.path}"
"""
    )
    with contextlib.suppress(ssl.SSLError):  # TLS 1.3 tells it with the first read
        assert connect_tls(port, forged).bind() is None
    assert connect_tls(port).bind() == 0x0E
    assert connect_tls(port, other).bind() == 0x0E
    assert connect_tls(port, good).bind() == 0
    assert "Traceback" not in house.log.read_text()


def test_strangers_at_the_tls_port(open_house: Open, tmp_path: Path) -> None:
    """A handshake that does not come, or too many connections: closed, in time and
    without a traceback; a partner gets in.
    """
    ours = Certificate.make(tmp_path, "gateway")
    port, plain_ssl = free_port(), free_port()
    house = open_house(
        f"""[smpp.tls]
listen = ["tcp:{port}:interface=127.0.0.1"]
certificate = "{ours.path}"
private_key = "{ours.path}"
""",
        smpp=f"""session_init_s = 2
connections.unbound_per_address = 3
listen = ["ssl:{plain_ssl}:privateKey={ours.path}:certKey={ours.path}"]
#""",
    )
    for each in (port, plain_ssl):
        silent = [connect(each) for _ in range(3)]
        for _ in range(3):
            with pytest.raises(OSError, match=r"EOF|reset|Broken pipe"):
                connect_tls(each)
        began = time.monotonic()
        assert [one.read() for one in silent] == [None] * 3
        assert 0.5 < time.monotonic() - began < 8
        partner = connect_tls(each)
        assert partner.bind() == 0
    assert "Traceback" not in house.log.read_text()


def test_a_certificate_that_can_not_be_read(tmp_path: Path) -> None:
    """One sentence, and a status that is not 0."""
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    house = DoorHouse(
        tmp_path,
        f"""[smpp.tls]
listen = ["tcp:{free_port()}:interface=127.0.0.1"]
certificate = "{broken}"
private_key = "{broken}"
""",
    )
    try:
        assert house.launch().wait(timeout=30) != 0
        text = house.log.read_text()
        assert f"can not start: [smpp.tls] certificate: {broken} can not be" in text
    finally:
        house.process = None
        house.close()


class Cable:
    """A TCP connection through us, which can be pulled: then nothing passes, and no end
    is told.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._is_over = False
        self.is_pulled = False
        self._thread = threading.Thread(target=self._pass, daemon=True)
        self._thread.start()

    def _pass(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._port))
        self._ends = [near, far]
        other = {near: far, far: near}
        while not self._is_over:
            for end in select.select(self._ends, [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    octets = end.recv(65_536)
                    if octets and not self.is_pulled:
                        other[end].sendall(octets)
                    elif not octets:
                        time.sleep(0.01)

    def close(self) -> None:
        """The test is over."""
        self._is_over = True
        self._thread.join(5)
        for each in (self._listener, *self._ends):
            each.close()


def test_after_a_half_open_link_a_partner_is_not_locked_out(open_house: Open) -> None:
    """Its old session is still there for us and fills its one place. It comes back, and
    is bound three seconds later, not a minute; the old session is gone. While that one
    lives, the new bind is refused.
    """
    house = open_house("max_binds = 1\n")
    cable = Cable(house.smpp_port)
    try:
        old = connect(cable.port)
        assert old.bind() == 0
        assert connect(house.smpp_port).bind() == 0x0D
        cable.is_pulled = True
        time.sleep(5.2)  # the silence after which it is asked
        new = connect(house.smpp_port)
        began = time.monotonic()
        assert new.bind() == 0
        took = time.monotonic() - began
        assert 2.5 < took < 5
        shown = session(house)
        assert shown["age_s"] <= 1
    finally:
        cable.close()


OTHER = """[accounts.other]
password = "secret"
senders = ["*"]
"""


def deaf(port: int) -> Partner:
    """A partner with little room for what it does not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", port))
    return Partner(sock)


def flood(partner: Partner) -> float:
    """Ask and ask and never listen, until the other side ends it; how long it took."""
    began = time.monotonic()
    octets = b"".join(encode_pdu(Command.ENQUIRE_LINK, 0, n, b"") for n in range(4096))
    with contextlib.suppress(OSError):
        while time.monotonic() - began < 60:
            partner.sock.sendall(octets)
    return time.monotonic() - began


def test_a_partner_that_does_not_read(open_house: Open) -> None:
    """It asks without end and reads no answer (spec/reliability F19): our memory stays,
    it is cut, others are served all the while; and the receipts of its messages come
    when it is back.
    """
    house = open_house(OTHER, smpp="write_stall_s = 3\n")
    partner = deaf(house.smpp_port)
    assert partner.bind() == 0
    for _ in range(20):
        partner.send(Command.SUBMIT_SM, MESSAGE)
    other = connect(house.smpp_port)
    assert other.bind("other") == 0
    before = house.memory_mib()
    took: list[float] = []
    flooding = threading.Thread(target=lambda: took.append(flood(partner)))
    flooding.start()
    most = 0.0
    while flooding.is_alive():
        began = time.monotonic()
        answer = other.submit()
        assert answer is not None
        while answer.command_id == Command.DELIVER_SM:  # a receipt came in between
            other.send(Command.DELIVER_SM_RESP, b"\0", answer.sequence_number)
            answer = other.read()
            assert answer is not None
        assert time.monotonic() - began < 2
        most = max(most, house.memory_mib())
        time.sleep(0.05)
    assert took[0] < 40
    assert most - before < 8
    partner.sock.close()
    again = connect(house.smpp_port)
    assert again.bind() == 0
    assert len({again.receipt()[:39] for _ in range(20)}) == 20
    assert "Traceback" not in house.log.read_text()


def test_strangers(open_house: Open) -> None:
    """Silent connections without end, halves of PDUs and a guesser (spec/reliability
    F20, F21): a partner binds and is served all the while, and the guesser is shut out,
    from its address alone.
    """
    house = open_house("max_binds = 50\n")
    for n in range(300):
        with contextlib.suppress(OSError):
            stranger = connect(house.smpp_port, source=f"127.0.{n % 50 + 1}.9")
            if n % 2:
                stranger.sock.sendall(b"\0\0\0\x40\0\0")
    for n in range(25):
        with contextlib.suppress(OSError):
            guesser = connect(house.smpp_port, source="127.9.9.9")
            assert guesser.bind(f"user{n}", "guess") in {0x0E, None}
    with contextlib.suppress(OSError):
        assert connect(house.smpp_port, source="127.9.9.9").bind() is None
    partner = connect(house.smpp_port)
    assert partner.bind() == 0
    answer = partner.submit()
    assert answer is not None
    assert answer.command_status == 0
    doors = json.loads(house.luckgw("status", "--json").stdout)["doors"]
    assert doors["unbound"] <= 200
    assert doors["turned away"]["too many are not bound"] >= 100
    assert doors["turned away"]["too many wrong passwords"] >= 1
    text = house.log.read_text()
    assert "too many wrong passwords from 127.9.9.9" in text
    assert "Traceback" not in text
