"""Small images for a page: as `data:` URLs of a few kB."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import TamisError
from tamis.measure.pictures import Unreadable, has_pillow, picture
from tamis.pool import Pool, Shard
from tamis.pool.images import Absent, Images

SIDE, MOST_BYTES = 96, 3500
QUALITIES = (80, 60, 40, 20)


def thumbnails(pool: Pool, shard: Shard, images: Images, rows: NDArray[np.int64]) -> dict[int, str]:
    """For each of `rows` of `shard` its image as a `data:` URL, or why it cannot be shown; nothing without Pillow.

    `rows` ascend and count from the start of the shard, which is read up to the last of them.
    """
    found: dict[int, str] = {}
    if not len(rows) or not has_pillow():
        return found
    start = 0
    for batch in pool.read_columns(shard, images.sources):
        for row in rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + batch.num_rows)].tolist():
            try:
                found[row] = thumbnail(images.content(pool, shard, batch.column(images.column)[row - start].as_py()))
            except (TamisError, Absent, Unreadable) as error:
                found[row] = str(error)
        start += batch.num_rows
        if len(found) == len(rows):
            break
    return found


def thumbnail(content: bytes) -> str:
    """An image of at most 96 × 96 pixels as a `data:` URL of PNG where that is small, else of JPEG.

    Raises `Unreadable` as `picture` does.
    """
    from PIL.Image import Resampling

    image = picture(content, least=2 * SIDE)
    image.thumbnail((SIDE, SIDE), Resampling.LANCZOS)
    saved = _saved(image, "PNG", optimize=True)
    if len(saved) <= MOST_BYTES:
        return f"data:image/png;base64,{base64.b64encode(saved).decode()}"
    for quality in QUALITIES:
        saved = _saved(image, "JPEG", quality=quality)
        if len(saved) <= MOST_BYTES:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(saved).decode()}"


def _saved(image: Any, kind: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()
