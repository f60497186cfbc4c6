"""Choices that change while a model trains: what is drawn, what is told, and what is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from tamis import testing
from tamis.engine.plan import make_plan
from tamis.engine.request import make_request
from tamis.engine.schedules import Begun, begin_schedule
from tamis.errors import Broken, Refused
from tamis.evidence.schedule import Scheduled
from tamis.evidence.task import Data, Train
from tamis.evidence.tasks import make_task
from tamis.ops.hashing import mix64
from tamis.registry import find, kind_of
from tamis.testing import make_pool
from tamis.vocabulary import Schedule

from .classes import blobs, digits

OWN = Path(__file__).with_name("fresh_subsets.py")
FRESH, HARDEST = f"{OWN}:fresh_subsets", f"{OWN}:hardest"
POOL = make_pool(40)


def begun(tmp_path, method=FRESH, budget=10, seed=0, pool=POOL, **options):
    """A schedule over a pool in memory."""
    known = {"pool": ["memory"], "id": "id", "text": "text", "score": "score", "label": "label"} | options
    request = make_request(known | {"method": method, "budget": budget, "seed": seed}, "test")
    return begin_schedule(make_plan(request, pool, training=True), tmp_path / f"work{len(list(tmp_path.iterdir()))}")


def training(found, rows=40, seed=0):
    return Scheduled.of(found, Data(pa.table({"row": range(rows)})), seed)


class Told(Schedule):
    """Draws what the test says, and remembers what it was told."""

    def __init__(self, *drawn):
        self.drawn, self.calls = drawn, []

    def draw(self, state, epoch, key):
        return self.drawn[epoch % len(self.drawn)]

    def update(self, state, rows, signals):
        self.calls.append((state, rows.tolist(), {name: values.tolist() for name, values in signals.items()}))
        return state + 1


def told(*drawn, most=4, rows=(2, 3, 5, 7, 11)):
    rows = np.array(rows)
    made = Begun(find("random"), Told(*drawn), rows, mix64(rows.astype(np.uint64)), most)
    return Scheduled.of(made, Data(pa.table({"row": range(12)})), 0)


@given(st.integers(1, 30), st.integers(1, 50))
def test_steps_and_visits_are_those_of_a_selection(budget, count):
    """The batches of a schedule have the sizes that those of a kept subset have."""
    keys = mix64(np.arange(30, dtype=np.uint64))
    made = Begun(find("random"), find(FRESH).function(), np.arange(30), keys, budget)
    pool = Data(pa.table({"row": range(30)}))
    dynamic, static = Scheduled.of(made, pool, 0), Train(pool, np.arange(budget), np.ones(budget, np.float32))
    dynamic.batch = static.batch = 7
    sizes = [[len(rows) for rows, _ in train.steps(count)] for train in (dynamic, static)]
    assert sizes[0] == sizes[1] and len(sizes[0]) == count


def test_an_epoch_of_a_selection_visits_every_row_once():
    rows = np.array([7, 3, 5, 0, 11])
    train = Train(Data(pa.table({"row": range(12)})), rows, rows / np.float32(2), seed=1)
    epochs = [train.visits(epoch) for epoch in range(6)]
    assert all(sorted(visited) == sorted(rows) and (weights == visited / 2).all() for visited, weights in epochs)
    assert len({tuple(visited) for visited, _ in epochs}) > 3
    assert train.tell(rows, loss=rows) is None


def test_another_subset_every_epoch_of_rows_that_may_be_chosen(tmp_path):
    table = pa.concat_tables([POOL, POOL.slice(0, 3).set_column(0, "id", pa.array(["x", "y", "z"]))])
    found = begun(tmp_path, pool=table, exclude="doc-003,doc-030")
    assert found.rows.tolist() == [row for row in range(40) if row not in (3, 30)] and found.most == 10
    train = training(found, len(table))
    epochs = [train.visits(epoch)[0].tolist() for epoch in range(60)]
    assert all(len(set(rows)) == 10 and set(rows) <= set(found.rows.tolist()) for rows in epochs)
    assert len({tuple(sorted(rows)) for rows in epochs}) == 60
    assert train.times.sum() == 600 and train.times.min() > 3
    counts = np.bincount(np.concatenate(epochs), minlength=40)[found.rows]
    assert counts.tolist() == train.times.tolist()


def test_same_seed_same_draws_whatever_the_order_of_rows(tmp_path):
    mixed = np.random.default_rng(0).permutation(len(POOL))
    drawn = []
    for seed, pool in ((0, POOL), (0, POOL), (1, POOL), (0, POOL.take(pa.array(mixed)))):
        train = training(begun(tmp_path, seed=seed, pool=pool))
        drawn.append([[pool["id"][row].as_py() for row in train.visits(epoch)[0].tolist()] for epoch in (0, 1, 5)])
    assert drawn[0] == drawn[1] == drawn[3] != drawn[2]
    train = training(begun(tmp_path))
    assert [train.visits(epoch)[0].tolist() for epoch in (5, 0)] == [train.visits(e)[0].tolist() for e in (5, 0)]


def test_a_share_is_of_the_rows_that_may_be_chosen(tmp_path):
    found = begun(tmp_path, budget="25%", exclude="doc-001,doc-002")
    assert found.most == 9 and found.key.tolist() == np.delete(begun(tmp_path).key, [1, 2]).tolist()


def test_needs_are_columns_of_the_rows_that_may_be_chosen(tmp_path):
    found = begun(tmp_path, HARDEST, exclude="doc-000", set={"weight": "0.5"})
    assert found.schedule.rows == 39 and found.schedule.weight == 0.5
    rows, weights = training(found).visits(0)
    assert weights.dtype == np.float32 and weights.tolist() == [0.5] * 10 and rows.dtype == np.int64


def test_a_schedule_is_told_what_was_visited_since_the_last_draw():
    train = told((np.array([4, 0, 0]), None), (np.array([1]), None))
    schedule = train.begun.schedule
    for rows, _ in train.steps(5):
        train.tell(rows, loss=rows / 2)
    assert train.times.tolist() == [6, 2, 0, 0, 3]
    assert schedule.calls == [
        (4, [4, 0, 0], {"loss": [5.5, 1.0, 1.0]}),
        (5, [1], {"loss": [1.5]}),
        (6, [4, 0, 0], {"loss": [5.5, 1.0, 1.0]}),
        (7, [1], {"loss": [1.5]}),
    ]


def test_batches_are_told_in_the_order_of_their_visits():
    train = told((np.array([3, 1, 2, 0]), None), (np.array([0]), None))
    train.batch = 3
    for rows, _ in train.steps(3):
        train.tell(rows, loss=rows + 0.5, margin=-rows)
    assert train.begun.schedule.calls == [(4, [3, 1, 2, 0], {"loss": [7.5, 3.5, 5.5, 2.5], "margin": [-7, -3, -5, -2]})]


def test_losses_are_not_kept_by_reference():
    train, losses = told((np.array([0, 1]), None)), np.ones(2, np.float32)
    train.tell(train.visits(0)[0], loss=losses)
    losses[:] = 7
    train.visits(1)
    assert train.begun.schedule.calls[0][2] == {"loss": [1.0, 1.0]}


def test_drawn_order_and_weights_are_served():
    train = told((np.array([3, 1, 1]), np.array([0.5, 2, 0])))
    ((rows, weights),) = train.batches(0)
    assert rows.tolist() == [7, 3, 3] and weights.tolist() == [0.5, 2, 0]


@pytest.mark.parametrize(
    ("rows", "weights", "said"),
    [
        ([], None, "it drew 0 rows"),
        ([0, 1, 2, 3, 4], None, "it drew 5 rows; draw 1 to 4 places of 0 … 4"),
        ([0, 5], None, "the place 5"),
        ([-1], None, "the place -1"),
        ([0.0], None, "type float64"),
        ([[0]], None, r"shape \(1, 1\)"),
        ([0, 1], [1.0], r"weights of shape \(1,\)"),
        ([0], ["a"], "weights of shape"),
        ([0, 1], [1.0, -2.0], "a weight of -2"),
        ([0, 1], [np.nan, 1.0], "a weight of nan"),
        ([0], [np.inf], "a weight of inf"),
    ],
)
def test_draws_that_cannot_be_served_are_refused(rows, weights, said):
    drawn = np.array(rows, np.int64 if not rows else None), None if weights is None else np.array(weights)
    train = told((np.array([0]), None), drawn)
    train.visits(0)
    with pytest.raises(Refused, match=f"random: in epoch 1 .*{said}"):
        train.visits(1)


def test_a_schedule_that_fails_is_told_by_its_name():
    with pytest.raises(Broken, match="random: its code failed"):
        told(None).visits(0)


SOURCE = """
import numpy as np
from tamis.vocabulary import Order, Schedule, Score

def mine({arguments}) -> Schedule:
    {body}
"""


@pytest.mark.parametrize(
    ("arguments", "body", "said"),
    [
        ("", "return 3", "it gave a int, which is no Schedule"),
        ("text", "...", "mine: it needs 'text', and a method of kind Schedule"),
        ("", "return nothing", "its code failed"),
    ],
)
def test_methods_that_give_no_schedule_are_refused(tmp_path, arguments, body, said):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE.format(arguments=arguments, body=body))
    with pytest.raises((Refused, Broken), match=said):
        begun(tmp_path, f"{path}:mine")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": "9 tokens"}, "'9 tokens' is an amount of tokens"),
        ({"quota": ["label=0:0.5"]}, "leave --quota out"),
        ({"floor": ["label=0:0.5"]}, "leave --floor out"),
        ({"must_keep": "doc-001"}, "leave --must-keep out"),
    ],
)
def test_what_shapes_a_selection_is_refused(tmp_path, options, said):
    with pytest.raises(Refused, match=f"fresh-subsets: .*{said}"):
        begun(tmp_path, **options)


def test_select_and_score_refuse_a_schedule_in_one_sentence(folder, run, write, on_disk):
    write("pool.jsonl", POOL)
    before = on_disk(folder)
    said = "fresh-subsets: it changes while a model trains, so it keeps no rows; use it with tamis bench"
    for words in (f"select pool.jsonl --method {FRESH} --budget 3 -o out", f"score pool.jsonl --method {FRESH} -o out"):
        told = run(*words.split())
        assert told.code == 2 and told.err.splitlines()[-1] == f"tamis: {said}"
    write(
        "recipe.yaml",
        f"pool: pool.jsonl\noutput: out\nsteps:\n- {{method: random, budget: 9}}\n- {{method: '{FRESH}', budget: 3}}\n",
    )
    assert said in run("run", "recipe.yaml").err
    assert set(on_disk(folder)) == {*before, "recipe.yaml"}
    for call in (lambda: tamis.select(POOL, FRESH, budget=3), lambda: tamis.score(POOL, FRESH)):
        with pytest.raises(Refused, match="use it with tamis bench"):
            call()


def test_the_kind_is_known(run):
    method = find(FRESH)
    assert (method.kind, method.choose, method.needs) == ("Schedule", None, ())
    assert method.card()["kind"] == "Schedule" and len(list(testing.checks(FRESH))) == 5
    assert "gives Schedule" in run("methods", FRESH).out

    def subclass() -> Told: ...

    with pytest.raises(TypeError, match="Score, Match, Order, SetFunction, Schedule"):
        kind_of(subclass)


def accuracy(train, pool, test, steps=600):
    task = make_task("classify", "mlp", {"hidden": 64})
    return task.evaluate(task.fit(train, seed=0, steps=steps), test).metrics["accuracy"]


def test_fresh_subsets_beat_a_kept_one_at_equal_steps():
    """Okanovic et al. 2023, Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning."""
    pool, test = digits()
    keys = mix64(np.arange(len(pool), dtype=np.uint64))
    made = Begun(find("random"), find(FRESH).function(), np.arange(len(pool)), keys, len(pool) // 20)
    rows = np.argsort(keys)[: made.most]
    kept = accuracy(Train(pool, rows, np.ones(len(rows), np.float32)), pool, test)
    assert accuracy(Scheduled.of(made, pool, 0), pool, test) > kept + 0.08


def test_a_schedule_learns_what_is_hard():
    """Of two far classes and two near ones, the near ones are visited more often."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    pool = blobs(200, 4)
    pool.features = np.zeros((200, 16), np.float32)
    pool.features[np.arange(200), pool.labels] = np.array([6, 6, 0.3, 0.3])[pool.labels]
    pool.features += rng.normal(0, 0.5, (200, 16)).astype(np.float32)
    schedule = find(HARDEST).function(np.zeros(200))
    made = Begun(find("random"), schedule, np.arange(200), mix64(np.arange(200, dtype=np.uint64)), 64)
    train = Scheduled.of(made, pool, 0)
    make_task("classify", "cnn", {"filters": 4, "hidden": 16}).fit(train, seed=0, steps=80)
    assert train.times[pool.labels > 1].mean() > 2 * train.times[pool.labels < 2].mean()
