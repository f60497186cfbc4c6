"""Vectors by gradients of a model that has learned something, against autograd of one document at a time."""

import functools
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tamis.errors import Refused  # noqa: E402
from tamis.measure.adam_file import open_adam, save_adam  # noqa: E402
from tamis.measure.adam_moments import Adam, moments_of  # noqa: E402
from tamis.measure.causal_gradients import CausalGradients, mean_losses  # noqa: E402
from tamis.measure.causal_models import open_causal  # noqa: E402

from .language import CONTEXT, documents, prior, saved, small, tokenizer  # noqa: E402

TEXTS = [*documents("tldr")[300:308], *documents("pep")[300:304], "", None, "a"]
ALL = 10**6


def tokens_of(text, context=CONTEXT):
    return [0, *tokenizer()(text or "", add_special_tokens=False)["input_ids"]][:context]


def linear(model):
    return {name: one for name, one in model.named_parameters() if ".layers." in name and one.ndim == 2}


@functools.cache
def exactly():
    """The gradients of each text, by the loss of the library itself; not divided by their norms."""
    model, found = prior(), []
    for ids in map(tokens_of, TEXTS):
        if len(ids) < 2:
            found.append(torch.zeros(sum(one.numel() for one in linear(model).values())))
            continue
        batch = torch.tensor([ids])
        loss = model(input_ids=batch, labels=batch).loss
        found.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(linear(model).values()))]))
    return torch.stack(found).numpy()


def units(x):
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(norms > 0, norms, 1)


@functools.cache
def moments():
    """Of some steps of Adam from that model on, on another copy of it."""
    model = small()
    model.load_state_dict(prior().state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    for text in documents("pep")[:8]:
        batch = torch.tensor([tokens_of(text)])
        optimizer.zero_grad()
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()
    return moments_of(optimizer, model)


@pytest.mark.parametrize("batch_tokens", [1, 300, 4000])
def test_they_are_those_of_autograd(batch_tokens):
    measure = CausalGradients(prior(), tokenizer(), d=ALL, batch_tokens=batch_tokens)
    assert list(measure.parameters) == list(linear(prior())) and len(measure.parameters) == 14
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure(TEXTS)
    np.testing.assert_allclose(found.vectors, units(exactly()), atol=1e-5)
    assert found.cut.tolist() == [len(tokenizer()(text or "")["input_ids"]) >= CONTEXT for text in TEXTS]
    assert not found.vectors[12:14].any()


def test_projected_cosines_are_near():
    found = CausalGradients(prior(), tokenizer())(TEXTS).vectors
    assert found.shape == (len(TEXTS), 1024)
    away = found @ found.T - units(exactly()) @ units(exactly()).T
    assert 1e-6 < abs(away).max() < 5 * np.sqrt(2 / 1024)
    assert (found == CausalGradients(prior(), tokenizer())(TEXTS).vectors).all()
    other = CausalGradients(prior(), tokenizer(), seed=1)(TEXTS).vectors
    assert abs(other - found).max() > 0.05


def test_batches_order_and_padding_change_nothing():
    measure = CausalGradients(prior(), tokenizer())
    whole = measure(TEXTS).vectors
    np.testing.assert_allclose(measure(TEXTS[::-1]).vectors[::-1], whole, atol=1e-5)
    alone = np.concatenate([measure([text]).vectors for text in TEXTS])
    np.testing.assert_allclose(alone, whole, atol=1e-5)
    padded = torch.tensor([[*tokens_of("a text"), *[7] * 9], [*tokens_of("a text"), *[8] * 9]])
    real = torch.arange(padded.shape[1]) < len(tokens_of("a text"))
    one, other = mean_losses(prior(), (padded, real.expand(2, -1))).detach()
    batch = torch.tensor([tokens_of("a text")])
    assert float(one) == float(other) == pytest.approx(prior()(input_ids=batch, labels=batch).loss.item(), rel=1e-5)


def test_the_context_cuts():
    short = CausalGradients(prior(), tokenizer(), context=9)(TEXTS)
    first = [tokenizer().decode(tokens_of(text)[1:9]) for text in TEXTS[:3]]
    np.testing.assert_allclose(CausalGradients(prior(), tokenizer())(first).vectors, short.vectors[:3], atol=1e-5)
    assert short.cut[:12].all() and not short.cut[12:].any()
    with pytest.raises(Refused, match="context=500"):
        CausalGradients(prior(), tokenizer(), context=500)


def test_with_moments_it_is_the_formula(tmp_path):
    adam = moments()
    save_adam(adam, str(tmp_path))
    read = open_adam(str(tmp_path))
    assert read.betas == adam.betas and read.eps == adam.eps and set(read.first) == set(adam.first)
    m, v = (torch.cat([of[name].flatten() for name in linear(prior())]).numpy() for of in (adam.first, adam.second))
    g = exactly().astype(np.float64)
    wanted = (0.9 * m + 0.1 * g) / np.sqrt(0.999 * v + 0.001 * g**2 + 1e-8)
    wanted[~g.any(axis=1)] = 0
    found = CausalGradients(prior(), tokenizer(), d=ALL, adam=read)(TEXTS).vectors
    np.testing.assert_allclose(found, units(wanted), atol=2e-5)
    assert (np.einsum("nd,nd->n", found, units(g))[:12] < 0.99).all()  # another direction than the gradient's


@pytest.mark.parametrize("adam", [None, moments])
def test_a_gradient_of_zero_gives_zeros(adam):
    model = small()
    model.lm_head.weight.data[:] = 0  # so that no block has a part in the loss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not CausalGradients(model, tokenizer(), adam=adam and adam())(TEXTS[:3]).vectors.any()


def test_one_direction_of_learning_for_each_source():
    """What they are for: texts of one source teach what others of it teach."""
    measure = CausalGradients(prior(), tokenizer())
    wanted = measure(documents("pep")[:20]).vectors
    pool = measure(documents("tldr")[300:340] + documents("pep")[300:340]).vectors
    assert (np.argsort(-(pool @ wanted.T).mean(axis=1))[:20] >= 40).mean() > 0.9


def test_parameters_by_pattern_and_adapters():
    chosen = CausalGradients(prior(), tokenizer(), parameters="*.q_proj.weight")
    assert chosen.parameters == tuple(f"model.layers.{k}.self_attn.q_proj.weight" for k in (0, 1))
    model = small().requires_grad_(False)
    model.model.norm.weight.requires_grad_(True)
    only = CausalGradients(model, tokenizer())
    assert only.parameters == ("model.norm.weight",) and only(["a text"]).vectors.shape == (1, 64)
    gpt = CausalGradients(small("gpt2"), tokenizer())
    assert len(gpt.parameters) == 8 and all(".h." in name for name in gpt.parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no parameter without a fast way
        gpt(TEXTS[:3])
    with pytest.raises(Refused, match=r"parameters 'lora\*'.*lm_head|parameters 'lora\*'.*embed"):
        CausalGradients(prior(), tokenizer(), parameters="lora*")


def test_the_model_is_left_as_it_was():
    model = small()
    model.load_state_dict(prior().state_dict())
    model.train()
    CausalGradients(model, tokenizer())(TEXTS[:3])
    assert model.training and all(one.grad is None and one.requires_grad for one in model.parameters())
    assert all(torch.equal(one, model.state_dict()[name]) for name, one in prior().state_dict().items())


def test_refusals(tmp_path):
    broken = small()
    broken.model.embed_tokens.weight.data[tokenizer()("Q")["input_ids"][0]] = torch.inf
    with pytest.raises(Refused, match="document 1: ") as told:
        CausalGradients(broken, tokenizer())(["abc", "Q and more", "more of it", "none"])
    assert told.value.kind == "model-not-finite"
    with pytest.raises(Refused, match="no moments of the parameter"):
        CausalGradients(prior(), tokenizer(), adam=Adam({}, {}))
    place = saved(tmp_path / "model", prior())
    assert open_adam(place) is None
    (tmp_path / "model" / "adam.safetensors").write_bytes(b"\x80\x04")
    with pytest.raises(Refused, match=r"adam\.safetensors"):
        open_adam(place)
    assert open_causal(place).model.training is False
