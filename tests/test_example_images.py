"""The drawings in examples/: they are what their script draws, and the method on them finds the odd ones."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
ROWS = [json.loads(line) for line in (EXAMPLES / "images/pool.jsonl").read_text().splitlines()]
Image = pytest.importorskip("PIL.Image")


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(folder):
    return {path.stem: np.asarray(Image.open(path).convert("RGB")) for path in folder.glob("*.png")}


def test_they_are_what_the_script_draws(folder, monkeypatch):
    pytest.importorskip("onnx")
    script = loaded("make_images")
    monkeypatch.setattr(script, "HERE", folder)
    script.main()
    made, kept = drawn(folder), drawn(EXAMPLES / "images")
    assert set(made) == set(kept) == {row["id"] for row in ROWS} and len(ROWS) == 24
    assert all((made[name] == kept[name]).all() for name in made)
    assert (folder / "pool.jsonl").read_text() == (EXAMPLES / "images/pool.jsonl").read_text()
    assert sum(path.stat().st_size for path in (EXAMPLES / "images").iterdir()) < 10_000


def test_oddness_equals_counting():
    vectors = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    found = loaded("odd_images").oddness(vectors, neighbours=2)
    for row, one in enumerate(vectors):
        others = sorted(float(np.linalg.norm(one - other)) for i, other in enumerate(vectors) if i != row)
        assert found[row] == pytest.approx(sum(others[:2]) / 2, abs=1e-6)
