"""What `--set`, `--choose`, `--quota` and `--floor` say, divided between the method, its chooser and the targets."""

from typing import Any

from tamis import refusals
from tamis.budget import Share, check_shares, parse_shares
from tamis.engine.request import Request
from tamis.ops.choosers import CHOOSERS, Chooser
from tamis.registry import Method, coerce, parameter_unknown


def find_parameters(request: Request, method: Method) -> tuple[Chooser | None, dict[str, Any], dict[str, Any], Any]:
    """The chooser, and `--set` divided between the method, its chooser and the shares of several targets."""
    given = dict(request.set)
    shares = _target_shares(given.pop("shares", "equal"), len(request.target))
    if request.choose and not method.choose:
        raise refusals.CHOOSER_OF_ORDER(f"--choose {request.choose}", method=method.name)
    chooser: Chooser | None = CHOOSERS.get(request.choose or method.choose) if method.choose else None
    of = "SetFunction" if method.kind == "SetFunction" else "Score"
    if chooser is not None and chooser.of != of:
        fitting = ", ".join(name for name, one in CHOOSERS.entries.items() if one.of == of)
        raise refusals.CHOOSER_OF_OTHER_KIND(f"--choose {request.choose}", method=method.name, kind=of, known=fitting)
    own = chooser.parameters if chooser else {}
    known = {**method.parameters, **own}
    for name in given:
        if name not in known:
            raise parameter_unknown(method.name, name, known)
    parameters = method.bind({name: value for name, value in given.items() if name in method.parameters})
    choosing = {name: p.default for name, p in own.items()} | {n: v for n, v in parameters.items() if n in own}
    choosing |= {n: coerce(own[n], v, method.name) for n, v in given.items() if n in own}
    if not choosing.get("temperature", 0) >= 0:
        place = f"temperature={choosing['temperature']}"
        raise refusals.PARAMETER_OUT_OF_RANGE(place, accepted="0 or above, where 0 takes the best, 1 draws by the odds")
    return chooser, parameters, choosing, shares


def _target_shares(value: Any, targets: int) -> Any:
    """`equal`, `tokens`, or one number a target."""
    if value in ("equal", "tokens"):
        return value
    numbers = value.split(",") if isinstance(value, str) else value
    try:
        shares = [float(number) for number in numbers]
    except (TypeError, ValueError):
        raise refusals.TARGET_SHARES_UNREADABLE(f"shares={value!r}") from None
    if len(shares) != targets or min(shares, default=-1) < 0 or sum(shares) <= 0:
        raise refusals.TARGET_SHARES_MISFIT(f"shares={value!r}", targets=targets)
    return shares


def find_shares(flag: str, texts: list[str]) -> list[Share]:
    found = [share for text in texts for share in parse_shares(flag, text)]
    check_shares(flag, " ".join(texts), found)
    return found
