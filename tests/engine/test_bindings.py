"""What `--use` binds: matrices in columns and files, tags as they are stored, shares of groups, vectors of targets."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tamis

OWN = """
import numpy as np
from tamis.ops.matches import Matches
from tamis.vocabulary import Balance, Order, Tags

def sharp(probs: np.ndarray) -> Order:
    return Order(np.argsort(-probs.max(axis=1), kind="stable"), gains=probs.max(axis=1))

def tagged(tags: Tags, tag_embedding: np.ndarray | None = None) -> Order:
    said = [" ".join(tags.names[code] for code in tags.codes[a:b]) for a, b in zip(tags.starts, tags.starts[1:])]
    extra = "" if tag_embedding is None else f" {tag_embedding[:, 0].tolist()}"
    return Order(np.arange(len(said)), reasons=[one + extra for one in said])

def balanced(balance: list[Balance], key: np.ndarray) -> Order:
    said = [[f"{one.column} {one.groups} {one.shares.tolist()} {code}" for code in one.codes] for one in balance]
    return Order(np.arange(len(key)), reasons=[" | ".join(row) for row in zip(*said)])

def near(match: Matches, target: np.ndarray) -> Order:
    found = np.concatenate([block for _, block in match.blocks()]).max(axis=1)
    return Order(np.argsort(-found, kind="stable"), reasons=[f"{match.shape} {target.tolist()}"] * len(found))

def seen(embedding: np.ndarray, target_embedding: np.ndarray, count: int, start: np.ndarray, mass: np.ndarray) -> Order:
    said = f"{embedding.dtype} {target_embedding.tolist()} {count} {start.tolist()} {mass.sum()}"
    return Order(np.arange(len(embedding)), reasons=[said] * len(embedding))
"""
PROBS = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
TAGS = [["law", "tea"], [], ["tea", "tea"], None]
VECTORS = np.array([[1, 0], [0, 1], [1, 1], [3, 0]], np.float32)


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return lambda name: f"{path}:{name}"


def table(**columns):
    return pa.table({"n": [1, 2, 3, 4], "sky": ["sun", "rain", "sun", None]} | columns)


def reasons(found):
    return [one.partition(": ")[2] for one in found.table["reason"].to_pylist()]


def test_a_matrix_in_columns_or_in_a_file(own, tmp_path):
    np.save(tmp_path / "probs.npy", PROBS.astype(np.float64))
    lists = table(p=list(PROBS))
    several = table(p0=PROBS[:, 0], p1=PROBS[:, 1])
    for pool, source in ((lists, "p"), (several, "p*"), (table(), tmp_path / "probs.npy")):
        found = tamis.select(pool, own("sharp"), budget=4, use={"probs": source})
        assert found.rows.tolist() == [1, 2, 3, 0]
        assert found.gains[1] == pytest.approx(0.9)


def test_a_matrix_of_other_rows_is_refused(own, tmp_path):
    np.save(tmp_path / "probs.npy", PROBS[:3])
    with pytest.raises(tamis.Refused, match="3"):
        tamis.select(table(), own("sharp"), budget=1, use={"probs": tmp_path / "probs.npy"})
    with pytest.raises(tamis.Refused, match="--use probs"):
        tamis.select(table(), own("sharp"), budget=1)
    with pytest.raises(tamis.Refused, match="no column 'q'"):
        tamis.select(table(), own("sharp"), budget=1, use={"probs": "q"})


@pytest.mark.parametrize(
    "column",
    [TAGS, [None if one is None else json.dumps(one) for one in TAGS], ["law; tea", "", "tea;tea;", None]],
    ids=["lists", "json", "semicolons"],
)
def test_tags_however_they_are_stored(own, column):
    found = tamis.select(table(t=column), own("tagged"), budget=4, use={"tags": "t"})
    assert reasons(found) == ["law tea", "", "tea", ""]


def test_tags_in_a_csv_file(own, tmp_path):
    (tmp_path / "pool.csv").write_text("n,t\n1,law;tea\n2,\n3,tea\n")
    found = tamis.select(tmp_path / "pool.csv", own("tagged"), budget=3, use={"tags": "t"})
    assert reasons(found) == ["law tea", "", "tea"]
    with pytest.raises(tamis.Refused, match="has no tags"):
        tamis.select(table(), own("tagged"), budget=3, use={"tags": "n"})


def test_vectors_of_tags(own, tmp_path):
    path = tmp_path / "tags.parquet"
    pq.write_table(pa.table({"tag": ["tea", "more", "law"], "vector": [[1.0, 2.0], [0.0, 0.0], [5.0, 6.0]]}), path)
    use = {"tags": "t", "tag_embedding": path}
    found = tamis.select(table(t=TAGS), own("tagged"), budget=1, use=use)
    assert reasons(found) == ["law tea [5.0, 1.0]"]
    with pytest.raises(tamis.Refused, match=r"1 tags of the pool have no vector.*'ham'"):
        tamis.select(table(t=[["ham"], [], [], []]), own("tagged"), budget=1, use=use)


def test_shares_of_groups_of_two_columns(own):
    use = {"balance": "sky=sun:3,rain:3;n=1:1.0"}
    found = tamis.select(table(), own("balanced"), budget=4, use=use)
    assert reasons(found)[0] == "sky ['sun', 'rain'] [0.5, 0.5] 0 | n ['1'] [1.0] 0"
    assert [one.split(" | ")[0][-2:].strip() for one in reasons(found)] == ["0", "1", "0", "-1"]
    with pytest.raises(tamis.Refused, match="snow"):
        tamis.select(table(), own("balanced"), budget=1, use={"balance": "sky=snow:1"})


def test_matches_of_vectors_and_of_a_file(own, tmp_path):
    one, two = pa.table({"v": list(VECTORS[:1])}), pa.table({"v": list(VECTORS[1:3])})
    found = tamis.select(table(v=list(VECTORS)), own("near"), budget=4, embedding="v", target=[one, two])
    assert found.rows.tolist() == [0, 1, 3, 2] and reasons(found)[0] == "(4, 3) [0, 1, 1]"
    np.save(tmp_path / "match.npy", np.array([[0, 1], [2, 0], [0, 0], [9, 0]]))
    found = tamis.select(table(), own("near"), budget=4, use={"match": tmp_path / "match.npy"})
    assert found.rows.tolist() == [3, 1, 0, 2] and reasons(found)[0] == "(4, 2) [0, 0]"


def test_what_a_method_that_sees_all_is_given(own, tmp_path):
    pool, target = table(v=list(VECTORS.astype(np.float64))), pa.table({"v": [[7.0, 8.0]]})
    had = tamis.select(pool, "top:n", budget=1, output=tmp_path / "had")
    assert had.rows.tolist() == [3]
    found = tamis.select(pool, own("seen"), budget=2, embedding="v", target=target, start=tmp_path / "had")
    assert found.rows.tolist() == [0, 1] and found.manifest["rows"]["had_already"] == 1
    assert reasons(found)[0] == "float32 [[7.0, 8.0]] 2 [3] 4.0"
    wide = pa.table({"v": [[7.0, 8.0, 9.0]]})
    with pytest.raises(tamis.Refused, match="3 numbers and the pool's 2"):
        tamis.select(pool, own("seen"), budget=2, embedding="v", target=wide)
    with pytest.raises(tamis.Refused, match="no vectors like the pool's 'v'"):
        tamis.select(pool, own("seen"), budget=2, embedding="v", target=pa.table({"w": [1]}))
    np.save(tmp_path / "wanted.npy", np.array([[1, 2]]))
    use = {"target_embedding": tmp_path / "wanted.npy"}
    found = tamis.select(pool, own("seen"), budget=2, embedding="v", target=pa.table({"w": [1]}), use=use)
    assert reasons(found)[0].startswith("float32 [[1.0, 2.0]]")


def test_words_are_known(own):
    with pytest.raises(tamis.Refused, match="did you mean 'probs'"):
        tamis.select(table(), own("sharp"), budget=1, use={"prob": "p"})


def test_a_matrix_of_similarities_is_cut_both_ways():
    vectors = np.random.default_rng(0).gamma(1.0, size=(30, 4))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pool, rest = {"id": [f"x{row}" for row in range(30)]}, "x3,x11,x20"
    for options in ({}, {"memory": "2.5K"}):
        one = tamis.select(pool, "facility-location", budget=5, embedding=vectors, exclude=rest, **options)
        two = tamis.select(
            pool,
            "facility-location",
            budget=5,
            embedding=units @ units.T,
            exclude=rest,
            metric="precomputed",
            **options,
        )
        assert one.ids == two.ids or options  # parts of other sizes
        assert not {*two.ids} & {*rest.split(",")}
