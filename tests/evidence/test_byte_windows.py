"""Texts as windows of bytes: what is packed to learn from, and what is judged."""

from collections import Counter
from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.evidence.task import Data, Train
from tamis.evidence.tasks.byte_windows import START, Documents, packed, repeated, windows_of

TEXTS = st.lists(st.text("abé\n", max_size=40), min_size=1, max_size=8)


def texts_of(texts):
    return pa.array(texts, pa.large_string())


def training(texts, weights=None, seed=0):
    """Training on all of `texts`."""
    pool = Data(pa.table({"row": range(len(texts))}), texts=texts_of(texts))
    weights = np.ones(len(texts)) if weights is None else np.array(weights)
    return Train(pool, np.arange(len(texts)), weights.astype(np.float32), seed=seed)


@given(TEXTS)
def test_documents_are_their_bytes(texts):
    found = Documents.of(texts_of([None, *texts, "x"]).slice(1))
    expected = [[START, *text.encode()] for text in [*texts, "x"]]
    assert found.joined().tolist() == [*chain(*expected)]
    assert found.of_rows(np.array([len(texts), 0])).joined().tolist() == expected[-1] + expected[0]
    short = found.first_bytes(7).joined()
    kept = [token for token in [*chain(*expected)] if token != START][:7]
    assert short[short != START].tolist() == kept


def test_a_text_that_is_missing_is_empty():
    assert Documents.of(texts_of(["a", None, "b"])).joined().tolist() == [START, 97, START, START, 98]


@given(TEXTS, st.integers(1, 9), st.integers(1, 30), st.integers(0, 3))
def test_packed_windows_are_the_epochs_cut_up(texts, context, count, seed):
    """Put together again, the windows of an epoch are its documents in the order of its visits."""
    train = training(texts, seed=seed)
    windows = [window.tolist() for window in packed(train, count, context)]
    assert len(windows) == count and all(len(window) == context + 1 for window in windows)
    assert windows == [window.tolist() for window in packed(train, count, context)]
    stream, epoch = [], 0
    while len(stream) <= count * context:
        rows, _ = train.visits(epoch)
        stream += chain(*([START, *texts[row].encode()] for row in rows))
        epoch += 1
    cut = [tuple(stream[place * context : (place + 1) * context + 1]) for place in range(count)]
    assert Counter(map(tuple, windows)) == Counter(cut)


def test_windows_come_in_an_order_that_seed_and_epoch_decide():
    text = "".join(map(chr, range(40, 103)))
    one, other = ([window.tolist() for window in packed(training([text], seed=s), 24, 8)] for s in (0, 1))
    assert one != other and sorted(one[7:15]) == sorted(one[15:23]) and one[7:15] != one[15:23]


def test_a_document_is_read_in_proportion_to_its_weight():
    train = training(["a" * 9, "b" * 9, "c" * 9], [1.0, 2.0, 0.0])
    read = Counter(np.concatenate(list(packed(train, 600, 10))).tolist())
    assert read[99] == 0 and read[98] / read[97] == pytest.approx(2, rel=0.05)
    rows, equal = np.arange(50), np.full(50, 0.1, np.float32)
    assert repeated(rows, equal, np.random.default_rng(0)).tolist() == rows.tolist()
    many = repeated(np.repeat([0, 1], 5000), np.repeat([0.7, 1.3], 5000), np.random.default_rng(0))
    assert np.bincount(many) == pytest.approx([3500, 6500], abs=100)
    with pytest.raises(ValueError, match="above 0"):
        next(packed(training(["a"], [0.0]), 1, 4))


@given(TEXTS, st.integers(1, 12), st.integers(1, 5))
def test_every_byte_and_end_is_judged_once_with_what_is_before_it(texts, context, count):
    expected = Counter()
    for number, text in enumerate(texts):
        whole = [START, *text.encode(), START]
        expected.update((number, place, token) for place, token in enumerate(whole[1:]))
    windows, found = windows_of(Documents.of(texts_of(texts)), context), Counter()
    places = np.zeros(len(texts), int)
    for document, tokens, judged in windows.batches(count):
        assert tokens.shape == (len(document), judged.shape[1] + 1) and judged.shape[1] <= context
        for number, window, mask in zip(document, tokens.tolist(), judged, strict=True):
            whole = [START, *texts[number].encode(), START]
            at = np.flatnonzero(mask)
            end = at[-1] + 2
            begins = [i for i in range(len(whole) - end + 1) if whole[i : i + end] == window[:end]]
            assert begins and (at[0] >= context // 2 or 0 in begins), "half a context, or the whole beginning"
            places[number] += len(at)
            found.update((number, window[i + 1]) for i in at)
    assert places.tolist() == [len(text.encode()) + 1 for text in texts]
    assert found == Counter((number, token) for number, _, token in expected.elements())
