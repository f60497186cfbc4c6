"""The shared contract, on every registered method and on a method in a user's own file."""

from pathlib import Path

import pytest

from tamis import testing
from tamis.registry import METHODS, load_all

load_all()
VARIANTS = [
    ("dsir", {"temperature": 1.0}),
    ("rs2", {"replacement": True}),
    ("rs2", {"stratified": True}),
    ("infobatch", {"epochs": 4}),
    ("seta", {"ratio": 0.3, "groups": 4, "order": "reference"}),
    ("temperature", {"cooldown": 50}),
]
CASES = [*((name, {}) for name in sorted(METHODS.entries)), *VARIANTS]
OWN = """
import numpy as np
from tamis.vocabulary import Order, Score

def by_label(label: np.ndarray, rng: np.random.Generator) -> Order:
    return Order(rng.permutation(len(label)))

def even(score: np.ndarray, *, offset: float = 0.0) -> Score:
    return score % 1 + offset + score / 1000
"""


@pytest.mark.parametrize("check", [found for name, given in CASES for found in testing.checks(name, **given)], ids=str)
def test_registered(check):
    check()


def own_checks(folder: Path) -> list[testing.Check]:
    path = folder / "own.py"
    path.write_text(OWN)
    return [check for name in ("by_label", "even") for check in testing.checks(f"{path}:{name}")]


def test_own(tmp_path):
    found = own_checks(tmp_path)
    assert len(found) > 30
    for check in found:
        check()
