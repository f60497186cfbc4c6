"""ONNX encoders: each shape of input and output against the same computation in NumPy; models that cannot serve."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tamis.errors import Refused
from tamis.measure.images import encoder, small_image
from tamis.measure.onnx_images import IMAGENET_MEAN, IMAGENET_STD, onnx_encoder

from .made import model, noise, saved

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
IMAGES = [noise(seed, 24, 24) for seed in range(5)]
FILES = [saved(image) for image in IMAGES]


def means(path, shape=("n", 3, "h", "w"), axes=(2, 3), **more):
    """A model of means of each channel times `WEIGHTS`."""
    nodes = [("ReduceMean", ["pixels"], ["mean"], {"axes": list(axes), "keepdims": 0}),
             ("MatMul", ["mean", "weights"], ["vector"])]  # fmt: skip
    return model(path, list(shape), {"vector": [shape[0], 5]}, nodes, {"weights": WEIGHTS}, **more)


def expected(images, mean=IMAGENET_MEAN, std=IMAGENET_STD):
    return np.stack([((image / 255 - mean) / std).mean(axis=(0, 1)) @ WEIGHTS for image in images])


def close(found, wanted):
    return found.dtype == np.float32 and found.shape == wanted.shape and np.allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [(("n", 3, 24, 24), (2, 3)), (("n", 24, 24, 3), (1, 2)), (("n", "h", "w", 3), (1, 2)), ((4, 3, 24, 24), (2, 3)),
     ((1, 3, 24, 24), (2, 3)), (("n", "c", 24, 24), (2, 3))],
)  # fmt: skip
def test_inputs(folder, shape, axes):
    found = onnx_encoder(means("m.onnx", shape, axes), size=24)
    assert found.width == 5 and close(found.encode(FILES), expected(IMAGES))
    assert (found.encode(FILES) == np.concatenate([found.encode([file]) for file in FILES])).all()
    assert found.encode([]).shape == (0, 5)


def test_the_size_is_224_where_nobody_says(folder):
    found = onnx_encoder(means("m.onnx"))
    assert (found.preparation.height, found.preparation.width) == (224, 224)
    image = noise(1, 224, 224)
    assert close(found.encode([saved(image)]), expected([image]))


def test_half_precision(folder):
    nodes = [("Cast", ["pixels"], ["wide"], {"to": 1}), ("GlobalAveragePool", ["wide"], ["map"])]
    path = model("m.onnx", [1, 3, 24, 24], {"map": [1, 3, 1, 1]}, nodes, kind=onnx.TensorProto.FLOAT16)
    wanted = [((image / 255 - IMAGENET_MEAN) / IMAGENET_STD).mean(axis=(0, 1)) for image in IMAGES]
    assert np.allclose(onnx_encoder(path).encode(FILES), wanted, atol=2e-3)


def test_the_first_matrix_then_tokens_then_maps(folder):
    """Of a 3-D output the first token, of a 4-D one the mean over places; a matrix wins over both."""
    nodes = {
        "map": [("Identity", ["pixels"], ["map"])],
        "tokens": [("Reshape", ["pixels", "shape"], ["tokens"])],
        "vector": [("Flatten", ["pixels"], ["flat"]), ("Slice", ["flat", "zero", "seven", "one"], ["vector"])],
    }
    shapes = {"map": ["n", 3, 24, 24], "tokens": ["n", 24, 72], "vector": ["n", 7]}
    constants = {"shape": np.array([-1, 24, 72]), "zero": [0], "seven": [7], "one": [1]}
    ready = (IMAGES[0] / 255 - IMAGENET_MEAN) / IMAGENET_STD
    planes = ready.transpose(2, 0, 1)
    wanted = {"map": ready.mean(axis=(0, 1)), "tokens": planes.reshape(24, 72)[0], "vector": planes.ravel()[:7]}
    for names in (["map"], ["map", "tokens"], ["tokens", "map", "vector"], ["vector"]):
        every = [node for name in names for node in nodes[name]]
        path = model("m.onnx", ["n", 3, 24, 24], {name: shapes[name] for name in names}, every, constants)
        best = next(name for name in ("vector", "tokens", "map") if name in names)
        assert close(onnx_encoder(path).encode(FILES[:1]), wanted[best][None])


def test_maps_of_a_model_with_channels_last(folder):
    path = model("m.onnx", ["n", 24, 24, 3], {"map": ["n", 24, 24, 3]}, [("Relu", ["pixels"], ["map"])])
    ready = np.maximum((np.stack(IMAGES) / 255 - IMAGENET_MEAN) / IMAGENET_STD, 0)
    assert close(onnx_encoder(path).encode(FILES), ready.mean(axis=(1, 2)))


@pytest.mark.parametrize(("height", "width"), [(24, 60), (60, 24), (48, 120), (24, 26)])
def test_the_middle_is_taken(folder, height, width):
    """The model sees a square as wide as the shorter side: red beside it must not count."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = 255
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image[top : top + side, left : left + side] = (10, 200, 90)
    found = onnx_encoder(means("m.onnx"), size=24).encode([saved(image)])
    assert np.allclose(found, expected([np.full((24, 24, 3), (10, 200, 90))]), atol=0.03)


@pytest.mark.parametrize("place", ["onnx/preprocessor_config.json", "preprocessor_config.json"])
@pytest.mark.parametrize(
    ("settings", "mean", "std"),
    [
        ({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.1, 0.2, 0.3]}, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3)),
        ({"image_mean": [0.5, 0.4, 0.3]}, (0.5, 0.4, 0.3), IMAGENET_STD),
        ({"do_normalize": False}, (0, 0, 0), (1, 1, 1)),
        ({"do_normalize": False, "do_rescale": False}, (0, 0, 0), (1 / 255,) * 3),
        ({}, IMAGENET_MEAN, IMAGENET_STD),
    ],
)
def test_settings_beside_the_model(folder, place, settings, mean, std):
    (folder / "onnx").mkdir()
    path = means("onnx/m.onnx")
    (folder / place).write_text(json.dumps(settings | {"size": {"shortest_edge": 30}, "crop_size": {"height": 24}}))
    found = onnx_encoder(path)
    assert found.preparation.height == 24
    assert np.allclose(found.encode(FILES), expected(IMAGES, mean, std), rtol=1e-4, atol=1e-4)
    assert close(onnx_encoder(path, mean=(0.1,) * 3, std=(0.5,) * 3).encode(FILES), expected(IMAGES, 0.1, 0.5))


def test_the_stamp_follows_what_decides_the_vectors(folder):
    path = means("m.onnx")
    stamps = {onnx_encoder(path).stamp, onnx_encoder(path).stamp, onnx_encoder(path, mean=(0.5,) * 3).stamp}
    assert len(stamps) == 2
    (folder / "preprocessor_config.json").write_text('{"image_std": [1, 1, 2]}')
    stamps.add(onnx_encoder(path).stamp)
    assert len(stamps) == 3
    assert encoder(path) is encoder(path)
    before = encoder(path)
    means("m.onnx", ("n", 3, 24, 24))
    assert encoder(path) is not before


def test_not_finite(folder):
    path = model("m.onnx", ["n", 3, 24, 24], {"map": ["n", 3, 24, 24]}, [("Log", ["pixels"], ["map"])])
    found = onnx_encoder(path, mean=(0, 0, 0), std=(1, 1, 1))
    bright = np.full((24, 24, 3), 200, np.uint8)
    assert np.isfinite(found.encode([saved(bright)])).all()
    with pytest.raises(Refused, match=r"row 1: the model m\.onnx gives an infinity for this image"):
        found.encode([saved(bright), saved(bright * 0)], lambda index: f"row {index}")
    with pytest.raises(Refused, match="row 1: the image cannot be read"):
        found.encode([saved(bright), b"x"], lambda index: f"row {index}")


def two_inputs(path):
    pixels, other = (onnx.helper.make_tensor_value_info(name, 1, ["n", 3, 8, 8]) for name in ("pixels", "other"))
    made = onnx.helper.make_tensor_value_info("sum", 1, ["n", 3, 8, 8])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["pixels", "other"], ["sum"])], "two",
                                   [pixels, other], [made])  # fmt: skip
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)


def plain(path, shape, nodes, outputs, **more):
    model(path, shape, outputs, nodes, **more)


WRONG = {
    "no model": (lambda path: Path(path).write_bytes(b"hello"), "failed"),
    "two inputs": (two_inputs, "it has 2 inputs (pixels, other)"),
    "a text model": (lambda path: plain(path, ["n", 8], [("Relu", ["pixels"], ["y"])], {"y": ["n", 8]}),
                     "its input is tensor(float) of shape ['n', 8]"),
    "one channel": (lambda path: plain(path, ["n", 1, 8, 8], [("Relu", ["pixels"], ["y"])], {"y": ["n", 1, 8, 8]}),
                    "of shape ['n', 1, 8, 8]"),
    "one number for all": (lambda path: plain(path, ["n", 3, 8, 8],
                                              [("ReduceSum", ["pixels"], ["y"], {"keepdims": 0})], {"y": []}),
                           "it makes ()"),
    "another size": (lambda path: plain(path, ["n", 3, "h", "w"], [("Reshape", ["pixels", "s"], ["y"])],
                                        {"y": [1, 192]}, constants={"s": np.array([1, 192])}), "Reshape"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_models_that_cannot_serve(folder, name):
    make, said = WRONG[name]
    make("m.onnx")
    with pytest.raises(Refused) as refused:
        encoder("m.onnx")
    assert refused.value.kind == "encoder-unusable" and str(refused.value).startswith(
        "m.onnx: the model cannot be used"
    )
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"image_mean": [1, 2]}', '{"image_mean": 1}', '{"size": [3]}'])
def test_settings_that_cannot_be_read(folder, text):
    path = means("m.onnx")
    (folder / "preprocessor_config.json").write_text(text)
    with pytest.raises(Refused, match=r"preprocessor_config.json: .*settings cannot be read"):
        encoder(path)


def test_without_onnxruntime(folder, monkeypatch):
    path = means("m.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Refused, match=r"m.onnx: .*onnxruntime.*tamis\[images\]"):
        encoder(path)
    assert small_image(FILES).shape == (5, 172)
