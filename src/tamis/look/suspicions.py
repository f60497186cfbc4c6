"""Columns that look wrong, each with one sentence that says why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tamis.look.columns import Column
from tamis.look.texts import BROKEN, MARKUP, TextSample, all_numbers
from tamis.look.words import counted, excerpt, number, percent

FAR = 100  # spreads between the middle and an extreme that is worth a look
MANY_EMPTY, MUCH_MARKUP, MUCH_BROKEN = 0.01, 0.05, 0.002
NAMES = ("id", "label", "group")
ONE_CLASS, MANY_CLASSES = 0.999, 0.5


@dataclass
class Suspicion:
    """What is wrong with a column: a short name for programs, and a sentence for people."""

    column: str
    kind: str
    said: str


def of_column(column: Column, role: str | None) -> Iterator[Suspicion]:
    """What can be seen of one column; names of things may be written as numbers."""

    def found(kind: str, said: str) -> Suspicion:
        return Suspicion(column.name, kind, f"column {column.name!r} {said}")

    if column.rows and column.nulls == column.rows:
        yield found("all-null", "has no value in any row")
        return
    if column.constant:
        value = column.smallest if column.kind == "number" else next(iter(column.values or [None]))
        shown = repr(excerpt(value, 40)) if isinstance(value, str) else number(value)
        yield found("constant", f"is {shown} in every row{' that has a value' if column.nulls else ''}")
    if column.kind == "text" and role not in NAMES and all_numbers(column.first):
        yield found("numbers-as-text", f"holds numbers stored as text, such as {excerpt(column.first[0], 30)!r}")
    if column.nan:
        yield found("nan", f"is NaN in {column.nan:,} rows: a method that needs it refuses them")
    if column.infinite:
        yield found("infinite", f"is infinite in {column.infinite:,} rows: a method that needs it refuses them")
    if role not in NAMES and (far := extreme(column)) is not None:
        middle = number(column.quantile(0.5))
        yield found("extreme", f"reaches {number(far)}, far from its median {middle} and from half of its values")


def extreme(column: Column) -> float | None:
    """The end of a column of numbers that lies more than 100 interquartile ranges from the median."""
    if column.kind not in ("integer", "number") or column.smallest is None or column.largest is None:
        return None
    low, middle, high = (float(column.quantile(share) or 0.0) for share in (0.25, 0.5, 0.75))
    ends = [end for end in (column.largest, column.smallest) if abs(end - middle) > FAR * (high - low) > 0]
    return max(ends, key=lambda end: abs(end - middle)) if ends else None


def of_text(column: Column, sample: TextSample) -> Iterator[Suspicion]:
    """What can be seen of the column of texts."""
    rows, name = max(column.rows, 1), column.name
    empty = column.empty + (column.nulls or 0)
    short = empty + column.one_character
    if short / rows > MANY_EMPTY:
        said = f"{percent(short, rows)} of the texts of column {name!r} are empty or a single character"
        yield Suspicion(name, "empty-texts", f"{said} ({empty:,} and {column.one_character:,} rows)")
    if (share := sample.share(MARKUP)) > MUCH_MARKUP:
        yield Suspicion(name, "markup", f"{percent(share, 1)} of the texts of column {name!r} hold HTML tags")
    if (share := sample.share(BROKEN)) > MUCH_BROKEN:
        said = "hold signs of a wrong encoding (U+FFFD, or 'Ã©' for 'é')"
        yield Suspicion(name, "encoding", f"{percent(share, 1)} of the texts of column {name!r} {said}")


def of_label(column: Column) -> Iterator[Suspicion]:
    """What can be seen of the column of labels."""
    known = column.rows - (column.nulls or 0)
    if column.nulls:
        said = f"label column {column.name!r} is null in {column.nulls:,} rows"
        yield Suspicion(column.name, "label-null", said)
    if column.values is not None and len(column.values) > 1:
        (value, most), classes = column.most_frequent(1)[0], len(column.values)
        if most >= ONE_CLASS * known:
            said = f"nearly all rows have the label {excerpt(str(value), 40)!r} ({percent(most, known)})"
            yield Suspicion(column.name, "one-class", said)
        elif classes > MANY_CLASSES * known and known > 10:
            said = f"label column {column.name!r} has {classes:,} values in {known:,} rows, nearly one a row"
            yield Suspicion(column.name, "many-classes", said)
    elif column.values is None:
        said = f"label column {column.name!r} has more than 1,000 values in {known:,} rows"
        yield Suspicion(column.name, "many-classes", said)


def of_ids(column: Column, repeated: int, example: str) -> Iterator[Suspicion]:
    """What can be seen of the column of ids."""
    if column.nulls:
        said = f"id column {column.name!r} is null in {column.nulls:,} rows: name another with --id, or use --id none"
        yield Suspicion(column.name, "id-null", said)
    if repeated:
        said = f"{counted(repeated, 'id')} of column {column.name!r} occurred before, such as {example}"
        yield Suspicion(column.name, "id-repeated", f"{said}: name another with --id, or use --id none")


def of_pairs(columns: Iterable[Column]) -> Iterator[Suspicion]:
    """Columns that equal another one, of columns of one type that are neither constant nor empty."""
    seen: dict[tuple[str, int], str] = {}
    for column in columns:
        if column.digest is None or column.constant or column.nulls == column.rows or column.rows < 2:
            continue
        key = (column.kind, column.digest)
        if key in seen:
            said = f"column {column.name!r} equals column {seen[key]!r} in every row"
            yield Suspicion(column.name, "equal", said)
        seen.setdefault(key, column.name)
