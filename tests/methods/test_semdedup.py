"""SemDeDup: the checks of its specification, and what holds for every order of rows."""

import itertools

import numpy as np
import pytest

from tamis.errors import BadRow, Refused
from tamis.methods.semdedup import semdedup


def keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def at_angles(*angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def doubled():
    """200 digits, and copies of 50 of them with noise of 0.001."""
    digits = pytest.importorskip("sklearn.datasets").load_digits().data[:200]
    copies = digits[:50] + np.random.default_rng(0).normal(scale=1e-3, size=(50, 64))
    return np.concatenate([digits, copies]).astype(np.float32)


@pytest.mark.parametrize("clusters", [None, 1, 8])
@pytest.mark.parametrize("keep", ["hard", "easy", "random"])
@pytest.mark.parametrize("chain", ["published", "greedy"])
def test_one_of_each_pair_goes_and_no_other(doubled, clusters, keep, chain):
    found = semdedup(doubled, keys(250), clusters=clusters, eps=1e-3, keep=keep, chain=chain)
    stays = found.admitted
    assert np.count_nonzero(~stays) == 50 and stays[50:200].all()
    assert (stays[:50] ^ stays[200:]).all()


def test_what_goes_is_nested_in_eps(doubled):
    gone = [~semdedup(doubled, keys(250), eps=eps, clusters=5).admitted for eps in (0.0, 1e-3, 0.02, 0.1, 0.3, 2.0)]
    for less, more in itertools.pairwise(gone):
        assert (more | ~less).all()
    counts = [int(found.sum()) for found in gone]
    assert counts[0] == 0 and counts[1] == 50 and counts[3] > 50 and counts == sorted(counts)
    assert counts[-1] < 250  # who has none before it stays, whatever the threshold


def test_a_chain_is_cut_or_not():
    """a ~ b ~ c, and a is not near c; the farthest from the centroid comes first."""
    x = at_angles(0.0, 0.3, 0.6, 0.9)  # d pulls the centroid away from a
    options = {"clusters": 1, "eps": 1 - np.cos(0.4), "keep": "hard"}
    assert semdedup(x[:3], np.array([0, 2, 1], np.uint64), **options).admitted.sum() == 2  # a, c, then b
    options["keep"] = "random"
    in_order = np.arange(4, dtype=np.uint64)
    assert semdedup(x, in_order, **options).admitted.tolist() == [True, False, False, False]
    assert semdedup(x, in_order, chain="greedy", **options).admitted.tolist() == [True, False, True, False]


def test_which_of_a_pair_stays():
    x = at_angles(0.0, 0.5, 0.5001)
    x = np.concatenate([x, x[:1]])  # the centroid lies between, and row 2 is farther from it than row 1
    far = semdedup(x, keys(4), clusters=1, eps=1e-3, keep="hard")
    near = semdedup(x, keys(4), clusters=1, eps=1e-3, keep="easy")
    assert far.admitted[1:3].tolist() == [False, True] and near.admitted[1:3].tolist() == [True, False]


def test_copies_on_two_sides_of_a_border():
    """Two blobs, and a near pair between them, which one centroid parts and two do not; never do both go."""
    rng = np.random.default_rng(0)
    blobs = at_angles(*rng.normal(0, 0.02, 300), *rng.normal(1, 0.02, 300))
    both = None
    for middle in np.linspace(0.48, 0.52, 41):
        x = np.concatenate([blobs, at_angles(middle - 0.002, middle + 0.002)])
        one = semdedup(x, keys(602), clusters=2, eps=1e-5)
        two = semdedup(x, keys(602), clusters=2, eps=1e-5, centroids=2)
        assert two.admitted[600:].sum() == 1
        both = one if one.admitted[600:].all() else both
    assert both is not None, "no pair was ever parted, so that the test says nothing"


@pytest.mark.parametrize("options", [{}, {"keep": "random"}, {"chain": "greedy"}, {"centroids": 3}])
def test_rows_in_another_order(doubled, options):
    mixed, key = np.random.default_rng(3).permutation(250), keys(250)
    one = semdedup(doubled, key, clusters=9, **options)
    two = semdedup(doubled[mixed], key[mixed], clusters=9, **options)
    assert one.scores[mixed].tobytes() == two.scores.tobytes()
    assert one.admitted[mixed].tolist() == two.admitted.tolist()


def test_few_and_equal_rows():
    one = semdedup(np.ones((1, 3), np.float32), keys(1))
    assert one.scores.tolist() == [-1.0] and one.admitted.all()
    same = semdedup(np.ones((20, 3), np.float32), keys(20), clusters=20, centroids=2)
    assert same.admitted.sum() == 1


@pytest.mark.parametrize("options", [{"eps": -0.1}, {"eps": 2.1}, {"clusters": 0}, {"clusters": 5}, {"centroids": 0}])
def test_parameters_out_of_range(options):
    with pytest.raises(Refused, match=next(iter(options))):
        semdedup(at_angles(0.0, 1.0, 2.0, 3.0), keys(4), **options)


def test_a_vector_of_zeros_is_named():
    x = at_angles(*np.linspace(0, 1, 9))
    x[7] = 0
    with pytest.raises(BadRow, match="row 7"):
        semdedup(x, keys(9))
