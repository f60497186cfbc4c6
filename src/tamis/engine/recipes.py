"""Recipes: requests in a file of YAML or TOML."""

import tomllib
from pathlib import Path
from typing import Any

from tamis import refusals


def read_recipe(path: Path) -> dict[str, Any]:
    """The mapping in a recipe, with underscores for hyphens in its keys; what they mean is checked by the request.

    Raises `Refused` for a file that is neither YAML nor TOML, by its name, or that holds no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text) if path.suffix == ".toml" else _yaml(text)
    except OSError as error:
        raise refusals.RECIPE_UNREADABLE(path, said=error.strerror) from None
    except ValueError as error:
        raise refusals.RECIPE_UNREADABLE(path, said=" ".join(str(error).split())) from None
    if not isinstance(values, dict):
        raise refusals.RECIPE_NOT_A_MAPPING(path)
    return {str(name).replace("-", "_"): value for name, value in values.items()}


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from None
