"""TLS to a carrier, over real sockets: whom we believe, and what a stranger learns."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted  # type: ignore[import-untyped]
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, CertificateOptions
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from luckgw.config import model
from luckgw.config.secret import Secret
from luckgw.config.tls import Tls
from luckgw.link.flusher import Flusher
from luckgw.upstream.reach import way_to
from luckgw.upstream.smpp import SmppUpstream
from luckgw.upstream.tls import TlsError, tls_options
from luckgw.wire.pdus import RESPONSE, Command, encode_pdu
from tests.papers import Paper, paper
from tests.upstream.carrier import MIDDLE, Ear
from tests.wire.peers import pdus

reactor: Any = _reactor


class Smsc(Protocol):
    """Takes any bind; keeps what came, and the name that was asked for."""

    def __init__(self, server: "Server") -> None:
        self.server = server

    def dataReceived(self, data: bytes) -> None:
        """A bind or an unbind, which are answered."""
        self.server.got += data
        transport: Any = self.transport
        self.server.asked_for = transport.getHandle().get_servername()
        peer = transport.getPeerCertificate()
        if peer is not None:
            self.server.peer = peer.to_cryptography().subject.rfc4514_string()
        for pdu in pdus(data):
            body = b"" if pdu.command_id == Command.UNBIND else b"smsc\0"
            answer = pdu.command_id | RESPONSE
            transport.write(encode_pdu(answer, 0, pdu.sequence_number, body))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note it."""
        del reason
        self.server.lost += 1


class Server(Factory):
    """A TLS listener on loopback."""

    noisy = False

    def __init__(self) -> None:
        self.got = b""
        self.asked_for: bytes | None = None
        self.peer = ""
        self.lost = 0

    def buildProtocol(self, addr: object) -> Smsc:
        """One connection."""
        del addr
        return Smsc(self)


@pytest.fixture(scope="module")
def ca() -> Paper:
    """The carrier's CA."""
    return paper("Carrier CA")


@attrs.define
class Bench:
    """A server, and upstreams that connect to it."""

    server: Server
    port: Any
    upstreams: list[SmppUpstream]

    async def status(self, tls: Tls | None, want: str, host: str = "localhost") -> Any:
        """An upstream's bind once it is in that state."""
        config = model.Upstream(
            name="mtn",
            endpoint=f"tcp:{host}:{self.port.getHost().port}",
            system_id="luck",
            password=Secret("secret08"),
            tls=tls,
        )
        upstream = SmppUpstream(
            reactor, Flusher(reactor), way_to(reactor, config), config, lambda: MIDDLE
        )
        self.upstreams.append(upstream)
        upstream.start(Ear())
        for _ in range(500):
            [status] = upstream.status()
            if status.state == want:
                return status
            await deferLater(reactor, 0.01)
        return upstream.status()[0]


Listen = Callable[..., Awaitable[Bench]]


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def listen() -> AsyncIterator[Listen]:
    """Listens with a certificate, and with a CA for those of clients."""
    benches: list[Bench] = []

    async def listen(shown: Paper, clients: Paper | None = None) -> Bench:
        more: dict[str, Any] = {}
        if clients is not None:
            more = {"trustRoot": Certificate.loadPEM(clients.pem())}
        options = CertificateOptions(
            privateKey=shown.key,  # type: ignore[arg-type]
            certificate=shown.certificate,  # type: ignore[arg-type]
            **more,
        )
        server = Server()
        port = reactor.listenSSL(0, server, options, interface="127.0.0.1")
        benches.append(Bench(server, port, []))
        return benches[-1]

    yield listen
    for bench in benches:
        for upstream in bench.upstreams:
            await upstream.drain(0)
        await bench.port.stopListening()


async def test_the_right_name_of_a_ca_we_trust(
    listen: Listen, ca: Paper, tmp_path: Path
) -> None:
    """Bound; and the server was asked for the name (SNI)."""
    bench = await listen(paper("localhost", ca))
    trusted, _ = ca.write(tmp_path, "ca")
    status = await bench.status(Tls(ca=trusted), "bound")
    assert (status.state, status.trouble) == ("bound", "")
    assert bench.server.asked_for == b"localhost"
    assert b"secret08" in bench.server.got


async def test_a_name_of_its_own(listen: Listen, ca: Paper, tmp_path: Path) -> None:
    """``name`` is asked for and checked in place of the endpoint's host."""
    bench = await listen(paper("smsc.example.net", ca))
    trusted, _ = ca.write(tmp_path, "ca")
    tls = Tls(ca=trusted, name="smsc.example.net")
    status = await bench.status(tls, "bound", host="127.0.0.1")
    assert status.state == "bound"
    assert bench.server.asked_for == b"smsc.example.net"


@pytest.mark.parametrize("case", ["wrong name", "stranger", "expired", "system"])
async def test_somebody_else_learns_nothing(
    listen: Listen, ca: Paper, tmp_path: Path, case: str
) -> None:
    """Not bound, class TLS, and not an octet of the bind has left."""
    trusted, _ = ca.write(tmp_path, "ca")
    shown, tls = {
        "wrong name": (paper("other.example.net", ca), Tls(ca=trusted)),
        "stranger": (paper("localhost", paper("Stranger CA")), Tls(ca=trusted)),
        "expired": (paper("localhost", ca, until_days=-1), Tls(ca=trusted)),
        "system": (paper("localhost", ca), Tls()),
    }[case]
    bench = await listen(shown)
    status = await bench.status(tls, "waiting")
    assert (status.state, status.trouble) == ("waiting", "TLS")
    assert status.last_error
    for _ in range(100):
        if bench.server.lost:
            break
        await deferLater(reactor, 0.01)
    assert bench.server.got == b""


async def test_somebody_who_speaks_no_tls(ca: Paper, tmp_path: Path) -> None:
    """Class TLS, too."""
    port = reactor.listenTCP(0, Factory.forProtocol(_Talker), interface="127.0.0.1")
    bench = Bench(Server(), port, [])
    trusted, _ = ca.write(tmp_path, "ca")
    status = await bench.status(Tls(ca=trusted), "waiting")
    assert status.trouble == "TLS"
    for upstream in bench.upstreams:
        await upstream.drain(0)
    await port.stopListening()


class _Talker(Protocol):
    def dataReceived(self, data: bytes) -> None:
        """Anything but TLS."""
        del data
        transport: Any = self.transport
        transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def test_without_verification(listen: Listen) -> None:
    """It works with anybody, which is why ``luckgw check`` warns."""
    bench = await listen(paper("other.example.net", paper("Stranger CA")))
    status = await bench.status(Tls(verify=False), "bound")
    assert status.state == "bound"
    assert bench.server.asked_for == b"localhost"


async def test_a_certificate_of_ours(listen: Listen, ca: Paper, tmp_path: Path) -> None:
    """The carrier sees it; without it a carrier that asks for one ends the bind."""
    bench = await listen(paper("localhost", ca), clients=ca)
    trusted, _ = ca.write(tmp_path, "ca")
    certificate, key = paper("luck", ca).write(tmp_path, "own")
    tls = Tls(ca=trusted, certificate=certificate, key=key)
    assert (await bench.status(tls, "bound")).state == "bound"
    assert bench.server.peer == "CN=luck"
    status = await bench.status(Tls(ca=trusted), "waiting")
    assert (status.state, status.trouble) == ("waiting", "TLS")


async def test_a_key_of_another_certificate(ca: Paper, tmp_path: Path) -> None:
    """Is told before anything starts."""
    certificate, _ = paper("luck", ca).write(tmp_path, "own")
    _, key = paper("luck", ca).write(tmp_path, "other")
    with pytest.raises(TlsError, match=r"other\.key is not the private key of"):
        tls_options(Tls(certificate=certificate, key=key), "localhost")


async def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    """PEM by its looks only."""
    broken = tmp_path / "ca.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(TlsError, match="no certificate that can be read"):
        tls_options(Tls(ca=broken), "localhost")


async def test_names_are_looked_up_at_each_connect() -> None:
    """A carrier that moves is found again."""
    asked: list[str] = []

    class Names:
        """A resolver that knows nothing, and counts."""

        def resolveHostName(  # noqa: N802 - Twisted's name
            self, receiver: Any, name: str, *_: object, **__: object
        ) -> Any:
            asked.append(name)
            receiver.resolutionBegan(None)
            receiver.resolutionComplete()

    class Reactor:
        """The real one, with these names."""

        nameResolver = Names()  # noqa: N815 - Twisted's name

        def __getattr__(self, name: str) -> Any:
            return getattr(reactor, name)

    config = model.Upstream(
        name="mtn",
        endpoint="tcp:smsc.example.net:2775",
        system_id="luck",
        password=Secret("secret08"),
        tls=Tls(),
    )
    way = way_to(Reactor(), config)
    for _ in range(2):
        failed: Deferred[Any] = way.connect(Factory.forProtocol(Protocol))
        with pytest.raises(Exception, match=r"smsc\.example\.net"):
            await failed
    assert asked == ["smsc.example.net"] * 2
