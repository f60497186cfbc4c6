"""Near copies that were planted, found as rensa and datasketch find them with as many bands and rows."""

import numpy as np
import pyarrow as pa
import pytest

from tamis.ops import minhash
from tamis.ops.near_copies import near_copies

BANDS, ROWS, WIDTH = 14, 8, 5
WORDS = 120


@pytest.fixture(scope="module")
def planted():
    """Texts, of which each third one is followed by a near copy, of s about .95, and by a text half as similar."""
    rng = np.random.default_rng(8)
    texts = []
    for _ in range(1500):
        words = rng.integers(0, 5000, WORDS)
        near, far = words.copy(), words.copy()
        near[rng.integers(WORDS)] = 6000
        far[rng.permutation(WORDS)[:9]] = 7000 + rng.integers(0, 1000, 9)
        texts += [" ".join(map("w{}".format, each)) for each in (words, near, far)]
    return texts


def shingles(text):
    words = text.split()
    return {" ".join(words[i : i + WIDTH]) for i in range(len(words) - WIDTH + 1)}


def shares(flagged):
    """Recall among near copies, and precision."""
    flagged = np.asarray(flagged).reshape(-1, 3)
    return flagged[:, 1].mean(), flagged[:, 1].sum() / flagged.sum()


@pytest.fixture(scope="module")
def ours(planted):
    return near_copies(minhash.sketch(pa.array(planted))).kept_row


def test_the_planted_ones_are_found(planted, ours):
    sets = [shingles(text) for text in planted[:300]]
    s = [
        [len(a & b) / len(a | b) for b in others] for a, *others in zip(sets[::3], sets[1::3], sets[2::3], strict=True)
    ]
    near, far = np.mean(s, axis=0)
    assert near > 0.9 and 0.4 < far < 0.6
    recall, precision = shares(ours != np.arange(len(ours)))
    assert recall > 0.995 and precision > 0.9
    dropped = np.flatnonzero(ours != np.arange(len(ours)))
    assert (dropped // 3 == ours[dropped] // 3).all()


def test_verified_ones_are_rarely_wrong(planted):
    found = minhash.sketch(pa.array(planted), keep_minima=True)
    ours = near_copies(found, threshold=minhash.usual_threshold()).kept_row
    recall, precision = shares(ours != np.arange(len(ours)))
    assert recall > 0.995 and precision > 0.995


def test_rensa_finds_the_same(planted, ours):
    rensa = pytest.importorskip("rensa")
    digests = rensa.RMinHash.digest_matrix_from_token_sets([shingles(text) for text in planted], BANDS * ROWS, 1)
    lsh = rensa.RMinHashLSH(minhash.usual_threshold(), BANDS * ROWS, BANDS)
    flags = np.array(lsh.insert_matrix_and_query_duplicate_flags(digests)).reshape(-1, 3)
    first = ~flags  # a flag tells a row with any match: of those that belong together, all but the first are dropped
    first[:, 0] = True
    np.testing.assert_allclose(shares(ours != np.arange(len(ours))), shares(~first), atol=0.01)


def test_datasketch_finds_the_same(planted, ours):
    datasketch = pytest.importorskip("datasketch")
    few = planted[:900]
    lsh = datasketch.MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    sets = [[shingle.encode() for shingle in shingles(text)] for text in few]
    matched = []
    for row, each in enumerate(datasketch.MinHash.bulk(sets, num_perm=BANDS * ROWS, seed=1)):
        matched.append(bool(lsh.query(each)))
        lsh.insert(row, each)
    mine = (ours != np.arange(len(ours)))[: len(few)]
    np.testing.assert_allclose(shares(mine)[0], shares(matched)[0], atol=0.01)
    assert abs(mine.sum() - sum(matched)) < 0.02 * len(few)
