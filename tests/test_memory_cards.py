"""The memory on a method's card: a formula that a person can read, and that is what `bytes` computes."""

import inspect
import math
import re
from dataclasses import dataclass

import pytest

from tamis.registry import METHODS, load_all

load_all()
WITH_BYTES = sorted(name for name, method in METHODS.entries.items() if method.bytes is not None)
WHOLE_POOL = {"embedding", "probs", "match", "tags"}
TOKEN = re.compile(r"\s*(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|[A-Za-z_]+|[-+·/(),²√])")
FUNCTIONS = {"min": min, "max": max}
SIZES = ((10_000, 64, 512), (1_000_000, 768, 1_024))


@dataclass
class Formula:
    """Sums of products as cards have them: `24 n (m + 9) + 4 min(n, 2,000)² + 8 √k`."""

    text: str
    names: dict

    def value(self):
        self.tokens = [found[1] for found in TOKEN.finditer(self.text)]
        assert "".join(self.tokens) == re.sub(r"\s", "", self.text), f"{self.text!r} is no formula"
        found = self.sum()
        assert not self.tokens, f"{self.text!r} does not end as a formula"
        return found

    def next(self, *wanted):
        return self.tokens.pop(0) if self.tokens and (not wanted or self.tokens[0] in wanted) else None

    def sum(self):
        found = self.product()
        while sign := self.next("+", "-"):
            found += self.product() if sign == "+" else -self.product()
        return found

    def product(self):
        found = self.factor()
        while self.tokens and self.tokens[0] not in "+-),":
            found = found / self.factor() if self.next("/") else found * (self.next("·"), self.factor())[1]
        return found

    def factor(self):
        token = self.next()
        if token == "√":
            return math.sqrt(self.factor())
        if token == "(":
            found = self.sum()
            assert self.next(")"), f"{self.text!r} lacks a bracket"
        elif token in FUNCTIONS:
            assert self.next("("), f"{self.text!r} lacks a bracket"
            parts = [self.sum()]
            while self.next(","):
                parts.append(self.sum())
            assert self.next(")"), f"{self.text!r} lacks a bracket"
            found = FUNCTIONS[token](*parts)
        elif token[0].isdigit():
            found = float(token.replace(",", ""))
        else:
            found = self.names[token]
        return found**2 if self.next("²") else found


def stated(method, n, d, k):
    """What the card's text says for the method's defaults.

    It begins with the formula. What follows a semicolon is words, or says what a name in the formula is: `c = min(k,
    2,048), words`.
    """
    formula, *clauses = method.memory.split("; ")
    names = {"MB": 1e6, "MiB": 2**20, **numbers(method), "n": n, "d": d, "k": k}
    for clause in reversed(clauses):  # what a name is made of stands after it
        if found := re.fullmatch(r"(\w+) = (.*?)(?:, [a-z][a-z0-9 ]+)?", clause):
            names[found[1]] = Formula(found[2], names).value()
    return Formula(formula, names).value()


def numbers(method):
    """Parameters by name: of the method, and those that only the formula has."""
    own = {p.name: p.default for p in inspect.signature(method.bytes).parameters.values()}
    return {name: value for name, value in {**own, **method.bind({})}.items() if isinstance(value, int | float)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4 n² + 8 n d", 4 * 9 + 8 * 6),
        ("24 n (d + 9) - 2 k", 24 * 3 * 11 - 8),
        ("24 min(n, 2,000)² + 8 max(65,536, 256 k)", 24 * 9 + 8 * 65536),
        ("√k n / 2 · d", 2 * 3 / 2 * 2),
        ("(n + 1)² 0.5", 8),
    ],
)
def test_formulas_are_read(text, value):
    assert Formula(text, {"n": 3, "d": 2, "k": 4}).value() == value


@pytest.mark.parametrize("text", ["4 n² d for vectors", "n ^ 2", "min(n", "4 n +", "n)"])
def test_what_is_no_formula_is_not_read(text):
    with pytest.raises((AssertionError, KeyError, TypeError)):
        Formula(text, {"n": 3, "d": 2}).value()


def test_methods_that_see_the_whole_pool_say_what_memory_they_take():
    silent = [
        name
        for name, method in METHODS.entries.items()
        if method.bytes is None
        and (method.kind == "SetFunction" or (not method.streams and WHOLE_POOL & set(method.needs)))
    ]
    assert not silent


@pytest.mark.parametrize("name", WITH_BYTES)
@pytest.mark.parametrize("size", SIZES)
def test_the_text_is_the_formula(name, size):
    method = METHODS.entries[name]
    assert stated(method, *size) == pytest.approx(method.bytes(*size, **method.bind({})), rel=0.01)


@pytest.mark.parametrize("name", WITH_BYTES)
def test_more_rows_never_take_less(name):
    method = METHODS.entries[name]
    taken = [method.bytes(n, 64, 100, **method.bind({})) for n in (100, 1_000, 10_000, 100_000, 1_000_000)]
    assert taken == sorted(taken) and taken[0] > 0
