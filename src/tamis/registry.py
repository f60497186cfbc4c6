"""Registered methods: a function's argument names are its needs, its return annotation is its kind."""

import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from tamis import refusals
from tamis.vocabulary import KINDS, WORDS, Order, Schedule, SetFunction


@dataclass(frozen=True)
class Parameter:
    """One keyword argument of a method: its name, type and default."""

    name: str
    annotation: Any
    default: Any


@dataclass(frozen=True)
class Method:
    """One way to choose, with its card; `fit`, `merge` and `finish` belong to methods that see the whole pool first.

    Needs in `optional` have a default and may be missing. `bytes` is the memory of the function itself by `n`, `d`, `k`
    and its parameters. `status` sums up the evidence, of which `studies` has a line a study.
    """

    name: str
    function: Callable[..., Any]
    kind: str
    needs: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    paper: str
    no: int | None
    year: int | None
    family: str
    pole: str | None
    choose: str | None
    cost: str
    memory: str
    streams: bool
    loses: str
    fit: Callable[..., Any] | None = None
    merge: Callable[..., Any] | None = None
    finish: Callable[..., Any] | None = None
    presets: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    optional: tuple[str, ...] = ()
    bytes: Callable[..., float] | None = None
    own_size: bool = False
    kernels: tuple[str, ...] = ()
    status: str = "unproven"
    studies: tuple[str, ...] = ()

    @property
    def nested(self) -> bool:
        """Whether a smaller budget keeps a prefix of what a larger one does."""
        return "count" not in self.needs

    def card(self) -> dict[str, Any]:
        """What `tamis methods --json` lists."""
        names = "name paper no year family needs kind pole choose cost memory streams status loses".split()
        parameters = {p.name: p.default for p in self.parameters.values()}
        return {n: getattr(self, n) for n in names} | {"needs": list(self.needs), "parameters": parameters}

    def bind(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters with their values: defaults, then `given`, then what the method makes of them."""
        for name in given:
            if name not in self.parameters:
                raise parameter_unknown(self.name, name, self.parameters)
        values = {p.name: p.default for p in self.parameters.values()}
        values |= {name: coerce(self.parameters[name], value, self.name) for name, value in given.items()}
        return self.presets(values) if self.presets else values


@dataclass
class Registry:
    """Named things of one sort; a name that is not there is refused with the nearest one."""

    sort: str
    entries: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The entry called `name`."""
        if name not in self.entries:
            near, known = nearest(name, self.entries), ", ".join(sorted(self.entries))
            raise refusals.NAME_UNKNOWN(f"{self.sort} {name!r}", sort=self.sort, near=near, known=known)
        return self.entries[name]


METHODS = Registry("method")
OWN: dict[Callable[..., Any], Method] = {}  # decorated functions of users' files, which are found by file
OWN_MODULE = "tamis_user_"
CARDS = Path(__file__).with_name("cards.json")  # what studies found, made by studies/cards.py
UNKNOWN_CARD = {
    "paper": "", "no": None, "year": None, "family": "your own", "pole": None, "cost": "not stated",
    "memory": "not stated", "streams": True, "loses": "not known",
}  # fmt: skip


def method(
    *,
    family: str,
    cost: str,
    memory: str,
    loses: str,
    paper: str = "",
    no: int | None = None,
    year: int | None = None,
    pole: str | None = None,
    choose: str | None = None,
    streams: bool = True,
    fit: Callable[..., Any] | None = None,
    merge: Callable[..., Any] | None = None,
    finish: Callable[..., Any] | None = None,
    presets: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    bytes: Callable[..., float] | None = None,
    own_size: bool = False,
    kernels: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a method; the function itself is returned unchanged.

    `no` is the paper's number in the list of systems, `loses` says when the method loses to random, `memory` is bytes
    in terms of n, d and k, and `bytes(n, d, k, **parameters)` computes them. `own_size` says that the
    budget may be `auto`; `kernels` are modules of compiled code that workers use to fit and score. Raises `TypeError`
    for a need that is no word of the vocabulary, or an unknown kind.
    """

    card = {
        "paper": paper, "no": no, "year": year, "family": family, "pole": pole, "choose": choose, "cost": cost,
        "memory": memory, "streams": streams, "loses": loses, "fit": fit, "merge": merge, "finish": finish,
        "presets": presets, "bytes": bytes,
        "own_size": own_size, "kernels": kernels,
    }  # fmt: skip

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        made = build(function, **card)
        if function.__module__.startswith(OWN_MODULE):
            OWN[function] = made
            return function
        if made.name in METHODS.entries:
            raise TypeError(f"a method called {made.name!r} is registered already")
        METHODS.entries[made.name] = made
        return function

    return register


def build(function: Callable[..., Any], **card: Any) -> Method:
    """A `Method` from a function and its card, without registering it."""
    name = function.__name__.rstrip("_").replace("_", "-")
    stages = [stage for stage in (function, card.get("fit"), card.get("finish")) if stage is not None]
    needs, optional, parameters = _signature(name, stages)
    kind = kind_of(function)
    if any(map(card.get, ("fit", "merge", "finish"))) and not all(map(card.get, ("fit", "merge", "finish"))):
        raise TypeError(f"{name} must have fit, merge and finish, or none of them")
    usual = {"Score": "top", "Match": "top", "SetFunction": "greedy"}
    card["choose"] = card.get("choose") or usual.get(kind)
    card |= {"name": name, "function": function, "kind": kind, "needs": needs, "optional": optional}
    return Method(parameters=parameters, **card)


def kind_of(function: Callable[..., Any]) -> str:
    """The kind named by the return annotation of `function`."""
    result = typing.get_type_hints(function, include_extras=True).get("return")
    kind = next(iter(getattr(result, "__metadata__", ())), None)
    kind = result.__name__ if result in (Order, Schedule, SetFunction) else kind
    if kind not in KINDS:
        raise TypeError(f"{function.__name__} must be annotated to return one of {', '.join(KINDS)}")
    return str(kind)


def returned(function: Callable[..., Any]) -> Any:
    """The type that `function` is annotated to return, also where annotations are kept as text."""
    return typing.get_type_hints(function)["return"]


def _signature(
    name: str, stages: list[Callable[..., Any]]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Parameter]]:
    """Needs from the arguments of the method itself, those with a default, and the keyword arguments of all stages."""
    needs: list[str] = []
    optional: list[str] = []
    parameters: dict[str, Parameter] = {}
    for stage in stages:
        hints = typing.get_type_hints(stage)
        for argument in inspect.signature(stage).parameters.values():
            if argument.kind is argument.KEYWORD_ONLY:
                found = Parameter(argument.name, hints.get(argument.name), argument.default)
                parameters.setdefault(argument.name, found)
            elif stage is stages[0] and argument.name not in WORDS:
                words = ", ".join(WORDS)
                word = f"{argument.name!r}{nearest(argument.name, WORDS)}"
                raise TypeError(f"{name} needs {word}, which is no word of the vocabulary: {words}")
            elif stage is stages[0] and argument.name != "state":
                needs.append(argument.name)
                optional += [argument.name] if argument.default is not argument.empty else []
    if len(stages) > 1 and "target_text" not in needs:
        needs.append("target_text")
    return tuple(needs), tuple(optional), parameters


def accepted(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that `function` takes as keyword arguments."""
    return {name: value for name, value in values.items() if name in inspect.signature(function).parameters}


def coerce(parameter: Parameter, value: Any, owner: str) -> Any:
    """`value` (perhaps text from a command line) as the type that the parameter is annotated with."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(parameter.annotation).validate_python(value)
    except ValidationError as error:
        said = error.errors()[0]["msg"].lower()
        values = {"name": parameter.name, "value": value, "said": said, "default": parameter.default}
        raise refusals.PARAMETER_UNUSABLE(owner, **values) from None


def parameter_unknown(owner: str, name: str, known: Mapping[str, Any]) -> Exception:
    """The refusal of a parameter that `owner` does not take."""
    return refusals.PARAMETER_UNKNOWN(owner, name=name, near=nearest(name, known), known=", ".join(known) or "none")


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """`, did you mean 'x'?` when something known is near."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


@functools.cache
def load_all() -> None:
    """Import all of `tamis.methods` and all entry points of the group `tamis.methods`, then add what studies found."""
    import tamis.methods
    import tamis.ops.choosers

    for module in pkgutil.iter_modules(tamis.methods.__path__):
        importlib.import_module(f"tamis.methods.{module.name}")
    for entry in importlib.metadata.entry_points(group="tamis.methods"):
        entry.load()
    cards = json.loads(CARDS.read_text(encoding="utf-8"))
    for name, found in METHODS.entries.items():
        card = cards.get(name, {"status": "unproven", "studies": ()})
        METHODS.entries[name] = replace(found, status=card["status"], studies=tuple(card["studies"]))


def find(name: str) -> Method:
    """The method called `name`: a registered one, or `file.py:function` for a user's own."""
    load_all()
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), function)
    return typing.cast(Method, METHODS.get(name))


def _from_file(path: Path, name: str) -> Method:
    place = f"--method {path}:{name}"
    function = own_function(path, name, place)
    try:
        return OWN.get(function) or build(function, **UNKNOWN_CARD)
    except TypeError as error:
        raise refusals.OWN_FUNCTION_UNUSABLE(place, said=error) from None


def own_function(path: Path, name: str, place: str) -> Callable[..., Any]:
    """The function called `name` of a user's file, which is run; a refusal says `place` first."""
    try:
        content = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise refusals.OWN_FILE_MISSING(place, path=path) from None
        raise refusals.OWN_FILE_UNREADABLE(place, said=error.strerror) from None
    try:
        module = _load(path.resolve(), content)
    except Exception as error:
        raise refusals.OWN_FILE_FAILS(place, said=f"{type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        functions = [n for n, found in vars(module).items() if getattr(found, "__module__", "") == module.__name__]
        near, known = nearest(name, vars(module)), ", ".join(functions) or "none"
        raise refusals.OWN_FUNCTION_MISSING(place, name=name, near=near, known=known)
    return typing.cast(Callable[..., Any], function)


@functools.lru_cache(64)
def _load(path: Path, content: bytes) -> ModuleType:
    """A user's file as a module, run once for each content; no compiled file is left beside it or believed."""
    module = ModuleType(f"{OWN_MODULE}{path.stem}_{hashlib.sha256(bytes(path) + content).hexdigest()[:20]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses and pickle look for it
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # what it imports may lie beside it
    try:
        exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module
