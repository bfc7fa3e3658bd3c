"""What a value in the configuration may be: one table per kind."""

import attrs
import pytest

from luckgw.config import rules
from luckgw.config.rules import Invalid, Rule, each, must

LONG = "x" * 33

CASES: list[tuple[str, Rule, list[object], list[object]]] = [
    ("between", rules.between(1, 32), [1, 32, 1.5], [0, 33, -1, float("nan")]),
    (
        "not_negative",
        rules.not_negative,
        [0, 0.5, 1e9],
        [-1, -0.1, float("inf"), float("nan")],
    ),
    ("one_of", rules.one_of("text", "hex"), ["text", "hex"], ["", "Text", "hex "]),
    (
        "name",
        rules.name,
        ["a", "gw-1_B", "x" * 32],
        ["", LONG, "a b", "a.b", "ä", "a\n"],
    ),
    (
        "octets",
        rules.octets(1, 15),
        ["a", "x" * 15, "with space"],
        ["", "x" * 16, "é", "a\0", "a\n"],
    ),
    ("octets, empty", rules.octets(0, 12), ["", "x" * 12], ["x" * 13]),
    ("not_empty", rules.not_empty, [("a",)], [()]),
    ("no_repeats", rules.no_repeats, [(), ("a", "b")], [("a", "b", "a")]),
    (
        "number_prefix",
        rules.number_prefix,
        ["2", "23324", "9" * 15],
        ["", "+233", "00233", "0", "9" * 16, "23a", "٢٣٣", "233\n"],
    ),
    (
        "pattern",
        rules.pattern,
        ["LuckCreators", "re:^2332[0-9]{8}$", "*", "re:a|b"],
        ["", "re:", "re:(", "re:*"],
    ),
    (
        "certificate",
        rules.certificate,
        [
            "sha256:" + "aB" * 32,
            "sha256:" + ":".join(["9F"] * 32),
            "subject:CN=gw1,O=Acme",
        ],
        [
            "",
            "subject:",
            "CN=gw1",
            "ab" * 32,
            "sha1:" + "ab" * 20,
            "sha256:" + "ab" * 31,
            "sha256:" + "ab" * 33,
            "sha256:" + "xy" * 32,
        ],
    ),
    (
        "smpp_endpoint",
        rules.smpp_endpoint,
        ["tcp:2775", "ssl:2776:privateKey=a:certKey=b", "unix:/run/smpp"],
        ["", "tcp:x", "haproxy:tcp:2775"],
    ),
    (
        "tls_endpoint",
        rules.tls_endpoint,
        ["tcp:2776", r"tcp6:2776:interface=\:\:1"],
        ["", "tcp:x", "ssl:2776:privateKey=a:certKey=b", "unix:/run/smpp"],
    ),
    (
        "server_endpoint",
        rules.server_endpoint,
        [
            "tcp:8080",
            "tcp:0",
            "tcp:8080:interface=127.0.0.1",
            "tcp:port=8080",
            r"tcp6:2775:interface=\:\:1",
            "ssl:2776:privateKey=a.pem:certKey=b.pem",
            "unix:/run/luckgw.sock",
            "systemd:domain=INET:index=0",
            "txsni:certs:tcp:443",
        ],
        [
            "",
            "8080",
            "tcp",
            "tcp:",
            "tcp:http",
            "tcp:65536",
            "tcp:-1",
            "tcp:٨٠",
            "tcp:interface=127.0.0.1",
            "unix:",
            "127.0.0.1:8080",
            "a=b:1",
            "t cp:1",
        ],
    ),
    (
        "client_endpoint",
        rules.client_endpoint,
        [
            "tcp:smsc.example.net:2775",
            "tls:smsc.example.net:2776",
            "tcp:host=10.0.0.1:port=2775",
            "tcp:10.0.0.1:port=2775:timeout=5",
            r"tcp:\:\:1:2775",
            "unix:/run/smsc.sock",
            "socks:proxy:smsc:2775",
        ],
        [
            "",
            "tcp:2775",
            "tcp:smsc.example.net",
            "tcp:smsc.example.net:0",
            "tcp:smsc.example.net:x",
            "tcp::2775",
            "smsc.example.net:2775:x",
        ],
    ),
    (
        "store_url",
        rules.store_url,
        [
            "embedded",
            "redis://localhost",
            "redis://localhost:6379/2",
            "redis://:secret@10.0.0.5/0",
            "rediss://user:secret@valkey.example.net:6380/",
            "unix:///run/valkey.sock",
        ],
        [
            "",
            "Embedded",
            "redis",
            "redis://",
            "redis://:6379",
            "redis://host:0",
            "redis://host:99999",
            "redis://host/zero",
            "redis://host/0/1",
            "redis://h st",
            "http://host",
            "unix://",
            "unix:///",
            "unix://run/valkey.sock",
            "sentinel://a:26379,b:26379/mymaster",
        ],
    ),
    (
        "webhook_url",
        rules.webhook_url,
        [
            "https://example.com/events",
            "http://127.0.0.1:8000/x?y=z",
            "https://xn--mnchen-3ya.example/",
        ],
        [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https:///path",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://example.com:0/",
            "https://example.com:port/",
            "https://[::1/",
            "https://münchen.example/",
            "https://example.com/a b",
            "https://example.com/\r\nX: y",
            "https://example.com/" + "x" * 2048,
        ],
    ),
]
GOOD = [(name, rule, value) for name, rule, good, _ in CASES for value in good]
BAD = [(name, rule, value) for name, rule, _, bad in CASES for value in bad]


@pytest.mark.parametrize(("name", "rule", "value"), GOOD)
def test_accepts(name: str, rule: Rule, value: object) -> None:
    """What an operator may write passes."""
    assert rule(value) is None


@pytest.mark.parametrize(("name", "rule", "value"), BAD)
def test_complains(name: str, rule: Rule, value: object) -> None:
    """What could not work is refused, in words that continue "the key ..."."""
    complaint = rule(value)
    assert complaint
    assert complaint[0].islower()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@",
        "redis://:hunter2@host/x",
        "redis://:hunter2/more@host:6379",
        "redis://:6379hunter2@host:port",
        "redis://user:hunter2@ho\u2025st",
        "postgres://:hunter2@host",
    ],
)
def test_complaints_about_a_store_do_not_repeat_its_password(url: str) -> None:
    """A wrong URL ends up in logs and terminals; its password must not."""
    complaint = rules.store_url(url)
    assert complaint
    assert "hunter2" not in complaint


@attrs.frozen
class Box:
    size: int = attrs.field(default=1, validator=must(rules.between(1, 9)))
    labels: tuple[str, ...] = attrs.field(default=(), validator=each(rules.name))


class TestValidators:
    def test_must_names_the_field(self) -> None:
        """The fault is told with the path inside the section."""
        with pytest.raises(Invalid) as caught:
            Box(size=10)
        assert caught.value.faults == ((("size",), "must be from 1 to 9, not 10"),)

    def test_each_names_every_item_that_is_wrong(self) -> None:
        """Not only the first one."""
        with pytest.raises(Invalid) as caught:
            Box(labels=("a", "b c", "d", ""))
        assert [path for path, _ in caught.value.faults] == [
            ("labels", 1),
            ("labels", 3),
        ]

    def test_good_values_pass(self) -> None:
        """Nothing is raised and nothing is changed."""
        assert Box(size=9, labels=("a", "b")).labels == ("a", "b")


def test_only_says_what_else_can_not_be_had() -> None:
    """The one value passes; another is refused with the reason."""
    rule = rules.only(1, "in this version")
    assert rule(1) is None
    assert rule(2) == "can only be 1 in this version"
