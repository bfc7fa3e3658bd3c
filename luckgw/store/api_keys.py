"""API keys: made, shown once, kept as a keyed hash, checked without asking the store.

A key is ``lk_live_<id>_<secret>`` (``lk_test_`` for a key whose messages stay in the
sandbox): 8 characters that name it and 43 that are 256 random bits. The store holds,
per id, a JSON record with HMAC-SHA256(pepper, key); the pepper is a file on the
gateway's own disk, so a copy of the store opens nothing (spec/reliability 7.1).

Every node keeps all records in memory and asks once a second for one counter that each
change moves: ``authenticate`` needs no round trip, and a revoked key is dead everywhere
within that second.
"""

import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.config.model import Account
from luckgw.domain.errors import system_error

KEYS: Final = b"luckgw:keys"
"""Hash: key id -> record."""
VERSION: Final = b"luckgw:keys:version"
"""Counter: moved by every change of KEYS."""
USED: Final = b"luckgw:keys:used"
"""Hash: key id -> minute of last use (Unix time / 60). Apart from the record, or a node
that notes a use could write back a record that another has just revoked."""

REFRESH_S: Final = 1.0
_RECORD_VERSION: Final = 1
_KEY = re.compile(r"lk_(live|test)_([a-z2-7]{8})_([A-Za-z0-9_-]{43})")
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = 8
_NOBODY: Final = bytes(32)


class Commands(Protocol):
    """What this module needs of a store."""

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Run one command; fires with its reply, in bytes. Fails with StoreAway when
        the store is away.
        """
        ...


class UnknownAccount(LookupError):
    """A key was asked for an account that is not configured."""


@attrs.frozen
class ApiKey:
    """One key, without its secret."""

    key_id: str
    account: str
    name: str
    """For people: what the key is for."""
    is_test: bool
    """Its messages never reach a real upstream."""
    scopes: frozenset[str]
    allow_query: bool
    """Whether it may stand in a URL (``?api_key=``)."""
    json_answers: bool
    """Whether a call that does not say otherwise is answered in JSON."""
    created_ms: int
    revoked_ms: int | None
    digest: bytes = attrs.field(repr=False)

    def to_json(self) -> str:
        """The record as the store keeps it."""
        return json.dumps(
            {
                "v": _RECORD_VERSION,
                "account": self.account,
                "name": self.name,
                "test": self.is_test,
                "scopes": sorted(self.scopes),
                "allow_query": self.allow_query,
                "json_answers": self.json_answers,
                "created_ms": self.created_ms,
                "revoked_ms": self.revoked_ms,
                "digest": self.digest.hex(),
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, key_id: str, record: bytes) -> "ApiKey":
        """Read a record. Raises ValueError or LookupError for what is none."""
        fields = json.loads(record)
        if fields["v"] > _RECORD_VERSION:
            raise ValueError("written by a newer luckgw")
        return cls(
            key_id=key_id,
            account=fields["account"],
            name=fields["name"],
            is_test=fields["test"],
            scopes=frozenset(fields["scopes"]),
            allow_query=fields["allow_query"],
            json_answers=fields["json_answers"],
            created_ms=fields["created_ms"],
            revoked_ms=fields["revoked_ms"],
            digest=bytes.fromhex(fields["digest"]),
        )


SCOPES: Final = frozenset({"send", "status", "inbox"})
"""What a new key may do unless told otherwise: all there is today."""


class ApiKeys:
    """The keys of all accounts.

    ``accounts`` gives the configured account of a name (None: there is none now);
    ``wall_ms`` the wall clock in milliseconds. ``start`` before use, ``stop`` after.
    """

    log = Logger()

    def __init__(
        self,
        store: Commands,
        pepper: bytes,
        accounts: Callable[[str], Account | None],
        clock: IReactorTime,
        wall_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._accounts = accounts
        self._wall_ms = wall_ms
        self._keys: dict[str, ApiKey] = {}
        self._version: bytes | None = None
        self._is_loaded = False
        self._is_stale = False
        self._used: dict[str, int] = {}
        self._unwritten: dict[str, int] = {}
        self._loop = LoopingCall(self._keep_fresh)
        self._loop.clock = clock

    # -- the cache ---------------------------------------------------------------------

    @property
    def is_loaded(self) -> bool:
        """Whether the keys have been read since the start."""
        return self._is_loaded

    def start(self) -> "Deferred[None]":
        """Read the keys and keep them fresh; fires when they are there.

        Fails if the store is away now; they are read as soon as it comes.
        """
        first = Deferred.fromCoroutine(self._refresh())
        self._loop.start(REFRESH_S, now=False)
        return first

    def stop(self) -> None:
        """Read no more."""
        if self._loop.running:
            self._loop.stop()

    def _keep_fresh(self) -> "Deferred[None]":
        d = Deferred.fromCoroutine(self._refresh())
        return d.addErrback(self._not_refreshed)

    async def _refresh(self) -> None:
        version = await self._store.execute("GET", VERSION)
        if version != self._version or not self._is_loaded:
            # A change made between the two commands moves the counter past `version`.
            flat = await self._store.execute("HGETALL", KEYS)
            self._keys = dict(self._read(flat))
            self._version = version
            self._is_loaded = True
        self._is_stale = False
        await self._write_uses()

    def _not_refreshed(self, failure: Failure) -> None:
        """What is known stays in force: without a store nothing is accepted anyway."""
        if not self._is_stale:
            self._is_stale = True
            self.log.warn(
                "API keys are not fresh: {reason}", reason=failure.getErrorMessage()
            )

    def _read(self, flat: list[bytes]) -> Iterable[tuple[str, ApiKey]]:
        for key_id, record in zip(flat[::2], flat[1::2], strict=True):
            text = key_id.decode("ascii", "replace")
            try:
                yield text, ApiKey.from_json(text, record)
            except (ValueError, LookupError, TypeError) as error:
                self.log.error(
                    "API key {key_id} is unreadable and not accepted: {error}",
                    key_id=text,
                    error=str(error),
                )

    async def _write_uses(self) -> None:
        # A use that is lost with the store is noted again within a minute of traffic.
        if self._unwritten:
            uses, self._unwritten = self._unwritten, {}
            flat = [part for use in uses.items() for part in use]
            await self._store.execute("HSET", USED, *flat)

    # -- checking ----------------------------------------------------------------------

    def authenticate(self, key: str) -> ApiKey | None:
        """The key that ``key`` is, if it is good now, and its account too. HOT PATH.

        The work and the time are the same for an unknown id and a wrong secret. Raises
        Refusal (system error) while the keys have not been read yet.
        """
        if not self._is_loaded:
            raise system_error("the API keys are not loaded yet")
        match = _KEY.fullmatch(key)
        found = None if match is None else self._keys.get(match[2])
        expected = _NOBODY if found is None else found.digest
        is_right = hmac.compare_digest(self._hash(key[:64]), expected)
        if found is None or not is_right or found.revoked_ms is not None:
            return None
        account = self._accounts(found.account)
        if account is None or not account.enabled:
            return None
        minute = self._wall_ms() // 60_000
        if self._used.get(found.key_id) != minute:
            self._used[found.key_id] = self._unwritten[found.key_id] = minute
        return found

    def _hash(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode("utf-8", "replace"), "sha256")

    # -- changing ----------------------------------------------------------------------

    async def create(
        self,
        account: str,
        name: str,
        *,
        is_test: bool = False,
        scopes: frozenset[str] = SCOPES,
        allow_query: bool = True,
        json_answers: bool = False,
    ) -> tuple[str, ApiKey]:
        """Make a key: its text, which nobody can give again, and its record.

        It is good on this node at once and on all others within a second. Raises
        UnknownAccount, and StoreAway.
        """
        if self._accounts(account) is None:
            raise UnknownAccount(account)
        mode = "test" if is_test else "live"
        while True:
            key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
            text = f"lk_{mode}_{key_id}_{secrets.token_urlsafe(32)}"
            key = ApiKey(
                key_id=key_id,
                account=account,
                name=name,
                is_test=is_test,
                scopes=scopes,
                allow_query=allow_query,
                json_answers=json_answers,
                created_ms=self._wall_ms(),
                revoked_ms=None,
                digest=self._hash(text),
            )
            if await self._store.execute("HSETNX", KEYS, key_id, key.to_json()):
                break
        await self._changed()
        return text, key

    async def get(self, key_id: str) -> ApiKey | None:
        """The record of an id, as the store has it now; revoked ones too."""
        record = await self._store.execute("HGET", KEYS, key_id)
        return None if record is None else ApiKey.from_json(key_id, record)

    async def revoke(self, key: ApiKey) -> ApiKey:
        """Make a key worthless: at once here, within a second on all nodes.

        Safe to repeat, and to be repeated when it fails.
        """
        if key.revoked_ms is None:
            key = attrs.evolve(key, revoked_ms=self._wall_ms())
        await self._store.execute("HSET", KEYS, key.key_id, key.to_json())
        await self._changed()
        return key

    async def keys_of(
        self, account: str | None = None
    ) -> list[tuple[ApiKey, int | None]]:
        """The keys (of one account), oldest first, each with its last use in Unix ms.

        A use is known to the minute; None: never used.
        """
        await self._write_uses()
        flat = await self._store.execute("HGETALL", USED)
        used = dict(zip(flat[::2], flat[1::2], strict=True))
        flat = await self._store.execute("HGETALL", KEYS)
        found = []
        for key_id, key in self._read(flat):
            if account is None or key.account == account:
                minute = used.get(key_id.encode())
                found.append((key, None if minute is None else int(minute) * 60_000))
        return sorted(found, key=lambda entry: (entry[0].created_ms, entry[0].key_id))

    async def _changed(self) -> None:
        await self._store.execute("INCR", VERSION)
        await self._refresh()
