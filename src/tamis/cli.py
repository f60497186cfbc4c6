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
from tamis import cli_again, cli_bench, cli_measure, refusals
from tamis.cli_look import COMMANDS
from tamis.engine.launch import one_thread_a_step, reserve_little
from tamis.errors import TamisError
from tamis.usage import missing, refuse_unquoted, usage_refusal

ROLES = ("text", "id", "label", "group", "cost", "score", "weight", "image")


class Group(click.Group):
    """Turns every error into one sentence and an exit code: 2 refused while planning, 1 broke or refused later."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command, or name the nearest one."""
        from tamis.registry import nearest

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near, known = nearest(args[0], self.commands), ", ".join(self.commands)
            raise refusals.COMMAND_UNKNOWN(name=args[0], near=near, known=known)
        running["command"] = args[0] if args else ""
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


reading = options(
    *(click.option(f"--{role}", role, help=f"column of the {role}, or none") for role in ROLES),
    click.option("--template", help="the text of an example, made of its columns, as in '{question}\\n{answer}'"),
    click.option("--duplicates", type=click.Choice(["drop", "keep"]), default="drop", show_default=True,
                 help="exact duplicates of the text"),
    click.option("--tokenizer", type=click.Path(exists=True, dir_okay=False), help="a tokenizer.json to count tokens"),
    click.option("--workers", type=click.IntRange(min=1), help="processes [default: number of cores]"),
)  # fmt: skip
cleaning = options(
    click.option("--rules", multiple=True, metavar="NAME[:RULE=NUMBER,…]",
                 help="drop texts that fail published rules: gopher-quality, gopher-repetition, c4, fineweb-quality"),
    click.option("--near-duplicates", metavar="0.8", help="drop texts as similar as this to an earlier one"),
    click.option("--against", multiple=True, metavar="CORPUS", help="drop texts that an earlier corpus holds"),
    click.option("--test-set", multiple=True, metavar="[NAME=]FILE", help="look for the items of a test set"),
    click.option("--test-text", multiple=True, help="their text: a column, or a template '{question}\\n{answer}'"),
    click.option("--test-score", metavar="COLUMN", help="of the test sets, how well a model does on each item"),
    click.option("--drop-contaminated", metavar="0.5|13",
                 help="drop rows whose longest run of test text is this share of its item, or so many tokens"),
)  # fmt: skip
representing = options(
    click.option("--represent", metavar="NAME|FOLDER|FILE", help="what makes vectors: of texts latent-semantics, "
                 "hashed-words, a model's folder or gradients:FOLDER,…; of images small-image or MODEL.onnx"),
    click.option("--context", type=click.IntRange(min=2), help="tokens of a text that a model reads"),
    click.option("--pooling", type=click.Choice(["weighted-mean", "mean", "last"]),
                 help="how a causal model's hidden states become one vector [default: weighted-mean]"),
    click.option("--trust-pickle", is_flag=True, help="load models whose weights are pickles, which can run code"),
)  # fmt: skip
asking = options(
    click.argument("pool", nargs=-1, required=True),
    click.option("--method", required=True, help="a method's name, top:COLUMN, bottom:COLUMN or file.py:function"),
    click.option("--target", multiple=True, help="a sample of what you want; may repeat: equal shares"),
    click.option("--target-text", help="text column of the targets"),
    reading,
    click.option("--embedding", help="vectors: a column of lists, columns such as 'f*', or FILE.npy"),
    representing,
    click.option("--use", multiple=True, metavar="WORD=SOURCE", help="what fills a need: a column or FILE.npy"),
    click.option("--set", "set_", multiple=True, metavar="NAME=VALUE", help="a parameter of the method"),
    click.option("--choose", help="replace the method's way to choose: top, weighted-draw, …"),
    cleaning,
    click.option("--memory", metavar="2GB", help="what a method may use to see all rows at once [default: 8GB]"),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
)  # fmt: skip
limiting = options(
    click.option("--within", metavar="SELECTION", help="choose only among the rows that this selection keeps"),
    click.option("--start", metavar="SELECTION", help="rows that one has already: they shape gains, not the budget"),
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
@click.option("--budget", required=True, help="how much to keep: 5000, 10%, '2M tokens', '30 COLUMN'; several: 1%,5%")
@click.option("--subset/--no-subset", default=True, help="write the kept rows in the pool's format")
@click.option("--examples/--no-examples", default=True, help="show texts in the report")
@writing
def select(dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Choose a subset of POOL and say why.

    POOL is files, folders or URLs of Parquet, Arrow, CSV, TSV, JSON Lines, JSON arrays or NumPy arrays.

    \b
    tamis select pool/ --method dsir --target wanted.jsonl --budget 10% -o out
    tamis select pool.parquet --method top:quality --budget 5000 -o out
    """
    _select(request_values(flags), dry_run, as_json)


@cli.command()
@click.argument("pool", nargs=-1, required=True)
@cleaning
@click.option("--embedding", help="vectors of near copies: a column of lists, columns such as 'f*', or FILE.npy")
@representing
@reading
@click.option("--within", metavar="SELECTION", help="look only at the rows that this selection keeps")
@click.option("--must-keep", metavar="IDS", help="ids to keep whatever their texts are: a comma list, or @file")
@click.option("--exclude", metavar="IDS", help="ids to leave out, same grammar")
@click.option("--subset/--no-subset", default=True, help="write the kept rows in the pool's format")
@click.option("--examples/--no-examples", default=True, help="show texts in the report")
@writing
def clean(dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Drop rows of POOL for what their texts are, and say of each why.

    Exact duplicates are dropped as well. Writes a selection of all that is left, and dropped.parquet.

    \b
    tamis clean pool/ --rules gopher-quality --near-duplicates 0.8 -o clean
    tamis clean pool/ --test-set gsm8k=test.parquet --drop-contaminated 0.5 -o clean
    """
    _select(request_values(flags) | {"method": "all", "budget": "100%"}, dry_run, as_json, verb="clean")


@cli.command()
@click.argument("kind", type=click.Choice(["vectors", "losses"]))
@click.argument("pool", nargs=-1, required=True)
@representing
@click.option("--model", multiple=True, metavar="FOLDER", help="of losses: causal models [default: n-grams]")
@reading
@click.option("--within", metavar="SELECTION", help="measure only the rows that this selection keeps")
@writing
def measure(kind: str, model: tuple[str, ...], dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Measure vectors or losses of the texts of POOL, to be named by --embedding or --use.

    \b
    tamis measure vectors pool/ --represent models/encoder -o vectors
    tamis measure losses pool/ --model models/prior -o losses
    """
    cli_measure.measure(kind, model, request_values(flags), dry_run, as_json)


@cli.command()
@asking
@writing
def score(dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Score every row of POOL, and keep none.

    Writes scores.parquet.
    """
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
    """Run a RECIPE of YAML or TOML.

    Its keys are the flags of `tamis select`; `steps` may hold several requests, each among the rows of the one before.
    """
    if schema:
        from tamis.engine.schema import recipe_schema

        click.echo(json.dumps(recipe_schema(), indent=1))
        return
    if recipe is None:
        raise missing("run", click.get_current_context().command.params[0])
    from tamis.engine.recipes import read_recipe

    values = read_recipe(Path(recipe)) | {name: value for name, value in flags.items() if value}
    _select(values, dry_run, as_json, where=recipe)


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


for command in (*COMMANDS, *cli_again.COMMANDS, *cli_bench.COMMANDS):
    cli.add_command(command)


def request_values(flags: dict[str, Any]) -> dict[str, Any]:
    """Flags as the values of a request."""
    from tamis.engine.request import LISTS, SHARES

    values = {name.rstrip("_"): value for name, value in flags.items() if value is not None}
    for name in (*LISTS, *SHARES):
        if name in values:
            values[name] = list(values[name])
    for name in ("use", "set"):
        values[name] = dict(pair(f"--{name}", item) for item in values.get(name, ()))
    return values


def pair(flag: str, text: str) -> tuple[str, str]:
    """`name=value` as a pair."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise refusals.PAIR_UNREADABLE(f"{flag} {text!r}")
    return name.strip(), value.strip()


def _select(values: dict[str, Any], dry_run: bool, as_json: bool, verb: str = "select", where: str = "") -> None:
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
    from tamis.engine.request import request_help
    from tamis.engine.steps import check_folders, make_plans, make_requests, run_steps
    from tamis.engine.words import describe_plan, tell_result

    requests = make_requests(values, where or verb)
    last = requests[-1]
    for name in ("budget",) * (verb == "select") + ("output",) * (not dry_run):
        if getattr(last, name) is None:
            meaning = request_help(name)
            raise refusals.INCOMPLETE(where or verb, name=name if where else f"--{name}", meaning=meaning)
    if not where:
        refuse_unquoted(last.budget, last.pool)
    plans = make_plans(requests)
    for plan in plans:
        plan.verb = verb
        if verb == "score" and not plan.has_scores:
            raise refusals.METHOD_WITHOUT_SCORES(plan.method.name)
        if verb == "clean" and not plan.cleaning:
            raise refusals.NOTHING_TO_CLEAN(verb)
    if len(plans) == 1:
        _ = plans[0].within  # an earlier selection is opened before anything is done
    if dry_run:
        told = [describe_plan(plan) for plan in plans]
        values = told[0][1] if len(told) == 1 else {"steps": [found for _, found in told]}
        click.echo(json.dumps(values, indent=1) if as_json else "\n".join(text for text, _ in told))
        return
    check_folders(plans)
    manifest = run_steps(plans, Console(), launched)
    tell_result(manifest, Path(str(last.output)), as_json)


running = {"command": ""}


def tell(error: Exception) -> None:
    """Say with one line on standard error why nothing comes of it."""
    click.echo(f"tamis: {error}", err=True)


def main() -> None:
    """Entry point: exit 0 done, 2 refused while planning, 1 broke or refused while running."""
    tamis_argv = shlex.join(sys.argv[1:])
    one_thread_a_step()
    reserve_little()
    try:
        cli.main(prog_name="tamis", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped: finished shards are kept, the same command goes on", err=True)
        sys.exit(1)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        tell(usage_refusal(error, running["command"]))
        sys.exit(2)
    except TamisError as error:
        tell(error)
        sys.exit(1 if error.under_way else 2)
    except BrokenPipeError:
        sys.exit(1)
    except MemoryError:
        tell(refusals.OUT_OF_MEMORY())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("TAMIS_DEBUG"):
            raise
        tell(refusals.UNEXPECTED(said=f"{type(error).__name__}: {error}"))
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo(f"stopped: finished shards are kept; go on with: tamis {tamis_argv}", err=True)
        sys.exit(1)
