"""Bad input: one sentence of the catalogue that names what, where and the fix, the promised exit code, nothing left."""

import re
from pathlib import Path

import pytest

import tamis
from tamis.errors import Broken
from tamis.refusals import CATALOGUE

from .refusals.running import all_cases, document, documented, examples, happen, is_current, lay_out, pattern

CASES = all_cases()
EXAMPLES = examples(CASES)
PAGE = Path(__file__).parents[1] / "docs" / "refusals.md"
NOT_MADE = {  # kinds that no case makes happen, and why
    "csv-unclear": "a guard: no text is known that the reader and Arrow take apart differently",
}
PASSED_ON = [  # what was refused elsewhere, with its kind
    "cli_look.py", "engine/workers.py", "evidence/bench.py", "pool/__init__.py",
]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused(name, folder, on_disk):
    case = CASES[name]
    refusal = CATALOGUE[case.kind]
    for package in case.needs:
        pytest.importorskip(package)
    lay_out(case)
    with case.during():
        before = on_disk(folder)
        told = happen(case)
        after = on_disk(folder)
    print(told.err)
    assert told.kind == case.kind
    assert told.code == case.code or (case.code is None and told.code in (1, 2))
    assert told.out == "" and "Traceback" not in told.err
    *others, last = told.err.strip().split("\n")
    assert last.startswith("tamis: ") and not any(line.startswith("tamis: ") for line in others)
    assert others == [] or told.code == 1
    assert re.fullmatch(pattern(refusal), told.sentence)
    for word in case.named:
        assert word in told.sentence, f"{word} is not named in: {told.sentence}"
    assert str(folder) not in told.sentence, "a path that is not as it was given"
    if EXAMPLES[case.kind] is case and PAGE.is_file():
        line = documented(PAGE.read_text(encoding="utf-8")).get(case.kind)
        assert is_current(line, document(told)), "docs/refusals.md is stale: python docs/refresh.py"
    if refusal.error is Broken:  # finished work is kept for the next run
        after = {name: after[name] for name in before}
    assert after == before


def test_every_kind_is_made_to_happen():
    made = {case.kind for case in CASES.values()}
    assert sorted(made) == sorted(set(CATALOGUE) - set(NOT_MADE))


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not here")
def test_the_page_has_every_kind():
    assert list(documented(PAGE.read_text(encoding="utf-8"))) == [kind for kind in CATALOGUE if kind in EXAMPLES]


@pytest.mark.parametrize("kind", CATALOGUE)
def test_kinds_are_sentences(kind):
    refusal = CATALOGUE[kind]
    assert refusal.name == kind
    for part in (refusal.what, refusal.fix):
        assert part and ";" not in part and not part.endswith((".", "!", " ")) and part == part.strip()
        assert part[0].islower() or part[0] in "{'-@" or part.startswith("JSON")


def test_the_catalogue_is_what_the_code_says():
    """Every kind is raised somewhere, and nothing else is, but what a worker passes on."""
    folder = Path(tamis.__file__).parent
    sources = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    raised = {name for text in sources.values() for name in re.findall(r"refusals\.([A-Z][A-Z0-9_]+)", text)}
    assert sorted(name.lower().replace("_", "-") for name in raised) == sorted(CATALOGUE)
    made = [name for name, text in sources.items() if re.search(r"(?<!class )\b(Refused|Broken)\(", text)]
    assert sorted(made) == PASSED_ON
