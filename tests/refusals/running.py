"""Make one case happen, through the real entry point or through Python, in an empty folder."""

import contextlib
import importlib
import importlib.util
import io
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

from tamis import cli as command_line
from tamis.errors import TamisError
from tamis.refusals import CATALOGUE, Refusal
from tamis.testing import NUMBERS, OF_MODELS, make_pool, make_target

LOSSES = ["prior_loss", *(f"conditional_loss{number}" for number in (1, 2, 3))]
WIDE = ["embedding", "quality", "tags", *OF_MODELS, *NUMBERS, *LOSSES]  # columns of methods on sets

POOL = make_pool(12).drop_columns(WIDE)
ROWS = POOL.to_pylist()
FILES = {"pool.jsonl": ROWS, "wanted.jsonl": make_target().select(["text"])}
USUAL = "--method random --budget 3 -o out"


@dataclass
class Case:
    """What is asked, and how it is refused.

    `files` are written beside `pool.jsonl` and `wanted.jsonl`. `during` is a context manager that makes the machine or
    the folder as the case needs it. `code` is 2 where it is known before rows are read, else 1; None where that depends
    on the format. `named` are words of the sentence, `needs` packages without which it cannot happen.
    """

    kind: str
    words: str
    code: int | None
    named: list[str]
    files: dict[str, Any] = field(default_factory=dict)
    during: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext
    function: Callable[[], Any] | None = None
    needs: tuple[str, ...] = ()


class Happened(NamedTuple):
    """How it ended: exit code, standard output, standard error, and the kind of the refusal."""

    code: int
    out: str
    err: str
    kind: str

    @property
    def sentence(self) -> str:
        """What was told last, without the name of the program."""
        return self.err.strip().split("\n")[-1].removeprefix("tamis: ")


def command(kind: str, words: str, code: int | None, named: list[str], **more: Any) -> Case:
    """A command line, without the word `tamis`."""
    return Case(kind, words, code, named, **more)


def select(kind: str, words: str, code: int | None, named: list[str], **more: Any) -> Case:
    """`words` added to a usual `tamis select`; they begin with the pool where it is not `pool.jsonl`."""
    pool = "" if words and not words.startswith("-") else "pool.jsonl "
    return Case(kind, f"select {USUAL} {pool}{words}", code, named, **more)


def call(kind: str, function: Callable[[], Any], named: list[str], **more: Any) -> Case:
    """A call of Python."""
    return Case(kind, "", None, named, function=function, **more)


def all_cases() -> dict[str, Case]:
    """The cases of all modules, by name; no name is used twice."""
    found: dict[str, Case] = {}
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        cases = importlib.import_module(f"{__package__}.{path.stem}").CASES
        assert not set(found) & set(cases), set(found) & set(cases)
        found |= cases
    return found


def can_happen(case: Case) -> bool:
    """Whether the packages that a case needs are here."""
    return all(importlib.util.find_spec(package) for package in case.needs)


def lay_out(case: Case) -> None:
    """Write the files of a case into the current folder."""
    for name, content in (FILES | case.files).items():
        save(Path(name), content)


def save(path: Path, content: Any) -> None:
    """Write bytes or text, an Arrow table as Parquet, or rows as JSON Lines, by what is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table) and path.suffix == ".parquet":
        pq.write_table(content, path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif callable(content):
        content(path)
    else:
        rows = content.to_pylist() if isinstance(content, pa.Table) else content
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def happen(case: Case) -> Happened:
    """Make it happen in the current folder, whose files are laid out, while what it needs holds."""
    return told(case.function) if case.function else run(*shlex.split(case.words))


def happen_in_a_folder(case: Case) -> Happened:
    """Make it happen in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        lay_out(case)
        with case.during():
            return happen(case)


def pattern(refusal: Refusal, said: str = ".*") -> str:
    """The sentences that a refusal can make, as a regular expression; `said` stands for what others say."""
    what, fix = (
        "".join(
            re.escape(text) + ("" if name is None else said if name == "said" else ".*")
            for text, name, *_ in Formatter().parse(template)
        )
        for template in (refusal.what, refusal.fix)
    )
    return f"(?s)(?:.+: )?{what}; {fix}"


def examples(cases: dict[str, Case]) -> dict[str, Case]:
    """The first case of every kind, which stands for it in the documentation."""
    return {case.kind: case for case in reversed(cases.values())}


def document(told: Happened) -> str:
    """The line of the documentation that says what happened."""
    assert told.kind in CATALOGUE and "`" not in told.sentence and "|" not in told.sentence, told.err
    return f"| `{told.kind}` | {told.code} | `{told.sentence}` |"


def documented(page: str) -> dict[str, str]:
    """The lines of the documentation by kind."""
    return {found[1]: found[0] for found in re.finditer(r"^[|] `([a-z0-9-]+)` .*$", page, re.MULTILINE)}


def is_current(line: str | None, now: str) -> bool:
    """Whether a line says what happens now, but for what other libraries or the system say, which have versions."""
    return line is not None and _without_said(line) == _without_said(now)


def _without_said(line: str) -> str:
    kind, code, sentence = (part.strip("`") for part in line.strip("| ").split(" | "))
    found = re.fullmatch(pattern(CATALOGUE[kind], "(.*)"), sentence)
    for number in range(len(found.groups()) if found else 0, 0, -1):
        sentence = f"{sentence[: found.start(number)]}…{sentence[found.end(number) :]}"
    return f"{kind} {code} {sentence}"


def told(function: Callable[[], Any]) -> Happened:
    """How a call of Python ends, as the command line would tell it."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            function()
    except TamisError as error:
        return Happened(1 if error.under_way else 2, out.getvalue(), f"tamis: {error}\n", error.kind)
    return Happened(0, out.getvalue(), err.getvalue(), "")


def run(*words: str) -> Happened:
    """How a command line ends."""
    out, err, kinds, code = io.StringIO(), io.StringIO(), [""], 0
    with noted(kinds), mock.patch.object(sys, "argv", ["tamis", *words]):
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                command_line.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Happened(code, out.getvalue(), err.getvalue(), kinds[-1])


@contextlib.contextmanager
def noted(kinds: list[str]) -> Iterator[None]:
    """Note the kind of every refusal that the command line tells."""

    def tell(error: Exception) -> None:
        kinds.append(getattr(error, "kind", ""))
        usual(error)

    usual = command_line.tell
    with mock.patch.object(command_line, "tell", tell):
        yield
