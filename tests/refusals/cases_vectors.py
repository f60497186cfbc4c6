"""Cases: embeddings of columns and files, images and their encoders."""

import io

import numpy as np

import tamis

from .material import POOL, own
from .running import call, select

MINE = own("embedding", "return Order(np.arange(len(embedding)))", "Order")
OWN = "--method own.py:mine"


def npy(values, **named):
    """An array as the bytes of a `.npy` file, or several as those of a `.npz` file."""
    sink = io.BytesIO()
    np.savez(sink, **named) if named else np.save(sink, values)
    return sink.getvalue()


def file(kind, content, named, name="e.npy", code=2, suffix=""):
    """A case of vectors in a file."""
    return select(kind, f"{OWN} --embedding {name}{suffix}", code, [name, *named], files=MINE | {name: content})


def column(kind, values, named, code=2, given="e", words=""):
    """A case of vectors in a column `e`."""
    rows = [{"id": str(number), "text": f"text {number}", "e": value} for number, value in enumerate(values)]
    words = f"p.jsonl {OWN} --budget 1 --embedding '{given}' {words}"
    return select(kind, words, code, ["p.jsonl", *named] if code else named, files=MINE | {"p.jsonl": rows})


WHOLE = np.ones((12, 2), "float32")
BROKEN = np.where(np.arange(12)[:, None] == 7, np.nan, WHOLE)

CASES = {
    "no vectors": select(
        "vectors-needed", OWN, 2, ["mine", "--embedding"], files=MINE | {"pool.jsonl": [{"x": row} for row in range(9)]}
    ),
    "no file of vectors": select("vector-file-missing", f"{OWN} --embedding e.npy", 2, ["e.npy"], files=MINE),
    "vectors at a URL": select(
        "url-not-local", f"{OWN} --embedding s3://bucket/e.npy", 2, ["s3://bucket/e.npy", "download"], files=MINE
    ),
    "vectors that are none": file("vector-file-unreadable", b"", ["numpy.save"]),
    "vectors of one dimension": file("vector-file-shape", npy(np.ones(12)), ["[12]", "[rows, width]"]),
    "vectors of another length": file("vector-file-rows", npy(WHOLE[:11]), ["11", "12"], code=None),
    "vectors of which of two": file(
        "vector-file-of-several", npy(None, one=WHOLE, two=WHOLE), ["several", "e.npz:one"], "e.npz"
    ),
    "vectors of another name": file(
        "vector-file-key", npy(None, one=WHOLE, two=WHOLE), ["'onn'", "'one'"], "e.npz", suffix=":onn"
    ),
    "vectors with NaN in a file": file("vector-not-finite", npy(BROKEN), ["row 7", "NaN"], code=1),
    "a row without a vector": column("vector-missing", [[1, 2], None], ["line 2", "'e'"], 1),
    "a vector that is longer": column("vector-of-other-width", [[1, 2], [1, 2, 3]], ["line 2", "3 numbers", "2"], 1),
    "a vector of words": column("vector-unreadable", [[1, 2], ["a", "b"]], ["line 2", "'e'"], 1),
    "vectors with an infinity": column("number-not-finite", [[1, 2], [1e300, 2]], ["line 2"], 1),
    "columns of no vector": column("columns-not-matched", [1.0], ["'f*'"], None, "f*"),
    "a column of texts as vectors": column("column-wrong-type", ["x"], ["'e'"], None),
    "an array beside a file": call(
        "vectors-beside-files", lambda: tamis.select("pool.jsonl", "random", budget=3, embedding=WHOLE), ["numpy.save"]
    ),
    "an array of another length": call(
        "vector-file-rows", lambda: tamis.select(POOL, "random", budget=3, embedding=WHOLE[:5]), ["5", "12"]
    ),
    "an encoder without pictures": select(
        "represent-without-images", "--represent small-image", 2, ["--represent small-image", "--image"]
    ),
}
