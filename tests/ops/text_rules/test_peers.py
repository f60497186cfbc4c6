"""Decisions on real documents, beside the released filters of FineWeb: with their tokenisers, and with ours in them."""

import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tamis.ops.text_rules import apply, c4_lines

from . import plain

filters = pytest.importorskip("datatrove.pipeline.filters")
documents = pytest.importorskip("datatrove.data")
POOL = Path(os.environ.get("TAMIS_DATA", "no TAMIS_DATA"), "text/pool.parquet")
FILTERS = {
    "gopher-quality": "GopherQualityFilter",
    "gopher-repetition": "GopherRepetitionFilter",
    "c4": "C4QualityFilter",
    "fineweb-quality": "FineWebQualityFilter",
}
# Theirs is an English tokeniser that keeps numbers, links and abbreviations together and cuts "don't" in 2, not in 3.
EQUAL_WITH_THEIR_WORDS = {"gopher-quality": 0.94, "gopher-repetition": 0.96, "c4": 0.99, "fineweb-quality": 0.99}


@pytest.fixture(scope="module")
def texts():
    """500 documents: 100 of noisy_web and 25 of each other domain."""
    if not POOL.exists():
        pytest.skip("TAMIS_DATA has no text/pool.parquet")
    pool = pytest.importorskip("pyarrow.parquet").read_table(POOL, columns=["text", "domain"])
    rng, rows = np.random.default_rng(0), []
    for domain in sorted(pc.unique(pool["domain"]).to_pylist()):
        of_domain = np.flatnonzero(np.asarray(pc.equal(pool["domain"], domain)))
        rows.append(rng.choice(of_domain, 100 if domain == "noisy_web" else 25, replace=False))
    return pool["text"].take(pa.array(np.concatenate(rows))).combine_chunks()


def decisions(name, texts):
    """Whether each is kept, and its text afterwards."""
    judge, kept, after = getattr(filters, FILTERS[name])(), [], []
    for text in texts.to_pylist():
        document = documents.Document(text=text, id="0")
        kept.append(judge.filter(document) is True)
        after.append(document.text)
    return np.array(kept), after


@pytest.mark.parametrize("name", FILTERS)
def test_all_decisions_are_equal_with_our_words_in_their_filters(name, texts, monkeypatch):
    module = sys.modules[getattr(filters, FILTERS[name]).__module__]
    for function, ours in (
        ("split_into_words", lambda text, language: plain.tokens_of(text)),
        ("split_into_sentences", lambda line, language: [0] * plain.sentences_of(line)),
    ):
        if hasattr(module, function):
            monkeypatch.setattr(module, function, ours)
    kept, after = decisions(name, texts)
    assert apply(name, texts).keep.tolist() == kept.tolist()
    assert 50 < kept.sum() < len(texts) - 50
    if name == "c4":
        lines = c4_lines(texts).to_pylist()
        assert [line for line, keep in zip(lines, kept, strict=True) if keep] == [
            text for text, keep in zip(after, kept, strict=True) if keep
        ]


@pytest.mark.parametrize("name", FILTERS)
def test_most_decisions_are_equal_with_their_words(name, texts):
    pytest.importorskip("spacy")
    ruled = apply(name, texts)
    kept, _ = decisions(name, texts)
    assert (ruled.keep == kept).mean() >= EQUAL_WITH_THEIR_WORDS[name]


@pytest.mark.parametrize("name", [*FILTERS, "c4-paper"])
def test_real_documents_that_were_kept_are_kept(name, texts):
    first = apply(name, texts)
    kept = pc.filter(texts, pa.array(first.keep))
    assert apply(name, c4_lines(kept, name) if name.startswith("c4") else kept).keep.all()
    assert sum(first.counts().values()) == len(texts) - len(kept)
