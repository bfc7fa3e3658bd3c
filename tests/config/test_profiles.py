"""Profiles of carriers: laid under an upstream's own keys, with their own places."""

from collections.abc import Callable
from pathlib import Path

import pytest

from luckgw.config.load import load
from luckgw.config.model import Upstream
from luckgw.config.problems import ConfigError
from luckgw.config.profiles import SHIPPED

CARRIER = (
    '[upstreams.mtn]\nendpoint = "tcp:smsc.example.net:2775"\n'
    'system_id = "luck"\npassword = "secret"\n'
)
ROUTE = '[[routes]]\nname = "all"\nto = "mtn"\n'


@pytest.fixture
def mtn(tmp_path: Path) -> Callable[..., Upstream]:
    """The upstream ``mtn``, with such further lines, and such profiles beside it."""

    def mtn(lines: str, **profiles: str) -> Upstream:
        folder = tmp_path / "profiles"
        folder.mkdir(exist_ok=True)
        for name, text in profiles.items():
            (folder / f"{name}.toml").write_text(text)
        (tmp_path / "luckgw.toml").write_text(CARRIER + lines + ROUTE)
        return load(tmp_path / "luckgw.toml").upstreams["mtn"]

    return mtn


Mtn = Callable[..., Upstream]


def complaints(mtn: Mtn, lines: str, **profiles: str) -> list[str]:
    """All that is wrong, without the folder's name."""
    with pytest.raises(ConfigError) as caught:
        mtn(lines, **profiles)
    return [
        f"{Path(p.file).name}:{p.line}: {p.key}: {p.message}"
        for p in caught.value.problems
    ]


def test_its_keys_count_as_if_they_stood_there(mtn: Mtn) -> None:
    """Tables, too."""
    found = mtn(
        'profile = "odd"\n', odd='window = 7\n[answers]\n"0x45A" = "throttle"\n'
    )
    assert (found.window, found.answers) == (7, {0x45A: "throttle"})
    assert found.profile == "odd"


def test_the_upstreams_own_keys_win(mtn: Mtn) -> None:
    """Key by key, in tables as well."""
    found = mtn(
        'profile = "odd"\nwindow = 9\n[upstreams.mtn.answers]\n1114 = "temporary"\n',
        odd='window = 7\nresp_id = "hex"\n'
        '[answers]\n0x45A = "throttle"\n21 = "throttle"\n',
    )
    assert (found.window, found.resp_id) == (9, "hex")
    assert found.answers == {0x45A: "temporary", 21: "throttle"}


def test_two_upstreams_of_one_profile_share_nothing(tmp_path: Path) -> None:
    """What one adds to a table of it is not seen by the other."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/odd.toml").write_text("[answers]\n21 = 'throttle'\n")
    other = CARRIER.replace("mtn", "vodafone") + "profile = 'odd'\n"
    own = "profile = 'odd'\nanswers = { 22 = 'temporary' }\n"
    (tmp_path / "a.toml").write_text(CARRIER + own + other + ROUTE)
    upstreams = load(tmp_path / "a.toml").upstreams
    assert upstreams["mtn"].answers == {21: "throttle", 22: "temporary"}
    assert upstreams["vodafone"].answers == {21: "throttle"}


def test_a_profile_of_ones_own_hides_a_shipped_one(mtn: Mtn) -> None:
    """The folder beside the configuration is looked into first."""
    assert mtn('profile = "hex-ids"\n').resp_id == "hex"
    hidden = mtn('profile = "hex-ids"\n', **{"hex-ids": 'resp_id = "dec"\n'})
    assert hidden.resp_id == "dec"


def test_a_mistake_is_told_where_it_stands(mtn: Mtn) -> None:
    """The profile's file and line, and the key as the upstream has it."""
    assert complaints(mtn, 'profile = "odd"\n', odd="\nwindwo = 7\nwindow = 0\n") == [
        'odd.toml:2: upstreams.mtn.windwo: is not known; did you mean "window"?',
        "odd.toml:3: upstreams.mtn.window: must be from 1 to 500, not 0",
    ]


@pytest.mark.parametrize(
    "key", ["endpoint", "system_id", "password", "profile", "outbind_password", "name"]
)
def test_what_belongs_to_one_carrier_can_not_stand_in_it(mtn: Mtn, key: str) -> None:
    """A profile is for many."""
    [complaint] = complaints(mtn, 'profile = "odd"\n', odd=f'\n{key} = "x"\n')
    assert f"upstreams.mtn.{key}" in complaint
    assert "odd.toml:2 can not set it" in complaint


def test_one_that_is_not_there(mtn: Mtn) -> None:
    """The nearest that is known is proposed."""
    [complaint] = complaints(mtn, 'profile = "hexids"\n')
    assert complaint.startswith("luckgw.toml:5: upstreams.mtn.profile: there is no")
    assert complaint.endswith("""'hexids'; did you mean "hex-ids"?""")


def test_one_that_can_not_be_read(mtn: Mtn) -> None:
    """Its own line, once, however many use it."""
    [complaint] = complaints(mtn, 'profile = "odd"\n', odd="a = 1\nwindow 7\n")
    assert complaint.startswith("odd.toml:2: ")


def test_a_name_that_is_a_path(mtn: Mtn) -> None:
    """Is none: nothing outside the folders is read."""
    [complaint] = complaints(mtn, 'profile = "../secret"\n')
    assert "upstreams.mtn.profile: must be 1 to 32 letters" in complaint


def test_files_of_tls_are_beside_who_names_them(mtn: Mtn, tmp_path: Path) -> None:
    """Of a profile: beside the profile."""
    [complaint] = complaints(mtn, 'profile = "odd"\n', odd="tls = { ca = 'ca.pem' }\n")
    assert str(tmp_path / "profiles" / "ca.pem") in complaint
    assert complaint.startswith("odd.toml:1: upstreams.mtn.tls.ca: ")


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda f: f.stem)
def test_those_that_come_along_are_good(mtn: Mtn, file: Path) -> None:
    """Each changes something, and says where it knows it from."""
    found = mtn(f'profile = "{file.stem}"\n')
    plain = mtn("")
    assert found != plain
    text = file.read_text("ascii")
    assert text.startswith("# ")
    assert "# Source: " in text
