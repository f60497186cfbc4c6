"""Run studies and write what they found to `docs/evidence/`.

    TAMIS_DATA=… python studies/run.py NAME…

Without names it lists them. Data are prepared once, into `studies/out/data`; a study that was stopped goes on where it
was. `${TAMIS_DATA}` and `${PREPARED}` in a study file are filled in here, and its key `card` is for these scripts
alone; all other keys are those of `tamis bench`.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import cards
import yaml
from common import HERE, OUT, PREPARED, charged, notes_of

from tamis.evidence.facts import machine

HEAD = re.compile(r"^(Question|Hypotheses|Metric|Seeds): ", re.MULTILINE)
BULKY = ("effects", "examples", "traceback")


def head(text: str) -> list[tuple[str, str]]:
    """What the comment at the head of a study file says, by its words `Question`, `Hypotheses`, `Metric`, `Seeds`.

    Examples:
        >>> head("# Question: is it\\n#   so?\\n# Seeds: 0 to 4.\\nname: x\\n")
        [('Question', 'is it so?'), ('Seeds', '0 to 4.')]
    """
    lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    parts = HEAD.split("\n".join(lines))[1:]
    return [(word, " ".join(said.split())) for word, said in zip(parts[::2], parts[1::2], strict=True)]


def filled(value: Any, places: dict[str, str]) -> Any:
    """A study's values with `${NAME}` filled in, at any depth."""
    if isinstance(value, str):
        return Template(value).substitute(places) if "${" in value else value
    if isinstance(value, dict):
        return {key: filled(item, places) for key, item in value.items()}
    return [filled(item, places) for item in value] if isinstance(value, list) else value


def portable(value: Any, places: dict[str, str]) -> Any:
    """The reverse: what names this machine's folders is named as in the study file."""
    if isinstance(value, str):
        for name, place in sorted(places.items(), key=lambda item: -len(item[1])):
            value = value.replace(place, f"${{{name}}}")
        return value
    if isinstance(value, dict):
        return {key: portable(item, places) for key, item in value.items()}
    return [portable(item, places) for item in value] if isinstance(value, list) else value


def prepare(script: str, text: str) -> list[str]:
    """The notes of a preparation, which runs unless it has, for a study with this text."""
    if not notes_of(script).exists():
        subprocess.run([sys.executable, str(HERE / script)], check=True)
    return notes_for(text, json.loads(notes_of(script).read_text(encoding="utf-8")))


def notes_for(text: str, notes: list[str]) -> list[str]:
    """Notes but for those that begin with what another study is of, as `law:`, if this study does not speak of it.

    Examples:
        >>> notes_for("target: shell_docs_target.parquet", ["law: 3 documents.", "shell_docs: 4.", "Of all: 7."])
        ['shell_docs: 4.', 'Of all: 7.']
    """
    subjects = {name.partition("_")[2] for name in names()}
    others = {subject for subject in subjects if subject not in text}
    return [note for note in notes if note.partition(":")[0] not in others]


def kept(evidence: dict[str, Any], study: dict[str, Any], places: dict[str, str]) -> dict[str, Any]:
    """The evidence that is committed, and what the pages need of the study.

    Without examples and tracebacks, and of effects within parts only those within targets, where there are several.
    """
    within = [one for one in evidence.get("effects", []) if one["kind"] == "target"]
    several = {"effects": within} if len({one["name"] for one in within}) > 1 else {}
    return {"study": study, **portable(light(evidence) | several, places)}


def light(value: Any) -> Any:
    """Without bulky parts, at any depth."""
    if isinstance(value, dict):
        return {key: light(item) for key, item in value.items() if key not in BULKY}
    return [light(item) for item in value] if isinstance(value, list) else value


def measure(values: dict[str, Any], output: Path) -> dict[str, Any]:
    """Run `tamis bench` with these keys, to its end or from where it stopped; the evidence that it leaves."""
    OUT.mkdir(parents=True, exist_ok=True)
    file = output.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "tamis", "bench", "--study", str(file), "-o", str(output)])
    if done.returncode:
        sys.exit(done.returncode)
    return dict(json.loads((output / "verdicts.json").read_text(encoding="utf-8")))


def run(name: str) -> None:
    """Prepare, measure, and write the evidence of one study."""
    path = HERE / f"{name}.yaml"
    if not path.exists():
        sys.exit(f"there is no study {name!r}; there are {', '.join(names())}")
    text = path.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    card = values.pop("card")
    about = {
        "name": name,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "head": head(text),
        "prepared": prepare(card["prepare"], text),
        "controls": card.get("controls", {}),
        "directions": card.get("directions"),
        "training": card.get("training"),
        "machine": machine(),
    }
    places = {"TAMIS_DATA": str(Path(os.environ["TAMIS_DATA"]).resolve()), "PREPARED": str(PREPARED)}
    places |= {"STUDIES": str(HERE)}
    values["methods"] = charged(values["methods"], PREPARED / notes_of(card["prepare"]).stem)
    evidence = measure(filled(values, places), OUT / name)
    made = kept(evidence, about, places | {"OUT": str(OUT)})
    (cards.EVIDENCE / f"{name}.json").write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    cards.main()


def names() -> list[str]:
    """All studies."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


if __name__ == "__main__":
    if "TAMIS_DATA" not in os.environ:
        sys.exit("set TAMIS_DATA to the folder of data sets")
    if len(sys.argv) == 1:
        print(*names(), sep="\n")
    for name in sys.argv[1:]:
        run(name)
