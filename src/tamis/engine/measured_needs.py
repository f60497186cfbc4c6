"""Which needs are measured on texts: what `--represent` and `--use` name, or what needs no model, by default."""

from typing import TYPE_CHECKING

from tamis import refusals
from tamis.engine.bindings import of_models
from tamis.engine.measuring import Measurement
from tamis.engine.vectors import COLUMN
from tamis.errors import Refused
from tamis.measure.text_measures import (
    BUILT_IN,
    LATENT,
    NGRAMS,
    Kind,
    Measure,
    check_same_tokenizer,
    find_measure,
    is_of_texts,
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
    if "losses" in plan.request.use and of_models(plan.request.use["losses"], plan.pool):
        names = plan.request.use["losses"].split(",")
        plan.measured["losses"] = Measurement(
            tuple(_measure(plan, "character-losses", name, "--use losses") for name in names)
        )
    _same_tokenizers(plan)
    if plan.measured:
        plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)


def _vectors(plan: "Plan", place: str) -> None:
    asked = plan.request.represent
    if COLUMN in plan.roles or plan.vectors is not None or (asked and not is_of_texts(asked)):
        return
    if not asked:
        if COLUMN not in plan.supplied:
            return
        try:
            plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)
        except Refused:
            return  # what needs vectors and finds neither them nor a text is refused where vectors are looked for
    made = _measure(plan, "vectors", asked or LATENT, "--represent")
    targets = "target_embedding" in plan.supplied and "target_embedding" not in plan.request.use
    plan.measured[COLUMN] = Measurement((made,), targets_too=targets)
    plan.roles[COLUMN] = Role(made.name, "given" if asked else "measured")


def _conditional(plan: "Plan") -> None:
    """A model of each target: of its n-grams, or in a folder for each."""
    request = plan.request
    if not request.target:
        raise refusals.TARGET_NEEDED(plan.method.name)
    given = request.use.get("conditional_loss", NGRAMS)
    if given in BUILT_IN["losses"]:
        made = _measure(plan, "losses", given, "--use conditional_loss")
        plan.measured["conditional_loss"] = Measurement((made,), of="targets")
        return
    names = given.split(",")
    if len(names) != len(request.target):
        where = f"--use conditional_loss={given}"
        raise refusals.MODELS_FOR_TARGETS(where, found=len(names), targets=len(request.target))
    made_all = tuple(_measure(plan, "losses", name, "--use conditional_loss") for name in names)
    plan.measured["conditional_loss"] = Measurement(made_all)


def _measure(plan: "Plan", kind: Kind, name: str, flag: str) -> Measure:
    request = plan.request
    pooling = request.pooling if kind == "vectors" else None
    return find_measure(
        kind, name, flag, context=request.context, pooling=pooling, trust_pickle=request.trust_pickle
    )  # fmt: skip


def _same_tokenizers(plan: "Plan") -> None:
    prior = plan.measured.get("prior_loss")
    for other in plan.measured["conditional_loss"].measures if "conditional_loss" in plan.measured else ():
        if prior is not None:
            check_same_tokenizer(prior.measures[0], other)
