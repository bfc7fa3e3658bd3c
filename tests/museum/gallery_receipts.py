"""Delivery receipts, as carriers write them."""

from luckgw.domain.states import State as Message
from luckgw.wire.connection import Command, Role
from tests.museum.exhibit import Exhibit, Row, answered, message, receipt

ESME = Role.ESME
SUBMIT_RESP = Command.SUBMIT_SM_RESP

# All of them go to us as client. The text is the carrier's; the dates are in its zone.
TEXTS = [
    Exhibit(
        name="appendix-b",
        row=Row.RECEIPT_TEXT,
        what="a receipt as the book prints it",
        seen="v3.4 Appendix B",
        answer="read",
        role=ESME,
        octets="""
        000000ab 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        7a 'id:0123456789 sub:001 dlvrd:001 submit date:2611231405 '
        'done date:2611231406 stat:DELIVRD err:000 text:Hello! This is a tes'
        """,
        events=[message(esm_class=0x04, tlvs=None)],
        receipts=[receipt(b"0123456789", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="without-sub-and-dlvrd",
        row=Row.RECEIPT_FORM,
        what="a receipt without sub and dlvrd",
        seen="opentelecoms-org/jsmpp#62 (null pointer), cloudhopper-smpp#105",
        answer="read: what is absent is absent",
        role=ESME,
        octets="""
        0000008a 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        59 'id:1526758174 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000 text:hello'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"1526758174", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="jasmins-short-form",
        row=Row.RECEIPT_FORM,
        what="the same without text, and a four-digit year",
        seen="Jasmin writes it: uudashr/jsmpp#67, jookies/jasmin#195, #681",
        answer="read; the date is kept as written",
        role=ESME,
        octets="""
        0000009d 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        6c 'id:c5c2cbc6-cfd6-4598-afbd-436ec5f179d1 submit date:202611231405 '
        'done date:202611231406 stat:DELIVRD err:002'
        """,
        events=[message(esm_class=0x04)],
        receipts=[
            receipt(
                b"c5c2cbc6-cfd6-4598-afbd-436ec5f179d1",
                Message.DELIVERED,
                "DELIVRD",
                "002",
                "202611231405",
                "202611231406",
            )
        ],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="other-order",
        row=Row.RECEIPT_FORM,
        what="the state first, capital labels, line ends between the fields",
        seen="jookies/jasmin#427, MavoCz/smscsim#4",
        answer="read: the labels tell, not the places",
        role=ESME,
        octets="""
        0000007f 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        4e 'Stat:UNDELIV' 0d0a 'Err:034' 0d0a 'ID:4f2a' 0d0a
        'Done Date:2611231406' 0d0a 'Submit Date:2611231405' 0d0a
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.UNDELIVERED, "UNDELIV", "034")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="glued-labels",
        row=Row.RECEIPT_TEXT,
        what="'submitdate', 'done_date', and a space behind each colon",
        seen="spec/features 2.5; onlinecity/php-smpp#29",
        answer="read",
        role=ESME,
        octets="""
        00000096 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        65 'id: 4f2a sub: 1 dlvrd: 1 submitdate: 2611231405 '
        'done_date: 2611231406 stat: DELIVRD err: 0 Text:Hello'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "DELIVRD", "0")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="dates-of-12-and-16",
        row=Row.RECEIPT_TEXT,
        what="dates with seconds, and in the 16 characters of SMPP's own times",
        seen="jookies/jasmin#70; funbox/smppex#46",
        answer="kept as written",
        role=ESME,
        octets="""
        000000a9 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        78 'id:rdwjwxns18krxr9936ey96ymcw sub:000 dlvrd:000 '
        'submit date:261123140503 done date:261123140600012+ stat:UNDELIV err:000'
        """,
        events=[message(esm_class=0x04)],
        receipts=[
            receipt(
                b"rdwjwxns18krxr9936ey96ymcw",
                Message.UNDELIVERED,
                "UNDELIV",
                "000",
                "261123140503",
                "261123140600012+",
            )
        ],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="err-of-4",
        row=Row.RECEIPT_TEXT,
        what="err:0000, an escape in the text, TLVs of a vendor behind it",
        seen="onlinecity/php-smpp#70 (could not parse)",
        answer="read; network_error_code, of network type 3, wins over err",
        role=ESME,
        octets="""
        000000bd 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        75 'id:117062714244798261 sub:001 dlvrd:001 submit date:2611231405 '
        'done date:2611231406 stat:DELIVRD err:0000 text:H' 1b 'ello'
        0423 0003 03 0000 1454 0004 00000000 1411 0004 00000000
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"117062714244798261", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="err-of-letters",
        row=Row.RECEIPT_TEXT,
        what="err:00A7 and stat:REJECTD",
        seen="spec/features 2.5: alphanumeric, up to 8",
        answer="kept as written",
        role=ESME,
        octets="""
        00000092 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        61 'id:4f2a sub:001 dlvrd:000 submit date:2611231405 done date:2611231406 '
        'stat:REJECTD err:00A7 text:'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.REJECTED, "REJECTD", "00A7")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="stat-failed",
        row=Row.RECEIPT_TEXT,
        what="stat:FAILED, a word the book does not have, done at 0000000000",
        seen="jookies/jasmin#447 (taken for a message from the phone)",
        answer="FAILED; the date says nothing, and is kept",
        role=ESME,
        octets="""
        0000009f 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        6e 'id:1216080510463401720 sub:001 dlvrd:001 submit date:2611231405 '
        'done date:0000000000 stat:FAILED err:002 Text:'
        """,
        events=[message(esm_class=0x04)],
        receipts=[
            receipt(
                b"1216080510463401720",
                Message.FAILED,
                "FAILED",
                "002",
                done_date="0000000000",
            )
        ],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="stat-acceptd",
        row=Row.RECEIPT_TEXT,
        what="stat:ACCEPTD, which ends nothing",
        seen="jookies/jasmin#885, #916",
        answer="SENT: the message goes on",
        role=ESME,
        octets="""
        0000009f 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        6e 'id:1101c1-c9d03d-f000 sub:000 dlvrd:000 submit date:2611231405 '
        'done date:2611231406 stat:ACCEPTD err:000 text:'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"1101c1-c9d03d-f000", Message.SENT, "ACCEPTD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="stat-of-a-vendor",
        row=Row.RECEIPT_TEXT,
        what="stat:ODDWORD, a carrier's own word",
        seen="spec/features 2.4: words that are no SMPP's; those it names are known",
        answer="UNKNOWN, which ends nothing; the word is kept",
        role=ESME,
        octets="""
        00000091 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        60 'id:4f2a sub:001 dlvrd:000 submit date:2611231405 done date:2611231406 '
        'stat:ODDWORD err:000 text:'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.UNKNOWN, "ODDWORD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="stat-lower-case",
        row=Row.RECEIPT_TEXT,
        what="stat:delivrd",
        seen="spec/reliability 2.12: case-insensitively",
        answer="DELIVERED",
        role=ESME,
        octets="""
        00000091 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        60 'id:4f2a sub:001 dlvrd:001 submit date:2611231405 done date:2611231406 '
        'stat:delivrd err:000 text:'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "delivrd")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="text-with-labels",
        row=Row.RECEIPT_TEXT,
        what="a message that reads like a receipt, inside its own receipt",
        seen="spec/features 2.5",
        answer="what the customer wrote does not speak for the carrier",
        role=ESME,
        octets="""
        000000a8 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        77 'id:4f2a sub:001 dlvrd:001 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000 text:id:9 stat:FAILED err:99'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="nuls-in-text",
        row=Row.RECEIPT_TEXT,
        what="a NUL behind the id, and one at the end",
        seen="spec/features 2.6: NUL left in",
        answer="read as if they were not there",
        role=ESME,
        octets="""
        00000093 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        62 'id:4f2a' 00 ' sub:001 dlvrd:001 submit date:2611231405 '
        'done date:2611231406 stat:DELIVRD err:000 text:' 00
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="ucs2",
        row=Row.RECEIPT_TEXT,
        what="a receipt in UCS2, data_coding 8",
        seen="spec/reliability 2.12: it has to be read in any form",
        answer="read",
        role=ESME,
        octets="""
        00000053 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 08 00
        22 00 'i' 00 'd' 00 ':' 00 '7' 00 ' ' 00 's' 00 't' 00 'a' 00 't' 00 ':'
        00 'E' 00 'X' 00 'P' 00 'I' 00 'R' 00 'E' 00 'D'
        """,
        events=[message(data_coding=8)],
        receipts=[receipt(b"7", Message.EXPIRED, "EXPIRED", "", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="text-in-ucs2",
        row=Row.RECEIPT_TEXT,
        what="an ASCII receipt of a message that was not: question marks for letters",
        seen="mozes/smpp.pdu#21 (unparsable)",
        answer="read; the text is not looked at",
        role=ESME,
        octets="""
        000000cd 00000005 00000000 00000001
        00 00 00 '233241234567' 00 00 00 'IE SMS' 00 04 00 00 00 00 00 00 00 00
        7f 'id:93912810752727049 sub:001 dlvrd:001 submit date:2611231405 '
        'done date:2611231406 stat:UNDELIV err:255 text:?? ? ????? 50.24 ?'
        001e 0012 '93912810752727049' 00 0427 0001 05
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"93912810752727049", Message.UNDELIVERED, "UNDELIV", "255")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="udhi-without-udh",
        row=Row.RECEIPT_TEXT,
        what="UDHI on a receipt that has no header",
        seen="compare linxGnu/gosmpp#91",
        answer="the labels show that there is none",
        role=ESME,
        octets="""
        00000091 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 44 00 00 00 00 00 00 00 00
        60 'id:4f2a sub:001 dlvrd:001 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000 text:'
        """,
        events=[message(esm_class=0x44)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="half-a-receipt",
        row=Row.RECEIPT_FORM,
        what="a receipt that an SMSC cut behind its id",
        seen="jookies/jasmin#224 and its kin: missing fields",
        answer="a receipt that says nothing: UNKNOWN",
        role=ESME,
        octets="""
        0000003d 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        0c 'id:4f2a sub:'
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.UNKNOWN, "", "", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="prose",
        row=Row.RECEIPT_FORM,
        what="a receipt in words for people, and its id in a TLV",
        seen="v3.4 Appendix B: the text is the vendor's own affair",
        answer="the TLVs say what is needed",
        role=ESME,
        octets="""
        0000005a 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        1b 'Your message was delivered.'  001e 0005 '4f2a' 00 0427 0001 02
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "", "", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
]

TLVS = [
    Exhibit(
        name="only-tlvs",
        row=Row.RECEIPT_FORM,
        what="a receipt without a text",
        seen="jookies/jasmin#224",
        answer="read: id, state and error are all there",
        role=ESME,
        octets="""
        00000046 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00 00
        001e 0005 '4f2a' 00 0427 0001 03 0423 0003 03 001b
        """,
        events=[message(short_message=b"")],
        receipts=[receipt(b"4f2a", Message.EXPIRED, "", "027", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="tlvs-and-text-differ",
        row=Row.RECEIPT_FORM,
        what="stat:DELIVRD beside message_state 5",
        seen="spec/reliability 2.12",
        answer="the TLV wins, each for itself; the word is kept",
        role=ESME,
        octets="""
        0000009c 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        5d 'id:7 sub:001 dlvrd:001 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000 text:'  0427 0001 05 001e 0005 '4f2a' 00
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.UNDELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="id-tlv-without-nul",
        row=Row.RECEIPT_FORM,
        what="receipted_message_id without its NUL, spaces around it",
        seen="spec/features 2.6",
        answer="the id is what is between them",
        role=ESME,
        octets="""
        00000040 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00 00
        001e 0006 ' 4f2a ' 0427 0001 02
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "", "", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="useless-tlvs",
        row=Row.RECEIPT_FORM,
        what="an empty id, a message_state of two octets, half an error code",
        seen="spec/reliability 2.12: TLV wins, if it says anything",
        answer="the text counts",
        role=ESME,
        octets="""
        000000a2 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        60 'id:4f2a sub:001 dlvrd:001 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000 text:'
        001e 0001 00 0427 0002 0005 0423 0002 0001
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="state-of-v50",
        row=Row.RECEIPT_FORM,
        what="message_state 9, SKIPPED",
        seen="spec/features 2.4",
        answer="REJECTED",
        role=ESME,
        octets="""
        0000003f 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00 00
        001e 0005 '4f2a' 00 0427 0001 09
        """,
        events=[message(esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.REJECTED, "", "", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="text-in-payload",
        row=Row.RECEIPT_FORM,
        what="the text in message_payload",
        seen="spec/reliability 2.12",
        answer="read there",
        role=ESME,
        octets="""
        0000009a 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00 00
        0424 0065 'id:4f2a sub:001 dlvrd:001 submit date:2611231405 '
        'done date:2611231406 stat:DELIVRD err:000 text:Hello'
        """,
        events=[message(short_message=b"")],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="data-sm",
        row=Row.DATA_SM_RECEIPT,
        what="a receipt in a data_sm, without a text",
        seen="jookies/jasmin#139",
        answer="read; the answer is a data_sm_resp",
        role=ESME,
        octets="""
        00000038 00000103 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00
        001e 0005 '4f2a' 00 0427 0001 02
        """,
        events=[message(command_id=Command.DATA_SM, esm_class=0x04)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "", "", "", "")],
        output="00000011 80000103 00000000 00000001 00",
    ),
    Exhibit(
        name="data-sm-with-text",
        row=Row.DATA_SM_RECEIPT,
        what="the same with the text of Appendix B for its payload",
        seen="jookies/jasmin#139",
        answer="read",
        role=ESME,
        octets="""
        0000008e 00000103 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00
        0424 0060 'id:4f2a sub:001 dlvrd:000 submit date:2611231405 '
        'done date:2611231406 stat:UNDELIV err:027 text:'
        """,
        events=[message(command_id=Command.DATA_SM)],
        receipts=[receipt(b"4f2a", Message.UNDELIVERED, "UNDELIV", "027")],
        output="00000011 80000103 00000000 00000001 00",
    ),
]

KINDS = [
    Exhibit(
        name="esm-class-0",
        row=Row.ESM_CLASS_0,
        what="esm_class 0, and a text that is a receipt",
        seen="jookies/jasmin#1050 (shown as a message from the phone)",
        answer="a receipt, if its id is one that was sent: the caller sees to that",
        role=ESME,
        octets="""
        0000007f 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 00 00 00 00 00 00 00 00 00
        4e 'id:1602718841 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000'
        """,
        events=[message(esm_class=0)],
        receipts=[receipt(b"1602718841", Message.DELIVERED, "DELIVRD")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="esm-class-0-tlv",
        row=Row.ESM_CLASS_0,
        what="esm_class 0, no text, receipted_message_id",
        seen="spec/features 2.5",
        answer="a receipt",
        role=ESME,
        octets="""
        0000003f 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 00 00 00 00 00 00 00 00 00 00
        001e 0005 '4f2a' 00 0427 0001 02
        """,
        events=[message(esm_class=0)],
        receipts=[receipt(b"4f2a", Message.DELIVERED, "", "", "", "")],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="nearly-a-receipt",
        row=Row.RECEIPT_KIND,
        what="a phone that writes 'id:7 please, what is the status?'",
        seen="spec/features 2.5",
        answer="no receipt: a message",
        role=ESME,
        octets="""
        00000059 00000005 00000000 00000001
        00 01 01 '233241234567' 00 01 01 '233501234567' 00 00 00 00 00 00 00 00 00 00
        20 'id:7 please, what is the status?'
        """,
        events=[message(short_message=b"id:7 please, what is the status?")],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="acknowledgement-of-a-phone",
        row=Row.RECEIPT_KIND,
        what="esm_class 0x08, a delivery acknowledgement of the phone's own",
        seen="v3.4 5.2.12",
        answer="no receipt, though it reads like one",
        role=ESME,
        octets="""
        00000091 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 08 00 00 00 00 00 00 00 00
        60 'id:4f2a sub:001 dlvrd:001 submit date:2611231405 done date:2611231406 '
        'stat:DELIVRD err:000 text:'
        """,
        events=[message(esm_class=0x08)],
        receipts=[None],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="intermediate",
        row=Row.RECEIPT_KIND,
        what="esm_class 0x20, an intermediate notification",
        seen="v3.4 5.2.12; jookies/jasmin#885",
        answer="read, and marked: by its kind it ends nothing",
        role=ESME,
        octets="""
        00000091 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 20 00 00 00 00 00 00 00 00
        60 'id:4f2a sub:001 dlvrd:000 submit date:2611231405 done date:2611231406 '
        'stat:ENROUTE err:027 text:'
        """,
        events=[message(esm_class=0x20)],
        receipts=[receipt(b"4f2a", Message.SENT, "ENROUTE", "027", intermediate=True)],
        output="00000011 80000005 00000000 00000001 00",
    ),
    Exhibit(
        name="final-then-intermediate",
        row=Row.SEVERAL_RECEIPTS,
        what="DELIVRD, then ENROUTE, then DELIVRD again",
        seen="spec/reliability 2.12",
        answer="all are told in their order, and each is answered; the first final one"
        " stays",
        role=ESME,
        octets="""
        00000045 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        14 'id:4f2a stat:DELIVRD'
        00000045 00000005 00000000 00000002
        00 01 01 '233241234567' 00 05 00 'Luck' 00 20 00 00 00 00 00 00 00 00
        14 'id:4f2a stat:ENROUTE'
        00000045 00000005 00000000 00000003
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        14 'id:4f2a stat:DELIVRD'
        """,
        events=[
            message(sequence_number=1),
            message(sequence_number=2),
            message(sequence_number=3),
        ],
        receipts=[
            receipt(b"4f2a", Message.DELIVERED, "DELIVRD", "", "", ""),
            receipt(b"4f2a", Message.SENT, "ENROUTE", "", "", "", intermediate=True),
            receipt(b"4f2a", Message.DELIVERED, "DELIVRD", "", "", ""),
        ],
        output="""
        00000011 80000005 00000000 00000001 00
        00000011 80000005 00000000 00000002 00
        00000011 80000005 00000000 00000003 00
        """,
    ),
]


def same_message(
    name: str, row: Row, what: str, seen: str, forms: tuple[str, str], *octets: str
) -> Exhibit:
    """A submit_sm_resp and a receipt that are about one message."""
    in_response, in_receipt, response, deliver = octets
    return Exhibit(
        name=name,
        row=row,
        what=what,
        seen=seen,
        answer=f"one message, with resp_id {forms[0]} and dlr_id {forms[1]}",
        role=ESME,
        requests=1,
        octets=response + deliver,
        events=[
            answered(1, SUBMIT_RESP, 0, message_id=in_response.encode()),
            message(esm_class=0x04),
        ],
        receipts=[
            receipt(in_receipt.encode(), Message.DELIVERED, "DELIVRD", "", "", "")
        ],
        ids=forms,
        output="00000011 80000005 00000000 00000001 00",
    )


IDS = [
    same_message(
        "hex-then-decimal",
        Row.ID_BASE,
        "10C8F40D in the response, 281605133 in the receipt",
        "jookies/jasmin#535; #20, #210, elibom/mokai#8, jsmpp#56",
        ("hex", "dec"),
        "10C8F40D",
        "281605133",
        "00000019 80000004 00000000 00000002 '10C8F40D' 00",
        """
        0000004a 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        19 'id:281605133 stat:DELIVRD'
        """,
    ),
    same_message(
        "decimal-then-hex",
        Row.ID_BASE,
        "the reverse",
        "jookies/jasmin#24, #210",
        ("dec", "hex"),
        "281605133",
        "10c8f40d",
        "0000001a 80000004 00000000 00000002 '281605133' 00",
        """
        00000049 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        18 'id:10c8f40d stat:DELIVRD'
        """,
    ),
    same_message(
        "hex-then-padded-decimal",
        Row.ID_BASE,
        "39f99dd5 in the response, ten digits with a zero in front in the receipt",
        "jookies/jasmin#1034: v3.4's receipt text has room for ten",
        ("hex", "dec"),
        "39f99dd5",
        "0972660181",
        "00000019 80000004 00000000 00000002 '39f99dd5' 00",
        """
        0000004b 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        1a 'id:0972660181 stat:DELIVRD'
        """,
    ),
    same_message(
        "beyond-63-bits",
        Row.ID_BASE,
        "an id above 2^63",
        "jookies/jasmin#586; Kannel's strtoll would saturate",
        ("hex", "dec"),
        "812FC7470000001B",
        "9308878062554710043",
        "00000021 80000004 00000000 00000002 '812FC7470000001B' 00",
        """
        00000054 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        23 'id:9308878062554710043 stat:DELIVRD'
        """,
    ),
    same_message(
        "zeros-in-front",
        Row.ID_ZEROS,
        "00B8BE19 in one, B8BE19 in the other",
        "jookies/jasmin#1129",
        ("text", "text"),
        "00B8BE19",
        "B8BE19",
        "00000019 80000004 00000000 00000002 '00B8BE19' 00",
        """
        00000047 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        16 'id:B8BE19 stat:DELIVRD'
        """,
    ),
    same_message(
        "uuid-with-zero",
        Row.ID_ZEROS,
        "a UUID that begins with 0, without it and in capitals",
        "jookies/jasmin#643, #153",
        ("text", "text"),
        "0e999f21-81ef-4974-a414-3de98174e3c7",
        "E999F21-81EF-4974-A414-3DE98174E3C7",
        "00000035 80000004 00000000 00000002 '0e999f21-81ef-4974-a414-3de98174e3c7' 00",
        """
        00000064 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        33 'id:E999F21-81EF-4974-A414-3DE98174E3C7 stat:DELIVRD'
        """,
    ),
    same_message(
        "capitals",
        Row.ID_ZEROS,
        "capitals in one, small letters in the other",
        "jookies/jasmin#916",
        ("text", "text"),
        "1101C1-C9D03D-F000",
        "1101c1-c9d03d-f000",
        "00000023 80000004 00000000 00000002 '1101C1-C9D03D-F000' 00",
        """
        00000053 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        22 'id:1101c1-c9d03d-f000 stat:DELIVRD'
        """,
    ),
    same_message(
        "sar-prefix",
        Row.ID_TEXT,
        "an id with a prefix, a number and dashes",
        "jookies/jasmin#418",
        ("text", "text"),
        "SAR-233241234567-1eedf843-2-1",
        "SAR-233241234567-1EEDF843-2-1",
        "0000002e 80000004 00000000 00000002 'SAR-233241234567-1eedf843-2-1' 00",
        """
        0000005e 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        2d 'id:SAR-233241234567-1EEDF843-2-1 stat:DELIVRD'
        """,
    ),
    same_message(
        "text-under-hex",
        Row.ID_TEXT,
        "an id that is no hexadecimal number where all others are",
        "jookies/jasmin#535: 'alphanumeric with dashes'",
        ("hex", "hex"),
        "12absa-adsasdas-gfgfdg",
        "12ABSA-adsasdas-gfgfdg",
        "00000027 80000004 00000000 00000002 '12absa-adsasdas-gfgfdg' 00",
        """
        00000057 00000005 00000000 00000001
        00 01 01 '233241234567' 00 05 00 'Luck' 00 04 00 00 00 00 00 00 00 00
        26 'id:12ABSA-adsasdas-gfgfdg stat:DELIVRD'
        """,
    ),
]
