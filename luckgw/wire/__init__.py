"""SMPP v3.4 without I/O: bytes in, events out. No socket, no clock, no log.

``pdus`` says how a PDU looks, ``frames`` where one ends, ``session`` which one is legal
when, ``window`` which of our requests wait for an answer, ``timers`` what is due;
``connection`` plays one session with them and tells its ``events``. ``rare`` reads the
PDUs that few peers send.
"""
