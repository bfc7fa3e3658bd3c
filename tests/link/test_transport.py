"""Promises of how sockets are set up, on real ones."""

import datetime
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    serverFromString,
)
from twisted.internet.interfaces import IStreamServerEndpoint, ISystemHandle
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import ClientContextFactory
from twisted.internet.task import Clock, deferLater
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from luckgw.link.flusher import Flusher
from luckgw.link.session import WRITE_STALL_S, SmppSession
from luckgw.link.transport import tune
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.pdus import Command, encode_pdu
from tests.wire.peers import BIND, pdus

reactor: Any = _reactor

# How Twisted itself loads a certificate and a key.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


class Partner(Protocol):
    """Reads, when it reads."""

    def __init__(self) -> None:
        self.octets = b""
        self.is_lost = False

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.octets += data

    def connectionLost(self, reason: object = None) -> None:  # noqa: ARG002 - Twisted's
        """Note it."""
        self.is_lost = True


class Server(SmppSession):
    """Lets everybody in."""

    def handle(self, events: list[Any]) -> None:
        """Whatever comes, it is a bind."""
        for _ in events:
            self.wire.accept_bind(b"gateway")

    def gone(self, unanswered: list[object], reason: str) -> None:
        """Nothing to do."""


class Pair:
    """A session, on a clock of its own, and the partner at the other end."""

    def __init__(self) -> None:
        self.clock = Clock()
        wire = Connection(Role.SMSC, Settings(), 0.0)
        self.session = Server(self.clock, Flusher(self.clock), wire)
        self.partner = Partner()

    def option(self, level: int, name: int) -> int:
        """A socket option of the session's end."""
        transport: Any = self.session.transport
        while not isinstance(transport.getHandle(), socket.socket):
            transport = transport.transport
        value: int = transport.getHandle().getsockopt(level, name)
        return value


@asynccontextmanager
async def joined(
    server: IStreamServerEndpoint,
    connect: Callable[[Any, Any], "Deferred[Any]"],
) -> AsyncIterator[Pair]:
    """A session on this endpoint, with a partner connected to it."""
    pair = Pair()
    port: Any = await server.listen(Factory.forProtocol(lambda: pair.session))
    try:
        partners = Factory.forProtocol(lambda: pair.partner)
        await connect(port.getHost(), partners)
        await until(lambda: pair.session.connected)
        yield pair
    finally:
        if pair.session.connected:
            pair.session.abort()
            await until(lambda: pair.session.is_gone and pair.partner.is_lost)
        await port.stopListening()


async def until(condition: Callable[[], object]) -> None:
    """Let the real reactor run until ``condition`` holds; the test's limit ends it."""
    while not condition():
        await deferLater(reactor, 0.002)


def over_tcp(host: Any, partners: Any) -> "Deferred[Any]":
    """Connect in clear."""
    return TCP4ClientEndpoint(reactor, "127.0.0.1", host.port).connect(partners)


def over_tls(host: Any, partners: Any) -> "Deferred[Any]":
    """Connect with TLS, trusting everybody."""
    wrapped = TLSMemoryBIOFactory(ClientContextFactory(), True, partners)
    return over_tcp(host, wrapped)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate that nobody signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day.replace(year=2076))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    pkcs8 = serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "gateway.pem"
    path.write_bytes(
        key.private_bytes(pem, pkcs8, serialization.NoEncryption())
        + signed.public_bytes(pem)
    )
    return path


def tls_server(pem: Path) -> IStreamServerEndpoint:
    """Where a session listens with TLS, as the configuration would say it."""
    endpoint: IStreamServerEndpoint = serverFromString(
        reactor, f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
    )
    return endpoint


class TestSocketOptions:
    def check(self, pair: Pair) -> None:
        """The options of spec/reliability 2.5 are set."""
        tcp = socket.IPPROTO_TCP
        assert pair.option(tcp, socket.TCP_NODELAY)
        assert pair.option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert pair.option(tcp, socket.TCP_KEEPIDLE) == 30
        assert pair.option(tcp, socket.TCP_KEEPINTVL) == 10
        assert pair.option(tcp, socket.TCP_KEEPCNT) == 3
        assert pair.option(tcp, socket.TCP_USER_TIMEOUT) == WRITE_STALL_S * 1000

    async def test_tcp(self) -> None:
        """No Nagle; a dead peer is noticed."""
        server = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        async with joined(server, over_tcp) as pair:
            self.check(pair)

    async def test_tls(self, certificate: Path) -> None:
        """The same for the socket under TLS."""
        async with joined(tls_server(certificate), over_tls) as pair:
            self.check(pair)

    async def test_unix(self, tmp_path: Path) -> None:
        """A Unix socket has none of them, and is served all the same."""
        address = str(tmp_path / "smpp")
        server = UNIXServerEndpoint(reactor, address)

        def connect(_: Any, partners: Any) -> "Deferred[Any]":
            endpoint = UNIXClientEndpoint(reactor, address)
            return endpoint.connect(partners)  # type: ignore[no-any-return]

        async with joined(server, connect) as pair:
            assert pair.session.transport is not None
            assert not pair.session.is_gone

    def test_a_socket_that_is_gone(self) -> None:
        """A peer that connects and leaves at once breaks nothing."""
        ours = socket.socket()
        ours.close()

        @implementer(ISystemHandle)
        class Transport:
            def getHandle(self) -> socket.socket:  # noqa: N802 - Twisted's name
                return ours

        tune(Transport(), WRITE_STALL_S)


class TestTls:
    async def test_a_bind(self, certificate: Path) -> None:
        """SMPP over TLS: octets written before the handshake is done are not lost."""
        async with joined(tls_server(certificate), over_tls) as pair:
            assert pair.partner.transport is not None
            pair.partner.transport.write(
                encode_pdu(Command.BIND_TRANSCEIVER, 0, 1, BIND)
            )
            await until(lambda: pair.session.wire.has_output)
            pair.clock.advance(0)
            await until(lambda: pair.partner.octets)
            [bound] = pdus(pair.partner.octets)
            assert (bound.command_id, bound.command_status) == (0x80000009, 0)

    async def test_a_peer_that_never_says_goodbye(self, certificate: Path) -> None:
        """TLS is closed by both sides: one that does not is cut after five seconds."""
        async with joined(tls_server(certificate), over_tls) as pair:
            partner: Any = pair.partner.transport
            await until(lambda: partner._handshakeDone)
            session: Any = pair.session.transport
            await until(lambda: session._handshakeDone)
            partner.transport.pauseProducing()
            pair.session.close()
            pair.clock.advance(4)
            await deferLater(reactor, 0.05)
            assert not pair.session.is_gone
            pair.clock.advance(1)
            await until(lambda: pair.session.is_gone)
            partner.transport.resumeProducing()
