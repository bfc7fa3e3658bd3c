"""Promises of the time between two binds (spec/reliability 2.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.status import Status
from luckgw.upstream.backoff import JITTER, Backoff
from luckgw.upstream.trouble import Trouble, of_status

CREDENTIALS = [60, 120, 240, 300, 300]
STILL_BOUND = [15, 30, 60, 120, 120]
OTHER = [1, 2, 4, 8, 16, 32, 60, 60]


def waits(trouble: Trouble, count: int) -> list[float]:
    """So many waits in a row, without jitter."""
    backoff = Backoff(lambda: 0.5)
    return [backoff.failed(trouble) for _ in range(count)]


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        (Status.ESME_RINVPASWD, CREDENTIALS),
        (Status.ESME_RINVSYSID, CREDENTIALS),
        (Status.ESME_RINVSYSTYP, CREDENTIALS),
        (Status.ESME_RALYBND, STILL_BOUND),
        (Status.ESME_RBINDFAIL, STILL_BOUND),
        (Status.ESME_RSYSERR, OTHER),
        (0x4FF, OTHER),
    ],
)
def test_each_kind_of_trouble_has_its_own_steps(
    status: int, seconds: list[float]
) -> None:
    """Wrong credentials: slowly. A session that hangs: till it is over. Else: soon."""
    assert waits(of_status(status), len(seconds)) == pytest.approx(seconds)


def test_what_is_no_refusal_is_tried_soon() -> None:
    """All other trouble shares one row of steps: a second, two, four ..."""
    backoff = Backoff(lambda: 0.5)
    kinds = [Trouble.DNS, Trouble.TLS, Trouble.TIMEOUT, Trouble.LOST]
    assert [backoff.failed(each) for each in kinds] == pytest.approx(OTHER[:4])


def test_one_kind_does_not_lengthen_the_other() -> None:
    """Away for long, then "still bound" once: 15 s, not two minutes; and back."""
    backoff = Backoff(lambda: 0.5)
    for _ in range(10):
        backoff.failed(Trouble.REFUSED)
    assert backoff.failed(Trouble.STILL_BOUND) == pytest.approx(15)
    assert backoff.failed(Trouble.REFUSED) == pytest.approx(60)
    assert backoff.failures == 12


def test_a_proven_bind_forgets_all() -> None:
    """After it the first step comes first."""
    backoff = Backoff(lambda: 0.5)
    for _ in range(5):
        backoff.failed(Trouble.REFUSED)
    backoff.proven()
    assert backoff.failures == 0
    assert backoff.failed(Trouble.REFUSED) == pytest.approx(1)


@given(st.floats(0, 1), st.sampled_from(Trouble), st.integers(1, 20))
def test_jitter_is_a_fifth(random: float, trouble: Trouble, times: int) -> None:
    """Never more than 20 % away from the step, so that nodes do not call in step."""
    backoff = Backoff(lambda: random)
    for step in waits(trouble, times):
        wait = backoff.failed(trouble)
        assert step * (1 - JITTER) <= wait * (1 + 1e-9)
        assert wait <= step * (1 + JITTER) * (1 + 1e-9)
