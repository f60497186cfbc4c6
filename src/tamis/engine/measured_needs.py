"""Which needs are measured on texts: what `--represent` and `--use` name, or what needs no model, by default."""

from dataclasses import replace
from typing import TYPE_CHECKING

from tamis import refusals
from tamis.engine.bindings import of_models
from tamis.engine.measuring import Measurement
from tamis.engine.vectors import COLUMN
from tamis.errors import Refused
from tamis.measure.text_measures import (
    BUILT_IN,
    HASHED,
    LATENT,
    NGRAMS,
    Kind,
    Measure,
    check_same_tokenizer,
    find_measure,
    is_of_texts,
    names_in,
)
from tamis.pool.roles import Role, need_text

if TYPE_CHECKING:
    from tamis.engine.plan import Plan


def find_measured(plan: "Plan", place: str) -> None:
    """Fill `plan.measured` and give the pool a text where any need is measured on it."""
    _vectors(plan, place)
    if "prior_loss" in plan.supplied and "prior_loss" not in plan.roles:
        given = plan.request.use.get("prior_loss", NGRAMS)
        plan.measured["prior_loss"] = Measurement((_measure(plan, "losses", given, "--use prior_loss"),))
    if "conditional_loss" in plan.supplied and "conditional_loss" not in plan.roles:
        _conditional(plan)
    for word, other in (("prior_loss", "conditional_loss"), ("conditional_loss", "prior_loss")):
        if word in plan.roles and word in plan.supplied and other not in plan.request.use:
            meaning = "the losses of the other model, in the same units"
            raise refusals.INCOMPLETE(f"--use {word}={plan.roles[word].column}", name=f"--use {other}", meaning=meaning)
    wants = {COLUMN, "losses"} if plan.method.name == "all" else set(plan.supplied)
    if "losses" in wants and "losses" in plan.request.use and of_models(plan.request.use["losses"], plan.pool):
        names = plan.request.use["losses"].split(",")
        plan.measured["losses"] = Measurement(
            tuple(_measure(plan, "character-losses", name, "--use losses") for name in names)
        )
    _same_tokenizers(plan)
    if plan.measured:
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)
        if "length" in plan.method.optional:  # the text was not looked for before
            plan.supplied = tuple(dict.fromkeys([*plan.supplied, "length"]))


def _vectors(plan: "Plan", place: str) -> None:
    asked = plan.request.represent
    if COLUMN in plan.roles or plan.vectors is not None or (asked and not is_of_texts(asked, "image" in plan.roles)):
        return
    if COLUMN not in plan.supplied and plan.method.name != "all":
        if asked:
            plan.notes.append(f"{plan.method.name} uses no vectors, and none are made (--represent {asked})")
        return
    if asked and "target_embedding" in plan.request.use:
        given = f"--use target_embedding={plan.request.use['target_embedding']}"
        raise refusals.REPRESENT_WITH_VECTORS(f"--represent {asked}", given=given)
    if not asked:
        if COLUMN not in plan.supplied:
            return
        try:
            plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)
        except Refused as error:
            columns = ", ".join(name for name, kind in plan.pool.schema.items() if kind == "list") or "none"
            raise refusals.VECTORS_NEEDED(plan.method.name, columns=columns) from error
    of_method = {COLUMN, "match", "target_embedding"} & set(plan.method.needs)
    usual = LATENT if of_method else HASHED  # near copies: what a row is told must not depend on rows behind it
    names = names_in(asked or usual)
    made = tuple(_measure(plan, "vectors", name, "--represent") for name in names)
    # pool and targets that are compared as clouds, rather than row by row, have to be measured alike
    if "match" not in plan.supplied and plan.method.name != "all":
        made = tuple(one.of_targets for one in made)
    targets = "target_embedding" in plan.supplied and "target_embedding" not in plan.request.use
    plan.measured[COLUMN] = Measurement(made, targets_too=targets)
    plan.roles[COLUMN] = Role(asked or usual, "given" if asked else "measured")


def _conditional(plan: "Plan") -> None:
    """A model of each target: of its n-grams, or in a folder for each."""
    request = plan.request
    if not request.target:
        raise refusals.TARGET_NEEDED(plan.method.name)
    given = request.use.get("conditional_loss", NGRAMS)
    names = given.split(",")
    if set(names) <= set(BUILT_IN["losses"]) and len(names) in (1, len(request.target)):
        made = replace(_measure(plan, "losses", names[0], "--use conditional_loss"), apart=True)
        plan.measured["conditional_loss"] = Measurement((made,), of="targets")
        return
    if len(names) != len(request.target):
        where = f"--use conditional_loss={given}"
        raise refusals.MODELS_FOR_TARGETS(where, found=len(names), targets=len(request.target))
    made_all = tuple(_measure(plan, "losses", name, "--use conditional_loss") for name in names)
    plan.measured["conditional_loss"] = Measurement(made_all)


def _measure(plan: "Plan", kind: Kind, name: str, flag: str) -> Measure:
    request = plan.request
    pooling = request.pooling if kind == "vectors" else None
    return find_measure(kind, name, flag, context=request.context, pooling=pooling, trust_pickle=request.trust_pickle)


def _same_tokenizers(plan: "Plan") -> None:
    prior = plan.measured.get("prior_loss")
    for other in plan.measured["conditional_loss"].measures if "conditional_loss" in plan.measured else ():
        if prior is not None:
            check_same_tokenizer(prior.measures[0], other)
