"""Who calls, and what they may: the only way to declare a URL is with its scope.

Where the key may stand, and what differing keys mean, is spec/features 3.8.
"""

import enum
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
from klein import Klein

from luckgw.config.model import Account
from luckgw.domain.errors import bad_request, not_allowed, not_authenticated
from luckgw.ingress import http_params
from luckgw.ingress.http_answers import asks_json
from luckgw.ingress.http_params import Params
from luckgw.ingress.http_site import ApiRequest
from luckgw.ingress.ports import Authenticator
from luckgw.store.api_keys import ApiKey


class Scope(enum.Enum):
    """What a URL asks of its caller."""

    PUBLIC = "public"
    """Nothing. For health, and for nothing that knows a customer."""
    SEND = "send"
    STATUS = "status"
    INBOX = "inbox"


@attrs.frozen
class Call:
    """A call by somebody we know."""

    request: ApiRequest
    key: ApiKey
    account: Account
    params: Params


class Gate:
    """Turns requests into calls, or refuses them.

    ``accounts`` gives the configured account of a name.
    """

    def __init__(
        self, keys: Authenticator, accounts: Callable[[str], Account | None]
    ) -> None:
        self._keys = keys
        self._accounts = accounts

    def admit(self, request: ApiRequest, scope: Scope) -> Call:
        """The call that ``request`` is. HOT PATH.

        Raises Refusal: 401 without a good key, 403 when the key may not do this, and
        what ``http_params.read`` raises. Who calls is settled before anything that they
        sent is looked at, if the key is in the header.
        """
        presented = _bearer(request)
        key = None if presented is None else self._known(presented)
        params = http_params.read(
            request.query, request.getHeader(b"Content-Type") or b"", request.body
        )
        among = params.get("api_key")
        if key is None:
            if among is None:
                raise not_authenticated("the API key is missing")
            key = self._known(among)
            if "api_key" in params.from_query and not key.allow_query:
                raise not_authenticated("this API key may not be sent in a URL")
        elif among is not None and among != presented:
            raise not_authenticated(
                "the API key in the header and the parameter api_key differ"
            )
        account = self._accounts(key.account)
        if account is None:
            raise not_authenticated("the account of this API key is gone")
        if scope.value not in key.scopes:
            raise not_allowed(f"this API key has no right to {scope.value}")
        return Call(request, key, account, params)

    def _known(self, presented: str) -> ApiKey:
        key = self._keys.authenticate(presented)
        if key is None:
            raise not_authenticated("the API key is unknown or revoked")
        return key


def _bearer(request: ApiRequest) -> str | None:
    values = request.requestHeaders.getRawHeaders(b"Authorization")
    if not values:
        return None
    scheme, _, credentials = values[0].partition(b" ")
    if len(values) > 1 or scheme.lower() != b"bearer":
        raise not_authenticated("the Authorization header must be one of Bearer")
    return credentials.strip().decode("latin-1")


_FORMATS: Final = {"json": True, "text": False, "plain": False}

Handler = TypeVar("Handler", bound=Callable[..., Any])


def authorized_route(
    app: Klein, url: str, scope: Scope, *methods: str, always_json: bool = False
) -> Callable[[Handler], Handler]:
    """Declare ``url``, with and without a slash at its end, for exactly ``methods``.

    The decorated method of an object that has a ``gate`` gets ``self``, then a Call
    (the bare request if the scope is PUBLIC), then what the URL holds in ``<...>``. It
    gives the body of the answer, or a Deferred of it. ``always_json``: so are its
    refusals.
    """

    def declare(handler: Handler) -> Handler:
        def admitted(self: Any, request: ApiRequest, **parts: str) -> Any:
            if always_json:
                request.answers_json = True
            if scope is Scope.PUBLIC:
                return handler(self, request, **parts)
            call = self.gate.admit(request, scope)
            if not always_json:
                request.answers_json = _answers_json(call)
            return handler(self, call, **parts)

        for form in (url, url + "/"):
            name = f"{handler.__name__} {form}"
            route = app.route(
                form, endpoint=name, methods=methods, strict_slashes=False
            )
            route(admitted)
            for rule in app.url_map.iter_rules(name):
                # werkzeug lets HEAD in wherever GET may go, and GET may send a message.
                rule.methods = set(methods)
        return handler

    return declare


def _answers_json(call: Call) -> bool:
    named = call.params.get("format")
    if named is not None:
        if named not in _FORMATS:
            raise bad_request("parameter format must be json or text")
        return _FORMATS[named]
    asked = asks_json(call.request.getHeader(b"Accept") or b"")
    return call.key.json_answers if asked is None else asked
