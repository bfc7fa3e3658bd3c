"""How the ``luckgw`` command shows things to people. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be, two spaces apart."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def moment(milliseconds: int | None) -> str:
    """A time since the epoch, UTC, to the minute; ``-`` for none."""
    if milliseconds is None:
        return "-"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")


def report(facts: Mapping[str, Any], indent: str = "") -> str:
    """Facts of any depth, one a line, what belongs together indented."""
    width = max((len(name) for name in facts), default=0)
    lines = []
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{name}", report(value, indent + "  ")]
        elif isinstance(value, list) and value:
            lines.append(f"{indent}{name}")
            lines += [f"{indent}  {_inline(item)}" for item in value]
        else:
            lines.append(f"{indent}{name.ljust(width)}  {_inline(value)}")
    return "\n".join(lines)


def _inline(value: Any) -> str:
    if value is None or value in ([], {}, ""):
        return "-"
    if isinstance(value, Mapping):
        return "  ".join(f"{name} {_inline(inner)}" for name, inner in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
