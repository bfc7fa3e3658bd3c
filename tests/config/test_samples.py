"""The files in etc/ work as they are, and what they say about the keys is true."""

import re
import shutil
from pathlib import Path

import attrs
import pytest

from luckgw.config.load import load, warnings
from luckgw.config.model import (
    Access,
    Account,
    AccountMo,
    Brake,
    Config,
    Connections,
    Gateway,
    Http,
    Match,
    MoMatch,
    MoRoute,
    OptOut,
    Outboxes,
    ReceiptRules,
    Receipts,
    Route,
    Sandbox,
    Smpp,
    SmppTls,
    Store,
    Upstream,
    UpstreamMo,
    Webhooks,
)
from luckgw.config.outgoing import (
    UpstreamAddresses,
    UpstreamSubmitSm,
    UpstreamText,
)
from luckgw.config.routes import Hook, RouteRewrite, Routing
from luckgw.config.secret import Secret

ETC = Path(__file__).parents[2] / "etc"
MAIN = "luckgw.toml"


def make_password(path: Path) -> None:
    """What the gateway does at its first start."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("Xy7dP2qa\n")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A copy of etc/, with nothing beside it, as after installing."""
    copy = tmp_path / "etc"
    copy.mkdir()
    for sample in ETC.glob("*.toml"):
        shutil.copy(sample, copy)
    return copy


def edit(file: Path, pattern: str, replacement: str) -> None:
    """Replace in every line of a file."""
    text = file.read_text("utf-8")
    file.write_text(re.sub(pattern, replacement, text, flags=re.MULTILINE), "utf-8")


def test_they_load_as_they_are(etc: Path, tmp_path: Path) -> None:
    """HTTP and SMPP on loopback, the embedded store, the sandbox, one account."""
    config = load(etc / MAIN, make_password)
    assert config == Config(
        http=Http(listen=("tcp:8080:interface=127.0.0.1",)),
        smpp=Smpp(listen=("tcp:2775:interface=127.0.0.1",)),
        sandbox=Sandbox(enabled=True),
        upstreams=config.upstreams,
        routes=(Route(name="default", to=("sandbox",)),),
        mo_routes=(MoRoute(name="try-it", account="demo"),),
        accounts={
            "demo": Account(
                name="demo",
                password=Secret("Xy7dP2qa", "file"),
                senders=("LuckCreators", "re:[0-9]{3,15}"),
            )
        },
    )
    assert set(config.upstreams) == {"sandbox"}
    assert (tmp_path / "var" / "demo.password").exists()
    assert warnings(config) == []


def test_commented_defaults_are_the_defaults(etc: Path) -> None:
    """Taking the "#" away from every "#key = value" changes nothing."""
    before = load(etc / MAIN, make_password)
    for sample in etc.iterdir():
        edit(sample, r"^#(?=[\w.]+ = )", "")
    assert load(etc / MAIN, make_password) == before


def test_the_sample_upstream_shows_the_defaults(
    etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken out of its comment it is a good one, with every default as it is."""
    monkeypatch.setenv("MTN_PASSWORD", "hunter2")
    text = (etc / "upstreams.toml").read_text("utf-8")
    example = text[text.index("# [upstreams.mtn]") :]
    (etc / "upstreams.toml").write_text(re.sub("^# ?", "", example, flags=re.MULTILINE))
    assert load(etc / MAIN, make_password).upstreams["mtn"] == Upstream(
        name="mtn",
        endpoint="tcp:smsc.example.net:2775",
        system_id="luck",
        password=Secret("hunter2", "env"),
    )


def test_the_sample_routes_are_good_ones(etc: Path) -> None:
    """Taken out of their comment, with what they refer to in place."""
    text = (etc / "routes.toml").read_text("utf-8")
    examples = [
        re.sub("^# ?", "", text[start : text.index(f"\n{head}")], flags=re.MULTILINE)
        for head in ("[[routes]]", "[[mo_routes]]")
        for start in [text.index(f"# {head}")]
    ]
    (etc / "routes.toml").write_text(
        "\n".join((*examples, text[text.index("\n[[routes]]") :]))
    )
    carrier = 'endpoint = "tcp:a:1"\nsystem_id = "x"\npassword = ""\n'
    with (etc / "upstreams.toml").open("a") as file:
        file.write(f"[upstreams.mtn]\n{carrier}[upstreams.backup]\n{carrier}")
    with (etc / "accounts.toml").open("a") as file:
        file.write(
            '[accounts.acme]\ngroup = "retail"\npassword = "x"\nwebhook = "http://a/"\n'
        )
    edit(etc / "luckgw.toml", "^# (?=portability)", "")
    (etc / "lists").mkdir()
    for name, content in {
        "vip.txt": "233241234567\n23350*\n",
        "blocked.txt": "23326*\n",
        "senders.txt": "Acme\nre:A[0-9]\n",
        "words.txt": "lottery\n",
        "world.csv": "prefix,upstream\n44,mtn,backup\n*,backup\n",
        "prices.csv": "prefix,price\n44,0.03\n",
        "ported.csv": "number,network\n233241234567,vodafone\n",
    }.items():
        (etc / "lists" / name).write_text(content)
    config = load(etc / MAIN, make_password)
    mo_route, _ = config.mo_routes
    assert mo_route == MoRoute(
        name="votes",
        match=MoMatch(
            number=("4040", "23350*"),
            keyword=("VOTE",),
            upstream=("mtn",),
            sender=("233*",),
        ),
        account="acme",
        to=("webhook", "session"),
    )
    first, night, blocked, world, trial, default = config.routes
    assert first == Route(
        name="ghana-mtn",
        match=Match(
            prefix=("23324", "23354"), account=("acme",), sender=("Acme", "re:[0-9]+")
        ),
        to=("mtn", "backup"),
        strategy="failover",
    )
    given = {field.name for field in attrs.fields(Match)} - {"prefix", "sender"}
    assert all(getattr(night.match, key) for key in given - {"account"})
    assert (blocked.refuse, blocked.upstreams()) == ("destination", ())
    assert world.upstreams() == ("mtn", "backup")
    assert (trial.weights, trial.prices is not None) == ((5, 95), True)
    assert trial.rewrite.append == " Reply STOP to end"
    assert default.name == "default"


@pytest.mark.parametrize(
    ("file", "section", "given"),
    [
        (MAIN, Gateway, ()),
        (MAIN, Store, ()),
        (MAIN, Http, ()),
        (MAIN, Smpp, ()),
        (MAIN, Sandbox, ()),
        (MAIN, Webhooks, ()),
        (MAIN, Routing, ()),
        (MAIN, Receipts, ()),
        (MAIN, Outboxes, ()),
        ("upstreams.toml", ReceiptRules, ()),
        ("upstreams.toml", Upstream, ("name",)),
        ("upstreams.toml", UpstreamText, ()),
        ("upstreams.toml", UpstreamAddresses, ()),
        ("upstreams.toml", UpstreamSubmitSm, ()),
        ("routes.toml", Route, ()),
        ("routes.toml", RouteRewrite, ()),
        ("routes.toml", Hook, ("name",)),
        ("accounts.toml", Account, ("name",)),
        ("upstreams.toml", UpstreamMo, ()),
        ("routes.toml", MoRoute, ()),
        ("accounts.toml", AccountMo, ()),
        ("accounts.toml", OptOut, ()),
    ],
)
def test_every_key_is_documented(
    file: str, section: type[attrs.AttrsInstance], given: tuple[str, ...]
) -> None:
    """With an example of its value, in its section's file, below its own header."""
    text = (ETC / file).read_text("utf-8")
    if file == MAIN:
        text = text.split(f"\n[{section.__name__.lower()}]\n")[1].split("\n[")[0]
    shown = set(re.findall(r"^(?:# ?)*(\w+)(?:\.\w+)? = ", text, re.MULTILINE))
    shown |= set(
        re.findall(r"^# \[(?:upstreams\.mtn|routes)\.(\w+)\]", text, re.MULTILINE)
    )
    expected = {
        field.name
        for field in attrs.fields(section)
        if field.name == "match" or field.type is Secret or not attrs.has(field.type)
    } - set(given)
    assert expected <= shown


@pytest.mark.parametrize(
    ("file", "key", "section"),
    [
        (MAIN, "tls", SmppTls),
        (MAIN, "connections", Connections),
        (MAIN, "brake", Brake),
        ("accounts.toml", "access", Access),
    ],
)
def test_every_key_of_a_group_is_documented(
    file: str, key: str, section: type[attrs.AttrsInstance]
) -> None:
    """As a dotted key of the table that it belongs to."""
    text = (ETC / file).read_text("utf-8")
    for field in attrs.fields(section):
        assert re.search(rf"^(# )?#?{key}\.{field.name} = ", text, re.MULTILINE)


def test_conditions_of_a_route_are_documented() -> None:
    """They stand inside ``match``."""
    text = (ETC / "routes.toml").read_text("utf-8")
    for field in (*attrs.fields(Match), *attrs.fields(MoMatch)):
        assert re.search(rf"^# #   {field.name}\b", text, re.MULTILINE)
        assert f"{field.name} = " in text
