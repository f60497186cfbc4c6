"""The small byte-level transformer."""

from unittest import mock

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import Refused
from tamis.evidence.task import Test
from tamis.evidence.tasks import make_task
from tamis.evidence.tasks.byte_windows import Documents

from .torch_fits import LAW, NOISE, SMALL, chosen, texts

torch = pytest.importorskip("torch")

from tamis.evidence.tasks.transformer import forward, rotation, start, turned  # noqa: E402


def entropy(lines):
    """Bits a byte needs without its context."""
    counts = np.bincount(np.frombuffer("".join(lines).encode(), np.uint8))
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def bits(task, model, lines):
    """The bits of each text."""
    return task.bits(model, Documents.of(pa.array(lines, pa.large_string())))


def test_transformer_learns_a_pattern():
    task = make_task("language-model", "transformer", SMALL)
    model = task.fit(chosen(texts(LAW[:50])), seed=0, steps=200)
    found = task.evaluate(model, Test({"target": texts(LAW[50:]), "off-target": texts(NOISE)})).metrics
    assert found["bits_per_byte"] < 1.2 < entropy(LAW) < found["off_target_bits_per_byte"]
    assert set(task.evaluate(model, Test({"target": texts(LAW)})).metrics) == {"bits_per_byte"}


def test_transformer_reads_as_many_bytes_at_every_budget():
    task, sizes = make_task("language-model", "transformer", SMALL | {"windows": 3}), []

    def counted(p, tokens, heads):
        sizes.append(tuple(tokens.shape))
        return forward(p, tokens, heads)

    with mock.patch("tamis.evidence.tasks.transformer.forward", counted):
        for budget in (1, 60):
            task.fit(chosen(texts(LAW), range(budget)), seed=0, steps=5)
    assert sizes == [(3, 32)] * 10


def test_weights_decide_what_the_transformer_learns():
    task, test = make_task("language-model", "transformer", SMALL), Test({"target": texts(LAW[:5])})
    pool, light = texts(LAW + NOISE), np.repeat([0.05, 1.0], 60).astype(np.float32)
    worse, better = (
        task.evaluate(task.fit(chosen(pool, weights=weights), seed=0, steps=80), test).metrics["bits_per_byte"]
        for weights in (light, light[::-1].copy())
    )
    assert better + 0.5 < worse


def test_no_document_sees_another():
    task = make_task("language-model", "transformer", SMALL)
    model = task.fit(chosen(texts(LAW)), seed=0, steps=20)
    found = bits(task, model, [LAW[0], LAW[1] * 3, "", LAW[2]])
    changed = bits(task, model, [LAW[0], NOISE[1][:21] + LAW[2] * 2 + NOISE[3][:39], "", LAW[2]])
    assert found[[0, 2, 3]].tolist() == changed[[0, 2, 3]].tolist() and found[1] != changed[1]
    alone = [bits(task, model, [text])[0] for text in (LAW[0], LAW[1] * 3, "", LAW[2])]
    np.testing.assert_allclose(found, alone, rtol=1e-5)
    tokens = torch.tensor([[256, 1, 2, 256, 3, 4, 5]])
    packed, by_itself = forward(model, tokens, 2)[0, 3:], forward(model, tokens[:, 3:], 2)[0]
    np.testing.assert_allclose(packed, by_itself, atol=1e-5)
    ahead = forward(model, tokens[:, :5], 2)
    np.testing.assert_allclose(forward(model, tokens, 2)[:, :5], ahead, atol=1e-5)


def test_bits_are_of_a_distribution_over_bytes_and_ends():
    """The bits of a document that fits a window, from the probabilities of each token after the ones before it."""
    task = make_task("language-model", "transformer", SMALL)
    model = task.fit(chosen(texts(LAW)), seed=0, steps=5)
    tokens, expected = [256, *b"the court", 256], 0.0
    for place in range(1, len(tokens)):
        odds = forward(model, torch.tensor([tokens[:place]]), 2)[0, -1].double().softmax(0)
        assert len(odds) == 257 and float(odds.sum()) == pytest.approx(1)
        expected -= float(odds[tokens[place]].log2())
    assert bits(task, model, ["the court"])[0] == pytest.approx(expected, rel=1e-5)
    found = task.evaluate(model, Test({"target": texts(["the court"])})).metrics["bits_per_byte"]
    assert found == pytest.approx(expected / 9, rel=1e-5)


def test_judged_bytes_are_capped_and_said():
    task = make_task("language-model", "transformer", SMALL | {"judged": "1500"})
    assert "judged on at most 1,500 bytes" in task.describe()
    model = task.fit(chosen(texts(LAW)), seed=0, steps=3)
    data = texts(LAW)
    data.groups, data.group_names = np.arange(60) % 2, ["a", "b"]
    cost, sizes = task.encode(model, data)
    lengths, judged = np.array([len(text) for text in LAW]), sizes > 0
    assert sizes.sum() == 1500 and (sizes[judged] < lengths[judged]).sum() == 1 and cost[~judged].sum() == 0
    whole = sizes == lengths
    assert cost[whole] == pytest.approx(bits(task, model, [LAW[row] for row in np.flatnonzero(whole)]), rel=1e-5)
    assert task.encode(model, data)[1].tolist() == sizes.tolist()
    found = task.evaluate(model, Test({"target": data, "off-target": texts(LAW[:3])}))
    assert found.metrics["bits_per_byte"] == cost.sum() / 1500
    assert found.effects["target"]["b"] == cost[1::2].sum() / sizes[1::2].sum()
    few = bits(task, model, LAW[:3]).sum() / sum(map(len, LAW[:3]))
    assert found.metrics["off_target_bits_per_byte"] == pytest.approx(few, rel=1e-5)


def test_rotation_makes_attention_depend_on_distance_alone():
    cosine, sine = rotation(9, 8)
    asked, held = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)
    asked, held = (turned(x.expand(1, 1, 9, 8), cosine, sine)[0, 0] for x in (asked, held))
    products = asked @ held.T
    for distance in range(9):
        assert torch.allclose(products.diagonal(-distance), products[distance, 0], atol=1e-5)


def test_start_is_of_the_seed():
    one, two, other = (start(1, 8, seed)["out"] for seed in (0, 0, 1))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_heads_must_divide_the_width():
    with pytest.raises(Refused, match="heads=3"):
        make_task("language-model", "transformer", {"heads": 3})
