"""A crowd of hostile peers on a live port: ``python -m tests.fuzz.attack --help``.

Strangers that do not bind, partners of one account that send damaged PDUs over all
kinds of bind (some never read, some never answer), and connections with half a PDU.
Whatever comes back has to be whole legal PDUs. Everybody comes from an address of
127.0.1.0/24 of its own, so that limits for each address do not hide the rest.
"""

import errno
import json
import random
import secrets
import selectors
import socket
import struct
import sys
import time
from collections import Counter
from typing import Final

import attrs
import click

from luckgw.wire.binds import Bind, encode_bind
from luckgw.wire.connection import Command, Role
from luckgw.wire.pdus import encode_pdu
from tests.fuzz.mutate import a_pdu
from tests.fuzz.sessions import check_pdu
from tests.wire.peers import Pdu

STRANGER, READER, DEAF = "stranger", "reader", "deaf"
"""Does not bind; binds and reads what comes; binds and never reads."""
CROWD: Final = (READER, READER, READER, STRANGER, READER, READER, DEAF, STRANGER)
BINDS: Final = (
    Command.BIND_TRANSCEIVER,
    Command.BIND_TRANSMITTER,
    Command.BIND_RECEIVER,
)
TURN_S: Final = 0.005
CONNECTS_PER_TURN: Final = 4
MOST_UNSENT: Final = 65_536
UNFRAMED: Final = 300
"""One PDU of so many loses its boundaries, and the session with it."""
HALF: Final = bytes.fromhex("000000410000000400000000")
"""The first octets of a submit_sm."""


@attrs.define
class Report:
    """What happened. As JSON it is one line."""

    pdus: int = 0
    """Written, most of them damaged."""
    octets: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    connections: int = 0
    refused: int = 0
    """Connections or binds that were not taken."""
    bound: int = 0
    ended: int = 0
    """Connections that the server closed."""
    answers: int = 0
    """PDUs that came back."""
    statuses: dict[str, int] = attrs.Factory(dict)
    """Of these, by command_status."""
    illegal: list[str] = attrs.Factory(list)
    """PDUs that must not come back, or halves of them; empty is well."""


class Peer:
    """One hostile connection."""

    def __init__(self, crowd: "Crowd", number: int, manner: str) -> None:
        self.crowd = crowd
        self.number = number
        self.manner = manner
        self.is_bound = False
        self._unsent = b""
        self._unread = b""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((f"127.0.1.{1 + number % 250}", 0))
        if manner == DEAF:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        error = self.socket.connect_ex(crowd.address)
        self.failed = error not in (0, errno.EINPROGRESS)
        if manner != STRANGER:
            body = encode_bind(
                Bind(crowd.system_id, crowd.password, b"", 52, 0, 0, b"")
            )
            self._unsent = encode_pdu(BINDS[number % 3], 0, 1, body)

    @property
    def may_send(self) -> bool:
        """Whether damaged PDUs may follow now."""
        is_ready = self.is_bound or self.manner == STRANGER
        return is_ready and len(self._unsent) < MOST_UNSENT

    def send(self, pdus: list[bytes]) -> None:
        """Write these."""
        self._unsent += b"".join(pdus)

    @property
    def is_deaf(self) -> bool:
        """Whether it no longer reads."""
        return self.manner == DEAF and self.is_bound

    def write(self) -> bool:
        """Write what can be written; False when the connection is over."""
        try:
            if self._unsent:
                sent = self.socket.send(self._unsent)
                self.crowd.report.octets += sent
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def read(self) -> bool:
        """Read what is there; False when the connection is over."""
        try:
            octets = self.socket.recv(65_536)
        except BlockingIOError:
            return True
        except OSError:  # reset: what was on its way is lost, and may be half a PDU
            return False
        return self._take(octets)

    def _take(self, octets: bytes) -> bool:
        if not octets:
            if self._unread:
                self.crowd.report.illegal.append(f"half a PDU: {self._unread.hex()}")
            return False
        self._unread += octets
        at = 0
        while len(self._unread) - at >= 16:
            length, command_id, status, number = struct.unpack_from(
                ">4I", self._unread, at
            )
            if not 16 <= length <= 70_000:
                self.crowd.report.illegal.append(self._unread[at : at + 16].hex())
                return False
            if len(self._unread) - at < length:
                break
            body = self._unread[at + 16 : at + length]
            self._answered(Pdu(command_id, status, number, body))
            at += length
        self._unread = self._unread[at:]
        return True

    def _answered(self, pdu: Pdu) -> None:
        report = self.crowd.report
        report.answers += 1
        self.crowd.statuses[f"0x{pdu.command_status:02X}"] += 1
        try:
            check_pdu(Role.SMSC, pdu)
        except AssertionError:
            report.illegal.append(repr(pdu))
        if pdu.sequence_number == 1 and pdu.command_id & 0x7FFFFFFF in BINDS:
            if pdu.command_status == 0 and not self.is_bound:
                self.is_bound = True
                report.bound += 1
            elif not self.is_bound:
                report.refused += 1
        elif pdu.command_id == Command.DELIVER_SM and self.number % 2:
            self._unsent += encode_pdu(
                Command.DELIVER_SM_RESP, 0, pdu.sequence_number, b"\0"
            )


class Crowd:
    """All hostile connections."""

    def __init__(
        self, address: tuple[str, int], system_id: bytes, password: bytes, seed: int
    ) -> None:
        self.address = address
        self.system_id = system_id
        self.password = password
        self.report = Report()
        self.statuses: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._peers: list[Peer] = []
        self._halves: list[socket.socket] = []
        self._numbers = 0

    def run(
        self, pdus: int, rate: float, seconds: float, connections: int, halves: int
    ) -> Report:
        """Send so many PDUs, at most so many a second, for at most so long."""
        report = self.report
        began = time.monotonic()
        while report.pdus < pdus:
            elapsed = time.monotonic() - began
            if elapsed > seconds:
                break
            self._connect(connections, halves)
            self._send(min(pdus, int(elapsed * rate)) - report.pdus)
            self._read_all(time.monotonic() + TURN_S)
            for peer in [peer for peer in self._peers if not peer.write()]:
                self._drop(peer)
        report.seconds = round(time.monotonic() - began, 1)
        report.cpu_s = round(time.process_time(), 1)
        report.statuses = dict(self.statuses.most_common())
        for peer in list(self._peers):
            self._drop(peer)
        for half in self._halves:
            half.close()
        return report

    def _connect(self, connections: int, halves: int) -> None:
        missing = min(CONNECTS_PER_TURN, connections - len(self._peers))
        for _ in range(missing):
            self._numbers += 1
            manner = CROWD[self._numbers % len(CROWD)]
            peer = Peer(self, self._numbers, manner)
            self.report.connections += 1
            if peer.failed:
                self.report.refused += 1
                peer.socket.close()
                continue
            self._peers.append(peer)
            self._selector.register(peer.socket, selectors.EVENT_READ, peer)
        if len(self._halves) < halves:
            self._numbers += 1
            half = socket.socket()
            half.bind((f"127.0.1.{1 + self._numbers % 250}", 0))
            if half.connect_ex(self.address) == 0:
                half.sendall(HALF[: 1 + self._numbers % len(HALF)])
            self._halves.append(half)
            self.report.connections += 1
        elif halves and not self._rng.randrange(100):
            self._halves.pop(0).close()  # the server has cut most of the old ones

    def _read_all(self, until: float) -> None:
        """Read what comes, for the rest of this turn."""
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                peer: Peer = key.data
                if not peer.read():
                    self._drop(peer)
                elif peer.is_deaf:
                    self._selector.unregister(peer.socket)

    def _send(self, due: int) -> None:
        ready = [peer for peer in self._peers if peer.may_send]
        self._rng.shuffle(ready)
        for peer in ready:
            if due <= 0:
                break
            count = min(due, self._rng.randrange(1, 20))
            peer.send([a_pdu(self._rng, UNFRAMED) for _ in range(count)])
            self.report.pdus += count
            due -= count

    def _drop(self, peer: Peer) -> None:
        self.report.ended += 1
        if not peer.is_deaf:
            self._selector.unregister(peer.socket)
        peer.socket.close()
        self._peers.remove(peer)


@click.command(help=__doc__)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65_535), required=True)
@click.option("--system-id", required=True)
@click.option("--password", required=True)
@click.option("--pdus", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--rate", type=click.FloatRange(1), default=5000.0, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=600.0, show_default=True)
@click.option("--connections", type=click.IntRange(1), default=40, show_default=True)
@click.option("--halves", type=click.IntRange(0), default=50, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="Without it: a new one.")
def main(
    host: str,
    port: int,
    system_id: str,
    password: str,
    pdus: int,
    rate: float,
    seconds: float,
    connections: int,
    halves: int,
    seed: int | None,
) -> None:
    """Attack, and print the report; the exit status is 1 for an illegal answer."""
    crowd = Crowd(
        (host, port),
        system_id.encode(),
        password.encode(),
        secrets.randbits(32) if seed is None else seed,
    )
    report = crowd.run(pdus, rate, seconds, connections, halves)
    click.echo(json.dumps(attrs.asdict(report)))
    sys.exit(bool(report.illegal))


if __name__ == "__main__":
    main()
