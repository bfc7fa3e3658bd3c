"""URLs in the configuration: of the store and of customers' webhooks."""

import re
from urllib.parse import SplitResult, urlsplit

STORE_SCHEMES = ("redis", "rediss", "unix")
WEBHOOK_SCHEMES = ("http", "https")
LONGEST_WEBHOOK = 2048  # characters, spec/reliability 7.3


def check_store(url: str) -> None:
    """Raise ValueError unless this is ``embedded`` or the URL of a Redis or Valkey.

    What is raised never repeats the URL, because a password may stand in it.
    """
    if url == "embedded":
        return
    if url.startswith("sentinel://"):
        raise ValueError("sentinel:// is not supported yet; name one server")
    parts = _split(url, STORE_SCHEMES, "embedded, redis://, rediss:// or unix://")
    if parts.scheme == "unix":
        if parts.hostname or not parts.path.strip("/"):
            raise ValueError("names no socket, like unix:///run/valkey.sock")
    elif not parts.hostname:
        raise ValueError(f"names no server, like {parts.scheme}://10.0.0.5:6379/0")
    elif not re.fullmatch(r"(/[0-9]*)?", parts.path):
        raise ValueError("must end in the number of a database, like /0, or in none")


def check_webhook(url: str) -> None:
    """Raise ValueError unless events can be posted to this URL."""
    if len(url) > LONGEST_WEBHOOK:
        raise ValueError(f"must be at most {LONGEST_WEBHOOK} characters long")
    parts = _split(url, WEBHOOK_SCHEMES, "http:// or https://")
    if not parts.hostname:
        raise ValueError("names no host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or a password")


def _split(url: str, schemes: tuple[str, ...], expected: str) -> SplitResult:
    """Take a URL apart. ``urlsplit``'s own complaints would repeat parts of it."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be printable ASCII without spaces: %-encode the rest")
    if url.partition("://")[0] not in schemes:
        raise ValueError(f"must begin with {expected}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL; is something in it not %-encoded?") from None
    if port == 0:
        raise ValueError("names port 0")
    return parts
