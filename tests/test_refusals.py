"""Bad input: one sentence of the catalogue that names what, where and the fix, the promised exit code, nothing left."""

import re

import pytest

from tamis.errors import Broken
from tamis.refusals import CATALOGUE

from .refusals.running import all_cases, happen, lay_out, pattern

CASES = all_cases()
NOT_MADE: dict[str, str] = {}  # kinds that no case makes happen, and why


@pytest.mark.parametrize("name", CASES)
def test_refused(name, folder, on_disk):
    case = CASES[name]
    refusal = CATALOGUE[case.kind]
    lay_out(case)
    with case.during():
        before = on_disk(folder)
        told = happen(case)
        after = on_disk(folder)
    print(told.err)
    assert told.kind == case.kind
    assert told.code == case.code or (case.code is None and told.code in (1, 2))
    assert told.out == "" and "Traceback" not in told.err
    *others, sentence = told.err.strip().split("\n")
    assert sentence.startswith("tamis: ") and not any(line.startswith("tamis: ") for line in others)
    assert others == [] or told.code == 1
    assert re.fullmatch(pattern(refusal), sentence.removeprefix("tamis: "))
    for word in case.named:
        assert word in sentence, f"{word} is not named in: {sentence}"
    if refusal.error is Broken:  # finished work is kept for the next run
        after = {name: after[name] for name in before}
    assert after == before


def test_every_kind_is_made_to_happen():
    made = {case.kind for case in CASES.values()}
    assert sorted(made) == sorted(set(CATALOGUE) - set(NOT_MADE))


@pytest.mark.parametrize("kind", CATALOGUE)
def test_kinds_are_sentences(kind):
    refusal = CATALOGUE[kind]
    assert refusal.name == kind
    for part in (refusal.what, refusal.fix):
        assert part and ";" not in part and not part.endswith((".", "!", " ")) and part == part.strip()
        assert part[0].islower() or part[0] in "{'-@" or part.startswith("JSON")
