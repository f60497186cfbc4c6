"""Cases: recipes, and words on the command line."""

from .running import command, select


def recipe(kind, text, named):
    """A case of a recipe that is this text."""
    return command(kind, "run recipe.yaml", 2, ["recipe.yaml", *named], files={"recipe.yaml": text})


WHOLE = "pool: pool.jsonl\nmethod: random\nbudget: 3\noutput: out\n"

CASES = {
    "unknown key": recipe("key-unknown", WHOLE.replace("budget", "bugdet"), ["'bugdet'", "'budget'"]),
    "recipe without a budget": recipe("incomplete", WHOLE.replace("budget: 3\n", ""), ["budget is missing", "5000"]),
    "recipe without a method": recipe("incomplete", WHOLE.replace("method: random\n", ""), ["method"]),
    "recipe without an output": recipe("incomplete", WHOLE.replace("output: out\n", ""), ["output"]),
    "budget that is a mapping": recipe("value-unusable", WHOLE.replace("3", "{a: 3}"), ["budget", "how much to keep"]),
    "seed that is a word": recipe("value-unusable", WHOLE + "seed: soon\n", ["seed", "'soon'"]),
    "use without a column": recipe("value-unusable", WHOLE + "use: score\n", ["use", "'score'"]),
    "recipe that is a list": recipe("recipe-not-a-mapping", "- pool\n- method\n", ["mapping"]),
    "recipe that is no YAML": recipe("recipe-unreadable", "pool: [a, b\nmethod: random\n", ["YAML", "line 2"]),
    "recipe not UTF-8": recipe("recipe-unreadable", b"pool: \xff\n", []),
    "recipe with code": recipe(
        "recipe-unreadable", "pool: !!python/object/apply:os.system ['touch owned']\n", ["YAML"]
    ),
    "no recipe": command("path-unusable", "run nowhere.yaml", 2, ["nowhere.yaml", "check the path"]),
    "no recipe named": command("incomplete", "run", 2, ["RECIPE is missing", "YAML"]),
    "steps that are no list": recipe("steps-not-a-list", WHOLE + "steps: 3\n", ["list"]),
    "step with two budgets": recipe(
        "budget-several", WHOLE + "steps:\n- budget: 3,4\n- budget: 2\n", ["step 1", "'3,4'", "one budget"]
    ),
    "step that says within": recipe(
        "step-key-of-one", WHOLE + "steps:\n- budget: 3\n- within: out\n", ["step 2", "'within'", "first"]
    ),
    "step with a pool": recipe("step-key", WHOLE + "steps:\n- pool: other.jsonl\n", ["step 1", "'pool'", "above"]),
    # the command line
    "no budget": command(
        "incomplete", "select pool.jsonl --method random -o out", 2, ["--budget is missing", "10%", "'2M tokens'"]
    ),
    "no output": command("incomplete", "select pool.jsonl --method random --budget 3", 2, ["--output", "folder"]),
    "no pool": command("incomplete", "select --method random --budget 3 -o out", 2, ["POOL", "files or folders"]),
    "no method": command("incomplete", "select pool.jsonl --budget 3 -o out", 2, ["--method", "top:COLUMN"]),
    "unknown command": command("command-unknown", "selct pool.jsonl", 2, ["'selct'", "'select'"]),
    "unknown flag": select("flag-unknown", "--bugdet 3", 2, ["--bugdet", "--budget"]),
    "flag without a value": select("flag-unusable", "--seed", 2, ["--seed", "tamis select --help"]),
    "seed negative": select("flag-unusable", "--seed -1", 2, ["--seed", "at least 0"]),
    "seed is a word": select("flag-unusable", "--seed x", 2, ["--seed", "'x'", "whole number"]),
    "duplicates is neither": select("flag-unusable", "--duplicates both", 2, ["--duplicates", "'both'", "'keep'"]),
    "set without a value": select("pair-unreadable", "--set low", 2, ["--set 'low'", "NAME=VALUE"]),
    "unknown method to list": command("name-unknown", "methods randon", 2, ["'randon'", "'random'"]),
    "two methods to list": command("flag-unusable", "methods top random", 2, ["random", "tamis methods --help"]),
}
