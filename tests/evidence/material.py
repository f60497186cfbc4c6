"""Small pools on which the right answer is known."""

import numpy as np
import pyarrow as pa


def classes(n=600, d=3, seed=0, noise=0.0):
    """A table of two classes that a line tells apart; `quality` is 1 where the label is right, `luck` is nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).round(6)
    right = (x[:, 0] + 0.3 * rng.normal(size=n) > 0).astype(int)
    flipped = rng.random(n) < noise
    columns = {"id": [f"r{row}" for row in range(n)], **{f"x{j}": x[:, j] for j in range(d)}}
    columns |= {"quality": (~flipped).astype(float) + 0.1 * rng.random(n), "luck": rng.random(n)}
    return pa.table(columns | {"y": np.where(flipped, 1 - right, right)})


MEAN_TASK = '''
"""A task that needs no training: the mean of a column of the rows that were kept, and the error of the seed."""

import numpy as np


def mean(train, test, *, seed, column="quality", noise=0.0):
    rng = np.random.default_rng((seed, len(train), int(train.rows.sum())))
    return {"mean": float(np.mean(train.table[column].to_numpy())) + noise * rng.normal()}


def constant(train, test):
    return {"constant": 1.0}


def raises(train, test, *, seed):
    if seed == 1:
        raise RuntimeError("no more memory in the toy")
    return {"size": float(train.rows.sum())}


def ends(train, test, *, seed):
    import os

    if seed == 1:
        os.kill(os.getpid(), 9)
    return {"size": float(train.rows.sum())}
'''

METHODS = '''
import time
from tamis.vocabulary import Order, Score


def null(key) -> Score:
    """Random under another name."""
    return ((key * 0x9E3779B97F4A7C15) >> 11).astype(float)


def slow(score, *, seconds: float = 0.5) -> Score:
    """A column's largest values, after a busy loop."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return score


def breaks(score) -> Score:
    raise ValueError("no luck today")


def peeks(score) -> Score:
    """Looks at the file that holds the test set, and hides that it was told not to."""
    try:
        open("test.csv").read()
    except Exception:
        pass
    return score


def broken_order(rng) -> Order:
    return Order(rng.permutation(3))
'''
