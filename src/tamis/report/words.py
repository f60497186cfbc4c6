"""Numbers and texts as a page shows them: pure functions from values to short strings."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


_SMALL_IMAGE = re.compile("data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]{1,16000}={0,2}")


def harmless(text: str) -> str:
    """Text in which controls, bidirectional overrides and invisible characters are spelled out.

    Tabs, line feeds and the joiners that scripts need stay; the rest cannot reorder or hide what a reader sees.

    Examples:
        >>> harmless("a\\x00b\\u202ec")
        'a[U+0000]b[U+202E]c'
    """
    return _HIDDEN.sub(lambda m: f"[U+{ord(m[0]):04X}]", text.replace("\r\n", "\n"))


def plural(number: float, one: str, many: str = "") -> str:
    """The noun that goes with a number: ``plural(1, "row")`` is "row"."""
    return one if number == 1 else many or one + "s"


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = str(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def listing(words: Sequence[str]) -> str:
    """Words joined the way a sentence does: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def amount(value: float | None, digits: int = 3) -> str:
    """A number with thousands separators: whole as it is, else to so many significant digits.

    Examples:
        >>> amount(346192), amount(-0.01234), amount(5200.13), amount(2.0e-9)
        ('346,192', '−0.0123', '5,200', '2.00e−9')
    """
    if value is None:
        return "none"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = math.floor(math.log10(abs(value))) if value else 0
    if size >= 15 or size < -5:
        text = re.sub(r"e([+-])0*", r"e\1", f"{value:.{digits - 1}e}").replace("e+", "e")
    elif float(value).is_integer():
        text = f"{int(value):,}"
    else:
        text = f"{value:,.{max(0, digits - 1 - size)}f}"
    return text.replace("-", "−")


def tick(value: float) -> str:
    """A number on an axis: `amount` without the zeros behind the point."""
    text = amount(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def share(part: float | None) -> str:
    """A fraction as a percentage whose precision follows its size; only an exact 0 or 1 shows as 0% or 100%.

    Examples:
        >>> share(0.014443), share(0.5), share(0.00001), share(1), share(0.99999)
        ('1.4%', '50%', '<0.01%', '100%', '>99.99%')
    """
    if part is None or not math.isfinite(part):
        return "none"
    percent = 100 * part
    if 0 < percent < 0.01:
        return "<0.01%"
    if 99.99 < percent < 100:
        return ">99.99%"
    edge = min(abs(percent), abs(100 - percent))
    text = f"{percent:.{2 if edge < 0.1 else 1}f}"
    return (text.rstrip("0").rstrip(".") + "%").replace("-", "−")


def duration(seconds: float | None) -> str:
    """Seconds in the unit a person would say: "12 ms", "3.1 s", "2 min 5 s", "3 h 20 min"."""
    if seconds is None:
        return "none"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 119.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60:,} h {minutes % 60} min"


def size(count: float | None) -> str:
    """Bytes in powers of 1000: "55.9 MB"."""
    if count is None:
        return "none"
    power = min(4, int(math.log10(count) // 3)) if count >= 1 else 0
    return (
        f"{count:,.0f} bytes" if not power else f"{amount(count / 1000**power)} {['', 'kB', 'MB', 'GB', 'TB'][power]}"
    )


def day(stamp: str | None) -> str:
    """An ISO 8601 time as "1 January 2026, 09:30 UTC"; anything else unchanged."""
    try:
        time = datetime.fromisoformat(stamp or "")
    except ValueError:
        return stamp or ""
    time = time.astimezone(UTC) if time.tzinfo else time
    return f"{time.day} {time:%B %Y, %H:%M}{' UTC' if time.tzinfo else ''}"


def label(value: Any, limit: int = 80) -> Markup:
    """A name or id of the pool as isolated, escaped HTML, cut to `limit` characters and saying so."""
    if value is None or value == "":
        return Markup('<i class="none">{}</i>').format("none" if value is None else "empty")
    text = harmless(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
    shown = Markup("<bdi>{}</bdi>").format(text[:limit])
    return shown + _left_out(len(text) - limit) if len(text) > limit else shown


def excerpt(text: str, length: int | None = None, limit: int = 420, lines: int = 10) -> tuple[str, int]:
    """The beginning of a text and how many characters of it are not shown.

    `length` is the length of the whole text where `text` is already a beginning.
    """
    shown = text[:limit]
    if len(text) > limit and (space := shown.rfind(" ", limit - 40)) > 0:
        shown = shown[:space]
    shown = "\n".join(shown.split("\n")[:lines])
    cut = max(length or 0, len(text)) - len(shown)
    return shown, cut


def thumb(value: str | None, name: str) -> Markup:
    """A small image as HTML if the value is a `data:` URL of PNG or JPEG, else the value as a note."""
    if not value:
        return Markup("")
    if not _SMALL_IMAGE.fullmatch(value):
        return Markup('<p class="note">Its image cannot be shown: {}</p>').format(label(value, 300))
    return Markup('<img class="thumb" alt="{}" src="{}" width="96" height="96"/>').format(harmless(name), value)


def command(line: str) -> Markup:
    """A command whose options stay together where the line wraps; copied, it is the same text."""
    return Markup(" ").join(Markup("<span>{}</span>").format(part) for part in re.split(r" (?=--?\w)", harmless(line)))


def _left_out(count: int) -> Markup:
    return Markup(' <span class="cut">… {} more {}</span>').format(amount(count), plural(count, "character"))


def raw(value: Any) -> str:
    """What a `data-value` attribute holds: a plain number, or numbers separated by spaces."""
    if isinstance(value, list | tuple):
        return " ".join(raw(v) for v in value)
    if isinstance(value, str):
        return value
    return repr(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def hook(name: str, value: Any, shown: str) -> Markup:
    """A shown number with the name and value by which a program finds it."""
    return Markup('<span class="n" data-name="{}" data-value="{}">{}</span>').format(name, raw(value), escape(shown))
