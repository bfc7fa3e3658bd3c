"""luckgw, an SMS gateway.

A message walks through the rooms in this order:

``ingress`` (it comes in), ``admission`` (may it enter?), ``text`` (characters to
segments), ``routing`` (where to), ``store`` (kept before acknowledged), ``dispatch``
(when to send), ``upstream`` (to the carrier), ``receipts`` (what the carrier said),
``egress`` (back to the customer). ``pipeline`` is the table of contents;
docs/life-of-a-message.md follows one message through all of them.
"""

__version__ = "0.1.0"
