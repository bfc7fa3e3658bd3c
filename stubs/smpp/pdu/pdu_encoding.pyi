from typing import BinaryIO

from smpp.pdu.pdu_types import PDU

class PDUEncoder:
    HEADER_LEN: int
    def encode(self, pdu: PDU, name: str = ...) -> bytes: ...
    def decode(self, file: BinaryIO) -> PDU: ...
