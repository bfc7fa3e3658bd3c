"""Requests whose frame is sound and whose body is odd."""

from luckgw.wire.connection import Command, Role, State
from luckgw.wire.events import BAD_BODY
from tests.museum.exhibit import Exhibit, Row, malformed, message

ESME = Role.ESME
SUBMIT_SM, DATA_SM = Command.SUBMIT_SM, Command.DATA_SM

STRINGS = [
    Exhibit(
        name="long-service-type",
        row=Row.BAD_STRING,
        what="a service_type of six characters",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0x15; the session stays",
        octets="""
        00000044 00000004 00000000 00000001
        'BULKSM' 00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x15)],
        output="00000010 80000004 00000015 00000001",
    ),
    Exhibit(
        name="long-source",
        row=Row.BAD_STRING,
        what="a source_addr of 21 characters",
        seen="cloudhopper sends fields of any length (cloudhopper-smpp#65)",
        answer="submit_sm_resp 0x0A",
        octets="""
        00000048 00000004 00000000 00000001
        00 05 00 'LuckCreators Ghana Ltd' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x0A)],
        output="00000010 80000004 0000000a 00000001",
    ),
    Exhibit(
        name="endless-source",
        row=Row.BAD_STRING,
        what="a source_addr without its NUL: the PDU ends first",
        seen="smpp.pdu looks for the end however far (spec/reliability 2.13)",
        answer="the field's own status, 0x0A",
        octets="0000001f 00000004 00000000 00000001 00 05 00 'LuckCreators'",
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x0A)],
        output="00000010 80000004 0000000a 00000001",
    ),
    Exhibit(
        name="long-destination",
        row=Row.BAD_STRING,
        what="two numbers in one destination_addr",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0x0B",
        octets="""
        0000004b 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567,233501234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x0B)],
        output="00000010 80000004 0000000b 00000001",
    ),
    Exhibit(
        name="no-destination",
        row=Row.CHECK,
        what="an empty destination_addr",
        seen="smpp.twisted accepts it (measured)",
        answer="submit_sm_resp 0x0B",
        octets="""
        00000032 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 00 00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x0B)],
        output="00000010 80000004 0000000b 00000001",
    ),
    Exhibit(
        name="no-destination-delivered",
        row=Row.CHECK,
        what="the same in a deliver_sm",
        seen="spec/reliability 2.3 is for what is submitted",
        answer="from an SMSC we take what can be understood",
        role=ESME,
        octets="""
        00000032 00000005 00000000 00000001
        00 01 01 '233241234567' 00 01 01 00 00 00 00 00 00 00 00 00 00 05 'Hello'
        """,
        events=[message(source_addr=b"233241234567", destination_addr=b"")],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="schedule-cut",
        row=Row.CHECK,
        what="a schedule_delivery_time of twelve digits",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0x61: it has 16 characters or none",
        octets="""
        0000004a 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 '261123140500' 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x61)],
        output="00000010 80000004 00000061 00000001",
    ),
    Exhibit(
        name="validity-in-minutes",
        row=Row.CHECK,
        what="a validity_period of '1440'",
        seen="Kannel and Jasmin count it in minutes (spec/features 2.3)",
        answer="submit_sm_resp 0x62",
        octets="""
        00000042 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 '1440' 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x62)],
        output="00000010 80000004 00000062 00000001",
    ),
    Exhibit(
        name="validity-delivered",
        row=Row.CHECK,
        what="'1' for a validity_period in a deliver_sm",
        seen="v3.4 4.6.1: not used in a deliver_sm",
        answer="nothing of ours depends on it: taken",
        role=ESME,
        octets="""
        00000037 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00
        00 00 00 00 '1' 00 00 00 00 00 05 'Hello'
        """,
        events=[message(validity_period=b"1")],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="cut-behind-addresses",
        row=Row.BAD_STRING,
        what="a submit_sm that ends where its numbers begin",
        seen="spec/reliability 2.8",
        answer="submit_sm_resp 0x01",
        octets="""
        00000030 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00 00
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x01)],
        output="00000010 80000004 00000001 00000001",
    ),
    Exhibit(
        name="empty-submit",
        row=Row.BAD_STRING,
        what="a submit_sm of 16 octets",
        seen="spec/reliability 2.8",
        answer="its first field is missing: 0x15",
        octets="00000010 00000004 00000000 00000001",
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x15)],
        output="00000010 80000004 00000015 00000001",
    ),
    Exhibit(
        name="unreadable-deliver",
        row=Row.BAD_STRING,
        what="a deliver_sm with a source_addr of 21 characters",
        seen="spec/reliability 2.4",
        answer="deliver_sm_resp 0x0A, and its octets are told, to be kept: it may be a"
        " receipt",
        role=ESME,
        octets="""
        00000040 00000005 00000000 00000001
        00 05 00 'A-very-long-short-name' 00 05 00 'Luck' 00
        04 00 00 00 00 00 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, Command.DELIVER_SM, 0x0A)],
        output="00000011 80000005 0000000a 00000001 00",
    ),
]

LENGTHS = [
    Exhibit(
        name="sm-length-long",
        row=Row.SM_LENGTH_LONG,
        what="sm_length 6, and five octets",
        seen="smpp.twisted nacks with number 0 and closes; smpp34 says 0xC2 (measured)",
        answer="submit_sm_resp 0x01; the session stays",
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 06 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x01)],
        output="00000010 80000004 00000001 00000001",
    ),
    Exhibit(
        name="sm-length-long-delivered",
        row=Row.SM_LENGTH_LONG,
        what="the same from an SMSC",
        seen="spec/reliability 2.4",
        answer="deliver_sm_resp 0x01",
        role=ESME,
        octets="""
        00000036 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00
        00 00 00 00 00 00 00 00 00 06 'Hello'
        """,
        events=[malformed(BAD_BODY, Command.DELIVER_SM, 0x01)],
        output="00000011 80000005 00000001 00000001 00",
    ),
    Exhibit(
        name="sm-length-255",
        row=Row.SM_LENGTH_LONG,
        what="sm_length 255: v3.4 ends at 254",
        seen="cloudhopper's limit is 255 (cloudhopper-smpp#72)",
        answer="submit_sm_resp 0x01: longer texts travel as message_payload",
        octets="""
        00000138 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 ff 61*255
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x01)],
        output="00000010 80000004 00000001 00000001",
    ),
    Exhibit(
        name="sm-length-short",
        row=Row.SM_LENGTH_SHORT,
        what="sm_length 3 and a long text",
        seen="praekelt/python-smpp#6; jookies/jasmin#665 (the link was cut)",
        answer="what is left reads as TLVs, and is none: 0xC0; the session stays",
        octets="""
        0000004d 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 03 'Hello! This happens.'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC0)],
        output="00000010 80000004 000000c0 00000001",
    ),
    Exhibit(
        name="nul-behind-text",
        row=Row.SM_LENGTH_SHORT,
        what="a NUL behind the text that sm_length does not count",
        seen="twitter-archive/cloudhopper-smpp#64 (it destroyed the session)",
        answer="taken: it is too short for a TLV and says nothing",
        octets="""
        0000003f 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 00
        """,
        events=[message(short_message=b"Hello", tlvs=None)],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="nul-behind-text-delivered",
        row=Row.SM_LENGTH_SHORT,
        what="the same in a deliver_sm",
        seen="praekelt/python-smpp#7, jookies/jasmin#218",
        answer="taken",
        role=ESME,
        octets="""
        00000037 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00
        00 00 00 00 00 00 00 00 00 05 'Hello' 00
        """,
        events=[message(short_message=b"Hello", tlvs=None)],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="three-nuls-behind-tlvs",
        row=Row.SM_LENGTH_SHORT,
        what="three NULs behind the last TLV",
        seen="spec/reliability 2.8",
        answer="taken; four of them would be a TLV 0 without a value, taken as well",
        octets="""
        00000047 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 0204 0002 0007 000000
        """,
        events=[message(short_message=b"Hello", tlvs={0x0204: b"\0\7"})],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="text-counts-its-nul",
        row=Row.SM_LENGTH_SHORT,
        what="a text whose sm_length counts a NUL at its end",
        seen="an option of php-smpp, sms_null_terminate_octetstrings",
        answer="sm_length rules: the NUL is text",
        octets="""
        0000003f 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 06 'Hello' 00
        """,
        events=[message(short_message=b"Hello\0")],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="nothing-to-say",
        row=Row.CHECK,
        what="sm_length 0 and no message_payload",
        seen="spec/reliability 2.3",
        answer="a message without a text is one; a partner may forbid it",
        octets="""
        00000039 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 00
        """,
        events=[message(short_message=b"", payload=b"")],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
]

TLVS = [
    Exhibit(
        name="tlv-overrun",
        row=Row.TLV_OVERRUN,
        what="a message_payload that announces more than there is",
        seen="spec/reliability 2.8",
        answer="submit_sm_resp 0xC0; the session stays",
        octets="""
        00000042 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 00 0424 0006 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC0)],
        output="00000010 80000004 000000c0 00000001",
    ),
    Exhibit(
        name="tlv-header-cut",
        row=Row.TLV_OVERRUN,
        what="half of a TLV's header",
        seen="spec/reliability 2.8",
        answer="submit_sm_resp 0xC0",
        octets="""
        00000040 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 0204
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC0)],
        output="00000010 80000004 000000c0 00000001",
    ),
    Exhibit(
        name="tlv-overrun-delivered",
        row=Row.TLV_OVERRUN,
        what="the same in a data_sm from an SMSC",
        seen="spec/reliability 2.4",
        answer="data_sm_resp 0xC0, and the octets are told, to be kept",
        role=ESME,
        octets="""
        00000033 00000103 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 001e 0009 'id-1' 00
        """,
        events=[malformed(BAD_BODY, DATA_SM, 0xC0)],
        output="00000011 80000103 000000c0 00000001 00",
    ),
    Exhibit(
        name="tlv-wrong-length",
        row=Row.CHECK,
        what="a user_message_reference of one octet",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0xC2",
        octets="""
        00000043 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 0204 0001 07
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC2)],
        output="00000010 80000004 000000c2 00000001",
    ),
    Exhibit(
        name="tlv-wrong-length-delivered",
        row=Row.CHECK,
        what="the same from an SMSC",
        seen="spec/reliability 2.4",
        answer="a message from an SMSC only has to be readable: taken",
        role=ESME,
        octets="""
        0000003b 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00
        00 00 00 00 00 00 00 00 00 05 'Hello' 0204 0001 07
        """,
        events=[message(tlvs={0x0204: b"\7"})],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="tlv-wrong-value",
        row=Row.CHECK,
        what="privacy_indicator 4",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0xC4",
        octets="""
        00000043 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 0201 0001 04
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC4)],
        output="00000010 80000004 000000c4 00000001",
    ),
    Exhibit(
        name="text-twice",
        row=Row.CHECK,
        what="a text in short_message and another in message_payload",
        seen="v3.4 5.3.2.32",
        answer="nobody can know which is meant: 0xC1",
        octets="""
        00000045 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 0424 0003 'Bye'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC1)],
        output="00000010 80000004 000000c1 00000001",
    ),
    Exhibit(
        name="data-sm-without-payload",
        row=Row.CHECK,
        what="a data_sm that carries nothing",
        seen="spec/reliability 2.3",
        answer="data_sm_resp 0xC3",
        octets="""
        00000032 00000103 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00 00 01 00
        """,
        events=[malformed(BAD_BODY, DATA_SM, 0xC3)],
        output="00000011 80000103 000000c3 00000001 00",
    ),
    Exhibit(
        name="tlv-of-a-vendor",
        row=Row.ODD_TLV,
        what="the tag 0x1400 with nineteen digits: an Indian entity id",
        seen="kneodev/ksmppd#135, jookies/jasmin#1223, #1230",
        answer="kept, to be passed on",
        octets="""
        00000055 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello' 1400 0013 '1701158040859924086'
        """,
        events=[message(tlvs={0x1400: b"1701158040859924086"})],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="tlv-unknown-delivered",
        row=Row.ODD_TLV,
        what="the tags 0x2001 and 0x3177 in a deliver_sm",
        seen="python-smpplib/python-smpplib#188, #190 (it raised)",
        answer="kept",
        role=ESME,
        octets="""
        00000041 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00
        00 00 00 00 00 00 00 00 00 05 'Hello' 3177 0002 0102 2001 0001 03
        """,
        events=[message(tlvs={0x3177: b"\1\2", 0x2001: b"\3"})],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="tlv-twice-and-empty",
        row=Row.ODD_TLV,
        what="a tag without a value, and one that comes twice",
        seen="spec/reliability 2.8",
        answer="the empty one is kept; of two, the last",
        octets="""
        0000004c 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        1401 0001 01 1402 0000 1401 0001 02
        """,
        events=[message(tlvs={0x1401: b"\2", 0x1402: b""})],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="request-with-status",
        row=Row.REQUEST_STATUS,
        what="a submit_sm with a command_status",
        seen="spec/reliability 2.8",
        answer="the field means nothing in a request",
        octets="""
        0000003e 00000004 00000058 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[message(short_message=b"Hello")],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
]

CONTENT = [
    Exhibit(
        name="udh-16-bit",
        row=Row.CONCATENATION,
        what="a segment with a 16-bit reference and a second element behind it",
        seen="farhadi/node-smpp#139, jookies/jasmin#850",
        answer="a sound header: a client's own segment passes as it is",
        octets="""
        00000048 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00
        0f 09 08 04 1234 02 01 24 01 01 'Hello'
        """,
        events=[
            message(
                esm_class=0x40,
                short_message=b"\x09\x08\x04\x12\x34\x02\x01\x24\1\1Hello",
            )
        ],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="sar-tlvs",
        row=Row.CONCATENATION,
        what="a segment by sar_* TLVs, in an order of their own",
        seen="jookies/jasmin#850",
        answer="kept",
        octets="""
        0000004e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        020f 0001 01 020c 0002 1234 020e 0001 02
        """,
        events=[message(tlvs={0x020F: b"\1", 0x020C: b"\x12\x34", 0x020E: b"\2"})],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="sar-beyond-total",
        row=Row.CONCATENATION,
        what="the third segment of two",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0xC4: nobody could ever join it",
        octets="""
        0000004e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        020c 0002 1234 020e 0001 02 020f 0001 03
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0xC4)],
        output="00000010 80000004 000000c4 00000001",
    ),
    Exhibit(
        name="udh-in-payload",
        row=Row.UDH_IN_PAYLOAD,
        what="UDHI, sm_length 0, and the header inside message_payload",
        seen="linxGnu/gosmpp#55, #56, farhadi/node-smpp#102, #243",
        answer="the header is looked for where the payload is",
        octets="""
        00000048 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 00 0424 000b 05 00 03 2a 02 01 'Hello'
        """,
        events=[message(payload=b"\5\0\3\x2a\2\1Hello", short_message=b"")],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="udhi-and-nothing",
        row=Row.UDH_IN_PAYLOAD,
        what="UDHI, sm_length 0, and no message_payload",
        seen="linxGnu/gosmpp#56 asks what is to be done with it",
        answer="submit_sm_resp 0x01",
        octets="""
        00000039 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 00
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x01)],
        output="00000010 80000004 00000001 00000001",
    ),
    Exhibit(
        name="udhi-and-text",
        row=Row.CHECK,
        what="UDHI, and a text that begins with no header",
        seen="linxGnu/gosmpp#91: its own test did so",
        answer="'H' is 72 octets of header, which are not there: 0x01",
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x01)],
        output="00000010 80000004 00000001 00000001",
    ),
    Exhibit(
        name="udhi-and-text-delivered",
        row=Row.UDH_IN_PAYLOAD,
        what="the same in a deliver_sm",
        seen="linxGnu/gosmpp#90",
        answer="taken: what the header says is for those who join segments",
        role=ESME,
        octets="""
        00000036 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00
        40 00 00 00 00 00 00 00 00 05 'Hello'
        """,
        events=[message(esm_class=0x40, short_message=b"Hello")],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="udh-element-overrun",
        row=Row.CHECK,
        what="an element that is longer than the header around it",
        seen="spec/reliability 2.3",
        answer="submit_sm_resp 0x01",
        octets="""
        00000044 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 0b 05 00 09 2a 02 01 'Hello'
        """,
        events=[malformed(BAD_BODY, SUBMIT_SM, 0x01)],
        output="00000010 80000004 00000001 00000001",
    ),
    Exhibit(
        name="udhi-beside-sar",
        row=Row.CONCATENATION,
        what="both ways to say which segment it is",
        seen="v3.4 forbids both; peers take it (spec/features 2.7)",
        answer="taken: the UDH is what reaches the phone",
        octets="""
        00000054 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 0b 05 00 03 2a 02 01 'Hello'
        020c 0002 002a 020e 0001 02 020f 0001 01
        """,
        events=[message(esm_class=0x40)],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="data-coding-class-1",
        row=Row.DATA_CODING,
        what="data_coding 0x11: GSM, class 1, in a group that v3.4 calls reserved",
        seen="opentelecoms-org/jsmpp#31, #159",
        answer="passes as it is",
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 11 00 05 'Hello'
        """,
        events=[message(data_coding=0x11)],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="data-coding-flash",
        row=Row.DATA_CODING,
        what="data_coding 0xF0, flash, and 0xC8, a waiting voice mail",
        seen="opentelecoms-org/jsmpp#117, linxGnu/gosmpp#64",
        answer="both pass as they are",
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 f0 00 05 'Hello'
        0000003e 00000004 00000000 00000002
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 c8 00 05 'Hello'
        """,
        events=[message(data_coding=0xF0), message(data_coding=0xC8)],
        output="""
        00000015 80000004 00000000 00000001 'id-1' 00
        00000015 80000004 00000000 00000002 'id-1' 00
        """,
    ),
    Exhibit(
        name="data-coding-0-latin",
        row=Row.ALPHABET,
        what="data_coding 0 and 0xE9, which is no octet of GSM 03.38",
        seen="kneodev/ksmppd#50, farhadi/node-smpp#26, #40, fiorix/go-smpp#75",
        answer="what 0 means differs by peer: the octets stay untouched",
        octets="""
        0000003d 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 04 'caf' e9
        """,
        events=[message(data_coding=0, short_message=b"caf\xe9")],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="ton-npi-odd",
        row=Row.CHECK,
        what="ton 7 and npi 255",
        seen="jookies/jasmin#448 asks for any",
        answer="accepted: the kind of an address is found out from the address",
        octets="""
        0000003e 00000004 00000000 00000001
        00 07 ff 'LuckCreators' 00 07 ff '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[message(source_addr_ton=7, dest_addr_npi=255)],
        output="00000015 80000004 00000000 00000001 'id-1' 00",
    ),
    Exhibit(
        name="same-number-again",
        row=Row.SEQUENCE,
        what="two segments under one sequence_number",
        seen="AdhamAwadhi/JamaaSMPP#50",
        answer="two messages, two answers",
        octets="""
        00000043 00000004 00000000 00000005
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 0a 05 00 03 2a 02 01 'Good'
        00000043 00000004 00000000 00000005
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        40 00 00 00 00 01 00 00 00 0a 05 00 03 2a 02 02 'bye.'
        """,
        events=[message(sequence_number=5), message(sequence_number=5)],
        output="""
        00000015 80000004 00000000 00000005 'id-1' 00
        00000015 80000004 00000000 00000005 'id-1' 00
        """,
    ),
    Exhibit(
        name="number-above-31-bits",
        row=Row.SEQUENCE,
        what="sequence_number 4,000,000,000",
        seen="praekeltfoundation/vumi#88; v3.4 ends at 0x7FFFFFFF",
        answer="echoed as it is",
        octets="""
        0000003e 00000004 00000000 ee6b2800
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[message(sequence_number=4_000_000_000)],
        output="00000015 80000004 00000000 ee6b2800 'id-1' 00",
    ),
    Exhibit(
        name="number-0",
        row=Row.SEQUENCE,
        what="sequence_number 0",
        seen="spec/reliability 2.7; v3.4 begins at 1",
        answer="echoed as it is",
        octets="00000010 00000015 00000000 00000000",
        output="00000010 80000015 00000000 00000000",
    ),
    Exhibit(
        name="number-of-enquire-link",
        row=Row.SEQUENCE,
        what="an enquire_link under 0x1625D269",
        seen="python-smpplib/python-smpplib#52 (it answered 1, and was cut off)",
        answer="echoed",
        role=ESME,
        octets="00000010 00000015 00000000 1625d269",
        output="00000010 80000015 00000000 1625d269",
    ),
    Exhibit(
        name="submit-while-unbinding",
        row=Row.STATE,
        what="a submit_sm while we unbind",
        seen="spec/reliability 2.3 (unbind), 2.11",
        answer="0x08, which everybody takes for 'try again'; 0x04 would lose it",
        state=State.UNBINDING,
        octets="""
        0000003e 00000004 00000000 00000001
        00 05 00 'LuckCreators' 00 01 01 '233241234567' 00
        00 00 00 00 00 01 00 00 00 05 'Hello'
        """,
        events=[malformed("illegal in this state", SUBMIT_SM, 0x08)],
        output="00000010 80000004 00000008 00000001",
    ),
]
