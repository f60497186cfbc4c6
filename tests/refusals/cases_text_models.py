"""Cases: models of text, and what is measured with them."""

import functools
import json

from .cases_machine import without
from .running import call

NEEDS = ("torch", "transformers")
CODE = {"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "own.Model"}}


def below(folder, **changes):
    """Files of a model; they are made when the case is laid out."""

    def lay(path):
        from .small_models import folder_files

        for name, content in folder_files(folder, **changes).items():
            place = path.parents[1] / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    return {f"{folder}/config.json": lay}


def opened(folder="model", kind="causal", **options):
    """What loads it."""

    def load():
        from importlib import import_module

        module = import_module(f"tamis.measure.{'causal_models' if kind == 'causal' else f'{kind}_vectors'}")
        return getattr(module, f"open_{kind}")(folder, **options)

    return load


def diverged():
    """Losses of a model that has NaN for the letter Q."""
    import torch

    from tamis.measure.causal_losses import losses

    model, tokens = opened()()[1:3]
    model.get_input_embeddings().weight.data[tokens("Q")["input_ids"][0]] = torch.nan
    losses(model, tokens, ["a text", "Questions", "Q"])


def compared():
    """Two models with different tokenizers."""
    from tamis.measure.causal_models import check_same_tokenizer

    check_same_tokenizer(opened()(), opened("other")())


def other_tokenizer(path):
    """A tokenizer with fewer tokens than that of the usual model."""
    from .small_models import tokenizer

    tokenizer(380).save_pretrained(path.parent)


refused = functools.partial(call, needs=NEEDS)
PICKLE = {"model/pytorch_model.bin": b"\x80\x04."}

CASES = {
    "no model folder": refused("model-folder-missing", opened("gpt2"), ["gpt2", "none is fetched"]),
    "a file as a model": refused("model-folder-missing", opened("pool.jsonl"), ["pool.jsonl"]),
    "a model without weights": refused(
        "model-lacks",
        opened(),
        ["model", "weights", "model.safetensors"],
        files=below("model", without=["model.safetensors"]),
    ),
    "a model without a tokenizer": refused(
        "model-lacks",
        opened(),
        ["tokenizer", "tokenizer.json"],
        files=below("model", without=["tokenizer.json", "tokenizer_config.json"]),
    ),
    "a model without settings": refused(
        "model-lacks",
        opened(),
        ["settings", "config.json"],
        files={"model/model.safetensors": b""},
    ),
    "a model with too few weights": refused(
        "model-lacks",
        opened(),
        ["LlamaForCausalLM", "layers.2"],
        files=below("model", config={"num_hidden_layers": 3}),
    ),
    "weights that are a pickle": refused(
        "model-pickled",
        opened(),
        ["model: ", "pytorch_model.bin", "--trust-pickle"],
        files=below("model", without=["model.safetensors"]) | PICKLE,
    ),
    "static vectors that are a pickle": refused(
        "model-pickled",
        opened(kind="static"),
        ["pytorch_model.bin"],
        files=PICKLE,
        needs=(),
    ),
    "static vectors without a file": refused(
        "model-lacks",
        opened(kind="static"),
        ["model.safetensors"],
        files={"model/config.json": "{}"},
        needs=(),
    ),
    "a model that needs code": refused(
        "model-needs-code",
        opened(),
        ["own.Model", "transformers"],
        files=below("model", config=CODE),
    ),
    "a module that needs code": refused(
        "model-needs-code",
        opened(kind="sentence"),
        ["own.Module", "sentence-transformers"],
        files={"model/modules.json": json.dumps([{"type": "own.Module", "path": ""}])},
        needs=(),
    ),
    "a model of another kind": refused(
        "model-not-causal",
        opened(),
        ["BertForMaskedLM"],
        files=below("model", config={"model_type": "bert", "architectures": ["BertForMaskedLM"]}),
    ),
    "a model that is unknown": refused(
        "model-unreadable",
        opened(),
        ["'mine'"],
        files=below("model", config={"model_type": "mine"}),
    ),
    "settings that are no JSON": refused(
        "model-unreadable", opened(), ["config.json"], files={"model/config.json": "{"}
    ),
    "a tokenizer that is none": refused(
        "model-unreadable",
        opened(),
        ["tokenizer"],
        files=below("model", **{"tokenizer.json": b"{}"}),
    ),
    "weights that are cut": refused(
        "model-unreadable",
        opened(kind="static"),
        ["model.safetensors", "whole"],
        needs=("tokenizers",),
        files=below("model", **{"model.safetensors": b"1234567", "config.json": b"{}"}),
    ),
    "a loss that is NaN": refused("model-not-finite", diverged, ["document 1", "model", "NaN"], files=below("model")),
    "two tokenizers": refused(
        "tokenizers-differ",
        compared,
        ["other", "model"],
        files=below("model") | below("other") | {"other/later": other_tokenizer},
    ),
    "a number type that is unknown": refused(
        "parameter-not-listed",
        opened(dtype="int8"),
        ["dtype=int8", "bfloat16"],
        needs=(),
    ),
    "transformers missing": call(
        "package-missing",
        opened(),
        ["transformers", "tamis[hf]"],
        files=below("model"),
        needs=NEEDS,
        during=without("transformers"),
    ),
    "sentence-transformers missing": call(
        "package-missing",
        opened(kind="sentence"),
        ["sentence-transformers", "tamis[sentences]"],
        needs=NEEDS,
        files={"model/modules.json": "[]"},
        during=without("sentence_transformers"),
    ),
    "tokenizers missing": call(
        "package-missing",
        opened(kind="static"),
        ["tokenizers", "tamis[hf]"],
        during=without("tokenizers"),
        files={"model/model.safetensors": b"", "model/config.json": "{}"},
    ),
}
