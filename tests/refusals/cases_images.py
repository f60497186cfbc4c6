"""Cases: images and their encoders."""

import base64

import pyarrow as pa

from .cases_machine import without
from .material import own
from .running import select

PIXEL = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
MINE = "--method own.py:mine"
OWN = own("embedding", "return embedding.sum(axis=1)")


def images(third, kind=None):
    """A pool of five images, the third of which is this."""
    return {"p.parquet": pa.table({"image": pa.array([PIXEL, PIXEL, third, PIXEL, PIXEL], kind)})} | OWN


def logarithm(path):
    """A model of the logarithms of numbers below 0."""
    from onnx import helper, save

    pixels, made = (helper.make_tensor_value_info(name, 1, ["n", 3, 2, 2]) for name in ("pixels", "made"))
    steps = [("Abs", "pixels", "size"), ("Neg", "size", "below"), ("Log", "below", "made")]
    nodes = [helper.make_node(kind, [taken], [given]) for kind, taken, given in steps]
    graph = helper.make_graph(nodes, "logarithm", [pixels], [made])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


CASES = {
    "no image": select(
        "image-missing", f"p.parquet {MINE}", 1, ["p.parquet, row 2", "'image'"],
        files=images(None, pa.binary()), needs=("PIL",),
    ),
    "no image file": select(
        "image-missing", f"p.parquet {MINE} --image image", 1, ["p.parquet, row 0", "'0.png'"],
        files={"p.parquet": pa.table({"image": ["0.png"] * 5})} | OWN, needs=("PIL",),
    ),
    "no image of this name": select(
        "column-missing", f"p.parquet {MINE} --image picture", 2, ["p.parquet", "'picture'", "--image", "image"],
        files=images(PIXEL),
    ),
    "numbers as images": select(
        "column-wrong-type", "--image score", 2, ["pool.jsonl", "'score'", "--image", "bytes"],
    ),
    "times as images": select(
        "column-wrong-type", "p.parquet --image image", 2, ["p.parquet", "'image' is time32[ms]", "--image"],
        files={"p.parquet": pa.table({"image": pa.array([1] * 5, pa.time32("ms"))})},
    ),
    "an image that is cut": select(
        "image-unreadable", f"p.parquet {MINE}", 1, ["p.parquet, row 2", "cannot be read"],
        files=images(PIXEL[:40]), needs=("PIL",),
    ),
    "a text as an image": select(
        "image-unreadable", f"p.parquet {MINE}", 1, ["p.parquet, row 2", "12 bytes", "JPEG"],
        files=images(b"hello, world"), needs=("PIL",),
    ),
    "no such encoder": select(
        "encoder-unknown", f"p.parquet {MINE} --represent small", 2, ["'small'", "'small-image'", "ONNX"],
        files=images(PIXEL),
    ),
    "no ONNX model": select(
        "encoder-unusable", f"p.parquet {MINE} --represent own.py", 2, ["own.py", "ONNX"],
        files=images(PIXEL), needs=("PIL", "onnxruntime"),
    ),
    "an encoder that fails on an image": select(
        "encoder-not-finite", f"p.parquet {MINE} --represent m.onnx", 1, ["p.parquet, row 0", "m.onnx", "NaN"],
        files=images(PIXEL) | {"m.onnx": logarithm}, needs=("PIL", "onnx", "onnxruntime"),
    ),
    "no Pillow": select(
        "package-missing", f"p.parquet {MINE}", 2, ["Pillow", "'tamis[images]'"],
        files=images(PIXEL), during=without("PIL"),
    ),
    "no onnxruntime": select(
        "package-missing", f"p.parquet {MINE} --represent m.onnx", 2, ["m.onnx", "onnxruntime", "'tamis[images]'"],
        files=images(PIXEL) | {"m.onnx": logarithm}, during=without("onnxruntime"), needs=("PIL", "onnx"),
    ),
}  # fmt: skip
