"""The schema of recipes, for editors: the request, and the parameters of each method."""

from typing import Any

from pydantic import TypeAdapter

from tamis.engine.request import Request
from tamis.ops.choosers import CHOOSERS
from tamis.registry import METHODS, Parameter, load_all


def recipe_schema() -> dict[str, Any]:
    """A JSON schema of recipes: keys are the flags of `tamis select`; `set` depends on `method`.

    Examples:
        >>> schema = recipe_schema()
        >>> schema["properties"]["budget"]["description"]
        'how much to keep: 5000, 10%, 2M tokens, 30 COLUMN'
    """
    load_all()
    schema = Request.model_json_schema()
    schema["title"] = "Tamis recipe"
    schema["required"] = ["pool", "method", "budget"]
    schema["allOf"] = [
        {
            "if": {"properties": {"method": {"const": name}}},
            "then": {"properties": {"set": {"properties": _properties(name)}}},
        }
        for name in sorted(METHODS.entries)
    ]
    return schema


def _properties(name: str) -> dict[str, Any]:
    method = METHODS.entries[name]
    chooser = CHOOSERS.entries.get(method.choose)
    parameters: dict[str, Parameter] = {**(chooser.parameters if chooser else {}), **method.parameters}
    return {
        p.name: TypeAdapter(p.annotation).json_schema() | {"default": _plain(p.default)} for p in parameters.values()
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
