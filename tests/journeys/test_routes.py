"""Messages find their way: by prefix file, content, list and hook, rewritten or not."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import Carrier, House, free_port, until

MORE = """
[upstreams.other]
endpoint = "tcp:127.0.0.1:{other}"
system_id = "sandbox"
password = {{ file = "carrier.password" }}
addresses = {{ rewrite_destination = [{{ prefix = "99", to = "7" }}] }}

[[routes]]
name = "blocked"
match = {{ destination_list = "blocked.txt" }}
refuse = "destination"

[[routes]]
name = "lottery"
match = {{ content = ["lottery"] }}
refuse = "content"

[[routes]]
name = "slow"
match = {{ prefix = "23370", hook = "slow" }}
to = "other"

[[routes]]
name = "premium"
match = {{ prefix = "2337", hook = "premium" }}
to = "other"

[[routes]]
name = "world"
prefixes = "world.csv"
[routes.rewrite]
source_pool = ["4321"]
append = " STOP?"
destination = [{{ prefix = "233", to = "99" }}]

[hooks.premium]
function = "journey_rules:premium"

[hooks.slow]
function = "journey_rules:slow"
timeout_s = 0.2
on_failure = "no"
"""
RULES = """
import time

def premium(message):
    if message["text"] == "refuse me":
        return "sender"
    if message["text"] == "raise":
        raise ValueError("on purpose")
    print("asked")
    return message["from"] == "LuckCreators" and message["to"].endswith("7")

def slow(message):
    time.sleep(60 if message["to"].endswith("9") else 0)
    return True
"""


@pytest.fixture
def town(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[House, Carrier]]:
    """A gateway with two carriers, routes in files, and two hooks."""
    house = House(tmp_path)
    house.carrier = Carrier(house.carrier.port, tmp_path / "carrier.jsonl")
    other = Carrier(free_port(), tmp_path / "other.jsonl")
    text = house.config.read_text()
    house.config.write_text(f'include = ["more.toml"]\n{text}')
    (tmp_path / "more.toml").write_text(MORE.format(other=other.port))
    (tmp_path / "blocked.txt").write_text("23366*\n")
    (tmp_path / "world.csv").write_text(
        "prefix,upstream\n23320,carrier\n233204,other\n"
    )
    (tmp_path / "journey_rules.py").write_text(RULES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    try:
        house.carrier.start()
        other.start()
        house.start()
        house.wait_ready()
        yield house, other
    finally:
        house.close()
        other.stop()


def got(carrier: Carrier, count: int) -> dict[str, str]:
    """The last of so many messages that a carrier has by now."""
    until(lambda: len(carrier.got()) >= count, 10, f"{count} messages")
    assert len(carrier.got()) == count
    last: dict[str, str] = carrier.got()[-1]
    return last


def test_every_kind_of_route(town: tuple[House, Carrier]) -> None:
    """Each message goes where ``luckgw route explain`` says, or is refused."""
    house, other = town
    seen = {"carrier": 0, "other": 0}

    def goes(to: str, content: str, upstream: str) -> dict[str, str]:
        told = house.luckgw(
            *("route", "explain", "-a", "acme", "-f", "LuckCreators"),
            *("-t", to, "-m", content, "--json"),
        )
        answer = json.loads(told.stdout)
        assert answer["upstream"] == upstream, told.stdout
        assert all(choice["up"] for choice in answer["choices"])
        house.wait_status(house.sent(to=to, content=content), "DELIVERED")
        seen[upstream] += 1
        return got({"carrier": house.carrier, "other": other}[upstream], seen[upstream])

    goes("233501234567", "Hello", "carrier")
    sent = goes("233201234567", "Hello", "carrier")
    assert bytes.fromhex(sent["short_message"]) == b"Hello STOP?"
    assert (sent["source_addr"], sent["destination_addr"]) == ("4321", "99201234567")
    assert goes("233204234567", "Hello", "other")["destination_addr"] == "7204234567"
    assert goes("233711234567", "Hello", "other")["source_addr"] == "LuckCreators"
    goes("233711234568", "Hello", "carrier")

    for to, content, body in (
        ("233661234567", "Hello", "(11) Invalid Destination Address"),
        ("233501234567", "Win the LOTTERY!", "PDU Error"),
        ("233711234567", "refuse me", "PDU Error"),
        ("233711234567", "raise", "(88) Throttled"),
    ):
        answer = house.send(to=to, content=content)
        assert answer.status_code in (400, 429)
        assert answer.text == body
    assert "hook premium says: asked" in house.log.read_text()


def test_a_hook_that_stands_still(town: tuple[House, Carrier]) -> None:
    """It has its time, then its failure counts (as no, here); others are served
    meanwhile, and the hook is back soon.
    """
    house, other = town
    message_id = house.sent(to="233701234569", content="Hello")
    house.wait_status(message_id, "DELIVERED")
    assert len(house.carrier.got()) == 1
    assert "hook slow failed: no answer in 0.2 s" in house.log.read_text()

    def answers_again() -> bool:
        house.wait_status(house.sent(to="233701234561", content="Hello"), "DELIVERED")
        return len(other.got()) > 0

    until(answers_again, 10, "the hook answers again")
    assert house.stop() in (0, -signal.SIGTERM)
    assert "stopping hooks failed" not in house.log.read_text()
