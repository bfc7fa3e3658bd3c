"""A password that can not be printed by accident."""

import attrs


@attrs.frozen(repr=False)
class Secret:
    """A secret and where it came from; neither ``repr`` nor ``str`` shows its value."""

    _value: str
    origin: str = "plain"
    """``plain`` (it stands in the configuration), ``file``, ``env``, ``argon2`` (only
    its hash is known) or ``built in``."""

    def __repr__(self) -> str:
        return f"<Secret, {self.origin}>"

    __str__ = __repr__

    @property
    def is_hash(self) -> bool:
        """Whether ``reveal`` gives an encoded argon2 hash and not the secret itself."""
        return self.origin == "argon2"

    def reveal(self) -> str:
        """The value, for the one place that uses it."""
        return self._value
