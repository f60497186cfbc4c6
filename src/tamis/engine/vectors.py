"""Where the vectors of a pool come from: its columns, a file beside it, or an encoder of its images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.parts import BLOCK_BYTES, blank
from tamis.measure.text_measures import is_of_texts
from tamis.pool import Pool
from tamis.pool.roles import Role
from tamis.pool.storage import refuse_url
from tamis.registry import nearest

COLUMN = "embedding"
GUESSES = ("embedding", "embeddings", "emb", "vector", "features")
SMALL_IMAGE = "small-image"


@dataclass(frozen=True)
class VectorFile:
    """`float [n, d]` in a `.npy` file, or under a name in a `.npz` file; with `holes` NaN is a value as well."""

    path: str
    key: str = ""
    holes: bool = False

    def open(self) -> NDArray[Any]:
        """The array: a `.npy` file is memory-mapped, an `.npz` file is read."""
        try:
            if Path(self.path).suffix == ".npy":
                found = np.load(self.path, mmap_mode="c", allow_pickle=False)  # kernels want what can be written
            else:
                found = self._of_archive()
        except (OSError, ValueError, EOFError) as error:
            raise refusals.VECTOR_FILE_UNREADABLE(self.path, said=" ".join(str(error).split())[:120]) from None
        if found.ndim != 2 or found.dtype.kind not in "fiub" or not found.size:
            raise refusals.VECTOR_FILE_SHAPE(self.path, shape=list(found.shape), dtype=found.dtype)
        return np.asarray(found)

    def _of_archive(self) -> NDArray[Any]:
        with np.load(self.path, allow_pickle=False) as arrays:
            names = list(arrays.files)
            if not self.key and len(names) == 1:
                return np.asarray(arrays[names[0]])
            if self.key not in names:
                known = ", ".join(f"{self.path}:{name}" for name in names) or "none"
                if not self.key:
                    raise refusals.VECTOR_FILE_OF_SEVERAL(self.path, known=known)
                near = nearest(self.key, dict.fromkeys(names))
                raise refusals.VECTOR_FILE_KEY(self.path, key=self.key, near=near, known=known)
            return np.asarray(arrays[self.key])

    def fits(self, rows: int | None) -> NDArray[Any]:
        """The array, if it has one vector for each of the pool's rows, where their number is known."""
        found = self.open()
        if rows is not None and len(found) != rows:
            raise refusals.VECTOR_FILE_ROWS(self.path, found=len(found), rows=rows)
        return found

    def of_pool(self, rows: int) -> NDArray[Any]:
        """The array, if it has one vector for each of the pool's rows, finite but for holes."""
        found = self.fits(rows)
        step = max(1, BLOCK_BYTES // max(found.shape[1] * found.itemsize, 1))
        for start in range(0, rows, step):
            with np.errstate(over="ignore"):  # what float32 cannot hold is an infinity to methods
                block = found[start : start + step].astype(np.float32, copy=False)
            bad = (np.isinf(block) if self.holes else ~np.isfinite(block)).any(axis=1)
            if bad.any():
                raise refusals.VECTOR_NOT_FINITE(f"{self.path}, row {start + int(bad.argmax())}")
        return found


def vector_file(given: str, schema: Mapping[str, str], flag: str = "--embedding") -> VectorFile | None:
    """The file that an `--embedding` (or another `flag`) names, if it names one rather than columns."""
    path, colon, key = given.rpartition(":")
    if not (colon and path.endswith(".npz")):
        path, key = given, ""
    if given in schema or Path(path).suffix not in (".npy", ".npz"):
        return None
    refuse_url(path, "a file of vectors, which is read at random,", "download it, and name the copy", flag)
    if not Path(path).is_file():
        raise refusals.VECTOR_FILE_MISSING(f"{flag} {given}", path=path)
    return VectorFile(path, key)


def find_vectors(
    pool: Pool, roles: dict[str, Role], given: str | None, represent: str | None, needed: str
) -> VectorFile | None:
    """Give `roles` an embedding if one is asked for or `needed` (by the method of that name), and the pool its column.

    An encoder named by `represent`, or without one the small image, makes vectors of images. Those of texts are made
    when it is known which rows may be chosen.
    """
    if represent and is_of_texts(represent, "image" in roles):
        if given is not None:
            raise refusals.REPRESENT_WITH_VECTORS(f"--represent {represent}", given=f"--embedding {given}")
        return None
    if represent and "image" not in roles:
        raise refusals.REPRESENT_WITHOUT_IMAGES(f"--represent {represent}")
    if given is None and not represent and needed:
        lists = [name for name in GUESSES if pool.schema.get(name) == "list"]
        given = lists[0] if lists else None
        if given:
            roles[COLUMN] = Role(given, "guessed")
    if given is not None:
        roles.setdefault(COLUMN, Role(given, "given"))
        if (file := vector_file(given, pool.schema)) is not None:
            file.fits(pool.rows)
            return file
        from tamis.pool.vectors import vectors_for

        pool.derived[COLUMN] = vectors_for(pool, given)
    elif "image" in roles and (needed or represent):
        from tamis.measure.image_vectors import image_vectors_for
        from tamis.pool.images import COLUMN as IMAGE
        from tamis.pool.images import Images

        encoder = represent or SMALL_IMAGE
        images = pool.derived[IMAGE]
        assert isinstance(images, Images)
        pool.derived[COLUMN] = image_vectors_for(pool, images, encoder)
        roles[COLUMN] = Role(encoder, "given" if represent else "measured")
    return None


def assemble(parts: list[Path], rows: int, work: Path, name: str) -> NDArray[np.float32]:
    """The vectors that the scan left beside its parts, as one array: memory-mapped where it is large."""
    pieces = [np.load(part, mmap_mode="c", allow_pickle=False) for part in parts if part.stat().st_size > 128]
    if len(pieces) == 1:
        return np.asarray(pieces[0])
    whole = blank(work, name, (rows, pieces[0].shape[1]), np.float32)  # one width: the column was planned with it
    start = 0
    for piece in pieces:
        whole[start : start + len(piece)] = piece
        start += len(piece)
    return whole
