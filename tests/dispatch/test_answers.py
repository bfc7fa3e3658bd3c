import pytest

from luckgw.dispatch.answers import RETRY_S, Answer, classify, err, retry_after

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
    assert {code: classify(code) for code in codes} == {
        code: KNOWN.get(code, Answer.PERMANENT) for code in codes
    }


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
