"""What is to be compared: one object that the command line, a study file and a Python call all make."""

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tamis import refusals
from tamis.engine.request import Request, make_request, plain, said_budget
from tamis.registry import nearest

ROLES = ("text", "id", "label", "group", "cost", "score", "weight", "image", "embedding")
PASSED = (*ROLES, "template", "target_text", "represent", "tokenizer", "duplicates")
"""What a study hands on to the request of every method."""
NOT_IDENTITY = {"output", "workers", "force", "name", "claim"}
OWN = ("name", "method", "charge")
"""What a method of a study may have that is no part of its request."""
SEED = "{seed}"
"""Stands for the seed in the names of columns that a method is given."""
RESERVED: dict[str, dict[str, Any]] = {"random": {"method": "random", "name": "random"}, "full": {}}


class Study(BaseModel):
    """A study with all its defaults. Two studies with the same `identity` give the same cells."""

    model_config = ConfigDict(extra="forbid")

    pool: list[str] = Field(min_length=1, description="files and folders of the pool, in this order")
    task: str = Field(description="classify, language-model, cover, or file.py:function")
    model: str | None = Field(None, description="what is trained: linear, knn, mlp, cnn; ngram, transformer")
    methods: list[dict[str, Any]] = Field(min_length=1, description="the methods to compare with random")
    budgets: list[str] = Field(min_length=1, description="how much to keep, as in 1%,5%")
    seeds: int = Field(5, description="how many times everything is repeated, with seeds from 0")
    test: str | None = Field(None, description="held-out examples; without it a part of the pool is held out")
    holdout: str = Field("20%", description="the share of the pool that is held out where no test set is given")
    overlap: Literal["refuse", "drop", "keep"] = Field("refuse", description="what to do with rows of the test set")
    target: list[str] = Field([], description="samples of what is wanted, for methods and tasks that take one")
    off_target: str | None = Field(None, description="other texts to judge a language model on")
    metric: list[str] = Field([], description="metrics that get a verdict; the task's main one by default")
    difference: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="a difference worth seeing: how many seeds it would take"
    )
    reach: float | None = Field(
        None, allow_inf_nan=False, description="a level of the metric: what it costs to reach it"
    )
    steps: int | None = Field(None, ge=1, description="optimiser steps of a fit, the same at every budget")
    epochs: int | None = Field(None, ge=1, description="passes over what is kept, instead of steps")
    set: dict[str, Any] = Field({}, description="parameters of the task: name=value; of a method: METHOD.name=value")
    timed: bool = Field(False, description="run one cell at a time, so that none slows another down")
    full: bool = Field(True, description="train on the whole pool as well")
    text: str | None = Field(None, description="column of the text")
    template: str | None = Field(None, description="the text of an example, made of its columns")
    target_text: str | None = Field(None, description="text column of the targets")
    id: str | None = Field(None, description="column of the id")
    label: str | None = Field(None, description="column of the class")
    group: str | None = Field(None, description="column of the group")
    cost: str | None = Field(None, description="column of the cost")
    score: str | None = Field(None, description="column of the score")
    weight: str | None = Field(None, description="column of the weight")
    image: str | None = Field(None, description="column of the image")
    embedding: str | None = Field(None, description="vectors, which are the features too: a column of lists, or f*")
    represent: str | None = Field(None, description="what makes vectors of images: small-image or MODEL.onnx")
    tokenizer: str | None = Field(None, description="a tokenizer.json to count tokens with")
    duplicates: Literal["drop", "keep"] = Field("drop", description="what to do with exact duplicates of the text")
    examples: bool = Field(True, description="show examples in the report")
    name: str | None = Field(None, description="the title of the study")
    claim: str | None = Field(None, description="what the paper claims")
    output: str | None = Field(None, description="the folder to write")
    force: bool = Field(False, description="replace the evidence of another study in the output folder")
    workers: int | None = Field(None, ge=0, description="processes; the number of cores by default")

    def identity(self) -> dict[str, Any]:
        """All that decides what the cells are."""
        return self.model_dump(exclude=NOT_IDENTITY)

    def passed(self) -> dict[str, Any]:
        """The part of a method's request that is the same for all methods."""
        return {name: value for name in PASSED if (value := getattr(self, name)) is not None}

    def parameters(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Parameters of the task, and of each method that `set` names before a dot."""
        of_task: dict[str, Any] = {}
        of_methods: dict[str, dict[str, Any]] = {}
        names = [str(asked["name"]) for asked in self.methods]
        for key, value in self.set.items():
            method, dot, name = key.rpartition(".")
            if not dot:
                of_task[key] = value
            elif method in names:
                of_methods.setdefault(method, {})[name] = value
            else:
                near = nearest(method, dict.fromkeys(names))
                raise refusals.STUDY_SET_OF_NO_METHOD(f"--set {key}", name=method, near=near, known=", ".join(names))
        return of_task, of_methods


def make_study(values: dict[str, Any], where: str = "bench") -> Study:
    """A `Study` from plain values; refuses unknown keys with the nearest name, and values of the wrong type."""
    fields = Study.model_fields
    values = {str(key).replace("-", "_"): plain(value) for key, value in values.items() if value is not None}
    for key in values:
        if key not in fields:
            raise refusals.KEY_UNKNOWN(where, name=key, near=nearest(key, fields), known=", ".join(fields))
    for name in ("pool", "target"):
        if isinstance(values.get(name), str):
            values[name] = [values[name]]
    if "methods" in values:
        values["methods"] = asked_methods(values["methods"], where)
    if "budgets" in values:
        values["budgets"] = asked_budgets(values["budgets"])
    if isinstance(values.get("metric"), str | list):
        given = values["metric"].split(",") if isinstance(values["metric"], str) else values["metric"]
        values["metric"] = list(dict.fromkeys(str(name).strip() for name in given))
    if isinstance(values.get("seeds"), int) and values["seeds"] < 2:
        raise refusals.STUDY_SEEDS(f"--seeds {values['seeds']}")
    try:
        study = Study(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "study"
        meaning = fields[name].description if name in fields else "see tamis bench --help"
        if first["type"] == "missing":
            raise refusals.INCOMPLETE(where, name=name, meaning=meaning) from None
        said = first["msg"].lower()
        raise refusals.VALUE_UNUSABLE(where, name=name, value=first["input"], said=said, meaning=meaning) from None
    if study.steps and study.epochs:
        raise refusals.STUDY_STEPS_AND_EPOCHS(f"--epochs {study.epochs}", steps=study.steps)
    return study


def asked_methods(given: Any, where: str) -> list[dict[str, Any]]:
    """Names of methods, or mappings with a `method` and options of its own, each with a `name` to be called by.

    Examples:
        >>> asked_methods("random,top:quality", "bench")
        [{'method': 'random', 'name': 'random'}, {'method': 'top:quality', 'name': 'top:quality'}]
    """
    items = given.split(",") if isinstance(given, str) else given
    if not isinstance(items, list) or not items:
        raise refusals.STUDY_METHODS(where)
    found: list[dict[str, Any]] = []
    for item in items:
        asked = {"method": item.strip()} if isinstance(item, str) else item
        if not isinstance(asked, dict) or not asked.get("method"):
            raise refusals.STUDY_METHODS(where)
        asked = {str(key).replace("-", "_"): value for key, value in asked.items()}
        asked["name"] = str(asked.get("name") or asked["method"])
        if asked["name"] in RESERVED and asked != RESERVED[asked["name"]]:
            raise refusals.STUDY_NAME_TAKEN(where, name=asked["name"])
        if asked["name"] in [one["name"] for one in found]:
            raise refusals.STUDY_METHOD_TWICE(where, name=asked["name"])
        for key in asked:
            if key not in OWN and (key not in Request.model_fields or key in ("pool", "budget", "output", "seed")):
                known = ", ".join(Request.model_fields)
                raise refusals.KEY_UNKNOWN(f"{where}, method {asked['name']}", name=key, near="", known=known)
        charge = asked.get("charge", 0)
        if isinstance(charge, bool) or not isinstance(charge, int | float) or not 0 <= charge < math.inf:
            raise refusals.STUDY_CHARGE(f"{where}, method {asked['name']}", found=charge)
        found.append(asked)
    return found


def asked_budgets(given: Any) -> list[str]:
    """Budgets as text: of a comma list, a number, or a list of these."""
    items = [given] if isinstance(given, int | float) else given
    if isinstance(items, str):
        items = [part.strip() for part in items.split(",")]
    found = [str(said_budget(item)) for item in items]
    for budget in found:
        if found.count(budget) > 1:
            raise refusals.BUDGET_TWICE(f"budget {budget!r}", asked=budget)
    return found


def by_seed(asked: dict[str, Any], seeds: int) -> list[dict[str, Any]]:
    """A method as each seed has it, where names of its columns hold `{seed}`; else the one that all seeds have.

    Examples:
        >>> by_seed({"method": "top:el2n_{seed}"}, 2)
        [{'method': 'top:el2n_0'}, {'method': 'top:el2n_1'}]
    """
    if SEED not in str(asked):
        return [asked]
    return [asked | _seeded({key: asked[key] for key in asked if key != "name"}, str(seed)) for seed in range(seeds)]


def _seeded(value: Any, seed: str) -> Any:
    if isinstance(value, dict):
        return {key: _seeded(item, seed) for key, item in value.items()}
    return value.replace(SEED, seed) if isinstance(value, str) else value


def own_vectors(asked: dict[str, Any]) -> bool:
    """Whether a method of a study names vectors of its own, in either of the two ways."""
    return bool(asked.get("embedding") or "embedding" in (asked.get("use") or {}))


def request_of(study: Study, asked: dict[str, Any], pool: list[str], own: dict[str, Any] | None = None) -> Request:
    """The request that a method of the study makes of a pool."""
    values = study.passed()
    if own_vectors(asked):
        values.pop("represent", None)
    values |= {"pool": pool, "target": study.target, "subset": False, "workers": 1}
    values |= {key: value for key, value in asked.items() if key not in ("name", "charge")}
    if own:
        values["set"] = {**values.get("set", {}), **own}
    return make_request(values, f"the method {asked['name']}")
