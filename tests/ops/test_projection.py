"""Projections against matrices that are built sign by sign, and against what the theory says of their noise."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.ops import projection, threads
from tamis.ops.projection import KINDS, Projection, project, spans

from .plain_text import MASK, mix

STEP = 0x9E3779B97F4A7C15
quick = settings(max_examples=40, deadline=None, derandomize=True)


def key(of: Projection, number: int) -> int:
    return mix(mix(mix(mix(of.seed & MASK) + KINDS.index(of.kind) + 1 & MASK)) + number & MASK)


def sign(word: int, bit: int) -> int:
    return -1 if word >> bit & 1 else 1


def order(word: int, size: int) -> list[int]:
    """A random order of `size` rows."""
    bits, more = size.bit_length() - 1, mix(word + STEP & MASK)
    half, found = (bits + 1) // 2, []
    for z in range(size):
        z = z * (word | 1) + (more >> 32) & size - 1
        z ^= z >> half
        z = z * (more | 1) + (word >> 32) & size - 1
        z ^= z >> half
        z = z * ((word ^ more) | 1) & size - 1
        found.append(z ^ z >> half)
    return found


def matrix(of: Projection) -> np.ndarray:
    """P, entry by entry."""
    found = np.zeros((of.d, of.p))
    word = key(of, 0)
    if of.kind == "count-sketch":
        for c in range(of.p):
            w = mix(word + c * STEP & MASK)
            found[(w >> 32) * of.d >> 32, c] = sign(w, 0)
        return found
    if of.kind == "rademacher":
        for c in range(of.p):
            for j in range(of.d):
                found[j, c] = sign(mix(word + ((c // 64 << 32) + j) * STEP & MASK), c % 64)
        return found / np.sqrt(of.d)
    for first in range(0, of.p, of.block):
        own = key(of, 1 + first // of.block)
        turns = range(-(-of.d // of.block))
        rows = [r for turn in turns for r in order(mix(own + (turn * of.block + 1) * STEP & MASK), of.block)][: of.d]
        assert len(set(rows)) == min(of.d, of.block)
        for c in range(first, min(first + of.block, of.p)):
            of_column = sign(mix(word + c // 64 * STEP & MASK), c % 64)
            found[:, c] = [of_column * (-1) ** (r & c - first).bit_count() for r in rows]
    return found / np.sqrt(of.d)


def rows_of(n: int, p: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, p), dtype=np.float32)


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(n=st.integers(0, 70), p=st.integers(1, 600), d=st.integers(1, 20), seed=st.integers(-5, 1 << 70))
def test_is_the_product_with_the_matrix(kind, n, p, d, seed):
    x, of = rows_of(n, p), Projection(p, d, kind, seed)
    found = project(x, d, kind=kind, seed=seed)
    assert found.dtype == np.float32 and found.shape == (n, d)
    np.testing.assert_allclose(found, x.astype(np.float64) @ matrix(of).T, atol=1e-4)


@pytest.mark.parametrize(("kind", "p", "d"), [("srht", 2100, 1), ("srht", 500, 600), ("rademacher", 1100, 1030)])
def test_more_numbers_than_a_block_holds(kind, p, d):
    x = rows_of(3, p)
    np.testing.assert_allclose(project(x, d, kind=kind), x @ matrix(Projection(p, d, kind)).T, atol=1e-4)


def test_cuts_between_blocks_change_no_bit(monkeypatch):
    monkeypatch.setattr(projection, "WIDEST", 512)
    x, of = rows_of(3, 1500), Projection(1500, 20, "srht", 3)
    assert of.block == 512
    np.testing.assert_allclose(of(x), x @ matrix(of).T, atol=1e-4)
    monkeypatch.undo()
    wide = rows_of(2, 40_000)
    parted = np.zeros((2, 20), np.float32)
    whole = Projection(40_000, 20, "srht", 3)
    for start, stop in ((0, 32_768), (32_768, 40_000)):
        whole.add(wide[:, start:stop], start, parted)
    assert (whole(wide) == parted).all()
    dense, parted = Projection(4000, 20), np.zeros((2, 20), np.float32)
    for start in range(0, 4000, 1024):
        dense.add(wide[:, start : min(start + 1024, 4000)], start, parted)
    assert (dense(wide[:, :4000]) == parted).all()


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(
    cuts=st.lists(st.integers(0, 3000), max_size=6),
    n=st.integers(1, 40),
    d=st.integers(1, 300),
    turned=st.booleans(),
)
def test_pieces_give_the_whole(kind, cuts, n, d, turned):
    x, of = rows_of(n, 3000), Projection(3000, d, kind, 1)
    bounds = [0, *sorted(cuts), 3000]
    pieces = list(pairwise(bounds))
    out = np.zeros((n, d), np.float32)
    for start, stop in reversed(pieces) if turned else pieces:
        of.add(x[:, start:stop], start, out)
    np.testing.assert_allclose(out, of(x), atol=2e-4)
    if kind == "count-sketch" and not turned:
        assert (out == of(x)).all()


@quick
@given(low=st.integers(0, 4095), width=st.integers(1, 4096), d=st.integers(1, 100))
def test_spans_cover_their_columns_without_waste(low, width, d):
    high, at, made = min(low + width, 4096), low, 0
    for begin, end, offset, size in spans(low, high, d):
        assert begin == at and offset <= begin < end <= offset + size
        assert size & size - 1 == 0 and offset % size == 0
        at, made = end, made + size + d
    assert at == high and made <= 2 * (high - low) + 20 * (d + 256)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "p", "d"), [(101, 9000, 130), (5, 70_000, 1100), (33, 30_000, 16)])
def test_bits_do_not_depend_on_threads_nor_on_other_rows(kind, n, p, d, monkeypatch):
    x, of = rows_of(n, p), Projection(p, d, kind)
    found = of(x)
    assert (found[2:4] == of(x[2:4])).all() and (found[:1] == of(x[:1])).all()
    monkeypatch.setattr(threads, "THREADS", 1)
    assert (found == of(x)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_linear_and_read_only_and_of_other_layouts(kind):
    x, of = rows_of(4, 900), Projection(900, 50, kind)
    np.testing.assert_allclose(of(x[:1] * 2 - x[1:2] * 3), of(x)[:1] * 2 - of(x)[1:2] * 3, atol=1e-4)
    assert not of(np.zeros((2, 900), np.float32)).any() and of(x[:0]).shape == (0, 50)
    fixed = x.copy()
    fixed.flags.writeable = False
    for same in (fixed, np.asfortranarray(x), x.astype(np.float64), np.repeat(x, 2, 1)[:, ::2]):
        assert (of(same) == of(x)).all()
    assert (Projection(900, 50, kind, 1)(x) != of(x)).mean() > 0.3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("p", "d"), [(3000, 64), (300, 128), (100, 400)])
def test_noise_of_inner_products_is_that_of_the_theory(kind, p, d):
    """Over seeds: no bias, and a standard deviation of at most the formula's, for the pair (x, x') and for (x, x)."""
    x = rows_of(2, p)
    x[1] = (x[0] + x[1]) * np.linspace(0, 2, p, dtype=np.float32)
    exact = x.astype(np.float64) @ x.T
    norms = np.sqrt(np.outer(exact.diagonal(), exact.diagonal()))
    found = np.array([(y := project(x, d, kind=kind, seed=seed)).astype(np.float64) @ y.T for seed in range(300)])
    same = (x.astype(np.float64) ** 2) @ (x**2).T
    theory = np.sqrt((norms**2 + exact**2 - 2 * same) / d)
    away, spread = found.mean(0) - exact, found.std(0)
    assert (abs(away) < 4 * theory / np.sqrt(300)).all()
    assert (spread < 1.2 * theory).all() and (theory < np.sqrt(2 / d) * norms).all()
    assert (spread > (0.8 if kind != "srht" else 0 if d > p else 0.5) * theory).all()
    assert (abs(found - exact) < 8 * np.sqrt(2 / d) * norms).all()  # Johnson-Lindenstrauss


def test_columns_of_a_projection_are_unlike():
    """Signs are even, of columns and of pairs of columns and rows that are near or 64 apart."""
    signs = project(np.eye(512, dtype=np.float32), 1024) * 32
    assert (abs(signs) == 1).all() and abs(signs.mean(1)).max() < 5 / 32 and abs(signs.mean(0)).max() < 6 / np.sqrt(512)
    alike = signs @ signs.T / 1024 - np.eye(512)
    assert abs(alike).max() < 6 / 32 and abs(alike.std() * 32 - 1) < 0.05


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: project(x, 0), "d=0"),
        (lambda x: project(x, 4, kind="gaussian"), "gaussian"),
        (lambda x: project(x[0], 4), r"\[6\]"),
        (lambda x: Projection(5, 4)(x), "within 5"),
        (lambda x: Projection(6, 4).add(x, 1, np.zeros((2, 4), np.float32)), "column 1"),
        (lambda x: Projection(6, 4).add(x, 0, np.zeros((2, 5), np.float32)), r"\[2, 4\]"),
        (lambda x: Projection(6, 4).add(x, 0, np.zeros((2, 4))), "float64"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(Refused, match=said):
        call(np.ones((2, 6), np.float32))
