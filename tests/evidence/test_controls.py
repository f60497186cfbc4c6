"""Equal total cost: what random is given."""

import pytest

from tamis.budget import parse
from tamis.evidence.controls import Control, control_cells, cost, plan_controls


def cells(rows, cpu, train=None, seeds=3, steps=None):
    """Results of one method at one budget."""
    train = cpu / 2 if train is None else train
    return [{"rows": rows, "steps": steps, "select_cpu": cpu - train, "measure_cpu": 0.0, "train_cpu": train}] * seeds


def random_line(**more):
    """Random costs a second for 100 rows, on a pool of 10,000."""
    found = {
        ("random", "1%"): cells(100, 1.0),
        ("random", "10%"): cells(1000, 10.0),
        ("full", "100%"): cells(10_000, 100.0),
    }
    return found | {("m", budget): cells(100, value) for budget, value in more.items()}


def given(value, budgets=("1%",), stepped=False, found=None):
    found = random_line() | {("m", budgets[0]): cells(100, value)} | (found or {})
    return plan_controls(found, ["m"], [parse(one) for one in budgets], stepped)[0]


def test_what_costs_the_same_is_compared_with_the_same_random():
    assert given(1.05).is_same
    assert given(0.5).is_same


@pytest.mark.parametrize("value", [1.5, 2.0, 7.3, 30.0, 90.0])
def test_random_gets_the_least_rung_that_costs_as_much(value):
    found = given(value)
    share = float(parse(found.given).amount) if found.given.endswith("%") else 0
    assert value / 1.01 <= 100 * share <= value * 2**0.25 * 1.01
    assert not found.exhausted


def test_a_method_dearer_than_the_whole_pool_exhausts_random_without_steps():
    assert given(500.0) == Control("m", "1%", "100%", 1.0, True)


def test_random_on_the_whole_pool_is_the_whole_pool():
    found = {("random", "100%"): cells(10_000, 100.0), ("m", "100%"): cells(10_000, 500.0)}
    for stepped, times in ((False, 1), (True, 2**3.5)):
        control = plan_controls(found, ["m"], [parse("100%")], stepped)[0]
        assert control == Control("m", "100%", "100%", times, not stepped) and not control.is_same
        assert len(control_cells([control], range(2))) == (2 if stepped else 0), "random has been on the whole pool"


def test_with_steps_random_trains_longer():
    found = given(500.0, stepped=True)
    assert found.given == "100%" and not found.exhausted
    assert 500 <= 50 + 50 * found.stretch <= 500 * 2**0.5
    assert given(1e9, stepped=True) == Control("m", "1%", "100%", 64, True)


def test_random_takes_fewer_steps_beside_what_saves_some():
    random, saving = cells(100, 1.0, steps=1000), cells(100, 0.7, train=0.5, steps=600)
    found = {("random", "1%"): random, ("full", "100%"): cells(10_000, 100.0), ("m", "1%"): saving}
    control = plan_controls(found, ["m"], [parse("1%")], True)[0]
    assert control == Control("m", "1%", "1%", 0.4)  # 0.5 of selecting and 0.4 · 0.5 of training are 0.7
    assert not control.is_same
    assert [one.stretch for one in control_cells([control], range(2))] == [0.4, 0.4]
    assert plan_controls(found, ["m"], [parse("1%")], False)[0].is_same
    assert plan_controls(found | {("m", "1%"): cells(100, 0.7, steps=1000)}, ["m"], [parse("1%")], True)[0].is_same
    assert plan_controls(found | {("m", "1%"): cells(100, 0.9, steps=950)}, ["m"], [parse("1%")], True)[0].is_same
    beyond = found | {("random", "1%"): cells(100, 1.0, train=0.2, steps=1000)}  # 0.3 of 0.2 cannot be saved
    assert plan_controls(beyond, ["m"], [parse("1%")], True)[0].is_same
    dearer = found | {("m", "1%"): cells(100, 2.0, steps=600)}
    assert plan_controls(dearer, ["m"], [parse("1%")], True)[0].given != "1%"


def test_budgets_of_a_cost_stay_in_their_unit():
    found = {("random", "1K tokens"): cells(10, 1.0), ("full", "100%"): cells(1000, 100.0)}
    found |= {("m", "1K tokens"): cells(10, 2.0)}
    control = plan_controls(found, ["m"], [parse("1K tokens")], False)[0]
    assert control.given.endswith(" tokens") and 1900 <= int(control.given.split()[0]) <= 2500


def test_a_method_whose_cells_failed_has_no_control():
    assert plan_controls(random_line(), ["gone"], [parse("1%")], False) == []


def test_random_at_one_cost_runs_once_for_all_who_need_it():
    both = [Control("a", "1%", "3%"), Control("b", "1%", "3%"), Control("c", "1%", "1%")]
    assert [(one.budget, one.seed, one.control) for one in control_cells(both, range(2))] == [
        ("3%", 0, True),
        ("3%", 1, True),
    ]


def test_costs_are_medians_and_leave_the_test_out():
    assert (
        cost([{"select_cpu": 1.0, "measure_cpu": 2.0, "train_cpu": value, "test_cpu": 99.0} for value in (0, 1, 50)])
        == 4
    )
