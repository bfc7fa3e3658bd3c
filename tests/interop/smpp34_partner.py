"""A partner on smpp34: ``python -m tests.interop.smpp34_partner PORT``.

smpp34 neither encodes nor cuts texts, so this script does: texts of ASCII letters and
digits as they are, all others as UCS2.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from typing import Any

import smpp34

from tests.interop.lines import Commands, say

# Tags of v3.4 5.3.2. The module has them, but not its types.
RECEIPTED_MESSAGE_ID = 0x001E
SAR_MSG_REF_NUM = 0x020C
SAR_TOTAL_SEGMENTS = 0x020E
SAR_SEGMENT_SEQNUM = 0x020F
MESSAGE_PAYLOAD = 0x0424
MESSAGE_STATE = 0x0427
KINDS = {"transmitter": "TX", "receiver": "RX", "transceiver": "TRX"}
SAME_IN_GSM = re.compile(r"[A-Za-z0-9 .,:;!?/()+=%&*#<>'\"-]*")
"""Letters that GSM 03.38 has at the same place as ASCII."""
UCS2 = 8
HEADER = 6
"""Octets of the user data header of one part."""


def encoded(text: str) -> tuple[bytes, int]:
    """The octets of a text and their data_coding."""
    if SAME_IN_GSM.fullmatch(text):
        return text.encode("ascii"), 0
    return text.encode("utf-16-be"), UCS2


def cut(octets: bytes, coding: int) -> Iterator[bytes]:
    """As they fit into parts with a header."""
    step = 140 - HEADER if coding == UCS2 else 153
    for at in range(0, len(octets), step):
        yield octets[at : at + step]


class Partner:
    """One ESME; a bind makes a new connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._smsc: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Do as told, until nothing more can come."""
        commands = Commands()
        loop = asyncio.get_running_loop()
        while not commands.is_over:
            for command in await loop.run_in_executor(None, commands.read):
                await getattr(self, command.pop("do"))(**command)

    def _start(self, what: Any) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def bind(self, kind: str, system_id: str, password: str) -> None:
        """Connect and bind."""
        client = smpp34.Client(
            "127.0.0.1", self._port, system_id, password, bind_type=KINDS[kind]
        )
        try:
            self._smsc = await client.connect()
        except smpp34.SmppError as refused:
            # The module waits, and does not tell with which status it was refused.
            say("bound", status=-1, peer=str(refused))
            await client.stop()
        else:
            say("bound", status=0, peer=self._smsc.system_id)
            self._start(self._listen(client, self._smsc))

    async def _listen(self, client: Any, smsc: Any) -> None:
        while isinstance(event := await smsc.next(), smpp34.DeliverSmEvent):
            tlvs = {tlv.tag: tlv for tlv in event.tlvs}
            payload = tlvs.get(MESSAGE_PAYLOAD)
            receipted = tlvs.get(RECEIPTED_MESSAGE_ID)
            state = tlvs.get(MESSAGE_STATE)
            say(
                "deliver",
                esm_class=event.esm_class,
                source=event.source_addr,
                destination=event.destination_addr,
                data_coding=event.data_coding,
                octets=(payload.value if payload else event.short_message).hex(),
                id=receipted.as_string() if receipted else None,
                state=state.as_int() if state else None,
            )
        say("closed")
        await client.stop()

    async def submit(
        self, tag: str, source: str, to: str, text: str, form: str
    ) -> None:
        """One message in as many submit_sm as it takes, all at the same time."""
        octets, coding = encoded(text)
        whole = len(octets) <= (140 if coding == UCS2 else 160)
        parts = [octets] if whole or form == "payload" else list(cut(octets, coding))
        for number, part in enumerate(parts, 1):
            given: dict[str, Any] = {"short_message": part}
            tlv = smpp34.Tlv
            if form == "payload":
                payload = tlv(MESSAGE_PAYLOAD, part)
                given = {"short_message": b"", "tlvs": [payload]}
            elif form == "sar":
                given["tlvs"] = [
                    tlv(SAR_MSG_REF_NUM, b"\0\x4d"),
                    tlv(SAR_TOTAL_SEGMENTS, bytes([len(parts)])),
                    tlv(SAR_SEGMENT_SEQNUM, bytes([number])),
                ]
            elif len(parts) > 1:
                header = bytes([5, 0, 3, 0x4D, len(parts), number])
                given = {"short_message": header + part, "esm_class": 0x40}
            self._start(self._submit(tag, source, to, data_coding=coding, **given))

    async def _submit(self, tag: str, source: str, to: str, **given: Any) -> None:
        answer = await self._smsc.submit_sm(
            to,
            source_addr=source,
            source_addr_ton=5,
            source_addr_npi=0,
            dest_addr_ton=1,
            dest_addr_npi=1,
            registered_delivery=1,
            **given,
        )
        status = answer.command_status
        say("submitted", tag=tag, status=status, id=answer.message_id or "")

    async def unbind(self) -> None:
        """Unbind and close."""
        await self._smsc.unbind()
        say("unbound", status=0)


if __name__ == "__main__":
    asyncio.run(Partner(int(sys.argv[1])).run())
