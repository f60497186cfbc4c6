"""Small causal language models with a tokenizer of bundled text, and folders of them."""

import functools
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PreTrainedTokenizerFast

EXAMPLES = Path(__file__).parents[2] / "examples"
CONTEXT = 128


@functools.cache
def documents(source):
    """Texts of the pool of the examples that are from one source, `tldr` or `pep`."""
    table = pa.concat_tables([pq.read_table(path) for path in sorted(EXAMPLES.glob("pool/*.parquet"))])
    return [row["text"] for row in table.to_pylist() if row["source"] == source]


@functools.cache
def tokenizer(vocabulary=400, begin="<s>"):
    """Byte pairs of those texts; without a begin it has no special token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[begin] if begin else [], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(documents("tldr")[:200] + documents("pep")[:200], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, **({"bos_token": begin} if begin else {}))


def small(kind="llama", seed=0, vocabulary=400):
    """An untrained model of two layers of 64."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 0}
    if kind == "gpt2":
        config = GPT2Config(n_positions=CONTEXT, n_embd=64, n_layer=2, n_head=4, **sizes)
    else:
        config = LlamaConfig(
            max_position_embeddings=CONTEXT, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
            num_attention_heads=4, **sizes,
        )  # fmt: skip
    return AutoModelForCausalLM.from_config(config)


def saved(folder, model=None, tokens=True, **options):
    """A folder as `save_pretrained` makes it."""
    (model or small()).save_pretrained(folder, **options)
    if tokens:
        tokenizer().save_pretrained(folder)
    return str(folder)


@functools.cache
def files():
    """The files of an untrained model by name, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        saved(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def folder_files(folder="model", without=(), config=None, **more):
    """Files of a model below a folder, some left out, with some settings changed, and more of them."""
    found = {name: content for name, content in files().items() if name not in without}
    if config:
        found["config.json"] = json.dumps(json.loads(found["config.json"]) | config).encode()
    return {f"{folder}/{name}": content for name, content in (found | more).items()}
