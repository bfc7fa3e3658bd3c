"""Records are right however they are made: from files or in code."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from luckgw.config.model import (
    Account,
    Config,
    Gateway,
    Match,
    Route,
    Sandbox,
    Smpp,
    Store,
    Upstream,
    Webhooks,
)
from luckgw.config.problems import Place
from luckgw.config.rules import Invalid
from luckgw.config.secret import Secret

ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNo"


def upstream(**changes: Any) -> Upstream:
    """An upstream with only what has no default, and the changes."""
    given: dict[str, Any] = {
        "name": "mtn",
        "endpoint": "tcp:smsc.example.net:2775",
        "system_id": "luck",
        "password": Secret("pass"),
    }
    return Upstream(**(given | changes))


BAD: list[tuple[type, dict[str, Any], tuple[str | int, ...]]] = [
    (Gateway, {"node": "gw 1"}, ("node",)),
    (Gateway, {"drain_s": -1.0}, ("drain_s",)),
    (Store, {"url": "mysql://x"}, ("url",)),
    (Store, {"durability": "never"}, ("durability",)),
    (Store, {"retention_days": 0}, ("retention_days",)),
    (Store, {"min_free_mb": -1}, ("min_free_mb",)),
    (Smpp, {"listen": ("tcp:1", "tcp:x")}, ("listen", 1)),
    (Smpp, {"listen": ("tcp:1", "tcp:1")}, ("listen",)),
    (Smpp, {"system_id": "x" * 16}, ("system_id",)),
    (Smpp, {"session_init_s": 0.0}, ("session_init_s",)),
    (Sandbox, {"listen": ("",)}, ("listen", 0)),
    (Webhooks, {"max_in_flight": 0}, ("max_in_flight",)),
    (Match, {"prefix": ("233", "+233")}, ("prefix", 1)),
    (Match, {"sender": ("re:(",)}, ("sender", 0)),
    (Match, {"account": ("",)}, ("account", 0)),
    (Route, {"name": "r", "to": ()}, ("to",)),
    (Route, {"name": "r", "to": ("a", "a"), "strategy": "failover"}, ("to",)),
    (Route, {"name": "r", "to": ("a",), "strategy": "random"}, ("strategy",)),
    (Account, {"name": ""}, ("name",)),
    (Account, {"name": "x" * 16}, ("system_id",)),
    (Account, {"name": "a", "password": Secret("")}, ("password",)),
    (Account, {"name": "a", "password": Secret("x" * 65)}, ("password",)),
    (Account, {"name": "a", "password": Secret("é" * 33)}, ("password",)),
    (Account, {"name": "a", "password": Secret("a\0b")}, ("password",)),
    (Account, {"name": "a", "password": Secret("$1$x", "argon2")}, ("password",)),
    (Account, {"name": "a", "webhook": "ftp://x"}, ("webhook",)),
    (Account, {"name": "a", "validity_s": 0}, ("validity_s",)),
    (Account, {"name": "a", "senders": ("",)}, ("senders", 0)),
]


@pytest.mark.parametrize(("section", "values", "path"), BAD)
def test_a_wrong_value_is_refused_with_its_path(
    section: type, values: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    """Nothing else is complained about."""
    with pytest.raises(Invalid) as caught:
        section(**values)
    assert [fault for fault, _ in caught.value.faults] == [path]


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "tcp:2775"},
        {"system_id": "x" * 16},
        {"password": Secret("x" * 65)},
        {"type": "http"},
        {"system_type": "x" * 13},
        {"bind": "trx"},
        {"binds": 33},
        {"window": 501},
        {"throughput": -1.0},
        {"resp_id": "decimal"},
        {"dlr_id": "HEX"},
        {"uncertain": "drop"},
        {"uncertain_hold_s": -1.0},
        {"enquire_link_s": 0.5},
        {"response_s": 0.0},
    ],
)
def test_a_wrong_upstream_is_refused(change: dict[str, Any]) -> None:
    """Every field of an upstream has its bounds."""
    with pytest.raises(Invalid) as caught:
        upstream(**change)
    assert [fault for fault, _ in caught.value.faults] == [tuple(change)]


def test_an_upstream_may_have_no_password() -> None:
    """Some carriers know their peers by address alone; an account needs one."""
    assert upstream(password=Secret("")).password.reveal() == ""


def test_passwords_may_be_longer_than_eight_octets() -> None:
    """64 fit; nothing is cut off."""
    assert Account(name="a", password=Secret("x" * 64)).password == Secret("x" * 64)
    assert Account(name="a", password=Secret(ARGON2, "argon2")).password is not None


def test_an_account_binds_with_its_name_by_default() -> None:
    """And with its system_id if it has one."""
    assert Account(name="acme").system_id == "acme"
    assert Account(name="acme", system_id="acme_tx").system_id == "acme_tx"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"durability": "everysec"}, "durability"),
        ({"min_free_mb": 0}, "min_free_mb"),
        ({"binary": Path("valkey-server")}, "binary"),
    ],
)
def test_what_only_the_embedded_store_has_is_refused_elsewhere(
    values: dict[str, Any], key: str
) -> None:
    """An option that would be ignored is an error."""
    assert Store(**values).is_embedded
    with pytest.raises(Invalid) as caught:
        Store(url="redis://localhost", **values)
    assert caught.value.faults[0][0] == (key,)


def test_a_static_route_has_one_upstream() -> None:
    """A second one would be ignored; failover takes any number."""
    with pytest.raises(Invalid):
        Route(name="r", to=("a", "b"))
    assert Route(name="r", to=("a", "b"), strategy="failover").to == ("a", "b")


def test_records_can_not_be_changed() -> None:
    """Whoever holds a configuration holds one that stays as it is."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Config().gateway.node = "gw2"  # type: ignore[misc]


def test_where_it_stands_does_not_make_a_difference() -> None:
    """A reload of files that only moved changes nothing."""
    assert Config() == Config(places={("http",): Place("a.toml", 3)})
