"""What `tamis inspect` prints."""

from typing import TYPE_CHECKING, Any

from tamis.look.words import counted, excerpt, fields, number, percent, size, table, wrapped

if TYPE_CHECKING:
    from tamis.look.inspection import Inspection

MOST_COLUMNS = 60


def inspection_lines(found: "Inspection") -> list[str]:
    """An inspection for a person, at most 100 columns wide."""
    where = f"{counted(found.rows, 'row')} in {counted(found.files, 'file')}"
    head = f"{' '.join(found.pool)}: {where} of format {found.format}, {size(found.bytes)}"
    lines = wrapped(head, "", "  ")
    lines += [line for note in found.notes for line in wrapped(note, "  ", "  ")]
    for block in (_columns(found), _text(found), *(_table(found, role) for role in found.tables), _suspicions(found)):
        if block:
            lines += ["", *block]
    return [*lines, "", "what you can run next", f"  {found.command}"]


def _columns(found: "Inspection") -> list[str]:
    rows = []
    for column in found.columns[:MOST_COLUMNS]:
        role = f"{column['role']} ({column['how']})" if column.get("role") else ""
        nulls = "-" if column["nulls"] is None else f"{column['nulls']:,}"
        rows.append((excerpt(column["name"], 30), column["type"], nulls, role, *_range(column)))
    lines = ["columns", *table(("name", "type", "nulls", "role", "smallest", "median", "largest"), rows)]
    if len(found.columns) > MOST_COLUMNS:
        lines.append(f"  and {len(found.columns) - MOST_COLUMNS:,} further columns (--json has them all)")
    if found.sample < found.rows:
        lines += wrapped(f"medians and quantiles are of {found.sample:,} rows, chosen by a hash", "  ", "  ")
    return lines


def _range(column: dict[str, Any]) -> tuple[str, str, str]:
    """Smallest, median and largest number; of texts the median and the largest length."""
    if "smallest" in column:
        return number(column["smallest"]), number(column["median"]), number(column["largest"])
    if column["type"] == "text" and "longest" in column:
        median = "-" if column["median_length"] is None else counted(round(column["median_length"]), "char")
        return "", median, counted(column["longest"], "char")
    return "", "", ""


def _text(found: "Inspection") -> list[str]:
    if found.text is None:
        return []
    text = found.text
    many = {name: number(None if value is None else round(value)) for name, value in text["characters"].items()}
    quantiles = (
        f"shortest {many['shortest']}, a quarter up to {many['quarter']}, half up to {many['median']}, 90% up to "
        f"{many['ninety_percent']}, longest {many['longest']}"
    )
    scripts = ", ".join(f"{name} {percent(share, 1)}" for name, share in text["scripts"].items()) or "no letters"
    of = "all texts" if text["scripts_of"] == found.rows - text["empty"] else f"{text['scripts_of']:,} texts"
    copies = f"{counted(text['duplicates'], 'row has', 'rows have')} the very text of an earlier one"
    rows = [
        ("characters", quantiles),
        ("empty", f"{counted(text['empty'], 'row has', 'rows have')} no text"),
        ("letters", f"{scripts} (by script, not by language; of {of})"),
        ("duplicates", f"{copies} ({percent(text['duplicates'], found.rows)})"),
    ]
    return [f"text (column {text['column']!r})", *fields(rows)]


def _table(found: "Inspection", role: str) -> list[str]:
    one = found.tables[role]
    if not one["top"]:
        return [f"{role} (column {one['column']!r}): more than 1,000 values"]
    rows = [
        (excerpt(str(entry["value"]), 40), f"{entry['rows']:,}", percent(entry["rows"], found.rows))
        for entry in one["top"]
    ]
    lines = [
        f"{role} (column {one['column']!r}): {counted(one['values'], 'value')}",
        *table((role, "rows", "share"), rows),
    ]
    more = one["values"] - len(one["top"])
    return [*lines, f"  and {more:,} further values"] if more > 0 else lines


def _suspicions(found: "Inspection") -> list[str]:
    if not found.suspicions:
        return ["nothing looks suspicious"]
    return ["worth a look", *(line for one in found.suspicions for line in wrapped(one.said, "  - ", "    "))]
