"""What a webhook's body says: the portal's words in the portal's order. Pure.

Hot path: one body per status change.
"""

import time
from json import dumps

from luckgw.domain.states import State


def rfc3339(milliseconds: int) -> str:
    """A time since the epoch as the API prints it: UTC, whole seconds, ``Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


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
