"""smpp.pdu3 0.6, as far as luckgw/wire/rare.py and the oracle tests use it."""
