"""A partner on smpplib: ``python -m tests.interop.smpplib_partner PORT [CA]``.

With CA, a file, it speaks TLS and believes only what that file has signed. smpplib cuts
and encodes the texts.
"""

import select
import ssl
import sys
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

from tests.interop.lines import Commands, say

HOST = "127.0.0.1"


class Partner:
    """One ESME; a bind makes a new connection."""

    def __init__(self, port: int, ca: str | None) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cafile=ca) if ca else None
        if self._tls:
            self._tls.check_hostname = False  # smpplib gives no name to check
        self._client: Any = None
        self._tags: dict[int, Any] = {}
        self._is_leaving = False

    def run(self) -> None:
        """Do as told, until nothing more can come."""
        commands = Commands()
        while not commands.is_over:
            connection = self._client and self._client._socket
            sources = [commands, connection] if connection else [commands]
            if isinstance(connection, ssl.SSLSocket) and connection.pending():
                self._read()
                continue
            ready, _, _ = select.select(sources, [], [])
            if connection in ready:
                self._read()
            if commands in ready:
                for command in commands.read():
                    getattr(self, command.pop("do"))(**command)

    def _read(self) -> None:
        try:
            self._client.read_once()
        except smpplib.exceptions.ConnectionError:
            self._client.disconnect()
            self._client = None
            say("closed")

    def bind(self, kind: str, system_id: str, password: str) -> None:
        """Connect and bind."""
        client = self._client = smpplib.client.Client(
            HOST,
            self._port,
            timeout=10,
            ssl_context=self._tls,
            allow_unknown_opt_params=True,
        )
        client.set_message_sent_handler(self._submitted)
        client.set_message_received_handler(self._delivered)
        client.set_query_resp_handler(self._queried)
        client.set_error_pdu_handler(self._refused)
        client.connect()
        try:
            answer = getattr(client, f"bind_{kind}")(
                system_id=system_id, password=password
            )
        except smpplib.exceptions.PDUError as refused:
            say("bound", status=refused.args[1], peer="")
            client.disconnect()
            self._client = None
        else:
            say("bound", status=answer.status, peer=answer.system_id.decode())

    def submit(self, tag: str, source: str, to: str, text: str, form: str) -> None:
        """One message in as many submit_sm as it takes."""
        parts, coding, esm_class = smpplib.gsm.make_parts(text, use_udhi=form != "sar")
        if form == "payload":
            whole = b"".join(part[6:] if esm_class else part for part in parts)
            self._submit(tag, source, to, coding, message_payload=whole)
        for number, part in enumerate(parts, 1):
            sar = {
                "sar_msg_ref_num": 77,
                "sar_total_segments": len(parts),
                "sar_segment_seqnum": number,
            }
            if form == "sar":
                self._submit(tag, source, to, coding, short_message=part, **sar)
            elif form == "parts":
                given = {"short_message": part, "esm_class": esm_class}
                self._submit(tag, source, to, coding, **given)

    def _submit(
        self, tag: str, source: str, to: str, coding: int, **given: Any
    ) -> None:
        pdu = self._client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
            source_addr=source,
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=to,
            data_coding=coding,
            registered_delivery=1,
            **given,
        )
        self._tags[pdu.sequence] = tag

    def _submitted(self, pdu: Any) -> None:
        self._tell_submitted(pdu, pdu.message_id.decode())

    def _tell_submitted(self, pdu: Any, message_id: str) -> None:
        tag = self._tags.pop(pdu.sequence)
        say("submitted", tag=tag, status=pdu.status, id=message_id)

    def _refused(self, pdu: Any) -> None:
        if pdu.command == "submit_sm_resp":
            pdu.message_id = b""
        else:
            say("refused", command=pdu.command, status=pdu.status)

    def _delivered(self, pdu: Any) -> None:
        octets = pdu.message_payload or pdu.short_message or b""
        receipted = pdu.receipted_message_id
        say(
            "deliver",
            esm_class=pdu.esm_class,
            source=pdu.source_addr.decode(),
            destination=pdu.destination_addr.decode(),
            data_coding=pdu.data_coding,
            octets=octets.hex(),
            id=receipted.rstrip(b"\0").decode() if receipted else None,
            state=pdu.message_state,
        )

    def query(self, id: str, source: str) -> None:  # noqa: A002 - as on the wire
        """query_sm."""
        self._client.query_message(
            message_id=id,
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
            source_addr=source,
        )

    def _queried(self, pdu: Any) -> None:
        say("queried", status=pdu.status, state=pdu.message_state)

    def enquire(self) -> None:
        """enquire_link; whatever comes meanwhile is handled."""
        client = self._client
        client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=client))
        answer = self._read_until("enquire_link_resp")
        say("enquired", status=answer.status)

    def unbind(self) -> None:
        """Unbind and close."""
        client = self._client
        client.send_pdu(smpplib.smpp.make_pdu("unbind", client=client))
        answer = self._read_until("unbind_resp")
        client.disconnect()
        self._client = None
        say("unbound", status=answer.status)

    def _read_until(self, command: str) -> Any:
        """What answers; deliver_sm on the way are taken."""
        while (pdu := self._client.read_pdu()).command != command:
            if pdu.command == "deliver_sm":
                self._client._message_received(pdu)
        return pdu


if __name__ == "__main__":
    Partner(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None).run()
