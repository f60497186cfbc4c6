"""The schema of recipes, for editors: the request, and the parameters of each method."""

from typing import Any

from pydantic import TypeAdapter

from tamis.engine.cleaning import FLAGS
from tamis.engine.request import LISTS, SHARES, Request
from tamis.engine.steps import WHOLE
from tamis.ops.choosers import CHOOSERS
from tamis.registry import METHODS, Parameter, load_all


def recipe_schema() -> dict[str, Any]:
    """A JSON schema of recipes: keys are the flags of `tamis select`; `set` depends on `method`; `steps` follow.

    Examples:
        >>> schema = recipe_schema()
        >>> schema["properties"]["budget"]["description"].split(",")[0]
        'how much to keep'
        >>> schema["properties"]["steps"]["items"]["anyOf"][0]["required"]
        ['method', 'budget']
    """
    load_all()
    schema = Request.model_json_schema()
    known = schema["properties"]
    for name in (*LISTS, *SHARES):
        known[name] = _also(known[name], {"type": "string"})
    for name in ("near_duplicates", "drop_contaminated"):
        known[name] = _also(known[name], {"type": "number", "exclusiveMinimum": 0})
    known["rules"] = _also(known["rules"], {"type": "object", "additionalProperties": {"type": ["object", "null"]}})
    known["budget"] = _also(known["budget"], {"type": "number", "exclusiveMinimum": 0})
    steps = {
        "type": "array",
        "minItems": 1,
        "description": "steps, each of which chooses among what the one before it kept",
        "items": {
            "type": "object",
            "properties": {name: found for name, found in known.items() if name not in WHOLE},
            "additionalProperties": False,
            "anyOf": [{"required": ["method", "budget"]}, *({"required": [name]} for name in FLAGS)],
            "allOf": _of_methods(),
        },
    }
    return schema | {
        "title": "Tamis recipe",
        "properties": known | {"steps": steps},
        "required": ["pool"],
        "anyOf": [{"required": ["method", "budget"]}, {"required": ["steps"]}],
        "allOf": _of_methods(),
    }


def _also(schema: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A property that may be something else as well."""
    outer = {name: schema[name] for name in ("description", "default", "title") if name in schema}
    inner = {name: value for name, value in schema.items() if name not in outer}
    return outer | {"anyOf": [*inner.get("anyOf", [inner]), other]}


def _of_methods() -> list[dict[str, Any]]:
    """What `set` may hold, for each method."""
    return [
        {
            "if": {"properties": {"method": {"const": name}}, "required": ["method"]},
            "then": {"properties": {"set": {"properties": _properties(name)}}},
        }
        for name in sorted(METHODS.entries)
    ]


def _properties(name: str) -> dict[str, Any]:
    method = METHODS.entries[name]
    chooser = CHOOSERS.entries.get(method.choose)
    parameters: dict[str, Parameter] = {**(chooser.parameters if chooser else {}), **method.parameters}
    return {
        p.name: TypeAdapter(p.annotation).json_schema() | {"default": _plain(p.default)} for p in parameters.values()
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
