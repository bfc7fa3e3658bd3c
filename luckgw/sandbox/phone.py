"""What the sandbox brings from a phone: bodies of deliver_sm and data_sm. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from luckgw.domain.address import ton_npi
from luckgw.text.alphabets import choose
from luckgw.text.segments import Form, cut
from luckgw.wire.pdus import encode_data_sm, encode_sm
from luckgw.wire.protocol import Tag

FORMS: Final = (*(form.value for form in Form), "data_sm")
_UDHI: Final = 0x40


class DataSm(bytes):
    """The body of a data_sm, where all others are deliver_sm."""

    __slots__ = ()


def _one_of_forms(_record: object, _attribute: object, value: str) -> None:
    if value not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}; not {value!r}")


@attrs.frozen
class PhoneText:
    """What a phone sends. Raises ValueError for what it can not be."""

    phone: str = attrs.field(validator=attrs.validators.max_len(20))
    """Who writes: digits."""
    number: str = attrs.field(validator=attrs.validators.max_len(20))
    """To whom."""
    text: str = attrs.field(validator=attrs.validators.min_len(1))
    form: str = attrs.field(default="udh8", validator=_one_of_forms)
    """How parts are told from each other; ``data_sm``: one PDU, of that kind."""
    reference: int = 1
    """Of a long text, 0-65535."""
    parts: tuple[int, ...] = attrs.field(default=(), converter=tuple)
    """Which parts are sent, from 1, in this order; empty: all of them."""

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "PhoneText":
        """Raises ValueError."""
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def bodies(self) -> Sequence[bytes]:
        """What the carrier sends. Raises Refusal or ValueError."""
        encoding = choose(self.text)
        form = Form.PAYLOAD if self.form == "data_sm" else Form(self.form)
        pieces = cut(self.text, encoding, form, self.reference)
        source_ton, source_npi = ton_npi(self.phone)
        dest_ton, dest_npi = ton_npi(self.number)
        addresses: dict[str, Any] = {
            "source_addr_ton": source_ton,
            "source_addr_npi": source_npi,
            "source_addr": self.phone.removeprefix("+").encode("ascii"),
            "dest_addr_ton": dest_ton,
            "dest_addr_npi": dest_npi,
            "destination_addr": self.number.removeprefix("+").encode("ascii"),
            "data_coding": encoding.data_coding,
        }
        if self.form == "data_sm":
            (piece,) = pieces
            payload = piece.short_message or (piece.tlvs or {})[Tag.MESSAGE_PAYLOAD]
            tlvs = {int(Tag.MESSAGE_PAYLOAD): payload}
            return [DataSm(encode_data_sm(**addresses, tlvs=tlvs))]
        bodies = [
            encode_sm(
                **addresses,
                esm_class=_UDHI if piece.udhi else 0,
                short_message=piece.short_message,
                tlvs=piece.tlvs,
            )
            for piece in pieces
        ]
        if not self.parts:
            return bodies
        if not all(1 <= number <= len(bodies) for number in self.parts):
            raise ValueError(f"the text has {len(bodies)} parts")
        return [bodies[number - 1] for number in self.parts]
