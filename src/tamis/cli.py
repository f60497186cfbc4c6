"""The command line."""

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import tamis
from tamis.engine.launch import one_thread_a_step
from tamis.errors import TamisError

ROLES = ("text", "id", "label", "group", "cost", "score", "weight")


class Group(click.Group):
    """Turns every error into one sentence and an exit code: 2 refused while planning, 1 broke or refused later."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command, or name the nearest one."""
        from tamis.registry import nearest

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}{nearest(args[0], self.commands)}: known are {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(tamis.__version__, prog_name="tamis")
def cli() -> None:
    """Decide what a model learns from: choose examples of a pool, and say why."""


def options(*adders: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several click decorators as one, in the order of `--help`."""

    def add(command: Any) -> Any:
        for adder in reversed(adders):
            command = adder(command)
        return command

    return add


asking = options(
    click.argument("pool", nargs=-1, required=True),
    click.option("--method", required=True, help="a method's name, top:COLUMN, bottom:COLUMN or file.py:function"),
    click.option("--target", multiple=True, help="a sample of what you want; may repeat: equal shares"),
    click.option("--target-text", help="text column of the targets"),
    *(click.option(f"--{role}", role, help=f"column of the {role}, or none") for role in ROLES),
    click.option("--use", multiple=True, metavar="WORD=COLUMN", help="what fills a need of the method"),
    click.option("--set", "set_", multiple=True, metavar="NAME=VALUE", help="a parameter of the method"),
    click.option("--choose", help="replace the method's way to choose: top, weighted-draw, …"),
    click.option("--duplicates", type=click.Choice(["drop", "keep"]), default="drop", show_default=True,
                 help="exact duplicates of the text"),
    click.option("--tokenizer", type=click.Path(exists=True, dir_okay=False), help="a tokenizer.json to count tokens"),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option("--workers", type=click.IntRange(min=1), help="processes [default: number of cores]"),
)  # fmt: skip
limiting = options(
    click.option("--quota", multiple=True, metavar="COLUMN=GROUP:SHARE,…", help="exact shares of the budget"),
    click.option("--floor", multiple=True, metavar="COLUMN=GROUP:SHARE,…", help="least shares of the budget"),
    click.option("--borrow", is_flag=True, help="let others have what a group is short of"),
    click.option("--fill", is_flag=True, help="go on after the first row that does not fit a cost budget"),
    click.option("--must-keep", metavar="IDS", help="ids to keep: a comma list, or @file with one a line"),
    click.option("--exclude", metavar="IDS", help="ids to leave out, same grammar"),
)
writing = options(
    click.option("--output", "-o", help="folder to write"),
    click.option("--force", is_flag=True, help="replace another selection in the output folder"),
    click.option("--dry-run", is_flag=True, help="say what would be done, and do nothing"),
    click.option("--json", "as_json", is_flag=True, help="print one JSON object on standard output"),
)


@cli.command()
@asking
@limiting
@click.option("--budget", required=True, help="how much to keep: 5000, 10%, 2M tokens, 30 COLUMN")
@click.option("--subset/--no-subset", default=True, help="write the kept rows in the pool's format")
@click.option("--examples/--no-examples", default=True, help="show texts in the report")
@writing
def select(dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Choose a subset of POOL (files or folders of Parquet or JSONL) and say why.

    \b
    tamis select pool/ --method dsir --target wanted.jsonl --budget 10% -o out
    tamis select pool.parquet --method top:quality --budget 5000 -o out
    """
    _select(request_values(flags), dry_run, as_json)


@cli.command()
@asking
@writing
def score(dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Score every row of POOL by a method, and keep none: writes scores.parquet."""
    _select(request_values(flags) | {"subset": False}, dry_run, as_json, verb="score")


@cli.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False), required=False)
@click.option("--schema", is_flag=True, help="print the JSON schema of recipes, for editors")
@click.option("--workers", type=click.IntRange(min=1), help="processes [default: number of cores]")
@click.option("--output", "-o", help="folder to write, instead of the recipe's")
@click.option("--force", is_flag=True, help="replace another selection in the output folder")
@click.option("--dry-run", is_flag=True, help="say what would be done, and do nothing")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object on standard output")
def run(recipe: str | None, schema: bool, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Run a RECIPE: a YAML file whose keys are the flags of `tamis select`."""
    if schema:
        from tamis.engine.schema import recipe_schema

        click.echo(json.dumps(recipe_schema(), indent=1))
        return
    if recipe is None:
        raise click.UsageError("name a recipe, a YAML file whose keys are the flags of tamis select")
    values = read_recipe(Path(recipe)) | {name: value for name, value in flags.items() if value}
    _select(values, dry_run, as_json, where=recipe)


@cli.command()
@click.argument("selection", type=click.Path(exists=True, file_okay=False))
@click.argument("pool", nargs=-1, required=True)
@click.option("--output", "-o", required=True, help="file to write, in the pool's format")
def apply(selection: str, pool: tuple[str, ...], output: str) -> None:
    """Write the rows of POOL that the SELECTION (an output folder) keeps, untouched and in pool order."""
    from tamis.selection import Selection

    chosen = Selection.load(selection)
    chosen.apply(list(pool), output)
    click.echo(f"{len(chosen):,} rows in {output}", err=True)


@cli.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="print the cards as JSON")
def methods(name: str | None, as_json: bool) -> None:
    """List the methods, or show the card of one."""
    from tamis.engine.cards import card_text, table
    from tamis.registry import METHODS, find, load_all

    load_all()
    found = [find(name)] if name else [METHODS.entries[key] for key in sorted(METHODS.entries)]
    if as_json:
        click.echo(json.dumps([method.card() for method in found], indent=1, default=str))
    else:
        click.echo(card_text(found[0]) if name else table(found))


def request_values(flags: dict[str, Any]) -> dict[str, Any]:
    """Flags as the values of a request."""
    values = {name.rstrip("_"): value for name, value in flags.items() if value is not None}
    for name in ("pool", "target", "quota", "floor"):
        if name in values:
            values[name] = list(values[name])
    for name in ("use", "set"):
        values[name] = dict(pair(f"--{name}", item) for item in values.get(name, ()))
    return values


def pair(flag: str, text: str) -> tuple[str, str]:
    """`name=value` as a pair."""
    from tamis.errors import Refused

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Refused(f"{flag} {text!r} cannot be read: write NAME=VALUE")
    return name.strip(), value.strip()


def read_recipe(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    import yaml

    from tamis.errors import Refused

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise Refused(f"{path} must be a mapping of the flags of tamis select, such as 'method: dsir'")
    return {str(name).replace("-", "_"): value for name, value in values.items()}


def _select(values: dict[str, Any], dry_run: bool, as_json: bool, verb: str = "select", where: str = "request") -> None:
    launched = None if dry_run else early_workers(values)
    try:
        _planned(values, dry_run, as_json, verb, where, launched)
    finally:
        if launched:
            launched.close()


def early_workers(values: dict[str, Any]) -> Any:
    """Workers that import their libraries while this process imports its own; None where they would not pay."""
    from tamis.engine.launch import Launched, usable_cores, worth_processes

    count = values.get("workers") or usable_cores()
    paths = values.get("pool") or []
    if isinstance(count, int) and count > 1 and isinstance(paths, list) and worth_processes(map(str, paths)):
        return Launched(count)
    return None


def _planned(values: dict[str, Any], dry_run: bool, as_json: bool, verb: str, where: str, launched: Any) -> None:
    from tamis.engine.console import Console
    from tamis.engine.folder import Folder
    from tamis.engine.plan import make_plan
    from tamis.engine.request import make_request
    from tamis.engine.select import run_select
    from tamis.engine.words import describe_plan, summary_lines
    from tamis.errors import Refused

    planning["done"] = False
    request = make_request(values, where)
    if verb == "select" and request.budget is None:
        raise Refused(f"{where}: budget is missing: say how much to keep, as in 5000, 10% or 2M tokens")
    if request.output is None and not dry_run:
        raise Refused(f"{where}: output is missing: name a folder with -o")
    plan = make_plan(request)
    plan.verb = verb
    if verb == "score" and not plan.has_scores:
        raise Refused(f"{plan.method.name} makes an order and gives no scores: run tamis select with it")
    folder = Folder(Path(request.output)) if request.output else None
    if dry_run:
        text, values = describe_plan(plan)
        click.echo(json.dumps(values, indent=1) if as_json else text)
        return
    assert folder is not None
    folder.check(plan.asked, request.force)
    planning["done"] = True
    manifest = run_select(plan, folder, Console(), launched)
    if as_json:
        click.echo(json.dumps(manifest | {"output": str(folder.path)}, allow_nan=False))
    else:
        for line in summary_lines(manifest, folder.path):
            click.echo(line, err=True)


planning = {"done": False}


def main() -> None:
    """Entry point: exit 0 done, 2 refused while planning, 1 broke or refused while running."""
    tamis_argv = shlex.join(sys.argv[1:])
    planning["done"] = False
    one_thread_a_step()
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped: finished shards are kept, the same command goes on", err=True)
        sys.exit(1)
    except click.ClickException as error:
        click.echo(f"tamis: {error.format_message()} (tamis --help lists what can be asked)", err=True)
        sys.exit(2)
    except TamisError as error:
        click.echo(f"tamis: {error}", err=True)
        sys.exit(1 if planning["done"] or type(error).__name__ == "Broken" else 2)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if os.environ.get("TAMIS_DEBUG"):
            raise
        click.echo(f"tamis: {type(error).__name__}: {error} (set TAMIS_DEBUG=1 to see where)", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo(f"stopped: finished shards are kept; go on with: tamis {tamis_argv}", err=True)
        sys.exit(1)
