"""Loss tables against one document at a time, on models that have learned something."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax
from transformers import AutoModelForCausalLM, BloomConfig, MambaConfig

from tamis.errors import Refused
from tamis.measure.causal_losses import losses, token_losses

from .language import CONTEXT, conditional, documents, prior, small, tokenizer

TEXTS = [*documents("tldr")[300:312], *documents("pep")[300:312], "", None, "a", "naïve 漢字 – é", "ab " * 30]


def slowly(model, texts, context=CONTEXT, begin=True, tokens=None):
    """Each document by itself, without padding: nats, tokens, characters, bytes and cut tokens."""
    found = []
    for text in (text or "" for text in texts):
        split = (tokens or tokenizer())(text, add_special_tokens=False, return_offsets_mapping=True)
        room = context - begin
        ids, offsets = split["input_ids"][:room], split["offset_mapping"][:room]
        stop = offsets[-1][1] if len(split["input_ids"]) > room else len(text)
        seen = text[0 if begin else (offsets[1][0] if len(offsets) > 1 else len(text)) : stop]
        row = ([0] if begin else []) + ids
        nats = 0.0
        if len(row) > 1:
            with torch.no_grad():
                p = log_softmax(model(input_ids=torch.tensor([row])).logits[0].double(), -1)
            nats = -sum(float(p[i, token]) for i, token in enumerate(row[1:]))
        cut = len(split["input_ids"]) - len(ids)
        found.append((nats, max(len(row) - 1, 0), len(seen), len(seen.encode()), cut))
    return [np.array(column) for column in zip(*found, strict=True)]


def check(table, expected, near=1e-5):
    np.testing.assert_allclose(table.nll, expected[0], rtol=near, atol=near)
    for found, wanted in zip(table[1:], expected[1:], strict=True):
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_equals_one_document_at_a_time(kind, monkeypatch):
    model = prior(kind)
    expected = slowly(model, TEXTS)
    assert (expected[4] > 0).sum() >= 3 and (expected[4] == 0).sum() >= 3
    for batch_tokens in (1, 300, 100_000):
        check(losses(model, tokenizer(), TEXTS, batch_tokens=batch_tokens), expected)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is packed, and not padded in the end
            check(losses(model, tokenizer(), TEXTS, batch_tokens=batch_tokens, packed=True), expected)
    monkeypatch.setattr("tamis.measure.causal_batches.AT_ONCE", 3)
    check(losses(model, tokenizer(), TEXTS), expected)


def test_a_shorter_context_cuts_and_counts():
    for context in (2, 17):
        table = losses(prior(), tokenizer(), TEXTS, context=context)
        check(table, slowly(prior(), TEXTS, context))
        assert table.tokens.max() == context - 1 and (table.tokens + table.cut).max() > CONTEXT


@pytest.mark.parametrize("packed", [False, True])
def test_order_company_and_the_side_of_padding_change_nothing(packed):
    expected = losses(prior(), tokenizer(), TEXTS)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    for side in ("left", "right"):
        tokens = tokenizer()
        tokens.padding_side, before = side, tokens.padding_side
        tokens.pad_token = tokens.bos_token
        try:
            shuffled = losses(prior(), tokens, [TEXTS[i] for i in order], packed=packed, batch_tokens=700)
        finally:
            tokens.padding_side = before
        for found, wanted in zip(shuffled, expected, strict=True):
            np.testing.assert_allclose(found, wanted[order], rtol=1e-5)
    alone = [losses(prior(), tokenizer(), [text], packed=packed).nll[0] for text in TEXTS]
    np.testing.assert_allclose(alone, expected.nll, rtol=1e-5)


def test_a_settled_truncation_of_the_tokenizer_does_not_count():
    tokens = tokenizer()
    tokens.backend_tokenizer.enable_truncation(5)
    tokens.backend_tokenizer.enable_padding(length=9)
    check(losses(prior(), tokens, TEXTS), slowly(prior(), TEXTS))


def test_without_a_begin_the_first_token_is_given():
    tokens, model = tokenizer(begin=None), prior()
    check(losses(model, tokens, TEXTS), slowly(model, TEXTS, begin=False, tokens=tokens))


def test_the_end_of_texts_stands_for_a_missing_begin():
    tokens = tokenizer(begin=None)
    tokens.eos_token = tokens.convert_ids_to_tokens(70)
    try:
        found = losses(prior(), tokens, ["a b"])
    finally:
        tokens.eos_token = None
    row = [70, *tokens("a b")["input_ids"]]
    with torch.no_grad():
        expected = float(prior()(input_ids=torch.tensor([row]), labels=torch.tensor([row])).loss) * (len(row) - 1)
    assert found.nll[0] == pytest.approx(expected, rel=1e-5) and found.tokens[0] == len(row) - 1


def test_it_has_learned():
    """Far below an untrained model, and the sign of prior − conditional is that of the target's domain."""
    target, other = documents("tldr")[300:360], documents("pep")[300:360]
    before, one, two = (losses(model, tokenizer(), target + other) for model in (small(), prior(), conditional()))
    perplexity = [math.exp(found.nll.sum() / found.tokens.sum()) for found in (before, one)]
    assert perplexity[1] < perplexity[0] / 5
    score = one.nll / one.tokens - two.nll / two.tokens
    kept = np.argsort(-score)[:60]
    assert (kept < 60).mean() > 0.9
    assert (np.argsort(score)[:60] < 60).mean() < 0.1


def test_half_precision_sums_in_float32():
    model = small().bfloat16()
    model.load_state_dict(prior().state_dict())
    found, exact = losses(model, tokenizer(), TEXTS), losses(prior(), tokenizer(), TEXTS)
    np.testing.assert_allclose(found.nll, exact.nll, rtol=2e-2, atol=0.1)
    logits = torch.full((1, 1, 400), 3.0, dtype=torch.bfloat16)
    assert float(token_losses(logits, torch.tensor([[7]]))) == pytest.approx(math.log(400), rel=1e-6)


def test_slices_of_logits_change_nothing(monkeypatch):
    logits, targets = torch.randn(3, 5, 40), torch.randint(40, (3, 5))
    targets[1] = -100
    whole = token_losses(logits, targets)
    monkeypatch.setattr("tamis.measure.causal_losses.ROOM", 1)
    assert torch.equal(token_losses(logits, targets), whole) and not whole[1].any()
    expected = -log_softmax(logits.double(), -1)[0].gather(-1, targets[0][:, None])[:, 0]
    np.testing.assert_allclose(whole[0], expected, rtol=1e-6)


@pytest.mark.parametrize("config", [
    BloomConfig(vocab_size=400, hidden_size=32, n_layer=2, n_head=4),
    MambaConfig(vocab_size=400, hidden_size=32, num_hidden_layers=2, state_size=4),
])  # fmt: skip
def test_a_model_that_mixes_documents_is_padded(config):
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data.mul_(3)
    expected = losses(model, tokenizer(), TEXTS, context=60)
    with pytest.warns(UserWarning, match="padded and not packed"):
        found = losses(model, tokenizer(), TEXTS, context=60, packed=True)
    np.testing.assert_allclose(found.nll, expected.nll, rtol=1e-6)


def test_it_is_left_in_its_mode():
    model = small("gpt2")
    model.train()
    model.transformer.h[0].eval()
    before = [module.training for module in model.modules()]
    twice = [losses(model, tokenizer(), TEXTS[:4]).nll for _ in range(2)]
    assert (twice[0] == twice[1]).all() and [module.training for module in model.modules()] == before


def test_nothing_to_measure():
    for texts in ([], [""], [None, ""]):
        for packed in (False, True):
            assert losses(prior(), tokenizer(), texts, packed=packed).nll.tolist() == [0.0] * len(texts)


def test_refusals():
    with pytest.raises(Refused, match="context=129"):
        losses(prior(), tokenizer(), TEXTS, context=129)
    with pytest.raises(Refused, match="context=1"):
        losses(prior(), tokenizer(), TEXTS, context=1)
    with pytest.raises(Refused, match="batch_tokens=0"):
        losses(prior(), tokenizer(), TEXTS, batch_tokens=0)
    broken = small()
    broken.model.embed_tokens.weight.data[tokenizer()("Q")["input_ids"][0]] = torch.nan
    with pytest.raises(Refused, match=r"document 2: .* NaN"):
        losses(broken, tokenizer(), ["abc", "", "Q and more", "Q"])
