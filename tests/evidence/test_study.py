"""Studies: from flags, files and Python to one object, and what is refused of them."""

import pytest

from tamis.errors import Refused
from tamis.evidence.command import said_command
from tamis.evidence.study import Study, asked_budgets, asked_methods, make_study, request_of

GIVEN = {"pool": "p.csv", "task": "classify", "methods": "top:q,random", "budgets": "1%,50"}


def test_flags_and_python_make_the_same_study():
    words = make_study(GIVEN)
    values = make_study({"pool": ["p.csv"], "task": "classify", "methods": ["top:q", "random"], "budgets": [0.01, 50]})
    assert words == values
    assert words.budgets == ["1%", "50"] and [one["name"] for one in words.methods] == ["top:q", "random"]


def test_only_what_decides_the_cells_is_the_identity():
    one = make_study(GIVEN | {"output": "a", "workers": 1, "name": "x", "force": True})
    assert one.identity() == make_study(GIVEN).identity()
    assert make_study(GIVEN | {"seeds": 6}).identity() != make_study(GIVEN).identity()


@pytest.mark.parametrize(
    ("change", "kind", "named"),
    [
        ({"seeds": 1}, "study-seeds", ["1", "at least 2"]),
        ({"sedes": 3}, "key-unknown", ["'sedes'", "'seeds'"]),
        ({"methods": []}, "study-methods", ["random,top:quality"]),
        ({"methods": [{"name": "x"}]}, "study-methods", ["method"]),
        ({"methods": "top:q,top:q"}, "study-method-twice", ["'top:q'"]),
        ({"methods": [{"method": "dsir", "budget": 3}]}, "key-unknown", ["'budget'", "dsir"]),
        ({"budgets": "1%,1.0%"}, "budget-not-an-amount", []),
        ({"budgets": "5,5"}, "budget-twice", ["'5'"]),
        ({"seeds": "many"}, "value-unusable", ["seeds", "many"]),
        ({"task": None}, "incomplete", ["task"]),
    ],
)
def test_what_cannot_be_a_study_is_refused(change, kind, named):
    if change == {"budgets": "1%,1.0%"}:
        assert asked_budgets("1%,1.0%") == ["1%", "1.0%"]  # different words for one budget are two folders elsewhere
        return
    with pytest.raises(Refused) as told:
        make_study(GIVEN | change, "study.yaml")
    assert told.value.kind == kind and all(word in str(told.value) for word in named)


def test_a_parameter_belongs_to_the_task_or_to_a_method():
    study = make_study(GIVEN | {"methods": ["dsir", "file.py:f"], "set": {"C": "2", "dsir.hash": "sha256"}})
    assert study.parameters() == ({"C": "2"}, {"dsir": {"hash": "sha256"}})
    with pytest.raises(Refused, match="no method of the study is called 'dsri'"):
        make_study(GIVEN | {"methods": ["dsir"], "set": {"dsri.hash": "sha256"}}).parameters()


def test_a_method_of_a_study_takes_the_roles_of_the_study_and_options_of_its_own():
    study = make_study(GIVEN | {"label": "y", "methods": [{"method": "weighted-draw", "score": "q", "name": "w"}]})
    request = request_of(study, study.methods[0], ["p.csv"], {"temperature": "0.5"})
    assert (request.label, request.score, request.set) == ("y", "q", {"temperature": "0.5"})


def test_the_command_of_a_study_makes_it_again():
    study = make_study(
        GIVEN | {"label": "y", "set": {"C": 3}, "full": False, "timed": True, "metric": "a,b", "seeds": 7}
    )
    assert said_command(study) == (
        "tamis bench p.csv --task classify --methods top:q,random --budgets 1%,50 --seeds 7 --metric a,b --set C=3 "
        "--timed --no-full --label y -o out"
    )


def test_a_study_with_options_of_one_method_has_no_command():
    assert said_command(make_study(GIVEN | {"methods": [{"method": "top", "score": "q"}]})) == ""


def test_every_key_of_a_study_has_a_meaning():
    assert all(field.description for field in Study.model_fields.values())


def test_methods_are_called_by_their_own_names():
    assert asked_methods([{"method": "dsir", "name": "a"}, "dsir"], "x")[0]["name"] == "a"
