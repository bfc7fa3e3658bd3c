"""How the ``luckgw`` command speaks to a gateway: HTTP over its admin socket."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import attrs

ANSWER_S: Final = 10.0


class GatewayAway(Exception):
    """No gateway can be reached; the message is one sentence for the operator."""


class AdminError(Exception):
    """The gateway refused; the message is its own."""


@attrs.frozen
class AdminClient:
    """A gateway, by the path of its admin socket (luckgw/ops/admin.py)."""

    socket_path: Path

    def get(self, *path: str, **arguments: str | None) -> dict[str, Any]:
        """Read something. Raises GatewayAway or AdminError, as all methods here."""
        return self._call("GET", path, arguments)

    def post(self, *path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make something."""
        return self._call("POST", path, {}, body)

    def delete(self, *path: str, **arguments: str | None) -> dict[str, Any]:
        """Make something worthless."""
        return self._call("DELETE", path, arguments)

    def _call(
        self,
        method: str,
        path: tuple[str, ...],
        arguments: dict[str, str | None],
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        url = "".join("/" + quote(part, safe="") for part in path)
        given = {name: value for name, value in arguments.items() if value is not None}
        if given:
            url += "?" + urlencode(given)
        connection = _UnixConnection(self.socket_path)
        try:
            connection.request(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json"},
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (FileNotFoundError, ConnectionRefusedError):
            raise GatewayAway(
                f"the gateway is not running: nothing answers on {self.socket_path}"
            ) from None
        except PermissionError:
            raise GatewayAway(
                f"{self.socket_path} may not be used by this user:"
                " run luckgw as the gateway's user"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise GatewayAway(
                f"the gateway does not answer on {self.socket_path}: {error}"
            ) from None
        finally:
            connection.close()
        if response.status >= 400:  # noqa: PLR2004 - HTTP's classes
            raise AdminError(answer["error"])
        return dict(answer)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("luckgw", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket, where the base class would look up a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))
