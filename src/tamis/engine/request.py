"""What is asked: one object that the command line, a recipe and a Python call all make."""

import math
import re
import shlex
from decimal import Decimal
from os import PathLike, fspath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tamis import refusals
from tamis.budget import parse
from tamis.pool.storage import refuse_url
from tamis.registry import nearest

ROLES = ("text", "id", "label", "group", "cost", "score", "weight", "image")
LISTS = ("pool", "target", "rules", "against", "test_set", "test_text")
SHARES, IDS = ("quota", "floor"), ("must_keep", "exclude")
NOT_IDENTITY = {"output", "workers", "force"}


class Request(BaseModel):
    """A request with all its defaults. Two requests with the same `identity` give the same selection."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    pool: list[str] = Field(min_length=1, description="files and folders of the pool, in this order")
    method: str = Field(description="a method's name, top:COLUMN, bottom:COLUMN, or file.py:function")
    target: list[str] = Field([], description="samples of what is wanted; may repeat, and all get equal shares")
    target_text: str | None = Field(None, description="text column of the targets")
    budget: str | None = Field(None, description="how much to keep, as in 5000, 10%, 2M tokens or 30 COLUMN")
    output: str | None = Field(None, description="the folder to write")
    seed: int = Field(0, ge=0, description="same request and seed, same selection")
    text: str | None = Field(None, description="column of the text")
    template: str | None = Field(None, description="the text of an example, made of its columns: {question}\\n{answer}")
    id: str | None = Field(None, description="column of the id")
    label: str | None = Field(None, description="column of the class")
    group: str | None = Field(None, description="column of the group")
    cost: str | None = Field(None, description="column of the cost")
    score: str | None = Field(None, description="column of the score")
    weight: str | None = Field(None, description="column of the weight")
    image: str | None = Field(None, description="column of the image: its bytes, its path, or a struct of both")
    embedding: str | None = Field(None, description="vectors: a column of lists, columns such as f*, or FILE.npy")
    represent: str | None = Field(
        None,
        description="what makes vectors: of texts latent-semantics, hashed-words, a model's folder or "
        "gradients:FOLDER,…; of images small-image or MODEL.onnx",
    )
    context: int | None = Field(None, ge=2, description="tokens of a text that a model reads")
    pooling: Literal["weighted-mean", "mean", "last"] | None = Field(
        None, description="how a causal model's hidden states become one vector"
    )
    trust_pickle: bool = Field(False, description="load weights of models that are pickles, which can run code")
    use: dict[str, str] = Field({}, description="what fills a need: word=COLUMN, or word=FILE.npy")
    set: dict[str, Any] = Field({}, description="parameters of the method or its chooser: name=value")
    choose: str | None = Field(None, description="replaces the method's way to choose")
    quota: list[str] = Field([], description="exact shares of the budget: COLUMN=GROUP:SHARE,GROUP:SHARE")
    floor: list[str] = Field([], description="least shares of the budget, same grammar")
    start: str | None = Field(None, description="a selection that one has already: it shapes gains, not the budget")
    within: str | None = Field(None, description="an earlier selection: only rows that it keeps may be chosen")
    borrow: bool = Field(False, description="let others have what a group with a quota or floor is short of")
    fill: bool = Field(False, description="go on after the first row that does not fit into a cost budget")
    must_keep: str | list[str | int] | None = Field(
        None, description="ids to keep: a comma list, or @FILE with one id a line"
    )
    exclude: str | list[str | int] | None = Field(None, description="ids to leave out, same grammar")
    duplicates: Literal["drop", "keep"] = Field("drop", description="what to do with exact duplicates of the text")
    rules: list[str] = Field([], description="published rules for texts: gopher-quality, or c4:min-sentences=3")
    near_duplicates: str | None = Field(None, description="drop texts as similar as this to an earlier one, as in 0.8")
    against: list[str] = Field([], description="earlier corpora: texts that they hold are dropped")
    test_set: list[str] = Field([], description="test sets to look for in the pool: FILE or NAME=FILE")
    test_text: list[str] = Field([], description="their text: a column, or a template such as {question}\\n{answer}")
    test_score: str | None = Field(None, description="column of the test sets with the score of a model on each item")
    drop_contaminated: str | None = Field(
        None, description="drop rows whose longest run of test text is this share of the item, or 13 tokens long"
    )
    tokenizer: str | None = Field(None, description="a tokenizer.json to count tokens with")
    subset: bool = Field(True, description="write the kept rows in the pool's format")
    examples: bool = Field(True, description="show texts in the report")
    memory: str | None = Field(None, description="bytes that a method may use to see all rows at once [default: 8GB]")
    force: bool = Field(False, description="replace a different selection in the output folder")
    workers: int | None = Field(None, ge=1, description="processes; the number of cores by default")

    @property
    def method_name(self) -> str:
        """The name by which a method is found, without the column of `top:COLUMN`."""
        name, colon, _ = self.method.partition(":")
        return name if colon and name in ("top", "bottom") else self.method

    def identity(self) -> dict[str, Any]:
        """All that decides the result."""
        return self.model_dump(exclude=NOT_IDENTITY)

    def command(self, verb: str = "select") -> str:
        """The command line that repeats this request."""
        words = ["tamis", verb, *self.pool]
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if (
                name in ("pool", "force")
                or (verb, name) in (("score", "subset"), ("clean", "method"), ("clean", "budget"))
                or value == info.get_default(call_default_factory=True)
            ):
                continue
            flag = "--" + name.replace("_", "-")
            if isinstance(value, bool):
                words.append(flag if value else f"--no-{name}")
            elif isinstance(value, dict):
                words += [word for key, item in value.items() for word in (flag, f"{key}={item}")]
            elif name in IDS and isinstance(value, list):
                words += [flag, ",".join(map(str, value))]
            elif isinstance(value, list):
                words += [word for item in value for word in (flag, item)]
            else:
                words += [flag, str(value)]
        return shlex.join(words)


def parse_memory(text: str | None) -> float:
    """`2GB` as bytes, 8 GB without one; powers of 1000.

    Examples:
        >>> parse_memory("1.5 GB"), parse_memory("200M")
        (1500000000.0, 200000000.0)
    """
    found = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?) ?([KMGT]?)B?", (text or "8GB").strip(), re.IGNORECASE)
    if found is None or float(found[1]) <= 0:
        raise refusals.MEMORY_UNREADABLE(f"--memory {text}")
    return float(found[1]) * float(1000 ** " KMGT".index(found[2].upper() or " "))


def make_request(values: dict[str, Any], where: str = "request") -> Request:
    """A `Request` from plain values; refuses unknown keys with the nearest name, and values of the wrong type."""
    fields = Request.model_fields
    for key in values:
        if key.replace("-", "_") not in fields:
            raise refusals.KEY_UNKNOWN(where, name=key, near=nearest(key, fields), known=", ".join(fields))
    values = {key.replace("-", "_"): plain(value) for key, value in values.items()}
    for name in SHARES:
        if isinstance(values.get(name), dict):
            values[name] = [said_as_flag(column, groups) for column, groups in values[name].items()]
    if isinstance(values.get("rules"), dict):
        values["rules"] = [said_as_rules(name, thresholds) for name, thresholds in values["rules"].items()]
    for name in ("near_duplicates", "drop_contaminated"):
        if isinstance(values.get(name), int | float) and not isinstance(values[name], bool):
            values[name] = str(values[name])
    for name in (*LISTS, *SHARES):
        if isinstance(values.get(name), str):
            values[name] = [values[name]]
    if "budget" in values:
        values["budget"] = said_budget(values["budget"])
    try:
        return _here(Request(**values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "request"
        if first["type"] == "missing":
            raise refusals.INCOMPLETE(where, name=name, meaning=request_help(name)) from None
        values = {"value": first["input"], "said": first["msg"].lower(), "meaning": request_help(name)}
        raise refusals.VALUE_UNUSABLE(where, name=name, **values) from None


def _here(request: Request) -> Request:
    """Refuse URLs for what is read or written on this machine only."""
    refuse_url(request.output, "the output", "name a folder, and copy it there afterwards", "-o")
    refuse_url(request.tokenizer, "the tokenizer", "download it, and name the copy", "--tokenizer")
    for name in IDS:
        flag, ids = f"--{name.replace('_', '-')} @", getattr(request, name)
        if isinstance(ids, str) and ids.startswith("@"):
            refuse_url(ids[1:], "the list of ids", "download it, and name the copy", flag)
    return request


def said_budget(value: Any) -> Any:
    """A budget as the command line has it: of a number, a fraction between 0 and 1 or several of them."""
    value = plain(value)
    if isinstance(value, list):
        return ",".join(str(said_budget(one)) for one in value)
    if not isinstance(value, int | float):
        return value
    parse(value)  # refuses true and false, and fractions that are none
    if isinstance(value, int):
        return str(value)
    return f"{Decimal(repr(value)) * 100:f}".rstrip("0").rstrip(".") + "%"


def plain(value: Any) -> Any:
    """A value without the types of NumPy and `pathlib`, so that JSON can hold it; infinities are text there."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, PathLike):
        return fspath(value)
    value = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def said_as_flag(column: str, groups: Any) -> str:
    """`{"law": 0.3, "code": 0.2}` of a column as the command line has it: `column=law:0.3,code:0.2`."""
    pairs = groups.items() if isinstance(groups, dict) else ()
    return f"{column}={','.join(f'{group}:{share}' for group, share in pairs)}"


def said_as_rules(name: str, thresholds: Any) -> str:
    """`{"min-words": 20}` of a set of rules as the command line has it.

    Examples:
        >>> said_as_rules("gopher-quality", {"min-words": 20}), said_as_rules("c4", None)
        ('gopher-quality:min-words=20', 'c4')
    """
    pairs = thresholds.items() if isinstance(thresholds, dict) else ()
    return f"{name}:{','.join(f'{rule}={value}' for rule, value in pairs)}".rstrip(":")


def request_help(name: str) -> str:
    """What a field of a request means."""
    field = Request.model_fields.get(name)
    return str(field.description) if field else "see tamis select --help"
