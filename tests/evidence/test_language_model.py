"""The task `language-model` with an n-gram model: bits per byte of texts whose likeness is known."""

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import Refused
from tamis.evidence.task import Data, Test, Train
from tamis.evidence.tasks import make_task
from tamis.ops import ngram_model

LAW = ["the council shall review the appeal of the permit", "no permit shall be issued by the council – ever"]
FOOD = ["fry the onion in hot butter", "stir the soup and add salt", "naïve cooks burn the 漢字 butter"]


def texts(values, groups=None, names=()):
    column = pa.array(values, pa.large_string())
    codes = None if groups is None else np.array(groups)
    return Data(pa.table({"text": column}), texts=column, groups=codes, group_names=list(names))


def trained(task, values, weights=None, rows=None):
    rows = np.arange(len(values)) if rows is None else np.array(rows, np.int64)
    weights = np.ones(len(rows), np.float32) if weights is None else np.array(weights, np.float32)
    return task.fit(Train(texts(values), rows, weights), seed=0, steps=None)


def judged(values, target, other=FOOD, weights=None, rows=None, **parameters):
    task = make_task("language-model", "ngram", parameters)
    test = Test({"target": target if isinstance(target, Data) else texts(target), "off-target": texts(other)})
    found = task.evaluate(trained(task, values, weights, rows), test)
    assert tuple(found.metrics) == task.headline == tuple(metric.name for metric in task.metrics)
    return found


def test_is_the_default_and_says_what_it_is():
    task = make_task("language-model")
    assert task.needs == {"texts", "target"} and task.default_steps is None
    assert not any(metric.higher_is_better for metric in task.metrics)
    assert "order 6" in task.describe() and "order 3" in make_task("language-model", "ngram", {"order": "3"}).describe()


def test_bits_of_all_texts_by_all_bytes():
    found = judged(LAW * 3, [*LAW, None, ""], order=3)
    data = [(text or "").encode() for text in [*LAW, None, ""]]
    tokens = np.frombuffer(b"".join(data), np.uint8)
    starts = np.cumsum([0, *map(len, data)])
    model = trained(make_task("language-model", "ngram", {"order": 3}), LAW * 3)
    assert found.metrics["bits_per_byte"] == pytest.approx(ngram_model.bits(model, tokens, starts).sum() / len(tokens))


def test_like_costs_less_than_unlike():
    law, food = judged(LAW * 5, LAW).metrics, judged(FOOD * 5, LAW).metrics
    assert law["bits_per_byte"] < 1 < food["bits_per_byte"] < 9
    assert food["off_target_bits_per_byte"] < 1 < law["off_target_bits_per_byte"] < 9


def test_rows_count_as_often_as_chosen_and_not_without_weight():
    pool = [*LAW, *FOOD]
    chosen = judged(pool, LAW, rows=[0, 3, 3])
    assert chosen.metrics == judged([LAW[0], FOOD[1], FOOD[1]], LAW).metrics
    assert chosen.metrics != judged([LAW[0], FOOD[1]], LAW).metrics
    weighted = judged(pool, LAW, rows=[0, 3, 1, 3], weights=[2, 0.5, 0, 1])
    assert weighted.metrics == chosen.metrics


def test_groups_of_the_target_and_of_other_texts():
    target = texts([*LAW, "", *FOOD], [0, 0, 1, 2, 2, 2], ["law", "empty", "food"])
    found = judged(LAW * 3, target)
    assert found.effects == {
        "target": {
            "law": judged(LAW * 3, LAW).metrics["bits_per_byte"],
            "food": pytest.approx(judged(LAW * 3, FOOD).metrics["bits_per_byte"]),
        }
    }
    task = make_task("language-model")
    model = trained(task, LAW)
    found = task.evaluate(model, Test({"target": texts(LAW), "off-target": target}))
    assert set(found.effects) == {"group"} and set(found.effects["group"]) == {"law", "food"}
    assert task.evaluate(model, Test({"target": texts(LAW)})).metrics.keys() == {"bits_per_byte"}


@pytest.mark.parametrize("values", [[], ["", None]])
def test_a_choice_of_no_bytes(values):
    found = judged(values, LAW)
    assert all(5 < value < 20 for value in found.metrics.values())
    assert judged(LAW, [""]).metrics["bits_per_byte"] >= 0


@pytest.mark.parametrize("order", [0, 33, "six"])
def test_refuses_orders(order):
    with pytest.raises(Refused, match="order"):
        make_task("language-model", "ngram", {"order": order})
