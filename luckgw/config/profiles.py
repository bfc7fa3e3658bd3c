"""Profiles: files with the quirks of a kind of carrier, for ``profile`` of an upstream.

A profile holds keys of ``[upstreams.NAME]`` as if they stood in that table; what the
table says itself wins. The ``profiles`` folder beside the main configuration file is
looked into first, then the one that comes with luckgw.
"""

from pathlib import Path
from typing import Any, Final

from luckgw.config import rules
from luckgw.config.files import Files, read_aside
from luckgw.config.lines import KeyPath
from luckgw.config.problems import Place
from luckgw.config.structure import code_of, did_you_mean

FOLDER: Final = "profiles"
SHIPPED: Final = Path(__file__).parents[1] / FOLDER
#: What belongs to one carrier, and not to a kind of them.
_OWN_KEYS: Final = (
    "endpoint",
    "system_id",
    "password",
    "outbind_listen",
    "outbind_system_id",
    "outbind_password",
    "profile",
    "name",
)

_Read = tuple[dict[str, Any], dict[KeyPath, Place]]


def apply_profiles(files: Files, main: Path) -> None:
    """Lay the profiles under the upstreams that name one. ``main`` is the main file.

    Complains of a profile that is not there, can not be read, or holds what it must
    not.
    """
    tables = files.data.get("upstreams")
    if not isinstance(tables, dict):
        return
    known = _known(main)
    read: dict[str, _Read | None] = {}
    for name, table in tables.items():
        wanted = table.get("profile") if isinstance(table, dict) else None
        if not isinstance(wanted, str) or not wanted or rules.name(wanted):
            continue  # none, or somebody else's complaint
        path = ("upstreams", name)
        if wanted not in known:
            message = f"there is no profile {wanted!r}{did_you_mean(wanted, known)}"
            files.complain((*path, "profile"), message)
            continue
        if wanted not in read:
            asked_at = files.place_of((*path, "profile"))
            read[wanted] = read_aside(files, known[wanted], asked_at)
        if (profile := read[wanted]) is not None:
            _lay_under(files, path, table, profile)


def _known(main: Path) -> dict[str, Path]:
    """The file of each profile; one of the operator hides ours of the same name."""
    return {
        file.stem: file
        for folder in (SHIPPED, main.parent / FOLDER)
        for file in sorted(folder.glob("*.toml"))
    }


def _lay_under(
    files: Files, path: KeyPath, table: dict[str, Any], profile: _Read
) -> None:
    data, places = profile
    for inner, place in places.items():
        files.places.setdefault((*path, *inner), place)
    for key in _OWN_KEYS:
        if key in data:
            place = places[(key,)]
            message = f"{place} can not set it: it is each upstream's own"
            files.complain((*path, key), message)
    under = {key: data[key] for key in data if key not in _OWN_KEYS}
    own, theirs = table.get("answers"), under.get("answers")
    if isinstance(own, dict) and isinstance(theirs, dict):
        known = {code_of(text) for text in own}  # 0x45A is 1114
        under["answers"] = {
            text: word for text, word in theirs.items() if code_of(text) not in known
        }
    _merge(table, under)


def _merge(over: dict[str, Any], under: dict[str, Any]) -> None:
    """Take what ``over`` does not say from ``under``; tables are merged by key."""
    for key, value in under.items():
        own = over.get(key)
        if isinstance(own, dict) and isinstance(value, dict):
            _merge(own, value)
        elif isinstance(value, dict) and key not in over:
            over[key] = {}  # not the profile's own: others use it, too
            _merge(over[key], value)
        else:
            over.setdefault(key, value)
