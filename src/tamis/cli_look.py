"""The commands that look: into a pool, and into what was chosen. Nothing but click is imported before one runs."""

import json
import sys
from typing import Any

import click

ROLES = ("text", "id", "label", "group", "cost", "score", "weight")
as_json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON object on standard output")
output_folder = click.argument("folder", metavar="OUT", type=click.Path(exists=True, file_okay=False))


def show(result: Any, as_json: bool) -> None:
    """Print a result: for a person, or as one JSON object."""
    click.echo(json.dumps(result.to_json(), allow_nan=False) if as_json else "\n".join(result.lines()))


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


COMMANDS = (verify,)
