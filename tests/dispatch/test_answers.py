import pytest

from luckgw.dispatch.answers import RETRY_S, Answer, Answers, err, retry_after
from luckgw.upstream.interface import NACK

KNOWN = {
    0x00: Answer.TAKEN,
    0x58: Answer.THROTTLE,
    0x14: Answer.THROTTLE,
    0x08: Answer.TEMPORARY,
    0x64: Answer.TEMPORARY,
    0x45: Answer.TEMPORARY,
    0xFF: Answer.TEMPORARY,
    0x04: Answer.SESSION,
    0x05: Answer.SESSION,
}


def test_every_code_has_its_class() -> None:
    """The table of spec/reliability 2.11; whatever is not in it is permanent."""
    codes = [*range(0x200), 0x400, 0x4FF, 0xFFFF, 0xFFFFFFFF]
    classify = Answers({}).classify
    assert {code: classify(code) for code in codes} == {
        code: KNOWN.get(code, Answer.PERMANENT) for code in codes
    }


def test_a_carrier_has_its_own_codes() -> None:
    """What is configured goes before the rule, for standard codes, too; the rest stays
    as it is.
    """
    words = {0x45A: "temporary", 0x15: "throttle", 0x08: "permanent", 1: "session"}
    classify = Answers(words).classify
    codes = [*range(0x200), 0x400, 0x45A, 0x4FF]
    expected = {code: KNOWN.get(code, Answer.PERMANENT) for code in codes} | {
        0x45A: Answer.TEMPORARY,
        0x15: Answer.THROTTLE,
        0x08: Answer.PERMANENT,
        0x01: Answer.SESSION,
    }
    assert {code: classify(code) for code in codes} == expected


@pytest.mark.parametrize("code", [0x00, 0x01, 0x03, 0x58, 0x45A, 0xFFFFFFFF])
def test_a_generic_nack_is_temporary_whatever_it_says(code: int) -> None:
    """It is about the PDU, and not about the message; err shows its code."""
    assert Answers({code: "permanent"}).classify(NACK | code) is Answer.TEMPORARY
    assert err(NACK | code) == err(code)


def test_the_schedule_of_retries() -> None:
    """5 s, 15 s, 1 min, 5 min, 15 min, and then every 15 minutes."""
    waits = [retry_after(attempts) for attempts in range(1, 8)]
    assert waits == [5, 15, 60, 300, 900, 900, 900]
    assert retry_after(0) == RETRY_S[0]


@pytest.mark.parametrize(
    ("command_status", "expected"),
    [
        (0x0B, b"011"),
        (0x45, b"069"),
        (0x400, b"1024"),
        (99_999_999, b"99999999"),
        (100_000_000, b"05F5E100"),
        (0xFFFFFFFF, b"FFFFFFFF"),
    ],
)
def test_err(command_status: int, expected: bytes) -> None:
    """A receipt's err holds a command_status whole, in its at most eight characters."""
    assert err(command_status) == expected
