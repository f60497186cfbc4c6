"""`tamis why`: whether a row was kept or dropped, by what, and how far it lies from the cut."""

from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from tamis import refusals
from tamis.engine.ids import read_ids
from tamis.errors import TamisError
from tamis.look.cut import Place, places
from tamis.look.find import find_id
from tamis.look.folder import Finished
from tamis.look.nearest import neighbour
from tamis.look.words import excerpt, fields, number, wrapped
from tamis.pool import TYPES


@dataclass
class Near:
    """A kept row near another one: by score (`difference`), or by embedding (`cosine`)."""

    row: int
    id: Any
    rank: int
    score: float | None = None
    difference: float | None = None
    cosine: float | None = None

    def said(self) -> str:
        """For a person."""
        name = f"row {self.row:,}" if self.id is None else f"{self.id!r}"
        if self.cosine is not None:
            return f"{name}, kept with rank {self.rank:,}: cosine {self.cosine:.4f}"
        return f"{name}, kept with rank {self.rank:,}: score {number(self.score)}, {number(self.difference)} away"


@dataclass
class Why:
    """What became of a row. `kept` is None where rows were only scored; `places` has one entry a target."""

    row: int
    id: Any
    file: str | None
    file_row: int | None
    kept: bool | None = None
    rank: int | None = None
    because: str = ""
    places: list[Place] = field(default_factory=list)
    nearest: Near | None = None
    neighbour: Near | None = None
    text: str | None = None
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """For a person."""
        name = f"row {self.row:,}" if self.id is None else f"{self.id!r}"
        rank = f", with rank {self.rank:,}" if self.rank is not None else ""
        what = {True: "was kept", False: "was dropped", None: "was scored"}[self.kept]
        where = f" (row {self.row:,} of the pool; {self.file}, row {self.file_row:,})" if self.file else ""
        found = [("why", self.because)]
        for place in self.places:
            whom = f" for {place.target}" if place.target is not None else ""
            found.append((f"score{whom}", place.said()))
            found += [(f"cut{whom}", place.cut.said())] if place.cut else []
        found += [("by score", f"nearest is {self.nearest.said()}")] if self.nearest else []
        found += [("by content", f"nearest is {self.neighbour.said()}")] if self.neighbour else []
        found += [("text", self.text)] if self.text is not None else []
        found += [("note", said) for said in self.notes]
        return [*wrapped(f"{name} {what}{rank}{where}", "", "  "), *fields(found)]

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


def why_row(folder: str | PathLike[str], pool: Any = None, *, id: Any = None, row: int | None = None) -> Why:
    """What became of the row with this id, or of row number `row`, and why.

    `O(n)` time, in blocks over `scores.parquet`; of the pool only the shard that holds the row is read, and all ids
    where `.tamis` is gone.
    """
    done = Finished(folder, pool)
    if (id is None) == (row is None):
        raise refusals.ROW_OR_ID("why")
    if done.manifest.get("selections"):
        folders = ", ".join(str(done.path / found["folder"]) for found in done.manifest["selections"])
        raise refusals.SEVERAL_SELECTIONS(folder, folders=folders)
    last = int(done.manifest["pool"]["rows"]) - 1
    if row is not None and not 0 <= row <= last:
        raise refusals.ROW_OUTSIDE(f"--row {row}", last=last)
    at = _kept_id(done, id) if row is None else row
    at = find_id(done, id) if at is None else at
    made = Why(at, done.id_of(at), *done.file_of(at))
    _look_at_text(done, made)
    rank = int(done.place(np.array([at]))[0]) if done.is_selection else -1
    if rank >= 0:
        _kept(done, made, rank)
    else:
        _dropped(done, made)
    _look_at_neighbour(done, made)
    return made


def _kept_id(done: Finished, name: Any) -> int | None:
    """The row of a kept id, for which the pool is not needed."""
    if not done.is_selection or done.role("id") is None:
        return None
    ids = done.selection["id"].cast("string").to_pylist()
    return int(done.rows[ids.index(str(name))]) if str(name) in ids else None


def _kept(done: Finished, made: Why, rank: int) -> None:
    line = {name: done.selection[name][rank].as_py() for name in done.selection.column_names}
    made.kept, made.rank, made.file, made.file_row = True, rank, line["file"], line["file_row"]
    reason = line["reason"] or f"kept by {done.manifest['method']['name']}"
    made.because = "--must-keep names it" if reason == "must-keep" else reason
    if line["target"] is not None:
        made.because += f", kept for {line['target']}"
    if line["gain"] is not None:
        made.because += f", gain {number(line['gain'])}"
    made.places = places(done, made.row) if done.file("scores.parquet").is_file() else []


def _dropped(done: Finished, made: Why) -> None:
    made.kept = False if done.is_selection else None
    if not done.file("scores.parquet").is_file():
        made.because = "it was not chosen, and the scores are not here: this is a saved or combined selection"
        return
    if not any((rows == made.row).any() for rows, _ in done.scores(made.row, made.row + 1)):
        made.because = _left_out(done, made)
        return
    made.places = places(done, made.row)
    made.because = _because(done, made)
    made.nearest = _nearest_by_score(done, made) if done.is_selection else None


def _left_out(done: Finished, made: Why) -> str:
    """Why a row was not eligible."""
    pairs = done.duplicates[done.duplicates[:, 0] == made.row]
    if len(pairs):
        other = int(pairs[0, 1])
        name = done.id_of(other)
        rank = int(done.place(np.array([other]))[0]) if done.is_selection else -1
        what = f"kept with rank {rank:,}" if rank >= 0 else "dropped" if done.is_selection else "scored"
        known = f"row {other:,}" if name is None else f"{name!r} (row {other:,})"
        return f"its text is the very text of {known}, which was {what}; duplicates were left out"
    if (cleaned := done.reason_of(made.row)) is not None:
        return _cleaned(done, cleaned)
    request = done.manifest["request"]
    if request.get("exclude") and made.id is not None:
        try:
            if str(made.id) in read_ids(request["exclude"], "--exclude"):
                return "--exclude names it"
        except TamisError:
            made.notes.append("the file of --exclude cannot be read any more")
    if request.get("within") and not done.manifest["rows"].get("without_text"):
        return f"the earlier selection {request['within']} does not keep it"
    if made.text == "":
        return "it has no text"
    causes = [
        words for name, words in (
            ("excluded", "--exclude names it"),
            ("had_already", f"the selection to start from, {request.get('start')}, has it"),
            ("not_in_earlier_selection", f"the earlier selection {request.get('within')} does not keep it"),
            ("without_text", "it has no text"),
        ) if done.manifest["rows"].get(name)
    ]  # fmt: skip
    return " or ".join(causes) or "it is not among the eligible rows"


def _cleaned(done: Finished, found: dict[str, Any]) -> str:
    """Why a row was left out for what its text is."""
    said = str(found["reason"])
    if found["value"] is not None:
        said += f", measured {number(found['value'])}"
    if found["kept_row"] is not None:
        name = None if found["within"] else done.id_of(found["kept_row"])
        own = f"row {found['kept_row']:,}" + (f" of {found['within']}" if found["within"] else "")
        named = own if name is None else f"{name!r} ({own})"
        said += f": {named}" if found["within"] else f"; {named} is kept in its place"
    return said


def _because(done: Finished, made: Why) -> str:
    """Why an eligible row was not kept."""
    method = done.manifest["method"]
    name = str(method["name"])
    if not done.is_selection:
        return f"{name} scored it, and nothing was to be chosen"
    budget = done.manifest["budget"]
    amount = f"a budget of {budget['limit']:,.12g} {budget['unit']}"
    if method.get("kind") == "SetFunction":
        return f"given the rows taken before, others were worth more to {name} at every step of {amount}"
    if not made.places:
        return f"{name} makes an order, and took others for {amount}"
    known = [place for place in made.places if place.place is not None]
    if not known:
        return f"{method['choose']} admits no such score"
    if not any(place.cut for place in known):
        return f"the limits used {amount} up before the order of {name} was served"
    if all(place.cut is None or place.cut.places < 0 for place in known):
        return f"it comes too late in the order of {name} for {amount}"
    floor = method["parameters"].get("min_tokens")
    if floor:
        return f"its place is before the cut, and {name} does not admit it: it has fewer tokens than min_tokens={floor}"
    if budget["unit"] != "rows":
        return f"its place is before the cut, and what it costs did not fit into what was left of {amount}"
    return "its place is before the cut, and the limits kept it out"


def _nearest_by_score(done: Finished, made: Why) -> Near | None:
    """The kept row whose score is nearest, for the target of the row's best place."""
    known = [place for place in made.places if place.place is not None] or made.places
    if not known:
        return None
    best = min(known, key=lambda place: place.place or 0)
    scores = done.selection["score"].to_numpy()
    if best.target is not None:
        own = np.array([target == best.target for target in done.selection["target"].to_pylist()])
        scores = np.where(own, scores, np.nan)
    away = np.abs(scores - best.score)
    if not len(away) or np.isnan(away).all():
        return None
    rank = int(np.nanargmin(away))
    return _near(done, rank, score=float(scores[rank]), difference=float(away[rank]))


def _near(done: Finished, rank: int, **found: float) -> Near:
    return Near(int(done.rows[rank]), done.selection["id"][rank].as_py(), rank, **found)


def _look_at_text(done: Finished, made: Why) -> None:
    """The beginning of the row's text, where the pool is still there."""
    column = done.role("text")
    if column is None:
        return
    try:
        found = done.located.values(np.array([made.row]), {column: TYPES["text"]})[column][0].as_py()
        made.text = excerpt(found or "")
        if not done.is_unchanged:
            made.notes.append("the pool's files have changed since: the text is of the row that is there now")
    except (TamisError, KeyError, OSError) as error:
        made.notes.append(f"its text cannot be shown ({error})")


def _look_at_neighbour(done: Finished, made: Why) -> None:
    """The kept row that is most like it, where there is an embedding."""
    if not done.is_selection:
        return
    try:
        found = neighbour(done, made.row)
    except (TamisError, OSError) as error:
        made.notes.append(f"its vector cannot be read ({error})")
        return
    if found is not None:
        made.neighbour = _near(done, found[0], cosine=found[1])
