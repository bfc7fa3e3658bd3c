"""A connection that speaks SMPP: the octets between a transport and ``luckgw.wire``.

The same for partners that bind to us, for carriers we bind to, and for the sandbox.
"""
