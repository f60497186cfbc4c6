"""Static vectors: a text as the mean of its tokens' vectors, from a folder as model2vec saves it, without torch."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.measure.model_folder import WEIGHTS, check_folder, content_digest, pickle_in, read_json, settings
from tamis.measure.safetensors import read_tensors
from tamis.measure.text_vectors import Floats, TextVectors, Where, check_finite, numbered
from tamis.pool.base import first_line

TOKENIZER, CONFIG = "tokenizer.json", "config.json"
USUAL_TOKENS = 512
AT_ONCE = 512
ROOM = 1 << 22  # numbers gathered at a time


class StaticModel(NamedTuple):
    """A loaded model, whose vectors are mapped into memory.

    Args:
        folder: where it is from, as it was given.
        tokenizer: of the library `tokenizers`.
        embeddings: `[m, d]` of any type, one row for some tokens.
        mapping: `int64[V]`, the row of each token, or None where that is its number.
        weights: `float32[V]`, what each token counts for, or None where all count 1.
        unknown: the token for what the tokenizer does not know, which is left out, or None.
        normalise: whether vectors are made of length 1.
        most_tokens: tokens of a text that are read, or None for all.
        token_length: characters of a usual token, their median in the vocabulary.
        digest: a short name for the content of the folder, to cache what it measures.
    """

    folder: str
    tokenizer: Any
    embeddings: NDArray[Any]
    mapping: NDArray[np.int64] | None
    weights: Floats | None
    unknown: int | None
    normalise: bool
    most_tokens: int | None
    token_length: int
    digest: str


def open_static(folder: str) -> StaticModel:
    """Load a folder with `model.safetensors`, `tokenizer.json` and `config.json`, as model2vec saves it.

    The file of weights holds `embeddings`, and maybe a `mapping` of tokens to rows and `weights` of tokens. The
    settings may say `normalize` (false if they do not) and `max_length` (512).

    Raises `Refused` where a file is missing or cannot be read, where arrays do not fit the tokenizer, for a pickle,
    and where `tokenizers` is not installed.
    """
    check_folder(folder)
    if not (Path(folder) / WEIGHTS).is_file():
        if pickled := pickle_in(folder):
            raise refusals.MODEL_PICKLED(folder, name=pickled)
        raise refusals.MODEL_LACKS(folder, what="weights", names=WEIGHTS)
    said = settings(folder)
    tokenizer, unknown = _tokenizer(folder)
    tensors = read_tensors(str(Path(folder) / WEIGHTS))
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    size = max(vocabulary.values(), default=-1) + 1
    embeddings, mapping, weights = (tensors.get(name) for name in ("embeddings", "mapping", "weights"))
    _check(folder, embeddings, mapping, weights, size)
    most = said.get("max_length", USUAL_TOKENS)
    return StaticModel(
        folder,
        tokenizer,
        np.asarray(embeddings),
        None if mapping is None else mapping.astype(np.int64),
        None if weights is None else weights.astype(np.float32),
        unknown,
        bool(said.get("normalize", False)),
        int(most) if most is not None else None,
        int(np.median([len(token) for token in vocabulary])),
        content_digest(folder, (WEIGHTS, TOKENIZER, CONFIG)),
    )


def vectors(model: StaticModel, texts: Sequence[str | None], *, where: Where = numbered) -> TextVectors:
    """Static vectors of texts: the weighted mean over the L tokens that are known, in any order.

        r = (1 / L) Σ_t w_t e_t,   divided by its length where the model says so

    A text is read up to `most_tokens` tokens, and up to that many usual token lengths in characters, as model2vec does;
    `model._replace(most_tokens=None)` reads all of it. Special tokens are not added. Words count alike wherever they
    stand, so that texts are compared by their words and not by what is said of them: on STS-B such models are far
    behind an encoder.

    Args:
        model: as `open_static` gives it.
        texts: null is empty.
        where: the place of a document, for a message.

    Returns:
        `float32[n, d]`, zeros for a text without a known token, and which were cut. O(tokens · d) time, of which the
        tokenizer takes most; besides the result constant memory.

    Raises:
        Refused: where a vector is not finite.

    Source: Tulkens and van Dongen 2024, Model2Vec (the format); Arora et al. 2017, A Simple but Tough-to-Beat Baseline
    for Sentence Embeddings (weighted means).
    """
    found = np.zeros((len(texts), model.embeddings.shape[1]), np.float32)
    cut = np.zeros(len(texts), np.bool_)
    most = model.most_tokens
    room = None if most is None else most * model.token_length
    for start in range(0, len(texts), AT_ONCE):
        block = [text or "" for text in texts[start : start + AT_ONCE]]
        ids = [
            one.ids for one in model.tokenizer.encode_batch_fast([t[:room] for t in block], add_special_tokens=False)
        ]
        stop = start + len(block)
        if most is not None and room is not None:
            cut[start:stop] = [len(t) > room or len(one) > most for t, one in zip(block, ids, strict=True)]
            ids = [one[:most] for one in ids]
        found[start:stop] = _means(model, ids)
    if model.normalise:
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-32))
    check_finite(found, model.folder, where)
    return TextVectors(found, cut)


def _means(model: StaticModel, ids: list[list[int]]) -> Floats:
    """`float32[n, d]`, the mean of each list, with documents of at most `ROOM` numbers gathered at a time."""
    tokens = np.fromiter(chain.from_iterable(ids), np.int64)
    owners = np.repeat(np.arange(len(ids)), [len(one) for one in ids])
    if model.unknown is not None:
        known = tokens != model.unknown
        tokens, owners = tokens[known], owners[known]
    lengths = np.bincount(owners, minlength=len(ids))
    sums = np.zeros((len(ids), model.embeddings.shape[1]), np.float32)
    step = max(1, ROOM // max(1, model.embeddings.shape[1]))
    for start in range(0, len(tokens), step):
        part, whose = tokens[start : start + step], owners[start : start + step]
        rows = part if model.mapping is None else model.mapping[part]
        gathered = model.embeddings[rows].astype(np.float32)
        if model.weights is not None:
            gathered *= model.weights[part, None]
        firsts = np.flatnonzero(np.diff(whose, prepend=-1))
        sums[whose[firsts]] += np.add.reduceat(gathered, firsts, axis=0)
    return np.asarray(sums / np.maximum(lengths, 1)[:, None], np.float32)


def _tokenizer(folder: str) -> tuple[Any, int | None]:
    """The tokenizer without padding, and its token for what it does not know."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise refusals.PACKAGE_MISSING(folder, package="tokenizers", extra="hf") from None
    if not (Path(folder) / TOKENIZER).is_file():
        raise refusals.MODEL_LACKS(folder, what="tokenizer", names=TOKENIZER)
    said = read_json(folder, TOKENIZER)
    try:
        found = Tokenizer.from_file(str(Path(folder) / TOKENIZER))
        parts = said["model"]
        unknown = found.token_to_id(parts["unk_token"]) if parts.get("unk_token") else parts.get("unk_id")
    except Exception as error:  # the library raises `Exception` itself
        raise refusals.MODEL_UNREADABLE(folder, said=f"{TOKENIZER}: {first_line(error)}") from None
    found.no_padding()
    found.no_truncation()
    return found, unknown


def _check(folder: str, embeddings: Any, mapping: Any, weights: Any, size: int) -> None:
    if embeddings is None:
        raise refusals.MODEL_UNREADABLE(folder, said=f"{WEIGHTS} holds no array called embeddings")
    said = ""
    if embeddings.ndim != 2 or not embeddings.shape[1]:
        said = f"its embeddings have shape {list(embeddings.shape)}"
    elif mapping is None and len(embeddings) < size:
        said = f"its tokenizer has {size:,} tokens, and it has {len(embeddings):,} vectors"
    elif mapping is not None and (mapping.shape != (size,) or mapping.dtype.kind not in "iu"):
        said = f"its mapping has shape {list(mapping.shape)}, and its tokenizer {size:,} tokens"
    elif mapping is not None and not (mapping.min() >= 0 and mapping.max() < len(embeddings)):
        said = f"its mapping names rows outside of its {len(embeddings):,} vectors"
    elif weights is not None and weights.shape != (size,):
        said = f"its weights have shape {list(weights.shape)}, and its tokenizer {size:,} tokens"
    if said:
        raise refusals.MODEL_UNREADABLE(folder, said=said)
