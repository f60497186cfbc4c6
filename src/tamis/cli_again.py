"""Commands that start from a selection that is there: apply it, cut it to another budget, combine it with others."""

from pathlib import Path

import click

FOLDER = click.Path(exists=True, file_okay=False)


@click.command()
@click.argument("selection", type=FOLDER)
@click.argument("pool", nargs=-1, required=True)
@click.option("--output", "-o", required=True, help="the file to write, in the pool's format")
def apply(selection: str, pool: tuple[str, ...], output: str) -> None:
    """Write the rows that a SELECTION keeps.

    SELECTION is an output folder; the rows of POOL are untouched and in its order.
    """
    from tamis.selection import Selection

    chosen = Selection.load(selection)
    chosen.apply(list(pool), output)
    click.echo(f"{len(chosen):,} rows in {output}", err=True)


@click.command()
@click.argument("selection", type=FOLDER)
@click.option("--budget", required=True, help="how much to keep now: 5000, 10%, '2M tokens', '30 COLUMN'")
@click.option("--output", "-o", required=True, help="folder to write")
@click.option("--force", is_flag=True, help="replace another selection in the output folder")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object on standard output")
def recut(selection: str, budget: str, output: str, force: bool, as_json: bool) -> None:
    """Cut a SELECTION to another budget.

    It is the one that a new run would make; what was measured is not measured again.

    \b
    tamis recut out --budget 1% -o out-1
    """
    from tamis.engine.again import recut
    from tamis.engine.console import Console
    from tamis.engine.words import tell_result

    tell_result(recut(selection, budget, output, force, Console()), Path(output), as_json)


@click.command()
@click.argument("how", type=click.Choice(["union", "intersection", "difference"]))
@click.argument("selections", nargs=-1, required=True, type=FOLDER)
@click.option("--output", "-o", required=True, help="a new or empty folder to write")
def combine(how: str, selections: tuple[str, ...], output: str) -> None:
    """Unite, intersect or subtract SELECTIONS.

    They must be of one pool: rows of any, of all, or of the first and no other.

    \b
    tamis combine union out-a out-b -o both
    """
    from functools import reduce
    from operator import and_, or_, sub

    from tamis.selection import Selection

    combined = reduce({"union": or_, "intersection": and_, "difference": sub}[how], map(Selection.load, selections))
    combined.save(output)
    click.echo(f"{len(combined):,} rows in {output}; tamis apply {output} POOL -o FILE writes them", err=True)


COMMANDS = (apply, recut, combine)
