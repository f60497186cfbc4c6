"""Vectors by sentence-transformers: the modules' formula on a small encoder, and MiniLM where its package is here."""

import json
import pickle
import warnings

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from tamis.errors import Refused
from tamis.measure.sentence_vectors import open_sentence, vectors

from .language import documents, tokenizer

pytest.importorskip("sentence_transformers")

TEXTS = [*documents("tldr")[:6], *documents("pep")[:6], "", None, "a few words"]
MODULES = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
CONTEXT = 64


def write(folder, mode="mean", modules=MODULES):
    """A small encoder with pooling and normalisation, as the library lays it out."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertModel(BertConfig(vocab_size=400, max_position_embeddings=CONTEXT, **sizes)).eval()
    tokens = tokenizer()
    tokens.pad_token = tokens.bos_token
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    named = [(kind if "." in kind else f"sentence_transformers.models.{kind}", path) for kind, path in modules]
    listed = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (kind, path) in enumerate(named)]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": CONTEXT, "do_lower_case": False}))
    for path in ("1_Pooling", "2_Normalize"):
        (folder / path).mkdir()
    pooling = {"word_embedding_dimension": 16, f"pooling_mode_{mode}_token{'s' if mode == 'mean' else ''}": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    return str(folder), model


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_equals_the_formula(tmp_path, mode, capfd, monkeypatch):
    folder, model = write(tmp_path / "m", mode)
    capfd.readouterr()
    loaded = open_sentence(folder)
    found = vectors(loaded, TEXTS)
    for text, vector, cut in zip(TEXTS, found.vectors, found.cut, strict=True):
        ids = tokenizer()(text or "")["input_ids"]
        assert cut == (len(ids) > CONTEXT)
        if ids:
            with torch.no_grad():
                hidden = model(input_ids=torch.tensor([ids[:CONTEXT]])).last_hidden_state[0].numpy()
            expected = hidden.mean(axis=0) if mode == "mean" else hidden[0]
            np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    assert found.cut.any() and not found.cut.all() and found.vectors.dtype == np.float32 and loaded.width == 16
    order = np.random.default_rng(0).permutation(len(TEXTS))
    monkeypatch.setattr("tamis.measure.sentence_vectors.AT_ONCE", 4)
    again = vectors(loaded, [TEXTS[i] for i in order], batch=3)
    np.testing.assert_allclose(again.vectors, found.vectors[order], atol=1e-5)
    assert again.cut.tolist() == found.cut[order].tolist()
    assert capfd.readouterr() == ("", "")


def test_a_shorter_context(tmp_path):
    """The same as of a model that takes as much, and the model takes as much as before afterwards."""
    folder, model = write(tmp_path / "m")
    loaded = open_sentence(folder)
    before = vectors(loaded, TEXTS)
    found = vectors(loaded, TEXTS, context=8)
    lengths = [len(tokenizer()(text or "")["input_ids"]) for text in TEXTS]
    assert found.cut.tolist() == [length > 8 for length in lengths]
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([tokenizer()(TEXTS[0])["input_ids"][:8]])).last_hidden_state[0].numpy()
    np.testing.assert_allclose(found.vectors[0], hidden.mean(axis=0) / np.linalg.norm(hidden.mean(axis=0)), atol=1e-5)
    np.testing.assert_array_equal(vectors(loaded, TEXTS).vectors, before.vectors)
    with pytest.raises(Refused, match=r"context=65: .*2 to 64"):
        vectors(loaded, TEXTS, context=65)


def test_a_model_that_reads_whole_texts(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    torch.manual_seed(0)
    words = StaticEmbedding(tokenizer().backend_tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path / "m"), create_model_card=False)
    loaded = open_sentence(str(tmp_path / "m"))
    assert not vectors(loaded, TEXTS).cut.any()
    with pytest.raises(Refused, match=r"context=8: .* whole texts"):
        vectors(loaded, TEXTS, context=8)


def test_minilm(tmp_path):
    """Real weights: what is alike is near, as a mean of hidden layers of the model itself says."""
    package = pytest.importorskip("all_minilm_l6_v2")
    from transformers import AutoModel, AutoTokenizer

    folder = str(package.extract_model(str(tmp_path)))
    texts = ["A man is playing a guitar.", "Someone plays an instrument.", "Interest rates rose again in June."]
    found = vectors(open_sentence(folder), texts)
    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state
    mask = tokens["attention_mask"][..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
    np.testing.assert_allclose(found.vectors, torch.nn.functional.normalize(mean).numpy(), atol=1e-5)
    near = found.vectors @ found.vectors[0]
    assert near[1] > 0.5 > 0.2 > near[2] and not found.cut.any()


def test_refusals(tmp_path):
    folder, _ = write(tmp_path / "code", modules=(*MODULES, ("own.Module", "")))
    with pytest.raises(Refused, match=r"needs own.Module, code .* sentence-transformers"):
        open_sentence(folder)
    folder, _ = write(tmp_path / "outside", modules=(*MODULES, ("Dense", "../other")))
    with pytest.raises(Refused, match=r"names ../other, which is outside"):
        open_sentence(folder)
    folder, _ = write(tmp_path / "pickle", modules=(*MODULES, ("Dense", "2_Normalize")))
    (tmp_path / "pickle/2_Normalize/pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(Refused, match=r"only in 2_Normalize/pytorch_model.bin"):
        open_sentence(folder)
    folder, model = write(tmp_path / "whole")
    with pytest.raises(Refused, match="batch=0"):
        vectors(open_sentence(folder), TEXTS, batch=0)
    model.embeddings.word_embeddings.weight.data[tokenizer()("Q")["input_ids"][0]] = torch.nan
    model.save_pretrained(folder)
    with pytest.raises(Refused, match=r"document 1: .* NaN"):
        vectors(open_sentence(folder), ["abc", "Q"])
    (tmp_path / "whole/config.json").unlink()
    with pytest.raises(Refused, match="cannot be used"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        open_sentence(folder)
    (tmp_path / "whole/modules.json").write_text('{"a": 1}')
    with pytest.raises(Refused, match="no list of modules"):
        open_sentence(folder)
    (tmp_path / "whole/modules.json").unlink()
    with pytest.raises(Refused, match=r"no settings .modules.json"):
        open_sentence(folder)
