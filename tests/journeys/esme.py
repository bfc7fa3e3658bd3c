"""A partner that says exactly what a test wants: SMPP on a blocking socket."""

import socket
import struct
from collections.abc import Iterator

from luckgw.wire.binds import Bind, encode_bind
from luckgw.wire.pdus import RESPONSE, Command, Sm, decode_sm, encode_pdu
from tests.wire.peers import Pdu

HEADER = struct.Struct(">4I")


class Esme:
    """Bound as transceiver; answers each deliver_sm, and keeps it."""

    def __init__(self, port: int, *, version: int = 0x34) -> None:
        self.receipts: list[Sm] = []
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._sequence = 0
        bind = Bind(b"acme", b"secret", b"", version, 0, 0, b"")
        self.bound = self.ask(Command.BIND_TRANSCEIVER, encode_bind(bind))

    def close(self) -> None:
        """Unbind and close."""
        self.ask(Command.UNBIND, b"")
        self._socket.close()

    def ask(self, command: Command, body: bytes) -> Pdu:
        """Send a request; its answer."""
        self._sequence += 1
        self._socket.sendall(encode_pdu(command, 0, self._sequence, body))
        for pdu in self._pdus():
            if pdu.sequence_number == self._sequence and pdu.command_id & RESPONSE:
                return pdu
        raise AssertionError("the gateway closed the connection")

    def wait_receipts(self, count: int) -> list[Sm]:
        """Wait for so many receipts; those not waited for before."""
        pdus = self._pdus()
        while len(self.receipts) < count:
            next(pdus)
        receipts, self.receipts = self.receipts, []
        return receipts

    def _pdus(self) -> Iterator[Pdu]:
        while head := self._read(16):
            length, command, status, sequence = HEADER.unpack(head)
            body = self._read(length - 16)
            if command == Command.DELIVER_SM:
                self.receipts.append(decode_sm(body, command, sequence))
                self._socket.sendall(encode_pdu(command | RESPONSE, 0, sequence, b"\0"))
            yield Pdu(command, status, sequence, body)

    def _read(self, size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            more = self._socket.recv(size - len(octets))
            if not more:
                return b""
            octets += more
        return octets
