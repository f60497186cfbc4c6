"""Cases: measures of texts that a request names."""

import numpy as np

from .cases_text_models import NEEDS, below
from .running import Case, select

FILTER = "--method color-filter --target wanted.jsonl"


CASES = {
    "measure that nobody knows": select(
        "measure-unknown", "--method k-center --represent latent", 2, ["'latent-semantics'", "hashed-words", "folder"]
    ),
    "vectors of texts and a column of them": select(
        "represent-with-vectors", "--represent hashed-words --embedding e.npy", 2, ["hashed-words", "e.npy"],
        files={"e.npy": lambda path: np.save(path, np.ones((12, 2)))},
    ),
    "texts that share no word": select(
        "latent-of-too-little", "--method rds-plus --target wanted.jsonl", 1, ["latent-semantics", "hashed-words"],
        files={"pool.jsonl": [{"text": "one"}, {"text": "two"}, {"text": "three"}]},
    ),
    "losses of a model that is not there": Case(
        "model-folder-missing", "measure losses pool.jsonl --model gpt2 -o out", 2, ["--model gpt2"]
    ),
    "losses of a model of vectors": select(
        "model-without-losses", f"{FILTER} --use prior_loss=./model", 2, ["./model", "causal"],
        files={"model/config.json": "{}"},
    ),
    "models for other targets": select(
        "models-for-targets", f"{FILTER} --target pool.jsonl --use conditional_loss=./model", 2,
        ["1 of them for 2 targets"], files=below("model"), needs=NEEDS,
    ),
    "n-grams beside a model": select(
        "tokenizers-differ", f"{FILTER} --use conditional_loss=./model", 2, ["./model", "n-grams"],
        files=below("model"), needs=NEEDS,
    ),
}  # fmt: skip
