"""One gateway among foreign carriers and foreign partners, each a process of its own.

Every carrier is an upstream, and the first digits of a number lead to it. A carrier's
manner is how it treats ids and receipts:

``text``       an id with letters, the same in the receipt; text and TLVs
``hex-dec``    hexadecimal in submit_sm_resp, decimal with zeros in front in the receipt
``dec-hex``    the other way round, in the other letter case
``early``      the receipt comes before the submit_sm_resp
``text-only``  receipts without TLVs
``tlv-only``   receipts without text
``class-0``    receipts whose esm_class does not say so
``data-sm``    receipts come in data_sm
``sar``, ``payload``, ``udh16``  how the carrier wants long texts

The last digits of a number say how the carrier answers: 0011 with ESME_RINVDSTADR, 0088
with ESME_RTHROTTLED the first time.
"""

import itertools
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import requests

from luckgw.text import gsm7
from tests.interop.foreign import WITHIN_S, Event, Foreign
from tests.interop.stacks import CARRIERS, STACKS, Stack
from tests.journeys.house import House, free_port, until

IDS_AND_RECEIPTS: Final = (
    *("text", "hex-dec", "dec-hex", "early"),
    *("text-only", "tlv-only", "class-0", "data-sm"),
)
TEXT_FORMS: Final = ("sar", "payload", "udh16")
MANNERS: Final = (*IDS_AND_RECEIPTS, *TEXT_FORMS)
IDS: Final = {"hex-dec": ("hex", "dec"), "dec-hex": ("dec", "hex")}
"""resp_id and dlr_id of an upstream, where they are not text."""
NOWHERE: Final = "2337"
"""What numbers begin with whose carrier is not there."""
PASSWORD: Final = "secret"
SOURCE: Final = "LuckCreators"
UCS2: Final = 8

_ACCOUNT: Final = """
[accounts.{name}]
password = "{password}"
senders = ["LuckCreators", "re:[0-9]+"]
"""
_MO_ROUTE: Final = """
[[mo_routes]]
name = "{name}"
account = "{name}"
match = {{ number = ["{number}"] }}
to = ["session"]
"""
_UPSTREAM: Final = """
[upstreams.{name}]
endpoint = "{endpoint}"
system_id = "sandbox"
password = {{ file = "carrier.password" }}
{more}
[[routes]]
name = "{name}"
match = {{ prefix = ["{prefix}"] }}
to = ["{name}"]
"""


class Office:
    """A foreign carrier, and the way to it."""

    def __init__(self, stack: Stack, manner: str, prefix: str, *files: Path) -> None:
        self.stack = stack
        self.manner = manner
        self.port = free_port()
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._files = files
        self.carrier = Foreign(stack, "carrier", self.port, manner, *files)

    @property
    def name(self) -> str:
        """Of the upstream."""
        return f"{self.stack.name}-{self.manner}{'-tls' if self._files else ''}"

    def config(self, endpoint: str = "", more: str = "") -> str:
        """Its tables."""
        if self.manner in TEXT_FORMS:
            more += f'text.form = "{self.manner}"\n'
        if self.manner == "class-0":
            more += 'receipts.unmarked = "by-text"\n'
        resp_id, dlr_id = IDS.get(self.manner, ("text", "text"))
        return _UPSTREAM.format(
            name=self.name,
            endpoint=endpoint or f"tcp:127.0.0.1:{self.port}",
            prefix=self._prefix,
            more=f'resp_id = "{resp_id}"\ndlr_id = "{dlr_id}"\n{more}',
        )

    def number(self, ending: str = "7") -> str:
        """A number that nobody has yet and that leads here."""
        return f"{self._prefix}{next(self._numbers):0{8 - len(ending)}d}{ending}"

    def received(self, to: str, parts: int = 1) -> list[Event]:
        """The segments that came for a number, in the order of the text."""
        came = self.carrier.wait("submit", parts, to=to, status=0)
        return sorted(came, key=lambda each: each["part"][2] if each["part"] else 0)

    def from_phone(
        self,
        to: str,
        octets: bytes,
        data_coding: int = 0,
        *,
        esm_class: int = 0,
        source: str = "",
    ) -> str:
        """Let the carrier bring a message from a phone; gives the phone's number."""
        source = source or self.number()
        answer = self.carrier.ask(
            "deliver",
            "delivered",
            source=source,
            to=to,
            octets=octets.hex(),
            data_coding=data_coding,
            esm_class=esm_class,
        )
        assert answer["status"] == 0
        return source

    def read(self, to: str, parts: int = 1) -> str:
        """The text that came for a number."""
        came = self.received(to, parts)
        if came[0]["form"] in {"udh", "sar"}:
            assert [each["part"][2] for each in came] == list(range(1, parts + 1))
            assert {each["part"][1] for each in came} == {parts}
        return decoded(came)


def decoded(events: list[Event]) -> str:
    """Their text: read by the stack, where it can, or else here from the octets."""
    if "text" in events[0]:
        return "".join(each["text"] for each in events)
    octets = b"".join(bytes.fromhex(each["octets"]) for each in events)
    if events[0]["data_coding"] == UCS2:
        return octets.decode("utf-16-be")
    return gsm7.decode(octets)


def town_number(stack: Stack) -> str:
    """The number to which phones write when they mean the account of this stack."""
    return f"1{STACKS.index(stack) + 1:03d}"


class Town:
    """The gateway and the carriers it is bound to."""

    def __init__(self, directory: Path) -> None:
        self.house = House(directory)
        self.tls_port = free_port()
        self._keys: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.ca, self.key, self.cert = certificates(directory)
        prefixes = (f"2335{number:02d}" for number in itertools.count())
        self.offices: dict[str, Office] = {}
        for stack in CARRIERS:
            if not (stack.is_wanted and stack.version()):
                continue  # its own tests say so
            for manner in MANNERS:
                if manner not in stack.lacks:
                    self._open(Office(stack, manner, next(prefixes)))
            if "tls carrier" not in stack.lacks:
                files = (self.key, self.cert)
                self._open(Office(stack, "text", next(prefixes), *files))
        self._configure()

    def _open(self, office: Office) -> None:
        self.offices[office.name] = office

    def _configure(self) -> None:
        """More upstreams and routes in front, more accounts behind, and a TLS port."""
        upstreams = _UPSTREAM.format(
            name="nowhere",
            endpoint=f"tcp:127.0.0.1:{free_port()}",
            prefix=NOWHERE,
            more="",
        )
        for name, office in self.offices.items():
            if not name.endswith("-tls"):
                upstreams += office.config()
            else:
                endpoint = f"tcp:localhost:{office.port}"
                upstreams += office.config(endpoint, f'tls = {{ ca = "{self.ca}" }}')
        accounts = "".join(
            _ACCOUNT.format(name=stack.name, password=PASSWORD)
            + _MO_ROUTE.format(name=stack.name, number=town_number(stack))
            for stack in STACKS
        )
        text = self.house.config.read_text()
        text = text.replace("[[routes]]", f"{upstreams}[[routes]]", 1)
        tls = f"ssl:{self.tls_port}:interface=127.0.0.1"
        tls = f'"{tls}:privateKey={self.key}:certKey={self.cert}"'
        text = re.sub(r"(\[smpp\]\nlisten = \[.*)\]", rf"\1, {tls}]", text)
        self.house.config.write_text(text + accounts)

    def start(self) -> None:
        """Start everything, and wait until every carrier has its bind."""
        self.house.carrier.start()
        for office in self.offices.values():
            office.carrier.wait("listening")
        self.house.start()
        for office in self.offices.values():
            office.carrier.wait("bound")

    def close(self) -> None:
        """Leave no process behind."""
        try:
            self.house.close()
        finally:
            for office in self.offices.values():
                office.carrier.close()

    def nowhere(self) -> str:
        """A number whose carrier is not there."""
        return f"{NOWHERE}{next(self._numbers):08d}"

    def office(self, manner: str = "text") -> Office:
        """Any foreign carrier of this manner."""
        fit = [each for each in self.offices.values() if each.manner == manner]
        assert fit, "no foreign carrier is installed"
        return fit[0]

    def wait_delivered(self, stack: Stack, message_id: str) -> None:
        """Wait until the status API says so to the account of this stack."""
        if stack.name not in self._keys:
            made = self.house.luckgw("key", "create", stack.name)
            self._keys[stack.name] = made.stdout.splitlines()[-1]
        url = self.house.url(f"/api/v1/status/{message_id}")
        key = {"Authorization": f"Bearer {self._keys[stack.name]}"}

        def is_delivered() -> bool:
            answer = requests.get(url, headers=key, timeout=15).json()
            return bool(answer["data"]["status"] == "DELIVERED")

        until(is_delivered, WITHIN_S, f"{message_id} is DELIVERED")

    def send(self, to: str, text: str) -> str:
        """Send over HTTP; gives the UUID."""
        return self.house.sent(to=to, content=text)


def certificates(directory: Path) -> tuple[Path, Path, Path]:
    """An authority's certificate, and a key and certificate of localhost from it."""
    ca_key, ca, key, request, cert = (
        directory / name for name in ("ca.key", "ca.pem", "key.pem", "csr", "cert.pem")
    )
    names = directory / "names"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for command in (
        ("req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-subj", "/CN=CA"),
        ("req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost"),
        (
            *("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key),
            *("-CAcreateserial", "-out", cert, "-extfile", names),
        ),
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return ca, key, cert


class Partner:
    """A foreign ESME of the account with its stack's name."""

    def __init__(self, stack: Stack, *args: Any) -> None:
        self.stack = stack
        self.foreign = Foreign(stack, "partner", *args)
        self._tags = itertools.count(1)

    def bind(self, kind: str = "transceiver", **given: str) -> int:
        """Bind; gives the status."""
        credentials = {"system_id": self.stack.name, "password": PASSWORD} | given
        bound = self.foreign.ask("bind", "bound", kind=kind, **credentials)
        status: int = bound["status"]
        return status

    def submit(
        self, to: str, text: str, form: str = "parts", parts: int = 1
    ) -> list[str]:
        """Submit a text; gives the ids of its submit_sm, in any order."""
        tag = f"{next(self._tags)}"
        given = {"tag": tag, "source": SOURCE, "to": to, "text": text, "form": form}
        self.foreign.tell("submit", **given)
        answers = self.foreign.wait("submitted", parts, tag=tag)
        assert [each["status"] for each in answers] == [0] * parts
        return [each["id"] for each in answers]

    def receipt(self, message_id: str) -> Event:
        """The receipt of a message."""
        return self.foreign.wait("deliver", id=message_id)[0]
