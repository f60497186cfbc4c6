"""A study as the command line that does it again."""

import shlex
from typing import Any

from tamis.evidence.study import NOT_IDENTITY, Study

LISTS = {"methods", "budgets", "metric"}


def said_command(study: Study) -> str:
    """`tamis bench POOL --task …`; empty where the study needs a file: methods with options of their own.

    Examples:
        >>> from tamis.evidence.study import make_study
        >>> values = {"pool": "p.csv", "task": "classify", "label": "y", "methods": "top:q", "budgets": "1%,5%"}
        >>> said_command(make_study(values))
        'tamis bench p.csv --task classify --methods top:q --budgets 1%,5% --label y -o out'
    """
    if study.pool == ["<table>"] or any(
        set(asked) > {"name", "method"} or asked["name"] != asked["method"] for asked in study.methods
    ):
        return ""
    words = ["tamis", "bench", *study.pool]
    for name, info in Study.model_fields.items():
        value = getattr(study, name)
        if name == "pool" or name in NOT_IDENTITY or value == info.get_default(call_default_factory=True):
            continue
        flag = "--" + name.replace("_", "-")
        words += _flag(flag, name, value)
    return shlex.join([*words, "-o", study.output or "out"])


def _flag(flag: str, name: str, value: Any) -> list[str]:
    if name == "methods":
        return [flag, ",".join(asked["name"] for asked in value)]
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, dict):
        return [word for key, one in value.items() for word in (flag, f"{key}={one}")]
    if name in LISTS:
        return [flag, ",".join(map(str, value))]
    return [word for one in value for word in (flag, str(one))] if isinstance(value, list) else [flag, str(value)]
