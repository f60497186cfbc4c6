"""What cases are made of: pools with one fault, broken files, methods that do not what they should."""

from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.testing import make_pool, make_target

from .running import WIDE

POOL, TARGET = make_pool(12).drop_columns(WIDE), make_target().select(["text"])
ROWS = POOL.to_pylist()
TOP = "--method top:score"
HEAD = "import numpy as np\nfrom tamis.vocabulary import Match, Order, Score\n\n"


def changed(row, **values):
    """The rows of the pool with one of them changed."""
    return [{**found, **values} if number == row else found for number, found in enumerate(ROWS)]


def column(name, values):
    """The pool with another column of this name."""
    return POOL.set_column(POOL.column_names.index(name), name, values)


def scores(value):
    """The pool with this score in its row 7."""
    return column("score", pa.array([value if row == 7 else float(row) for row in range(12)], pa.float64()))


def parquet_bytes(table):
    """A table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def own(arguments, body, kind="Score"):
    """Files of a user's method `mine`."""
    return {"own.py": f"{HEAD}def mine({arguments}) -> {kind}:\n    {body}\n"}


def failing(place, error):
    """A context manager in which the function at `place` raises `error`."""
    return lambda: mock.patch(place, side_effect=error)


WHOLE = parquet_bytes(POOL)
OFFSETS = pa.array(range(13), pa.int32()).buffers()[1]
NOT_UTF8 = pa.Array.from_buffers(pa.string(), 12, [None, OFFSETS, pa.py_buffer(b"abcdefg\xffijkl")])
BAD_LINE = b'{"id": "x", "text": "y"\n'
LINES = b"".join(b'{"id": "%d", "text": "row %d"}\n' % (row, row) for row in range(400))


def numbers(value, kind):
    """A table of one number."""
    return pa.table({"n": pa.array([value], kind)})
