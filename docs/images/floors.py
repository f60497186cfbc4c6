"""Make `floors.svg`: the floors of the house with the modules that stand on each.

python docs/images/floors.py

`tests/test_floors.py` holds that the picture is current and that no import at the head of a module leads upwards.
"""

from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Floor(NamedTuple):
    """One floor: its name, what happens there, and its packages and modules."""

    name: str
    what: str
    modules: tuple[str, ...]


FLOORS = (
    Floor(
        "command line · Python",
        "one request: flags, a recipe's keys or arguments",
        ("cli", "api", "sklearn", "usage", "testing"),
    ),
    Floor(
        "evidence · look · torch",
        "does it beat random at equal cost? into pools and selections: inspect, why; training loops",
        ("evidence", "look", "torch"),
    ),
    Floor("engine", "request → plan → run → resume; steps; local processes", ("engine",)),
    Floor(
        "methods · measure · report",
        "one file a method; encoders; one page, one string",
        ("methods", "measure", "report"),
    ),
    Floor("ops", "array mathematics and kernels, no files", ("ops",)),
    Floor(
        "ground",
        "what data, needs, limits and refusals are",
        ("pool", "selection", "limits", "budget", "registry", "vocabulary", "refusals", "errors", "kernels"),
    ),
)
TOP = {
    "api_bench": "api", "cli_again": "cli", "cli_bench": "cli", "cli_look": "cli", "cli_measure": "cli",
    "__main__": "cli", "__init__": "cli", "testing_schedules": "testing",
}  # fmt: skip
STYLE = (
    'text { font-family: -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #16191d } '
    ".name { font-size: 17px; font-weight: 600 } .what { font-size: 14px; fill: #5b626b } "
    ".mods { font-size: 13px; fill: #5b626b }"
)


def height(module: str) -> int:
    """How high the floor of a module or package lies; the ground is 0."""
    module = TOP.get(module, module)
    return next(len(FLOORS) - 1 - index for index, floor in enumerate(FLOORS) if module in floor.modules)


def picture() -> str:
    """The floors from top to bottom as SVG."""
    tall = 16 + 74 * len(FLOORS)
    title = "The floors, from the command line down to the ground; imports run downwards only"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {tall}" role="img" aria-labelledby="t">',
        f'<title id="t">{title}</title>',
        f"<style>{STYLE}</style>",
        f'<rect width="860" height="{tall}" rx="6" fill="#fff"/>',
    ]
    for index, floor in enumerate(FLOORS):
        y = 16 + 74 * index
        parts += [
            f'<rect x="16" y="{y}" width="788" height="60" rx="4" fill="#f5f7f8" stroke="#c9ced4"/>',
            f'<text x="34" y="{y + 26}" class="name">{floor.name}</text>',
            f'<text x="34" y="{y + 46}" class="what">{floor.what}</text>',
            f'<text x="786" y="{y + 26}" class="mods" text-anchor="end">{", ".join(floor.modules)}</text>',
        ]
    parts += [
        f'<path d="M 832 22 V {tall - 30}" stroke="#0b6b5b" stroke-width="2" fill="none"/>',
        f'<path d="M 826 {tall - 36} l 6 10 l 6 -10 z" fill="#0b6b5b"/>',
        f'<text transform="translate(850 {tall / 2}) rotate(90)" text-anchor="middle" class="mods">imports</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    (HERE / "floors.svg").write_text(picture(), encoding="utf-8")
