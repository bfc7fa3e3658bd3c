"""A carrier on smpp34: ``python -m tests.interop.smpp34_carrier PORT MANNER``.

Takes every bind (smpp34 leaves no choice), answers every submit_sm, sends its receipt.
MANNER is told in tests/interop/town.py.
"""

import asyncio
import sys
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
RECEIPT = 0x04
UDHI = 0x40
LATER = 0x64
"""ESME_RX_T_APPN."""
DELIVERED = 2


def concatenation(event: Any) -> tuple[str, list[int] | None, bytes]:
    """How a text was sent: the form, [reference, total, number], and its octets."""
    tlvs = {tlv.tag: tlv.value for tlv in event.tlvs}
    octets = event.short_message
    if MESSAGE_PAYLOAD in tlvs:
        return "payload", None, tlvs[MESSAGE_PAYLOAD]
    if SAR_MSG_REF_NUM in tlvs:
        part = [
            int.from_bytes(tlvs[tag], "big")
            for tag in (
                SAR_MSG_REF_NUM,
                SAR_TOTAL_SEGMENTS,
                SAR_SEGMENT_SEQNUM,
            )
        ]
        return "sar", part, octets
    if event.esm_class & UDHI:
        length = octets[0] + 1
        return "udh", list(octets[length - 3 : length]), octets[length:]
    return "short", None, octets


class Carrier:
    """One SMSC."""

    def __init__(self, port: int, manner: str) -> None:
        self._server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
        self._manner = manner
        self._sessions: dict[str, Any] = {}
        self._number = 0
        self._throttled: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve, until the test closes its end."""
        await self._server.start()
        say("listening")
        serving = asyncio.create_task(self._serve())
        commands = Commands()
        loop = asyncio.get_running_loop()
        while not commands.is_over:
            for command in await loop.run_in_executor(None, commands.read):
                await getattr(self, command.pop("do"))(**command)
        serving.cancel()
        await self._server.stop()

    async def _serve(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._sessions[event.session_id] = event
                say("bound", system_id=event.system_id)
            elif isinstance(event, smpp34.Unbound):
                self._sessions.pop(event.session_id, None)
                say("unbound")
            else:
                self._submitted(event)

    def _submitted(self, event: Any) -> None:
        to = event.destination_addr
        status = 0
        if to.endswith("0011"):
            status = 0x0B
        elif to.endswith("0088") and to not in self._throttled:
            self._throttled.add(to)
            status = 0x58
        self._number += 1
        number = 0xABC000 + self._number
        answered, receipted = {
            "hex-dec": (f"{number:X}", f"{number:010d}"),
            "dec-hex": (str(number), f"{number:08x}"),
        }.get(self._manner, (f"smpp34-{number}", f"smpp34-{number}"))
        form, part, octets = concatenation(event)
        say(
            "submit",
            source=event.source_addr,
            to=to,
            ton_npi=[
                event.source_addr_ton,
                event.source_addr_npi,
                event.dest_addr_ton,
                event.dest_addr_npi,
            ],
            data_coding=event.data_coding,
            registered_delivery=event.registered_delivery,
            form=form,
            part=part,
            octets=octets.hex(),
            status=status,
            id=answered,
        )
        if status:
            event.reject(status)
            return
        if self._manner != "early":
            event.accept(answered)
        task = asyncio.create_task(self._receipt(event, answered, receipted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _receipt(self, event: Any, answered: str, receipted: str) -> None:
        text = (
            f"id:{receipted} sub:001 dlvrd:001 submit date:2611231200 "
            f"done date:2611231201 stat:DELIVRD err:000 text:"
        )
        tlvs = [
            smpp34.Tlv(RECEIPTED_MESSAGE_ID, receipted.encode() + b"\0"),
            smpp34.Tlv(MESSAGE_STATE, bytes([DELIVERED])),
        ]
        status = LATER
        while status == LATER:
            answer = await self._sessions[event.session_id].deliver_sm(
                event.source_addr,
                b"" if self._manner == "tlv-only" else text.encode(),
                source_addr=event.destination_addr,
                source_addr_ton=1,
                source_addr_npi=1,
                esm_class=0 if self._manner == "class-0" else RECEIPT,
                tlvs=[] if self._manner == "text-only" else tlvs,
            )
            if (status := answer.command_status) == LATER:
                await asyncio.sleep(0.5)
        say("receipt", id=answered, status=status)
        if self._manner == "early":
            event.accept(answered)

    async def deliver(
        self,
        source: str,
        to: str,
        octets: str,
        data_coding: int = 0,
        esm_class: int = 0,
    ) -> None:
        """A message from a phone."""
        session = next(iter(self._sessions.values()))
        answer = await session.deliver_sm(
            to,
            bytes.fromhex(octets),
            source_addr=source,
            source_addr_ton=1,
            source_addr_npi=1,
            dest_addr_ton=0,
            dest_addr_npi=1,
            data_coding=data_coding,
            esm_class=esm_class,
        )
        say("delivered", status=answer.command_status)

    async def unbind(self) -> None:
        """End every session."""
        for session in list(self._sessions.values()):
            await session.unbind()
        say("left")


if __name__ == "__main__":
    asyncio.run(Carrier(int(sys.argv[1]), sys.argv[2]).run())
