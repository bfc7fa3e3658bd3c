"""Files in, one configuration out; or every problem, each with file, line and key."""

import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest

from luckgw.config.load import load, warnings
from luckgw.config.model import (
    Account,
    Config,
    Match,
    ReceiptRules,
    Route,
    Store,
    Upstream,
)
from luckgw.config.problems import ConfigError, Problem
from luckgw.config.secret import Secret
from luckgw.config.tls import Tls

Write = Callable[..., Path]

ROUTE = '[[routes]]\nname = "all"\nto = "mtn"\n'
UPSTREAM = (
    '[upstreams.mtn]\nendpoint = "tcp:smsc.example.net:2775"\n'
    'system_id = "luck"\npassword = "secret"\n'
)
LEAST = UPSTREAM + ROUTE
"""The shortest configuration that is one: 7 lines."""
ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNo"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files into a folder and gives the path of the first, the main one."""

    def write(main: str, **others: str) -> Path:
        for name, text in {"main": main, **others}.items():
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return tmp_path / "main.toml"

    return write


def problems_of(path: Path) -> list[tuple[str, int | None, str, str]]:
    """(file's name, line, key, message) of everything that is wrong."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [
        (Path(p.file).name, p.line, p.key, p.message) for p in caught.value.problems
    ]


def the_problem(path: Path) -> tuple[str, int | None, str, str]:
    """The one thing that is wrong."""
    (problem,) = problems_of(path)
    return problem


class TestGoodFiles:
    def test_the_least(self, write: Write) -> None:
        """What is not given has its default."""
        config = load(write(LEAST))
        assert config == Config(
            upstreams={
                "mtn": Upstream(
                    name="mtn",
                    endpoint="tcp:smsc.example.net:2775",
                    system_id="luck",
                    password=Secret("secret"),
                )
            },
            routes=(Route(name="all", to=("mtn",)),),
        )

    def test_a_path_may_be_a_text(self, write: Write) -> None:
        """As it comes from a command line."""
        assert load(str(write(LEAST))) == load(write(LEAST))

    def test_every_kind_of_value(self, write: Write) -> None:
        """Texts, numbers, booleans, lists (also of one), tables, secrets."""
        config = load(
            write(
                LEAST
                + 'match = { prefix = "2", account = "acme", sender = ["a", "re:b"] }\n'
                + "[gateway]\ndrain_s = 5\ndata_dir = '/var/lib/luckgw'\n"
                + '[http]\nlisten = "tcp:8080"\n'
                + "[webhooks]\ntimeout_s = 0x5\nmax_in_flight = 2\n"
                + "[accounts.acme]\nthroughput = 2.5\nenabled = false\n"
                + 'ips = ["192.0.2.7", "2001:db8::/32"]\n'
                + f"password = {{ argon2 = '{ARGON2}' }}\n"
                + 'webhook = "https://example.com/"\n'
            )
        )
        assert config.gateway.drain_s == 5.0
        assert config.gateway.data_dir == Path("/var/lib/luckgw")
        assert config.http.listen == ("tcp:8080",)
        assert config.webhooks.timeout_s == 5.0
        assert config.routes[0].match == Match(
            prefix=("2",), account=("acme",), sender=("a", "re:b")
        )
        assert config.accounts["acme"] == Account(
            name="acme",
            throughput=2.5,
            enabled=False,
            ips=(
                ipaddress.ip_network("192.0.2.7"),
                ipaddress.ip_network("2001:db8::/32"),
            ),
            password=Secret(ARGON2, "argon2"),
            webhook="https://example.com/",
        )

    def test_windows_line_ends_and_a_byte_order_mark(self, write: Write) -> None:
        """What some editors add does no harm."""
        assert load(write("\ufeff" + LEAST.replace("\n", "\r\n"))) == load(write(LEAST))

    def test_two_configurations_of_equal_files_are_equal(self, write: Write) -> None:
        """Wherever they stand: a comment changes nothing."""
        assert load(write(LEAST)) == load(write("# moved\n" + LEAST))


class TestIncludes:
    def test_what_files_say_is_laid_together(self, write: Write) -> None:
        """A section may be spread; accounts and routes come from everywhere."""
        path = write(
            'include = ["one.toml", "two.toml"]\n[gateway]\nnode = "a"\n'
            '[[routes]]\nname = "last"\nto = "mtn"\n',
            one=UPSTREAM
            + '[gateway]\ndrain_s = 1\n[[routes]]\nname = "first"\nto="mtn"',
            two='[[routes]]\nname = "second"\nto = "mtn"\n[upstreams.airtel]\n'
            'endpoint = "tcp:b:1"\nsystem_id = "x"\npassword = "y"',
        )
        config = load(path)
        assert (config.gateway.node, config.gateway.drain_s) == ("a", 1.0)
        assert set(config.upstreams) == {"mtn", "airtel"}
        assert [route.name for route in config.routes] == ["first", "second", "last"]

    def test_names_are_relative_to_the_including_file(
        self, write: Write, tmp_path: Path
    ) -> None:
        """Also from an included file in another folder."""
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "a.toml").write_text('include = ["b.toml"]\n' + ROUTE)
        (tmp_path / "sub" / "b.toml").write_text(UPSTREAM)
        assert load(write('include = ["sub/a.toml"]')).routes[0].name == "all"

    def test_lines_are_those_of_the_file_it_stands_in(self, write: Write) -> None:
        """Also for lists of tables that were joined."""
        path = write(
            'include = ["one.toml"]\n\n[[routes]]\nname = "b"\nto = ["mtn"]\nmatch = { '
            'prefix = ["1", "x"] }',
            one=LEAST + "\n[[routes]]\nname = 5\nto = 'mtn'",
        )
        assert [problem[:3] for problem in problems_of(path)] == [
            ("main.toml", 6, "routes[2].match.prefix[1]"),
            ("one.toml", 10, "routes[1].name"),
        ]

    @pytest.mark.parametrize(
        ("one", "two", "line", "key"),
        [
            (UPSTREAM, "\n" + UPSTREAM, 2, "upstreams.mtn"),
            ("accounts.a = {}", "[accounts.a]", 1, "accounts.a"),
            ('[http]\nlisten = "tcp:1"', '[http]\nlisten = "tcp:2"', 2, "http.listen"),
            ("gateway = 1", "gateway = 1", 1, "gateway"),
            ("routes = []", "[routes]", 1, "routes"),
        ],
    )
    def test_the_same_thing_twice_names_both_places(
        self, write: Write, one: str, two: str, line: int, key: str
    ) -> None:
        """An account, upstream or key in two files is an error."""
        path = write('include = ["one.toml", "two.toml"]', one=one, two=two)
        (found,) = [p for p in problems_of(path) if "is set already" in p[3]]
        assert found[:3] == ("two.toml", line, key)
        assert "one.toml:" in found[3]

    def test_a_route_name_twice_names_both_places(self, write: Write) -> None:
        """In one file or in two."""
        path = write('include = ["one.toml"]\n' + LEAST, one="\n" + ROUTE)
        file, line, key, message = the_problem(path)
        assert (file, line, key) == ("main.toml", 7, "routes[1].name")
        assert message.endswith("one.toml:3")

    @pytest.mark.parametrize("table", ["accounts.a", "upstreams.a"])
    def test_a_table_twice_in_one_file_names_both_lines(
        self, write: Write, table: str
    ) -> None:
        """TOML itself forbids it; we say where the first one is."""
        path = write(f"[{table}]\nx = 1\n[{table}]")
        message = f"{table} is set already, on line 1"
        assert the_problem(path) == ("main.toml", 3, "", message)

    def test_a_missing_file(self, write: Write) -> None:
        """Is told where it is asked for; what may stand in it is not missed."""
        path = write('include = [\n"none.toml"]\n' + ROUTE)
        file, line, _, message = the_problem(path)
        assert (file, line) == ("main.toml", 2)
        assert "none.toml can not be read: No such file" in message

    def test_a_file_name_that_is_none(self, write: Write) -> None:
        """Not even then is there a traceback."""
        path = write('include = ["a\\u0000"]\n' + LEAST)
        assert "can not be read" in the_problem(path)[3]

    def test_circles_end(self, write: Write) -> None:
        """A file that includes itself, by whatever way, is told so."""
        path = write(
            'include = ["one.toml"]\n' + LEAST, one='include = ["./main.toml"]'
        )
        file, line, _, message = the_problem(path)
        assert (file, line) == ("one.toml", 1)
        assert message.endswith("main.toml is included already")

    @pytest.mark.parametrize("value", ['"one.toml"', "[1]", "{}", "true"])
    def test_include_is_a_list_of_names(self, write: Write, value: str) -> None:
        """Nothing else."""
        path = write(f"include = {value}\n" + LEAST)
        assert the_problem(path)[:3] == ("main.toml", 1, "include")


class TestUnreadableFiles:
    def test_no_main_file(self, tmp_path: Path) -> None:
        """One clear sentence."""
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / "none.toml")
        assert str(caught.value) == (
            f"{tmp_path}/none.toml: can not be read: No such file or directory"
        )

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("a = 1\nb =", 2),
            ("a = 1\nb = [1,\n\n", 2),
            ("a = 1\n\nb = = 2\nc = 3", 3),
            ("a = 1\n[a]", 2),
            ("a = 1\na = 2", 2),
            ("a = 1\n[[b.c]]\n[b.c]", 3),
            ("[[b]]\n[b.c]\n[b.c]", 3),
            ("a = 2001-13-01", 1),
        ],
    )
    def test_a_syntax_error_has_file_and_line(
        self, write: Write, text: str, line: int
    ) -> None:
        """And no second complaint about what could not be read."""
        file, at, key, message = the_problem(write(text))
        assert (file, at, key) == ("main.toml", line, "")
        assert "(at " not in message

    def test_numbers_without_end(self, write: Write) -> None:
        """What Python refuses to read is told, too."""
        assert "4300 digits" in the_problem(write(f"a = {'9' * 5000}"))[3]

    def test_not_utf_8(self, tmp_path: Path) -> None:
        """Says on which line."""
        (tmp_path / "main.toml").write_bytes(b"a = 1\nb = '\xff'\n")
        assert the_problem(tmp_path / "main.toml") == (
            "main.toml",
            2,
            "",
            "is not UTF-8",
        )

    def test_nested_without_end(self, write: Write) -> None:
        """No traceback for hostile depth."""
        problem = the_problem(write("a = " + "[" * 5000))
        assert problem == ("main.toml", None, "", "is nested too deeply")


class TestProblems:
    def test_all_of_them_in_the_order_of_the_lines(self, write: Write) -> None:
        """An operator mends everything in one go."""
        path = write(
            '[gateway]\nnod = "gw1"\ndrain_s = "30"\n'
            '[http]\nlisten = [\n  "tcp:8080",\n  "tcp:x",\n  "8081",\n]\n'
            "[upstreams.mtn]\nbinds = 33\nwindow = 1.5\n"
            '[[routes]]\nto = "mtm"\n[[routes]]\nname = "b"\nto = ["mtn", "mtn2"]\n'
            'strategy = "failover"\n'
            '[accounts.a]\nips = ["10.0.0.1/8"]\n[acounts.b]\n'
        )
        expected = [
            (2, "gateway.nod", "is not known; did you mean"),
            (3, "gateway.drain_s", "must be a number, not a text"),
            (7, "http.listen[1]", "has no port number"),
            (8, "http.listen[2]", "must be a Twisted endpoint"),
            (10, "upstreams.mtn.endpoint", "is missing"),
            (10, "upstreams.mtn.system_id", "is missing"),
            (10, "upstreams.mtn.password", "is missing"),
            (11, "upstreams.mtn.binds", "must be from 1 to 32, not 33"),
            (12, "upstreams.mtn.window", "must be a whole number, not a number"),
            (13, "routes[0].name", "is missing"),
            (17, "routes[1].to[1]", "there is no upstream 'mtn2'; did you mean"),
            (20, "accounts.a.ips[0]", "10.0.0.1/8 has host bits set"),
            (21, "acounts", 'is not known; did you mean "accounts"?'),
        ]
        found = problems_of(path)
        assert [problem[1:3] for problem in found] == [e[:2] for e in expected]
        for problem, (_, _, part) in zip(found, expected, strict=True):
            assert part in problem[3]

    def test_a_problem_reads_like_a_compiler_s(self) -> None:
        """file:line: key: message."""
        assert str(Problem("a.toml", 3, "http.listen", "is wrong")) == (
            "a.toml:3: http.listen: is wrong"
        )
        assert str(Problem("a.toml", None, "", "is wrong")) == "a.toml: is wrong"

    @pytest.mark.parametrize(
        ("text", "line", "key", "message"),
        [
            ("gateway = 1", 1, "gateway", "must be a table"),
            ("[[gateway]]", 8, "gateway", "must be a table"),
            ("accounts = 1", 1, "accounts", "must be tables"),
            ("accounts.a = 1", 1, "accounts.a", "must be a table"),
            (
                'accounts."a b" = {}',
                1,
                'accounts."a b".name',
                "must be 1 to 32 letters",
            ),
            ("[gateway]\nnode = 1", 9, "gateway.node", "not a whole number"),
            ("[gateway]\nnode = 2001-01-01", 9, "gateway.node", "not a date or time"),
            ("[gateway]\ndata_dir = ''", 9, "gateway.data_dir", "must not be empty"),
            ("[gateway]\ndrain_s = true", 9, "gateway.drain_s", "not a boolean"),
            (
                f"[gateway]\ndrain_s = {'9' * 400}",
                9,
                "gateway.drain_s",
                "is too large",
            ),
            ("[gateway]\ndrain_s = nan", 9, "gateway.drain_s", "from 0 to 3600"),
            (
                "[gateway]\nthreads = 2",
                9,
                "gateway.threads",
                "known here: data_dir, dr",
            ),
            ("[sandbox]\nenabled = 1", 9, "sandbox.enabled", "must be true or false"),
            (
                "[store]\nretention_days = true",
                9,
                "store.retention_days",
                "whole number",
            ),
            ("[http]\nlisten = 8080", 9, "http.listen", "list of texts, not a whole"),
            ("[http]\nlisten = [1, {}]", 9, "http.listen[0]", "not a whole number"),
            ("[http]\nlisten = ['']", 9, "http.listen[0]", "must be a Twisted"),
            ("[store]\nurl = ['a']", 9, "store.url", "must be a text, not a list"),
            ("[store]\nurl = {}", 9, "store.url", "a table with one of: file, env"),
            (
                '[store]\nurl = "redis://h"\ndurability = "everysec"',
                10,
                "store.durability",
                'is only for url = "embedded"',
            ),
            ("[[routes]]", 8, "routes[1].name", "is missing"),
            (
                '[[routes]]\nname = "r"',
                8,
                "routes[1].to",
                "is missing: where it leads, or prefixes, or refuse",
            ),
            (
                "accounts.a.password = 1",
                1,
                "accounts.a.password",
                "one of: file, env, ar",
            ),
        ],
    )
    def test_one_at_a_time(
        self, write: Write, text: str, line: int, key: str, message: str
    ) -> None:
        """What is wrong is told where it stands."""
        parts = (LEAST, text) if text.startswith("[") else (text, "\n" + LEAST)
        found = {p[2]: p for p in problems_of(write("".join(parts)))}
        assert found[key][1] == line
        assert message in found[key][3]

    def test_every_wrong_item_of_a_list(self, write: Write) -> None:
        """Types, too, are all told at once."""
        path = write(LEAST + "[http]\nlisten = [1,\n'tcp:1',\n{}]")
        assert [p[1:3] for p in problems_of(path)] == [
            (9, "http.listen[0]"),
            (11, "http.listen[2]"),
        ]

    def test_a_default_that_does_not_fit(self, write: Write) -> None:
        """An account's name is its system_id, and too long for one: at the account."""
        path = write(LEAST + f"[accounts.{'x' * 16}]")
        assert the_problem(path)[1:3] == (8, f"accounts.{'x' * 16}.system_id")


class TestReferences:
    def test_there_has_to_be_a_route(self, write: Write) -> None:
        """A gateway that refuses every message is a mistake."""
        problem = the_problem(write(UPSTREAM))
        assert problem == (
            "main.toml",
            None,
            "routes",
            "at least one [[routes]] is needed",
        )

    def test_routes_are_a_list(self, write: Write) -> None:
        """The usual slip: single brackets."""
        problem = the_problem(write(UPSTREAM + '[routes]\nname = "a"'))
        assert problem[1:] == (5, "routes", "must be a list of tables: [[routes]]")

    def test_routes_lead_to_upstreams(self, write: Write) -> None:
        """Without any upstream there is nothing to suggest."""
        problem = the_problem(write(ROUTE))
        assert problem[1:] == (3, "routes[0].to[0]", "there is no upstream 'mtn'")

    def test_an_upstream_with_a_mistake_is_still_there(self, write: Write) -> None:
        """One mistake, one problem."""
        path = write(LEAST.replace("2775", "0"))
        assert [p[2] for p in problems_of(path)] == ["upstreams.mtn.endpoint"]

    def test_upstreams_have_to_be_tables(self, write: Write) -> None:
        """Not a list of them."""
        path = write('[[upstreams]]\nname = "mtn"\n' + ROUTE)
        assert problems_of(path)[0][1:3] == (1, "upstreams")

    def test_a_route_can_not_send_through_a_receiver(self, write: Write) -> None:
        """Its messages would wait for ever."""
        path = write(UPSTREAM + 'bind = "receiver"\n' + ROUTE)
        assert the_problem(path)[1:] == (
            8,
            "routes[0].to[0]",
            "upstream 'mtn' can not send: it binds as receiver",
        )

    def test_match_names_accounts(self, write: Write) -> None:
        """A rule for nobody is a typing mistake."""
        path = write(
            LEAST + 'match = { account = [ "acme",\n"akme"] }\n[accounts.acme]'
        )
        _, line, key, message = the_problem(path)
        assert (line, key) == (9, "routes[0].match.account[1]")
        assert message.endswith('did you mean "acme"?')

    def test_system_ids_are_unique(self, write: Write) -> None:
        """A bind leads to one account; the default counts."""
        path = write(LEAST + '[accounts.a]\n[accounts.b]\n\nsystem_id = "a"')
        _, line, key, message = the_problem(path)
        assert (line, key) == (11, "accounts.b.system_id")
        assert message.endswith("main.toml:8")


class TestTls:
    FILES = 'certificate = "c"\nprivate_key = "k"\n'
    LISTEN = '[smpp.tls]\nlisten = "tcp:2776"\n'
    FINGERPRINT = "sha256:" + "ab" * 32

    def test_a_listener(self, write: Write) -> None:
        """With its files; dotted keys are the same as a table."""
        path = write(LEAST + self.LISTEN + self.FILES)
        dotted = (LEAST + self.LISTEN + self.FILES).replace("[smpp.tls]", "[smpp]")
        for key in ("listen", "certificate", "private_key"):
            dotted = dotted.replace(f"\n{key} =", f"\ntls.{key} =")
        assert load(path).smpp.tls == load(write(dotted)).smpp.tls
        assert load(path).smpp.tls.certificate == Path("c")

    def test_a_listener_needs_a_certificate(self, write: Write) -> None:
        """And a key."""
        found = problems_of(write(LEAST + self.LISTEN))
        assert [(p[2], p[3]) for p in found] == [
            ("smpp.tls.certificate", "is needed to listen"),
            ("smpp.tls.private_key", "is needed to listen"),
        ]

    @pytest.mark.parametrize(
        ("tls", "access", "key", "message"),
        [
            ("", f'certificates = "{FINGERPRINT}"', "certificates[0]", "tls.listen"),
            ("", "require_tls = true", "require_tls", "tls.listen"),
            (
                LISTEN + FILES,
                f'certificates = ["{FINGERPRINT}", "subject:CN=a"]',
                "certificates[1]",
                "tls.client_ca",
            ),
        ],
    )
    def test_an_account_asks_for_what_there_is(
        self, write: Write, tls: str, access: str, key: str, message: str
    ) -> None:
        """Else it could never bind; or anybody could bear its name."""
        text = f"{LEAST}{tls}[accounts.a.access]\n{access}\n"
        problem = the_problem(write(text))
        assert problem[2] == f"accounts.a.access.{key}"
        assert message in problem[3]

    def test_it_has_what_it_asks_for(self, write: Write) -> None:
        """A fingerprint needs no authority; ssl: is TLS, too."""
        access = f'certificates = "{self.FINGERPRINT}"\nrequire_tls = true\n'
        load(write(LEAST + self.LISTEN + self.FILES + "[accounts.a.access]\n" + access))
        ssl = '[smpp]\nlisten = "ssl:2776:privateKey=k:certKey=c"\n'
        load(write(LEAST + ssl + "[accounts.a.access]\nrequire_tls = true\n"))


class TestSandbox:
    @pytest.mark.parametrize(
        ("listen", "endpoint"),
        [
            ("", "tcp:127.0.0.1:27750"),
            ('"tcp:2000"', "tcp:127.0.0.1:2000"),
            ('"tcp:2000:interface=0.0.0.0"', "tcp:127.0.0.1:2000"),
            ('"tcp:2000:interface=10.1.2.3"', "tcp:10.1.2.3:2000"),
            ('["tcp:2000", "tcp:3000"]', "tcp:127.0.0.1:2000"),
            ('"tcp6:2000"', r"tcp:\:\:1:2000"),
            (r"'tcp:2000:interface=\:\:'", r"tcp:\:\:1:2000"),
            (r"'tcp6:2000:interface=fe80\:\:1'", r"tcp:fe80\:\:1:2000"),
        ],
    )
    def test_is_an_upstream(self, write: Write, listen: str, endpoint: str) -> None:
        """That connects to where the sandbox listens."""
        text = '[sandbox]\nenabled = true\n[[routes]]\nname = "a"\nto = "sandbox"\n'
        if listen:
            text = text.replace("true\n", f"true\nlisten = {listen}\n")
        assert load(write(text)).upstreams["sandbox"] == Upstream(
            name="sandbox",
            endpoint=endpoint,
            system_id="sandbox",
            password=Secret("sandbox", "built in"),
            binds=2,
            window=200,
        )

    def test_an_upstream_of_that_name_wins(self, write: Write) -> None:
        """Whoever wants other binds or windows writes them down."""
        config = load(
            write("[sandbox]\nenabled = true\n" + LEAST.replace("mtn", "sandbox"))
        )
        assert config.upstreams["sandbox"].system_id == "luck"

    def test_there_is_none_when_it_is_off(self, write: Write) -> None:
        """A route to it is an error then."""
        assert "sandbox" not in load(write(LEAST)).upstreams

    @pytest.mark.parametrize("listen", ["[]", '"tcp:0"', '"unix:/tmp/a"', '"x:y"'])
    def test_it_has_to_be_reachable(self, write: Write, listen: str) -> None:
        """Or an upstream has to say how."""
        path = write(f"{LEAST}[sandbox]\nenabled = true\nlisten = {listen}")
        assert the_problem(path)[1:3] == (10, "sandbox.listen")
        defined = "\n" + UPSTREAM.replace("mtn", "sandbox")
        config = load(write(path.read_text() + defined))
        assert set(config.upstreams) == {"mtn", "sandbox"}

    def test_a_sandbox_with_a_mistake_is_one_problem(self, write: Write) -> None:
        """Its upstream is not missed on top of it, if a file defines it."""
        path = write(LEAST + "[sandbox]\nenabled = true\nlisten = [1]")
        assert the_problem(path)[2] == "sandbox.listen[0]"


class TestSecrets:
    ACCOUNT = LEAST + "[accounts.acme]\n"

    def test_from_a_file(self, write: Write, tmp_path: Path) -> None:
        """Relative to the file that names it; one newline at its end is cut off."""
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "pass").write_bytes(b" pass word\n\n")
        (tmp_path / "sub" / "a.toml").write_text(
            '[accounts.a]\npassword = { file = "pass" }'
        )
        config = load(write('include = ["sub/a.toml"]\n' + LEAST))
        assert config.accounts["a"].password == Secret(" pass word\n", "file")

    def test_from_the_environment(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As it is."""
        monkeypatch.setenv("ACME_PASSWORD", "hunter2")
        path = write(self.ACCOUNT + 'password = { env = "ACME_PASSWORD" }')
        assert load(path).accounts["acme"].password == Secret("hunter2", "env")

    def test_the_store_s_url_may_be_one(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Because a password may stand in it."""
        monkeypatch.setenv("STORE", "redis://:hunter2@localhost")
        config = load(write(LEAST + '[store]\nurl = { env = "STORE" }'))
        assert config.store == Store(url="redis://:hunter2@localhost")
        monkeypatch.setenv("STORE", "hunter2")
        _, line, key, message = the_problem(
            write(LEAST + '[store]\nurl = { env = "STORE" }')
        )
        assert (line, key) == (9, "store.url")
        assert "hunter2" not in message

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ('{ env = "LUCKGW_NOT_SET" }', "variable LUCKGW_NOT_SET is not set"),
            ('{ file = "none" }', "none can not be read: No such file"),
            ('{ file = "." }', "can not be read: Is a directory"),
            ('{ file = "a\\u0000" }', "can not be read"),
            ('{ file = "latin1" }', "latin1 is not UTF-8"),
            ('{ file = "empty" }', "must be 1 to 64 octets"),
            ("{ file = 1 }", "must be a text, or a table"),
            ('{ file = "a", env = "b" }', "must be a text, or a table"),
            ('{ flie = "a" }', "must be a text, or a table"),
            ('{ argon2 = "hunter2" }', "is not an argon2 hash"),
            ("[]", "must be a text, or a table"),
        ],
    )
    def test_that_can_not_be_had(
        self, write: Write, tmp_path: Path, value: str, message: str
    ) -> None:
        """Is a problem like any other, and never shows a value."""
        (tmp_path / "latin1").write_bytes(b"hunter2\xff")
        (tmp_path / "empty").write_bytes(b"\n")
        _, line, key, found = the_problem(write(self.ACCOUNT + f"password = {value}"))
        assert (line, key) == (9, "accounts.acme.password")
        assert message in found
        assert "hunter2" not in found

    def test_a_hash_can_not_be_sent_to_a_carrier(self, write: Write) -> None:
        """An upstream's password has to be known."""
        path = write(LEAST.replace('"secret"', f'{{ argon2 = "{ARGON2}" }}'))
        assert the_problem(path)[1:] == (
            4,
            "upstreams.mtn.password",
            "must be a text, or a table with one of: file, env",
        )

    def test_a_missing_file_can_be_created(self, write: Write, tmp_path: Path) -> None:
        """The hook is asked for files that are not there, and for no others."""
        (tmp_path / "there").write_text("one")
        asked: list[Path] = []

        def create(path: Path) -> None:
            asked.append(path)
            path.write_text("made\n")

        path = write(
            self.ACCOUNT
            + 'password = { file = "missing" }\n[accounts.b]\n'
            + 'password = { file = "there" }'
        )
        config = load(path, create)
        assert asked == [tmp_path / "missing"]
        assert config.accounts["acme"].password == Secret("made", "file")
        assert config.accounts["b"].password == Secret("one", "file")

    def test_a_hook_may_decline_or_fail(self, write: Write) -> None:
        """Then the file is missing, as it would be without a hook."""
        path = write(self.ACCOUNT + 'password = { file = "missing" }')

        def fail(path: Path) -> None:
            raise PermissionError(13, "Permission denied")

        with pytest.raises(ConfigError, match="can not be read: No such file"):
            load(path, lambda _: None)
        with pytest.raises(ConfigError, match="can not be read: Permission denied"):
            load(path, fail)


class TestWarnings:
    def test_plain_passwords(self, write: Write, tmp_path: Path) -> None:
        """Each with its place; they do not fail the load."""
        (tmp_path / "pass").write_text("x")
        config = load(
            write(
                LEAST
                + '[accounts.a]\npassword = "plain"\n[accounts.b]\n'
                + 'password = { file = "pass" }\n[accounts.c]\n'
                + "[store]\nurl = 'redis://:hunter2@host'\n[sandbox]\nenabled = true\n"
            )
        )
        found = warnings(config)
        assert [(p.line, p.key) for p in found] == [
            (14, "store.url"),
            (4, "upstreams.mtn.password"),
            (9, "accounts.a.password"),
        ]
        assert "hunter2" not in str(found)
        assert "plain text" in found[0].message

    @pytest.mark.parametrize(
        ("listen", "account", "is_warned"),
        [
            ("tcp:2775", "", True),
            ("tcp:2775:interface=127.0.0.1", "", False),
            ("ssl:2776:privateKey=k:certKey=c", "", False),
            ("tcp:2775", 'ips = "192.0.2.0/24"', False),
            ("tcp:2775", "access.require_tls = true", False),
        ],
    )
    def test_binds_in_the_clear_from_anywhere(
        self, write: Write, tmp_path: Path, listen: str, account: str, is_warned: bool
    ) -> None:
        """Eight letters in the clear are all that a stranger would need."""
        (tmp_path / "pass").write_text("x")
        listens = f'"{listen}", "ssl:2777:privateKey=k:certKey=c"'
        text = LEAST.replace('"secret"', '{ file = "pass" }') + (
            f"[smpp]\nlisten = [{listens}]\n[accounts.http]\n[accounts.a]\n"
            f'{account}\npassword = {{ file = "pass" }}\n'
        )
        found = warnings(load(write(text)))
        assert [(p.line, p.key) for p in found] == [(13, "accounts.a")] * is_warned

    def test_none_for_secrets_from_elsewhere(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing to warn about."""
        monkeypatch.setenv("P", "x")
        monkeypatch.setenv("STORE", "redis://:hunter2@localhost")
        path = write(
            LEAST.replace('"secret"', '{ env = "P" }')
            + '[store]\nurl = { env = "STORE" }'
        )
        assert warnings(load(path)) == []

    def test_of_a_configuration_made_in_code(self) -> None:
        """Has no file to name."""
        config = Config(accounts={"a": Account(name="a", password=Secret("x"))})
        (warning,) = warnings(config)
        assert (warning.file, warning.line) == ("", None)


ACCOUNT = '[accounts.acme]\npassword = "x"\n'


class TestMoRoutes:
    """``[[mo_routes]]``, [upstreams.NAME.mo], [accounts.NAME.opt_out]."""

    def test_names_are_checked(self, write: Write) -> None:
        """An account or upstream that is not there is named, with its line."""
        mo = (
            '[[mo_routes]]\nname = "a"\naccount = "acne"\n'
            'match = { upstream = ["mtm"] }\n'
        )
        assert problems_of(write(LEAST + ACCOUNT + mo)) == [
            (
                "main.toml",
                12,
                "mo_routes[0].account",
                "there is no account 'acne'; did you mean \"acme\"?",
            ),
            (
                "main.toml",
                13,
                "mo_routes[0].match.upstream[0]",
                "there is no upstream 'mtm'; did you mean \"mtn\"?",
            ),
        ]

    @pytest.mark.parametrize(
        ("target", "lacking"), [("webhook", "webhook"), ("session", "password")]
    )
    def test_it_leads_where_the_account_can_take_it(
        self, write: Write, target: str, lacking: str
    ) -> None:
        """No webhook without a URL, no session without a password."""
        mo = f'[[mo_routes]]\nname = "a"\naccount = "acme"\nto = "{target}"\n'
        _, _, key, message = the_problem(write(LEAST + "[accounts.acme]\n" + mo))
        assert key == "mo_routes[0].to[0]"
        assert message == f"{target!r}, but account 'acme' has no {lacking}"

    @pytest.mark.parametrize(
        ("line", "key"),
        [
            ('match = { number = ["+4040"] }', "mo_routes[0].match.number[0]"),
            ('match = { keyword = ["two words"] }', "mo_routes[0].match.keyword[0]"),
            ('to = ["fax"]', "mo_routes[0].to[0]"),
            ('nmae = "x"', "mo_routes[0].nmae"),
        ],
    )
    def test_values_are_checked(self, write: Write, line: str, key: str) -> None:
        """What could never match, and what is not known, is an error."""
        mo = f'[[mo_routes]]\nname = "a"\naccount = "acme"\n{line}\n'
        assert the_problem(write(LEAST + ACCOUNT + mo))[2] == key

    def test_a_word_has_one_meaning(self, write: Write) -> None:
        """A stop word that is a start word, too, is refused."""
        more = '[accounts.acme.opt_out]\nstop = ["Stop", "go"]\nstart = ["GO"]\n'
        _, line, key, message = the_problem(write(LEAST + ACCOUNT + more))
        assert (line, key) == (12, "accounts.acme.opt_out.start[0]")
        assert message == "'GO' is in stop, too"


class TestCarriers:
    """What an upstream can be told about its carrier."""

    def load(self, write: Write, lines: str) -> Upstream:
        """The upstream of such further lines."""
        return load(write(UPSTREAM + lines + ROUTE)).upstreams["mtn"]

    def test_tls_as_usual(self, write: Write) -> None:
        """``tls = true``: verified, by the system's CAs; ``false``: none."""
        assert self.load(write, "tls = true\n").tls == Tls()
        assert self.load(write, "tls = false\n").tls is None

    def test_tls_with_files(self, write: Write, tmp_path: Path) -> None:
        """Which stand beside the configuration, wherever luckgw was started."""
        for name, mark in {"ca": "CERTIFICATE", "k": "RSA PRIVATE KEY"}.items():
            (tmp_path / f"{name}.pem").write_text(f"-----BEGIN {mark}-----\n")
        tls = self.load(
            write,
            "tls = { ca = 'ca.pem', name = 'a.example', certificate = 'ca.pem',"
            " key = 'k.pem' }\n",
        ).tls
        ca, key = tmp_path / "ca.pem", tmp_path / "k.pem"
        assert tls == Tls(ca=ca, name="a.example", certificate=ca, key=key)

    @pytest.mark.parametrize(
        ("lines", "key", "message"),
        [
            ("tls = 1", "tls", "must be a table"),
            ("tls = { ca = 'no.pem' }", "tls.ca", "can not be read: No such file"),
            ("tls = { ca = 'main.toml' }", "tls.ca", "holds no certificate"),
            ("tls = { name = 'a b' }", "tls.name", "must be a host's name"),
            ("tls = { verify = 'no' }", "tls.verify", "must be true or false"),
            (
                "tls = { certificate = 'good.toml' }",
                "tls.certificate",
                "needed together",
            ),
            (
                "tls = { verify = false, ca = 'good.toml' }",
                "tls.ca",
                "is not looked at with verify = false",
            ),
            ("tls = { key = 'closed.toml' }", "tls.key", "is encrypted"),
            ("answers = 7", "answers", "must be a table"),
            ("answers = { 0 = 'temporary' }", "answers", "holds 0x0"),
            ("answers = { 1 = 'later' }", "answers", "of 0x1 must be one of"),
            ("answers = { x = 'temporary' }", "answers.x", "is no code"),
            ("answers = { 1 = 2 }", "answers.1", "must be a text"),
            (
                "answers = { 10 = 'temporary', 0xA = 'throttle' }",
                "answers.0xA",
                "is there twice: 0xa is 10",
            ),
            ("interface_version = '6'", "interface_version", "must be one of"),
            ("tlvs = 'some'", "tlvs", "must be one of"),
            ("addr_ton = 7", "addr_ton", "must be from 0 to 6"),
            ("addr_npi = 2", "addr_npi", "must be one of 0, 1, 3"),
            ("outbind_listen = 'tcp:1'", "outbind_listen", "is for receivers"),
            ("outbind_system_id = 'x'", "outbind_system_id", "is only for"),
            ("outbind_password = 'x'", "outbind_password", "is only for"),
            (
                "bind = 'tx+rx'\noutbind_listen = 'tcp:1'",
                "outbind_system_id",
                "is needed",
            ),
        ],
    )
    def test_what_can_not_be(
        self, write: Write, lines: str, key: str, message: str
    ) -> None:
        """Each with its key."""
        path = write(
            UPSTREAM + lines + "\n" + ROUTE,
            good="-----BEGIN CERTIFICATE-----\n",
            closed="-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        )
        _, _, found, said = the_problem(path)
        assert found == f"upstreams.mtn.{key}"
        assert message in said

    def test_tls_is_for_tcp(self, write: Write) -> None:
        """A tls: endpoint brings its own."""
        text = UPSTREAM.replace('"tcp:', '"tls:') + "tls = true\n" + ROUTE
        _, line, key, message = the_problem(write(text))
        assert (line, key) == (5, "upstreams.mtn.tls")
        assert "not tls:" in message

    @pytest.mark.parametrize(
        ("lines", "key", "message"),
        [
            ("tls = { verify = false }\n", "tls.verify", "DANGER: nobody checks"),
            ("interface_version = '3.3'\n", "bind", "SMPP 3.3 has no transceiver"),
            ("throughput = 10\n", "window", "more than 3 s of throughput"),
        ],
    )
    def test_what_is_to_be_known(
        self, write: Write, lines: str, key: str, message: str
    ) -> None:
        """It works, and ``luckgw check`` warns."""
        path = write(UPSTREAM.replace('"secret"', '{ env = "HOME" }') + lines + ROUTE)
        [found] = warnings(load(path))
        assert (found.file, found.key) == (str(path), f"upstreams.mtn.{key}")
        assert message in found.message

    def test_an_endpoint_that_verifies_nothing(self, write: Write) -> None:
        """Twisted's ssl: takes any certificate."""
        text = UPSTREAM.replace('"tcp:', '"ssl:') + ROUTE
        assert "DANGER" in warnings(load(write(text)))[1].message

    def test_an_outbind_password_in_plain_text(self, write: Write) -> None:
        """Like any other; none at all is no secret."""
        lines = "bind = 'receiver'\noutbind_listen = 'tcp:1'\noutbind_system_id = 'x'\n"
        route = ROUTE.replace('"mtn"', '"sandbox"') + "[sandbox]\nenabled = true\n"
        for password, count in (("''", 1), ("'x'", 2)):
            text = f"{UPSTREAM}{lines}outbind_password = {password}\n{route}"
            assert len(warnings(load(write(text)))) == count


class TestReceiptRules:
    """What stands under [upstreams.NAME.receipts]."""

    def test_a_vocabulary(self, write: Write) -> None:
        """Words to states, in a table of their own or inside another."""
        more = '[upstreams.mtn.receipts]\nunmarked = "no"\nstates = { %s }\n'
        words = 'ACCEPTD = "DELIVERED", "X-1" = "UNKNOWN"'
        config = load(write(LEAST + more % words))
        assert config.upstreams["mtn"].receipts == ReceiptRules(
            states={"ACCEPTD": "DELIVERED", "X-1": "UNKNOWN"}, unmarked="no"
        )
        assert load(write(LEAST)).upstreams["mtn"].receipts == ReceiptRules()

    @pytest.mark.parametrize(
        ("states", "key", "message"),
        [
            ("{ X = 1 }", "states.X", "must be a text, not a whole number"),
            ('"X"', "states", "must be a table of texts, not a text"),
            ('{ X = "GONE" }', "states.X", "must be one of"),
            ('{ X = "ACCEPTED" }', "states.X", "must be one of"),
            ('{ "X Y" = "FAILED" }', 'states."X Y"', "is no single word"),
            ('{ "" = "FAILED" }', 'states.""', "is no single word"),
        ],
    )
    def test_a_bad_one(self, write: Write, states: str, key: str, message: str) -> None:
        """It is told by its key and line."""
        path = write(LEAST + f"[upstreams.mtn.receipts]\nstates = {states}\n")
        *place, found = the_problem(path)
        assert place == ["main.toml", 9, f"upstreams.mtn.receipts.{key}"]
        assert message in found
