"""Contamination on planted spans, the checks of its published description, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import Refused
from tamis.ops import contamination
from tamis.ops.contamination_scores import scores


def words(rng, size, kind="w"):
    return [f"{kind}{k}" for k in rng.integers(0, 10**9, size)]


@pytest.mark.parametrize("n", [4, 8, 13])
def test_planted_spans_are_found_exactly(n):
    """Each document has a part of one item; some are shorter than n."""
    rng = np.random.default_rng(n)
    items = [words(rng, size) for size in rng.integers(n, 60, 200)]
    texts, length, item = [], [], []
    for row in rng.integers(0, 200, 2_000):
        size = int(rng.integers(1, len(items[row]) + 1))
        begin = int(rng.integers(0, len(items[row]) - size + 1))
        texts.append(" \n".join([*words(rng, 40, "c"), *items[row][begin : begin + size], *words(rng, 9, "C")]).upper())
        length.append(size if size >= n else 0)
        item.append(row if size >= n else -1)
    found = contamination.matches(contamination.index(pa.array(map(" ".join, items)), n=n), pa.array(texts))
    assert found.longest.tolist() == length and found.item.tolist() == item


def test_an_item_in_the_corpus_has_ones_and_two_halves_of_it_half_a_span():
    rng = np.random.default_rng(0)
    whole, halves, absent = (words(rng, 83) for _ in range(3))
    index = contamination.index(pa.array(map(" ".join, (whole, halves, absent, absent[:7]))))
    changed = [*halves[:40], *words(rng, 3), *halves[43:]]
    hits = contamination.count(index, pa.array(map(" ".join, (whole, changed))))
    plain, skipping = np.array(scores(index, hits)), np.array(scores(index, hits, skip_budget=3))
    assert (plain[:, 0] == 1).all() and (plain[:, 2] == 0).all() and np.isnan(plain[:, 3]).all()
    assert plain[1:, 1].tolist() == [80 / 83, 80 / 83, 40 / 83]
    assert skipping[1:, 1].tolist() == [80 / 83, 1, 1]
    assert np.array(scores(index, hits, skip_budget=2))[1:, 1].tolist() == plain[1:, 1].tolist()
    assert (np.array(scores(index, hits, mincount=2))[:, :3] == 0).all()


def test_equal_hashes_of_different_n_grams_are_told_apart():
    """Numbers made to collide: 1 P + x = 0 P + (x + P)."""
    from tamis.ops._contamination_kernels import find, hash_grams, number_grams
    from tamis.ops._vector_instructions import ORDER

    tokens = np.array([1, 5, 8, 0, 5 + ORDER, 8, 1, 5, 8], np.uint64)
    grams, numbers = np.zeros(9, np.uint64), np.full(9, 99, np.uint32)
    assert hash_grams(tokens, 9, 2, grams) == 8 and grams[0] == grams[3] == grams[6]
    slots, bits = np.full(16, 0xFFFFFFFF, np.uint32), np.zeros(2, np.uint64)
    assert number_grams(tokens, np.array([0, 3, 6, 9]), 2, np.zeros(9, np.uint64), slots, bits, numbers) == 2
    assert numbers[::3].tolist() == [0, 1, 0]
    assert find(grams[0], np.array([7, 0, 5 + ORDER], np.uint64), 1, 2, tokens, slots) == 3
    assert find(grams[0], np.array([2, 5], np.uint64), 0, 2, tokens, slots) < 0


def test_counts_stop_at_the_largest_number():
    from tamis.ops._contamination_kernels import add_hits

    counts = np.array([4294967294, 0], np.uint32)
    add_hits(np.array([0, 1, 0, 0], np.uint32), 4, counts)
    assert counts.tolist() == [4294967295, 1]


def test_long_repeats_take_no_longer_than_they_must():
    """Quadratic search would take minutes."""
    plate = "boiler plate of every single item in it"
    index = contamination.index(pa.array(["0 1 " * 500, "0 " * 2_000, *[plate] * 20_000]))
    found = contamination.matches(index, pa.array(["0 " * 20_000, f"{plate} too " * 5_000]))
    assert found.longest.tolist() == [2_000, 8] and found.item.tolist() == [1, 2]


def test_refusals_and_warnings():
    for n in (0, -1):
        with pytest.raises(Refused, match=f"n={n}: it is out of range"):
            contamination.index(pa.array(["a b c"]), n=n)
    with pytest.raises(Refused, match="longest has 3 tokens"):
        contamination.index(pa.array(["a b c", "", None]))
    with pytest.raises(Refused, match="longest has 0 tokens"):
        contamination.index(pa.chunked_array([], pa.string()))
    with pytest.raises(Refused, match="no text"):
        contamination.index(pa.array([1]))
    with pytest.warns(UserWarning, match="n=3"):
        index = contamination.index(pa.array(["a b c"]), n=3)
    with pytest.raises(Refused, match="no text"):
        contamination.count(index, pa.array([1]))
    hits = contamination.count(index, pa.array([], pa.string()))
    for name, value in (("skip_budget", -1), ("mincount", 0)):
        with pytest.raises(Refused, match=f"{name}={value}"):
            scores(index, hits, **{name: value})
