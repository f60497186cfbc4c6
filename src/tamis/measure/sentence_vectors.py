"""Vectors of documents by a folder of sentence-transformers, whose own library computes them."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.measure.causal_models import ALONE, need_transformers, quiet, short
from tamis.measure.model_folder import WEIGHTS, check_folder, content_digest, pickle_in, read_json, weights_in
from tamis.measure.text_vectors import TextVectors, Where, check_finite, numbered

MODULES, LIBRARY = "modules.json", "sentence_transformers"
BATCH = 32
AT_ONCE = 4096


class SentenceModel(NamedTuple):
    """A loaded model.

    Args:
        folder: where it is from, as it was given.
        model: a `SentenceTransformer`, in `eval` mode.
        width: numbers in a vector.
        digest: a short name for the content of the folder, to cache what it measures.
    """

    folder: str
    model: Any
    width: int
    digest: str


def open_sentence(
    folder: str, *, trust_pickle: bool = False, dtype: str = "float32", device: str = "cpu"
) -> SentenceModel:
    """Load a folder with `modules.json`, from safetensors and with the code of the library alone.

    Args:
        folder: on this machine; nothing is fetched.
        trust_pickle: load weights of a module that has them as a pickle only.
        dtype: what the model computes in.
        device: of torch.

    Raises `Refused` where files are missing or cannot be read, for pickles, for modules that are not the library's,
    and where `sentence-transformers` is not installed.
    """
    modules = _modules(folder)
    pickled = False
    for path in modules:
        place = Path(folder) / path
        if place.is_dir() and not weights_in(str(place), WEIGHTS) and (name := pickle_in(str(place))):
            pickled = True
            if not trust_pickle:
                raise refusals.MODEL_PICKLED(folder, name=str(Path(path) / name))
    transformers = need_transformers(folder)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise refusals.PACKAGE_MISSING(folder, package="sentence-transformers", extra="sentences") from None
    loading: dict[str, Any] = {"dtype": dtype} | ({} if pickled else {"use_safetensors": True})
    with quiet(transformers):
        try:
            model = SentenceTransformer(folder, device=device, model_kwargs=loading, **ALONE).eval()
        except Exception as error:  # the library has no class of its own for what it cannot load
            raise refusals.MODEL_UNREADABLE(folder, said=short(error)) from None
    kinds = (".json", ".txt", ".safetensors", ".model", ".bin")
    used = [str(f.relative_to(folder)) for f in Path(folder).rglob("*") if f.suffix in kinds and f.is_file()]
    width = len(model.encode(["a"], show_progress_bar=False)[0])
    return SentenceModel(folder, model, width, content_digest(folder, used))


def vectors(
    model: SentenceModel,
    texts: Sequence[str | None],
    *,
    batch: int = BATCH,
    context: int | None = None,
    where: Where = numbered,
) -> TextVectors:
    """Vectors of texts as the model's own modules make them: its pooling, and length 1 where it says so.

    Args:
        model: as `open_sentence` gives it.
        texts: null is empty.
        batch: texts at a time; the library sorts them by length. Memory is that of a batch of the model's longest
            input.
        context: tokens of a text that are read, those which the tokenizer adds included; what is beyond is cut. By
            default what the model takes.
        where: the place of a document, for a message.

    Returns:
        `float32[n, width]`, zeros for an empty text, and which texts were longer than the model reads. Vectors are the
        same for any batch and order, but for the rounding of float32.

    Raises:
        Refused: where a vector is not finite; for a context that the model does not take.

    Source: Reimers and Gurevych 2019, Sentence-BERT.
    """
    if batch < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"batch={batch}", accepted="1 or more")
    found = np.zeros((len(texts), model.width), np.float32)
    cut = np.zeros(len(texts), np.bool_)
    most = _most(model.model, context)
    for start in range(0, len(texts), AT_ONCE):
        block = [text or "" for text in texts[start : start + AT_ONCE]]
        lengths = _lengths(model.model, block)
        some = np.flatnonzero(lengths)  # of nothing the library makes an error or a vector, as the tokenizer has it
        if len(some):
            given = [block[row] for row in some]
            with _reading(model.model, context):
                made = model.model.encode(given, batch_size=batch, show_progress_bar=False, convert_to_tensor=True)
            found[start + some] = made.float().cpu().numpy()
        cut[start : start + len(block)] = lengths > most
    check_finite(found, model.folder, where)
    return TextVectors(found, cut)


def _most(model: Any, context: int | None) -> float:
    """How many tokens of a text are read: `context` if the model can take as many and can read fewer than all."""
    own = model.max_seq_length
    most = own if isinstance(own, int) else np.inf
    if context is None:
        return most
    if most == np.inf:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"context={context}", accepted="none, as this model reads whole texts")
    if not 2 <= context <= most:
        accepted = f"2 to {most:,}, which is all that the model takes"
        raise refusals.PARAMETER_OUT_OF_RANGE(f"context={context}", accepted=accepted)
    return context


@contextlib.contextmanager
def _reading(model: Any, context: int | None) -> Iterator[None]:
    """Let a model read so many tokens of a text, and as many as before afterwards."""
    if context is None:
        yield
        return
    own = model.max_seq_length
    model.max_seq_length = context
    try:
        yield
    finally:
        model.max_seq_length = own


def _lengths(model: Any, texts: list[str]) -> NDArray[np.int64]:
    """Tokens of each text, and 0 of empty ones; characters where the tokenizer is of another kind."""
    if callable(model.tokenizer):
        ids = model.tokenizer(texts, padding=False, truncation=False, verbose=False)["input_ids"]
        return np.array([len(one) * bool(text) for one, text in zip(ids, texts, strict=True)], np.int64)
    return np.array([len(text) for text in texts], np.int64)


def _modules(folder: str) -> list[str]:
    """The folders of the model's modules; refuses modules that are not of the library."""
    check_folder(folder)
    modules = read_json(folder, MODULES)
    try:
        found = [(str(module["type"]), str(module["path"])) for module in modules]
    except (TypeError, KeyError):
        raise refusals.MODEL_UNREADABLE(folder, said=f"{MODULES} is no list of modules") from None
    for kind, path in found:
        if kind.partition(".")[0] != LIBRARY:
            raise refusals.MODEL_NEEDS_CODE(folder, name=kind, library="sentence-transformers")
        if not (Path(folder) / path).resolve().is_relative_to(Path(folder).resolve()):
            raise refusals.MODEL_UNREADABLE(folder, said=f"{MODULES} names {path}, which is outside of it")
    return [path for _, path in found]
