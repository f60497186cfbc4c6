"""The methods as a table and as cards, made from the registry."""

from collections.abc import Iterable

from tamis.registry import Method
from tamis.vocabulary import WORDS


def needs_of(m: Method, quote: str = "") -> str:
    """What a user supplies for a method: needs that the engine does not meet, then those that may be left out.

    Examples:
        >>> from tamis.registry import find
        >>> needs_of(find("craig"))
        'label; at will probs, embedding, mass'
    """
    asked = [need for need in m.needs if WORDS[need].supply != "the engine"]
    needed = ", ".join(f"{quote}{need}{quote}" for need in asked if need not in m.optional)
    maybe = ", ".join(f"{quote}{need}{quote}" for need in asked if need in m.optional)
    return "; ".join(part for part in (needed, maybe and f"at will {maybe}") if part) or "–"


def table(methods: Iterable[Method]) -> str:
    """One line a method, aligned."""
    rows = [("method", "family", "needs", "kind", "streams", "status", "paper")]
    for m in methods:
        paper = f"{m.paper} ({m.year})" if m.paper else "-"
        rows.append((m.name, m.family, " ".join(m.needs), m.kind, "yes" if m.streams else "no", m.status, paper))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    return "\n".join("  ".join([*(row[i].ljust(widths[i]) for i in range(6)), row[6]]) for row in rows)


def markdown(methods: Iterable[Method]) -> str:
    """The table of the README."""
    lines = [
        "| method | what it needs | cost | when it loses to random | evidence | paper |",
        "|---|---|---|---|---|---|",
    ]
    for m in methods:
        paper = f"{m.paper}, {m.year}" if m.paper else "–"
        found = f"[{m.status}](docs/evidence/cards.md#{m.name})" if m.status != "unproven" else m.status
        lines.append(f"| `{m.name}` | {needs_of(m)} | {m.cost} | {m.loses} | {found} | {paper} |")
    return "\n".join(lines)


def card_text(m: Method) -> str:
    """The card of one method."""
    first = (m.function.__doc__ or "").strip().splitlines()[:1]
    lines = [
        f"{m.name}: {first[0] if first else ''}",
        f"  paper     {m.paper or '-'}" + (f" ({m.year}), no. {m.no}" if m.paper else ""),
        f"  needs     {needs_of(m)}; gives {m.kind}; pole {m.pole or '-'}",
        f"  chooses   by {m.choose or 'its own order'}",
        f"  cost      {m.cost}; bytes of memory {m.memory}; streams: {'yes' if m.streams else 'no'}",
        f"  loses     {m.loses}",
        f"  evidence  {m.status}",
        *(f"            {line}" for line in m.studies),
    ]
    lines += [f"  --set {name}={value}" for name, value in m.bind({}).items()]
    return "\n".join(lines)
