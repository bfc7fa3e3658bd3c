"""Routes in files: what goes together, and the lists that they name."""

from pathlib import Path

import pytest

from luckgw.config.load import load
from luckgw.config.problems import ConfigError

HEAD = """\
[upstreams.mtn]
endpoint = "tcp:smsc.example.net:2775"
system_id = "luck"
password = "secret"
[upstreams.backup]
endpoint = "tcp:smsc.example.net:2776"
system_id = "luck"
password = "secret"
[[routes]]
name = "r"
"""
LINES = HEAD.count("\n")


def written(folder: Path, route: str, **lists: str) -> Path:
    """A configuration with one route, and its lists."""
    for name, text in lists.items():
        (folder / name).write_text(text)
    main = folder / "main.toml"
    main.write_text(HEAD + route)
    return main


def problems(path: Path) -> list[str]:
    """What is wrong, as it is printed, with the folder left out."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [str(each).replace(f"{path.parent}/", "") for each in caught.value.problems]


@pytest.mark.parametrize(
    ("route", "key", "message"),
    [
        ('refuse = "me"', "refuse", "must be one of destination, sender, content"),
        ('to = "mtn"\nrefuse = "content"', "refuse", "can not be used with to"),
        ('refuse = "content"\nprice = "1"', "price", "is not for a route that refuses"),
        (
            'refuse = "content"\nstrategy = "failover"',
            "strategy",
            "is not for a route that refuses",
        ),
        (
            'refuse = "content"\nrewrite = { append = "x" }',
            "rewrite",
            "is not for a route that refuses",
        ),
        (
            'to = ["mtn", "backup"]',
            "to",
            'needs strategy = "failover" (or another of failover, round_robin',
        ),
        ('prefixes = "ways"', "prefixes", 'which needs strategy = "failover"'),
        (
            'prefixes = "ways"\nstrategy = "weighted"',
            "strategy",
            "weighted needs to, not prefixes",
        ),
        ('to = "mtn"\nweights = [1]', "weights", "are only for strategy weighted or"),
        (
            'to = ["mtn", "backup"]\nstrategy = "weighted"\nweights = [1]',
            "weights",
            "must be as many as there are upstreams",
        ),
        (
            'to = ["mtn", "backup"]\nstrategy = "weighted"\nweights = [1, 0]',
            "weights",
            "must be from 1 to 1000",
        ),
        (
            'to = ["mtn", "backup"]\nstrategy = "split"\nweights = [60, 30]',
            "weights",
            "must be 100 in all, not 90",
        ),
        ('to = "mtn"\nweights = "x"', "weights", "must be a list of whole numbers"),
        ('to = "mtn"\nweights = [true]', "weights[0]", "not a boolean"),
        ('to = "mtn"\nprice = "1"\nprices = "prices"', "prices", "not be used with pr"),
        ('to = "mtn"\nprice = "0.1234567"', "price", "must be an amount like 0.012"),
        ('to = "mtn"\nprice = 0.1', "price", "must be a text, not a number"),
        (
            'to = ["mtn", "backup"]\nstrategy = "least_cost"',
            "strategy",
            "needs costs of upstream 'mtn'",
        ),
        ('to = "mtn"\nmatch = { time = "8-9" }', "match.time[0]", "must be a span"),
        ('to = "mtn"\nmatch = { days = "all" }', "match.days[0]", "must be a day"),
        ('to = "mtn"\nmatch = { dates = "x" }', "match.dates[0]", "must be a date"),
        (
            'to = "mtn"\nmatch = { time_zone = "Africa/Accra" }',
            "match.time_zone",
            "is only for time, days and dates",
        ),
        (
            'to = "mtn"\nunless = { days = "mon", time_zone = "Mars" }',
            "unless.time_zone",
            "must be a time zone like",
        ),
        (
            'to = "mtn"\nmatch = { content = ["re:(a+)+b"] }',
            "match.content[0]",
            "could take too long on some texts",
        ),
        ('to = "mtn"\nmatch = { segments = "0" }', "match.segments[0]", "a count like"),
        ('to = "mtn"\nmatch = { encoding = "x" }', "match.encoding[0]", "one of gsm7"),
        (
            'to = "mtn"\nmatch = { group = "x" }',
            "match.group[0]",
            "no account is in group 'x'",
        ),
        (
            'to = "mtn"\nunless = { account = "x" }',
            "unless.account[0]",
            "there is no account 'x'",
        ),
        (
            'to = "mtn"\nmatch = { network = "x" }',
            "match.network",
            "needs portability in [routing]",
        ),
        (
            (
                'to = "mtn"\n[routes.rewrite]\nsource_pool = ["A"]\n'
                'source = [{ prefix = "a", to = "b" }]'
            ),
            "rewrite.source_pool",
            "can not be used with source",
        ),
        (
            'to = "mtn"\nrewrite = { source_pool = ["A", ""] }',
            "rewrite.source_pool[1]",
            "must be 1 to 20 characters",
        ),
        (
            'to = "mtn"\nrewrite = { content = [{ re = "a*a*a*", to = "" }] }',
            "rewrite.content[0].re",
            "could take too long",
        ),
        (
            'to = "mtn"\nrewrite = { content = [{ re = "a", to = "\\\\1" }] }',
            "rewrite.content[0].to",
            "can not be used with re",
        ),
        (
            f'to = "mtn"\nrewrite = {{ append = "{"x" * 161}" }}',
            "rewrite.append",
            "must be at most 160 characters long",
        ),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, route: str, key: str, message: str
) -> None:
    """Is refused with its key, rather than ignored."""
    path = written(tmp_path, route, ways="44,mtn,backup\n", prices="44,1\n")
    problem, *_ = problems(path)
    assert f": routes[0].{key}: " in problem
    assert message in problem


class TestLists:
    """Files beside the one that names them."""

    def test_are_read_once_for_all_that_name_them(self, tmp_path: Path) -> None:
        """And shared."""
        more = 'to = "mtn"\nprices = "p"\n[[routes]]\nname = "s"\nto = "mtn"\n'
        path = written(tmp_path, more + 'prices = "p"\n', p="44,0.5\n")
        first, second = load(path).routes
        assert first.prices is second.prices
        assert first.prices is not None
        assert first.prices.prices == {"44": 500_000}

    def test_a_mistake_is_told_in_the_list(self, tmp_path: Path) -> None:
        """With file and line of the list, and the key that names it."""
        path = written(tmp_path, 'to = "mtn"\nprices = "p"\n', p="44,0.5\n45,x\n46,y\n")
        first, second = problems(path)
        assert first == (
            "p:2: routes[0].prices: must be an amount like 0.012 (at most 6 decimals),"
            " not 'x'"
        )
        assert second.startswith("p:3: ")

    def test_a_list_that_is_not_there(self, tmp_path: Path) -> None:
        """Is told where it is named."""
        path = written(tmp_path, 'to = "mtn"\nmatch = { destination_list = "no" }\n')
        assert problems(path) == [
            (
                f"main.toml:{LINES + 2}: routes[0].match.destination_list:"
                " no can not be read: No such file or directory"
            )
        ]

    def test_upstreams_in_a_list_have_to_be_there(self, tmp_path: Path) -> None:
        """And to be able to send."""
        path = written(tmp_path, 'prefixes = "w"\n', w="44,mtn\n45,mtm\n46,backup\n")
        assert problems(path) == [
            "w:2: routes[0].prefixes: there is no upstream 'mtm'; did you mean \"mtn\"?"
        ]
        text = path.read_text().replace("2776", '2776"\nbind = "receiver', 1)
        path.write_text(text.replace("mtm", "mtn"))
        (tmp_path / "w").write_text("44,mtn\n46,backup\n")
        (problem,) = problems(path)
        assert "upstream 'backup' can not send: it binds as receiver" in problem

    def test_all_kinds(self, tmp_path: Path) -> None:
        """Of conditions, costs and ported numbers."""
        path = written(
            tmp_path,
            'to = ["mtn", "backup"]\nstrategy = "least_cost"\n'
            'match = { destination_list = "n", sender_list = "s", content_list = "c",'
            ' network = ["voda"], group = ["g"] }\n'
            '[routing]\nportability = "m"\n[accounts.a]\ngroup = "g"\n',
            n="44*\n",
            s="Acme\n",
            c="free\n",
            m="447700900123,voda\n",
            k="44,1\n",
        )
        text = path.read_text().replace('"secret"\n', '"secret"\ncosts = "k"\n')
        path.write_text(text)
        config = load(path)
        assert config.routing.portability is not None
        assert config.upstreams["mtn"].costs is not None
        assert config == load(path)


def test_without_secrets(tmp_path: Path) -> None:
    """Who may not read them can look at all the rest."""
    path = written(tmp_path, 'to = "mtn"\n')
    text = path.read_text()
    text = text.replace('"secret"', '{ file = "none" }', 1)
    text = text.replace('"secret"', '{ env = "LUCKGW_NOT_SET" }', 1)
    path.write_text(text + '[store]\nurl = { file = "none" }\n')
    assert len(problems(path)) == 3
    config = load(path, without_secrets=True)
    assert [one.password.origin for one in config.upstreams.values()] == ["file", "env"]
    assert config.store.is_embedded
