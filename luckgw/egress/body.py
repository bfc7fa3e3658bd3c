"""What a webhook's body says: the portal's words in the portal's order. Pure.

Hot path: one body per status change.
"""

import time
from collections.abc import Mapping
from json import dumps

from luckgw.domain.states import State


def rfc3339(milliseconds: int) -> str:
    """A time since the epoch as the API prints it: UTC, whole seconds, ``Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def received_body(
    message_id: str,
    phone: str,
    number: str,
    content: str,
    received_ms: int,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """The ``sms.received`` event (spec/features 3.27), serialised once.

    ``extra`` is only for what is no text (``binary_extra``).
    """
    shown = "" if extra is None else f',"extra":{dumps(extra)}'
    return (
        '{"event":"sms.received","data":{'
        f'"message_id":"{message_id}","from":{dumps(phone)},"to":{dumps(number)},'
        f'"content":{dumps(content)},"received_at":"{rfc3339(received_ms)}"{shown}}}}}'
    ).encode("ascii")


def binary_extra(data_coding: int, header: bytes, octets: bytes) -> dict[str, object]:
    """What an account is told of a message that is no text: hexadecimal octets."""
    return {"data_coding": data_coding, "udh": header.hex(), "hex": octets.hex()}


def status_update_body(
    message_id: str, state: State, sender_id: str, recipient: str, updated_ms: int
) -> bytes:
    """The ``sms.status_update`` event (portal, "Webhook Payload"), serialised once.

    These octets are what is signed and what is sent. ``recipient`` has no ``+``.
    """
    return (
        '{"event":"sms.status_update","data":{'
        f'"message_id":"{message_id}","status":"{state.word}",'
        f'"sender_id":{dumps(sender_id)},"recipient":{dumps(recipient)},'
        f'"updated_at":"{rfc3339(updated_ms)}"}}}}'
    ).encode("ascii")
