"""spec/reliability 2.3, the rows of submit_sm that are about meaning."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.admission.checks import check_submit, message_times
from luckgw.config.model import Account
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.wire.pdus import Sm, decode_sm, encode_sm
from tests.admission.conftest import known

Submitted = Callable[..., Sm]

NOW = 1_700_000_000_000
"""2023-11-14 22:13:20 UTC."""
DAY = 86_400_000


def test_a_usual_message_enters(submitted: Submitted, account: KnownAccount) -> None:
    """And is told its destination."""
    assert check_submit(submitted(), account) == "233501234567"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, None),
        ({"source_addr_ton": 6, "source_addr_npi": 18}, None),
        ({"dest_addr_ton": 0, "dest_addr_npi": 14}, None),
        ({"source_addr_ton": 7}, 0x48),
        ({"source_addr_npi": 2}, 0x49),
        ({"dest_addr_ton": 7}, 0x50),
        ({"dest_addr_npi": 255}, 0x51),
        # the order of spec/reliability 2.3
        ({"source_addr": b"Strange", "source_addr_ton": 7}, 0x0A),
        ({"source_addr_ton": 7, "source_addr_npi": 2}, 0x48),
        ({"source_addr_npi": 2, "destination_addr": b"1"}, 0x49),
        ({"destination_addr": b"1", "dest_addr_ton": 7}, 0x0B),
        ({"dest_addr_ton": 7, "dest_addr_npi": 2}, 0x50),
        ({"dest_addr_npi": 2, "esm_class": 2}, 0x51),
        ({"esm_class": 2, "priority_flag": 4}, 0x43),
        ({"priority_flag": 4, "schedule_delivery_time": b"x" * 16}, 0x06),
        (
            {"schedule_delivery_time": b"x" * 16, "validity_period": b"x" * 16},
            0x61,
        ),
        ({"validity_period": b"x" * 16, "registered_delivery": 3}, 0x62),
        ({"registered_delivery": 3, "replace_if_present_flag": 2}, 0x07),
        ({"replace_if_present_flag": 2, "sm_default_msg_id": 1}, 0x54),
        ({"sm_default_msg_id": 1}, 0x63),
    ],
)
def test_the_order_and_strict_addresses(
    submitted: Submitted, fields: dict[str, object], status: int | None
) -> None:
    """Of two faults the first of the table is told; TON and NPI count if wished."""
    strict = known(senders=("Acme",), strict_ton_npi=True)
    if status is None:
        assert check_submit(submitted(**fields), strict) == "233501234567"
        return
    with pytest.raises(Refusal) as refused:
        check_submit(submitted(**fields), strict)
    assert refused.value.command_status == status


@pytest.mark.parametrize(
    "fields",
    [
        {"service_type": b"WAP"},
        {"source_addr_ton": 7, "source_addr_npi": 200},
        {"dest_addr_ton": 7, "dest_addr_npi": 200},
        {"source_addr": b"0123456789", "source_addr_ton": 5},
        {"esm_class": 0x03},
        {"esm_class": 0x01},
        {"esm_class": 0x08},
        {"esm_class": 0x10},
        {"esm_class": 0x80},
        {"esm_class": 0x43, "short_message": b"\x05\x00\x03\x01\x02\x01Hello"},
        {"priority_flag": 3},
        {"schedule_delivery_time": b"000000010000000R"},
        {"schedule_delivery_time": b"991231235959900+"},
        {"validity_period": b"000001000000000R"},
        {"validity_period": b"000101000000048-"},
        {"registered_delivery": 0},
        {"registered_delivery": 0x1E},
        {"replace_if_present_flag": 1},
        {"data_coding": 8},
        {"protocol_id": 0x41},
        {"short_message": b""},
        {"short_message": b"", "tlvs": {0x0424: b"long"}},
        {"tlvs": {0x1400: b"vendor"}},
    ],
)
def test_what_enters_too(
    submitted: Submitted, account: KnownAccount, fields: dict[str, object]
) -> None:
    """Whatever is legal, and addresses of any kind: the kind is found out."""
    assert check_submit(submitted(**fields), account) == "233501234567"


REFUSED: list[tuple[Status, dict[str, object]]] = [
    (Status.ESME_RINVSRCADR, {"source_addr": b""}),
    (Status.ESME_RINVSRCADR, {"source_addr": b"acme"}),
    (Status.ESME_RINVSRCADR, {"source_addr": b"Acme "}),
    (Status.ESME_RINVSRCADR, {"source_addr": b"A\xe7me"}),
    (Status.ESME_RINVDSTADR, {"destination_addr": b"0501234567"}),
    (Status.ESME_RINVDSTADR, {"destination_addr": b"233501"}),
    (Status.ESME_RINVDSTADR, {"destination_addr": b"2335012345678901"}),
    (Status.ESME_RINVDSTADR, {"destination_addr": b"Acme"}),
    (Status.ESME_RINVDSTADR, {"destination_addr": b"2335012\xb2345"}),
    (Status.ESME_RINVESMCLASS, {"esm_class": 0x02}),
    (Status.ESME_RINVESMCLASS, {"esm_class": 0x04}),
    (Status.ESME_RINVESMCLASS, {"esm_class": 0x18}),
    (Status.ESME_RINVESMCLASS, {"esm_class": 0x20}),
    (Status.ESME_RINVESMCLASS, {"esm_class": 0xBC}),
    (Status.ESME_RINVPRTFLG, {"priority_flag": 4}),
    (Status.ESME_RINVSCHED, {"schedule_delivery_time": b"tomorrow at noon"}),
    (Status.ESME_RINVSCHED, {"schedule_delivery_time": b"231301000000000+"}),
    (Status.ESME_RINVEXPIRY, {"validity_period": b"231114221320049+"}),
    (Status.ESME_RINVEXPIRY, {"validity_period": b"231114221320000 "}),
    (Status.ESME_RINVREGDLVFLG, {"registered_delivery": 3}),
    (Status.ESME_RINVREGDLVFLG, {"registered_delivery": 0x1F}),
    (Status.ESME_RINVREPFLAG, {"replace_if_present_flag": 2}),
    (Status.ESME_RINVDFTMSGID, {"sm_default_msg_id": 1}),
]
STATUSES = {status for status, _ in REFUSED}


@pytest.mark.parametrize(("status", "fields"), REFUSED)
def test_what_does_not_enter(
    submitted: Submitted,
    account: KnownAccount,
    status: Status,
    fields: dict[str, object],
) -> None:
    """Each fault has its own command_status; over HTTP it would be PDU Error."""
    with pytest.raises(Refusal) as caught:
        check_submit(submitted(**fields), account)
    assert caught.value.command_status == status
    assert (caught.value.http_status, caught.value.body) == (400, "PDU Error")


def test_the_first_fault_counts(submitted: Submitted, account: KnownAccount) -> None:
    """In the order of the specification's table, whatever else is wrong."""
    fields: dict[str, object] = {}
    for status, fault in reversed(REFUSED):
        fields |= fault
        with pytest.raises(Refusal) as caught:
            check_submit(submitted(**fields), account)
        assert caught.value.command_status == status


@pytest.mark.parametrize(
    "written", [b"+233501234567", b"00233501234567", b"233 50 123 4567"]
)
def test_the_destination_is_normalised(
    submitted: Submitted, account: KnownAccount, written: bytes
) -> None:
    """However the partner writes it, one number is one text from here on."""
    sm = submitted(destination_addr=written)
    assert check_submit(sm, account) == "233501234567"


def test_short_international_numbers_are_plausible(
    submitted: Submitted, account: KnownAccount
) -> None:
    """7 digits are the least."""
    assert check_submit(submitted(destination_addr=b"2904512"), account) == "2904512"


ANYBODY = Accounts({"a": Account(name="a", senders=("*",))}).by_name("a")


@given(
    st.fixed_dictionaries(
        {
            "source_addr": st.binary(max_size=20).map(lambda b: b.replace(b"\0", b"")),
            "destination_addr": st.binary(min_size=1, max_size=20).map(
                lambda b: b.replace(b"\0", b"1")
            ),
            "priority_flag": st.integers(0, 255),
            "registered_delivery": st.integers(0, 255),
            "schedule_delivery_time": st.sampled_from(
                [b"", b"0" * 15 + b"R", b"x" * 16]
            ),
            "validity_period": st.sampled_from([b"", b"9" * 15 + b"R", b"\xff" * 16]),
        }
    ),
    st.integers(0, 255).filter(lambda esm_class: not esm_class & 0x40),
)
def test_nothing_else_than_a_refusal(fields: dict[str, object], esm_class: int) -> None:
    """Whatever the wire lets through is accepted or refused; nothing breaks."""
    assert ANYBODY is not None
    sm = decode_sm(encode_sm(esm_class=esm_class, **fields))  # type: ignore[arg-type]
    try:
        destination = check_submit(sm, ANYBODY)
        due_ms, deadline_ms = message_times(sm, ANYBODY, NOW)
    except Refusal as refusal:
        told = refusal.command_status
        assert told in STATUSES
    else:
        assert destination.isdigit()
        assert NOW <= due_ms < deadline_ms


class TestTimes:
    def test_now_and_the_account_s_validity(
        self, submitted: Submitted, account: KnownAccount
    ) -> None:
        """When the message says nothing."""
        assert message_times(submitted(), account, NOW) == (NOW, NOW + 3_600_000)

    def test_scheduled(self, submitted: Submitted, account: KnownAccount) -> None:
        """The account's validity begins when the message is due."""
        sm = submitted(schedule_delivery_time=b"231115000000000+")
        due = NOW + (1 * 3600 + 46 * 60 + 40) * 1000
        assert message_times(sm, account, NOW) == (due, due + 3_600_000)

    def test_valid(self, submitted: Submitted, account: KnownAccount) -> None:
        """A relative validity begins now, as the specification says."""
        sm = submitted(
            schedule_delivery_time=b"000000010000000R",
            validity_period=b"000000023000000R",
        )
        assert message_times(sm, account, NOW) == (
            NOW + 3_600_000,
            NOW + 9_000_000,
        )

    @pytest.mark.parametrize(
        "fields",
        [
            {"schedule_delivery_time": b"000000000000000R"},
            {"schedule_delivery_time": b"231114221320000+"},
            {"schedule_delivery_time": b"000030000000000R"},
            {"validity_period": b"000030000000000R"},
            {"validity_period": b"000000000001000R"},
            {
                "schedule_delivery_time": b"000030000000000R",
                "validity_period": b"000030000001000R",
            },
        ],
    )
    def test_the_bounds_are_inside(
        self, submitted: Submitted, account: KnownAccount, fields: dict[str, object]
    ) -> None:
        """From this moment up to 30 days."""
        due, deadline = message_times(submitted(**fields), account, NOW)
        assert NOW <= due <= NOW + 30 * DAY
        assert due < deadline <= due + 30 * DAY

    @pytest.mark.parametrize(
        ("status", "fields"),
        [
            (Status.ESME_RINVSCHED, {"schedule_delivery_time": b"231114221319900+"}),
            (Status.ESME_RINVSCHED, {"schedule_delivery_time": b"000030000001000R"}),
            (Status.ESME_RINVSCHED, {"schedule_delivery_time": b"x" * 16}),
            (Status.ESME_RINVEXPIRY, {"validity_period": b"231114221320000+"}),
            (Status.ESME_RINVEXPIRY, {"validity_period": b"000000000000000R"}),
            (Status.ESME_RINVEXPIRY, {"validity_period": b"000030000001000R"}),
            (Status.ESME_RINVEXPIRY, {"validity_period": b"x" * 16}),
            (
                Status.ESME_RINVEXPIRY,
                {
                    "schedule_delivery_time": b"000000010000000R",
                    "validity_period": b"000000010000000R",
                },
            ),
        ],
    )
    def test_past_or_too_far(
        self,
        submitted: Submitted,
        account: KnownAccount,
        status: Status,
        fields: dict[str, object],
    ) -> None:
        """Is refused, with the status of the field that is wrong."""
        with pytest.raises(Refusal) as caught:
            message_times(submitted(**fields), account, NOW)
        assert caught.value.command_status == status
