"""Static vectors and the reader of their files: the formula by hand, model2vec live, and what is refused."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from tamis.errors import Refused
from tamis.measure.safetensors import read_tensors
from tamis.measure.static_vectors import open_static, vectors

from .language import documents

WORDS = "the a cat dog runs sleeps quickly".split()
TEXTS = ["the cat runs", "a dog dog sleeps", "nothing known", "", None, "unheard-of cat", "runs quickly the dog"]


def write(folder, tensors=None, config=None, words=WORDS):
    """A model of words, of which the last token is the unknown."""
    from safetensors.numpy import save_file

    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*words, "[UNK]"])}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.enable_padding(length=12)
    made.save(str(folder / "tokenizer.json"))
    given = {"embeddings": np.random.default_rng(0).normal(size=(len(words) + 1, 4)).astype(np.float32)}
    save_file(given | (tensors or {}), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config or {}))
    return str(folder)


def test_by_hand(tmp_path):
    model = open_static(write(tmp_path))
    e = model.embeddings
    found = vectors(model, TEXTS)
    nothing = np.zeros(4)
    expected = [
        (e[0] + e[2] + e[4]) / 3, (e[1] + 2 * e[3] + e[5]) / 4, nothing, nothing, nothing, e[2],
        (e[4] + e[6] + e[0] + e[3]) / 4,
    ]  # fmt: skip
    np.testing.assert_allclose(found.vectors, expected, rtol=1e-5, atol=1e-7)
    assert not found.cut.any() and found.vectors.dtype == np.float32


TYPES = [np.float32, np.float16, np.float64, np.int8]


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("parts", ["", "mapping", "mapping weights", "weights"])
def test_agrees_with_model2vec(tmp_path, kind, parts, normalise):
    peer = pytest.importorskip("model2vec").StaticModel
    rng = np.random.default_rng(len(parts))
    rows = 3 if "mapping" in parts else len(WORDS) + 1
    tensors = {"embeddings": (rng.normal(size=(rows, 5)) * 20).astype(kind)}
    if "mapping" in parts:
        tensors["mapping"] = rng.integers(0, 3, len(WORDS) + 1)
    if "weights" in parts:
        tensors["weights"] = rng.random(len(WORDS) + 1).astype(np.float32)
    folder = write(tmp_path, tensors, {"normalize": normalise, "max_length": 3})
    texts = [*(text or "" for text in TEXTS), "cat " * 9, "the the dog cat runs"]
    found = vectors(open_static(folder), texts)
    near = {"rtol": 2e-3, "atol": 2e-2} if kind is np.float16 else {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(found.vectors, peer.from_pretrained(folder).encode(texts), **near)
    assert found.cut.tolist() == [len(text.split()) > 3 or len(text) > 3 * 3 for text in texts]  # 3, the median length


def test_agrees_with_model2vec_on_learned_weights():
    peer, package = pytest.importorskip("model2vec").StaticModel, pytest.importorskip("static_model")
    folder = str(Path(package.__file__).parent / "model")
    texts = [*documents("tldr")[:150], *documents("pep")[:150], " ".join(documents("pep")[:20]), "", "漢字 é"]
    found = vectors(open_static(folder), texts)
    np.testing.assert_allclose(found.vectors, peer.from_pretrained(folder).encode(texts), atol=2e-6)
    assert found.cut[300] and found.cut[:150].sum() == 0


@given(st.lists(st.lists(st.sampled_from([*WORDS, "new"]), max_size=8).map(" ".join), max_size=9), st.integers(1, 40))
def test_blocks_and_order_change_nothing(texts, room):
    from tempfile import TemporaryDirectory

    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        model = open_static(write(folder))
        whole = vectors(model, texts).vectors
        patch.setattr("tamis.measure.static_vectors.ROOM", room)
        patch.setattr("tamis.measure.static_vectors.AT_ONCE", 2)
        np.testing.assert_allclose(vectors(model, texts).vectors, whole, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(vectors(model, texts[::-1]).vectors[::-1], whole, rtol=1e-5, atol=1e-6)


def test_all_of_a_text_can_be_read(tmp_path):
    model = open_static(write(tmp_path, config={"max_length": 2}))
    text = "a a cat cat"
    first, all_of_it = vectors(model, [text]), vectors(model._replace(most_tokens=None), [text])
    assert first.cut.tolist() == [True] and all_of_it.cut.tolist() == [False]
    np.testing.assert_allclose(first.vectors[0], model.embeddings[1], rtol=1e-6)
    np.testing.assert_allclose(all_of_it.vectors[0], model.embeddings[1:3].mean(axis=0), rtol=1e-6)


def test_arrays_are_as_the_library_wrote_them(tmp_path):
    from safetensors.numpy import save_file

    rng = np.random.default_rng(1)
    kinds = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1"]
    given = {kind: (rng.normal(size=(3, 0, 2) if kind == "f2" else (2, 5)) * 9).astype(kind) for kind in kinds}
    save_file(given | {"one": np.float32([7])}, tmp_path / "a.safetensors", metadata={"format": "np"})
    found = read_tensors(str(tmp_path / "a.safetensors"))
    assert set(found) == {*kinds, "one"}
    for kind in kinds:
        assert found[kind].dtype == given[kind].dtype and np.array_equal(found[kind], given[kind])
    with pytest.raises(ValueError, match="read-only"):
        found["f4"][0] = 1


def raw(header, numbers=b""):
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(said)) + said + numbers


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


@pytest.mark.parametrize("content", [
    b"", b"1234567", struct.pack("<Q", 1 << 40) + b"{}", raw(b"not json"), raw([1]), raw({"a": 1}), raw(entry()),
    raw(entry(offsets=(0, 4)), bytes(8)), raw(entry(shape=(-2,)), bytes(8)), raw(entry("BF16", (4,)), bytes(8)),
    raw(entry(offsets=(-8, 0)), bytes(8)), raw(entry(offsets=(8, 0)), bytes(8)), raw(entry(offsets=("a", 8)), bytes(8)),
    raw({"a": entry()["a"] | {"more": 1}}, bytes(8)), raw(b"[" * 50_000), raw(entry(shape=(1 << 62, 4)), bytes(8)),
])  # fmt: skip
def test_what_is_no_whole_file(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(Refused, match="no whole safetensors file"):
        read_tensors(str(path))


@pytest.mark.parametrize("tensors, named", [
    ({"embeddings": np.zeros(8, np.float32)}, "embeddings have shape"),
    ({"embeddings": np.zeros((5, 2), np.float32)}, "8 tokens, and it has 5 vectors"),
    ({"mapping": np.zeros(5, np.int64)}, "mapping has shape"),
    ({"mapping": np.zeros(8, np.float32)}, "mapping has shape"),
    ({"mapping": np.arange(8) + 1}, "outside of its 8"),
    ({"mapping": np.arange(8) - 1}, "outside of its 8"),
    ({"weights": np.zeros(5, np.float32)}, "weights have shape"),
])  # fmt: skip
def test_arrays_that_do_not_fit(tmp_path, tensors, named):
    with pytest.raises(Refused, match=named):
        open_static(write(tmp_path, tensors))


def test_other_refusals(tmp_path):
    folder = write(tmp_path, {"embeddings": np.full((8, 2), np.nan, np.float32)})
    with pytest.raises(Refused, match=r"document 1: .* NaN"):
        vectors(open_static(folder), ["new", "cat"])
    (tmp_path / "tokenizer.json").write_text('{"model": {}}')
    with pytest.raises(Refused, match=r"tokenizer.json"):
        open_static(folder)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(Refused, match="no tokenizer"):
        open_static(folder)
    (tmp_path / "model.safetensors").rename(tmp_path / "model.bin")
    with pytest.raises(Refused, match=r"only in model.bin"):
        open_static(folder)
