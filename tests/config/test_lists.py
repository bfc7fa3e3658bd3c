"""Lists in files are read whole, or refused with the line."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.lists import (
    MOST_TOLD,
    ListError,
    NumberList,
    PatternList,
    PortedNumbers,
    PrefixRoutes,
    PriceList,
    WordList,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the list is."""
    return tmp_path / "list"


def test_prices(file: Path) -> None:
    """Header, remarks, empty lines, more columns and an order mark are no trouble."""
    file.write_text(
        "\ufeffprefix,price,name\n\n# Ghana\n233,0.02,Ghana\n"
        ' 23324 , 0.0125\n"44",1\n*,2\n'
    )
    expected = {"233": 20_000, "23324": 12_500, "44": 1_000_000, "": 2_000_000}
    assert PriceList.read(file).prices == expected


def test_ways(file: Path) -> None:
    """Names in order; the first line of each name is known."""
    file.write_text("prefix,upstream\n233,a,b\n44,b\n49, a , b\n")
    read = PrefixRoutes.read(file)
    assert read.ways == {"233": ("a", "b"), "44": ("b",), "49": ("a", "b")}
    assert read.lines == {"a": 2, "b": 2}


def test_numbers(file: Path) -> None:
    """Whole ones and prefixes."""
    file.write_text("number\n233241234567\n233501234567\n23326*\n*\n")
    read = NumberList.read(file)
    assert read.holds("233241234567")
    assert not read.holds("233241234568")
    assert not read.holds("999999999999999")
    assert read.prefixes == {"23326", ""}


def test_a_number_and_a_prefix_of_the_same_digits(file: Path) -> None:
    """Are two things."""
    file.write_text("233241234567\n233241234567*\n")
    read = NumberList.read(file)
    assert len(read.numbers) == 1
    assert read.prefixes == {"233241234567"}


def test_patterns_and_words(file: Path) -> None:
    """One a line, as they stand."""
    file.write_text("# these\nAcme, Inc\n\n re:A[0-9]+ \n")
    assert PatternList.read(file).entries == ("Acme, Inc", "re:A[0-9]+")
    assert WordList.read(file).entries == ("Acme, Inc", "re:A[0-9]+")


def test_ported_numbers(file: Path) -> None:
    """The network of each."""
    file.write_text("number,network\n233241234567,voda\n233241234500,mtn\n")
    read = PortedNumbers.read(file)
    assert read.network_of("233241234567") == "voda"
    assert read.network_of("233241234500") == "mtn"
    assert read.network_of("233241234501") is None


@given(st.dictionaries(st.integers(100, 10**15 - 1), st.sampled_from("abc")))
def test_every_ported_number_is_found(
    tmp_path_factory: pytest.TempPathFactory, networks: dict[int, str]
) -> None:
    """And no other one."""
    file = tmp_path_factory.mktemp("ported") / "list"
    file.write_text("".join(f"{number},{name}\n" for number, name in networks.items()))
    read = PortedNumbers.read(file)
    for number in {*networks, *(n + 1 for n in networks)}:
        assert read.network_of(str(number)) == networks.get(number)


@pytest.mark.parametrize(
    ("kind", "text", "line", "message"),
    [
        (PriceList, "233\n", 1, "must be prefix,price"),
        (PriceList, "233,0.01\n44,cheap\n", 2, "must be an amount"),
        (PriceList, "233,0.01\n44,1e-3\n", 2, "must be an amount"),
        (PriceList, "+233,1\n", 1, "prefix must be the first"),
        (PriceList, "prefix,price\n044,1\n", 2, "prefix must be the first"),
        (PriceList, "44,1\n\n44,2\n", 3, "44 is there already, on line 1"),
        (PriceList, "44,1\nprefix,price\n", 2, "prefix must be the first"),
        (PriceList, '44,"1\n', 1, "unexpected end of data"),
        (PrefixRoutes, "44\n", 1, "must be prefix,upstream"),
        (PrefixRoutes, "44,a b\n", 1, "upstream must be 1 to 32 letters"),
        (PrefixRoutes, "44,a,a\n", 1, "upstream names 'a' twice"),
        (NumberList, "12\n", 1, "must be an international number"),
        (NumberList, "4420*\n4420*\n", 2, "4420* is there already"),
        (PortedNumbers, "233241234567\n", 1, "must be number,network"),
        (PortedNumbers, "233241234567,a b\n", 1, "network must be 1 to 32"),
        (PortedNumbers, "x,a\n", 1, "must be an international number"),
        (PatternList, "Acme\nre:(\n", 2, "is not a regular expression"),
        (WordList, "free\nre:(a+)+b\n", 2, "could take too long"),
    ],
)
def test_a_mistake_is_told_by_line(
    file: Path, kind: Any, text: str, line: int, message: str
) -> None:
    """And nothing of the list is used."""
    file.write_text(text)
    with pytest.raises(ListError) as caught:
        kind.read(file)
    ((at, what),) = caught.value.faults
    assert at == line
    assert message in what


def test_all_mistakes_are_told_up_to_a_number(file: Path) -> None:
    """A file of another kind does not fill the screen."""
    file.write_text("x,1\n" * 100)
    with pytest.raises(ListError) as caught:
        PriceList.read(file)
    *told, (line, more) = caught.value.faults
    assert [at for at, _ in told] == list(range(1, MOST_TOLD + 1))
    assert (line, more) == (None, f"and {100 - MOST_TOLD} problems more")


def test_a_file_that_can_not_be_read(file: Path) -> None:
    """Not there, a folder, not UTF-8."""
    with pytest.raises(ListError) as caught:
        PriceList.read(file)
    ((line, message),) = caught.value.faults
    assert (line, message) == (None, "can not be read: No such file or directory")
    with pytest.raises(ListError):
        WordList.read(file.parent)
    file.write_bytes(b"44,1\n49,\xff\n")
    with pytest.raises(ListError) as caught:
        PriceList.read(file)
    assert caught.value.faults == ((2, "is not UTF-8"),)


def test_too_many_networks(file: Path) -> None:
    """More than two octets can number are a mistake."""
    file.write_text("".join(f"{10_000 + n},n{n}\n" for n in range(65_536)))
    with pytest.raises(ListError) as caught:
        PortedNumbers.read(file)
    assert caught.value.faults == ((65_536, "names more networks than there are"),)


def test_too_large_a_file(file: Path) -> None:
    """It would take the machine's memory."""
    with file.open("wb") as written:
        written.truncate((1 << 30) + 1)
    with pytest.raises(ListError, match="larger than 1 GiB"):
        PriceList.read(file)
