"""The command `measure`."""

import json
from pathlib import Path
from typing import Any

import click


def summary(manifest: dict[str, Any], folder: Path) -> list[str]:
    """What a person reads at the end."""
    rows = manifest["rows"]
    return [
        f"measured {rows['eligible']:,} of {rows['pool']:,} rows",
        *(f"{name.partition('.')[0]} {folder / name}" for name in manifest["files"]),
    ]


def measure(kind: str, model: tuple[str, ...], flags: dict[str, Any], dry_run: bool, as_json: bool) -> None:
    """Plan, run and tell."""
    from tamis.engine.console import Console
    from tamis.engine.folder import Folder
    from tamis.engine.measure_only import plan_measure, run_measure
    from tamis.engine.request import make_request
    from tamis.engine.words import describe_plan
    from tamis.measure.text_measures import LATENT, NGRAMS

    values = flags | {"method": "all", "duplicates": "keep", "subset": False}
    if kind == "vectors":
        values["represent"] = flags.get("represent") or LATENT
    else:
        values["use"] = {"losses": ",".join(model or (NGRAMS,))}
    plan = plan_measure(make_request(values, "measure"))
    plan.verb = "measure"
    if dry_run:
        text, found = describe_plan(plan)
        click.echo(json.dumps(found, indent=1) if as_json else text)
        return
    path = Path(str(plan.request.output))
    manifest = run_measure(plan, Folder(path), Console())
    if as_json:
        click.echo(json.dumps(manifest | {"output": str(path)}, allow_nan=False))
        return
    for line in summary(manifest, path):
        click.echo(line, err=True)
