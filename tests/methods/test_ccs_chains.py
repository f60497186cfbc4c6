"""Named chains: each is CCS on the column that its score is, also through the engine."""

import numpy as np
import pytest

import tamis
from tamis.errors import Refused
from tamis.methods.aum import aum
from tamis.methods.aum_ccs import aum_ccs
from tamis.methods.ccs import ccs
from tamis.methods.el2n import el2n
from tamis.methods.el2n_ccs import el2n_ccs
from tamis.methods.forgetting import forgetting
from tamis.methods.forgetting_ccs import forgetting_ccs
from tamis.registry import find

ROWS, CLASSES, VISITS = 300, 4, 9


@pytest.fixture(scope="module")
def seen():
    """What a model made of 300 rows."""
    rng = np.random.default_rng(0)
    label = rng.permutation(np.arange(ROWS) % CLASSES)
    logits = rng.normal(size=(ROWS, CLASSES)) + 2 * np.eye(CLASSES)[label]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    margins = rng.normal(0.5, 1, (ROWS, VISITS))
    margins[:20] = -np.abs(margins[:20])
    return {
        "probs": probs.astype(np.float32),
        "label": label,
        "margins": margins.astype(np.float32),
        "correct": (margins > 0).astype(np.float32),
        "key": rng.integers(0, 2**63, ROWS, np.uint64),
    }


def column(name, seen):
    """The score that a chain is about."""
    if name == "el2n":
        return el2n(seen["probs"], seen["label"])
    return aum(seen["margins"]) if name == "aum" else forgetting(seen["correct"]).scores


@pytest.mark.parametrize("name", ["el2n", "aum", "forgetting"])
@pytest.mark.parametrize("options", [{}, {"cutoff": 0.2}, {"cutoff": 0.1, "bins": 7}])
def test_as_ccs_on_the_column(name, options, seen):
    chain = find(f"{name}-ccs")
    found = chain.function(**{need: seen[need] for need in chain.needs}, **options)
    wanted = ccs(column(name, seen), seen["key"], aum(seen["margins"]), **options)
    np.testing.assert_array_equal(found.rows, wanted.rows)
    assert found.reasons == wanted.reasons


@pytest.mark.parametrize("name", ["el2n", "aum", "forgetting"])
def test_defaults_are_those_of_ccs(name):
    assert find(f"{name}-ccs").bind({}) == find("ccs").bind({})


def test_through_the_engine_as_the_column_is(seen, tmp_path):
    for word in ("probs", "margins", "correct"):
        np.save(tmp_path / f"{word}.npy", seen[word])
    pool = {"label": seen["label"], **{name: column(name, seen) for name in ("el2n", "aum", "forgetting")}}
    for name in ("el2n", "aum", "forgetting"):
        words = {need for need in find(f"{name}-ccs").needs if need not in ("key", "label")}
        use = {word: str(tmp_path / f"{word}.npy") for word in words}
        found = tamis.select(pool, f"{name}-ccs", budget=60, label="label", use=use, cutoff=0.1)
        wanted = tamis.select(pool, "ccs", budget=60, score=name, use={"mis_score": "aum"}, cutoff=0.1)
        assert found.rows.tolist() == wanted.rows.tolist()


def test_without_margins_nothing_is_dropped(seen):
    order = el2n_ccs(seen["probs"], seen["label"], seen["key"])
    assert sorted(order.rows.tolist()) == list(range(ROWS))
    for chain, needs in ((el2n_ccs, ("probs", "label", "key")), (forgetting_ccs, ("correct", "key"))):
        with pytest.raises(Refused, match=r"cutoff=0\.1: it needs margins"):
            chain(*(seen[need] for need in needs), cutoff=0.1)
        with pytest.raises(Refused, match="cutoff=1"):
            chain(*(seen[need] for need in needs), seen["margins"], cutoff=1)


def test_the_most_doubtful_never_come(seen):
    order = aum_ccs(seen["margins"], seen["key"], cutoff=0.25)
    gone = sorted({*range(ROWS)} - {*order.rows.tolist()})
    assert gone == sorted(np.argsort(aum(seen["margins"]))[:75].tolist())
