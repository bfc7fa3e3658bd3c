"""A message whose text its route changes, before its upstream's own form is made.

A text is changed where it is whole. The parts of a long message that a partner has cut,
what is binary and what has ports or another header of its own go as they came: a rule
that saw one part could change each of them, or none.
"""

from typing import Final

from luckgw.config.model import Account
from luckgw.pipeline.contents import SmContent
from luckgw.pipeline.outgoing import Bodies, Outgoing
from luckgw.routing.rewrite import ContentEdit
from luckgw.text.alphabets import Encoding, carries, encode
from luckgw.text.segments import MESSAGE_PAYLOAD
from luckgw.text.writer import Written
from luckgw.wire.pdus import MAX_SHORT_MESSAGE, Sm, decode_sm, encode_sm

_UDHI: Final = 0x40


class EditedOutgoing(Outgoing):
    """One upstream's, for one message."""

    def __init__(self, outgoing: Outgoing, edit: ContentEdit) -> None:
        # The upstream's writer stays with ``outgoing``, which does all the rest.
        self._outgoing = outgoing
        self._edit = edit

    def text(
        self,
        account: Account,
        source: str,
        number: str,
        content: str,
        deadline_ms: int,
        transliterate: bool | None = None,
    ) -> tuple[list[bytes], Written]:
        """As ``Outgoing.text``, of the changed text."""
        content = self._edit(content)
        return self._outgoing.text(
            account, source, number, content, deadline_ms, transliterate
        )

    def sm(
        self, sm: Sm, account: Account, destination: str, deadline_ms: int
    ) -> Bodies:
        """As ``Outgoing.sm``, of the changed message."""
        sm = self._edited(sm, account.default_alphabet)
        return self._outgoing.sm(sm, account, destination, deadline_ms)

    def _edited(self, sm: Sm, default_alphabet: str) -> Sm:
        content = SmContent(sm, default_alphabet)
        text, encoding = content.text(), content.user_data.encoding
        if (
            text is None
            or encoding is None
            or content.user_data.elements
            or content.is_part
            or "\ufffd" in text
        ):
            return sm
        changed = self._edit(text)
        if changed == text:
            return sm
        data_coding = sm.data_coding
        if not carries(encoding, changed):
            encoding = Encoding.UCS2
            data_coding = encoding.data_coding
        return _with_content(sm, encode(changed, encoding), data_coding)


def _with_content(sm: Sm, octets: bytes, data_coding: int) -> Sm:
    """The same submit_sm with another text, in message_payload if it is long."""
    tlvs = dict(sm.tlvs or {})
    tlvs.pop(MESSAGE_PAYLOAD, None)
    is_long = len(octets) > MAX_SHORT_MESSAGE
    if is_long:
        tlvs[MESSAGE_PAYLOAD] = octets
    return decode_sm(
        encode_sm(
            service_type=sm.service_type,
            source_addr_ton=sm.source_addr_ton,
            source_addr_npi=sm.source_addr_npi,
            source_addr=sm.source_addr,
            dest_addr_ton=sm.dest_addr_ton,
            dest_addr_npi=sm.dest_addr_npi,
            destination_addr=sm.destination_addr,
            esm_class=sm.esm_class & ~_UDHI,
            protocol_id=sm.protocol_id,
            priority_flag=sm.priority_flag,
            schedule_delivery_time=sm.schedule_delivery_time,
            validity_period=sm.validity_period,
            registered_delivery=sm.registered_delivery,
            replace_if_present_flag=sm.replace_if_present_flag,
            data_coding=data_coding,
            sm_default_msg_id=sm.sm_default_msg_id,
            short_message=b"" if is_long else octets,
            tlvs=tlvs,
        )
    )
