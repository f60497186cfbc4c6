"""`tamis verify`: whether an output folder is what was chosen, and its pool what it was chosen from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.errors import TamisError
from tamis.look import check_output, check_pool
from tamis.look.folder import Finished
from tamis.look.words import wrapped


@dataclass
class Verified:
    """What was checked, in order, and the first difference, at which checking ended; true where there is none.

    `kind` is the name of the difference in the catalogue of `tamis.refusals`.
    """

    folder: str
    checked: list[str] = field(default_factory=list)
    difference: str | None = None
    kind: str | None = None

    def __bool__(self) -> bool:
        return self.difference is None

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """For a person."""
        found = [line for said in self.checked for line in wrapped(said, "  ok  ", "      ")]
        if self.difference is not None:
            return [*found, *wrapped(self.difference, "  !!  ", "      ")]
        return [f"{self.folder} is as it was written, and its pool as it was read:", *found]

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "folder": self.folder,
            "verified": bool(self),
            "checked": self.checked,
            "difference": self.difference,
            "kind": self.kind,
        }


def verify_folder(folder: str | PathLike[str], pool: Any = None, *, full: bool = False) -> Verified:
    """Check an output folder against itself and its pool up to the first difference.

    Args:
        folder: an output folder of `tamis select` or `tamis score`.
        pool: its pool, where that is no longer at the paths of the manifest.
        full: read files again even if their stamps are those of the files that were read; pools of up to 64 MB
            always are.
    """
    if not Path(folder).is_dir():
        raise refusals.SELECTION_MISSING(folder, name="manifest.json", path=folder)
    found = Verified(str(folder))
    try:
        done = Finished(folder, pool)
        found.checked.append("manifest.json is there, so that the folder is finished")
        if names := [one["folder"] for one in done.manifest.get("selections", ())]:
            for name in names:
                found.checked.extend(f"{name}: {said}" for said in _checks(Finished(done.path / name, pool)))
        else:
            found.checked.extend(_checks(done))
        found.checked.append(check_pool.check_contents(done, full))
    except TamisError as error:
        found.difference, found.kind = str(error), error.kind
    return found


def _checks(done: Finished) -> Iterator[str]:
    """What is checked of one selection."""
    for check in (*check_output.CHECKS, *check_pool.CHECKS):
        if said := check(done):
            yield said
