"""Images of a pool: every shape in which they come gives the same bytes; what is missing is refused with its place."""

import base64
import io
import json
import os
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tamis.errors import Refused
from tamis.measure.image_vectors import ImageVectors, image_vectors_for
from tamis.measure.images import small_image
from tamis.pool import Pool, from_json, open_pool
from tamis.pool.images import COLUMN, Images, find_images, images_for
from tamis.pool.roles import find_roles


def png(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(np.kron(pixels, np.ones((4, 4, 1), np.uint8))).save(sink, "PNG")
    return sink.getvalue()


BYTES = [png(seed) for seed in range(12)]
NAMES = [f"pictures/{number:02}.png" for number in range(12)]
IDS = [f"picture {number}" for number in range(12)]
OWN = """from tamis.vocabulary import Score

def far(embedding) -> Score:
    return ((embedding - embedding.mean(axis=0)) ** 2).sum(axis=1)
"""


def table(values, kind=None):
    return pa.table({"id": IDS, "image": pa.array(values, kind)})


def struct(content, path):
    return [{"bytes": b, "path": p} for b, p in zip(content, path, strict=True)]


FIELDS = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NONE = [None] * 12
SHAPES = {
    "bytes": table(BYTES, pa.binary()),
    "large bytes": table(BYTES, pa.large_binary()),
    "equal bytes": table([content.ljust(400, b"\0") for content in BYTES], pa.binary(400)),
    "dictionary": table(pa.array(BYTES, pa.binary()).dictionary_encode()),
    "struct with bytes": table(struct(BYTES, NAMES), FIELDS),
    "struct with paths": table(struct(NONE, NAMES), FIELDS),
    "struct of bytes alone": table([{"bytes": content} for content in BYTES]),
    "struct of paths alone": table([{"path": name} for name in NAMES]),
    "some of both": table(struct([b if i % 2 else None for i, b in enumerate(BYTES)], NAMES), FIELDS),
    "paths": table(NAMES),
    "data": table(["data:image/png;base64," + base64.b64encode(content).decode() for content in BYTES]),
}


@pytest.fixture
def pictures(folder):
    """The files that paths name."""
    (folder / "pictures").mkdir()
    for name, content in zip(NAMES, BYTES, strict=True):
        (folder / name).write_bytes(content)
    return folder


def contents(pool, column="image"):
    pool.derived[COLUMN] = images_for(pool, column)
    found = [batch.column(0) for shard in pool.shards for batch in pool.read(shard, {COLUMN: None})]
    assert all(one.type == pa.large_binary() for one in found)
    return [content.rstrip(b"\0") for one in found for content in one.to_pylist()]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("where", ["file", "memory", "row groups"])
def test_shapes(pictures, name, where):
    found = SHAPES[name]
    if where != "memory":
        pq.write_table(found, "p.parquet", row_group_size=5 if where == "row groups" else 12)
    expected = [content.rstrip(b"\0") for content in BYTES]
    assert contents(open_pool(found if where == "memory" else "p.parquet")) == expected


@pytest.mark.parametrize("name", ["struct with paths", "paths", "data", "base64"])
def test_shapes_of_json(pictures, write, name):
    coded = [base64.b64encode(content).decode() for content in BYTES]
    rows = table(struct(coded, NONE)) if name == "base64" else SHAPES[name]
    assert contents(open_pool(write("p.jsonl", rows))) == BYTES


def test_absolute_paths_and_urls(pictures):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for name, content in zip(NAMES, BYTES, strict=True):
        store.pipe_file(f"/store/{name}", content)
    for prefix in (f"{pictures}/", "memory://store/", f"file://{pictures}/"):
        assert contents(open_pool(table([prefix + name for name in NAMES]))) == BYTES
    with store.open("/store/p.parquet", "wb") as sink:
        pq.write_table(SHAPES["paths"], sink)
    pool = open_pool("memory://store/p.parquet")
    assert contents(pool) == BYTES
    pool.files[0] = pool.files[0].__class__("memory://store/deep/p.parquet", "p.parquet", 1, "")
    assert images_for(pool, "image").content(pool, pool.shards[0], f"./../{NAMES[3]}") == BYTES[3]


def test_paths_are_looked_for_beside_their_file_and_then_in_the_pools_folder(pictures, write):
    """The same name in both folders: the nearer one is meant."""
    for place in ("a", "b/c"):
        write(f"{place}/p.jsonl", [{"image": NAMES[0]}, {"image": NAMES[1]}])
    write(f"b/c/{NAMES[0]}", b"nearer")
    os.rename("pictures", "b/pictures")
    write(f"a/{NAMES[1]}", b"beside")
    write(f"a/{NAMES[0]}", b"first")
    assert contents(open_pool("a")) == [b"first", b"beside"]
    assert contents(open_pool("b")) == [b"nearer", BYTES[1]]
    with pytest.raises(Refused, match=r"there is no file 'pictures/01\.png'"):
        contents(open_pool("b/c"))


MISSING = {
    "null": (table([*BYTES[:7], None, *BYTES[8:]], pa.binary()), "it is empty"),
    "empty": (table([*BYTES[:7], b"", *BYTES[8:]], pa.binary()), "it has no bytes"),
    "struct without both": (table(struct([*BYTES[:7], None], [None] * 8) + [None] * 4, FIELDS), "it is empty"),
    "null struct": (table([*struct(BYTES[:7], NONE[:7]), *NONE[7:]], FIELDS), "it is empty"),
    "no file": (table([*NAMES[:7], "pictures/99.png", *NAMES[8:]]), "there is no file 'pictures/99.png'"),
    "a folder": (table([*NAMES[:7], "pictures", *NAMES[8:]]), "there is no file 'pictures'"),
    "a device": (table([*NAMES[:7], "/dev/zero", *NAMES[8:]]), "there is no file '/dev/zero'"),
    "an empty path": (table([*NAMES[:7], "", *NAMES[8:]]), "it is empty"),
    "a zero in a path": (table([*NAMES[:7], "pictures/\0", *NAMES[8:]]), r"'pictures/\\x00'"),
    "no data": (table([*NAMES[:7], "data:image/png;base64", *NAMES[8:]]), "a data: URL without data"),
    "no base64": (table([*NAMES[:7], "data:image/png;base64,*", *NAMES[8:]]), "not in base64"),
    "no path but bytes": (table([*NAMES[:7], "iVBORw0K" * 37_500, *NAMES[8:]]), "there is no file '.{79}…'"),
    "no store": (table([*NAMES[:7], "nosuch://a/b.png", *NAMES[8:]]), "nosuch"),
}


@pytest.mark.parametrize("name", MISSING)
@pytest.mark.parametrize("vectors", [False, True])
def test_what_is_missing_is_refused_with_its_place(pictures, name, vectors):
    found, said = MISSING[name]
    pq.write_table(found, "p.parquet", row_group_size=5)
    pool = open_pool("p.parquet")
    if vectors:
        pool.derived[COLUMN] = image_vectors_for(pool, images_for(pool, "image"), "small-image")
    with pytest.raises(Refused, match=said) as refused:
        [*pool.read(pool.shards[0], {COLUMN: None})] if vectors else contents(pool)
    if name != "no store":
        assert str(refused.value).startswith("p.parquet, row 7: column 'image' has no image here")


def test_a_broken_image_is_refused_with_its_place(pictures, write):
    (pictures / NAMES[7]).write_bytes(BYTES[7][:90])
    path = write("p.jsonl", [{"image": name} for name in NAMES])
    path.write_text("\n" + path.read_text())
    pool = open_pool("p.jsonl")
    pool.derived["embedding"] = image_vectors_for(pool, images_for(pool, "image"), "small-image")
    with pytest.raises(Refused, match=r"p\.jsonl, line 9: the image cannot be read"):
        [*pool.read(pool.shards[0], {"embedding": None})]


@pytest.mark.parametrize("value", [{"file": "a.png"}, {"path": 3}, {"bytes": "*"}, {"bytes": [1]}, {"path": "no.png"}])
def test_objects_of_another_kind(pictures, write, value):
    """Also where another column is mixed, so that Arrow makes nothing of the lines."""
    rows = [{"image": {"path": NAMES[0]}, "n": "x"}, {"image": value, "n": 1}]
    pool = open_pool(write("p.jsonl", rows))
    with pytest.raises(Refused, match=r"p\.jsonl, line 2: column 'image' has no image here"):
        contents(pool)


def test_vectors_through_a_worker(pictures):
    """What a process makes of the plan's description: the vectors of all shapes are those of the bytes."""
    expected = small_image(BYTES)
    for name in ("bytes", "struct with bytes", "paths"):
        pq.write_table(SHAPES[name], "p.parquet", row_group_size=5)
        pool = open_pool("p.parquet")
        pool.derived["embedding"] = image_vectors_for(pool, images_for(pool, "image"), "small-image")
        again = from_json(json.loads(json.dumps(pool.to_json())))
        assert isinstance(again, Pool) and isinstance(again.derived["embedding"], ImageVectors)
        assert again.derived["embedding"] == pool.derived["embedding"]
        batches = [batch for shard in again.shards for batch in again.read(shard, {"id": None, "embedding": None})]
        assert batches[0].column(1).type == pa.list_(pa.float32(), 172)
        found = np.concatenate([batch.column(1).flatten().to_numpy().reshape(-1, 172) for batch in batches])
        assert (found == expected).all()
        assert [value for batch in batches for value in batch.column(0).to_pylist()] == IDS


@pytest.mark.parametrize(
    ("column", "values", "how"),
    [("jpeg", BYTES, "bytes"), ("img", struct(BYTES, NAMES), "struct"), ("picture", struct(BYTES, NAMES), "struct"),
     ("image", NAMES, None), ("image", [{"x": 1}] * 12, None), ("image", [1] * 12, None),
     ("photo", BYTES, None)],
)  # fmt: skip
def test_guesses(column, values, how):
    pool = open_pool(pa.table({"id": IDS, column: values}))
    roles = find_roles(pool.schema, {}, "pool")
    find_images(pool, roles, "pool")
    assert pool.derived == ({COLUMN: Images(column, how)} if how else {})
    assert ("image" in roles) == bool(how)


@pytest.mark.parametrize(
    ("values", "kind"), [([1] * 12, "integer"), ([[1]] * 12, "list"), ([{"x": 1}] * 12, "struct<x: int64>")]
)
def test_a_column_of_another_type_is_refused(values, kind):
    pool = open_pool(pa.table({"id": IDS, "image": values}))
    with pytest.raises(Refused, match=re.escape(f"pool: column 'image' is {kind}; --image needs bytes, text (paths")):
        find_images(pool, find_roles(pool.schema, {"image": "image"}, "pool"), "pool")


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_selection_from_every_shape(pictures, run, write, name):
    """An own method over the small image, through the command line, against the vectors themselves."""
    write("own.py", OWN)
    pq.write_table(SHAPES[name], "p.parquet", row_group_size=5)
    words = ["--method", "own.py:far", "--represent", "small-image", "--image", "image", "--budget", 5, "-o", "out"]
    told = run("select", "p.parquet", *words)
    assert told.code == 0, told.err
    vectors = small_image(BYTES).astype(np.float64)
    best = np.argsort(-((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1))[:5]
    assert pq.read_table("out/selection.parquet")["id"].to_pylist() == [IDS[row] for row in best]


@pytest.mark.parametrize("shape", ["parquet", "folder", "object", "undecoded", "paths"])
def test_hugging_face_datasets(pictures, shape):
    """Its image feature, as a file, a saved folder and an object; the pixels are those of the files."""
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_dict({"id": IDS, "image": [str(pictures / name) for name in NAMES]})
    made = made.cast_column("image", datasets.Image(decode=shape != "undecoded"))
    if shape != "paths":
        made = made.map(lambda row: row, features=made.features)
    if shape == "parquet":
        made.to_parquet("p.parquet")
    if shape == "folder":
        made.save_to_disk("saved")
    pool = open_pool({"parquet": "p.parquet", "folder": "saved"}.get(shape, made))
    assert contents(pool) == BYTES


def test_places_beyond_the_first_batch(folder):
    """200 images in batches of 64, vectors in blocks of 64: each has its own vector, and a broken one its own row."""
    images = [png(row % 12) + bytes([row]) * 40_000 for row in range(200)]
    pool = pa.table({"image": images})
    pq.write_table(pool, "p.parquet", compression="none")
    expected = small_image(images)
    for source in ("p.parquet", pool):
        opened = open_pool(source)
        opened.derived["embedding"] = image_vectors_for(opened, images_for(opened, "image"), "small-image")
        batches = list(opened.read(opened.shards[0], {"embedding": None}))
        assert len(batches) > 1 or source is pool
        assert (np.concatenate([batch.column(0).flatten() for batch in batches]) == expected.ravel()).all()
    for row, content, said in ((70, b"x", "cannot be read"), (199, b"x", "cannot be read"), (150, None, "is empty")):
        pq.write_table(
            pa.table({"image": [*images[:row], content, *images[row + 1 :]]}), "q.parquet", compression="none"
        )
        opened = open_pool("q.parquet")
        opened.derived["embedding"] = image_vectors_for(opened, images_for(opened, "image"), "small-image")
        with pytest.raises(Refused, match=rf"q\.parquet, row {row}: .*{said}"):
            [*opened.read(opened.shards[0], {"embedding": None})]
