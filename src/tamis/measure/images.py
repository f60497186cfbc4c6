"""Vectors from images: the embedded `small-image`, which needs no model, or any ONNX encoder."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.measure.pictures import Unreadable, need_pillow, picture
from tamis.pool import storage

SMALL_IMAGE = "small-image"
SIDE, GREY_CELLS, COLOUR_CELLS, LEVELS = 32, 8, 4, 4
WEIGHTS = {"grey": 0.4, "colour": 0.25, "statistics": 0.1, "histogram": 0.25}
FLAT = np.float32(0.02)  # cells that differ by less are noise of the encoding
BLOCK = 256

Floats: TypeAlias = NDArray[np.float32]
Where: TypeAlias = Callable[[int], str]
"""The place of image number i, for a message."""


def numbered(index: int) -> str:
    """The place of an image that is known by its number alone."""
    return f"image {index}"


class Encoder(Protocol):
    """Makes a vector of each image.

    `stamp` changes when the vectors may; `note` says what the vectors are worth, or is empty.
    """

    name: str
    width: int
    stamp: str
    note: str

    def encode(self, images: Sequence[bytes], where: Where = numbered) -> Floats:
        """`float32 [n, width]` for the bytes of n image files; refuses the first that is no image, at `where`."""


def encoder(name: str) -> Encoder:
    """The encoder called `small-image`, or that of an ONNX file; refuses what is neither."""
    if name == SMALL_IMAGE:
        need_pillow(name)
        return SmallImage()
    if not storage.is_file(name):
        from tamis.registry import nearest

        raise refusals.ENCODER_UNKNOWN(repr(name), near=nearest(name, {SMALL_IMAGE: None}))
    return _onnx(name, storage.stamp(name))


@lru_cache(4)
def _onnx(path: str, stamp: str) -> Encoder:
    """A loaded model, kept as long as its file stays the same."""
    from tamis.measure.onnx_images import onnx_encoder

    return onnx_encoder(path)


class SmallImage:
    """The embedded encoder: see `small_image`."""

    name = SMALL_IMAGE
    width = GREY_CELLS**2 + 2 * COLOUR_CELLS**2 + 12 + LEVELS**3
    stamp = "small-image 1"
    note = (
        "images are compared by where they are light and which colours they have, not by what they show: small-image "
        "is a weak stand-in for an encoder, which --represent MODEL.onnx brings"
    )

    def encode(self, images: Sequence[bytes], where: Where = numbered) -> Floats:
        """As `small_image`."""
        return small_image(images, where)


def small_image(images: Sequence[bytes], where: Where = numbered) -> Floats:
    """Layout and colours of each image as a vector, `float32 [n, 172]`, without a model. It is weak.

    It finds copies, crops of one scene and images of one colour. It does not know what an image shows: of the nearest
    neighbours of CIFAR-10 images 34 in 100 have the same label, where chance finds 10, raw pixels 27 and a network
    trained on these labels 78 (`benchmarks/image_embedding.py`).

    An image becomes 32 × 32 pixels in RGB by averaging boxes (its shape is not kept), with values in [0, 1]. Of it
    there are four parts, each of length 1, times the root of its weight w:

    - grey (w = 0.4): means of 8 × 8 cells of 0.299 R + 0.587 G + 0.114 B, less their mean, over their length;
    - colour (w = 0.25): means of 4 × 4 cells of R − G and of (R + G) / 2 − B, over their length;
    - statistics (w = 0.1): √m, √(1 − m), √2s and √(1 − 2s) of the mean m and the deviation s of R, G and B, over √6;
    - histogram (w = 0.25): the root of the share of pixels in each of 4 × 4 × 4 boxes of RGB.

    Where cells differ by less than 0.02 the first two are shorter than 1, so that noise does not count. The product of
    two vectors is hence the weighted mean of four cosines. `O(pixels)` time, as long as decoding takes.

    Raises `Refused` for what is no image, with the place that `where` gives it, and where Pillow is missing.
    """
    need_pillow(SMALL_IMAGE)
    found = np.empty((len(images), SmallImage.width), np.float32)
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        pixels = [_small(content, where, start + index) for index, content in enumerate(block)]
        found[start : start + len(block)] = describe(np.stack(pixels))
    return found


def _small(content: bytes, where: Where, index: int) -> NDArray[np.uint8]:
    from PIL.Image import Resampling

    image = decoded(content, where, index, least=4 * SIDE)
    return np.asarray(image.resize((SIDE, SIDE), Resampling.BOX))


def decoded(content: bytes, where: Where, index: int, least: int) -> Any:
    """As `picture`, with the refusal of what is none."""
    try:
        return picture(content, least)
    except Unreadable as error:
        raise refusals.IMAGE_UNREADABLE(where(index), said=error) from None


def describe(pixels: NDArray[np.uint8]) -> Floats:
    """The formula of `small_image` on `uint8 [n, 32, 32, 3]`."""
    planes: Floats = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
    red, green, blue = planes[:, 0], planes[:, 1], planes[:, 2]
    grey = _cells(np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue, GREY_CELLS)
    colour = [_cells(red - green, COLOUR_CELLS), _cells((red + green) / np.float32(2) - blue, COLOUR_CELLS)]
    flat = planes.reshape(len(pixels), 3, -1)
    mean, double = flat.mean(axis=2, dtype=np.float64), 2 * flat.std(axis=2, dtype=np.float64)
    statistics = np.concatenate([mean, 1 - mean, double, 1 - double], axis=1).astype(np.float32)
    parts = {
        "grey": _unit(grey - grey.mean(axis=1, keepdims=True), FLAT * GREY_CELLS),
        "colour": _unit(np.concatenate(colour, axis=1), FLAT * COLOUR_CELLS),
        "statistics": np.sqrt(np.maximum(statistics, 0) / 6),
        "histogram": np.sqrt(_histogram(pixels)),
    }
    return np.concatenate([part * np.float32(math.sqrt(WEIGHTS[name])) for name, part in parts.items()], axis=1)


def _cells(plane: Floats, cells: int) -> Floats:
    """Means of `cells` × `cells` equal squares of each `[32, 32]`, as `[n, cells²]`."""
    step = SIDE // cells
    bands = plane.reshape(len(plane), cells, step, SIDE).mean(axis=2)
    return np.asarray(bands.reshape(len(plane), cells, cells, step).mean(axis=3).reshape(len(plane), -1))


def _unit(vectors: Floats, least: np.float32) -> Floats:
    """Vectors over their length, or over `least` if they are shorter."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), least))


def _histogram(pixels: NDArray[np.uint8]) -> Floats:
    """The share of pixels in each box of colours, `[n, 64]`."""
    level = (pixels // (256 // LEVELS)).astype(np.int64)
    box = (level[..., 0] * LEVELS + level[..., 1]) * LEVELS + level[..., 2]
    n, boxes = len(pixels), LEVELS**3
    counts = np.bincount((box.reshape(n, -1) + boxes * np.arange(n)[:, None]).ravel(), minlength=n * boxes)
    return counts.reshape(n, boxes).astype(np.float32) / np.float32(SIDE**2)
