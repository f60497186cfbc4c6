"""The output folder: whose it is, what state it is in, and the lock on it."""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.engine.parts import written_whole
from tamis.errors import Refused

STATE, NEW, REPLACED = ".tamis", "new", "replaced.json"
BY_CONTENT = {"within"}  # known by its rows, wherever it lies
WORTH_KEEPING = 8 << 20
Asked = dict[str, dict[str, Any]]
"""The `request` with its defaults, and stamps of the `inputs` that it names by path."""


class Folder:
    """An output folder. `.tamis` in it holds the request, the lock, and the parts of finished shards.

    The folders of several steps share the `parts` of one; those of several budgets share all its `state`.
    """

    def __init__(self, path: Path, state: Path | None = None, parts: Path | None = None) -> None:
        self.path = path
        self.state = (state or path / STATE).absolute()  # Arrow takes a relative path with a colon for a URL
        self.parts = parts or self.state
        self.is_new = not self.state.exists()

    @property
    def place(self) -> str:
        """How a refusal names it."""
        return f"-o {self.path}"

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest of a finished run."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
            return found if {"request", "inputs"} <= set(found) else None
        return None

    def check(self, asked: Asked, force: bool) -> bool:
        """Whether this very request is finished here; refuses the folder of another request, or of someone else."""
        if self.path.exists() and not self.path.is_dir():
            raise refusals.OUTPUT_IS_FILE(self.place)
        if self.is_new:
            if self.path.is_dir() and any(self.path.iterdir()):
                raise refusals.OUTPUT_OF_OTHERS(self.place)
            return False
        manifest = self.manifest
        if manifest and manifest["inputs"] == asked["inputs"] and _same(manifest["request"], asked["request"]):
            return True
        if force:
            return False
        request, known = asked["request"], manifest["request"] if manifest else self._begun()
        for name in request:
            if known and name not in BY_CONTENT and request[name] != known.get(name):
                old, new = known.get(name), request[name]
                raise refusals.OUTPUT_OF_ANOTHER_REQUEST(self.place, name=name, old=old, new=new)
        if manifest:
            inputs, before = asked["inputs"], manifest["inputs"]
            changed = [name for name in {**before, **inputs} if inputs.get(name) != before.get(name)]
            raise refusals.OUTPUT_OF_CHANGED_FILES(self.place, names=" and ".join(changed))
        return False

    def check_request(self, request: dict[str, Any], force: bool) -> bool:
        """As `check`, without looking at the files that the request names."""
        manifest = self.manifest
        return self.check({"request": request, "inputs": manifest["inputs"] if manifest else {}}, force)

    def take_back(self, existed: bool) -> None:
        """Remove what a refused run made, but for finished work of a large pool or of earlier steps."""
        if self._has_work() or any(self.path.glob(f"step-*/{STATE}")):
            (self.state / "request.json").unlink(missing_ok=True)
        else:
            self._remove(existed)

    def _begun(self) -> dict[str, Any] | None:
        try:
            return json.loads((self.state / "request.json").read_text())  # type: ignore[no-any-return]
        except (OSError, ValueError):
            return None

    @contextmanager
    def locked(self, asked: Asked, force: bool) -> Iterator[bool]:
        """Hold the folder for this request; gives whether it is finished already, perhaps meanwhile by another tamis.

        Temporary files, also of a run that was killed, are removed.
        """
        existed = self.path.is_dir()
        self.state.mkdir(parents=True, exist_ok=True)
        self.parts.mkdir(parents=True, exist_ok=True)
        with _alone(self.state / "lock", self.place):
            self.is_new = not (self.state / "request.json").exists()
            finished = not self.is_new and self.check(asked, force)
            if not finished:
                with written_whole(self.state / "request.json") as temporary:
                    temporary.write_text(json.dumps(asked["request"], indent=1))
                self.sweep()
            try:
                yield finished
            except Refused:
                self.sweep()
                if self.is_new:
                    self.take_back(existed)
                raise
            finally:
                if self.state.is_dir():
                    self.sweep()

    def _has_work(self) -> bool:
        """Whether finished shards of a large pool lie here, which are worth keeping when a request is refused."""
        sizes = [path.stat().st_size for path in self.state.rglob("*") if path.is_file()]
        return sum(sizes) > WORTH_KEEPING

    def _remove(self, existed: bool) -> None:
        """Take back what this run made."""
        shutil.rmtree(self.state, ignore_errors=True)
        if not existed:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    def sweep(self) -> None:
        """Remove what killed runs left behind."""
        for path in [*self.state.rglob("tmp-*"), *self.parts.rglob("tmp-*")]:
            path.unlink(missing_ok=True)
        for name in ("work", NEW):
            shutil.rmtree(self.state / name, ignore_errors=True)

    def begin_selections(self) -> None:
        """Count as unfinished from now on, but remember the sub-folders that an earlier request made."""
        names = self._selections()
        with written_whole(self.state / REPLACED) as temporary:
            temporary.write_text(json.dumps(names))
        (self.path / "manifest.json").unlink(missing_ok=True)

    def _selections(self) -> list[str]:
        """Sub-folders of a finished request, and of one that was being replaced."""
        found = {Path(one["folder"]).name for one in (self.manifest or {}).get("selections", [])}
        with contextlib.suppress(OSError, ValueError):
            found |= {Path(name).name for name in json.loads((self.state / REPLACED).read_text())}
        return sorted(found)

    def forget_selections(self, kept: list[str]) -> None:
        """Remove the sub-folders that an earlier request made of several budgets, but those `kept`."""
        if self.state.parent != self.path.absolute():  # one of several budgets itself
            return
        for name in set(self._selections()) - set(kept):
            shutil.rmtree(self.path / name, ignore_errors=True)
        (self.state / REPLACED).unlink(missing_ok=True)

    def keep_only(self, steps: set[str]) -> None:
        """Remove parts that belong to none of these steps, and states that were merged from them."""
        for path in self.parts.iterdir():
            if path.is_dir() and path.name not in steps:
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith("state-"):
                path.unlink()


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two requests ask for the same, wherever the earlier selection lies."""
    return {**one, **dict.fromkeys(BY_CONTENT)} == {**other, **dict.fromkeys(BY_CONTENT)}


@contextmanager
def _alone(path: Path, place: str) -> Iterator[None]:
    """Hold a lock that ends with this process; refuses the folder at `place` where another process holds it."""
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusals.OUTPUT_IN_USE(place) from None
        yield


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold an output folder for all steps of a recipe; takes a new one back if a refusal leaves nothing in it."""
    existed = folder.exists()
    state = (folder / STATE).absolute()
    state.mkdir(parents=True, exist_ok=True)
    with _alone(state / "steps.lock", f"-o {folder}"):
        try:
            yield
        except Refused:
            if not existed and not any(folder.glob("*/manifest.json")):
                shutil.rmtree(folder, ignore_errors=True)
            raise
