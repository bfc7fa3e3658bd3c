"""What goes over the wire when somebody binds: how long a password may be."""

import re

from luckgw.config import rules
from luckgw.config.secret import Secret

SMPP_PASSWORD_OCTETS = 64
"""SMPP v3.4 has 8 (4.1.1); peers give out longer ones, and nothing is ever cut off."""

_ARGON2 = re.compile(
    r"\$argon2(id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+"
    r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)


def smpp_password(least: int) -> rules.Rule:
    """A password for a bind: it goes over the wire as a C-octet string."""

    def rule(secret: Secret | None) -> str | None:
        if secret is None:
            return None
        if secret.is_hash:
            hashed = _ARGON2.fullmatch(secret.reveal())
            return None if hashed else "is not an argon2 hash like $argon2id$v=19$..."
        length = len(secret.reveal().encode())
        if "\0" in secret.reveal() or not least <= length <= SMPP_PASSWORD_OCTETS:
            return f"must be {least} to {SMPP_PASSWORD_OCTETS} octets without NUL"
        return None

    return rule
