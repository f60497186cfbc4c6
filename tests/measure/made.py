"""Image files and tiny ONNX models made for tests."""

import io

import numpy as np
from PIL import Image


def saved(pixels, kind="PNG", mode=None, **options):
    """The bytes of an image file with these pixels."""
    sink = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(sink, kind, **options)
    return sink.getvalue()


def noise(seed=0, height=32, width=32):
    """Random pixels in RGB with some large shapes, `uint8 [height, width, 3]`."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3))
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return ((coarse[rows][:, columns] + rng.integers(0, 256, (height, width, 3))) // 2).astype(np.uint8)


def model(path, shape, outputs, nodes, constants=(), kind=None):
    """An ONNX file with one input called `pixels`; `outputs` maps names to shapes, `constants` to arrays."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    kind = TensorProto.FLOAT if kind is None else kind
    given = [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()]
    taken = [helper.make_tensor_value_info("pixels", kind, shape)]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    graph = helper.make_graph([helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
                              "tiny", taken, made, given)  # fmt: skip
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(found)
    save(found, str(path))
    return str(path)
