"""Data sets of the `datasets` package: folders that `save_to_disk` wrote, and objects in memory."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.pool import storage
from tamis.pool.storage import Found

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
GATHERED_BYTES = 256 << 20


def dataset_files(folder: str, what: str) -> list[Found] | None:
    """The data files of a saved data set in its own order; None where `folder` is none.

    Of several splits none is taken: refused, naming them.
    """
    if storage.is_file(_inside(folder, SPLITS)):
        splits = _strings(_read(folder, SPLITS).get("splits"))
        if len(splits) != 1:
            example = _inside(folder, splits[0]) if splits else folder
            raise refusals.DATASET_OF_SPLITS(folder, splits=", ".join(splits) or "none", example=example)
        folder = _inside(folder, splits[0])
    if not storage.is_file(_inside(folder, STATE)) or not storage.is_file(_inside(folder, INFO)):
        return None
    state = _read(folder, STATE)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise refusals.DATASET_WITH_INDICES(folder)
    files = state.get("_data_files")
    names = _strings([file.get("filename") if isinstance(file, dict) else None for file in files or []])
    if not isinstance(files, list) or len(names) != len(files):
        raise refusals.DATASET_UNREADABLE(_inside(folder, STATE), said="it does not list the data files")
    for name in names:
        if not storage.is_file(_inside(folder, name)):
            raise refusals.POOL_MISSING(_inside(folder, name), what=f"file of the {what}", hint="")
    return [Found(_inside(folder, name), name) for name in names]


def without_descriptions(found: list[Found]) -> list[Found]:
    """Files without the JSON files in which a saved data set describes itself."""
    folders = {one.path.rpartition("/")[0] for one in found if one.path.rpartition("/")[2] in (INFO, SPLITS)}
    names = (INFO, STATE, SPLITS)
    return [
        one for one in found if one.path.rpartition("/")[2] not in names or one.path.rpartition("/")[0] not in folders
    ]


def _inside(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _strings(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _read(folder: str, name: str) -> dict[str, Any]:
    """An object in a JSON file."""
    path = _inside(folder, name)
    try:
        with storage.open_binary(path) as file:
            found = json.loads(file.read())
    except (OSError, ValueError) as error:
        raise refusals.DATASET_UNREADABLE(path, said=error) from None
    if not isinstance(found, dict):
        raise refusals.DATASET_UNREADABLE(path, said="it is no object")
    return found


def table_of_dataset(dataset: Any, place: str) -> pa.Table:
    """The rows of a `datasets.Dataset`, not copied unless it is a shuffle or a choice of others."""
    table = dataset.data.table
    if dataset._indices is None:
        return table
    order = dataset._indices.column(0).to_numpy().astype(np.int64)
    return pa.Table.from_batches(_gathered(table, order), table.schema)


def _gathered(table: pa.Table, order: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """The rows `order` of `table`, about 256 MB at a time: `take` alone would join all chunks of it first."""
    batches = table.to_batches()
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    size = table.nbytes * len(order) // max(table.num_rows, 1)
    for rows in np.array_split(order, size // GATHERED_BYTES + 1):
        sorting = np.argsort(rows, kind="stable")
        ascending = rows[sorting]
        cuts = np.searchsorted(ascending, starts)
        pieces = [
            batch.take(pa.array(ascending[low:high] - start))
            for batch, start, low, high in zip(batches, starts, cuts, cuts[1:], strict=False)
            if high > low
        ]
        back = np.empty_like(sorting)
        back[sorting] = np.arange(len(sorting))
        yield from pa.Table.from_batches(pieces, table.schema).combine_chunks().take(pa.array(back)).to_batches()


def refuse_dataset(dataset: Any, place: str) -> pa.Table:
    """Refuse what is several data sets, or one that is not there as a whole."""
    if "Iterable" in type(dataset).__name__:
        raise refusals.DATASET_STREAMED(place)
    splits = [str(name) for name in dataset]
    example = f"dataset[{splits[0]!r}]" if splits else "one of them"
    raise refusals.DATASET_OF_SPLITS(place, splits=", ".join(splits) or "none", example=example)
