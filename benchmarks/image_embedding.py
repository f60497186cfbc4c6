"""How fast `small-image` is, and how weak: whether the nearest neighbours of a CIFAR-10 image have its label.

Run `TAMIS_DATA=... python benchmarks/image_embedding.py [--rows 20000] [--queries 5000]`; it writes
`results/image_embedding.md`. The weights of `small_image` were set by hand on the first 20,000 training images; here
the neighbours are training images and the queries are test images.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from common import SEED, data, write_page
from numpy.typing import NDArray

from tamis.measure.images import WEIGHTS, small_image
from tamis.measure.onnx_images import onnx_encoder
from tamis.measure.pictures import picture

NEIGHBOURS, BLOCK = 10, 500
NOTE = """Neighbours are by cosine among {rows:,} training images of CIFAR-10 (JPEG, 32 × 32), queries are {queries:,}
test images. The parts of `small-image` are shown alone too. The encoder, ResNet-20 as an ONNX file, was trained on
these labels: it shows how far `small-image` is from an encoder that suits the data, not what any encoder reaches.
Images a second are for decoding and describing the queries on one core, whose processor time is counted."""


def load(name: str, rows: int) -> tuple[list[bytes], NDArray[np.int64]]:
    """The first images and their labels."""
    table = pq.read_table(data(f"images/cifar10_jpeg_{name}.parquet")).slice(0, rows)
    return table["jpeg"].to_pylist(), table["label"].to_numpy()


def agreement(base: NDArray, queries: NDArray, base_labels: NDArray, labels: NDArray) -> tuple[float, float]:
    """The share of the ten nearest, and of the nearest, that have the label of their query."""
    base, queries = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (base, queries))
    ten = one = 0
    for start in range(0, len(queries), BLOCK):
        near = queries[start : start + BLOCK] @ base.T
        best = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        same = base_labels[best] == labels[start : start + BLOCK, None]
        ten += same.sum()
        one += same[np.arange(len(same)), np.take_along_axis(near, best, axis=1).argmax(axis=1)].sum()
    return ten / (NEIGHBOURS * len(queries)), one / len(queries)


def raw(images: list[bytes]) -> NDArray[np.float32]:
    """Pixels as they are."""
    return np.stack([np.asarray(picture(image), np.float32).ravel() for image in images]) / 255


def resnet(path: Path) -> str:
    """ResNet-20 without its last layer as an ONNX file, batch normalisation folded into the convolutions."""
    from onnx import helper, numpy_helper, save

    weights = np.load(data("models/resnet20_cifar10.npz"))
    nodes, constants = [], []

    def add(kind: str, taken: list[str], made: str, **options: object) -> str:
        nodes.append(helper.make_node(kind, taken, [made], **options))
        return made

    def constant(name: str, value: NDArray) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    def convolution(taken: str, name: str, norm: str, stride: int = 1) -> str:
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + 1e-5)
        kernel = constant(name, weights[f"{name}.weight"] * scale[:, None, None, None])
        shift = constant(norm, weights[f"{norm}.bias"] - scale * weights[f"{norm}.running_mean"])
        return add("Conv", [taken, kernel, shift], f"{name}.made", strides=[stride] * 2, pads=[1] * 4)

    for name, value in (("start", [0, 0]), ("stop", [1 << 30] * 2), ("axes", [2, 3]), ("steps", [2, 2])):
        constant(name, np.array(value, np.int64))
    found = add("Relu", [convolution("pixels", "conv1", "bn1")], "relu1")
    for layer, width in ((1, 16), (2, 32), (3, 64)):
        for block in range(3):
            name = f"layer{layer}.{block}"
            first = layer > 1 and block == 0
            made = convolution(found, f"{name}.conv1", f"{name}.bn1", 2 if first else 1)
            made = convolution(add("Relu", [made], f"{name}.relu1"), f"{name}.conv2", f"{name}.bn2")
            if first:
                half = add("Slice", [found, "start", "stop", "axes", "steps"], f"{name}.half")
                pads = constant(f"{name}.pads", np.array([0, width // 4, 0, 0, 0, width // 4, 0, 0], np.int64))
                found = add("Pad", [half, pads], f"{name}.padded")
            found = add("Relu", [add("Add", [made, found], f"{name}.sum")], f"{name}.relu2")
    add("ReduceMean", [found], "vector", axes=[2, 3], keepdims=0)
    taken = helper.make_tensor_value_info("pixels", 1, ["n", 3, 32, 32])
    graph = helper.make_graph(nodes, "resnet20", [taken], [helper.make_tensor_value_info("vector", 1, ["n", 64])],
                              constants)  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return str(path)


def timed(encode: Callable[[list[bytes]], NDArray], images: list[bytes]) -> tuple[NDArray, float]:
    """Vectors, and images a second of processor time."""
    encode(images[:100])
    start = time.process_time()
    found = encode(images)
    return found, len(images) / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=5_000)
    asked = parser.parse_args()
    (base, base_labels), (queries, labels) = load("train", asked.rows), load("test", asked.queries)
    rng = np.random.default_rng(SEED)
    table = [["vectors", "width", "images a second", "of the 10 nearest, same label", "of the nearest, same label"]]

    def row(name: str, of_base: NDArray, of_queries: NDArray, speed: str) -> None:
        ten, one = agreement(of_base, of_queries, base_labels, labels)
        table.append([name, f"{of_base.shape[1]:,}", speed, f"{ten:.1%}", f"{one:.1%}"])

    width = small_image(queries[:1]).shape[1]
    row("random numbers", rng.normal(size=(len(base), width)), rng.normal(size=(len(queries), width)), "–")
    pixels, speed = timed(raw, queries)
    row("raw pixels", raw(base), pixels, f"{speed:,.0f}")
    found, speed = timed(small_image, queries)
    of_base = small_image(base)
    starts = np.cumsum([0, 64, 32, 12, 64])
    for name, start, stop in zip(WEIGHTS, starts, starts[1:], strict=False):
        row(f"small-image, {name} alone", of_base[:, start:stop], found[:, start:stop], "–")
    row("small-image", of_base, found, f"{speed:,.0f}")
    with tempfile.TemporaryDirectory() as folder:
        encoder = onnx_encoder(resnet(Path(folder, "resnet20.onnx")))
        found, speed = timed(encoder.encode, queries)
        row("ResNet-20 by ONNX", encoder.encode(base), found, f"{speed:,.0f}")
    note = NOTE.format(rows=len(base), queries=len(queries))
    write_page("image_embedding", "Vectors of images without a model", note, table, "numpy pillow onnxruntime")


if __name__ == "__main__":
    main()
