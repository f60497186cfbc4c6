"""Choosing under random limits, against an obvious loop over rows."""

from fractions import Fraction
from math import ceil
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.budget import parse, parse_shares
from tamis.engine.choose import choose
from tamis.engine.ids import read_ids
from tamis.errors import Refused
from tamis.ops.apportion import divide

GROUPS = "abcd"


class Rows:
    """The columns of a frame, made by hand."""

    def __init__(self, groups, cost):
        self.names = {"g": list(GROUPS)}
        self.group, self.cost = groups, cost
        self.rows = len(groups)

    def codes(self, name):
        return np.array([GROUPS.index(group) for group in self.group], np.int32)

    def column(self, name, dtype):
        return np.array(self.cost, dtype)


def plan_of(budget, quota=(), floor=(), borrow=False, fill=False, targets=1, shares="equal"):
    """As much of a plan as choosing looks at."""
    return SimpleNamespace(
        request=SimpleNamespace(budget=budget, borrow=borrow, fill=fill),
        budget=parse(budget),
        quota=parse_shares("--quota", f"g={','.join(quota)}") if quota else [],
        floor=parse_shares("--floor", f"g={','.join(floor)}") if floor else [],
        method=SimpleNamespace(kind="Match", name="own"),
        parameters={"low": 1.0, "other": 2},
        chooser_parameters={},
        targets=[None] * targets,
        shares=shares,
    )


def due(texts, limit):
    """Exact amounts by group, of `law:0.3` or `law:5`."""
    pairs = [text.split(":") for text in texts]
    return {group: Fraction(number) * (limit if "." in number else 1) for group, number in pairs}


def obvious(rows, order, must, limit, quota, floor, by_rows, borrow, fill):
    """Row by row; returns the kept rows as a set, or None when must-keep does not fit."""
    left = {group: float(amount) for group, amount in due(quota, limit).items()}
    if by_rows and quota:
        rest = limit - sum(due(quota, limit).values())
        exact = [*due(quota, limit).values(), *([rest] if rest else [])]
        left = dict(zip(left, divide(limit, np.array(exact, float)).tolist(), strict=False))
    left["rest"] = limit - sum(left.values())
    bin_of = [group if group in left else "rest" for group in rows.group]
    least = {group: float(ceil(amount) if by_rows else amount) for group, amount in due(floor, limit).items()}
    price = [1] * rows.rows if by_rows else rows.cost
    kept = []
    for row in must:
        kept.append(row)
        left[bin_of[row]] -= price[row]
        if rows.group[row] in least:
            least[rows.group[row]] -= price[row]
    if min(left.values()) < 0:
        return None
    closed = {bin for bin in left if left[bin] <= 0}

    def take(row, amounts, name, shut):
        if name in shut or row in kept:
            return False
        if price[row] > amounts[name]:
            if not fill:
                shut.add(name)
            return False
        amounts[name] -= price[row]
        return True

    met = {group for group in least if least[group] <= 0}
    for row in order:
        group = rows.group[row]
        if group in least and take(row, least, group, met) and take(row, left, bin_of[row], closed):
            kept.append(row)
        if by_rows:
            met |= {name for name in least if least[name] <= 0}
    for group in set(least) - met if not borrow else ():  # it ran out of rows: its part stays unspent
        left[group if group in left else "rest"] -= least[group]
    closed |= {bin for bin in left if left[bin] <= 0}
    kept += [row for row in order if take(row, left, bin_of[row], closed)]
    if borrow:
        pooled, shut = {"all": limit - sum(price[row] for row in kept)}, set()
        kept += [row for row in order if take(row, pooled, "all", shut)]
    return kept


@st.composite
def situations(draw):
    n = draw(st.integers(1, 30))
    rows = Rows(draw(st.text(GROUPS, min_size=n, max_size=n)) + GROUPS, None)
    rows.cost = draw(st.lists(st.integers(1, 6), min_size=rows.rows, max_size=rows.rows))
    by_rows = draw(st.booleans())
    limit = draw(st.integers(1, rows.rows if by_rows else sum(rows.cost)))
    tenths = st.sampled_from(["0.1", "0.2", "0.25", "0.33", "0.5", "0", "1", "2"])
    quota = [f"{g}:{draw(tenths)}" for g in draw(st.lists(st.sampled_from(GROUPS), unique=True, max_size=2))]
    floor = [f"{g}:{draw(tenths)}" for g in draw(st.lists(st.sampled_from(GROUPS), unique=True, max_size=2))]
    order = draw(st.permutations(range(rows.rows)))[: draw(st.integers(1, rows.rows))]
    must = draw(st.lists(st.integers(0, rows.rows - 1), unique=True, max_size=2))
    return rows, order, sorted(must), limit, quota, floor, by_rows, draw(st.booleans()), draw(st.booleans())


@given(situations())
@settings(max_examples=300, deadline=None)
def test_equals_the_obvious_loop(situation):
    rows, order, must, limit, quota, floor, by_rows, borrow, fill = situation
    asked = [sum(due(texts, limit).values()) for texts in (quota, floor)]
    rounded = sum(ceil(amount) for amount in due(floor, limit).values()) if by_rows else 0
    plan = plan_of(str(limit) if by_rows else f"{limit} cost", quota, floor, borrow, fill)
    eligible = np.ones(rows.rows, bool)
    arguments = plan, rows, eligible, np.array(must, np.int64), [lambda: [np.array(order, np.int64)]]
    if max(asked) > limit or rounded > limit:
        if max(asked) > limit:
            with pytest.raises(Refused, match=r"^--(quota|floor) .*: it asks|^--must-keep"):
                choose(*arguments)
        return
    expected = obvious(*situation)
    if not expected:
        with pytest.raises(Refused, match="--must-keep" if expected is None else "one row"):
            choose(*arguments)
        return
    found = choose(*arguments)
    assert sorted(found.rows.tolist()) == sorted(expected)
    assert found.rows.tolist()[: len(must)] == must
    assert [order.index(row) for row in found.rows[len(must) :].tolist()] == found.place[len(must) :].tolist()
    assert (np.diff(found.place[len(must) :]) > 0).all()
    price = np.ones(rows.rows) if by_rows else np.array(rows.cost)
    assert found.spent == price[found.rows].sum() <= limit == found.limit
    for share in found.shares:
        spent = sum(price[row] for row in expected if rows.group[row] == share["group"])
        assert share["spent"] == spent and share["shortage"] == max(0, share["asked"] - spent)


@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(3, 20), st.booleans(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_several_targets_under_floors(seed, targets, limit, by_rows, equal):
    """No row twice, no target over its share, floors reached, and every share used up while rows are free."""
    rng = np.random.default_rng(seed)
    rows = Rows("".join(rng.permutation(list(GROUPS * 10))), rng.integers(1, 4, 40).tolist())
    orders = [rng.permutation(40) for _ in range(targets)]
    shares = "equal" if equal else rng.integers(1, 5, targets).astype(float).tolist()
    floor = ["a:0.2", "b:0.3"]
    plan = plan_of(str(limit) if by_rows else f"{limit} cost", floor=floor, targets=targets, shares=shares)
    found = choose(plan, rows, np.ones(40, bool), rng.permutation(40)[:1], [lambda o=order: [o] for order in orders])
    assert len(set(found.rows.tolist())) == len(found.rows)
    price = np.ones(40) if by_rows else np.array(rows.cost)
    weights = np.ones(targets) if equal else np.array(shares)
    for target in range(targets):
        spent = price[found.rows[found.target == target]].sum()
        exact = (limit - price[found.rows[0]]) * weights[target] / weights.sum()
        assert spent <= exact + (1 if by_rows else 1e-9)
    for row, target, place in zip(found.rows, found.target, found.place, strict=True):
        assert target == -1 or orders[target][place] == row
    if by_rows:
        assert found.spent == limit
        for group, amount in due(floor, limit).items():
            assert sum(rows.group[row] == group for row in found.rows) >= int(amount)


@pytest.mark.parametrize(
    ("budget", "limits", "named"),
    [
        ("4", {"quota": ["a:3", "b:2"]}, "--quota 'g=a:3,b:2': it asks for 5 of a budget of 4"),
        ("4", {"floor": ["a:3", "b:2"]}, "--floor 'g=a:3,b:2': it asks for 5 of a budget of 4"),
        ("4", {"quota": ["e:1"]}, "no group 'e'"),
        ("1", {"quota": ["c:1"]}, "--must-keep: it costs 1 more"),
        ("0.5 cost", {}, "--must-keep: it costs 0.5 more"),
        ("7 cost", {}, "over the pool, whose eligible rows hold 6 cost"),
    ],
)
def test_refused(budget, limits, named):
    rows = Rows("abcdab", [1] * 6)
    with pytest.raises(Refused) as caught:
        choose(plan_of(budget, **limits), rows, np.ones(6, bool), np.array([0]), [lambda: [np.arange(6)]])
    assert named in str(caught.value)


def test_a_negative_cost_is_refused_and_no_row_too():
    rows = Rows("abcd", [1, 1, -1, 1])
    rows.where = lambda row: f"p.jsonl, line {row + 1}"
    orders = [lambda: [np.arange(4)]]
    with pytest.raises(Refused, match="line 3: column 'cost' is -1"):
        choose(plan_of("1 cost"), rows, np.ones(4, bool), np.empty(0, np.int64), orders)
    rows.cost = [3, 1, 1, 1]
    with pytest.raises(Refused, match="too small for even one row"):
        choose(plan_of("2 cost"), rows, np.ones(4, bool), np.empty(0, np.int64), orders)
    found = choose(plan_of("2 cost", fill=True), rows, np.ones(4, bool), np.empty(0, np.int64), orders)
    assert found.rows.tolist() == [1, 2]


def test_a_method_that_admits_no_row_is_told_from_a_small_budget():
    rows, eligible = Rows("abcd", [1] * 4), np.array([True, True, True, False])
    orders = [lambda: iter([np.empty(0, np.int64)])] * 2
    for budget in ("2", "2 cost"):
        with pytest.raises(Refused, match=r"own: it admits none of the 3 eligible rows; change low$"):
            choose(plan_of(budget, targets=2), rows, eligible, np.empty(0, np.int64), orders)


def test_ids_of_a_file_are_its_lines(tmp_path):
    path = tmp_path / "ids"
    path.write_bytes("\ufeffa\r\nb\u2028c\r\n\r\n d\x0c\n\n\x85e".encode())
    assert read_ids(f"@{path}", "--exclude") == ["a", "b\u2028c", "d\x0c", "\x85e"]
    assert read_ids("a, b,,", "--exclude") == ["a", "b"]
