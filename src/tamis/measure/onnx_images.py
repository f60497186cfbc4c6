"""Image encoders as ONNX files: what they take is read from the model, and from the settings beside it."""

import json
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.measure.images import Floats, Where, decoded, numbered
from tamis.pool import storage
from tamis.pool.base import digest, first_line

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
USUAL_SIZE = 224
SETTINGS = "preprocessor_config.json"
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True)
class Preparation:
    """How pixels are made ready: `(value / 255 - mean) / std` for each channel, and the height and width wanted."""

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    height: int = USUAL_SIZE
    width: int = USUAL_SIZE


@dataclass
class OnnxEncoder:
    """A loaded model: `channels_last` says how it takes images, `rows` how many at a time, `output` what is taken."""

    name: str
    stamp: str
    session: Any
    preparation: Preparation
    dtype: Any
    channels_last: bool
    rows: int
    output: int = 0
    width: int = 0
    note: str = field(default="", init=False)

    def encode(self, images: Sequence[bytes], where: Where = numbered) -> Floats:
        """`float32 [n, width]`; refuses the first image that cannot be read or has no finite vector.

        Images go through the model one by one unless it takes another number only: what a model makes of an image in
        a batch depends, in the last bits, on the batch, and a pool must not depend on how it is cut into files.
        """
        found = np.empty((len(images), self.width), np.float32)
        for start in range(0, len(images), self.rows):
            block = [self.pixels(images[i], where, i) for i in range(start, min(start + self.rows, len(images)))]
            batch = np.zeros((self.rows, *block[0].shape), self.dtype)
            batch[: len(block)] = block
            found[start : start + len(block)] = self.run(batch)[: len(block)]
        wrong = ~np.isfinite(found).all(axis=1)
        if wrong.any():
            index = int(np.argmax(wrong))
            value = "NaN" if np.isnan(found[index]).any() else "an infinity"
            raise refusals.ENCODER_NOT_FINITE(where(index), name=self.name, found=value)
        return found

    def pixels(self, content: bytes, where: Where, index: int) -> NDArray[Any]:
        """An image as the model takes it: its middle, scaled so that it just fills the size wanted."""
        from PIL import ImageOps
        from PIL.Image import Resampling

        made = self.preparation
        size = made.width, made.height
        image = ImageOps.fit(decoded(content, where, index, least=max(size)), size, Resampling.BICUBIC)
        values = np.asarray(image, np.float32) / 255
        values = (values - np.array(made.mean, np.float32)) / np.array(made.std, np.float32)
        return values if self.channels_last else values.transpose(2, 0, 1)

    def run(self, batch: NDArray[Any]) -> Floats:
        """The model's vectors of a batch: rows of a matrix, else first tokens, else means over places."""
        found = np.asarray(self.session.run(None, {self.session.get_inputs()[0].name: batch})[self.output], np.float32)
        if found.ndim == 4:
            return np.asarray(found.mean(axis=(1, 2) if self.channels_last else (2, 3)))
        return found[:, 0] if found.ndim == 3 else found


def onnx_encoder(
    path: str, mean: Sequence[float] | None = None, std: Sequence[float] | None = None, size: int | None = None
) -> OnnxEncoder:
    """The encoder in an ONNX file, which gives the same vectors in every process and batch; one thread.

    It must take one input of float32 or float16, images as NCHW or NHWC with 3 channels; its own height and width win
    over `size`, which is 224 if nobody says. Its vector is the first 2-D output, else the first token of the first 3-D
    one, else the mean over places of the first 4-D one.

    Args:
        path: the file, or its URL.
        mean: subtracted from R, G and B in [0, 1]; ImageNet's unless `preprocessor_config.json` beside it says.
        std: divides them then, with the same default.
        size: height and width for a model that takes any.

    Raises `Refused` for another file or model, and where `onnxruntime` or Pillow is missing.
    """
    from tamis.measure.pictures import need_pillow

    need_pillow(path)
    session = _session(path)
    said = settings(path) | {k: v for k, v in (("mean", mean), ("std", std), ("size", size)) if v is not None}
    rows, height, width, channels_last = _shape(path, session)
    asked = int(said.get("size", USUAL_SIZE))
    made = Preparation(_three(said.get("mean", IMAGENET_MEAN)), _three(said.get("std", IMAGENET_STD)),
                       height or asked, width or asked)  # fmt: skip
    stamp = digest([storage.stamp(path), repr(made)])
    found = OnnxEncoder(path, stamp, session, made, TYPES[session.get_inputs()[0].type], channels_last, rows or 1)
    _try_out(found)
    return found


def _session(path: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise refusals.PACKAGE_MISSING(path, package="onnxruntime", extra="images") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        model: Any = path
        if storage.is_url(path):
            with storage.open_binary(path) as file:
                model = file.read()
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has an error class for every status
        raise refusals.ENCODER_UNUSABLE(path, said=_short(error)) from None


def _shape(path: str, session: Any) -> tuple[int, int, int, bool]:
    """Rows, height and width that the model takes, 0 for any, and whether channels come last."""
    taken = session.get_inputs()
    if len(taken) != 1:
        names = ", ".join(one.name for one in taken) or "none"
        raise refusals.ENCODER_UNUSABLE(path, said=f"it has {len(taken)} inputs ({names})")
    kind, shape = taken[0].type, [size if isinstance(size, int) else 0 for size in taken[0].shape]
    said = f"its input is {kind} of shape {list(taken[0].shape)}"
    if kind not in TYPES or len(shape) != 4:
        raise refusals.ENCODER_UNUSABLE(path, said=said)
    if shape[1] in (0, 3) and not (shape[1] == 0 and shape[3] == 3):
        return shape[0], shape[2], shape[3], False
    if shape[3] == 3:
        return shape[0], shape[1], shape[2], True
    raise refusals.ENCODER_UNUSABLE(path, said=said)


def _try_out(found: OnnxEncoder) -> None:
    """Run the model once on nothing, to see that it runs, which output has the vectors, and how wide they are."""
    made = found.preparation
    shape = (made.height, made.width, 3) if found.channels_last else (3, made.height, made.width)
    name = found.session.get_inputs()[0].name
    try:
        outputs = found.session.run(None, {name: np.zeros((found.rows, *shape), found.dtype)})
    except Exception as error:
        raise refusals.ENCODER_UNUSABLE(found.name, said=_short(error)) from None
    shapes = [np.shape(one) for one in outputs]
    numbers = [getattr(one, "dtype", np.dtype(object)).kind == "f" for one in outputs]
    for dimensions in (2, 3, 4):
        for index, one in enumerate(shapes):
            if len(one) == dimensions and one[0] == found.rows and min(one) > 0 and numbers[index]:
                found.output = index
                found.width = int(found.run(np.zeros((found.rows, *shape), found.dtype)).shape[1])
                return
    said = f"of {found.rows} images it makes {' and '.join(map(str, shapes)) or 'nothing'}"
    raise refusals.ENCODER_UNUSABLE(found.name, said=said)


def settings(path: str) -> dict[str, Any]:
    """`mean`, `std` and `size` as `preprocessor_config.json` beside the model, or its folder `onnx`, has them."""
    folder = posixpath.dirname(path)
    above = [posixpath.dirname(folder)] if posixpath.basename(folder) == "onnx" else []
    for place in (posixpath.join(found, SETTINGS) for found in (folder, *above)):
        if storage.is_file(place):
            try:
                with storage.open_binary(place) as file:
                    return _settings(json.load(file))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise refusals.ENCODER_UNUSABLE(place, said=f"its settings cannot be read: {error}") from None
    return {}


def _settings(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if value.get("do_normalize", True):
        found = {name: _three(value[f"image_{name}"]) for name in ("mean", "std") if f"image_{name}" in value}
    else:
        found = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    if not value.get("do_rescale", True):
        found = {"mean": _three(m / 255 for m in found.get("mean", IMAGENET_MEAN)),
                 "std": _three(s / 255 for s in found.get("std", IMAGENET_STD))}  # fmt: skip
    size = value.get("crop_size") or value.get("size")
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    return found | ({"size": int(size)} if size else {})


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _short(error: Exception) -> str:
    """What the runtime says, without its codes and paths."""
    return first_line(error).rpartition(" : ")[2][:200].strip()
