"""The commands that look: into a pool, and into what was chosen. Nothing but click is imported before one runs."""

import json
import sys
from typing import Any

import click

ROLES = ("text", "id", "label", "group", "cost", "score", "weight", "image")
as_json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON object on standard output")
output_folder = click.argument("folder", metavar="OUT", type=click.Path(exists=True, file_okay=False))


def roles_options(command: Any) -> Any:
    """The role flags of `tamis select`."""
    for role in reversed(ROLES):
        command = click.option(f"--{role}", help=f"column of the {role}, or none")(command)
    return command


def show(result: Any, as_json: bool) -> None:
    """Print a result: for a person, or as one JSON object."""
    click.echo(json.dumps(result.to_json(), allow_nan=False) if as_json else str(result))


@click.command()
@output_folder
@click.argument("pool", nargs=-1)
@click.option("--full", is_flag=True, help="read every file again, also where its stamp is unchanged")
@as_json_option
def verify(folder: str, pool: tuple[str, ...], full: bool, as_json: bool) -> None:
    """Check an output folder against itself and its POOL; exit 1 and one sentence at the first difference.

    The pool is where it was when rows were chosen, unless POOL says otherwise.
    """
    from tamis.errors import Broken
    from tamis.look import verify as verify_folder

    found = verify_folder(folder, list(pool) or None, full=full)
    if as_json or found:
        show(found, as_json)
    if not found:
        if as_json:
            sys.exit(1)
        raise Broken(str(found.difference), str(found.kind))


@click.command()
@output_folder
@click.argument("pool", nargs=-1)
@click.option("--id", "name", help="the id of the row")
@click.option("--row", type=click.IntRange(min=0), help="the number of the row, counted over all files of the pool")
@as_json_option
def why(folder: str, pool: tuple[str, ...], name: str | None, row: int | None, as_json: bool) -> None:
    """Say why a row was kept or dropped, and how far it lies from the cut.

    The pool is where it was when rows were chosen, unless POOL says otherwise.
    """
    from tamis.look import why as why_row

    show(why_row(folder, list(pool) or None, id=name, row=row), as_json)


@click.command()
@click.argument("a", metavar="A", type=click.Path(exists=True))
@click.argument("b", metavar="B", type=click.Path(exists=True))
@as_json_option
def compare(a: str, b: str, as_json: bool) -> None:
    """Say what two selections share: A and B are output folders, or selections in .parquet."""
    from tamis.look import compare as compare_selections

    show(compare_selections(a, b), as_json)


@click.command()
@click.argument("pool", nargs=-1, required=True)
@roles_options
@click.option("--template", help="the text of an example, made of its columns, as in '{question}\\n{answer}'")
@as_json_option
def inspect(pool: tuple[str, ...], as_json: bool, **roles: str | None) -> None:
    """Say what POOL holds: columns, roles, lengths, scripts, duplicates, and what looks suspicious."""
    from tamis.engine.console import Console
    from tamis.look.inspection import inspect_pool

    show(inspect_pool(list(pool), roles, Console().progress), as_json)


COMMANDS = (inspect, why, compare, verify)
