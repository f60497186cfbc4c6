"""Several steps, each of which chooses among what the one before it kept; all work lies in one output folder."""

from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.engine.cleaning import FLAGS
from tamis.engine.console import Console
from tamis.engine.folder import STATE, Folder, held
from tamis.engine.launch import Launched
from tamis.engine.plan import Plan, make_plan
from tamis.engine.request import Request, make_request
from tamis.engine.select import run_select

WHOLE = ("pool", "output", "force", "workers")


def make_requests(values: dict[str, Any], where: str) -> list[Request]:
    """One request, or those of the `steps` of a recipe: keys above the steps hold for every one of them.

    Examples:
        >>> steps = [{"method": "top:quality", "budget": "50%"}, {"method": "random", "budget": 10}]
        >>> found = make_requests({"pool": "p.csv", "output": "out", "steps": steps}, "recipe.yaml")
        >>> [(request.output, request.within) for request in found]
        [('out/step-1', None), ('out', 'out/step-1')]
    """
    if "steps" not in values:
        return [make_request(values, where)]
    steps = values["steps"]
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise refusals.STEPS_NOT_A_LIST(where)
    common = {name: value for name, value in values.items() if name != "steps"}
    output = str(common.get("output") or "out")
    requests = []
    for number, step in enumerate(steps, 1):
        place = f"{where}, step {number}"
        own = {str(name).replace("-", "_"): value for name, value in step.items()}
        last = number == len(steps)
        for name in own:
            if name in WHOLE:
                raise refusals.STEP_KEY(place, key=name)
            if (name == "within" and number > 1) or (name == "subset" and not last):
                raise refusals.STEP_KEY_OF_ONE(place, key=name, which="first" if name == "within" else "last")
        if "method" not in common | own and any(own.get(name) for name in FLAGS):
            if "budget" in common | own:
                meaning = "a method that says which rows the budget keeps, or leave the budget out"
                raise refusals.INCOMPLETE(place, name="method", meaning=meaning)
            own |= {"method": "all", "budget": "100%"}
        made: dict[str, Any] = common | own | ({} if last else {"output": f"{output}/step-{number}", "subset": False})
        if number > 1:
            made["within"] = f"{output}/step-{number - 1}"
        request = make_request(made, place)
        if request.budget is None:
            raise refusals.INCOMPLETE(place, name="budget", meaning="how much this step keeps, as in 5000 or 10%")
        if not last and "," in request.budget:
            raise refusals.BUDGET_SEVERAL(f"{place}: budget {request.budget!r}")
        requests.append(request)
    if "output" not in common:
        requests[-1].output = None
    return requests


def make_plans(requests: list[Request]) -> list[Plan]:
    """The plans of all steps, so that each is checked before the first one reads a row."""
    return [make_plan(request) for request in requests]


def check_folders(plans: list[Plan]) -> None:
    """Refuse output folders that hold something else, before the first step starts."""
    for number, plan in enumerate(plans):
        folder = _folder(plans, plan)
        if number == 0:
            folder.check(plan.asked, plan.request.force)
        else:
            folder.check_request(plan.request.identity(), plan.request.force)


def run_steps(plans: list[Plan], console: Console, launched: Launched | None = None) -> dict[str, Any]:
    """Run all steps and return the manifest of the last one."""
    if len(plans) == 1:
        return run_select(plans[0], _folder(plans, plans[0]), console, launched)
    manifest: dict[str, Any] = {}
    used: set[str] = set()
    with held(Path(str(plans[-1].request.output))):
        for number, plan in enumerate(plans, 1):
            console.say(f"step {number} of {len(plans)}: {'clean' if plan.method.name == 'all' else plan.method.name}")
            manifest = run_select(plan, _folder(plans, plan), console, launched if number == 1 else None, used)
    return manifest


def _folder(plans: list[Plan], plan: Plan) -> Folder:
    """The output folder of one step; parts of shards lie in that of the last one."""
    path, last = Path(str(plan.request.output)), Path(str(plans[-1].request.output))
    return Folder(path) if path == last else Folder(path, parts=last / STATE)
