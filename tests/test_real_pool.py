"""The main job on a real pool of 346,192 documents in 17 domains; needs the data folder named by TAMIS_DATA."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tamis import select
from tamis.methods import dsir
from tamis.ops import ngrams

DATA = Path(os.environ.get("TAMIS_DATA") or "/nowhere") / "text"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "pool.parquet").is_file(), reason="needs TAMIS_DATA; see docs/data.md"),
]
LEAST = {"law": 0.97, "python_docs": 0.97, "biomedical": 0.95, "tweets": 0.95, "programming_questions": 0.95}


@pytest.fixture(scope="module")
def domains():
    return pq.read_table(DATA / "pool.parquet", columns=["domain"])["domain"].combine_chunks()


def write_target(folder, domain):
    """The first 500 held-out documents of a domain."""
    table = pq.read_table(DATA / "pool_targets.parquet")
    path = folder / f"{domain}.parquet"
    pq.write_table(table.filter(pc.equal(table["domain"], domain)).slice(0, 500).select(["text"]), path)
    return path


def share(domains, rows, domain):
    return pc.mean(pc.equal(domains.take(pa.array(rows)), domain).cast(pa.float64())).as_py()


@pytest.mark.parametrize("domain", LEAST)
def test_a_target_finds_its_domain(domains, tmp_path, domain):
    chosen = select(DATA / "pool.parquet", "dsir", target=write_target(tmp_path, domain), budget=5000)
    assert len(chosen) == 5000
    assert share(domains, chosen.rows, domain) >= LEAST[domain]
    assert chosen.manifest["summary"]["text"]["kl_reduction"] > 0.2


def test_three_targets_get_equal_shares(domains, tmp_path):
    names = ["law", "python_docs", "biomedical"]
    targets = [write_target(tmp_path, name) for name in names]
    chosen = select(DATA / "pool.parquet", "dsir", target=targets, budget=5000)
    served = np.array(chosen.table["target"].to_pylist())
    assert sorted(np.count_nonzero(served == name) for name in names) == [1666, 1667, 1667]
    assert all(share(domains, chosen.rows[served == name], name) >= LEAST[name] for name in names)


def test_random_keeps_each_domains_share(domains):
    rows = select(DATA / "pool.parquet", "random", budget=5000).rows
    for domain in domains.unique().to_pylist():
        assert abs(share(domains, rows, domain) - share(domains, range(len(domains)), domain)) < 0.01


def test_kl_reduction_is_at_least_that_of_the_published_rule(tmp_path):
    text = pq.read_table(DATA / "pool.parquet", columns=["text"])["text"].combine_chunks()
    paths = [write_target(tmp_path, domain) for domain in ("law", "python_docs", "biomedical")]
    targets = [ngrams.count(pq.read_table(path)["text"].combine_chunks(), hash="sha256") for path in paths]
    state = dsir.finish(ngrams.count(text, hash="sha256"), targets, smoothing=0.0)
    weights, tokens = dsir.weigh(text, state, hash="sha256", length="sum", ceiling=0.0)
    long = dsir.package_tokens(tokens, 2) >= dsir.PACKAGE_FLOOR
    for path, target, weight in zip(paths, targets, weights.T, strict=True):
        noisy = weight + np.random.default_rng(0).gumbel(size=len(text))
        published = np.argsort(-np.where(long, noisy, -np.inf))[:5000]
        ours = select(DATA / "pool.parquet", "dsir", target=path, budget=5000).rows
        left = [ngrams.kl_divergence(target.counts, kept(text, rows)) for rows in (ours, published)]
        assert left[0] < left[1], path


def kept(text, rows):
    return ngrams.count(text.take(pa.array(rows)), hash="sha256").counts
