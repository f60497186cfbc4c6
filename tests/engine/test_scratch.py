"""Arrays that grow with the rows lie in files that nobody sees, and hold what any array holds."""

from functools import partial
from pathlib import Path

import numpy as np

from tamis.engine import parts
from tamis.engine.parts import scratch
from tamis.ops.near_vectors import near_vectors


def mapped(array: np.ndarray) -> bool:
    """Whether the file that an array lies in is mapped, though it has no name any more."""
    address = array.__array_interface__["data"][0]
    lines = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
    spans = [([int(end, 16) for end in line[0].split("-")], line[5:]) for line in lines]
    return any(low <= address < high and name and "(deleted)" in name[0] for (low, high), name in spans)


def test_a_large_one_is_a_file_without_a_name(tmp_path):
    large, small = (scratch(tmp_path / "new", (rows, 4), np.float64) for rows in (1 << 19, 10))
    assert mapped(large) and not mapped(small)
    assert not any((tmp_path / "new").iterdir())
    large[:] = 3
    assert large.sum() == 3 * large.size and not small.any()


def test_near_copies_are_the_same_in_files(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "IN_MEMORY", 0)
    rng = np.random.default_rng(0)
    vectors = rng.integers(-2, 3, (300, 4)).astype(np.float16)
    for given in (vectors, vectors.astype(np.float32), vectors.astype(np.float64)):
        found = [near_vectors(given, cosine=0.9, against=[vectors[:20]], empty=empty)
                 for empty in (np.empty, partial(scratch, tmp_path))]  # fmt: skip
        expected = near_vectors(vectors, cosine=0.9, against=[vectors[:20]])
        for one in found:
            assert one.kept_row.tolist() == expected.kept_row.tolist()
            assert one.earlier.tolist() == expected.earlier.tolist()
    assert len(expected.earlier) > 5
