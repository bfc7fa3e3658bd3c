# mypy: allow-untyped-calls
"""The ``luckgw`` command, against files and against a gateway's real admin socket."""

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import pytest_twisted  # type: ignore[import-untyped]
from click.testing import CliRunner, Result
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from luckgw.cli import main as cli
from luckgw.cli import place
from luckgw.cli.client import ANSWER_S, AdminClient, GatewayAway
from luckgw.config.model import Account
from luckgw.ingress.inbox import Inbox
from luckgw.ops.admin import AdminApi, listen_admin
from luckgw.ops.phones import Phones
from luckgw.store.api_keys import ApiKeys
from tests.ops.test_admin import Desk
from tests.valkey_server import Valkey

NOW_MS = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC
SAMPLE = Path(__file__).parents[2] / "etc" / "luckgw.toml"


def run(*args: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(cli.main, args)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory whose path is short enough for a socket in it."""
    with TemporaryDirectory(prefix="luckgw-") as name:
        yield Path(name)


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration whose data directory is ``folder``."""
    path = folder / "luckgw.toml"
    path.write_text(written(gateway=f'data_dir = "{folder}"'))
    return path


def written(gateway: str = "", more: str = "") -> str:
    """A small configuration; what is given for [gateway] starts in line 2."""
    return f"""[gateway]
{gateway}
[sandbox]
enabled = true
[[routes]]
name = "default"
to = ["sandbox"]
{more}"""


class TestHelp:
    @pytest.mark.parametrize(
        "command",
        [
            "",
            "check",
            "status",
            "key",
            "key create",
            "key list",
            "key revoke",
            "segments",
        ],
    )
    def test_is_everywhere(self, command: str) -> None:
        """--help and -h, and a first sentence."""
        for option in ("--help", "-h"):
            result = run(*command.split(), option)
            assert result.exit_code == 0
            assert "Usage:" in result.output

    def test_covers_every_command(self) -> None:
        """No command is without a line in the list."""
        for group in (cli.main, cli.key):
            for command in group.commands.values():
                assert command.help


class TestCheck:
    def test_says_good_of_a_good_file(self, config: Path) -> None:
        """Exit 0."""
        result = run("check", str(config))
        assert (result.exit_code, result.output) == (0, f"{config} is good\n")
        assert run("--config", str(config), "check").output == result.output

    def test_prints_every_problem_with_its_place(self, config: Path) -> None:
        """file:line: key: message; exit 1."""
        config.write_text(written('node = "a b"', "[http]\nlisten = 1"))
        result = run("check", str(config))
        assert result.exit_code == 1
        lines = result.output.splitlines()
        assert lines[0].startswith(f"{config}:2: gateway.node: ")
        assert lines[1].startswith(f"{config}:9: http.listen: ")

    def test_prints_problems_as_json(self, config: Path) -> None:
        """For programs."""
        config.write_text(written("nod = 1"))
        result = run("check", str(config), "--json")
        assert result.exit_code == 1
        answer = json.loads(result.output)
        assert answer["file"] == str(config)
        (problem,) = answer["problems"]
        assert (problem["line"], problem["key"]) == (2, "gateway.nod")

    def test_warns_of_what_should_not_stay(self, config: Path) -> None:
        """A password in plain text works, and is said."""
        config.write_text(written(more='[accounts.acme]\npassword = "secret"'))
        result = run("check", str(config))
        assert result.exit_code == 0
        assert result.output.startswith(
            f"warning: {config}:9: accounts.acme.password: "
        )
        assert "secret" not in result.output

    def test_finds_the_sample_good_before_the_first_start(self, folder: Path) -> None:
        """The demo's password is made by the start, not by the check."""
        sample = folder / "etc"
        sample.mkdir()
        for path in SAMPLE.parent.glob("*.toml"):
            (sample / path.name).write_text(path.read_text())
        result = run("check", str(sample / "luckgw.toml"))
        assert "accounts.demo.password: its file will be made" in result.output
        assert result.exit_code == 0
        assert not (folder / "var").exists()

    def test_does_not_forgive_another_secret_that_is_missing(
        self, config: Path
    ) -> None:
        """Only the one that is made by the start."""
        more = '[accounts.acme]\npassword = { file = "nowhere" }'
        config.write_text(written(more=more))
        result = run("check", str(config))
        assert result.exit_code == 1
        assert "accounts.acme.password" in result.output


class TestTheDefaultFile:
    def test_is_the_first_that_exists(
        self, folder: Path, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """/etc first, then the one beside us."""
        monkeypatch.setattr(place, "DEFAULTS", (folder / "none.toml", config))
        assert run("check").output == f"{config} is good\n"

    def test_that_is_nowhere_is_said(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With what to do."""
        monkeypatch.setattr(place, "DEFAULTS", (folder / "a", folder / "b"))
        result = run("status")
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: no configuration: neither ")
        assert "use --config FILE" in result.stderr


class TestSegments:
    def test_of_a_plain_text(self) -> None:
        """Count and encoding, for people and for programs."""
        assert run("segments", "Hello").output == "segments  1\nencoding  gsm7\n"
        answer = json.loads(run("segments", "a" * 161, "--json").output)
        assert answer == {
            "text": "a" * 161,
            "segments": 2,
            "max_segments": 255,
            "encoding": "gsm7",
            "data_coding": 0,
            "form": "udh8",
            "submit_sm": 2,
            "forcing": [],
            "transliterated": None,
        }

    def test_point_at_what_makes_it_dearer(self) -> None:
        """Each character that forces UCS2, where, what would do instead, and what the
        text would take then.
        """
        assert run("segments", "“hi”\xad" + "a" * 66).output.splitlines() == [
            "segments  2",
            "encoding  ucs2",
            "position 0: “ (U+201C) forces UCS2; suggested: '\"'",
            "position 3: ” (U+201D) forces UCS2; suggested: '\"'",
            "position 4: \xad (U+00AD) forces UCS2; suggested: leave it out",
            "transliterated: 1 segment of gsm7",
        ]
        assert run("segments", "я" + "s\u0327" * 70).output.splitlines()[:4] == [
            "segments  3",
            "encoding  ucs2",
            "position 0: я (U+044F) forces UCS2; nothing in GSM 7-bit looks like it",
            "position 1: s\u0327 (U+0073 U+0327) forces UCS2; suggested: 's'",
        ]
        last = run("segments", "я" + "s\u0327" * 70).output.splitlines()[-1]
        assert last == "transliterated: 2 segments of ucs2"

    def test_say_it_to_programs_too(self) -> None:
        """With --json: the same facts, null for what is not there."""
        assert json.loads(run("segments", "say “я”", "--json").output) == {
            "text": "say “я”",
            "segments": 1,
            "max_segments": 255,
            "encoding": "ucs2",
            "data_coding": 8,
            "form": "udh8",
            "submit_sm": 1,
            "forcing": [
                {"position": 4, "character": "“", "replacement": '"'},
                {"position": 5, "character": "я", "replacement": None},
                {"position": 6, "character": "”", "replacement": '"'},
            ],
            "transliterated": {"segments": 1, "encoding": "ucs2"},
        }
        answer = json.loads(run("segments", "я", "--json").output)
        assert answer["transliterated"] is None

    def test_of_an_upstream(self, config: Path) -> None:
        """What it would be sent: its form, its alphabet, its limit."""
        with config.open("a") as file:
            file.write(
                '[upstreams.lat]\nendpoint = "tcp:a:1"\nsystem_id = "x"\n'
                'password = { env = "NOT_SET" }\n[upstreams.lat.text]\n'
                'alphabet = "latin1"\nform = "payload"\nmax_segments = 1\n'
            )
        at = ("--config", str(config), "segments", "--upstream", "lat")
        assert run(*at, "ç" * 141).output.splitlines() == [
            "segments  2",
            "encoding  latin1",
            "coding    0",
            "form      payload",
            "submit_sm 1",
            "It would be refused: max_segments is 1.",
        ]
        result = run("--config", str(config), "segments", "--upstream", "lot", "a")
        assert result.exit_code == 1
        assert "there is no upstream 'lot'" in result.stderr
        with config.open("a") as file:
            file.write('forms = "udh8"\n')
        result = run(*at, "a")
        assert result.exit_code == 1
        assert 'upstreams.lat.text.forms: is not known; did you mean "form"?' in (
            result.stderr
        )

    def test_of_another_form_and_transliterated(self) -> None:
        """Without a configuration: what the defaults give."""
        answer = run("segments", "--form", "udh16", "a" * 305).output.splitlines()
        assert answer == [
            "segments  3",
            "encoding  gsm7",
            "coding    0",
            "form      udh16",
            "submit_sm 3",
        ]
        assert run("segments", "--transliterate", "“ç”").output.splitlines() == [
            'sent as   "c"',
            "segments  1",
            "encoding  gsm7",
            "position 0: “ (U+201C) is not in gsm7; suggested: '\"'",
            "position 1: ç (U+00E7) is not in gsm7; suggested: 'c'",
            "position 2: ” (U+201D) is not in gsm7; suggested: '\"'",
        ]

    def test_of_what_can_not_be_sent_are_refused(self) -> None:
        """Exit 1 with the reason."""
        result = run("segments", "a\0b")
        assert result.exit_code == 1
        assert "U+0000 at position 1" in result.stderr


class TestAGatewayThatIsAway:
    @pytest.mark.parametrize(
        "command",
        [
            ("status",),
            ("key", "create", "a"),
            ("key", "list"),
            ("key", "revoke", "a", "b"),
        ],
    )
    def test_is_one_clear_sentence(
        self, config: Path, command: tuple[str, ...]
    ) -> None:
        """Exit 2; nothing on standard output."""
        result = run("--config", str(config), *command)
        assert (result.exit_code, result.stdout) == (2, "")
        socket_path = config.parent / "admin.sock"
        assert result.stderr == (
            f"Error: the gateway is not running: nothing answers on {socket_path}\n"
        )

    def test_after_a_kill_is_the_same(self, config: Path) -> None:
        """The socket's file is there, and nobody behind it."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(config.parent / "admin.sock"))
        result = run("--config", str(config), "status")
        assert result.exit_code == 2
        assert "the gateway is not running" in result.stderr

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
    def test_of_another_user_is_told_apart(self, config: Path) -> None:
        """Run it as the gateway's user."""
        with socket.socket(socket.AF_UNIX) as other:
            path = config.parent / "admin.sock"
            other.bind(str(path))
            other.listen()
            path.chmod(0)
            result = run("--config", str(config), "status")
        assert result.exit_code == 2
        assert "may not be used by this user" in result.stderr

    @pytest.mark.parametrize(
        "answer", [b"", b"nonsense\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    )
    def test_that_talks_nonsense_is_told(self, folder: Path, answer: bytes) -> None:
        """A sentence, whatever comes back."""
        path = folder / "s"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()

            def serve() -> None:
                link, _ = listening.accept()
                with link:
                    link.recv(65536)
                    link.sendall(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(GatewayAway, match="does not answer on"):
                AdminClient(path).get("status")
            thread.join(ANSWER_S)

    def test_at_a_path_too_long_is_told(self, folder: Path) -> None:
        """A socket's path has at most 107 octets."""
        with pytest.raises(GatewayAway, match="path too long"):
            AdminClient(folder / ("x" * 120)).get("status")

    @pytest.mark.parametrize(
        "text", ["[gateway", "gateway = 1", "[gateway]\ndata_dir = 3"]
    )
    def test_is_not_looked_for_with_a_broken_file(
        self, config: Path, text: str
    ) -> None:
        """Exit 1: the file is the trouble."""
        config.write_text(text)
        result = run("--config", str(config), "status")
        assert result.exit_code == 1
        assert "luckgw check tells why" in result.stderr


class Store:
    """A real server behind the keys."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Run one command."""
        return succeed(self._valkey.command(*args))


class Gateway:
    """The part of a gateway that the command talks to, on a real socket."""

    def __init__(self, valkey: Valkey, config: Path) -> None:
        self._config = config
        accounts = {name: Account(name=name) for name in ("acme", "other")}
        store = Store(valkey)
        self.keys = ApiKeys(store, b"p" * 32, accounts.get, Clock(), lambda: NOW_MS)
        self.keys.start()
        self.brought: list[Any] = []
        phones = Phones(
            store.execute,
            Inbox(store.execute),
            accounts,
            {"acme"},
            self.brought.append,
            lambda: NOW_MS,
        )
        self.report: dict[str, Any] = {}
        api = AdminApi(self.keys, lambda: self.report, phones, Desk())
        path = config.parent / "admin.sock"
        self.port = listen_admin(reactor, path, api.resource())

    def run(self, *args: str) -> "Deferred[Result]":
        """The command, in a thread, since it blocks."""
        return deferToThread(run, "--config", str(self._config), *args)


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def gateway(valkey: Valkey, config: Path) -> Any:
    """A gateway that answers."""
    gateway = Gateway(valkey, config)
    yield gateway
    await maybeDeferred(gateway.port.stopListening)


class TestKeyCommands:
    async def test_create_prints_the_key_alone_on_its_last_line(
        self, gateway: Gateway
    ) -> None:
        """KEY=$(luckgw key create acme | tail -1)."""
        result = await gateway.run("key", "create", "acme", "--name", "till")
        assert result.exit_code == 0
        text = result.stdout.splitlines()[-1]
        key = gateway.keys.authenticate(text)
        assert key is not None
        assert (key.account, key.name, key.is_test) == ("acme", "till", False)
        assert (key.allow_query, key.json_answers) == (True, False)

    async def test_create_knows_all_kinds(self, gateway: Gateway) -> None:
        """Each option is in the key, and --json has the key as well."""
        options = ("--test", "--no-query", "--json-answers", "--json")
        result = await gateway.run("key", "create", "acme", *options)
        key = gateway.keys.authenticate(json.loads(result.stdout)["key"])
        assert key is not None
        assert (key.is_test, key.allow_query, key.json_answers) == (True, False, True)

    async def test_create_for_nobody_is_refused(self, gateway: Gateway) -> None:
        """Exit 1 with the gateway's sentence."""
        result = await gateway.run("key", "create", "amce")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: account amce is not configured\n"

    async def test_list_shows_no_secret(self, gateway: Gateway) -> None:
        """A table; of one account or of all."""
        made = await gateway.run("key", "create", "acme", "--name", "till")
        text = made.stdout.splitlines()[-1]
        await gateway.run("key", "create", "other", "--test")
        result = await gateway.run("key", "list", "acme")
        head, row = result.stdout.splitlines()
        assert head.split()[:4] == ["ID", "ACCOUNT", "NAME", "MODE"]
        assert row.split() == [
            *(text[8:16], "acme", "till", "live", "inbox,send,status", "yes"),
            *("2023-11-14", "22:13Z", "-", "-"),
        ]
        assert text not in result.stdout
        assert len((await gateway.run("key", "list")).stdout.splitlines()) == 3
        listed = json.loads((await gateway.run("key", "list", "--json")).stdout)
        assert [key["test"] for key in listed["keys"]] in ([False, True], [True, False])

    @pytest.mark.parametrize("form", [lambda key: key, lambda key: key[8:16]])
    async def test_revoke_takes_the_id_or_the_whole_key(
        self, gateway: Gateway, form: Callable[[str], str]
    ) -> None:
        """Whoever finds a leaked key has the whole of it."""
        made = await gateway.run("key", "create", "acme")
        text = made.stdout.splitlines()[-1]
        result = await gateway.run("key", "revoke", "acme", form(text))
        assert re.fullmatch(
            r"API key \w{8} of account acme is revoked\.\n", result.stdout
        )
        assert gateway.keys.authenticate(text) is None
        again = await gateway.run("key", "revoke", "acme", form(text), "--json")
        assert json.loads(again.stdout)["revoked_ms"] == NOW_MS

    async def test_revoke_of_another_accounts_key_is_refused(
        self, gateway: Gateway
    ) -> None:
        """Exit 1; the key lives."""
        made = await gateway.run("key", "create", "acme")
        text = made.stdout.splitlines()[-1]
        result = await gateway.run("key", "revoke", "other", text)
        assert result.exit_code == 1
        assert "of account other" in result.stderr
        assert gateway.keys.authenticate(text) is not None


async def test_status_shows_the_report(gateway: Gateway) -> None:
    """All of it, for people and for programs."""
    gateway.report = {
        "node": "gw1",
        "ready": False,
        "problems": ["no upstream of route default is up"],
        "upstreams": {"mtn": {"queued": 3, "binds": [{"state": "bound", "window": 7}]}},
        "sessions": {},
    }
    result = await gateway.run("status")
    assert result.stdout.splitlines() == [
        "node       gw1",
        "ready      no",
        "problems",
        "  no upstream of route default is up",
        "upstreams",
        "  mtn",
        "    queued  3",
        "    binds",
        "      state bound  window 7",
        "sessions   -",
    ]
    result = await gateway.run("status", "--json")
    assert json.loads(result.stdout) == gateway.report


class TestPhoneCommands:
    """``inbox``, ``optout`` and ``simulate mo``."""

    async def test_an_inbox_is_a_table(self, gateway: Gateway) -> None:
        """Its heads, when nothing came; JSON is the HTTP API's."""
        result = await gateway.run("inbox", "acme")
        assert result.stdout.split() == ["RECEIVED", "FROM", "TO", "CONTENT"]
        result = await gateway.run("inbox", "acme", "--json")
        assert json.loads(result.stdout) == {"messages": []}

    async def test_opt_outs(self, gateway: Gateway) -> None:
        """Added, listed, removed; each says whether it changed anything."""
        phone = "+233 50 123 4567"
        told = []
        for command in ("add", "add", "remove", "remove", "add"):
            result = await gateway.run("optout", command, "acme", "4040", phone)
            assert result.exit_code == 0
            told.append(result.stdout.strip())
        assert told == [
            "opted out",
            "had opted out before",
            "taken off the list",
            "was not on the list",
            "opted out",
        ]
        result = await gateway.run("optout", "list", "acme")
        _, row = result.stdout.splitlines()
        assert row.split() == ["233501234567", "4040", "2023-11-14", "22:13Z"]

    async def test_an_opt_out_that_nobody_heeds_is_refused(
        self, gateway: Gateway
    ) -> None:
        """Exit 1, and what to do."""
        result = await gateway.run("optout", "add", "other", "4040", "233501234567")
        assert result.exit_code == 1
        assert "[[mo_routes]]" in result.stderr

    async def test_a_message_is_brought(self, gateway: Gateway) -> None:
        """As it was asked for."""
        options = ("--from", "233501234568", "--to", "5050", "--parts", "2,1")
        result = await gateway.run("simulate", "mo", *options, "Hello")
        assert (result.exit_code, result.stdout) == (0, "brought\n")
        assert gateway.brought == [
            {
                "phone": "233501234568",
                "number": "5050",
                "form": "udh8",
                "reference": 1,
                "parts": [2, 1],
                "text": "Hello",
            }
        ]
        wrong = await gateway.run("simulate", "mo", "--parts", "x", "Hello")
        assert wrong.exit_code == 2
