"""Which sender IDs an account may use."""

import pytest

from luckgw.admission import senders as module
from luckgw.admission.senders import Senders


@pytest.mark.parametrize(
    ("entries", "sender", "approved"),
    [
        ((), "Acme", False),
        (("Acme",), "Acme", True),
        (("Acme",), "acme", False),
        (("Acme",), "Acme2", False),
        (("Acme",), "", False),
        (("re:Ac.*",), "Acme", True),
        (("re:c",), "Acme", False),
        (("re:.*",), "A\u202ecme", False),
        (("re:^[0-9]{5}$",), "12345", True),
        (("re:^[0-9]{5}$",), "12345\n", False),
        (("re:x", "re:Acme"), "Acme", True),
        (("*",), "Anything", True),
        (("*",), "LuckCreators", True),
        (("*",), "", False),
        (("*",), "x" * 21, False),
        (("*",), "a\nb", False),
        (("*",), "2" * 16, False),
        (("Acme", "*"), "Other", True),
        (("233501234567",), "+233501234567", True),
        (("+233501234567",), "+233501234567", True),
        (("+233501234567",), "233501234567", False),
        (("re:233[0-9]+",), "+233501234567", True),
        (("re:\\+233[0-9]+",), "+233501234567", True),
        (("A name beyond 20 characters",), "A name beyond 20 characters", True),
    ],
)
def test_approves(entries: tuple[str, ...], sender: str, approved: bool) -> None:
    """What is listed, as it is listed; of the rest only what a phone can show.

    Asked twice, because an approved sender is remembered.
    """
    senders = Senders(entries)
    assert senders.approves(sender) is approved
    assert senders.approves(sender) is approved


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that may use any number does not fill the memory with them."""
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 10)
    senders = Senders(("*",))
    for number in range(1000, 1100):
        assert senders.approves(str(number))
    assert len(senders._approved) <= 10
    assert senders.approves("1000")
