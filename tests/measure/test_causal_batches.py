"""Batches: every document once, and no more places than are allowed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.measure.causal_batches import Encoded, lay_out, packed_batches, padded_batches

LENGTHS = st.lists(st.integers(0, 30), max_size=40).map(lambda found: np.array(found, np.int64))


def all_of(batches):
    return sorted(document for batch in batches for row in batch for document in row)


@given(LENGTHS, st.integers(1, 3), st.integers(1, 100))
def test_padded(lengths, least, batch_tokens):
    batches = list(padded_batches(lengths, least, batch_tokens))
    assert all_of(batches) == np.flatnonzero(lengths >= least).tolist()
    for batch in batches:
        longest = max(lengths[document] for [document] in batch)
        assert len(batch) * longest <= batch_tokens or len(batch) == 1


@given(LENGTHS, st.integers(1, 3), st.integers(30, 60), st.integers(1, 200))
def test_packed(lengths, least, row_tokens, batch_tokens):
    batches = list(packed_batches(lengths, least, row_tokens, batch_tokens))
    assert all_of(batches) == np.flatnonzero(lengths >= least).tolist()
    for batch in batches:
        assert max(lengths[row].sum() for row in batch) <= row_tokens
        assert len(batch) * row_tokens <= batch_tokens or len(batch) == 1
    rows = sum(map(len, batches))
    assert rows <= 2 * lengths[lengths >= least].sum() / row_tokens + 1


@given(LENGTHS)
def test_laid_out(lengths):
    starts = np.cumsum([0, *lengths], dtype=np.int64)
    nothing = np.zeros(len(lengths), np.int64)
    encoded = Encoded(np.arange(1, starts[-1] + 1), starts, nothing, nothing, nothing)
    for batch in packed_batches(lengths, 1, 40, 80):
        layout = lay_out(encoded, batch)
        for number, document in enumerate(document for row in batch for document in row):
            here = layout.owners == number
            assert layout.tokens[here].tolist() == list(range(starts[document] + 1, starts[document + 1] + 1))
            assert layout.positions[here].tolist() == list(range(lengths[document]))
        assert not layout.tokens[layout.owners < 0].any()
