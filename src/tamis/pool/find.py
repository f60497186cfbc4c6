"""Which files an argument means: a file, the files of a folder, the files of a saved data set."""

import os
from pathlib import Path

from tamis import refusals
from tamis.pool import storage
from tamis.pool.formats import format_of, known_endings
from tamis.pool.huggingface import dataset_files, without_descriptions
from tamis.pool.patterns import matching
from tamis.pool.storage import Found


def find_files(paths: list[str], what: str, notes: list[str]) -> list[Found]:
    """The files of all arguments in order, with their names relative to the argument; what is left out is noted."""
    found = [one for path in paths for one in _files(path, what, notes)]
    for one in found:
        try:
            one.path.encode()
        except UnicodeEncodeError:
            raise refusals.FILE_NAME_NOT_UTF8(repr(os.fsencode(one.path)), what=what) from None
    return found


def _files(path: str, what: str, notes: list[str]) -> list[Found]:
    if storage.is_file(path):
        if format_of(path) is None:
            raise refusals.FILE_UNKNOWN_FORMAT(path, what=what, formats=known_endings())
        return [Found(path, storage.base_name(path))]
    if not storage.is_folder(path):
        if not (found := matching(path)):
            raise refusals.POOL_MISSING(path, what=what, hint="")
        return _readable(path, found, what, notes)
    dataset = dataset_files(path, what)
    if dataset is not None:
        return dataset
    found = storage.below(path)
    if not storage.is_url(path):
        outputs = sorted(entry.name for entry in Path(path).iterdir() if entry.is_dir() and storage.is_output(entry))
        notes += [f"{path} holds {name}, which is an output folder and is left out" for name in outputs]
    return _readable(path, found, what, notes)


def _readable(folder: str, found: list[Found], what: str, notes: list[str]) -> list[Found]:
    """Those files of a folder that hold rows; arrays of NumPy beside tables are taken for their embeddings."""
    named = without_descriptions(found)
    known = [one for one in named if format_of(one.path)]
    tables = [one for one in known if format_of(one.path) != "numpy"]
    for one in known:
        if not storage.is_url(one.path) and not os.path.isfile(one.path):
            said = "a link to nothing" if os.path.islink(one.path) else "no file"
            raise refusals.FILE_IS_LINK_TO_NOTHING(one.path, said=said, what=what)
    if not known:
        raise refusals.POOL_NO_FILES(folder, what=what, formats=known_endings())
    if len(known) < len(named):
        notes.append(f"{len(named) - len(known)} files of {folder} are of other formats and are left out")
    if tables and len(tables) < len(known):
        notes.append(f"{len(known) - len(tables)} files of {folder} are NumPy arrays beside tables and are left out")
    return tables or known
