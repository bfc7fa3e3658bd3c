"""May this message enter? What a submit_sm means is judged here; ``wire`` has seen to
its form (lengths, terminators, TLVs, the user data header).

HOT PATH: ``check_submit`` sees every message of every partner.
"""

from typing import Protocol

import attrs

from luckgw.admission.accounts import KnownAccount
from luckgw.admission.smpp_time import smpp_time_ms
from luckgw.config.model import LONGEST_VALIDITY_S
from luckgw.domain.address import normalise_number
from luckgw.domain.errors import Refusal, bad_request
from luckgw.domain.status import Status

SHORTEST_NUMBER = 7
"""Digits of a destination, over SMPP (spec/reliability 7.5)."""

_HIGHEST_PRIORITY = 3
_RECEIPT_BITS = 0b11  # of registered_delivery (v3.4 5.2.17)
_LONGEST_MS = LONGEST_VALIDITY_S * 1000

_TONS = frozenset(range(7))
_NPIS = frozenset({0, 1, 3, 4, 6, 8, 9, 10, 14, 18})

# esm_class (v3.4 5.2.12): bits 1-0 the messaging mode, of which 10b (transaction) asks
# for an answer from the phone that we can not give; bits 5-2 the type: a plain message,
# or the acknowledgement of an ESME (0x08) or its user (0x10). Bits 7-6 are the GSM
# features, any of them.
_ESM_CLASSES = frozenset(
    features | kind | mode
    for features in (0x00, 0x40, 0x80, 0xC0)
    for kind in (0x00, 0x08, 0x10)
    for mode in (0b00, 0b01, 0b11)
)


class SubmittedSm(Protocol):
    """What is looked at of a decoded submit_sm or data_sm (``wire.pdus.Sm``)."""

    @property
    def source_addr_ton(self) -> int: ...  # noqa: D102 - v3.4's own names
    @property
    def source_addr_npi(self) -> int: ...  # noqa: D102
    @property
    def dest_addr_ton(self) -> int: ...  # noqa: D102
    @property
    def dest_addr_npi(self) -> int: ...  # noqa: D102
    @property
    def source_addr(self) -> bytes: ...  # noqa: D102
    @property
    def destination_addr(self) -> bytes: ...  # noqa: D102
    @property
    def esm_class(self) -> int: ...  # noqa: D102
    @property
    def priority_flag(self) -> int: ...  # noqa: D102
    @property
    def schedule_delivery_time(self) -> bytes: ...  # noqa: D102
    @property
    def validity_period(self) -> bytes: ...  # noqa: D102
    @property
    def registered_delivery(self) -> int: ...  # noqa: D102
    @property
    def replace_if_present_flag(self) -> int: ...  # noqa: D102
    @property
    def sm_default_msg_id(self) -> int: ...  # noqa: D102


@attrs.frozen
class Waiting:
    """The times of a message that is to be replaced."""

    due_ms: int | None
    deadline_ms: int
    says_validity: bool
    """Whether it said itself how long it is valid."""


def check_submit(sm: SubmittedSm, account: KnownAccount) -> str:
    """The normalised destination of a message that may enter.

    Raises ``Refusal`` with the command_status of the first fault, in the order of
    spec/reliability 2.3. service_type is free, and so are ton and npi unless the
    account wants them strict: the kind of an address is found out from the address
    (spec/features 2.12). Addresses are read as Latin-1. Whether the times lie in the
    future is ``message_times``' business.
    """
    destination = _judge_addresses(sm, account)
    if sm.esm_class not in _ESM_CLASSES:
        raise bad_request("esm_class is not supported", Status.ESME_RINVESMCLASS)
    if sm.priority_flag > _HIGHEST_PRIORITY:
        raise bad_request("priority_flag is above 3", Status.ESME_RINVPRTFLG)
    if sm.schedule_delivery_time:
        _scheduled_at(sm.schedule_delivery_time, 0)
    if sm.validity_period:
        _valid_until(sm.validity_period, 0)
    if sm.registered_delivery & _RECEIPT_BITS == _RECEIPT_BITS:
        raise bad_request("registered_delivery is reserved", Status.ESME_RINVREGDLVFLG)
    if sm.replace_if_present_flag > 1:
        raise bad_request("replace_if_present_flag is above 1", Status.ESME_RINVREPFLAG)
    if sm.sm_default_msg_id:
        raise bad_request("there are no default messages", Status.ESME_RINVDFTMSGID)
    return destination


def _judge_addresses(sm: SubmittedSm, account: KnownAccount) -> str:
    """The normalised destination, if source and destination are good."""
    is_strict = account.settings.strict_ton_npi
    if not account.senders.approves(sm.source_addr.decode("latin-1")):
        raise bad_request("source_addr is not approved", Status.ESME_RINVSRCADR)
    if is_strict:
        _judge_ton_npi(
            sm.source_addr_ton,
            sm.source_addr_npi,
            Status.ESME_RINVSRCTON,
            Status.ESME_RINVSRCNPI,
        )
    destination = normalise_number(
        sm.destination_addr.decode("latin-1"), SHORTEST_NUMBER
    )
    if destination is None:
        raise bad_request(
            "destination_addr is not an international number", Status.ESME_RINVDSTADR
        )
    if is_strict:
        _judge_ton_npi(
            sm.dest_addr_ton,
            sm.dest_addr_npi,
            Status.ESME_RINVDSTTON,
            Status.ESME_RINVDSTNPI,
        )
    return destination


def _judge_ton_npi(ton: int, npi: int, ton_status: Status, npi_status: Status) -> None:
    """Raise Refusal for a ton or npi that v3.4 5.2.5, 5.2.6 does not name."""
    if ton not in _TONS:
        raise bad_request(f"there is no TON {ton}", ton_status)
    if npi not in _NPIS:
        raise bad_request(f"there is no NPI {npi}", npi_status)


def message_times(
    sm: SubmittedSm, account: KnownAccount, now_ms: int
) -> tuple[int, int]:
    """When a message is to be sent and until when that is tried, both in unix ms.

    Without a schedule it is due now; without a validity it has the account's, from the
    time when it is due. Raises ``Refusal`` with 0x61 or 0x62 for a time that is none,
    is past, is more than 30 days away, or (validity) comes before the schedule.
    """
    due_ms = now_ms
    if sm.schedule_delivery_time:
        due_ms = _due(sm.schedule_delivery_time, now_ms)
    if not sm.validity_period:
        return due_ms, due_ms + account.validity_ms
    return due_ms, _deadline(sm.validity_period, due_ms, now_ms)


def replaced_times(
    schedule: bytes,
    validity: bytes,
    waiting: Waiting,
    account: KnownAccount,
    now_ms: int,
) -> tuple[int | None, int]:
    """When a replaced message is due (None: at once), and until when it is tried.

    ``schedule`` and ``validity`` are those of the replace_sm: empty ones leave what was
    (v3.4 4.10.1). A message that never said how long it is valid has the account's
    validity from its new time on. Raises ``Refusal`` as ``message_times``.
    """
    due_ms, deadline_ms = waiting.due_ms, waiting.deadline_ms
    if schedule:
        due_ms = _due(schedule, now_ms)
    starts_ms = max(due_ms or 0, now_ms)
    if validity:
        deadline_ms = _deadline(validity, starts_ms, now_ms)
    elif schedule and not waiting.says_validity:
        deadline_ms = starts_ms + account.validity_ms
    elif deadline_ms <= starts_ms:
        raise _bad_schedule("is behind the end of the validity")
    return due_ms, deadline_ms


def _due(schedule: bytes, now_ms: int) -> int:
    due_ms = _scheduled_at(schedule, now_ms)
    if not now_ms <= due_ms <= now_ms + _LONGEST_MS:
        raise _bad_schedule("is past or too far away")
    return due_ms


def _deadline(validity: bytes, due_ms: int, now_ms: int) -> int:
    deadline_ms = _valid_until(validity, now_ms)
    if not due_ms < deadline_ms <= due_ms + _LONGEST_MS:
        raise _bad_validity("is past, before the schedule, or too far away")
    return deadline_ms


def _scheduled_at(text: bytes, now_ms: int) -> int:
    try:
        return smpp_time_ms(text, now_ms)
    except ValueError as error:
        raise _bad_schedule(str(error)) from None


def _valid_until(text: bytes, now_ms: int) -> int:
    try:
        return smpp_time_ms(text, now_ms)
    except ValueError as error:
        raise _bad_validity(str(error)) from None


def _bad_schedule(what: str) -> Refusal:
    return bad_request(f"schedule_delivery_time {what}", Status.ESME_RINVSCHED)


def _bad_validity(what: str) -> Refusal:
    return bad_request(f"validity_period {what}", Status.ESME_RINVEXPIRY)
