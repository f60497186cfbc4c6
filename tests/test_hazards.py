"""What could silently go wrong: equal files, changed inputs, crashes between requests, other pools, other cores."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis import Broken, Refused, Selection, select
from tamis.engine.folder import Folder


def write(path, n, first=0, ids=True):
    texts = [f"text number {i} of many words {i * 7}" for i in range(first, first + n)]
    columns = {"text": texts, "x": [float(i) for i in range(first, first + n)]}
    pq.write_table(pa.table({"id": list(range(first, first + n))} | columns if ids else columns), path)
    return path


def test_the_same_file_twice_gives_the_rows_that_were_chosen(tmp_path):
    path = write(tmp_path / "p.parquet", 40, ids=False)
    chosen = select([path, path], "random", budget=30, duplicates="keep", output=tmp_path / "out")
    both = pa.concat_tables([pq.read_table(path)] * 2)
    assert pq.read_table(tmp_path / "out" / "subset.parquet").equals(both.take(pa.array(np.sort(chosen.rows))))


def test_parts_of_another_request_are_not_used(tmp_path, monkeypatch):
    a, b = write(tmp_path / "a.parquet", 30), write(tmp_path / "b.parquet", 30, first=100)
    out = tmp_path / "out"
    monkeypatch.setattr("tamis.engine.select.commit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        select([a, b], "random", budget=10, output=out)
    monkeypatch.undo()
    chosen = select([b, a], "random", budget=10, output=out, force=True)
    assert set(pq.read_table(out / "subset.parquet")["id"].to_pylist()) == set(chosen.ids)


@pytest.mark.parametrize("what", ["target", "exclude", "method"])
def test_an_input_that_changed_is_noticed(tmp_path, what):
    pool, out = write(tmp_path / "pool.parquet", 30), tmp_path / "out"
    target = write(tmp_path / "target.parquet", 5, first=50)
    (tmp_path / "ids").write_text("1\n2\n")
    own = tmp_path / "own.py"
    own.write_text("from tamis.vocabulary import Score\ndef f(score) -> Score:\n    return score\n")
    asked = {"exclude": f"@{tmp_path / 'ids'}", "target": target, "score": "x", "output": out}
    first = select(pool, f"{own}:f", budget=3, **asked)
    assert first.ids == [29, 28, 27]
    if what == "target":
        write(target, 6, first=60)
    elif what == "exclude":
        (tmp_path / "ids").write_text("29\n")
    else:
        own.write_text(own.read_text().replace("return score", "return -score"))
    with pytest.raises(Refused, match=r"changed; add --force"):
        select(pool, f"{own}:f", budget=3, **asked)
    wanted = {"target": [29, 28, 27], "exclude": [28, 27, 26], "method": [0, 3, 4]}
    assert select(pool, f"{own}:f", budget=3, force=True, **asked).ids == wanted[what]


def test_scores_forced_over_a_selection_leave_nothing_of_it(tmp_path):
    pool, out = write(tmp_path / "pool.parquet", 30), tmp_path / "out"
    select(pool, "top:x", budget=3, output=out)
    command = [sys.executable, "-m", "tamis", "score", pool, "--method", "bottom:x", "-o", out, "--force"]
    assert subprocess.run(command).returncode == 0
    assert sorted(path.name for path in out.iterdir()) == [
        ".tamis",
        "duplicates.parquet",
        "manifest.json",
        "scores.parquet",
    ]
    with pytest.raises(Refused, match="holds no finished selection"):
        Selection.load(out)


def test_a_second_run_leaves_the_folder_of_the_first_alone(tmp_path):
    pool, out = write(tmp_path / "pool.parquet", 30), tmp_path / "out"
    first, second = Folder(out), Folder(out)
    asked = {"request": {"a": 1}, "inputs": {}}
    with first.locked(asked, force=False):
        (first.state / "part").write_text("work")
        with pytest.raises(Refused, match="another tamis"), second.locked(asked, force=False):
            pass
        assert (first.state / "part").exists()
    assert pool.exists()


def test_a_refused_run_leaves_the_users_own_empty_folder(tmp_path):
    pool, out = write(tmp_path / "pool.parquet", 30), tmp_path / "out"
    out.mkdir()
    with pytest.raises(Refused):
        select(pool, "top:x", budget=3, exclude="77", output=out)
    assert out.is_dir() and not any(out.iterdir())


def test_a_selection_is_not_applied_to_other_rows(tmp_path):
    pool = write(tmp_path / "pool.parquet", 30)
    chosen = select(pool, "top:x", budget=3)
    table = pq.read_table(pool)
    assert chosen.apply(table)["id"].to_pylist() == [27, 28, 29]
    with pytest.raises(Refused, match="other ids"):
        chosen.apply(table.take(pa.array(range(29, -1, -1))))


def test_the_same_bytes_for_any_number_of_cores(tmp_path):
    pool, target = write(tmp_path / "pool.parquet", 300), write(tmp_path / "target.parquet", 40, first=900)
    made = []
    for threads in ("1", "2"):
        out = tmp_path / threads
        code = (
            f"import tamis; tamis.select({str(pool)!r}, 'dsir', target={str(target)!r}, budget=20, output={str(out)!r})"
        )
        subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"OPENBLAS_NUM_THREADS": threads})
        made.append([(out / name).read_bytes() for name in ("scores.parquet", "selection.parquet", "subset.parquet")])
    assert made[0] == made[1]


def test_a_module_in_the_current_folder_does_no_harm(tmp_path):
    for name, first in (("a.parquet", 0), ("b.parquet", 90_000)):
        pq.write_table(pq.read_table(write(tmp_path / "p", 90_000, first)), tmp_path / name, compression="none")
    (tmp_path / "queue.py").write_text("raise RuntimeError('not me')")
    command = [Path(sys.executable).with_name("tamis"), "select", "a.parquet", "b.parquet", "--method", "top:x"]
    command += ["--budget", "2", "--workers", "2", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Selection.load(tmp_path / "out").ids == [179_999, 179_998]


def test_workers_that_cannot_start_say_so(tmp_path, monkeypatch):
    pool = write(tmp_path / "pool.parquet", 30), write(tmp_path / "more.parquet", 30, first=50)
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this numpy')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("tamis.engine.launch.WORTH_BYTES", 0)
    with pytest.raises(Broken, match=r"workers cannot start .*not this numpy"):
        select(list(pool), "top:x", budget=3, workers=2)


def test_limits_without_end_are_valid_json(tmp_path):
    pool = write(tmp_path / "pool.parquet", 30)
    chosen = select(pool, "threshold", score="x", low=5.0, budget=3, output=tmp_path / "out")
    assert chosen.ids == [29, 28, 27]
    strict = json.JSONDecoder(parse_constant=lambda name: pytest.fail(name))
    assert strict.decode((tmp_path / "out" / "manifest.json").read_text())["method"]["parameters"]["high"] == "inf"


def test_runs_in_threads_do_not_disturb_each_other(tmp_path):
    pool = write(tmp_path / "pool.parquet", 200)
    found = {}

    def choose(seed):
        found[seed] = select(pool, "random", budget=20, seed=seed).ids

    threads = [threading.Thread(target=choose, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[seed] == select(pool, "random", budget=20, seed=seed).ids for seed in range(4))


def test_a_guessed_role_can_be_refused(tmp_path):
    path = tmp_path / "pool.parquet"
    pq.write_table(pa.table({"id": [1, 1, None], "text": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]}), path)
    with pytest.raises(Refused, match="--id none"):
        select(path, "top:x", budget=2)
    assert select(path, "top:x", budget=2, id="none").rows.tolist() == [2, 0]
    assert select(path, "top:x", budget=2, id="none", text="none").rows.tolist() == [2, 1]
