from collections.abc import Iterable
from enum import Enum
from typing import Any, ClassVar, NamedTuple

class CommandId(Enum):
    generic_nack = 1
    bind_receiver = 2
    bind_receiver_resp = 3
    bind_transmitter = 4
    bind_transmitter_resp = 5
    query_sm = 6
    query_sm_resp = 7
    submit_sm = 8
    submit_sm_resp = 9
    deliver_sm = 10
    deliver_sm_resp = 11
    unbind = 12
    unbind_resp = 13
    replace_sm = 14
    replace_sm_resp = 15
    cancel_sm = 16
    cancel_sm_resp = 17
    bind_transceiver = 18
    bind_transceiver_resp = 19
    outbind = 20
    enquire_link = 21
    enquire_link_resp = 22
    submit_multi = 23
    submit_multi_resp = 24
    alert_notification = 25
    data_sm = 26
    data_sm_resp = 27

class CommandStatus(Enum):
    ESME_ROK = 1
    ESME_RINVMSGLEN = 2
    ESME_RINVCMDLEN = 3
    ESME_RINVCMDID = 4
    ESME_RINVBNDSTS = 5
    ESME_RALYBND = 6
    ESME_RINVPRTFLG = 7
    ESME_RINVREGDLVFLG = 8
    ESME_RSYSERR = 9
    ESME_RINVSRCADR = 10
    ESME_RINVDSTADR = 11
    ESME_RINVMSGID = 12
    ESME_RBINDFAIL = 13
    ESME_RINVPASWD = 14
    ESME_RINVSYSID = 15
    ESME_RCANCELFAIL = 16
    ESME_RREPLACEFAIL = 17
    ESME_RMSGQFUL = 18
    ESME_RINVSERTYP = 19
    ESME_RINVNUMDESTS = 20
    ESME_RINVDLNAME = 21
    ESME_RINVDESTFLAG = 22
    ESME_RINVSUBREP = 23
    ESME_RINVESMCLASS = 24
    ESME_RCNTSUBDL = 25
    ESME_RSUBMITFAIL = 26
    ESME_RINVSRCTON = 27
    ESME_RINVSRCNPI = 28
    ESME_RINVDSTTON = 29
    ESME_RINVDSTNPI = 30
    ESME_RINVSYSTYP = 31
    ESME_RINVREPFLAG = 32
    ESME_RINVNUMMSGS = 33
    ESME_RTHROTTLED = 34
    ESME_RINVSCHED = 35
    ESME_RINVEXPIRY = 36
    ESME_RINVDFTMSGID = 37
    ESME_RX_T_APPN = 38
    ESME_RX_P_APPN = 39
    ESME_RX_R_APPN = 40
    ESME_RQUERYFAIL = 41
    ESME_RINVOPTPARSTREAM = 42
    ESME_ROPTPARNOTALLWD = 43
    ESME_RINVPARLEN = 44
    ESME_RMISSINGOPTPARAM = 45
    ESME_RINVOPTPARAMVAL = 46
    ESME_RDELIVERYFAILURE = 47
    ESME_RUNKNOWNERR = 48
    ESME_RSERTYPUNAUTH = 49
    ESME_RPROHIBITED = 50
    ESME_RSERTYPUNAVAIL = 51
    ESME_RSERTYPDENIED = 52
    ESME_RINVDCS = 53
    ESME_RINVSRCADDRSUBUNIT = 54
    ESME_RINVDSTADDRSUBUNIT = 55
    ESME_RINVBCASTFREQINT = 56
    ESME_RINVBCASTALIAS_NAME = 57
    ESME_RINVBCASTAREAFMT = 58
    ESME_RINVNUMBCAST_AREAS = 59
    ESME_RINVBCASTCNTTYPE = 60
    ESME_RINVBCASTMSGCLASS = 61
    ESME_RBCASTFAIL = 62
    ESME_RBCASTQUERYFAIL = 63
    ESME_RBCASTCANCELFAIL = 64
    ESME_RINVBCAST_REP = 65
    ESME_RINVBCASTSRVGRP = 66
    ESME_RINVBCASTCHANIND = 67
    RESERVEDSTATUS_SMPP_EXTENSION = 68
    RESERVEDSTATUS_VENDOR_SPECIFIC = 69
    RESERVEDSTATUS = 70
    RESERVEDSTATUS_UNKNOWN_STATUS = 71

class Tag(Enum):
    dest_addr_subunit = 1
    dest_network_type = 2
    dest_bearer_type = 3
    dest_telematics_id = 4
    source_addr_subunit = 5
    source_network_type = 6
    source_bearer_type = 7
    source_telematics_id = 8
    qos_time_to_live = 9
    payload_type = 10
    additional_status_info_text = 11
    receipted_message_id = 12
    ms_msg_wait_facilities = 13
    privacy_indicator = 14
    source_subaddress = 15
    dest_subaddress = 16
    user_message_reference = 17
    user_response_code = 18
    source_port = 19
    destination_port = 20
    sar_msg_ref_num = 21
    language_indicator = 22
    sar_total_segments = 23
    sar_segment_seqnum = 24
    sc_interface_version = 25
    callback_num_pres_ind = 26
    callback_num_atag = 27
    number_of_messages = 28
    callback_num = 29
    dpf_result = 30
    set_dpf = 31
    ms_availability_status = 32
    network_error_code = 33
    message_payload = 34
    delivery_failure_reason = 35
    more_messages_to_send = 36
    message_state = 37
    ussd_service_op = 38
    display_time = 39
    sms_signal = 40
    ms_validity = 41
    alert_on_message_delivery = 42
    its_reply_type = 43
    its_session_info = 44
    vendor_specific_bypass = 45

class EsmClassMode(Enum):
    DEFAULT = 1
    DATAGRAM = 2
    FORWARD = 3
    STORE_AND_FORWARD = 4

class EsmClassType(Enum):
    DEFAULT = 1
    SMSC_DELIVERY_RECEIPT = 2
    DELIVERY_ACKNOWLEDGEMENT = 3
    MANUAL_ACKNOWLEDGMENT = 4
    CONVERSATION_ABORT = 5
    INTERMEDIATE_DELIVERY_NOTIFICATION = 6

class EsmClassGsmFeatures(Enum):
    UDHI_INDICATOR_SET = 1
    SET_REPLY_PATH = 2

class RegisteredDeliveryReceipt(Enum):
    NO_SMSC_DELIVERY_RECEIPT_REQUESTED = 1
    SMSC_DELIVERY_RECEIPT_REQUESTED = 2
    SMSC_DELIVERY_RECEIPT_REQUESTED_FOR_FAILURE = 3

class RegisteredDeliverySmeOriginatedAcks(Enum):
    SME_DELIVERY_ACK_REQUESTED = 1
    SME_MANUAL_ACK_REQUESTED = 2

class AddrTon(Enum):
    UNKNOWN = 1
    INTERNATIONAL = 2
    NATIONAL = 3
    NETWORK_SPECIFIC = 4
    SUBSCRIBER_NUMBER = 5
    ALPHANUMERIC = 6
    ABBREVIATED = 7

class AddrNpi(Enum):
    UNKNOWN = 1
    ISDN = 2
    DATA = 3
    TELEX = 4
    LAND_MOBILE = 5
    NATIONAL = 6
    PRIVATE = 7
    ERMES = 8
    INTERNET = 9
    WAP_CLIENT_ID = 10

class PriorityFlag(Enum):
    LEVEL_0 = 1
    LEVEL_1 = 2
    LEVEL_2 = 3
    LEVEL_3 = 4

class ReplaceIfPresentFlag(Enum):
    DO_NOT_REPLACE = 1
    REPLACE = 2

class DataCodingScheme(Enum):
    RAW = 1
    DEFAULT = 2
    GSM_MESSAGE_CLASS = 3

class DataCodingDefault(Enum):
    SMSC_DEFAULT_ALPHABET = 1
    IA5_ASCII = 2
    OCTET_UNSPECIFIED = 3
    LATIN_1 = 4
    OCTET_UNSPECIFIED_COMMON = 5
    JIS = 6
    CYRILLIC = 7
    ISO_8859_8 = 8
    UCS2 = 9
    PICTOGRAM = 10
    ISO_2022_JP = 11
    EXTENDED_KANJI_JIS = 12
    KS_C_5601 = 13

class DataCodingGsmMsgCoding(Enum):
    DEFAULT_ALPHABET = 1
    DATA_8BIT = 2

class DataCodingGsmMsgClass(Enum):
    NO_MESSAGE_CLASS = 1
    CLASS_1 = 2
    CLASS_2 = 3
    CLASS_3 = 4

class DestFlag(Enum):
    SME_ADDRESS = 1
    DISTRIBUTION_LIST_NAME = 2

class MessageState(Enum):
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8

class MoreMessagesToSend(Enum):
    NO_MORE_MESSAGES = 1
    MORE_MESSAGES = 2

class NetworkType(Enum):
    UNKNOWN = 1
    GSM = 2
    TDMA = 3
    CDMA = 4
    PDC = 5
    PHS = 6
    IDEN = 7
    AMPS = 8
    PAGING_NETWORK = 9

class PayloadType(Enum):
    DEFAULT = 1
    WCMP = 2

class PrivacyIndicator(Enum):
    NOT_RESTRICTED = 1
    RESTRICTED = 2
    CONFIDENTIAL = 3
    SECRET = 4

class MsAvailabilityStatus(Enum):
    AVAILABLE = 1
    DENIED = 2
    UNAVAILABLE = 3

class Option(NamedTuple):
    tag: Tag
    value: Any

class EsmClass(tuple[Any, ...]):
    mode: EsmClassMode
    type: EsmClassType
    gsmFeatures: set[EsmClassGsmFeatures]
    def __new__(
        cls,
        mode: EsmClassMode,
        type: EsmClassType,
        gsmFeatures: Iterable[EsmClassGsmFeatures] = ...,
    ) -> EsmClass: ...

class RegisteredDelivery(tuple[Any, ...]):
    receipt: RegisteredDeliveryReceipt
    smeOriginatedAcks: set[RegisteredDeliverySmeOriginatedAcks]
    intermediateNotification: bool
    def __new__(
        cls,
        receipt: RegisteredDeliveryReceipt,
        smeOriginatedAcks: Iterable[RegisteredDeliverySmeOriginatedAcks] = ...,
        intermediateNotification: bool = ...,
    ) -> RegisteredDelivery: ...

class DataCodingGsmMsg(tuple[Any, ...]):
    msgCoding: DataCodingGsmMsgCoding
    msgClass: DataCodingGsmMsgClass
    def __new__(
        cls, msgCoding: DataCodingGsmMsgCoding, msgClass: DataCodingGsmMsgClass
    ) -> DataCodingGsmMsg: ...

class DataCoding:
    scheme: DataCodingScheme
    # An int for the scheme RAW.
    schemeData: DataCodingDefault | DataCodingGsmMsg | int
    def __init__(
        self,
        scheme: DataCodingScheme = ...,
        schemeData: DataCodingDefault | DataCodingGsmMsg | int = ...,
    ) -> None: ...

class PDU:
    commandId: ClassVar[CommandId]
    mandatoryParams: ClassVar[list[str]]
    optionalParams: ClassVar[list[str]]
    id: CommandId
    # None until a sender gives it one.
    seqNum: int | None
    status: CommandStatus
    params: dict[str, Any]
    custom_tlvs: list[tuple[int, int | None, str, Any]]
    def __init__(
        self, seqNum: int | None = ..., status: CommandStatus = ..., **kwargs: Any
    ) -> None: ...

class PDURequest(PDU):
    requireAck: ClassVar[type[PDUResponse]]

class PDUResponse(PDU):
    noBodyOnError: ClassVar[bool]

class PDUDataRequest(PDURequest): ...
