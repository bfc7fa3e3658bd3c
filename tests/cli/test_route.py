# mypy: allow-untyped-calls
"""``luckgw route explain``: with a configuration alone, and beside a gateway."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.threads import deferToThread

from luckgw.cli import main as cli
from luckgw.config.load import load
from luckgw.ops.admin import AdminApi, listen_admin
from luckgw.pipeline.explain import Asked, Explainer

CONFIG = """\
[gateway]
data_dir = "{folder}"
[upstreams.mtn]
endpoint = "tcp:smsc.example.net:2775"
system_id = "luck"
password = {{ env = "LUCKGW_NOT_SET" }}
costs = "mtn.csv"
addresses = {{ rewrite_destination = [{{ prefix = "233", to = "0" }}] }}
[upstreams.voda]
endpoint = "tcp:smsc.example.org:2775"
system_id = "luck"
password = {{ file = "secret-that-is-not-there" }}
costs = "voda.csv"
queue_when_down = false
[accounts.acme]
senders = ["Acme"]
group = "retail"
[accounts.off]
enabled = false
[[routes]]
name = "blocked"
match = {{ destination_list = "blocked.txt" }}
refuse = "destination"
[[routes]]
name = "christmas"
match = {{ dates = "2026-12-25", tag = "promo" }}
to = "voda"
[[routes]]
name = "free"
match = {{ content = "free" }}
unless = {{ group = "retail" }}
to = "mtn"
[[routes]]
name = "ghana"
match = {{ prefix = "233" }}
to = ["mtn", "voda"]
strategy = "least_cost"
prices = "prices.csv"
rewrite = {{ append = " Reply STOP", source_pool = ["4321"] }}
"""


def run(*args: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(cli.main, args)


@pytest.fixture
def config() -> Iterator[Path]:
    """A configuration with all kinds of routes, and no secret that it names."""
    with TemporaryDirectory(prefix="luckgw-") as name:
        folder = Path(name)
        (folder / "luckgw.toml").write_text(CONFIG.format(folder=folder))
        for file, text in {
            "mtn.csv": "233,0.005\n23324,0.003\n",
            "voda.csv": "233,0.004\n",
            "prices.csv": "233,0.012\n",
            "blocked.txt": "23326*\n",
        }.items():
            (folder / file).write_text(text)
        yield folder / "luckgw.toml"


def ask(config: Path, *args: str, **given: str) -> tuple[str, ...]:
    """The command line for a usual message."""
    message = {
        "--account": "acme",
        "--from": "Acme",
        "--to": "+233 24 123 4567",
        "--content": "Now free",
        "--at": "2026-12-24T18:00",
        **{f"--{key}": value for key, value in given.items()},
    }
    options = [text for option in message.items() for text in option]
    return ("--config", str(config), "route", "explain", *options, *args)


def test_for_people(config: Path) -> None:
    """Every route with its reason, the upstreams, and what would be sent."""
    result = run(*ask(config))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"No gateway is running for {config}: every upstream counts as up.",
        "",
        "ROUTE      MATCHES  WHY",
        "blocked    no       destination 233241234567 is not in blocked.txt",
        "christmas  no       the message has none of its tags",
        (
            "free       no       its exception applies: group retail of acme is one of"
            " its groups"
        ),
        "ghana      yes      destination 233241234567 begins with 233",
        "",
        "UPSTREAM  STATE  COST",
        "mtn       ?      0.003",
        "voda      ?      0.004",
        "",
        "to        233241234567",
        "route     ghana",
        "strategy  least_cost",
        "upstream  mtn",
        "segments  1 (gsm7)",
        "sent as   4321 to 0241234567",
        "text      Now free Reply STOP",
        "price     0.012 (1 x 0.012)",
    ]


def test_for_programs(config: Path) -> None:
    """The same facts; amounts are decimals in texts."""
    args = ask(config, "--json", to="233501234567", content="a" * 155)
    answer = json.loads(run(*args).output)
    assert answer["routes"][3] == {
        "route_name": "ghana",
        "matched": True,
        "reason": "destination 233501234567 begins with 233",
    }
    assert answer["choices"] == [
        {"upstream": "voda", "up": None, "cost": "0.004"},
        {"upstream": "mtn", "up": None, "cost": "0.005"},
    ]
    assert answer["sent"]["segments"] == 2
    assert (answer["price"], answer["total"]) == ("0.012", "0.024")
    assert answer["refusal"] is None


@pytest.mark.parametrize(
    ("given", "refused", "told"),
    [
        ({"to": "233261234567"}, "route blocked refuses it", "is in blocked.txt, as"),
        ({"to": "447700900123"}, "no route leads to this destination", "with none of"),
        ({"to": "0241234567"}, "the recipient is no international number", ""),
    ],
)
def test_of_a_message_that_would_be_refused(
    config: Path, given: dict[str, str], refused: str, told: str
) -> None:
    """Why, and exit status 1, so that scripts can tell."""
    result = run(*ask(config, **given))
    assert result.exit_code == 1
    assert f"refused  {refused}" in result.output
    assert told in result.output


def test_of_a_text_that_nothing_can_carry(config: Path) -> None:
    """It is no route's fault."""
    result = run(*ask(config, content="a\x01"))
    assert result.exit_code == 1
    assert "refused" in result.output


def test_tags_and_times(config: Path) -> None:
    """As they would be when the message comes, in UTC or with an offset."""
    for at in ("2026-12-25T10:00", "2026-12-26T01:00+02:00", "2026-12-25"):
        result = run(*ask(config, "--tag", "promo", "--tag", "x", at=at))
        assert "christmas  yes" in result.output
    result = run(*ask(config, "--tag", "promo", at="2026-12-25T01:00+02:00"))
    assert "christmas  no" in result.output
    result = run(*ask(config, at="soon"))
    assert (result.exit_code, "--at must be a time" in result.stderr) == (2, True)


def test_what_stands_before_the_routes(config: Path) -> None:
    """Sender IDs and accounts that are off."""
    result = run(*ask(config, account="off", **{"from": "Other"}))
    assert "'Other' is no approved sender ID of off" in result.output
    assert "Account off is not enabled" in result.output
    result = run(*ask(config, account="acne"))
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: there is no account 'acne'; did you mean \"acme\"?\n",
    )


def test_without_a_time_it_is_now(config: Path) -> None:
    """And a broken configuration says where."""
    args = [text for text in ask(config) if text != "2026-12-24T18:00"]
    args.remove("--at")
    assert run(*args).exit_code == 0
    (config.parent / "prices.csv").write_text("233,much\n")
    result = run(*args)
    assert result.exit_code == 1
    assert "prices.csv:1: routes[3].prices: must be an amount" in result.stderr


@pytest.mark.parametrize(
    ("up", "chosen"),
    [
        ({"mtn": False, "voda": True}, "voda"),
        ({"mtn": True, "voda": True}, "mtn"),
        ({"mtn": False, "voda": False}, "mtn"),
    ],
)
async def test_beside_a_gateway(config: Path, up: dict[str, bool], chosen: str) -> None:
    """Which upstreams are up is what the gateway says."""
    status = {"upstreams": {name: {"up": is_up} for name, is_up in up.items()}}
    keys: Any = None
    phones: Any = None
    desk: Any = None
    admin = AdminApi(keys, lambda: status, phones, desk)
    port = listen_admin(reactor, config.parent / "admin.sock", admin.resource())
    try:
        result = await deferToThread(run, *ask(config, "--json"))
        people = await deferToThread(run, *ask(config))
    finally:
        await maybeDeferred(port.stopListening)
    answer = json.loads(result.output)
    assert answer["upstream"] == chosen
    assert {one["upstream"]: one["up"] for one in answer["choices"]} == up
    assert "from the running gateway" in answer["notes"][0]
    state = "up" if up["mtn"] else "down"
    assert f"mtn       {state.ljust(5)}  0.003" in people.output


def test_nobody_can_take_it(config: Path) -> None:
    """The route is there, its upstreams are down and may not be waited for."""
    text = config.read_text()
    config.write_text(text.replace('to = ["mtn", "voda"]', 'to = ["voda"]'))
    loaded = load(config, without_secrets=True)
    asked = Asked(loaded.accounts["acme"], "Acme", "233241234567", "Hello")
    found = Explainer(loaded, {}).explain(asked)
    assert (found.upstream, found.sent) == (None, None)
    assert found.refusal == "no upstream of the route can take messages now"


RULES = """
def fn(message):
    print("asked")
    if message["text"] == "raise":
        raise ValueError(message["to"])
    return {"yes": True, "no": False}.get(message["text"], "content")
"""


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        ("yes", 0, "hook h says yes"),
        ("no", 0, "hook h says no"),
        ("bad", 1, "refused  hook h refuses it"),
        ("raise", 1, "refused  hook h refuses it"),
    ],
)
def test_hooks_are_asked(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    status: int,
    told: str,
) -> None:
    """What they print is no answer; one that raises counts as configured."""
    (config.parent / "cli_rules.py").write_text(RULES)
    monkeypatch.syspath_prepend(str(config.parent))
    text = config.read_text()
    route = '[[routes]]\nname = "asks"\nmatch = { hook = "h" }\nto = "mtn"\n'
    hook = '[hooks.h]\nfunction = "cli_rules:fn"\n'
    config.write_text(text.replace("[[routes]]", f"{route}[[routes]]", 1) + hook)
    result = run(*ask(config, content=content))
    assert result.exit_code == status
    assert told in result.stdout
    assert "asked" not in result.stdout
    assert ("hook h failed: ValueError" in result.stderr) == (content == "raise")


def test_a_text_that_the_upstream_does_not_take(config: Path) -> None:
    """The route is found, and then it is too long."""
    text = config.read_text()
    config.write_text(
        text.replace('costs = "mtn.csv"', 'costs = "mtn.csv"\ntext.max_segments = 1')
    )
    result = run(*ask(config, content="a" * 200))
    assert result.exit_code == 1
    assert "route     ghana" in result.output
    assert "at most 1 are allowed" in result.output
