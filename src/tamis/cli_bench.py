"""`tamis bench`: does a choice beat random at equal budget, and at equal total cost?"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from tamis.cli_look import roles_options


@click.command()
@click.argument("pool", nargs=-1)
@click.option("--study", "file", type=click.Path(exists=True, dir_okay=False), help="a YAML or TOML file of flags")
@click.option("--task", help="classify, language-model, cover, or file.py:function")
@click.option("--model", help="linear, knn, mlp, cnn for classify; ngram, transformer for language-model")
@click.option("--methods", help="methods to compare with random, as in k-center,top:COLUMN")
@click.option("--budgets", help="how much to keep, as in 1%,5%")
@click.option("--seeds", type=int, default=None, help="how often everything is repeated [default: 5]")
@click.option("--test", metavar="FILE", help="held-out examples; without it a part of the pool is held out")
@click.option("--holdout", metavar="SHARE", help="the part of the pool that is held out [default: 20%]")
@click.option("--overlap", type=click.Choice(["refuse", "drop", "keep"]), help="pool rows that are in the test set")
@click.option("--target", multiple=True, metavar="FILE", help="a sample of what you want; may repeat")
@click.option("--target-text", help="text column of the targets")
@click.option("--off-target", metavar="FILE", help="other texts on which a language model is judged")
@click.option("--metric", help="metrics that get a verdict [default: the task's main one]")
@click.option("--difference", type=float, help="a difference worth seeing: says how many seeds it would take")
@click.option("--reach", type=float, help="a level of the metric: says what it costs to reach it")
@click.option("--steps", type=click.IntRange(min=1), help="optimiser steps of a fit, the same at every budget")
@click.option("--epochs", type=click.IntRange(min=1), help="passes over what is kept of a fit, instead of steps")
@click.option("--set", "set_", multiple=True, metavar="NAME=VALUE", help="a parameter of the task, or of a METHOD.NAME")
@click.option("--timed", is_flag=True, default=None, help="one cell at a time, so that none slows another down")
@click.option("--full/--no-full", default=None, help="train on the whole pool as well [default: yes]")
@roles_options
@click.option("--embedding", help="vectors, which are the features too: a column of lists, or columns such as 'f*'")
@click.option("--represent", help="what makes vectors of images: small-image or MODEL.onnx")
@click.option("--template", help="the text of an example, made of its columns, as in '{question}\\n{answer}'")
@click.option("--duplicates", type=click.Choice(["drop", "keep"]), help="exact duplicates of the text [default: drop]")
@click.option("--tokenizer", type=click.Path(exists=True, dir_okay=False), help="a tokenizer.json to count tokens")
@click.option("--examples/--no-examples", default=None, help="show examples in the report [default: yes]")
@click.option("--workers", type=click.IntRange(min=1), help="processes [default: number of cores]")
@click.option("--output", "-o", help="folder to write")
@click.option("--force", is_flag=True, default=None, help="replace the evidence of another study in the output folder")
@click.option("--dry-run", is_flag=True, help="check everything, say what would be done, and do nothing")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object on standard output")
def bench(pool: tuple[str, ...], file: str | None, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Compare methods with random on POOL: train on what each keeps, and judge on held-out examples.

    \b
    tamis bench pool.csv --task classify --label y --methods top:quality,stratified-random --budgets 1%,5% -o out
    """
    from tamis import refusals
    from tamis.cli import pair
    from tamis.engine.console import Console
    from tamis.engine.folder import Folder
    from tamis.engine.recipes import read_recipe
    from tamis.evidence.bench import run_bench
    from tamis.evidence.plan import make_study_plan
    from tamis.evidence.study import Study, make_study
    from tamis.evidence.tell import describe, tell

    values: dict[str, Any] = read_recipe(Path(file)) if file else {}
    given = {name.rstrip("_"): value for name, value in flags.items() if value not in (None, ())}
    if "set" in given:
        given["set"] = {**values.get("set", {}), **dict(pair("--set", item) for item in given["set"])}
    if pool:
        given["pool"] = list(pool)
    if "target" in given:
        given["target"] = list(given["target"])
    study = make_study(values | given, file or "bench")
    if study.output is None and not dry_run:
        raise refusals.INCOMPLETE(file or "bench", name="--output", meaning=Study.model_fields["output"].description)
    with contextlib.redirect_stdout(sys.stderr):  # also what a file of one's own prints
        plan = make_study_plan(study)
        folder = Folder(Path(str(study.output)))
        evidence = {} if dry_run else run_bench(plan, folder, Console())
    if dry_run:
        click.echo(describe(plan))
        return
    if as_json:
        click.echo(json.dumps(evidence, allow_nan=False))
    else:
        click.echo(tell(evidence, folder.path), err=True)


COMMANDS = (bench,)
