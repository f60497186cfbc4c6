"""Study files are whole and stay as they were, runs leave what pages need, and preparations are what they say."""

import hashlib
import json
import math

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tamis import registry
from tamis.evidence.study import make_study

from .studied import ROOT, STUDIES, script, two_studies, without_studies

NAMES = sorted(path.stem for path in STUDIES.glob("*.yaml"))
RUN = sorted(path.stem for path in (ROOT / "docs/evidence").glob("*.json"))

pytestmark = without_studies


@pytest.mark.parametrize("name", NAMES)
def test_study_files_are_whole(name):
    run = script("run")
    text = (STUDIES / f"{name}.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    assert [word for word, _ in run.head(text)] == ["Question", "Hypotheses", "Metric", "Seeds"]
    card = values.pop("card")
    assert (STUDIES / card["prepare"]).is_file()
    for asked in values["methods"]:
        if isinstance(asked, dict) and "charge" in asked:
            asked["charge"] = 1.0  # a name until the preparation has measured it
    study = make_study(run.filled(values, {"TAMIS_DATA": "/data", "PREPARED": "/made", "STUDIES": str(STUDIES)}))
    called = {asked["name"] for asked in study.methods}
    assert set(card.get("controls", {})) <= called and set((card.get("directions") or {}).values()) <= called
    dear = study.model == "transformer" or name == "small_causal"  # a model for each seed, or one that takes long
    assert study.seeds >= (3 if dear else 5) and study.name and study.claim
    assert len(study.budgets) >= 3 or dear or study.budgets == ["100%"]  # what leaves out visits by itself
    assert not card.get("directions") or len(study.budgets) >= 4


@pytest.mark.parametrize("name", RUN)
def test_studies_that_ran_are_as_they_were(name):
    evidence = json.loads((ROOT / f"docs/evidence/{name}.json").read_text(encoding="utf-8"))
    assert evidence["study"]["name"] == name
    text = (STUDIES / f"{name}.yaml").read_bytes()
    assert evidence["study"]["sha256"] == hashlib.sha256(text).hexdigest(), "the study has changed since it ran"


def test_pages_are_current():
    cards = script("cards")
    found = cards.studies()
    index = (cards.EVIDENCE / "index.md").read_text(encoding="utf-8")
    for name, text in cards.all_pages(found, index).items():
        assert (cards.EVIDENCE / name).read_text(encoding="utf-8") == text, f"{name}: python studies/cards.py"
    assert registry.CARDS.read_text(encoding="utf-8") == cards.package_text(found), "python studies/cards.py"


def test_no_page_names_a_folder_of_the_machine_it_ran_on():
    for path in (ROOT / "docs/evidence").iterdir():
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text and "studies/out/data/" not in text, path.name


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Folders of a run of its own; the bench finds what a sample has."""
    cards, common, run = script("cards"), script("common"), script("run")
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence/index.md").write_text("<!-- studies: x -->\nold\n<!-- end -->\n")
    monkeypatch.setattr(cards, "ROOT", tmp_path)
    monkeypatch.setattr(cards, "EVIDENCE", tmp_path / "evidence")
    monkeypatch.setattr(cards, "PACKAGED", tmp_path / "cards.json")
    monkeypatch.setattr(common, "PREPARED", tmp_path / "out/data")
    monkeypatch.setattr(run, "PREPARED", tmp_path / "out/data")
    monkeypatch.setattr(run, "OUT", tmp_path / "out")
    monkeypatch.setenv("TAMIS_DATA", str(tmp_path / "data"))
    asked, targets = [], ["law"]

    def measure(values, output):
        asked.append(values)
        shares = [{"kind": "class", "name": "a", "method": 0.9, "random": 0.5}]
        share = {"method": "top:quality", "budget": "1%", "shared_with_random": 0.1, "shares": shares}
        failed = [{"method": "x", "budget": "1%", "seed": 0, "error": "E", "traceback": "long"}]
        evidence = two_studies()[0]
        of_class = {"kind": "class", "name": "cat"}
        of_target = {"kind": "target", "method": "top:quality", "budget": evidence["budgets"][0]["asked"]}
        of_target |= {"low": 0.2, "high": 0.4}
        effects = [of_class, *({**of_target, "name": name, "mean": 1.6, "difference": 0.3} for name in targets)]
        evidence |= {"effects": effects, "kept": [{**share, "examples": ["much"]}], "failed": failed}
        del evidence["study"]
        return evidence | {"command": f"tamis bench {values['pool']} -o {output}"}

    monkeypatch.setattr(run, "measure", measure)
    return tmp_path, asked, targets


def test_a_run_leaves_evidence_and_pages(desk):
    folder, asked, targets = desk
    (folder / "out/data").mkdir(parents=True)
    (folder / "out/data/fashion_noisy_score.json").write_text('["Prepared before.", "law: many."]')
    script("run").run("fashion_noisy_score")
    assert asked[0]["pool"] == f"{folder}/out/data/fashion_noisy_score/pool.parquet" and "card" not in asked[0]
    evidence = json.loads((folder / "evidence/fashion_noisy_score.json").read_text())
    assert (
        evidence["command"] == "tamis bench ${PREPARED}/fashion_noisy_score/pool.parquet -o ${OUT}/fashion_noisy_score"
    )
    assert "examples" not in evidence["kept"][0] and "effects" not in evidence
    assert "traceback" not in evidence["failed"][0]
    assert evidence["study"]["prepared"] == ["Prepared before."]
    page = (folder / "evidence/fashion_noisy_score.md").read_text()
    assert "Prepared before." in page and "class a: 90% (random 50%)" in page
    assert "[fashion_noisy_score](fashion_noisy_score.md)" in (folder / "evidence/index.md").read_text()
    assert json.loads((folder / "cards.json").read_text())["top"]["status"].startswith("better in 2 of 2")
    targets.append("shells")
    script("run").run("fashion_noisy_score")
    evidence = json.loads((folder / "evidence/fashion_noisy_score.json").read_text())
    assert [one["name"] for one in evidence["effects"]] == ["law", "shells"]
    page = (folder / "evidence/fashion_noisy_score.md").read_text()
    assert "Of `shells` alone" in page and "| `top:quality` | 1.60: +0.30 (0.20 to 0.40) | – |" in page
    with pytest.raises(SystemExit, match="there is no study 'fashion'"):
        script("run").run("fashion")


def test_places_are_filled_in_and_named_again():
    run = script("run")
    places = {"TAMIS_DATA": "/deep/data", "PREPARED": "/deep/data/made"}
    values = {"pool": ["${TAMIS_DATA}/x", "${PREPARED}/y"], "seeds": 5, "set": {"a": "cost $5"}}
    there = run.filled(values, places)
    assert there["pool"] == ["/deep/data/x", "/deep/data/made/y"] and there["set"] == {"a": "cost $5"}
    assert run.portable(there, places) == values
    with pytest.raises(KeyError):
        run.filled("${ELSEWHERE}", places)


def test_flipped_labels_and_the_score_that_knows_them():
    pytest.importorskip("sklearn")
    fashion = script("prepare_fashion_noisy_score")
    rng = np.random.default_rng(0)
    right = rng.integers(0, 10, 20_000)
    given_labels = fashion.flip(right, rng)
    wrong = given_labels != right
    assert wrong.mean() == pytest.approx(0.2, abs=0.01)
    shift = (given_labels - right)[wrong] % 10
    assert np.bincount(shift, minlength=10)[1:].min() > 0.8 * wrong.sum() / 9
    from scipy.stats import norm

    score = ~wrong + rng.standard_normal(len(right)) / (math.sqrt(2) * norm.ppf(0.8))
    assert fashion.auroc(score, ~wrong) == pytest.approx(0.8, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=12))
def test_auroc_counts_pairs(rows):
    score, positive = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    pairs = [(a > b) + (a == b) / 2 for a in score[positive] for b in score[~positive]]
    if pairs:
        assert script("prepare_fashion_noisy_score").auroc(score, positive) == pytest.approx(np.mean(pairs))


def test_words_become_indicators_of_what_the_training_part_has():
    pytest.importorskip("sklearn")
    adult = script("prepare_adult_income")
    train = pa.table({"f0": [1.0, 2.0], "f1": ["a", "b"], "f10": [0.0, math.e - 1], "y": ["<=50K", ">50K"]})
    test = pa.table({"f0": [3.0], "f1": ["c"], "f10": [0.0], "y": ["<=50K"]})
    assert adult.encode(train, train).tolist() == [[1, 1, 0, 0], [2, 0, 1, 1]]
    assert adult.encode(test, train).tolist() == [[3, 0, 0, 0]]


def test_other_domains_are_drawn_alike():
    prepare = script("prepare_domain_text")
    domains = np.repeat(["a", "b", "c"], [10, 200, 30])
    rows = prepare.others(domains, "a", np.random.default_rng(0))
    names, counts = np.unique(domains[rows], return_counts=True)
    assert names.tolist() == ["b", "c"] and counts.tolist() == [prepare.OTHERS, 30] and len(set(rows)) == len(rows)
