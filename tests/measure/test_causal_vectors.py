"""Vectors by hidden layers of a model that has learned something, against one document at a time."""

import numpy as np
import pytest
import torch

from tamis.errors import Refused
from tamis.measure.causal_vectors import POOLINGS, last_layer, pooled, token_weights, vectors

from .language import CONTEXT, documents, prior, small, tokenizer

TEXTS = [*documents("tldr")[300:306], *documents("pep")[300:306], "", None, "a"]


def slowly(model, text, pooling, context=CONTEXT):
    """The formula, token by token, on the hidden states that the library gives with the logits."""
    ids = [0, *tokenizer()(text or "", add_special_tokens=False)["input_ids"]][:context]
    if len(ids) == 1:
        return np.zeros(64)
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0].double().numpy()
    length = len(ids)
    if pooling == "weighted-mean":
        return sum(t * hidden[t - 1] for t in range(1, length + 1)) / (length * (length + 1) / 2)
    return hidden.mean(axis=0) if pooling == "mean" else hidden[-1]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_equals_the_formula(kind, pooling):
    for context in (CONTEXT, 9):
        expected = [slowly(prior(kind), text, pooling, context) for text in TEXTS]
        for batch_tokens in (1, 300, 100_000):
            found = vectors(
                prior(kind), tokenizer(), TEXTS, pooling=pooling, context=context, batch_tokens=batch_tokens
            )
            assert found.vectors.dtype == np.float32
            np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
        assert found.cut.tolist() == [len(tokenizer()(text or "")["input_ids"]) >= context for text in TEXTS]


def test_three_tokens_weigh_one_two_and_three_sixths():
    real = np.array([[True, True, True, False], [True, False, False, False], [False] * 4])
    np.testing.assert_allclose(token_weights(real), [[1 / 6, 2 / 6, 3 / 6, 0], [1, 0, 0, 0], [0] * 4], rtol=1e-6)
    assert token_weights(real, "mean")[0].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert token_weights(real, "last").tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0] * 4]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_constant_layer_gives_itself_whatever_the_padding_holds(pooling):
    hidden = torch.randn(1, 1, 5).expand(2, 7, 5).clone()
    hidden[1, 4:] = 1e6
    real = np.array([[True] * 7, [True] * 4 + [False] * 3])
    found = pooled(hidden, token_weights(real, pooling))
    torch.testing.assert_close(found, hidden[:, 0], rtol=1e-6, atol=1e-6)


def test_two_with_padding_equal_one_each():
    long, short = documents("pep")[300], "three short words"
    both = vectors(prior(), tokenizer(), [long, short], batch_tokens=10_000).vectors
    alone = [vectors(prior(), tokenizer(), [text]).vectors[0] for text in (long, short)]
    np.testing.assert_allclose(both, alone, atol=1e-5)
    shuffled = vectors(prior(), tokenizer(), [short, long], batch_tokens=10_000).vectors
    np.testing.assert_allclose(shuffled[::-1], both, atol=1e-5)


def test_texts_of_one_source_are_near():
    """What the vectors are for: a mean of the target finds texts of its source."""
    target = vectors(prior(), tokenizer(), documents("pep")[:20]).vectors.mean(axis=0)
    pool = vectors(prior(), tokenizer(), documents("tldr")[300:340] + documents("pep")[300:340]).vectors
    score = pool @ target / np.linalg.norm(pool, axis=1)
    assert (np.argsort(-score)[:40] >= 40).mean() > 0.8


def test_a_model_without_a_body_of_its_own():
    model = prior()
    tokens = torch.tensor([[5, 6, 7]])

    class Alone(torch.nn.Module):
        device, base_model = model.device, property(lambda self: self)

        def forward(self, **given):
            return model(**given)

    with torch.no_grad():
        assert torch.equal(last_layer(Alone(), tokens, tokens > 0), last_layer(model, tokens, tokens > 0))


def test_refusals():
    with pytest.raises(Refused, match=r"pooling=max.*weighted-mean, mean, last"):
        vectors(prior(), tokenizer(), TEXTS, pooling="max")
    with pytest.raises(Refused, match="context=500"):
        vectors(prior(), tokenizer(), TEXTS, context=500)
    broken = small()
    broken.model.embed_tokens.weight.data[tokenizer()("Q")["input_ids"][0]] = torch.inf
    with pytest.raises(Refused, match="document 1: "):
        vectors(broken, tokenizer(), ["abc", "Q and more", "Q"])
    with pytest.raises(Refused, match=r"makes token .* and the model knows 50"):
        vectors(small(vocabulary=50), tokenizer(), ["abc"])
