"""Parts of pages that are made from the code when the documentation is built: cards of methods, names of Python."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import tamis
from tamis import registry, testing, vocabulary
from tamis.ops.choosers import CHOOSERS, Chooser
from tamis.registry import METHODS, Method, load_all

FAMILIES = {
    "baseline": "Baselines",
    "column": "By a column",
    "coverage": "Coverage",
    "clusters": "Clusters",
    "uncertainty": "Uncertainty",
    "annotation": "What to label",
    "target": "Towards a target",
}
OPERATORS = {"__or__": "|", "__and__": "&", "__sub__": "-"}
SECTIONS = {"Args:": "Arguments", "Returns:": "Returns", "Raises:": "Raises", "Examples:": "Examples"}


def cards() -> str:
    """Every method by family, then the choosers."""
    load_all()
    methods = sorted(METHODS.entries.values(), key=lambda m: m.name)
    families = list(FAMILIES) + sorted({m.family for m in methods} - set(FAMILIES))
    parts = []
    for family in families:
        parts.append(f"## {FAMILIES.get(family, family.capitalize())}")
        parts += [card(m) for m in methods if m.family == family]
    parts += ["## Ways to choose", "`--choose NAME` replaces a method's own. All see scores and keys, none the budget."]
    parts += [chooser(CHOOSERS.entries[name]) for name in sorted(CHOOSERS.entries)]
    return "\n\n".join(parts)


def card(m: Method) -> str:
    """One method: what a reader decides by, then its docstring."""
    paper = f"*{m.paper}*, {m.year}" if m.paper else "–"
    pole = f"; high scores mean *{m.pole}*" if m.pole else ""
    found = f"[{m.status}](evidence/cards.md#{m.name})" if m.status != "unproven" else m.status
    rows = [
        ("paper", paper),
        ("needs", ", ".join(f"`{need}`" for need in m.needs)),
        ("gives", f"{m.kind}{pole}"),
        ("chooses by", f"`{m.choose}`" if m.choose else "its own order"),
        ("cost", f"{m.cost} time"),
        ("memory", f"bytes: {m.memory}"),
        ("streams", "yes: any number of rows" if m.streams else "no: it holds its columns of all rows in memory"),
        ("loses to random", m.loses),
        ("evidence", found),
    ]
    table = "\n".join(["| | |", "|---|---|", *(f"| **{name}** | {value} |" for name, value in rows)])
    return "\n\n".join([f"### {m.name}", table, parameters(m), markdown(inspect.getdoc(m.function) or "")])


def parameters(m: Method) -> str:
    """Parameters with the values they have when nothing is said."""
    own = CHOOSERS.get(m.choose).parameters if m.choose else {}
    values = {name: p.default for name, p in own.items()} | m.bind({})
    return "Parameters (`--set`): " + ", ".join(f"`{n}={v}`" for n, v in values.items()) if values else "No parameters."


def chooser(found: Chooser) -> str:
    """One chooser."""
    values = ", ".join(f"`{p.name}={p.default}`" for p in found.parameters.values())
    said = markdown(inspect.getdoc(found.function) or "")
    return f"### Choose by {found.name}\n\n{said}" + (f"\n\nParameters (`--set`): {values}" if values else "")


def api() -> str:
    """The public names."""
    names = ("select", "score", "run", "inspect", "why", "compare", "verify")
    parts = ["## tamis", *(signature(f"tamis.{name}", getattr(tamis, name)) for name in names)]
    parts += [signature("tamis.Selection", tamis.Selection, called=False), *members(tamis.Selection)]
    parts += [signature(f"tamis.{kind.__name__}", kind, called=False) for kind in (tamis.Refused, tamis.Broken)]
    parts += ["## tamis.registry", signature("tamis.method", registry.method)]
    parts += ["## tamis.vocabulary", "What a method may give; [its arguments](own-method.md#what-it-can-ask-for)."]
    parts += [signature(f"tamis.vocabulary.{kind.__name__}", kind) for kind in (vocabulary.Order, vocabulary.Admitted)]
    parts += ["## tamis.testing", signature("tamis.testing.checks", testing.checks)]
    return "\n\n".join(parts)


def members(kind: type) -> Iterator[str]:
    """The public methods and properties of a class, in the order of its source."""
    for name, member in vars(kind).items():
        found = member.__func__ if isinstance(member, classmethod) else member
        if name in OPERATORS:
            yield f"#### Selection {OPERATORS[name]} Selection\n\n{markdown(inspect.getdoc(found) or '')}"
        elif isinstance(found, property):
            yield f"#### .{name}\n\n{markdown(inspect.getdoc(found) or '')}"
        elif inspect.isfunction(found) and not name.startswith("_"):
            yield signature(f".{name}", found, level=4)


def signature(name: str, found: Any, level: int = 3, called: bool = True) -> str:
    """A heading, how it is called, and its docstring."""
    title = name.replace("_", "\\_")
    code = f"```python\n{name}{_arguments(found)}\n```\n\n" if called else ""
    return f"{'#' * level} {title}\n\n{code}{markdown(inspect.getdoc(found) or '')}"


def _arguments(found: Any) -> str:
    """The signature without module names; one argument a line when it is long."""
    made = inspect.signature(found)
    kept = [p for p in made.parameters.values() if p.name not in ("self", "cls")]
    shown = [re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", str(p)).replace("'Source'", "Source") for p in kept]
    keyword = next((i for i, p in enumerate(kept) if p.kind is p.KEYWORD_ONLY), None)
    if keyword is not None:
        shown.insert(keyword, "*")
    line = ", ".join(shown)
    return f"({line})" if len(line) < 80 else "(\n    " + ",\n    ".join(shown) + ",\n)"


def markdown(doc: str) -> str:
    """A docstring as Markdown: sections get a bold name, arguments become a list, examples a code block."""
    found: list[str] = []
    section = ""
    for line in doc.splitlines():
        if line in SECTIONS:
            section = line
            found += ["", f"**{SECTIONS[line]}**", "", *(["```pycon"] if line == "Examples:" else [])]
        elif section and line and not line.startswith(" "):
            found += ["```", "", line] if section == "Examples:" else ["", line]
            section = ""
        elif section == "Examples:":
            found.append(line[4:])
        elif section in ("Args:", "Raises:"):
            found.append(_item(line[4:]))
        else:
            found.append(line[4:] if section else line)
    if section == "Examples:":
        found.append("```")
    return "\n".join(found).replace("\n\n```\n", "\n```\n")


def _item(line: str) -> str:
    """An argument as a list item; its further lines stay below it."""
    name, colon, text = line.partition(":")
    return f"- `{name}`:{text}" if colon and not line.startswith(" ") else f"  {line.strip()}"


PARTS: dict[str, Callable[[], str]] = {"cards": cards, "api": api}
