"""Numbers, tables and excerpts for a person at a terminal, at most 100 columns wide."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

WIDTH = 100


def number(value: float | None) -> str:
    """A number in few digits.

    Examples:
        >>> number(1234567.0), number(0.123456789), number(None)
        ('1,234,567', '0.123457', '-')
    """
    if value is None:
        return "-"
    whole = float(value).is_integer() and abs(value) < 1e15
    return f"{int(value):,}" if whole else f"{value:.6g}"


def percent(part: float, whole: float) -> str:
    """A share as per cent, with more digits where it is small.

    Examples:
        >>> percent(1, 3), percent(1, 10_000), percent(0, 5)
        ('33.3%', '0.01%', '0%')
    """
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f}%" if share >= 0.1 else f"{share:.2g}%"


def size(count: int) -> str:
    """Bytes in a unit that a person reads.

    Examples:
        >>> size(512), size(2_500_000)
        ('512 bytes', '2.5 MB')
    """
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    Examples:
        >>> counted(1, "row"), counted(2000, "row"), counted(0, "row has", "rows have")
        ('1 row', '2,000 rows', '0 rows have')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def excerpt(text: str, width: int = 300) -> str:
    """The beginning of a text on one line; control characters become spaces.

    Examples:
        >>> excerpt("two\\nlines   and more", 12)
        'two lines …'
    """
    flat = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * width]).split())
    return flat if len(flat) <= width and len(text) <= 4 * width else flat[: width - 2].rstrip() + " …"


def fields(rows: Iterable[tuple[str, str]], indent: int = 2) -> list[str]:
    """Lines `name  value` with the values in one column, wrapped to the width."""
    rows = list(rows)
    first = indent + max((len(name) for name, _ in rows), default=0) + 2
    found: list[str] = []
    for name, value in rows:
        head = f"{' ' * indent}{name}".ljust(first)
        found += wrapped(value, head, " " * first)
    return found


def wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """A paragraph in lines of at most 100 columns."""
    lines = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return lines or [first.rstrip()]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], indent: int = 2) -> list[str]:
    """Aligned columns, the first one to the left, numbers to the right; long cells are cut so that a line fits.

    Examples:
        >>> table(("group", "rows"), [("law", "12"), ("medicine", "3")])
        ['  group     rows', '  law         12', '  medicine     3']
    """
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    over = indent + sum(widths) + 2 * (len(widths) - 1) - WIDTH
    if over > 0:
        longest = widths.index(max(widths))
        widths[longest] = max(8, widths[longest] - over)
    left = [all(not _numeric(row[i]) for row in cells[1:]) for i in range(len(head))]
    found = []
    for row in cells:
        cut = [cell if len(cell) <= width else cell[: width - 1] + "…" for cell, width in zip(row, widths, strict=True)]
        placed = [
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(cut, widths, left, strict=True)
        ]
        found.append((" " * indent + "  ".join(placed)).rstrip())
    return found


def _numeric(cell: str) -> bool:
    return bool(cell) and (cell[0].isdigit() or (cell[0] in "-+." and (len(cell) == 1 or cell[1].isdigit())))
