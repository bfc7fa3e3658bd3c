"""What the gateway does not do yet. Who brings it turns its switch on."""

from typing import Final

MO: Final = False
"""Messages from phones reach partners by ``[[mo_routes]]``."""
RARE: Final = False
"""query_sm, cancel_sm, replace_sm, submit_multi and data_sm are answered."""
FORMS: Final = False
"""``[upstreams.NAME.text]`` says in which form a carrier wants long texts."""
TLS_TABLE: Final = False
"""``tls`` of an upstream is TLS; a ``tls:`` endpoint until then."""
UNMARKED: Final = False
"""``receipts.unmarked`` of an upstream says what a receipt with esm_class 0 is. Until
then one that comes before its submit_sm_resp is refused, and comes again."""
