"""combine: each term alone, what weights and units do, balance, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import BadRow, Refused
from tamis.methods.combine import combine
from tamis.ops.facility_location import facility_location
from tamis.ops.greedy import maximise
from tamis.vocabulary import Balance

OFF = {name: 0.0 for name in ("quality", "coverage", "similarity", "novelty", "balanced")}


def material(n=60, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    return {
        "embedding": rng.normal(size=(n, 5)).astype(np.float32),
        "score": rng.permutation(n) / 4.0,
        "target_embedding": rng.normal(size=(4, 5)).astype(np.float32),
        "balance": [Balance("weather", ["rain", "sun", "fog"], codes, np.array([0.5, 0.3, 0.2]))],
        "start": np.sort(rng.permutation(n)[:6]),
    }


def chosen(count=12, **given):
    """As the engine does: rows that one has are taken first and closed."""
    function = combine(count=count, **given)
    open = np.ones(function.size, bool)
    for row in given.get("start", np.empty(0, np.int64)).tolist():
        function.take(row)
        open[row] = False
    rows, gains, reasons = [], [], []
    for _ in range(count):
        row, gain = function.best(open)
        reasons.append(function.take(row))
        open[row] = False
        rows.append(row)
        gains.append(gain)
    return rows, np.array(gains), reasons


def units(x):
    return x / np.linalg.norm(x.astype(np.float64), axis=1)[:, None]


def best_of(values, start, count=12):
    values = values.copy()
    values[start] = -np.inf
    return np.argsort(-values, kind="stable")[:count].tolist()


@pytest.mark.parametrize("name", OFF)
def test_one_weight_leaves_the_greedy_of_one_term(name):
    given = material()
    rows, gains, reasons = chosen(**given, **OFF | {name: 2.0})
    x, start = units(given["embedding"]), given["start"]
    if name == "quality":
        assert rows == best_of(given["score"], start)
    elif name == "similarity":
        assert rows == best_of((x @ units(given["target_embedding"]).T).max(axis=1), start)
    elif name == "novelty":
        assert rows == best_of(-np.maximum((x @ x[start].T).max(axis=1), 0), start)
    elif name == "coverage":
        function, open = facility_location(given["embedding"]), np.ones(60, bool)
        open[start] = False
        for row in start.tolist():
            function.take(row)
        assert rows == maximise(function, 12, open=open)[0].tolist()
    assert gains.sum() == pytest.approx(2.0)
    said = {"balanced": "balance weather"}.get(name, name)
    assert set(reasons) <= {f"{said} 100 %", "adds nothing"} and reasons[0] == f"{said} 100 %"


def test_all_terms_take_part_when_their_needs_are_given():
    _, gains, reasons = chosen(**material())
    words = ("quality", "coverage", "similarity", "novelty", "balance weather")
    assert all(any(word in reason for reason in reasons) for word in words)
    assert 2.5 < gains.sum() < 5
    assert all(sum(int(part.split()[-2]) for part in reason.split(", ")) == 100 for reason in reasons)
    for needs, absent in ((("score",), words[1:]), (("embedding", "score"), words[2:]), (("balance",), words[:4])):
        _, _, reasons = chosen(**{need: material()[need] for need in needs})
        assert not any(word in reason for reason in reasons for word in absent)


@given(st.integers(0, 99), st.sampled_from([0.1, 10.0, 1e6]), st.floats(-5, 5))
@settings(max_examples=20, deadline=None)
def test_the_scale_of_quality_changes_nothing(seed, scale, shift):
    given = material(seed=seed)
    other = given | {"score": given["score"] * scale + shift}
    assert chosen(**given)[0] == chosen(**other)[0]


def test_one_extreme_score_does_not_drown_the_others():
    given = {need: material()[need] for need in ("embedding", "score")}
    order = given["score"].copy()
    before = chosen(**given, quality=3)[0]
    given["score"][np.argmax(order)] = 1e12
    assert chosen(**given, quality=3)[0] == before and order[before].mean() > 1.5 * order.mean()


@pytest.mark.parametrize("start", [[], [0, 1, 2, 3, 4, 5]])
def test_balance_is_reached_where_it_can_be(start):
    """Over the rows one has and the budget together: 0.5, 0.3 and 0.2 of 20."""
    given = material(400)
    codes = given["balance"][0].codes
    given["start"] = np.array(start, np.int64)
    rows, _, _ = chosen(20 - len(start), **given, balanced=20)
    assert np.bincount(codes[[*rows, *start]]).tolist() == [10, 6, 4]
    quality = given["score"][rows].mean()
    assert quality > given["score"].mean()


def test_two_columns_are_two_terms():
    given = material(400)
    more = Balance("city", ["a", "b"], np.arange(400) % 2, np.array([0.9, 0.1]))
    rows, _, reasons = chosen(20, score=given["score"], balance=[*given["balance"], more], balanced=20)
    assert np.bincount(more.codes[rows]).tolist() == [18, 2]
    assert any("balance city" in reason and "balance weather" in reason for reason in reasons)


def test_terms_that_can_add_nothing():
    given = material()
    rows, gains, reasons = chosen(score=np.full(60, 3.0))
    assert rows == list(range(12)) and gains.tolist() == [0] * 12 and set(reasons) == {"adds nothing"}
    flat = chosen(embedding=given["embedding"], score=np.full(60, 3.0))
    assert flat[0] == chosen(embedding=given["embedding"])[0]
    assert flat[2][0] == "coverage 100 %"


def test_neighbours_make_coverage_sparse():
    given = {"embedding": material(200)["embedding"], "score": material(200)["score"]}
    all_of_them = chosen(**given)[0]
    assert chosen(**given, neighbours=199)[0] == all_of_them
    assert chosen(**given, neighbours=3)[0] != all_of_them


def test_coverage_counts_rows_by_their_mass():
    x, mass = material()["embedding"], np.random.default_rng(0).random(60) ** 8
    rows = chosen(embedding=x, mass=mass)[0]
    assert rows == maximise(facility_location(x, mass), 12)[0].tolist() != chosen(embedding=x)[0]


def test_the_order_of_rows_changes_nothing():
    given = material(300)
    mixed = np.random.default_rng(1).permutation(300)
    place = np.argsort(mixed)
    other = given | {"embedding": given["embedding"][mixed], "score": given["score"][mixed]}
    other["balance"] = [given["balance"][0]._replace(codes=given["balance"][0].codes[mixed])]
    other["start"] = np.sort(place[given["start"]])
    rows, gains, reasons = chosen(**given)
    found = chosen(**other)
    assert mixed[found[0]].tolist() == rows and found[2] == reasons
    np.testing.assert_allclose(found[1], gains, rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_all_rows_can_be_taken(n):
    given = {need: value for need, value in material(n + 6).items() if need not in ("start", "balance")}
    assert sorted(chosen(n, **given | {"embedding": np.ones((n, 5), np.float32), "score": np.zeros(n)})[0]) == [
        *range(n)
    ]


def test_what_is_refused():
    given = material()
    with pytest.raises(
        Refused, match=r"novelty=2: .* needs start, which is not given; give --start SELECTION, or leave"
    ):
        combine(embedding=given["embedding"], novelty=2)
    with pytest.raises(Refused, match=r"similarity=1: .* needs embedding and target_embedding"):
        combine(score=given["score"], similarity=1)
    with pytest.raises(Refused, match=r"quality=-1: .*0 or more"):
        combine(score=given["score"], quality=-1)
    for nothing in ({}, {"start": given["start"]}, {"score": given["score"], "quality": 0}):
        with pytest.raises(Refused, match="no term to maximise; give --score"):
            combine(**nothing)
    assert combine(score=given["score"], novelty=0).size == 60  # no weight is asked of what cannot be had
    with pytest.raises(Refused, match=r"neighbours=-5: it is out of range"):
        combine(embedding=given["embedding"], neighbours=-5)
    given["embedding"][7] = 0
    with pytest.raises(BadRow) as caught:
        combine(**given)
    assert caught.value.row == 7
