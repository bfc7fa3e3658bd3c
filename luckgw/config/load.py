"""Files in, one frozen ``Config`` out, or every problem at once.

Nothing here is started or connected. The one thing that may be written is a missing
secret file, by the function that the caller gives for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from luckgw.config import advice, endpoints
from luckgw.config.files import Files, read_files
from luckgw.config.model import (
    Account,
    Config,
    Gateway,
    Http,
    MoRoute,
    Outboxes,
    Receipts,
    Route,
    Sandbox,
    Smpp,
    Store,
    Upstream,
    Webhooks,
)
from luckgw.config.problems import ConfigError, Place, Problem, key_text
from luckgw.config.profiles import apply_profiles
from luckgw.config.routes import Hook, Routing
from luckgw.config.secret import Secret
from luckgw.config.structure import Structure, did_you_mean

if TYPE_CHECKING:
    from luckgw.config.lines import KeyPath

Named = TypeVar("Named", Upstream, Account, Hook)
AnyRoute = TypeVar("AnyRoute", Route, MoRoute)

SANDBOX = "sandbox"
"""The name of the upstream that leads to the built-in SMSC."""
DEMO = "demo"
"""The account that a newcomer tries the gateway with."""
DEMO_PASSWORD = "demo.password"  # noqa: S105 - the name of the file that holds it
"""The one secret file that is made when it is missing, at the first start."""

_SECTIONS: dict[str, type] = {
    "gateway": Gateway,
    "store": Store,
    "http": Http,
    "smpp": Smpp,
    "sandbox": Sandbox,
    "webhooks": Webhooks,
    "routing": Routing,
    "receipts": Receipts,
    "outboxes": Outboxes,
}
_KNOWN = (
    "include",
    *_SECTIONS,
    "upstreams",
    "routes",
    "mo_routes",
    "accounts",
    "hooks",
)


def load(
    path: Path | str,
    create_missing: Callable[[Path], None] | None = None,
    *,
    without_secrets: bool = False,
) -> Config:
    """Read a configuration file and those it includes.

    ``create_missing`` is called with the path of each secret file that does not exist,
    and may create it (the demo account's password, at the first start).
    ``without_secrets``: secrets that stand in files or the environment are not read, so
    that somebody who has no right to them can look at the rest. Raises ``ConfigError``
    with all problems.
    """
    files = read_files(Path(path))
    apply_profiles(files, Path(path))
    structure = Structure(files, create_missing, without_secrets=without_secrets)
    for key in files.data:
        if key not in _KNOWN:
            files.complain((key,), f"is not known{did_you_mean(key, _KNOWN)}")
    sections: dict[str, Any] = {
        key: structure.build(section, files.data.get(key, {}), (key,))
        for key, section in _SECTIONS.items()
    }
    upstreams = _tables(structure, files, Upstream, "upstreams")
    accounts = _tables(structure, files, Account, "accounts")
    hooks = _tables(structure, files, Hook, "hooks")
    routes = _routes(structure, files, Route, "routes")
    mo_routes = _routes(structure, files, MoRoute, "mo_routes")
    if not files.data.get("routes") and files.is_complete:
        files.complain(("routes",), "at least one [[routes]] is needed")
    sandbox = sections["sandbox"]
    defined = _names(files, "upstreams")
    if sandbox is not None and sandbox.enabled and SANDBOX not in defined:
        defined.add(SANDBOX)
        try:
            upstreams[SANDBOX] = _sandbox_upstream(sandbox)
        except ValueError as error:
            message = f"{error}; or define [upstreams.{SANDBOX}]"
            files.complain(("sandbox", "listen"), message)
    if files.is_complete:  # otherwise what is referred to may stand in the rest
        known_accounts = _names(files, "accounts")
        _check_names(files, routes, defined, known_accounts)
        _check_groups(files, routes, accounts)
        _check_hooks(files, routes, _names(files, "hooks"))
        _check_mo_names(files, mo_routes, defined, known_accounts)
    _check_ways_out(files, routes, upstreams)
    _check_lists(files, routes, upstreams, sections["routing"])
    _check_mo_ways(files, mo_routes, accounts)
    _check_system_ids(files, accounts)
    if sections["smpp"] is not None:
        _check_tls(files, sections["smpp"], accounts)
    if files.problems:
        raise ConfigError(sorted(files.problems, key=files.order))
    return Config(
        **sections,
        upstreams=upstreams,
        routes=tuple(routes.values()),
        mo_routes=tuple(mo_routes.values()),
        accounts=accounts,
        hooks=hooks,
        places=files.places,
    )


def warnings(config: Config) -> list[Problem]:
    """What works but should not stay: passwords that stand in the files, or that
    are all that a stranger needs; and what there is to say of each upstream
    (luckgw.config.advice).
    """
    return [
        *_plain_passwords(config),
        *_open_accounts(config),
        *advice.of_upstreams(config),
    ]


def _open_accounts(config: Config) -> list[Problem]:
    """Accounts that may bind in the clear from anywhere (spec/reliability 7.2)."""
    is_open = any(
        not text.startswith("ssl:") and endpoints.is_open_to_others(text)
        for text in config.smpp.listen
    )
    if not is_open:
        return []
    message = "may bind in the clear from anywhere; give it ips, or access.require_tls"
    nowhere = Place("")
    return [
        Problem(place.file, place.line, key_text(path), message)
        for name, account in config.accounts.items()
        if account.password is not None
        and not account.ips
        and not account.access.require_tls
        and not account.access.certificates
        for path in [("accounts", name)]
        for place in [config.places.get((*path, "password"), nowhere)]
    ]


def _plain_passwords(config: Config) -> list[Problem]:
    found: list[KeyPath] = []
    if config.store.holds_password and not any(
        ("store", "url", form) in config.places for form in ("file", "env")
    ):
        found.append(("store", "url"))
    for section in ("upstreams", "accounts"):
        for name, table in getattr(config, section).items():
            if table.password is not None and table.password.origin == "plain":
                found.append((section, name, "password"))
    for name, upstream in config.upstreams.items():
        secret = upstream.outbind_password
        if secret.origin == "plain" and secret.reveal():
            found.append(("upstreams", name, "outbind_password"))
    message = 'stands in plain text; use { file = "..." } or { env = "NAME" }'
    nowhere = Place("")
    return [
        Problem(place.file, place.line, key_text(path), message)
        for path in found
        for place in [config.places.get(path, nowhere)]
    ]


def _tables(
    structure: Structure, files: Files, section: type[Named], key: str
) -> dict[str, Named]:
    """``[upstreams.NAME]``, ``[accounts.NAME]``: those with nothing wrong in them."""
    tables = files.data.get(key, {})
    if not isinstance(tables, dict):
        files.complain((key,), f"must be tables, one for each: [{key}.NAME]")
        return {}
    built = {
        name: structure.build(section, table, (key, name), name=name)
        for name, table in tables.items()
    }
    return {name: table for name, table in built.items() if table is not None}


def _names(files: Files, key: str) -> set[str]:
    """Of all tables, also of those with something wrong in them."""
    tables = files.data.get(key, {})
    return set(tables) if isinstance(tables, dict) else set()


def _routes(
    structure: Structure, files: Files, section: type[AnyRoute], key: str
) -> dict[int, AnyRoute]:
    """``[[routes]]`` and their like by position: those with nothing wrong in them."""
    tables = files.data.get(key, [])
    if not isinstance(tables, list):
        files.complain((key,), f"must be a list of tables: [[{key}]]")
        return {}
    _check_route_names(files, key, tables)
    built = {
        position: structure.build(section, table, (key, position))
        for position, table in enumerate(tables)
    }
    return {position: route for position, route in built.items() if route is not None}


def _check_route_names(files: Files, key: str, tables: list[object]) -> None:
    """Two routes of one name could not be told apart in an explanation."""
    first: dict[str, KeyPath] = {}
    for position, table in enumerate(tables):
        name = table.get("name") if isinstance(table, dict) else None
        if not isinstance(name, str):
            continue  # which is somebody else's complaint
        path = (key, position, "name")
        if name in first:
            place = files.place_of(first[name])
            files.complain(path, f"{name} is the name of another route, at {place}")
        first.setdefault(name, path)


def _check_names(
    files: Files, routes: dict[int, Route], upstreams: set[str], accounts: set[str]
) -> None:
    """Whatever a route names has to be there."""
    for position, route in routes.items():
        at = ("routes", position)
        if (file := route.prefixes) is not None:
            for name, line in file.lines.items():
                if name not in upstreams:
                    near = did_you_mean(name, upstreams)
                    message = f"there is no upstream {name!r}{near}"
                    inside = (*at, "prefixes")
                    files.complain_of_list(file.path, line, inside, message)
        _check_known(files, "upstream", (*at, "to"), route.to, upstreams)
        for key, match in (("match", route.match), ("unless", route.unless)):
            _check_known(
                files, "account", (*at, key, "account"), match.account, accounts
            )


def _check_mo_names(
    files: Files, routes: dict[int, MoRoute], upstreams: set[str], accounts: set[str]
) -> None:
    """The same for messages from phones."""
    for position, route in routes.items():
        at = ("mo_routes", position)
        path = (*at, "match", "upstream")
        _check_known(files, "upstream", path, route.match.upstream, upstreams)
        if route.account not in accounts:
            message = f"there is no account {route.account!r}"
            near = did_you_mean(route.account, accounts)
            files.complain((*at, "account"), message + near)


def _check_known(
    files: Files, what: str, path: "KeyPath", names: tuple[str, ...], known: set[str]
) -> None:
    for item, name in enumerate(names):
        if name not in known:
            message = f"there is no {what} {name!r}{did_you_mean(name, known)}"
            files.complain((*path, item), message)


def _check_mo_ways(
    files: Files, routes: dict[int, MoRoute], accounts: dict[str, Account]
) -> None:
    """A message from a phone can go only where the account can take it."""
    for position, route in routes.items():
        account = accounts.get(route.account)
        for item, target in enumerate(route.to if account is not None else ()):
            lacking = {
                "webhook": account is not None and account.webhook is None,
                "session": account is not None and account.password is None,
            }
            if lacking.get(target):
                key = {"webhook": "webhook", "session": "password"}[target]
                message = f"{target!r}, but account {route.account!r} has no {key}"
                files.complain(("mo_routes", position, "to", item), message)


def _check_groups(
    files: Files, routes: dict[int, Route], accounts: dict[str, Account]
) -> None:
    """A group that no account is in would never match: most likely it is misspelt."""
    known = {account.group for account in accounts.values() if account.group}
    for position, route in routes.items():
        for key, match in (("match", route.match), ("unless", route.unless)):
            for item, group in enumerate(match.group):
                if group not in known:
                    near = did_you_mean(group, known)
                    message = f"no account is in group {group!r}{near}"
                    files.complain(("routes", position, key, "group", item), message)


def _check_hooks(files: Files, routes: dict[int, Route], known: set[str]) -> None:
    """Whoever is to be asked has to be there."""
    for position, route in routes.items():
        for key, match in (("match", route.match), ("unless", route.unless)):
            for item, name in enumerate(match.hook):
                if name not in known:
                    message = f"there is no hook {name!r}{did_you_mean(name, known)}"
                    files.complain(("routes", position, key, "hook", item), message)


def _check_lists(
    files: Files,
    routes: dict[int, Route],
    upstreams: dict[str, Upstream],
    routing: Routing | None,
) -> None:
    """Whatever a route looks up has to be there."""
    for position, route in routes.items():
        at = ("routes", position)
        if route.strategy == "least_cost":
            for name in route.upstreams():
                if name in upstreams and upstreams[name].costs is None:
                    message = f"needs costs of upstream {name!r}"
                    files.complain((*at, "strategy"), message)
        for key, match in (("match", route.match), ("unless", route.unless)):
            if match.network and routing is not None and not routing.portability:
                message = "needs portability in [routing]"
                files.complain((*at, key, "network"), message)


def _check_ways_out(
    files: Files, routes: dict[int, Route], upstreams: dict[str, Upstream]
) -> None:
    """A route has to lead to where something can be sent."""
    receivers = [name for name, one in upstreams.items() if one.bind == "receiver"]
    for position, route in routes.items():
        key = "to" if route.prefixes is None else "prefixes"
        for item, name in enumerate(route.upstreams()):
            if name in receivers:
                message = f"upstream {name!r} can not send: it binds as receiver"
                files.complain(("routes", position, key, item), message)


def _check_system_ids(files: Files, accounts: dict[str, Account]) -> None:
    """A bind has to lead to one account."""
    first: dict[str, str] = {}
    for account in accounts.values():
        other = first.setdefault(account.system_id, account.name)
        if other != account.name:
            place = files.place_of(("accounts", other, "system_id"))
            message = f"{account.system_id} is the system_id of {other}, at {place}"
            files.complain(("accounts", account.name, "system_id"), message)


def _check_tls(files: Files, smpp: Smpp, accounts: dict[str, Account]) -> None:
    """What an account asks of TLS has to be there: it could never bind otherwise."""
    has_tls = bool(smpp.tls.listen)
    for name, account in accounts.items():
        at: KeyPath = ("accounts", name, "access")
        for item, certificate in enumerate(account.access.certificates):
            path = (*at, "certificates", item)
            if not has_tls:
                files.complain(path, "needs [smpp] tls.listen")
            elif certificate.startswith("subject:") and smpp.tls.client_ca is None:
                message = "needs [smpp] tls.client_ca: else anybody can bear the name"
                files.complain(path, message)
        is_over_ssl = any(text.startswith("ssl:") for text in smpp.listen)
        if account.access.require_tls and not (has_tls or is_over_ssl):
            files.complain((*at, "require_tls"), "needs [smpp] tls.listen")


def _sandbox_upstream(sandbox: Sandbox) -> Upstream:
    """The way to the built-in SMSC. Raises ValueError if there is none."""
    if not sandbox.listen:
        raise ValueError("must hold an endpoint")
    server = endpoints.parse(sandbox.listen[0], endpoints.SERVER_FIELDS)
    if server.kind not in ("tcp", "tcp6") or int(server.fields["port"]) == 0:
        raise ValueError("must begin with a tcp: endpoint that has a fixed port")
    host = server.fields.get("interface", "")
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - where it listens, not where we do
        host = "::1" if server.kind == "tcp6" or host == "::" else "127.0.0.1"
    return Upstream(
        name=SANDBOX,
        endpoint="tcp:{}:{}".format(host.replace(":", r"\:"), server.fields["port"]),
        system_id=SANDBOX,
        password=Secret(SANDBOX, "built in"),
        binds=2,
        window=200,
    )
