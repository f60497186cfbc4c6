"""What can be measured of texts, by the name or the folder that `--represent` and `--use` give: vectors and losses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.registry import nearest

Kind = Literal["vectors", "losses", "character-losses", "loss-table"]
Where = Callable[[int], str]
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
LATENT, HASHED, NGRAMS = "latent-semantics", "hashed-words", "n-grams"
BUILT_IN: dict[Kind, tuple[str, ...]] = {
    "vectors": (LATENT, HASHED),
    "losses": (NGRAMS,),
    "character-losses": (NGRAMS,),
    "loss-table": (NGRAMS,),
}
LOSS_TABLE = ("nll", "tokens", "characters", "bytes")
"""The columns of a `loss-table`: nats in all, and what they may be divided by; tokens of n-grams are bytes and ends."""
KERNELS = {
    LATENT: ("_count_kernels", "_latent_kernels"),
    HASHED: ("_text_vector_kernels",),
    NGRAMS: ("_model_kernels",),
}
IMAGES = "small-image"
GRADIENTS = "gradients:"
WIDTH = 256


class Found(NamedTuple):
    """What was measured of n texts: `values [n, d]`, and whether a model saw only the beginning of each, `bool[n]`."""

    values: NDArray[Any]
    cut: NDArray[np.bool_]


class Learning(NamedTuple):
    """How a measure is learned from texts: `fit` of a batch, `merge` of two, `finish` of all, which `gives` it."""

    fit: Callable[..., Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[..., Any]
    gives: type[Any]


@dataclass(frozen=True)
class Measure:
    """One way to measure texts, as plain values that a worker is told.

    Args:
        kind: `vectors`, `float16 [n, d]`, or `losses`, `float32 [n, 1]`, mean nats per token (of n-grams per byte);
            `character-losses` are per character of the text that was read, whatever the tokenizer; a `loss-table` has
            the columns of `LOSS_TABLE`, `float64 [n, 4]`.
        name: of one that is built in, or the folder of a model.
        stamp: of the folder's content; nothing where it is built in.
        context: tokens of a text that a model reads; None for what it takes.
        pooling: of a causal model's vectors.
        trust_pickle: whether weights may be a pickle.
        apart: whether it is learned from other texts than it measures; else from halves, each for the other.
        gradients: `plain`, of the loss of a causal model, or `adam`, as Adam would step, in the place of hidden states.
    """

    kind: Kind
    name: str
    stamp: str = ""
    context: int | None = None
    pooling: str | None = None
    trust_pickle: bool = False
    gradients: Literal["", "plain", "adam"] = ""
    apart: bool = False

    @property
    def of_targets(self) -> "Measure":
        """What measures the targets beside it: nothing is learned from them, so that no optimiser steps for them."""
        return replace(self, gradients="plain") if self.gradients else self

    @property
    def learning(self) -> Learning | None:
        """How it is learned from texts first; None for what is there already."""
        if self.name == LATENT:
            from tamis.ops import latent_semantics

            return Learning(
                latent_semantics.fit, latent_semantics.merge, latent_semantics.finish, latent_semantics.Basis
            )
        if self.name == NGRAMS:
            from tamis.measure import ngram_losses

            finish = partial(ngram_losses.finish, split=not self.apart)
            return Learning(ngram_losses.fit, ngram_losses.merge, finish, ngram_losses.Trained)
        return None

    @property
    def kernels(self) -> tuple[str, ...]:
        """Modules of compiled code that workers use for it."""
        names = KERNELS.get(self.name, ("_hadamard_kernels",) if self.gradients else ())
        return tuple(f"tamis.ops.{name}" for name in names)

    @property
    def dtype(self) -> str:
        """The type in which it is stored."""
        return {"vectors": "float16", "loss-table": "float64"}.get(self.kind, "float32")

    @property
    def as_table(self) -> "Measure":
        """The same model's whole table of losses."""
        return replace(self, kind="loss-table")

    @property
    def label(self) -> str:
        """What it is called in a table: as it was named."""
        return self.name

    def of(self, texts: pa.Array, learned: Any, where: Where) -> Found:
        """Measure some texts; `learned` is what `finish` gave, where it is learned."""
        whole = np.zeros(len(texts), np.bool_)
        if self.name == LATENT:
            from tamis.ops import latent_semantics

            return Found(latent_semantics.vectors(learned, texts), whole)
        if self.name == HASHED:
            from tamis.ops import text_vectors

            return Found(text_vectors.vectors(texts, WIDTH), whole)
        if self.name == NGRAMS:
            from tamis.measure import ngram_losses

            table = ngram_losses.table(learned, texts)
            return Found(_as(self.kind, *table), whole)
        return self._of_model(texts.to_pylist(), where)

    def _of_model(self, texts: list[str | None], where: Where) -> Found:
        if self.gradients:
            return Found(*_gradients(self)(texts, where=where))
        model = _loaded(self.name, self.stamp, self.trust_pickle)
        if model.kind == "static":
            from tamis.measure import static_vectors

            static = model.model._replace(most_tokens=self.context) if self.context else model.model
            return Found(*static_vectors.vectors(static, texts, where=where))
        if model.kind == "sentences":
            from tamis.measure import sentence_vectors

            return Found(*sentence_vectors.vectors(model.model, texts, context=self.context, where=where))
        causal = model.model
        if self.kind == "vectors":
            from tamis.measure import causal_vectors

            pooling = self.pooling or "weighted-mean"
            made = causal_vectors.vectors(
                causal.model, causal.tokenizer, texts, pooling=pooling, context=self.context, where=where
            )
            return Found(*made)
        from tamis.measure import causal_losses

        table = causal_losses.losses(causal.model, causal.tokenizer, texts, context=self.context, where=where)
        return Found(_as(self.kind, table.nll, table.tokens, table.characters, table.bytes), table.cut > 0)


def _as(kind: Kind, nll: Floats, tokens: Longs, characters: Longs, size: Longs) -> Floats:
    """Losses as a measure of this kind gives them, `[n, 1]` or `[n, 4]`."""
    if kind == "loss-table":
        return np.stack([nll, tokens, characters, size], axis=1).astype(np.float64)
    return np.asarray((nll / np.maximum(tokens if kind == "losses" else characters, 1))[:, None])


class Loaded(NamedTuple):
    """A model in memory, and what kind of folder it is from."""

    kind: str
    model: Any


@lru_cache(2)
def _loaded(folder: str, stamp: str, trust_pickle: bool) -> Loaded:
    """The model of a folder, once in a process; `stamp` is in the key so that a changed folder is loaded again."""
    kind = folder_kind(folder)
    if kind == "static":
        from tamis.measure.static_vectors import open_static

        return Loaded(kind, open_static(folder))
    if kind == "sentences":
        from tamis.measure.sentence_vectors import open_sentence

        return Loaded(kind, open_sentence(folder, trust_pickle=trust_pickle))
    from tamis.measure.causal_models import open_causal

    return Loaded(kind, open_causal(folder, trust_pickle=trust_pickle))


@lru_cache(1)
def _gradients(of: Measure) -> Any:
    """What measures gradients, with what it learns of the model on the way."""
    from tamis.measure.adam_file import open_adam
    from tamis.measure.causal_gradients import CausalGradients

    causal = _loaded(of.name, of.stamp, of.trust_pickle).model
    adam = open_adam(of.name) if of.gradients == "adam" else None
    return CausalGradients(causal.model, causal.tokenizer, adam=adam, context=of.context)


def names_in(given: str) -> list[str]:
    """The measures that `--represent` names: one, or gradients of several checkpoints.

    Examples:
        >>> names_in("gradients:one,two"), names_in("one,two")
        (['gradients:one', 'gradients:two'], ['one,two'])
    """
    if not given.startswith(GRADIENTS):
        return [given]
    return [f"{GRADIENTS}{folder.strip()}" for folder in given.removeprefix(GRADIENTS).split(",")]


def folder_kind(folder: str) -> str:
    """`static`, `sentences` or `causal`, by the files of a folder; refuses what is no folder of a model."""
    from tamis.measure.model_folder import CONFIG, check_folder, settings

    check_folder(folder)
    if (Path(folder) / "modules.json").is_file() and not _is_static(settings(folder)):
        return "sentences"
    return "static" if _is_static(settings(folder, CONFIG)) else "causal"


def _is_static(config: dict[str, Any]) -> bool:
    """Whether the settings are those of static embeddings, as model2vec writes them."""
    return config.get("model_type") == "model2vec" or ("architectures" not in config and "model_type" not in config)


def is_of_texts(name: str, has_images: bool = False) -> bool:
    """Whether `--represent NAME` is about texts: where there are images, what is no folder is an encoder of these.

    Examples:
        >>> is_of_texts("latent-semantics"), is_of_texts("model.onnx"), is_of_texts("smal-image", has_images=True)
        (True, False, False)
    """
    if name == IMAGES or Path(name).suffix == ".onnx":
        return False
    built_in = name in BUILT_IN["vectors"] or name.startswith(GRADIENTS)
    return built_in or not has_images or Path(name).is_dir()


def find_measure(
    kind: Kind, name: str, flag: str, *, context: int | None, pooling: str | None, trust_pickle: bool
) -> Measure:
    """The measure of this name or folder; refuses what is neither, and folders that cannot be used; loads little."""
    if name in BUILT_IN[kind]:
        return Measure(kind, name)
    where, gradients = f"{flag} {name}", kind == "vectors" and name.startswith(GRADIENTS)
    name = name.removeprefix(GRADIENTS) if gradients else name
    if gradients and not Path(name or "?").is_dir():
        raise refusals.MODEL_FOLDER_MISSING(where)
    if not Path(name).is_dir() and "/" not in name:
        known = dict.fromkeys([*BUILT_IN[kind], *([f"{GRADIENTS}FOLDER"] if kind == "vectors" else ())])
        raise refusals.MEASURE_UNKNOWN(where, near=nearest(name, known), known=", ".join(known))
    found = folder_kind(name)
    if (kind != "vectors" or gradients) and found != "causal":
        raise refusals.MODEL_WITHOUT_LOSSES(where)
    for package, extra in _packages(found):
        if find_spec(package) is None:
            raise refusals.PACKAGE_MISSING(where, package=package, extra=extra)
    made = Measure(kind, name, _stamp(name, found, trust_pickle), context, pooling, trust_pickle)
    return _of_gradients(made) if gradients else made


def _of_gradients(model: Measure) -> Measure:
    """The gradients of a causal model, as Adam would step where its folder has the moments, which are in the stamp."""
    from tamis.measure.adam_file import NAME
    from tamis.measure.model_folder import content_digest

    if not (Path(model.name) / NAME).is_file():
        return replace(model, pooling=None, gradients="plain")
    stamp = f"{model.stamp}-{content_digest(model.name, [NAME])}"
    return replace(model, stamp=stamp, pooling=None, gradients="adam")


def _packages(kind: str) -> list[tuple[str, str]]:
    if kind == "static":
        return [("tokenizers", "hf")]
    both = [("torch", "torch"), ("transformers", "hf")]
    return [*both, ("sentence_transformers", "sentences")] if kind == "sentences" else both


def _stamp(folder: str, kind: str, trust_pickle: bool) -> str:
    """A short name for the content of the files that are used."""
    from tamis.measure import model_folder

    if kind == "causal":
        files = model_folder.model_files(folder, trust_pickle=trust_pickle)
        return model_folder.content_digest(folder, {model_folder.CONFIG, *files.weights, *files.tokenizer})
    kinds = (".json", ".txt", ".safetensors", ".model", ".bin")
    used = [str(f.relative_to(folder)) for f in Path(folder).rglob("*") if f.suffix in kinds and f.is_file()]
    return model_folder.content_digest(folder, used)


def check_same_tokenizer(one: Measure, other: Measure) -> None:
    """Refuse losses per token of two models whose tokenizers differ; n-grams count bytes and go with themselves."""
    from tamis.measure.model_folder import content_digest, model_files

    if one.stamp and other.stamp:
        files = [model_files(m.name, trust_pickle=m.trust_pickle).tokenizer for m in (one, other)]
        if content_digest(one.name, files[0]) == content_digest(other.name, files[1]):
            return
        from tamis.measure import causal_models

        causal_models.check_same_tokenizer(*(_loaded(m.name, m.stamp, m.trust_pickle).model for m in (one, other)))
    elif one.name != other.name:
        raise refusals.TOKENIZERS_DIFFER(other.name, other=one.name)
