"""Causal language models from folders of Hugging Face, without a pickle and without code of the folder."""

import contextlib
import functools
import importlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, NamedTuple

from tamis import refusals
from tamis.measure.model_folder import ModelFiles, content_digest, model_files, settings
from tamis.pool.base import digest, first_line

USUAL_CONTEXT = 2048
NEAR = 1e-3
DTYPES = ("auto", "float32", "bfloat16", "float16")


class CausalModel(NamedTuple):
    """A loaded model with its tokenizer.

    Args:
        folder: where it is from, as it was given.
        model: of transformers, in `eval` mode.
        tokenizer: of transformers, a fast one.
        digest: a short name for the content of its weights, settings and tokenizer, to cache what it measures.
        tokenizer_digest: the same for what its tokenizer does; see `check_same_tokenizer`.
    """

    folder: str
    model: Any
    tokenizer: Any
    digest: str
    tokenizer_digest: str


def open_causal(folder: str, *, trust_pickle: bool = False, dtype: str = "float32", device: str = "cpu") -> CausalModel:
    """Load the causal model of a folder, from safetensors and with the code of transformers alone.

    Args:
        folder: on this machine; nothing is fetched.
        trust_pickle: load weights from `pytorch_model.bin` where there are no safetensors.
        dtype: `float32`, `bfloat16`, `float16`, or `auto` for that of the weights. Losses of two models often differ
            by less than bfloat16 resolves.
        device: of torch.

    Raises `Refused` for what `model_files` refuses, for another architecture or one that is not known without code of
    the folder, where weights are missing or do not fit, where later tokens change earlier predictions, and where torch
    or transformers is not installed.
    """
    if dtype not in DTYPES:
        raise refusals.PARAMETER_NOT_LISTED(f"dtype={dtype}", known=", ".join(DTYPES))
    files = model_files(folder, trust_pickle=trust_pickle)
    transformers = need_transformers(folder)
    _check_architecture(files)
    with quiet(transformers):
        tokenizer = _tokenizer(transformers, files)
        try:
            model, info = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, use_safetensors=not files.pickled, output_loading_info=True, **ALONE
            )
            model = model.to(device).eval()
        except Exception as error:  # the library has no class of its own for what it cannot load
            raise refusals.MODEL_UNREADABLE(folder, said=short(error)) from None
    if info["missing_keys"]:
        names = ", ".join(sorted(info["missing_keys"])[:3])
        raise refusals.MODEL_LACKS(folder, what=f"weights for all of a {type(model).__name__}", names=names)
    _check_causal(folder, model)
    known = content_digest(folder, {"config.json", *files.weights, *files.tokenizer})
    return CausalModel(folder, model, tokenizer, known, tokenizer_digest(tokenizer))


ALONE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is fetched, and no code of the folder is run."""


def check_same_tokenizer(one: CausalModel, other: CausalModel) -> None:
    """Refuse two models whose losses per token cannot be compared, since their tokenizers differ."""
    if one.tokenizer_digest != other.tokenizer_digest:
        raise refusals.TOKENIZERS_DIFFER(other.folder, other=one.folder)


def tokenizer_digest(tokenizer: Any) -> str:
    """A short name for how a tokenizer splits texts and what it puts before them, however its files are written."""
    does = json.loads(tokenizer.backend_tokenizer.to_str())
    does.pop("truncation", None), does.pop("padding", None)
    return digest([json.dumps(does, sort_keys=True), begin_of(tokenizer)])


def begin_of(tokenizer: Any) -> int | None:
    """The token that stands before a text: the one that begins texts, else the one that ends them, else none."""
    begin: int | None = tokenizer.bos_token_id
    return tokenizer.eos_token_id if begin is None else begin


def name_of(model: Any) -> str:
    """Where a model is from, or its class."""
    return str(model.name_or_path or type(model).__name__)


def context_of(model: Any, context: int | None, least: int = 1) -> int:
    """How many tokens a model is given at once: `context` if it can take as many, else what it can, up to 2,048."""
    config = model.config.get_text_config()
    most = next((found for name in ("max_position_embeddings", "n_positions", "max_seq_len")
                 if isinstance(found := getattr(config, name, None), int) and found > 0), None)  # fmt: skip
    if context is None:
        return min(most or USUAL_CONTEXT, USUAL_CONTEXT)
    if context < least or (most and context > most):
        accepted = f"{least} to {most:,}, which is all that the model takes" if most else f"{least} or more"
        raise refusals.PARAMETER_OUT_OF_RANGE(f"context={context}", accepted=accepted)
    return context


def need_transformers(where: str) -> Any:
    """The library; refuses where it or torch is not installed."""
    for package, extra in (("torch", "torch"), ("transformers", "hf")):
        try:
            found = importlib.import_module(package)
        except ImportError:
            raise refusals.PACKAGE_MISSING(where, package=package, extra=extra) from None
    return found


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """No bars and no advice of the library on standard error while a model is loaded."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _check_architecture(files: ModelFiles) -> None:
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind, own = str(files.config.get("model_type")), files.config.get("auto_map")
    if kind not in CONFIG_MAPPING:
        if isinstance(own, dict) and own:
            raise refusals.MODEL_NEEDS_CODE(files.folder, name=next(iter(own.values())), library="transformers")
        said = f"{_library()} knows no model_type {kind!r}"
        raise refusals.MODEL_UNREADABLE(files.folder, said=said)
    causal = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind, ())
    saved = files.config.get("architectures") or []
    names = causal if isinstance(causal, tuple) else (causal,)
    if not causal or (saved and not set(names) & set(saved)):
        raise refusals.MODEL_NOT_CAUSAL(files.folder, said=f"it was saved as {', '.join(saved) or kind}")


def _tokenizer(transformers: Any, files: ModelFiles) -> Any:
    own = settings(files.folder, "tokenizer_config.json") if "tokenizer_config.json" in files.tokenizer else {}
    code = (own.get("auto_map") or {}).get("AutoTokenizer")
    if code and not own.get("tokenizer_class"):
        name = next((str(one) for one in (code if isinstance(code, list) else [code]) if one), "code")
        raise refusals.MODEL_NEEDS_CODE(files.folder, name=name, library="transformers")
    try:
        found = transformers.AutoTokenizer.from_pretrained(files.folder, **ALONE)
    except Exception as error:
        raise refusals.MODEL_UNREADABLE(files.folder, said=f"its tokenizer: {short(error)}") from None
    if not found.is_fast:
        said = f"its tokenizer, a {type(found).__name__}, does not say where tokens lie in a text"
        raise refusals.MODEL_UNREADABLE(files.folder, said=said)
    return found


def _check_causal(folder: str, model: Any) -> None:
    """Refuse a model in which a later token changes what is predicted before it."""
    import torch

    known = model.get_input_embeddings().num_embeddings
    tokens = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 0]], device=model.device) % known
    with torch.inference_mode():
        logits = model(input_ids=tokens, use_cache=False).logits[:, :3].float()
    if not torch.allclose(logits[0], logits[1], rtol=NEAR, atol=NEAR * float(logits.abs().max()), equal_nan=True):
        raise refusals.MODEL_NOT_CAUSAL(folder, said="later tokens change what it predicts before them")


@functools.cache
def _library() -> str:
    return f"transformers {version('transformers')}"


def short(error: Exception) -> str:
    """What a library says, in a line."""
    return first_line(error)[:200].strip().rstrip(".") or type(error).__name__
