"""Visits that were not: what a recorder's history says to methods is what the recorder itself says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tamis
from tamis.errors import BadRow, Refused
from tamis.methods.aum import aum
from tamis.methods.forgetting import forgetting
from tamis.ops import hardness

ROWS, EPOCHS, CLASSES = 40, 6, 3


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A recorder with its history, of a run in which an epoch has about half of the examples."""
    Recorder = pytest.importorskip("tamis.torch").Recorder
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("run") / "history"
    label = rng.integers(0, CLASSES, ROWS)
    recorder = Recorder(ROWS, CLASSES, history=folder)
    for epoch in range(EPOCHS):
        recorder.set_epoch(epoch)
        seen = np.flatnonzero((rng.random(ROWS) < 0.4) | (np.arange(ROWS) % 3 == epoch % 3))
        recorder.update(seen, rng.normal(size=(len(seen), CLASSES)) + 2 * (label[seen] == 0)[:, None], label[seen])
    return recorder.scores(), folder


def test_as_the_recorder_says(recorded):
    scores, folder = recorded
    margins, correct = (np.load(folder / f"{name}.npy") for name in ("margins", "correct"))
    assert np.isnan(margins).mean() > 0.2
    np.testing.assert_allclose(aum(margins), scores["aum"], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(forgetting(correct).scores, scores["forgetting"])
    found = forgetting(correct, never="drop")
    np.testing.assert_array_equal(found.admitted, scores["learned"] == 1)


@pytest.mark.parametrize("as_columns", [False, True])
def test_through_the_engine(recorded, as_columns):
    scores, folder = recorded
    pool = {"n": list(range(ROWS)), "aum": scores["aum"], "forgetting": scores["forgetting"]}
    use = {}
    for word in ("margins", "correct"):
        use[word] = str(folder / f"{word}.npy")
        if as_columns:
            pool[word], use[word] = list(np.load(use[word])), word
    for name, needs in (("aum", ["margins"]), ("forgetting", ["correct"])):
        found = tamis.select(pool, name, budget=ROWS, use={need: use[need] for need in needs})
        np.testing.assert_allclose(found.scores, scores[name][found.rows], rtol=1e-6, atol=1e-6)
    for name, column in (("aum-ccs", "aum"), ("forgetting-ccs", "forgetting")):
        needs = ["margins"] if column == "aum" else ["margins", "correct"]
        found = tamis.select(pool, name, budget=9, use={need: use[need] for need in needs}, cutoff=0.1)
        wanted = tamis.select(pool, "ccs", budget=9, score=column, use={"mis_score": "aum"}, cutoff=0.1)
        assert found.rows.tolist() == wanted.rows.tolist()


@given(st.lists(st.text("01.", min_size=5, max_size=5), min_size=1, max_size=30))
def test_as_counted_slowly(words):
    correct = np.array([[{"0": 0, "1": 1, ".": np.nan}[letter] for letter in word] for word in words], np.float32)
    seen = [word.replace(".", "") for word in words]
    few = [row for row, word in enumerate(seen) if len(word) < 2]
    if few:
        with pytest.raises(BadRow, match=f"its visits that are not NaN are {len(seen[few[0]])}") as error:
            forgetting(correct)
        assert error.value.row == few[0]
        return
    assert forgetting(correct).scores.tolist() == [word.count("10") if "1" in word else len(word) for word in seen]
    wanted = [np.mean([int(letter) for letter in word]) for word in seen]
    np.testing.assert_allclose(aum(correct), wanted)


def test_a_row_without_a_visit_is_named(tmp_path, monkeypatch):
    margins = np.ones((9, 4), np.float32)
    margins[2, 1:], margins[5] = np.nan, np.nan
    np.save(tmp_path / "margins.npy", margins)
    use = {"margins": str(tmp_path / "margins.npy")}
    pool = {"id": [f"r{row}" for row in range(9)]}
    with pytest.raises(Refused, match=r"row 5 .* are 0, and a mean margin needs 1 or more; take the row out"):
        tamis.select(pool, "aum", budget=3, use=use, id="id")
    monkeypatch.setattr(hardness, "BLOCK_BYTES", 2 * 8 * 4)
    with pytest.raises(BadRow) as error:
        aum(margins)
    assert error.value.row == 5
    with pytest.raises(BadRow) as error:
        forgetting(np.where(np.isnan(margins), np.nan, np.float32(1))[[0, 1, 3, 4, 2]])
    assert error.value.row == 4
    margins[5] = np.inf
    np.save(tmp_path / "margins.npy", margins)
    with pytest.raises(Refused, match="row 5: the vector holds"):
        tamis.select(pool, "aum", budget=3, use=use, id="id")
