"""The contract that every method keeps, as small checks that anyone can run on a method of their own:

    @pytest.mark.parametrize("check", tamis.testing.checks("my_methods.py:by_size"), ids=str)
    def test_contract(check):
        check()

A smaller budget is a prefix of a larger one for one target and for equal shares; limits that divide the budget (quotas,
floors, unequal shares) move with it, so no prefix is asked for under them.
"""

import itertools
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import tamis
from tamis.ops.choosers import CHOOSERS
from tamis.ops.hashing import mix64
from tamis.ops.matches import Matches
from tamis.registry import METHODS, OWN, Method, accepted, find
from tamis.selection import Selection
from tamis.testing_schedules import SCHEDULE_CHECKS, Made
from tamis.vocabulary import Schedule, Tags

ROWS, WIDTH, VISITS = 60, 5, 6
OF_MODELS = ("probs", "null_probs", "margins", "correct", "losses")
LOSSES = ("prior_loss", "conditional_loss")
VISITED = ("margins", "correct")
NUMBERS = ("mis_score", "loss", "reference_loss")
WORDS = "tea ham oak law sum rye map ink fog elm cat dew net jar kid".split()
SEES_ALL = ("annotation", "clusters", "coverage", "dynamics", "target", "uncertainty")  # where chance may not matter
CHECKS: dict[str, tuple[Callable[["Case"], None], Callable[["Case"], bool]]] = {}


@cache
def make_pool(rows: int = ROWS, seed: int = 0) -> pa.Table:
    """A tiny pool with a column for every need; of 6 rows 3, 2 and 1 are in groups a, b and c; scores differ."""
    rng = np.random.default_rng(seed)
    texts = [" ".join([*rng.choice(WORDS, rng.integers(3, 40)), f"n{row}"]) for row in range(rows)]
    columns = {
        "id": [f"doc-{row:03}" for row in range(rows)],
        "text": texts,
        "label": rng.integers(0, 3, rows),
        "group": ["abacab"[row % 6] for row in range(rows)],
        "score": rng.permutation(rows) / 8.0 - 2.0,
        "cost": rng.integers(1, 6, rows),
    }
    more = np.random.default_rng([seed, 1])
    probs = more.dirichlet([1.0, 1.0, 1.0], rows).astype(np.float32)
    columns |= {
        "embedding": list(more.gamma(1.0, size=(rows, WIDTH)).astype(np.float32)),
        "probs": list(probs / probs.sum(axis=1, keepdims=True)),
        "quality": (more.permutation(rows) + 1) / 8.0,
        "mis_score": more.permutation(rows) / 8.0 - 2.0,
        "tags": [sorted(set(more.choice(WORDS, more.integers(1, 5)))) for _ in range(rows)],
    }
    last = np.random.default_rng([seed, 2])
    null = last.dirichlet([9.0, 9.0, 9.0], rows).astype(np.float32)
    columns |= {
        "null_probs": list(null / null.sum(axis=1, keepdims=True)),
        "margins": list(last.normal(size=(rows, VISITS)).astype(np.float32)),
        "correct": list(last.integers(0, 2, (rows, VISITS)).astype(np.float32)),
        "loss": last.gamma(1.0, size=rows),
        "reference_loss": last.gamma(1.0, size=rows),
        "losses": list(last.gamma(1.0, size=(rows, 3)).astype(np.float32)),
        "prior_loss": last.gamma(1.0, size=rows),
        **{f"conditional_loss{number}": last.gamma(1.0, size=rows) for number in (1, 2, 3)},
    }
    return pa.table(columns)


def make_target(seed: int = 1, rows: int = 9) -> pa.Table:
    """A tiny sample of what is wanted."""
    return make_pool(rows, seed).select(["text", "embedding"])


@dataclass(frozen=True)
class Case:
    """A method under test, named as in `tamis.select`, with options that every call gets."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> Method:
        """The method itself."""
        return find(self.name)

    @property
    def may_draw(self) -> bool:
        """Whether another seed may give another result."""
        return self.is_random or bool({"key", "rng"} & set(self.method.needs))

    @property
    def is_picky(self) -> bool:
        """Whether the method keeps only some rows, whatever the budget, and which ones hangs on the others."""
        return self.method.own_size and self.method.kind == "Score"

    @property
    def score(self) -> str:
        """The column of scores; methods on sets may ask for amounts, which are not negative."""
        return "quality" if self.method.family in SEES_ALL else "score"

    @property
    def grows(self) -> bool:
        """Whether rows that are kept, and what rows cost, shape which others are."""
        return self.method.kind == "SetFunction" or not self.method.nested

    @property
    def is_random(self) -> bool:
        """Whether another seed must give another result."""
        method = self.method
        if {"key", "rng"} & set(method.needs) and method.family not in SEES_ALL:
            return True
        name = self.options.get("choose") or method.choose
        if name is None or not CHOOSERS.get(name).draws:
            return False
        given = {key: value for key, value in self.options.items() if key in method.parameters}
        return bool((method.bind(given) | self.options).get("temperature", 1) > 0)

    def select(self, pool: Any, budget: int | float | str, targets: int = 1, **options: Any) -> Selection:
        """`tamis.select` with the columns of `make_pool` and as many targets as the method can have."""
        needs = set(self.method.needs)
        known: dict[str, Any] = {role: role for role in ("text", "id", "label", "group", "cost")}
        known["score"] = self.score
        if needs & {"embedding", "match", "target_embedding"}:
            known["embedding"] = "embedding"
        if needs & {"target_text", "target_length", "target_embedding", "match"} or self.method.kind == "Match":
            known["target"] = [make_target(seed) for seed in range(1, targets + 1)]
        known["use"] = {word: word for word in (*OF_MODELS, *NUMBERS, "tags") if word in needs}
        known["use"] |= {"balance": _even(pool)} if "balance" in needs else {}
        if "conditional_loss" in needs:
            columns = [f"conditional_loss{number}" for number in range(1, targets + 1)]
            known["use"] |= {"prior_loss": "prior_loss", "conditional_loss": ",".join(columns)}
        return tamis.select(pool, self.name, budget=budget, **(known | self.options | options))

    @property
    def schedule(self) -> Made:
        """How to make it over the rows of `make_pool`, if the method is a schedule."""
        pool, method = make_pool(), self.method
        needs = {need: _need(pool, need) for need in method.needs if need not in NOT_MADE}
        key = mix64(np.arange(ROWS, dtype=np.uint64))
        options = accepted(method.function, method.bind(self.options))

        def made(order: NDArray[np.int64]) -> tuple[Schedule, NDArray[np.uint64]]:
            given = {need: key[order] if need == "key" else values[order] for need, values in needs.items()}
            return method.function(**given, **options), key[order]

        return Made(ROWS, made)

    @cached_property
    def whole(self) -> Selection:
        """All rows of the pool in the method's order."""
        return self.select(make_pool(), ROWS)


def _even(pool: Any) -> str:
    """Equal shares of the groups of a table, of all groups where it is stored."""
    names = sorted(set(pool["group"].to_pylist())) if isinstance(pool, pa.Table) else ["a", "b", "c"]
    return f"group={','.join(f'{name}:{1 / len(names):.3f}' for name in names)}"


@dataclass(frozen=True)
class Check:
    """One check of one method; calling it raises `AssertionError` when the method does not keep the contract."""

    name: str
    case: Case

    def __call__(self) -> None:
        if self.name in SCHEDULE_CHECKS:
            SCHEDULE_CHECKS[self.name](self.case.schedule)
        else:
            CHECKS[self.name][0](self.case)

    def __str__(self) -> str:
        options = "".join(f"[{key}={value}]" for key, value in self.case.options.items())
        return f"{self.case.name.rpartition('/')[2]}{options}::{self.name}"


def checks(name: str, **options: Any) -> Iterator[Check]:
    """The checks that apply to the method `name` (a registered one or `file.py:function`) with these options.

    Those of a `Schedule` are about what it draws, the others about the rows that a method keeps.

    Examples:
        >>> [check.name for check in checks("random")][:2]
        ['card_is_complete', 'same_seed_same_result']
        >>> for check in checks("top"):
        ...     check()
    """
    case = Case(name, options)
    known = ("card_is_complete", *SCHEDULE_CHECKS) if case.method.kind == "Schedule" else CHECKS
    yield from (Check(name, case) for name in known if name in SCHEDULE_CHECKS or CHECKS[name][1](case))


def _check(applies: Callable[[Case], bool] = lambda case: True) -> Callable[[Callable[[Case], None]], None]:
    def register(function: Callable[[Case], None]) -> None:
        CHECKS[function.__name__] = (function, applies)

    return register


def _needs(*words: str) -> Callable[[Case], bool]:
    return lambda case: bool(set(words) & set(case.method.needs))


def _expect(found: Any, expected: Any, what: str) -> None:
    assert found == expected, f"{what}: expected {expected!r}, found {found!r}"


@_check(lambda case: case.method in (*METHODS.entries.values(), *OWN.values()))
def card_is_complete(case: Case) -> None:
    card = case.method.card()
    _expect([name for name in ("family", "cost", "memory", "loses") if not card[name]], [], "empty on the card")
    _expect("Examples:" in (case.method.function.__doc__ or ""), True, "the docstring has an example")
    for parameter in case.method.parameters.values():
        assert parameter.annotation is not None, f"parameter {parameter.name} has no type"


@_check()
def same_seed_same_result(case: Case) -> None:
    one, two = (case.select(make_pool(), 20, seed=7) for _ in range(2))
    assert one.table.equals(two.table), "two runs with one seed differ"


@_check()
def another_seed_matters_if_random(case: Case) -> None:
    one, two = (case.select(make_pool(), 20, seed=seed) for seed in (7, 8))
    if case.is_random or not case.may_draw:
        _expect(one.ids != two.ids, case.is_random, "another seed gives another result")


@_check()
def same_rows_same_result_however_stored(case: Case) -> None:
    table = make_pool()
    with tempfile.TemporaryDirectory() as folder:
        for source in _stored(table, Path(folder)):
            _expect(case.select(source, ROWS).ids, case.whole.ids, f"ids from {source.name} as from a table")


def _stored(table: pa.Table, folder: Path) -> Iterator[Path]:
    """The same rows as Parquet with odd row groups, and as three JSON Lines files."""
    pq.write_table(table, folder / "groups.parquet", row_group_size=7)
    yield folder / "groups.parquet"
    yield _shards(table, folder)


def _shards(table: pa.Table, folder: Path) -> Path:
    inside = folder / "lines"
    inside.mkdir()
    for number, (start, stop) in enumerate([(0, 11), (11, 12), (12, table.num_rows)]):
        lines = [json.dumps(row) for row in table.slice(start, stop - start).to_pylist()]
        (inside / f"{number}.jsonl").write_text("\n".join(lines) + "\n")
    return inside


@_check()
def same_bytes_on_one_worker_and_two(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name, mock.patch("tamis.engine.launch.WORTH_BYTES", 0):
        folder = Path(name)
        pool = _shards(make_pool(), folder)
        for workers in (1, 2):
            case.select(pool, 20, workers=workers, output=folder / f"out{workers}")
        one, two = ((folder / f"out{workers}" / "selection.parquet").read_bytes() for workers in (1, 2))
        assert one == two, "selection.parquet differs between one worker and two"


@_check(lambda case: "rng" not in case.method.needs)
def rows_in_another_order_keep_the_ids(case: Case) -> None:
    for seed in (1, 2):
        mixed = make_pool().take(pa.array(np.random.default_rng(seed).permutation(ROWS)))
        found, whole = case.select(mixed, ROWS), case.whole
        if case.method.kind == "SetFunction":
            _same_until_a_tie(found, whole)
        else:
            _expect(_up_to_ties(found), _up_to_ties(whole), "ids of a permuted pool, save among equal scores")


def _up_to_ties(selection: Selection) -> list[list[Any]]:
    """The ids in their order, those of equal worth together: which of them comes first is up to the rows."""
    worth = np.where(np.isnan(selection.scores), selection.gains, selection.scores).round(9)
    runs = itertools.groupby(
        zip(worth.tolist(), selection.ids, strict=True), key=lambda pair: pair[1] if math.isnan(pair[0]) else pair[0]
    )
    return [sorted(ident for _, ident in run) for _, run in runs]


def _same_until_a_tie(one: Selection, two: Selection) -> None:
    """Of several best rows the first is taken, and from there on a greedy may go another way."""
    differ = np.flatnonzero([a != b for a, b in zip(one.ids, two.ids, strict=True)])
    if len(differ):
        at = int(differ[0])
        near = math.isclose(one.gains[at], two.gains[at], rel_tol=1e-9, abs_tol=1e-12)
        assert near, f"place {at} of a permuted pool is {one.ids[at]} rather than {two.ids[at]}, with another gain"


@_check()
def budget_is_spent_and_never_passed(case: Case) -> None:
    for budget in (1, 30, ROWS):
        found = case.whole if budget == ROWS else case.select(make_pool(), budget)
        _expect(sorted(set(found.rows.tolist())), sorted(found.rows.tolist()), "rows kept once")
        assert len(found) <= budget, f"{len(found)} rows kept of a budget of {budget}"
        told = any("could be kept" in warning for warning in found.manifest["warnings"])
        _expect(told, len(found) < budget, f"a warning that says why {len(found)} of {budget} were kept")
        assert found.rows.min() >= 0 and found.rows.max() < ROWS, "a row outside the pool"
        assert np.isfinite(found.weights).all() and (found.weights >= 0).all(), "a weight is not a number of at least 0"


@_check()
def one_row_is_a_pool(case: Case) -> None:
    _expect(case.select(make_pool(1), 1).rows.tolist(), [0], "the rows kept of one row")


@_check(lambda case: case.method.nested)
def smaller_budget_is_a_prefix(case: Case) -> None:
    for budget in (2, 17, 44):
        _expect(case.select(make_pool(), budget).ids, case.whole.ids[:budget], f"the prefix of {budget}")


@_check(lambda case: not case.is_picky)
def equal_rows_keep_row_order_or_are_drawn(case: Case) -> None:
    equal = make_pool().take(pa.array([3] * ROWS)).set_column(0, "id", make_pool()["id"])
    found = case.select(equal, 20, duplicates="keep").rows.tolist()
    _expect(len(set(found)), 20, "distinct rows of equal ones")
    if case.is_random or not case.may_draw:
        _expect(found == list(range(20)), not case.is_random, "equal rows in row order")


@_check()
def exact_duplicates_are_dropped(case: Case) -> None:
    half = make_pool(30)
    twice = pa.concat_tables([half, half]).set_column(0, "id", make_pool()["id"])
    found = sorted(case.select(twice, "100%").rows.tolist())
    _expect(found, sorted({*found} & {*range(30)}) if case.is_picky else list(range(30)), "the first of duplicates")


@_check(_needs("text", "length"))
def rows_without_text_are_left_out(case: Case) -> None:
    table = make_pool()
    texts = table["text"].to_pylist()
    texts[4], texts[9] = None, ""
    holes = table.set_column(1, "text", pa.array(texts))
    _expect(sorted(case.select(holes, "100%").rows.tolist()), sorted({*range(ROWS)} - {4, 9}), "rows with a text")


@_check(lambda case: case.grows)
def cost_budget_is_not_passed(case: Case) -> None:
    cost = make_pool()["cost"].to_numpy()
    for amount in (5, 33):
        spent = cost[case.select(make_pool(), f"{amount} cost").rows].sum()
        filled = cost[case.select(make_pool(), f"{amount} cost", fill=True).rows].sum()
        assert amount / 2 - 5 <= spent <= amount and filled <= amount, f"{spent} and {filled} spent of {amount}"


@_check(lambda case: not case.grows)
def cost_budget_takes_the_order_until_it_does_not_fit(case: Case) -> None:
    table = make_pool()
    cost = table["cost"].to_numpy()
    for amount in (5, 33):
        order = case.whole.rows
        fits = int(np.searchsorted(np.cumsum(cost[order]), amount, side="right"))
        _expect(case.select(table, f"{amount} cost").rows.tolist(), order[:fits].tolist(), f"rows for {amount} of cost")
    filled = case.select(table, "33 cost", fill=True).rows
    assert fits <= len(filled) and cost[filled].sum() <= 33, "--fill keeps as much and stays within"


@_check(lambda case: not case.is_picky)
def quotas_are_exact(case: Case) -> None:
    found = case.select(make_pool(), 20, quota="group=a:0.3,c:0.2")
    groups = make_pool()["group"].take(pa.array(found.rows)).to_pylist()
    _expect([groups.count(name) for name in "abc"], [6, 10, 4], "rows of the groups a, b and c")


@_check(lambda case: not case.is_picky)
def floors_are_reached(case: Case) -> None:
    found = case.select(make_pool(), 20, floor="group=c:0.45")
    groups = make_pool()["group"].take(pa.array(found.rows)).to_pylist()
    assert groups.count("c") >= 9 and len(groups) == 20, f"a floor of 9 of 20 gave {groups.count('c')} of {len(groups)}"


@_check()
def must_keep_comes_first_and_counts(case: Case) -> None:
    order = case.whole.ids
    last = order[-3:]
    found = case.select(make_pool(), 20, must_keep=",".join(last)).ids
    _expect(sorted(found[:3]), sorted(last), "the ids to keep")
    if not case.grows:
        _expect(found[3:], order[:17], "the ids after them")


@_check()
def rows_to_start_from_are_not_chosen_again(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        had = case.select(make_pool(), 9, output=Path(name) / "had", subset=False)
        found = case.select(make_pool(), 9, start=Path(name) / "had")
    _expect(sorted({*found.rows.tolist()} & {*had.rows.tolist()}), [], "rows that one has already")
    if not case.grows and not case.is_picky:
        _expect(found.ids, [one for one in case.whole.ids if one not in had.ids][:9], "the others in their order")


@_check()
def impossible_budgets_are_refused(case: Case) -> None:
    for budget in (0, ROWS + 1, "101%"):
        said = _refusal(case, make_pool(), budget)
        assert "budget" in said, f"a budget of {budget} was not refused: {said}"
    if not case.method.own_size:
        assert "own size" in _refusal(case, make_pool(), "auto"), "a budget of auto was not refused"


@_check()
def excluded_ids_are_left_out(case: Case) -> None:
    first = case.whole.ids[:3]
    found = case.select(make_pool(), "100%", exclude=",".join(first)).ids
    _expect(sorted({*found} & {*first}), [], "excluded ids that are kept")
    if not case.is_picky:
        _expect(sorted(found), sorted({*make_pool()["id"].to_pylist()} - set(first)), "all ids but the excluded")


@_check(_needs("embedding", *OF_MODELS, "match"))
def vectors_must_be_finite(case: Case) -> None:
    for name in {"embedding", *OF_MODELS} & {*case.method.needs, *["embedding"][: "match" in case.method.needs]}:
        for bad, found in ((float("nan"), "NaN"), (float("inf"), "infinity"), (None, "nothing")):
            values = make_pool()[name].to_pylist()
            values[7] = [bad, *values[7][1:]]
            if found == "NaN" and name in VISITED:  # where it is no visit
                continue
            said = _refusal(case, _with_column(name, values))
            assert found in said and repr(name) in said and "row 7" in said, f"{bad} in {name} was not named: {said}"
        values[7] = values[7][1:]
        assert "row 7" in _refusal(case, _with_column(name, values)), f"a {name} of another width was not refused"


def _with_column(name: str, values: list[Any]) -> pa.Table:
    """The pool with another column of lists of numbers."""
    column = pa.array(values, pa.list_(pa.float32()))
    return make_pool().set_column(make_pool().column_names.index(name), name, column)


@_check(_needs("score", "cost", *NUMBERS))
def numbers_must_be_finite(case: Case) -> None:
    for need in {"score", "cost", *NUMBERS} & set(case.method.needs):
        name = case.score if need == "score" else need
        for bad in (float("nan"), float("inf"), float("-inf"), None):
            values: list[float | None] = [float(value) for value in make_pool()[name].to_pylist()]
            values[7] = bad
            index = make_pool().column_names.index(name)
            said = _refusal(case, make_pool().set_column(index, name, pa.array(values, pa.float64())))
            assert repr(name) in said and "row 7" in said, f"{bad} in {name} was not named: {said}"


def _refusal(case: Case, pool: pa.Table, budget: int | str = 20) -> str:
    try:
        case.select(pool, budget)
    except tamis.Refused as error:
        return str(error)
    return "it was not refused"


@_check(lambda case: case.method.kind == "Match")
def targets_get_equal_shares(case: Case) -> None:
    found = case.select(make_pool(), 15, targets=3).table["target"].to_pylist()
    _expect(sorted(found.count(name) for name in set(found)), [5, 5, 5], "rows for each of three targets")


@_check(lambda case: case.method.kind == "Match")
def smaller_budget_is_a_prefix_with_targets(case: Case) -> None:
    whole = case.select(make_pool(), 18, targets=3).ids
    for budget in (1, 4, 8):
        _expect(case.select(make_pool(), budget, targets=3).ids, whole[:budget], f"the prefix of {budget}")


@_check(lambda case: case.method.kind in ("Score", "Match"))
def scores_are_finite(case: Case) -> None:
    assert np.isfinite(case.whole.scores).all(), "a score is not finite"


@_check(lambda case: case.method.kind == "SetFunction")
def gains_are_finite(case: Case) -> None:
    assert np.isfinite(case.whole.gains).all(), "a gain is not finite"


@_check(lambda case: case.method.fit is None and "text" not in case.method.needs)
def needs_are_not_changed(case: Case) -> None:
    method, pool = case.method, make_pool()
    needs = {need: _need(pool, need) for need in method.needs if need not in NOT_MADE}
    before = {need: np.array(value) for need, value in needs.items() if isinstance(value, np.ndarray)}
    made = method.function(**needs, **accepted(method.function, method.bind({})))
    if method.kind == "SetFunction":
        made.take(made.best(np.ones(ROWS, bool))[0])
    for need, value in before.items():
        assert np.array_equal(needs[need], value), f"the method changes {need}"


NOT_MADE = ("tag_embedding", "balance", "start", "mass", "points")  # optional needs that a pool of its own would need


def _need(pool: pa.Table, need: str) -> Any:
    """What the engine would give for one need."""
    lengths = {"length": pool, "target_length": make_target()}
    if need in lengths:
        return np.array([len(text) for text in lengths[need]["text"].to_pylist()])
    if need in ("label", "group"):
        return np.unique(pool[need].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    if need in ("embedding", *OF_MODELS):
        return _matrix(pool, need)
    if need in LOSSES:
        name = need if need in pool.column_names else f"{need}1"
        return pool[name].to_numpy().astype(np.float32)[:, None]
    if need in ("target_embedding", "match"):
        target = _matrix(make_target(), "embedding")
        return target if need == "target_embedding" else Matches(_matrix(pool, "embedding"), target, cosine=True)
    if need == "tags":
        lists = pool["tags"].to_pylist()
        codes = [WORDS.index(tag) for tags in lists for tag in tags]
        return Tags(np.cumsum([0, *map(len, lists)]), np.array(codes, np.int32), WORDS)
    rng = np.random.default_rng(3)
    if need == "score":
        return pool["quality"].to_numpy()
    made = {"key": rng.integers(0, 2**63, ROWS, np.uint64), "rng": rng, "target": np.zeros(9, np.int64), "count": 20}
    return made[need] if need in made else pool[need].to_numpy().astype(np.float64)


def _matrix(table: pa.Table, name: str) -> np.ndarray[Any, Any]:
    return np.array(table[name].to_pylist(), np.float32)
