"""Folders of models as Hugging Face libraries save them: what is in them, before any of it is loaded."""

import functools
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tamis import refusals
from tamis.pool import storage
from tamis.pool.base import digest

CONFIG, WEIGHTS, PICKLES = "config.json", "model.safetensors", "pytorch_model.bin"
INDEX = ".index.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
STATES = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")  # of a training, beside the weights
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")


class ModelFiles(NamedTuple):
    """The files of a model that are used.

    Args:
        folder: as it was given.
        config: what `config.json` says.
        weights: names of the files with weights, and of their index.
        tokenizer: names of the files of the tokenizer.
        pickled: whether the weights are pickles, which were trusted.
    """

    folder: str
    config: dict[str, Any]
    weights: tuple[str, ...]
    tokenizer: tuple[str, ...]
    pickled: bool


def model_files(folder: str, *, trust_pickle: bool = False) -> ModelFiles:
    """The files of a model in a folder on this machine, with nothing loaded but small settings.

    Weights are `model.safetensors`, or the parts that an index beside it names. Pickles (`pytorch_model.bin`) are used
    only where there is nothing else and `trust_pickle` is set, since loading one can run code.

    Raises `Refused` where there is no such folder, where its settings, weights or tokenizer are missing or cannot be
    read, where the weights are pickles only, and where it is a URL.
    """
    config = settings(folder)
    weights = weights_in(folder, WEIGHTS)
    pickled = "" if weights else pickle_in(folder)
    if pickled and not trust_pickle:
        raise refusals.MODEL_PICKLED(folder, name=pickled)
    weights = weights or weights_in(folder, PICKLES)
    if not weights:
        raise refusals.MODEL_LACKS(folder, what="weights", names=f"{PICKLES if pickled else WEIGHTS} or its parts")
    tokenizer = [name for name in TOKENIZERS if (Path(folder) / name).is_file()]
    if not tokenizer:
        raise refusals.MODEL_LACKS(folder, what="tokenizer", names="tokenizer.json or an older kind")
    tokenizer += [name for name in SETTINGS if (Path(folder) / name).is_file()]
    return ModelFiles(folder, config, weights, tuple(tokenizer), bool(pickled))


def settings(folder: str, name: str = CONFIG) -> dict[str, Any]:
    """What a file of settings in the folder says; refuses one that is missing or no JSON object, and its folder."""
    check_folder(folder)
    found = read_json(folder, name)
    if not isinstance(found, dict):
        raise refusals.MODEL_UNREADABLE(folder, said=f"{name} is not an object")
    return found


def check_folder(folder: str) -> None:
    """Refuse what is no folder on this machine."""
    storage.refuse_url(folder, what="a model", fix="download the model, and name its folder")
    if not Path(folder).is_dir():
        raise refusals.MODEL_FOLDER_MISSING(folder)


def read_json(folder: str, name: str) -> Any:
    """The value in a file of the folder; refuses one that is missing or no JSON."""
    try:
        return json.loads((Path(folder) / name).read_bytes())
    except FileNotFoundError:
        raise refusals.MODEL_LACKS(folder, what="settings", names=name) from None
    except (OSError, ValueError, RecursionError) as error:
        raise refusals.MODEL_UNREADABLE(folder, said=f"{name}: {error}") from None


def pickle_in(folder: str) -> str:
    """The name of a file of weights in the folder that is a pickle, or nothing."""
    found = sorted(path.name for path in Path(folder).iterdir() if path.suffix in PICKLED)
    found = [name for name in found if not name.startswith(STATES)]
    return next((name for name in found if name.startswith("pytorch_model")), found[0] if found else "")


def weights_in(folder: str, name: str) -> tuple[str, ...]:
    """A file of weights, or its index and the parts that are named there; nothing where there is neither."""
    if (Path(folder) / name).is_file():
        return (name,)
    if not (Path(folder) / f"{name}{INDEX}").is_file():
        return ()
    index = settings(folder, f"{name}{INDEX}")
    parts = sorted({str(part) for part in (index.get("weight_map") or {}).values()})
    for part in parts:
        if Path(part).name != part or not (Path(folder) / part).is_file():
            raise refusals.MODEL_LACKS(folder, what="weights", names=f"{part}, which {name}{INDEX} names")
    return (f"{name}{INDEX}", *parts) if parts else ()


def content_digest(folder: str, names: Iterable[str]) -> str:
    """A short name for the content of some files of a folder, the same wherever they lie.

    Files are read once in a process as long as they keep size and time. About a second for each 2 GB; constant memory.
    """
    return digest([(name, _file_digest(str(Path(folder) / name))) for name in sorted(names)])


def _file_digest(path: str) -> str:
    try:
        found = os.stat(path)
        return _digest_at(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise refusals.FILE_UNREADABLE(path, said=error.strerror) from None


@functools.lru_cache(256)
def _digest_at(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
