"""API keys over a real store: made, checked, revoked, listed."""

import hashlib
import hmac
import json
import re
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from luckgw.config.model import Account
from luckgw.domain.errors import Refusal
from luckgw.store.api_keys import KEYS, USED, VERSION, ApiKey, ApiKeys, UnknownAccount
from luckgw.store.interface import StoreAway
from tests.valkey_server import Valkey

PEPPER = b"p" * 32
START_MS = 1_700_000_000_000


class Store:
    """The real server behind the port; it can go away, and counts the commands."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self.is_away = False
        self.commands: list[str] = []

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Run one command."""
        if self.is_away:
            return fail(StoreAway("away"))
        self.commands.append(str(args[0]))
        return succeed(self._valkey.command(*args))


class Node:
    """One gateway's view of the keys."""

    def __init__(self, valkey: Valkey, clock: Clock) -> None:
        self.clock = clock
        self.store = Store(valkey)
        self.accounts = {name: Account(name=name) for name in ("acme", "other")}
        self.keys = ApiKeys(
            self.store, PEPPER, self.accounts.get, clock, lambda: self.now_ms
        )

    @property
    def now_ms(self) -> int:
        """The wall clock moves with the test's clock."""
        return START_MS + int(self.clock.seconds() * 1000)

    def create(self, account: str = "acme", **options: Any) -> tuple[str, ApiKey]:
        """Make a key."""
        made: list[tuple[str, ApiKey]] = []
        d = Deferred.fromCoroutine(self.keys.create(account, "till", **options))
        d.addCallback(made.append)
        return made[0]

    def revoke(self, key: ApiKey) -> ApiKey:
        """Revoke one."""
        done: list[ApiKey] = []
        d = Deferred.fromCoroutine(self.keys.revoke(key))
        d.addCallback(done.append)
        return done[0]

    def listed(self, account: str | None = None) -> list[tuple[ApiKey, int | None]]:
        """List them."""
        found: list[list[tuple[ApiKey, int | None]]] = []
        d = Deferred.fromCoroutine(self.keys.keys_of(account))
        d.addCallback(found.append)
        return found[0]


@pytest.fixture
def node(valkey: Valkey, clock: Clock) -> Node:
    """A started node."""
    node = Node(valkey, clock)
    node.keys.start()
    return node


class TestAKey:
    def test_looks_like_one_and_is_good_at_once(self, node: Node) -> None:
        """lk_live_<8>_<43>; 256 random bits; the node that made it knows it."""
        text, key = node.create()
        assert re.fullmatch(r"lk_live_[a-z2-7]{8}_[A-Za-z0-9_-]{43}", text)
        assert node.keys.authenticate(text) == key
        assert (key.account, key.name, key.is_test) == ("acme", "till", False)
        assert key.created_ms == START_MS
        assert node.create()[0] != text

    def test_for_the_sandbox_says_so(self, node: Node) -> None:
        """lk_test_."""
        text, key = node.create(is_test=True)
        assert text.startswith("lk_test_")
        assert key.is_test

    def test_is_nowhere_in_the_store(self, node: Node, valkey: Valkey) -> None:
        """Only its HMAC-SHA256 under the pepper is."""
        text, key = node.create()
        record = valkey.command("HGET", KEYS, key.key_id)
        assert text[17:].encode() not in record
        digest = hmac.new(PEPPER, text.encode(), hashlib.sha256).hexdigest()
        assert json.loads(record)["digest"] == digest

    def test_is_not_shown_by_accident(self, node: Node) -> None:
        """Not even its hash stands in a log line with the record."""
        _, key = node.create()
        assert key.digest.hex() not in repr(key)
        assert "digest" not in repr(key)

    @pytest.mark.parametrize(
        "change",
        [
            lambda key: key[:-1],
            lambda key: key + "A",
            lambda key: key + "\n",
            lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
            lambda key: key.replace("lk_live_", "lk_test_"),
            lambda key: key.replace("lk_live_", "LK_LIVE_"),
            lambda key: key[:8] + "aaaaaaaa" + key[16:],
            lambda key: " " + key,
            lambda key: key[:0],
        ],
    )
    def test_with_one_wrong_character_is_no_key(self, node: Node, change: Any) -> None:
        """The id, the mode and the secret are all under the hash."""
        text, _ = node.create()
        assert node.keys.authenticate(change(text)) is None

    def test_under_another_pepper_is_no_key(self, node: Node, clock: Clock) -> None:
        """A stolen store is of no use without the pepper."""
        text, _ = node.create()
        thief = ApiKeys(node.store, b"q" * 32, node.accounts.get, clock, lambda: 0)
        thief.start()
        assert thief.authenticate(text) is None

    @pytest.mark.parametrize("account", [None, Account(name="acme", enabled=False)])
    def test_lives_and_dies_with_its_account(
        self, node: Node, account: Account | None
    ) -> None:
        """An account that is gone or disabled has no good key; one that returns has."""
        text, key = node.create()
        before = node.accounts.pop("acme")
        if account is not None:
            node.accounts["acme"] = account
        assert node.keys.authenticate(text) is None
        node.accounts["acme"] = before
        assert node.keys.authenticate(text) == key

    def test_is_not_made_for_an_account_that_is_not_there(self, node: Node) -> None:
        """A slip of the pen would make a key that never works."""
        d = Deferred.fromCoroutine(node.keys.create("amce", ""))
        assert d.addErrback(lambda f: f.value).result.args == ("amce",)  # type: ignore[attr-defined]
        assert node.store.commands == ["GET", "HGETALL"]

    def test_keeps_what_it_was_made_with(self, node: Node, valkey: Valkey) -> None:
        """All of the record comes back from the store."""
        options: dict[str, Any] = {
            "is_test": True,
            "scopes": frozenset({"status"}),
            "allow_query": False,
            "json_answers": True,
        }
        text, key = node.create(**options)
        assert {name: getattr(key, name) for name in options} == options
        other = Node(valkey, Clock())
        other.keys.start()
        assert other.keys.authenticate(text) == key


@given(st.text())
def test_any_text_may_be_presented(text: str) -> None:
    """It is refused, and nothing breaks."""
    keys = ApiKeys(Empty(), PEPPER, lambda _: None, Clock(), lambda: 0)
    keys.start()
    assert keys.authenticate(text) is None
    keys.stop()


class Empty:
    """A store without keys."""

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """No version, no record."""
        return succeed(None if args[0] == "GET" else [])


class TestRevocation:
    def test_is_at_once_here_and_within_a_second_elsewhere(
        self, node: Node, valkey: Valkey
    ) -> None:
        """And for good."""
        other = Node(valkey, Clock())
        text, key = node.create()
        other.keys.start()
        assert other.keys.authenticate(text) == key
        revoked = node.revoke(key)
        assert revoked.revoked_ms == START_MS
        assert node.keys.authenticate(text) is None
        other.clock.advance(1)
        assert other.keys.authenticate(text) is None

    def test_is_safe_to_repeat(self, node: Node) -> None:
        """The first time stands."""
        _, key = node.create()
        first = node.revoke(key)
        node.clock.advance(5)
        assert node.revoke(first) == first

    def test_is_not_undone_by_a_use_noted_late(
        self, node: Node, valkey: Valkey
    ) -> None:
        """The last use lives apart from the record."""
        other = Node(valkey, Clock())
        text, key = node.create()
        other.keys.start()
        other.keys.authenticate(text)
        node.revoke(key)
        other.clock.advance(1)
        node.clock.advance(1)
        assert valkey.command("HEXISTS", USED, key.key_id)
        assert node.keys.authenticate(text) is None
        assert node.listed()[0][0].revoked_ms is not None

    def test_of_one_key_leaves_the_others(self, node: Node) -> None:
        """Rotation: two live keys, one goes."""
        old, key = node.create()
        new, _ = node.create()
        node.revoke(key)
        assert node.keys.authenticate(old) is None
        assert node.keys.authenticate(new) is not None


class TestTheCache:
    def test_costs_one_command_a_second(self, node: Node) -> None:
        """However many keys and calls there are."""
        text, _ = node.create()
        node.keys.authenticate(text)
        node.clock.advance(1)
        node.store.commands.clear()
        for _ in range(100):
            assert node.keys.authenticate(text)
        node.clock.pump([1] * 10)
        assert node.store.commands == ["GET"] * 10

    def test_learns_of_a_key_made_elsewhere(self, node: Node, valkey: Valkey) -> None:
        """Within a second."""
        other = Node(valkey, Clock())
        other.keys.start()
        text, key = other.create()
        assert node.keys.authenticate(text) is None
        node.clock.advance(1)
        assert node.keys.authenticate(text) == key

    def test_holds_while_the_store_is_away(self, node: Node) -> None:
        """And goes on by itself when it is back."""
        text, key = node.create()
        node.store.is_away = True
        node.clock.pump([1] * 3)
        assert node.keys.authenticate(text) == key
        node.store.is_away = False
        node.clock.advance(1)
        assert node.revoke(key).revoked_ms is not None
        assert node.keys.authenticate(text) is None

    def test_follows_a_store_that_was_replaced(
        self, node: Node, valkey: Valkey
    ) -> None:
        """The counter is then another one: any difference counts."""
        text, _ = node.create()
        valkey.command("FLUSHALL")
        node.clock.advance(1)
        assert node.keys.authenticate(text) is None

    def test_says_when_it_knows_nothing_yet(self, valkey: Valkey, clock: Clock) -> None:
        """503, not 401; start fails, and the next second mends it."""
        node = Node(valkey, clock)
        node.store.is_away = True
        failed: list[Any] = []
        node.keys.start().addErrback(failed.append)
        assert failed[0].check(StoreAway)
        is_loaded = node.keys.is_loaded
        assert not is_loaded
        with pytest.raises(Refusal) as caught:
            node.keys.authenticate("lk_live_x")
        assert caught.value.http_status == 503
        node.store.is_away = False
        clock.advance(1)
        assert node.keys.is_loaded
        assert node.keys.authenticate("lk_live_x") is None

    @pytest.mark.parametrize(
        "record",
        ["", "[]", "{}", "nonsense", '{"v":2}', '{"v":null}', '{"v":1,"digest":"x"}'],
    )
    def test_skips_a_record_it_can_not_read(
        self, node: Node, valkey: Valkey, record: str
    ) -> None:
        """One damaged record, or one of a newer luckgw, harms no other key."""
        text, key = node.create()
        valkey.command("HSET", KEYS, "damaged2", record)
        valkey.command("INCR", VERSION)
        node.clock.advance(1)
        assert node.keys.authenticate(text) == key
        assert [found for found, _ in node.listed()] == [key]

    def test_stops_when_it_is_told(self, node: Node) -> None:
        """No timer is left; twice is no harm."""
        node.keys.stop()
        node.keys.stop()
        assert node.clock.getDelayedCalls() == []


class TestTheList:
    def test_is_oldest_first_and_of_one_account_or_all(self, node: Node) -> None:
        """As an operator reads it."""
        made = []
        for account in ("acme", "other", "acme"):
            made.append(node.create(account)[1])
            node.clock.advance(1)
        assert [key for key, _ in node.listed()] == made
        assert [key for key, _ in node.listed("acme")] == [made[0], made[2]]
        assert node.listed("nobody") == []

    def test_knows_the_last_use_to_the_minute(self, node: Node) -> None:
        """A minute's uses are written once."""
        text, _ = node.create()
        assert node.listed()[0][1] is None
        node.keys.authenticate(text)
        minute_ms = START_MS // 60_000 * 60_000
        assert node.listed()[0][1] == minute_ms
        node.store.commands.clear()
        node.keys.authenticate(text)
        node.clock.advance(1)
        assert "HSET" not in node.store.commands
        node.clock.advance(60)
        node.keys.authenticate(text)
        node.clock.advance(1)
        assert node.listed()[0][1] == minute_ms + 60_000


def test_an_id_that_is_taken_is_not_given_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are random, and may meet: the older key keeps its own."""
    letters = iter("a" * 8 + "a" * 8 + "b" * 8)
    monkeypatch.setattr("luckgw.store.api_keys.secrets.choice", lambda _: next(letters))
    first, _ = node.create()
    second, key = node.create()
    assert key.key_id == "bbbbbbbb"
    assert node.keys.authenticate(first) is not None
    assert node.keys.authenticate(second) == key


def test_a_record_survives_the_store(node: Node) -> None:
    """JSON there and back, unlike any Python pickle."""
    _, key = node.create()
    evolved = attrs.evolve(key, revoked_ms=5, name="Łódź")
    assert ApiKey.from_json(key.key_id, evolved.to_json().encode()) == evolved


def test_an_unknown_account_is_a_lookup_error() -> None:
    """For callers who want to know no more."""
    assert issubclass(UnknownAccount, LookupError)
