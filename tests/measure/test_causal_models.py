"""Folders of causal models: what is loaded, what is refused, and the digests of both."""

import json
import pickle
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertLMHeadModel

from tamis.errors import Refused
from tamis.measure.causal_losses import losses
from tamis.measure.causal_models import check_same_tokenizer, open_causal
from tamis.measure.model_folder import model_files

from .language import documents, files, folder_files, prior, saved, small, tokenizer

TEXTS = documents("tldr")[:5]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the learned model."""
    return saved(tmp_path_factory.mktemp("home") / "prior", prior())


def write(folder, found):
    for name, content in found.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(Path(folder) / "model")


def test_it_is_the_model_that_was_saved(home, capfd):
    expected = losses(prior(), tokenizer(), TEXTS)
    found = open_causal(home)
    assert losses(found.model, found.tokenizer, TEXTS).nll.tolist() == expected.nll.tolist()
    assert found.model.dtype == torch.float32 and not found.model.training
    assert capfd.readouterr() == ("", "")
    half = open_causal(home, dtype="bfloat16").model
    assert half.dtype == torch.bfloat16


def test_weights_in_parts(tmp_path, home):
    folder = saved(tmp_path / "parts", prior(), max_shard_size="100KB")
    assert len(model_files(folder).weights) > 2 and not (tmp_path / "parts/model.safetensors").exists()
    assert torch.equal(open_causal(folder).model.lm_head.weight, prior().lm_head.weight)
    next(Path(folder).glob("model-00002*")).unlink()
    with pytest.raises(Refused, match=r"no weights .*model-00002.*index"):
        open_causal(folder)


def test_digests_are_of_content(tmp_path, home):
    one = open_causal(home)
    copy = shutil.copytree(home, tmp_path / "copy")
    assert open_causal(str(copy))[3:] == one[3:]
    (copy / "README.md").write_text("not a part of the model")
    assert open_causal(str(copy)).digest == one.digest
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-5}))
    other = open_causal(str(copy))
    assert other.digest != one.digest and other.tokenizer_digest == one.tokenizer_digest
    another = open_causal(saved(tmp_path / "other", small(seed=1)))
    assert another.digest not in (one.digest, other.digest)
    check_same_tokenizer(one, another)


def test_tokenizers_are_compared_by_what_they_do(tmp_path, home):
    one = open_causal(home)
    copy = shutil.copytree(home, tmp_path / "copy")
    said = json.loads((copy / "tokenizer.json").read_text())
    said["truncation"] = {"direction": "Right", "max_length": 9, "strategy": "LongestFirst", "stride": 0}
    (copy / "tokenizer.json").write_text(json.dumps(said, indent=4))
    same = open_causal(str(copy))
    assert same.digest != one.digest
    check_same_tokenizer(one, same)
    tokenizer(380).save_pretrained(copy)
    with pytest.raises(Refused, match=f"{copy}: its tokenizer is another one than that of {home}"):
        check_same_tokenizer(one, open_causal(str(copy)))


class Bomb:
    """A pickle that leaves a file where it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_never_loaded_unless_trusted(tmp_path):
    folder = write(tmp_path, folder_files(without=["model.safetensors"]))
    loud = tmp_path / "loaded"
    (tmp_path / "model/pytorch_model.bin").write_bytes(pickle.dumps(Bomb(loud)))
    with pytest.raises(Refused, match=r"only in pytorch_model.bin, a pickle.*--trust-pickle"):
        open_causal(folder)
    assert not loud.exists()
    torch.save(small().state_dict(), tmp_path / "model/pytorch_model.bin")
    trusted = open_causal(folder, trust_pickle=True)
    assert torch.equal(trusted.model.lm_head.weight, small().lm_head.weight)
    (tmp_path / "model/model.safetensors").write_bytes(files()["model.safetensors"])
    (tmp_path / "model/pytorch_model.bin").write_bytes(pickle.dumps(Bomb(loud)))
    open_causal(folder, trust_pickle=True)  # there are safe weights, so the pickle is not read
    assert not loud.exists()


def test_code_of_the_folder_is_never_run(tmp_path):
    loud = tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(loud)!r}).touch()\n".encode()
    mapped = {"auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    known = write(tmp_path / "known", folder_files(config=mapped, **{"own.py": code}))
    assert open_causal(known).model.config.model_type == "llama"
    unknown = write(tmp_path / "unknown", folder_files(config=mapped | {"model_type": "mine"}, **{"own.py": code}))
    with pytest.raises(Refused, match=r"it needs own.Config, code that comes with the model.*transformers"):
        open_causal(unknown)
    assert not loud.exists()


def test_nothing_is_fetched():
    with pytest.raises(Refused, match=r"s3://bucket/model: it is a URL, .*download"):
        open_causal("s3://bucket/model")
    with pytest.raises(Refused, match="gpt2: there is no such folder"):
        open_causal("gpt2")


def test_what_is_not_causal(tmp_path):
    """BERT with a head of language models sees what is to come, whatever it is called."""
    config = BertConfig(vocab_size=400, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, is_decoder=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = saved(tmp_path / "bert", BertLMHeadModel(config))
    with pytest.raises(Refused, match=r"no causal language model .later tokens change"):
        open_causal(folder)


def test_weights_that_do_not_fit(tmp_path):
    with pytest.raises(Refused, match=r"no weights for all of a LlamaForCausalLM .*layers.2"):
        open_causal(write(tmp_path / "a", folder_files(config={"num_hidden_layers": 3})))
    with pytest.raises(Refused, match="cannot be used"):
        open_causal(write(tmp_path / "b", folder_files(config={"vocab_size": 300})))
    with pytest.raises(Refused, match="cannot be used"):
        cut = files()["model.safetensors"][:-1000]
        open_causal(write(tmp_path / "c", folder_files(**{"model.safetensors": cut})))
    with pytest.raises(Refused, match="dtype=int8"):
        open_causal(write(tmp_path / "d", folder_files()), dtype="int8")
