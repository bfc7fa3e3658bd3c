"""Binds, versions, and PDUs that come when they are not legal."""

from luckgw.wire.connection import Command, Role, State
from luckgw.wire.events import BAD_BODY, ILLEGAL, ORPHAN_RESPONSE, Alert, Unbound
from luckgw.wire.rare import CancelSm, Destination, QuerySm, ReplaceSm
from tests.museum.exhibit import (
    Exhibit,
    Row,
    bind_refused,
    bind_requested,
    bound,
    closing,
    malformed,
    message,
    request,
    told,
)

BINDS = [
    Exhibit(
        name="bind-not-ascii",
        row=Row.CHECK,
        what="a system_id with an octet above 0x7F",
        seen="smpp.twisted never answers such a bind (measured)",
        answer="octets are octets: the account is looked up, and an answer goes out",
        state=State.OPEN,
        octets="""
        00000021 00000009 00000000 00000001
        'caf' e9 00 'secret' 00 00 34 00 00 00
        """,
        events=[bind_requested(system_id=b"caf\xe9", password=b"secret")],
        output="0000001c 80000009 00000000 00000001 'luckgw' 00 0210 0001 34",
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-long-password",
        row=Row.CHECK,
        what="a password of 22 octets, where the book has 8",
        seen="twitter-archive/cloudhopper-smpp#65, kneodev/ksmppd#58",
        answer="up to 64 are read; whether it is right is the account's business",
        state=State.OPEN,
        octets="""
        00000031 00000001 00000000 00000001
        'acme' 00 'more-than-eight-octets' 00 00 34 00 00 00
        """,
        events=[bind_requested(password=b"more-than-eight-octets")],
        output="0000001c 80000001 00000000 00000001 'luckgw' 00 0210 0001 34",
        after=State.BOUND_RX,
    ),
    Exhibit(
        name="bind-endless-password",
        row=Row.BAD_STRING,
        what="a password of 65 octets",
        seen="spec/reliability 2.3",
        answer="bind_transmitter_resp 0x0E, and the connection ends",
        state=State.OPEN,
        octets="0000005c 00000002 00000000 00000001 'acme' 00 61*65 00 00 34 00 00 00",
        events=[
            malformed(BAD_BODY, Command.BIND_TRANSMITTER, 0x0E),
            closing("malformed bind"),
        ],
        output="00000010 80000002 0000000e 00000001",
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-long-system-id",
        row=Row.BAD_STRING,
        what="an e-mail address for a system_id: more than 15 octets",
        seen="spec/reliability 2.3",
        answer="bind_transceiver_resp 0x0F, closed",
        state=State.OPEN,
        octets="""
        00000030 00000009 00000000 00000001
        'someone@example.net' 00 'secret' 00 00 34 00 00 00
        """,
        events=[
            malformed(BAD_BODY, Command.BIND_TRANSCEIVER, 0x0F),
            closing("malformed bind"),
        ],
        output="00000010 80000009 0000000f 00000001",
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-long-system-type",
        row=Row.BAD_STRING,
        what="a system_type of 13 octets",
        seen="spec/reliability 2.3",
        answer="bind_transceiver_resp 0x53, closed",
        state=State.OPEN,
        octets="""
        0000002e 00000009 00000000 00000001
        'acme' 00 'secret' 00 'a-long-system' 00 34 00 00 00
        """,
        events=[
            malformed(BAD_BODY, Command.BIND_TRANSCEIVER, 0x53),
            closing("malformed bind"),
        ],
        output="00000010 80000009 00000053 00000001",
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-cut-short",
        row=Row.BAD_STRING,
        what="a bind that ends behind its password",
        seen="spec/reliability 2.8",
        answer="the missing NUL of system_type is its fault: 0x53, closed",
        state=State.OPEN,
        octets="0000001c 00000009 00000000 00000001 'acme' 00 'secret' 00",
        events=[
            malformed(BAD_BODY, Command.BIND_TRANSCEIVER, 0x53),
            closing("malformed bind"),
        ],
        output="00000010 80000009 00000053 00000001",
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-with-more",
        row=Row.CHECK,
        what="a bind with a TLV behind its last field",
        seen="spec/reliability 2.9: v5.0 peers are to be tolerated",
        answer="the bind counts, the rest does not",
        state=State.OPEN,
        octets="""
        00000026 00000009 00000000 00000001
        'acme' 00 'secret' 00 00 50 00 00 00 1400 0001 01
        """,
        events=[bind_requested(system_id=b"acme", interface_version=0x50)],
        output="0000001c 80000009 00000000 00000001 'luckgw' 00 0210 0001 34",
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-v33",
        row=Row.VERSION,
        what="interface_version 0x33, and then a submit_sm without a destination",
        seen="spec/reliability 2.9",
        answer="no TLV goes to a v3.3 peer, and its refusal has the NUL it expects",
        state=State.OPEN,
        octets="""
        00000021 00000002 00000000 00000001 'acme' 00 'secret' 00 00 33 00 00 00
        00000032 00000004 00000000 00000002
        00 05 00 'LuckCreators' 00 01 01 00 00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[
            bind_requested(interface_version=0x33),
            malformed(BAD_BODY, Command.SUBMIT_SM, 0x0B),
        ],
        output="""
        00000017 80000002 00000000 00000001 'luckgw' 00
        00000011 80000004 0000000b 00000002 00
        """,
        after=State.BOUND_TX,
    ),
    Exhibit(
        name="bind-v0",
        row=Row.VERSION,
        what="interface_version 0: the field was never filled in",
        seen="spec/reliability 2.9",
        answer="below 0x34 it is a v3.3 peer",
        state=State.OPEN,
        octets="""
        00000021 00000009 00000000 00000001
        'acme' 00 'secret' 00 00 00 00 00 00
        """,
        events=[bind_requested(interface_version=0)],
        output="00000017 80000009 00000000 00000001 'luckgw' 00",
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-v50",
        row=Row.VERSION,
        what="interface_version 0x50",
        seen="node's smpp says so by default (farhadi/node-smpp#230)",
        answer="accepted; we say that we speak 0x34",
        state=State.OPEN,
        octets="""
        00000021 00000009 00000000 00000001
        'acme' 00 'secret' 00 00 50 00 00 00
        """,
        events=[bind_requested(interface_version=0x50)],
        output="0000001c 80000009 00000000 00000001 'luckgw' 00 0210 0001 34",
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-twice",
        row=Row.STATE,
        what="a second bind on a bound session",
        seen="spec/reliability 2.2, spec/features 2.7",
        answer="bind_transceiver_resp 0x05; the session stays as it is",
        octets="""
        00000021 00000009 00000000 00000002
        'acme' 00 'secret' 00 00 34 00 00 00
        """,
        events=[malformed(ILLEGAL, Command.BIND_TRANSCEIVER, 0x05)],
        output="00000010 80000009 00000005 00000002",
    ),
    Exhibit(
        name="bind-and-go",
        row=Row.STATE,
        what="a bind and a submit_sm in one segment of TCP",
        seen="spec/reliability 2.2",
        answer="one PDU is kept until the bind is decided, then handled",
        state=State.OPEN,
        octets="""
        00000021 00000009 00000000 00000001 'acme' 00 'secret' 00 00 34 00 00 00
        0000003e 00000004 00000000 00000002
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00 00 00 00 00 00 01 00 00 00
        05 'Hello'
        """,
        events=[bind_requested(system_id=b"acme"), message(short_message=b"Hello")],
        output="""
        0000001c 80000009 00000000 00000001 'luckgw' 00 0210 0001 34
        00000015 80000004 00000000 00000002 'id-1' 00
        """,
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-resp-bare",
        row=Row.BARE_RESPONSE,
        what="a positive bind_transceiver_resp of 16 octets",
        seen="compare linxGnu/gosmpp#192",
        answer="bound, to somebody without a name, who did not tell a version",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000010 80000009 00000000 00000001",
        events=[bound(b"")],
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-resp-no-version",
        row=Row.VERSION,
        what="a bind_transceiver_resp without sc_interface_version",
        seen="many v3.4 SMSCs (spec/reliability 2.9)",
        answer="bound: only the book says that it means a v3.3 SMSC",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000015 80000009 00000000 00000001 'SMSC' 00",
        events=[bound(b"SMSC")],
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-resp-no-nul",
        row=Row.BAD_STRING,
        what="a system_id that the end of the PDU ends",
        seen="spec/reliability 2.8",
        answer="bound",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000014 80000009 00000000 00000001 'SMSC'",
        events=[bound(b"SMSC")],
        after=State.BOUND_TRX,
    ),
    Exhibit(
        name="bind-refused-nul",
        row=Row.ERROR_BODY,
        what="bind_transceiver_resp 0x53 with one NUL behind its header",
        seen="jookies/jasmin#124 (taken for a corrupt PDU), python-smpplib#54",
        answer="refused, with its own status",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000011 80000009 00000053 00000001 00",
        events=[bind_refused(0x53)],
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-refused-name",
        row=Row.ERROR_BODY,
        what="a refusal that tells who refuses",
        seen="spec/features 2.7: peers send both forms",
        answer="refused",
        role=Role.ESME,
        state=State.BINDING,
        octets="0000001a 80000009 0000000e 00000001 'SMSC' 00 0210 0001 34",
        events=[bind_refused(0x0E)],
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-already-bound",
        row=Row.OLD_SESSION,
        what="0x05 to the first bind of a new connection",
        seen="opentelecoms-org/jsmpp#180, uudashr/jsmpp#54 (for two minutes), "
        "praekeltfoundation/vumi#624, farhadi/node-smpp#250",
        answer="the SMSC holds our old session: told apart, so that we back off",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000010 80000009 00000005 00000001",
        events=[bind_refused(0x05)],
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-nacked",
        row=Row.NACK,
        what="generic_nack for a bind",
        seen="spec/reliability 2.8",
        answer="refused, with the nack's status",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000010 80000000 00000003 00000001",
        events=[bind_refused(0x03)],
        after=State.CLOSED,
    ),
    Exhibit(
        name="bind-resp-other-kind",
        row=Row.STATE,
        what="bind_receiver_resp, when we asked for a transceiver",
        seen="spec/reliability 2.7: responses match on number and type",
        answer="it answers nothing of ours; we go on waiting",
        role=Role.ESME,
        state=State.BINDING,
        octets="00000015 80000001 00000000 00000001 'SMSC' 00",
        events=[malformed(ORPHAN_RESPONSE, Command.BIND_RECEIVER_RESP)],
    ),
]

STATES = [
    Exhibit(
        name="enquire-unbound",
        row=Row.ENQUIRE_UNBOUND,
        what="an enquire_link on a connection that has not bound",
        seen="clients that test the port; smpp.twisted answers 0x04 (measured)",
        answer="answered like any other, as cloudhopper and jsmpp do",
        state=State.OPEN,
        octets="00000010 00000015 00000000 00000001",
        output="00000010 80000015 00000000 00000001",
    ),
    Exhibit(
        name="submit-unbound",
        row=Row.STATE,
        what="a submit_sm without a bind",
        seen="jookies/jasmin#814 and its kin: there the link is cut",
        answer="submit_sm_resp 0x04; the session stays, the third one ends it",
        state=State.OPEN,
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00 00 00 00 00 00 01 00 00 00
        05 'Hello'
        """,
        events=[malformed(ILLEGAL, Command.SUBMIT_SM, 0x04)],
        output="00000010 80000004 00000004 00000001",
    ),
    Exhibit(
        name="three-illegal",
        row=Row.STATE,
        what="three requests from somebody who does not bind",
        seen="spec/reliability 2.2",
        answer="each is answered, then the connection ends",
        state=State.OPEN,
        octets="""
        00000010 00000004 00000000 00000001
        00000010 00000103 00000000 00000002
        00000010 00000003 00000000 00000003
        """,
        events=[
            malformed(ILLEGAL, Command.SUBMIT_SM, 0x04),
            malformed(ILLEGAL, Command.DATA_SM, 0x04),
            malformed(ILLEGAL, Command.QUERY_SM, 0x04),
            closing("illegal requests before the bind"),
        ],
        output="""
        00000010 80000004 00000004 00000001
        00000011 80000103 00000004 00000002 00
        00000010 80000003 00000004 00000003
        """,
        after=State.CLOSED,
    ),
    Exhibit(
        name="unbind-unbound",
        row=Row.STATE,
        what="an unbind without a bind",
        seen="spec/reliability 2.2",
        answer="unbind_resp 0x04, closed",
        state=State.OPEN,
        octets="00000010 00000006 00000000 00000001",
        events=[
            malformed(ILLEGAL, Command.UNBIND, 0x04),
            closing("unbind can not be here"),
        ],
        output="00000010 80000006 00000004 00000001",
        after=State.CLOSED,
    ),
    Exhibit(
        name="submit-as-receiver",
        row=Row.STATE,
        what="a submit_sm over a receiver's session",
        seen="smpp.twisted accepts it (measured); jsmpp refuses as we do",
        answer="submit_sm_resp 0x04; the session stays",
        state=State.BOUND_RX,
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00 00 00 00 00 00 01 00 00 00
        05 'Hello'
        """,
        events=[malformed(ILLEGAL, Command.SUBMIT_SM, 0x04)],
        output="00000010 80000004 00000004 00000001",
    ),
    Exhibit(
        name="deliver-to-server",
        row=Row.STATE,
        what="a client that sends deliver_sm",
        seen="spec/reliability 2.2",
        answer="deliver_sm_resp 0x04, with the NUL that this response always has",
        octets="""
        0000003e 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'LuckCreators' 00 00 00 00 00 00 00 00 00 00
        05 'Hello'
        """,
        events=[malformed(ILLEGAL, Command.DELIVER_SM, 0x04)],
        output="00000011 80000005 00000004 00000001 00",
    ),
    Exhibit(
        name="deliver-to-transmitter",
        row=Row.STATE,
        what="an SMSC that delivers over our transmitter",
        seen="spec/reliability 2.2",
        answer="deliver_sm_resp 0x04",
        role=Role.ESME,
        state=State.BOUND_TX,
        octets="""
        0000003e 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'LuckCreators' 00 00 00 00 00 00 00 00 00 00
        05 'Hello'
        """,
        events=[malformed(ILLEGAL, Command.DELIVER_SM, 0x04)],
        output="00000011 80000005 00000004 00000001 00",
    ),
    Exhibit(
        name="outbind-to-server",
        row=Row.STATE,
        what="an outbind, which only an SMSC sends",
        seen="smpp.twisted raises AttributeError (measured)",
        answer="it has no response: generic_nack 0x03, closed",
        state=State.OPEN,
        octets="0000001c 0000000b 00000000 00000001 'SMSC' 00 'secret' 00",
        events=[
            malformed(ILLEGAL, Command.OUTBIND, 0x03),
            closing("outbind can not be here"),
        ],
        output="00000010 80000000 00000003 00000001",
        after=State.CLOSED,
    ),
    Exhibit(
        name="outbind-to-client",
        row=Row.STATE,
        what="an SMSC that connects to us and asks to be bound to",
        seen="spec/reliability 2.4",
        answer="told to the application, which knows whether it is welcome",
        role=Role.ESME,
        state=State.OPEN,
        octets="0000001c 0000000b 00000000 00000001 'SMSC' 00 'secret' 00",
        events=[request(Command.OUTBIND, body=b"SMSC\0secret\0")],
    ),
    Exhibit(
        name="alert-to-server",
        row=Row.STATE,
        what="an alert_notification from a client",
        seen="smpp.twisted raises AttributeError (measured)",
        answer="counted: it has no response",
        octets="""
        00000023 00000102 00000000 00000001
        01 01 '233241234567' 00 01 01 '1' 00
        """,
        events=[malformed("ignored", Command.ALERT_NOTIFICATION)],
    ),
    Exhibit(
        name="alert-to-client",
        row=Row.STATE,
        what="a phone that is there again",
        seen="smpp.twisted raises AttributeError (measured)",
        answer="told to the application, and not answered",
        role=Role.ESME,
        octets="""
        0000002b 00000102 00000000 00000001
        01 01 '233241234567' 00 05 00 'Luck' 00 0422 0001 00 ; ms_availability_status
        """,
        events=[told(Alert)],
    ),
    Exhibit(
        name="unbind-with-answers-due",
        row=Row.STATE,
        what="an SMSC that unbinds while a submit_sm of ours is unanswered",
        seen="spec/reliability 2.4",
        answer="unbind_resp; what was unanswered is given back as uncertain",
        role=Role.ESME,
        requests=1,
        octets="00000010 00000006 00000000 00000001",
        events=[told(Unbound)],
        output="00000010 80000006 00000000 00000001",
        after=State.CLOSED,
    ),
]

RARE = [
    Exhibit(
        name="query-sm",
        row=Row.CHECK,
        what="a query_sm",
        seen="jookies/jasmin#814: the answer was a cut link",
        answer="told to the application; smpp.pdu reads it well",
        octets="00000024 00000003 00000000 00000001 'id-1' 00 05 00 'LuckCreators' 00",
        events=[request(Command.QUERY_SM, sequence_number=1)],
        decoded=QuerySm(b"id-1", 5, 0, b"LuckCreators"),
    ),
    Exhibit(
        name="cancel-sm",
        row=Row.CHECK,
        what="a cancel_sm of all that one sender has queued for a number",
        seen="spec/reliability 2.3",
        answer="told to the application",
        octets="""
        00000030 00000008 00000000 00000001
        00 00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        """,
        events=[request(Command.CANCEL_SM, sequence_number=1)],
        decoded=CancelSm(b"", b"", 5, 0, b"LuckCreators", 1, 1, b"233241234567"),
    ),
    Exhibit(
        name="replace-sm",
        row=Row.CHECK,
        what="a replace_sm",
        seen="smpp.pdu raises KeyError sm_length (measured)",
        answer="told to the application; read by our own table",
        octets="""
        0000002d 00000007 00000000 00000001
        'id-1' 00 05 00 'LuckCreators' 00 00 00 01 00 04 'Hi !'
        """,
        events=[request(Command.REPLACE_SM, sequence_number=1)],
        decoded=ReplaceSm(b"id-1", 5, 0, b"LuckCreators", b"", b"", 1, 0, b"Hi !"),
    ),
    Exhibit(
        name="submit-multi",
        row=Row.CHECK,
        what="a submit_multi to two numbers",
        seen="smpp.pdu raises KeyError number_of_dests (measured)",
        answer="told to the application; read by our own table",
        octets="""
        00000050 00000021 00000000 00000001
        00 05 00 'LuckCreators' 00
        02 01 01 01 '233241234567' 00 01 01 01 '233501234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[request(Command.SUBMIT_MULTI, sequence_number=1)],
        decoded=(
            Destination(1, 1, b"233241234567"),
            Destination(1, 1, b"233501234567"),
        ),
    ),
    Exhibit(
        name="submit-multi-list",
        row=Row.CHECK,
        what="a submit_multi to a distribution list",
        seen="v3.4 4.5.1.2",
        answer="we keep no lists: 0x34",
        octets="""
        00000039 00000021 00000000 00000001
        00 05 00 'LuckCreators' 00 01 02 'friends' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[request(Command.SUBMIT_MULTI, sequence_number=1)],
        decoded=0x34,
    ),
    Exhibit(
        name="submit-multi-too-many",
        row=Row.CHECK,
        what="number_of_dests 3, of which one is there",
        seen="spec/reliability 2.3",
        answer="the text behind it reads as a dest_flag that is none: 0x40",
        octets="""
        00000040 00000021 00000000 00000001
        00 05 00 'LuckCreators' 00 03 01 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[request(Command.SUBMIT_MULTI, sequence_number=1)],
        decoded=0x40,
    ),
]
