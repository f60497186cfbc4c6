"""Folders that `save_to_disk` wrote: the files they list, in their order, and nothing else."""

import json

import pytest

import tamis
from tamis.errors import Refused
from tamis.pool import open_pool

datasets = pytest.importorskip("datasets")
LABELS = datasets.ClassLabel(names=["no", "yes"])
FEATURES = datasets.Features({"id": datasets.Value("string"), "x": datasets.Value("int64"), "label": LABELS})
DATASET = datasets.Dataset.from_dict(
    {"id": [f"r{row}" for row in range(30)], "x": [7 * row % 30 for row in range(30)], "label": [0, 1] * 15}, FEATURES
)


@pytest.fixture
def saved(tmp_path):
    DATASET.save_to_disk(tmp_path / "saved", num_shards=3)
    return tmp_path / "saved"


def test_files_come_in_the_order_that_the_folder_says(saved):
    state = json.loads((saved / "state.json").read_text())
    names = [file["filename"] for file in state["_data_files"]][::-1]
    (saved / "state.json").write_text(json.dumps(state | {"_data_files": [{"filename": name} for name in names]}))
    (saved / "data-99999-of-00003.arrow").write_bytes(b"left over")
    (saved / "more.json").write_text("{}")
    pool = open_pool(saved)
    assert [file.name for file in pool.files] == names and pool.notes == []


def test_a_subset_is_a_dataset_with_its_features(saved, tmp_path):
    chosen = tamis.select(saved, "top:x", budget=10, output=tmp_path / "out")
    subset = datasets.Dataset.from_file(str(tmp_path / "out" / "subset.arrow"))
    assert subset.features == FEATURES
    assert sorted(subset["id"]) == sorted(chosen.ids) and sorted(subset["x"]) == list(range(20, 30))
    assert datasets.Dataset(chosen.apply(saved)).features == FEATURES


@pytest.mark.parametrize("changed", [DATASET.shuffle(seed=2), DATASET.filter(lambda row: row["x"] > 9)])
def test_chosen_rows_are_saved_as_they_are_in_memory(tmp_path, changed):
    changed.save_to_disk(tmp_path / "changed")
    folder, memory = (tamis.select(source, "top:x", budget=5) for source in (tmp_path / "changed", changed))
    assert folder.ids == memory.ids and folder.rows.tolist() == memory.rows.tolist()


def test_one_split_is_taken_and_of_several_none(tmp_path):
    datasets.DatasetDict(train=DATASET).save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=DATASET, test=DATASET).save_to_disk(tmp_path / "two")
    assert open_pool(tmp_path / "one").rows == open_pool(tmp_path / "two" / "test").rows == 30
    with pytest.raises(Refused, match=r"two: .*several splits \(train, test\); name one, as in .*two/train$"):
        open_pool(tmp_path / "two")


def test_descriptions_are_no_rows_of_a_folder_above(saved):
    (saved / "state.json").rename(saved / "dataset_dict.txt")
    (saved.parent / "a.parquet").write_bytes(b"")
    (saved.parent / "a.parquet").unlink()
    assert [file.name for file in open_pool(saved.parent).files] == [
        f"saved/data-0000{part}-of-00003.arrow" for part in range(3)
    ]
    (saved.parent / "state.json").write_text('{"x": 1}\n')
    with pytest.raises(Refused, match=r"state\.json"):
        open_pool(saved.parent)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("[]", r"state\.json: it does not describe a saved data set \(it is no object\)"),
        ("{", r"state\.json: it does not describe a saved data set"),
        ("{}", r"state\.json: .*does not list the data files"),
        ('{"_data_files": [{"filename": 3}]}', "does not list the data files"),
        ('{"_data_files": ["a"]}', "does not list the data files"),
        ('{"_data_files": [{"filename": "gone.arrow"}]}', r"gone\.arrow: there is no file of the pool here"),
        ('{"_data_files": [], "_indices_data_files": [{"filename": "i.arrow"}]}', r"flatten_indices\(\)"),
    ],
)
def test_a_folder_that_is_not_as_it_was_saved(saved, state, said):
    (saved / "state.json").write_text(state)
    with pytest.raises(Refused, match=said):
        open_pool(saved)


def test_an_empty_dataset(saved):
    (saved / "state.json").write_text('{"_data_files": []}')
    with pytest.raises(Refused, match="saved: the pool is empty"):
        open_pool(saved)
