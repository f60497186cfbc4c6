"""Cases: pools in memory, and saved data sets."""

import json

import numpy as np
import pyarrow as pa

import tamis

from .running import call, select


def table(kind, pool, named, needs=()):
    """A case of a pool in memory, or of what makes one."""
    return call(kind, lambda: tamis.select(pool() if callable(pool) else pool, "random", budget=1), named, needs=needs)


def lazy():
    import polars

    return polars.LazyFrame({"a": [1]})


def streamed():
    import datasets

    return datasets.Dataset.from_dict({"a": [1]}).to_iterable_dataset()


class Stream:
    """Says that it exports Arrow, and does not."""

    def __arrow_c_stream__(self, requested_schema=None):
        raise ValueError("nothing to export")


def saved(kind, named, **files):
    """A case of a saved data set with these files."""
    made = {f"data/{name}.json": json.dumps(content) for name, content in files.items()}
    return select(kind, "data", 2, ["data", *named], files=made)


CASES = {
    "rows in a list": table("rows-in-list", [{"a": 1}], ["pyarrow.Table.from_pylist"]),
    "columns of two lengths": table("column-of-other-length", {"a": [1, 2], "b": [1]}, ["'b'", "1 values", "2"]),
    "a name that is no text": table("column-name-not-text", {3: [1]}, ["3", "int"]),
    "a column of anything": table("column-unusable", {"a": [object()]}, ["'a'"]),
    "an array of numbers": table("array-without-name", np.ones(3), ["(3,)", "dict of columns"]),
    "an Arrow array": table("column-alone", pa.array([1]), ["'score'"]),
    "a stream that fails": table("table-unusable", Stream(), ["nothing to export"]),
    "a lazy frame": table("frame-is-lazy", lazy, ["collect()"], ("polars",)),
    "a streamed data set": table("dataset-streamed", streamed, ["dataset.take"], ("datasets",)),
    "a data set of splits": saved(
        "dataset-of-splits", ["test, train", "data/test"], dataset_dict={"splits": ["test", "train"]}
    ),
    "a data set with indices": saved(
        "dataset-with-indices",
        ["flatten_indices"],
        state={"_indices_data_files": [{"filename": "i.arrow"}]},
        dataset_info={},
    ),
    "a data set that lists nothing": saved("dataset-unreadable", ["state.json"], state={}, dataset_info={}),
}
