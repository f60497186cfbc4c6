"""A pool's column of vectors that an encoder makes of its images, while rows are read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.measure.images import Encoder, encoder
from tamis.pool.base import Columns, Pool, Shard
from tamis.pool.images import Images

BLOCK = 64  # images held at a time


@dataclass(frozen=True)
class ImageVectors:
    """A derived column of vectors, `FixedSizeList<float32>[width]`.

    Args:
        images: the images, or what their `to_json` gave.
        name: the encoder's: `small-image`, or the path of an ONNX file.
        width: numbers in a vector.
        stamp: of the encoder, so that what was measured with another one is not taken for this.
    """

    images: Images
    name: str
    width: int
    stamp: str

    def __post_init__(self) -> None:
        if isinstance(self.images, dict):
            object.__setattr__(self, "images", Images(self.images["column"], self.images["how"]))

    @property
    def sources(self) -> Columns:
        """The column of the images."""
        return self.images.sources

    @property
    def encoder(self) -> Encoder:
        """The encoder itself, loaded once in a process."""
        return encoder(self.name)

    @property
    def note(self) -> str:
        """What the vectors are worth, where that must be said."""
        return self.encoder.note

    def make(self, pool: Pool, shard: Shard, batch: pa.RecordBatch, first: int) -> pa.Array:
        """The vectors of a batch; refuses the first row whose image is missing, broken or has no vector."""
        found = np.empty((batch.num_rows, self.width), np.float32)
        model = self.encoder
        for start in range(0, batch.num_rows, BLOCK):
            rows = range(start, min(start + BLOCK, batch.num_rows))
            contents = list(self.images.some(pool, shard, batch, first, rows))

            def where(index: int, before: int = first + start) -> str:
                return pool.where(shard, before + index)

            found[rows.start : rows.stop] = model.encode(contents, where)
        return pa.FixedSizeListArray.from_arrays(pa.array(found.ravel()), self.width)

    def to_json(self) -> dict[str, Any]:
        """All that makes it again."""
        known = {"name": self.name, "width": self.width, "stamp": self.stamp}
        return {"kind": "image-vectors", "images": self.images.to_json(), **known}


def image_vectors_for(pool: Pool, images: Images, name: str) -> ImageVectors:
    """The vectors that the encoder of this name makes of `images`; refuses one that is not there or cannot be used."""
    found = encoder(name)
    return ImageVectors(images, name, found.width, found.stamp)
