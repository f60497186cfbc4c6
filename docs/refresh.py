"""Refresh what scripts wrote into README.md and docs: tables made from the code, and what commands print.

    python docs/refresh.py [PAGE…]

Tables stand between `<!-- NAME: … -->` and `<!-- end -->`. A block marked `console` holds commands, each after `$ `,
and below each what it prints, which is replaced by what it prints now. `tests/test_docs.py` fails when a page is stale.
"""

import contextlib
import csv
import gzip
import importlib
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from tamis.registry import Method

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SKIPPED = ("make", "pip", "git", "python", "cd")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMES = re.compile(r"\b\d+\.\d s;")
OF_THE_MACHINE = re.compile(r"compiling kernels|\w+: \d+ of \d+ .* left$")  # a slow one shows progress
TABLE = re.compile(r"(<!-- (\w+): ([^>]*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
ROOM, ROW, KEPT = 8e9, 384, 1000  # the usual --memory, numbers in a usual vector, and rows in a usual budget
UNITS = """*Bytes* are those of the method itself for n rows of d numbers of which k are kept, above what the process
has once libraries are imported and columns are read. *Rows in 8 GB* are how many the usual `--memory` lets it see at
once, with d = {d}, k = {k:,} and its own defaults. What was measured of its choices is on the
[cards](evidence/cards.md)."""


def methods_table() -> str:
    """All registered methods, one a line."""
    from tamis.engine.cards import markdown
    from tamis.registry import METHODS, load_all

    load_all()
    return markdown(METHODS.entries[name] for name in sorted(METHODS.entries))


def family_tables(names: str) -> str:
    """Two tables of the methods of a family: what each does, needs and is bad at, and what it costs."""
    from tamis.engine.cards import needs_of
    from tamis.registry import find

    found = [find(name) for name in names.removesuffix(", made by docs/refresh.py").split()]
    lines = ["| method | in a sentence | needs | loses to random |", "|---|---|---|---|"]
    for m in found:
        does = (m.function.__doc__ or "").partition("\n")[0]
        lines.append(f"| `{m.name}` | {does} | {needs_of(m, '`')} | {m.loses} |")
    lines += ["", "| method | time | bytes | rows in 8 GB | streams |", "|---|---|---|---|---|"]
    for m in found:
        lines.append(f"| `{m.name}` | {m.cost} | {m.memory} | {rows_in_room(m)} | {streams(m)} |")
    return "\n".join([*lines, "", " ".join(UNITS.format(d=ROW, k=KEPT).split())])


def rows_in_room(m: "Method") -> str:
    """How many rows a method sees at once, two digits of it."""
    if m.bytes is None or m.streams:
        return "any number" if m.streams else "–"
    low, high = 1, 10**10
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if m.bytes(middle, ROW, KEPT) <= ROOM else (low, middle)
    unit = 10 ** (len(str(low)) - 2)
    return f"{low // unit * unit:,}"


def streams(m: "Method") -> str:
    """Whether a method sees rows shard by shard, and what happens to a pool that is beyond its memory."""
    return "yes" if m.streams else "no; in two stages" if m.kind == "SetFunction" else "no"


def words_table() -> str:
    """The vocabulary: what an argument of each name receives."""
    from tamis.vocabulary import WORDS

    lines = ["| argument | shape | type | what it receives | what supplies it |", "|---|---|---|---|---|"]
    for word in WORDS.values():
        shape = f"`{word.shape}`" if word.shape else ""
        supply = f"`{word.supply}`" if word.supply.startswith("--") else word.supply
        lines.append(f"| `{word.name}` | {shape} | {word.dtype} | {word.meaning} | {supply} |")
    return "\n".join(lines)


def shapes_table() -> str:
    """The known shapes of chats and instructions: which columns they have, and what their text is."""
    from tamis.pool.shapes import SHAPES

    lines = ["| shape | columns (any of the names) | text |", "|---|---|---|"]
    for shape, columns in SHAPES.items():
        named = [
            ("maybe " if "" in names else "") + ", ".join(f"`{name}`" for name in names if name) for names in columns
        ]
        first = ["{" + names[0] + "}" for names in columns]
        text = "{prompt}\\n{chosen}" if shape == "preference" else "\\n".join(first)
        lines.append(f"| {shape} | {'; '.join(named)} | `{text}` |")
    return "\n".join(lines)


def refusals_table(old: str) -> str:
    """Every kind of refusal, area by area, with a sentence that a case of the tests makes happen now.

    A line of the `old` table stays where only what other libraries or the system said is different.
    """
    from tamis import refusals

    running = refusal_cases()
    examples, before = running.examples(running.all_cases()), running.documented(old)
    lines: list[str] = []
    for line in Path(refusals.__file__).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            lines += ["", f"### {line[2:].capitalize()}", "", "| kind | exit code | sentence |", "|---|---|---|"]
        kind = line.partition(" = ")[0].lower().replace("_", "-")
        if kind in before and not running.can_happen(examples[kind]):
            lines.append(before[kind])
        elif kind in examples:
            now = running.document(running.happen_in_a_folder(examples[kind]))
            lines.append(before[kind] if running.is_current(before.get(kind), now) else now)
    return "\n".join(lines).strip()


def refusal_cases() -> ModuleType:
    """The module of the tests that makes refusals happen."""
    folder = ROOT / "tests" / "refusals"
    spec = importlib.util.spec_from_file_location(
        "refusal_cases", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["refusal_cases"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["refusal_cases"])
    return importlib.import_module("refusal_cases.running")


TABLES: dict[str, Callable[[str, str], str]] = {  # of what is said after the name, and of the table as it was
    "methods": lambda said, old: methods_table(),
    "family": lambda said, old: family_tables(said),
    "words": lambda said, old: words_table(),
    "shapes": lambda said, old: shapes_table(),
    "refusals": lambda said, old: refusals_table(old),
}


def with_tables(page: str, but: str = "") -> str:
    """`page` with its tables made anew, but for the one of this name."""
    return TABLE.sub(
        lambda found: found[0] if found[2] == but else f"{found[1]}{TABLES[found[2]](found[3], found[4])}\n{found[5]}",
        page,
    )


def blocks(page: str, language: str) -> Iterator[str]:
    """The code blocks of one language."""
    yield from (found[2] for found in FENCE.finditer(page) if found[1] == language)


def commands(block: str) -> list[str]:
    """The commands of an `sh` block, continued lines joined, comments left out."""
    lines = block.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def sessions(block: str) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with what it prints."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        command, _, printed = part.replace("\\\n", "\\\0").partition("\n")
        found.append((command.replace("\\\0", "\\\n"), printed))
    return found


def words(command: str) -> list[str]:
    """The words of a command."""
    return shlex.split(command.replace("\\\n", " "), comments=True)


def is_skipped(command: str) -> bool:
    """Whether a command is shown but not run."""
    return words(command)[0] in SKIPPED


def workspace(folder: Path) -> None:
    """The examples, and the sample once more under the names that the pages use for the reader's own data."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "my-pool").mkdir()
    for number, path in enumerate(sorted((folder / "examples/pool").glob("*.parquet"))):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in pq.read_table(path).to_pylist()]
        with gzip.open(folder / f"my-pool/{number}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(lines)
    shutil.copy(folder / "examples/targets/peps.jsonl", folder / "wanted.jsonl")
    with (folder / "my.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["id", "text", "source", "chars"])
        table.writeheader()
        for path in sorted((folder / "examples/pool").glob("*.parquet")):
            table.writerows(pq.read_table(path).to_pylist())


def tamis(command: str, folder: Path) -> str:
    """What a command prints, in a process of its own."""
    asked = [sys.executable, "-m", *words(command)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(asked, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}")
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not OF_THE_MACHINE.match(line))


def comparable(printed: str) -> str:
    """What a command prints, without times and without what only the first run on a machine says."""
    lines = [line for line in printed.splitlines() if not OF_THE_MACHINE.match(line)]
    return TIMES.sub("… s;", "\n".join(lines))


def current(command: str, printed: str, folder: Path) -> str:
    """What a command prints now, or what it printed before if only times differ."""
    if is_skipped(command):
        return printed
    now = tamis(command, folder)
    return printed if comparable(now) == comparable(printed) else now


def with_output(page: str, folder: Path) -> str:
    """`page` with what its commands print now, run in their order, its Python blocks among them."""
    names: dict[str, object] = {"__name__": "page"}

    def again(found: re.Match[str]) -> str:
        text = found[2]
        if found[1] == "python":
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(text, "page", "exec"), names)
        if found[1] == "sh":
            for command in commands(text):
                if not is_skipped(command):
                    tamis(command, folder)
        if found[1] == "console":
            text = "".join(f"$ {command}\n{current(command, printed, folder)}" for command, printed in sessions(text))
        return f"```{found[1]}\n{text}```"

    return FENCE.sub(again, page)


def main(names: list[str]) -> None:
    """Rewrite every page that is stale, or those of `names`."""
    known = {path.name: path for path in PAGES}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no page is called {', '.join(unknown)}; give some of {', '.join(known)}, or none for all")
    from tamis.registry import METHODS, load_all

    load_all()
    methods = dict(METHODS.entries)
    for path in [known[name] for name in names] or PAGES:
        METHODS.entries.clear()  # pages may register methods of their own
        METHODS.entries.update(methods)
        old = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as name:
            workspace(Path(name))
            new = with_output(with_tables(old), Path(name))
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"{path.relative_to(ROOT)} is refreshed")


if __name__ == "__main__":
    main(sys.argv[1:])
