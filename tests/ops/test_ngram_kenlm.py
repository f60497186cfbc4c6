"""The compiled n-gram model at order 5 against KenLM, which reads an ARPA file of the slow model in plain Python."""

import math
import os

import numpy as np
import pytest

from tamis.ops import ngram_model

from .test_ngram_model import Slow, packed

ORDER, WORDS = 5, 40


def write_arpa(path, slow):
    """The probabilities and backoffs of a slow model; -1 is the begin, and `slow.end` the end."""
    names = {-1: "<s>", slow.end: "</s>"}
    grams = sorted([(-1,), *slow.adjusted], key=lambda gram: (len(gram), gram))
    lines = {length: [] for length in range(1, slow.order + 1)}
    unknown = math.log10(slow.p(slow.end - 1, ()))
    lines[1].append(f"{unknown:.9f}\t<unk>\t0")
    for gram in grams:
        p = -99 if gram == (-1,) else math.log10(slow.p(gram[-1], gram[:-1]))
        line = f"{p:.9f}\t{' '.join(names.get(token, f'w{token}') for token in gram)}"
        if gram in slow.followers:
            counts = slow.followers[gram]
            line += f"\t{math.log10(sum(slow.discounts[len(gram)][min(c, 3)] for c in counts) / sum(counts)):.9f}"
        lines[len(gram)].append(line)
    head = [f"ngram {length}={len(found)}" for length, found in lines.items()]
    body = [part for length, found in lines.items() for part in ["", f"\\{length}-grams:", *found]]
    path.write_text("\n".join(["\\data\\", *head, *body, "", "\\end\\", ""]))


def test_agrees_with_kenlm_at_order_five(tmp_path):
    kenlm = pytest.importorskip("kenlm")
    rng = np.random.default_rng(2)
    weights = 1 / np.arange(1, WORDS + 1) ** 1.1
    loops = [list(range(k, k + 9)) * 2 for k in range(12)]
    drawn = [rng.choice(WORDS, rng.integers(1, 40), p=weights / weights.sum()).tolist() for _ in range(120)]
    documents = loops + drawn
    slow = Slow(documents[:100], ORDER, WORDS + 1)  # the last token is never seen
    write_arpa(tmp_path / "slow.arpa", slow)
    config = kenlm.Config()
    config.show_progress = False
    peer = kenlm.Model(os.fspath(tmp_path / "slow.arpa"), config)
    assert peer.order == ORDER
    model = ngram_model.fit(*packed(documents[:100], np.int32), ORDER, WORDS + 1)
    given = [*documents, [WORDS], [3, WORDS, 4], []]
    texts = [" ".join(f"w{token}" for token in document) for document in given]
    for end in (True, False):
        expected = [-peer.score(text, eos=end) / math.log10(2) for text in texts]
        found = ngram_model.bits(model, *packed(given, np.int32), end=end)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    lengths = [step[1] for text in texts[:12] for step in peer.full_scores(text)]
    assert max(lengths) == ORDER and min(lengths) < ORDER
