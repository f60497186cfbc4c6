"""Texts made by a template: equal to f-strings, the same of every kind of pool, and the same rows selected."""

import json
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tamis
from tamis.errors import Refused
from tamis.pool import from_json, open_pool
from tamis.pool.made_text import derive_text, template_for, template_of
from tamis.pool.shapes import find_shape

DATA = Path(os.environ.get("TAMIS_DATA") or "/nowhere") / "instruct"
WORDS = {"human": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatbot": "assistant"}
KNOWN = ("user", "assistant", "system", "tool")


def slow_role(role):
    word = role.strip().lower()
    return WORDS.get(word, word if word in KNOWN else role)


def slow_turns(turns, role=None):
    """What `{messages}`, or `{messages.role}`, gives of one row."""
    if turns is None:
        return None
    lines = []
    for turn in turns:
        said, content = (turn or {}).get("role") or "", (turn or {}).get("content")
        if content and role in (None, slow_role(said)):
            lines.append(f"{slow_role(said)}: {content}" if said and role is None else content)
    return "\n".join(lines)


def slow_lines(*lines):
    """Lines of (words with {}, values): those whose values are all null or empty are left out."""
    values = [value for _, found in lines for value in found]
    if all(value is None for value in values):
        return None
    if not any(values):
        return ""
    return "\n".join(words.format(*(v or "" for v in found)) for words, found in lines if any(found) or not found)


def texts(pool, template=None):
    """The text of every row."""
    if template is None:
        made, note = template_for(pool, None)
        assert "--template" in note
    else:
        made = template_of(pool, template, "the pool")
    column = derive_text(pool, made).column
    again = from_json(json.loads(json.dumps(pool.to_json()))) if pool.format != "arrow" else pool
    return [
        text for shard in again.shards for batch in again.read(shard, {column: None}) for text in batch[0].to_pylist()
    ]


def twins(folder, rows, schema=None):
    """The same rows as a table, as files, as JSON in columns of text, and as a data frame."""
    table = pa.Table.from_pylist(rows, schema)
    quoted = [
        {name: json.dumps(v) if isinstance(v, list | dict) else v for name, v in row.items()}
        for row in table.to_pylist()
    ]
    pq.write_table(table, folder / "p.parquet", row_group_size=3)
    pq.write_table(pa.Table.from_pylist(quoted), folder / "quoted.parquet")
    lines = [json.dumps(row, ensure_ascii=number % 2 == 0) for number, row in enumerate(table.to_pylist())]
    (folder / "p.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    with pa.ipc.new_file(folder / "p.arrow", table.schema) as file:
        file.write_table(table)
    return {
        "table": table,
        "large": table.cast(pa.schema([(f.name, large(f.type)) for f in table.schema])),
        "slices": pa.concat_tables([table.slice(0, 1), table.slice(1)]),
        "parquet": folder / "p.parquet",
        "quoted": folder / "quoted.parquet",
        "jsonl": folder / "p.jsonl",
        "arrow": folder / "p.arrow",
        "pandas": pd.DataFrame({name: pd.Series(table[name].to_pylist(), dtype=object) for name in table.column_names}),
    }


def large(kind):
    """A type with offsets of 64 bits."""
    if pa.types.is_list(kind):
        return pa.large_list(large(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(kind.field(i).name, large(kind.field(i).type)) for i in range(kind.num_fields)])
    return pa.large_string() if pa.types.is_string(kind) else kind


TEXT = st.none() | st.just("") | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ROLE = st.none() | st.sampled_from(["user", "USER ", "human", "gpt", "Assistant", "system", "bot", "critic", ""])
TURN = st.none() | st.fixed_dictionaries({"role": ROLE, "content": TEXT})
ROW = st.fixed_dictionaries(
    {
        "messages": st.none() | st.lists(TURN, max_size=4),
        "title": TEXT,
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
    }
)
TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMA = pa.schema([("messages", TURNS), ("title", pa.string()), ("n", pa.int64())])
ASSISTANT = "T: {title}{{}}\\n-\\n{messages.assistant} {n}\n{messages.Human}"
SEEN = {"messages": [{"role": "user", "content": "hi"}], "title": "t", "n": 1}


@given(st.lists(ROW, min_size=1, max_size=12))
@example([{"messages": [], "title": None, "n": None}, {"messages": None, "title": None, "n": None}])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_equal_to_f_strings(tmp_path, rows):
    rows = [SEEN, *rows]  # so that the first line of JSON says what the columns are
    said = {None: [slow_turns(row["messages"]) for row in rows]}
    said["{messages}"] = said[None]
    said[ASSISTANT] = [
        slow_lines(
            ("T: {}{{}}", [row["title"]]),
            ("-", []),
            ("{} {}", [slow_turns(row["messages"], "assistant"), None if row["n"] is None else str(row["n"])]),
            ("{}", [slow_turns(row["messages"], "user")]),
        )
        for row in rows
    ]
    for name, source in twins(tmp_path, rows, SCHEMA).items():
        for template, expected in said.items():
            assert texts(open_pool(source), template) == expected, (name, template)


PARTS = [
    [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}],
    [{"role": "assistant", "content": [{"type": "text", "text": ""}]}, {"role": "user", "content": []}],
    [{"role": "user", "content": None}],
]


def test_contents_of_parts(tmp_path):
    for name, source in twins(tmp_path, [{"messages": row} for row in PARTS]).items():
        assert texts(open_pool(source)) == ['user: a\n{"type":"image"}\nb', "", ""], name


CALL = {"id": "x", "function": {"name": "add", "arguments": '{"a": 1}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "a.png"}}
MORE = [
    [{"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "content": "1"}],
    [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "sub", "arguments": None}}]}],
    [{"role": "assistant", "content": "a", "reasoning_content": "b", "function_call": {"name": "f"}}],
    [{"role": "assistant", "content": "a", "reasoning_content": "", "tool_calls": []}, {"role": "x"}],
]
MORE_TEXTS = [
    'assistant: [tool_calls] [{"function":{"arguments":"{\\"a\\": 1}","name":"add"}}]\ntool: 1',
    'assistant: [tool_calls] [{"function":{"name":"sub"}}]',
    'assistant: [reasoning_content] b\na\n[function_call] {"name":"f"}',
    "assistant: a",
]


def test_what_is_thought_called_and_shown_is_in_the_text(tmp_path):
    for name, source in twins(tmp_path, [{"messages": row} for row in MORE]).items():
        assert texts(open_pool(source)) == MORE_TEXTS, name
    for at, parts in enumerate(([{"type": "text", "text": "a"}, IMAGE, None], [IMAGE])):
        (folder := tmp_path / str(at)).mkdir()
        for name, source in twins(folder, [{"messages": [{"role": "user", "content": parts}]}]).items():
            image = '{"image_url":{"url":"a.png"},"type":"image_url"}'
            assert texts(open_pool(source)) == ["user: " + "a\n" * (at == 0) + image], name


def test_what_only_json_can_hold(tmp_path, write):
    """Parts beside strings, whole numbers as speakers, extra fields, no content, half a character, plain lines."""
    rows = [
        [
            {"role": "user", "content": "a", "weight": 1},
            {"role": "user", "content": [{"type": "text", "text": "b"}, "c"]},
        ],
        [{"speaker": 1, "text": "a"}, {"from": "gpt", "value": "b"}, {"role": "assistant", "tool_calls": [{}]}],
        [{"role": "user", "content": "\ud83d!"}, {"role": "x", "content": "\ud83d\ude00"}],
        ["plain", None, "lines"],
    ]
    pool = open_pool(write(tmp_path / "p.jsonl", [{"messages": row} for row in rows]))
    assert texts(pool) == [
        "user: a\nuser: b\nc",
        "1: a\nassistant: b\nassistant: [tool_calls] [{}]",
        "user: \ufffd!\nx: \U0001f600",
        "plain\nlines",
    ]


OBJECTS = [
    {"meta": {"title": "A", "of": {"n": 1, "x": 2.0, "ok": True}}, "text": "a"},
    {"meta": {"title": None, "of": {"n": None, "x": 1e20, "ok": False}}, "text": None},
    {"meta": {"title": "C", "of": None}, "text": "c"},
    {"meta": None, "text": ""},
]


def test_fields_of_objects(tmp_path):
    for name, source in twins(tmp_path, OBJECTS).items():
        if name != "quoted":
            made = texts(open_pool(source), "{meta.title}: {text}\\n{meta.of.n} {meta.of.x} {meta.of.ok}")
            assert made == ["A: a\n1 2 true", " 1e+20 false", "C: c", ""], name


SHAPES = {
    "messages": ({"messages": [{"role": "user", "content": "q"}]}, "user: q"),
    "conversations": (
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        "user: q\nassistant: a",
    ),
    "dialogue": ({"dialog": ["q", "a"], "id": "x"}, "q\na"),
    "instruction": ({"instruction": "i", "input": "", "output": "o"}, "i\no"),
    "with context": ({"instruction": "i", "context": "c", "response": "o", "category": "x"}, "i\nc\no"),
    "without input": ({"Instruction": "i", "Response": "o"}, "i\no"),
    "prompt": ({"prompt": "p", "completion": "c", "task": "t"}, "p\nc"),
    "prompt of turns": (
        {"prompt": [{"role": "user", "content": "p"}], "completion": [{"role": "assistant", "content": "c"}]},
        "user: p\nassistant: c",
    ),
    "question": ({"question": "q", "answer": "a", "level": "l"}, "q\na"),
    "question of a number": ({"question": "q", "answer": 4.5, "other": "x"}, "q\n4.5"),
    "preference": ({"prompt": "p", "chosen": "c", "rejected": "r"}, "p\nc"),
    "preference alone": ({"chosen": "c", "rejected": "r"}, "c"),
    "preference that repeats": ({"prompt": "p", "chosen": "p c", "rejected": "p r"}, "p c"),
    "preference of turns": (
        {
            "prompt": "p",
            "chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}],
            "rejected": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "r"}],
        },
        "user: p\nassistant: c",
    ),
    "preference with a system": (
        {
            "prompt": "p",
            "chosen": [{"role": "System", "content": "s"}, {"role": "assistant", "content": "c"}],
            "rejected": [{"role": "system", "content": "s"}, {"role": "assistant", "content": "r"}],
        },
        "system: s\nassistant: c",
    ),
    "prompt that is JSON": ({"prompt": '["p"]', "completion": '{"c": 1}'}, '["p"]\n{"c": 1}'),
    "preference of answers": (
        {"prompt": "p", "chosen": [{"role": "bot", "content": "c"}], "rejected": [{"role": "bot", "content": "r"}]},
        "p\nassistant: c",
    ),
    "messages before a language": ({"messages": [{"role": "user", "content": "q"}], "language": "en"}, "user: q"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_known_shapes(tmp_path, name):
    row, expected = SHAPES[name]
    for twin, source in twins(tmp_path, [row, row]).items():
        if twin != "quoted" or name != "dialogue":
            assert texts(open_pool(source)) == [expected, expected], twin


NO_SHAPES = {
    "numbers": {"messages": [1, 2]},
    "other objects": {"messages": [{"a": 1}]},
    "a transcript": {"conversation": "a: hello"},
    "a question alone": {"question": "q", "level": "x"},
    "chosen alone": {"chosen": "c", "prompt": "p"},
    "a count": {"messages": 3},
    "truth": {"chosen": True, "rejected": False},
}


@pytest.mark.parametrize("name", NO_SHAPES)
def test_other_shapes_are_not_taken(tmp_path, name):
    for twin, source in twins(tmp_path, [NO_SHAPES[name]]).items():
        assert find_shape(open_pool(source)) is None, twin


def test_columns_of_other_roles_are_not_taken():
    table = pa.table({"question": ["q", "r"], "answer": ["a", "b"]})
    assert find_shape(open_pool(table), {"answer"}) is None
    assert tamis.select(table, "random", budget=1, label="answer").manifest["roles"].get("text") is None
    assert tamis.select(table, "random", budget=1).manifest["roles"]["text"] == {
        "column": "{question}\\n{answer}", "how": "template"
    }  # fmt: skip


def test_a_column_called_text_wins():
    table = pa.table({"text": ["t"], "instruction": ["i"], "output": ["o"]})
    roles = tamis.select(table, "random", budget=1).manifest["roles"]
    assert roles["text"] == {"column": "text", "how": "guessed"}
    roles = tamis.select(table, "random", budget=1, template="instruction").manifest["roles"]
    assert roles["text"] == {"column": "{instruction}\\n{output}", "how": "template"}
    assert tamis.select(table, "random", budget=1, template="auto").manifest["roles"]["text"]["column"] == "text"
    assert "text" not in tamis.select(table, "random", budget=1, text="none").manifest["roles"]


def test_a_column_that_is_read_as_something_else_too():
    table = pa.table({"n": [10**15, 1], "ok": [True, None]})
    pool = open_pool(table)
    column = derive_text(pool, template_of(pool, "{n} {ok}", "the pool")).column
    (batch,) = pool.read(pool.shards[0], {"n": pa.float64(), column: None})
    assert batch[0].to_pylist() == [1e15, 1.0] and batch[1].to_pylist() == ["1000000000000000 true", "1 "]


def test_wrong_rows_are_named(tmp_path, write):
    rows = [{"messages": [{"role": "user", "content": "x" * 900}]}] * 3000 + [{"messages": [{"role": "user"}, "a", 3]}]
    pool = open_pool(write(tmp_path / "p.jsonl", rows))
    with pytest.raises(Refused, match=r"p.jsonl, line 3001: .*turn 3 is a number.*write turns as in"):
        texts(pool)


def chats(count):
    """Conversations, some about cooking; one is there twice, one says nothing, one is null."""
    cook, code = "boil the soup slowly with salt", "compile the module then run tests"
    rows = [
        [
            {"role": "user", "content": f"number {row}: how to {cook if row % 3 == 0 else code}?"},
            {"role": "assistant", "content": f"first {cook if row % 3 == 0 else code}, then wait {row} minutes"},
        ]
        for row in range(count)
    ]
    return [*rows, rows[0], [], None]


def shaped(shape):
    """Rows of a pool and a target of one shape."""
    found = []
    for turns in chats(30):
        user, assistant = [turn["content"] for turn in turns] if turns else (turns if turns is None else "",) * 2
        found.append(
            {
                "messages": {"messages": turns},
                "conversations": {
                    "conversations": turns and [{"from": turn["role"], "value": turn["content"]} for turn in turns]
                },
                "instruction": {"instruction": user, "input": "", "output": assistant},
                "prompt": {"prompt": user, "completion": assistant},
                "question": {"question": user, "answer": assistant},
                "preference": {"prompt": user, "chosen": assistant, "rejected": "no"},
            }[shape]
        )
    return found, [row for number, row in enumerate(found[:30]) if number % 3 == 0][:5]


@pytest.mark.parametrize("shape", ["messages", "conversations", "instruction", "prompt", "question", "preference"])
def test_the_same_selection_from_files_and_memory(folder, run, write, shape):
    rows, wanted = shaped(shape)
    write("t.jsonl", wanted)
    found = {}
    for name, source in twins(folder, rows).items():
        if isinstance(source, Path):
            told = run("select", source, "--method", "dsir", "--target", "t.jsonl", "--budget", 9, "-o", name)
            assert told.code == 0 and "--template" in told.err, told.err
            found[name] = tamis.Selection.load(name)
        else:
            found[name] = tamis.select(source, "dsir", target="t.jsonl", budget=9)
    expected = found["table"]
    assert sum(row % 3 == 0 for row in expected.rows) >= 7
    assert expected.manifest["rows"]["duplicates"] == 1 and expected.manifest["rows"]["without_text"] == 2
    for name, chosen in found.items():
        assert chosen.rows.tolist() == expected.rows.tolist(), name
        assert chosen.scores.tolist() == expected.scores.tolist(), name


def test_another_template_is_another_selection(folder, run, write):
    """The same folder with `--force` does not take over what was read for another template."""
    rows = [{"instruction": f"{row:010}", "output": "x" * row} for row in range(1, 9)]
    write("p.jsonl", rows)
    ask = ["select", "p.jsonl", "--method", "random", "--budget", "30 chars", "-o", "out", "--force", "--template"]
    for template, column in (("{instruction}", "{instruction}"), ("{output}\n{output}", "{output}\\n{output}")):
        told = run(*ask, template)
        assert told.code == 0, told.err
        chosen = tamis.Selection.load("out")
        assert chosen.manifest["roles"]["text"] == {"column": column, "how": "template"}
        lengths = [len(template.format(**rows[row])) for row in chosen.rows]
        assert chosen.manifest["budget"]["spent"] == sum(lengths) <= 30
        assert (
            chosen.manifest["command"].count("--template") == 1 and chosen.manifest["request"]["template"] == template
        )


def test_targets_use_the_template_where_they_can(folder, run, write):
    rows = [{"instruction": f"row {row}", "output": "soup" if row % 2 else "code"} for row in range(20)]
    write("p.jsonl", rows)
    write("same.jsonl", [{"output": "code", "more": "x", "other": "y"}] * 2)
    write("other.parquet", pa.table({"prompt": ["make"], "completion": ["code"]}))
    ask = ["select", "p.jsonl", "--method", "dsir", "--template", "{output}", "--budget", 2, "--duplicates", "keep"]
    for target, said in (("same.jsonl", ""), ("other.parquet", "'prompt', 'completion'")):
        told = run(*ask, "--target", target, "-o", target.partition(".")[0])
        assert told.code == 0 and said in told.err, told.err
    assert tamis.Selection.load("same").rows.size == 2
    report = Path("same/report.html").read_text(encoding="utf-8")
    assert "{output}" in report
    told = run(*ask, "--target", "same.jsonl", "--target-text", "other", "-o", "text")
    assert told.code == 0, told.err


@pytest.mark.skipif(not (DATA / "alpaca_random9k.parquet").is_file(), reason="needs TAMIS_DATA; see docs/data.md")
def test_code_among_real_instructions(tmp_path):
    """`dsir` finds instructions about code among general ones, and the same ones when they are chats of JSON Lines."""
    general = pq.read_table(DATA / "alpaca_random9k.parquet").slice(0, 2000)
    code = pq.read_table(DATA / "code_alpaca_2k.parquet")
    pool, target = pa.concat_tables([general, code.slice(0, 400)]), code.slice(400, 300)
    chosen = tamis.select(pool, "dsir", target=target, budget=200)
    assert chosen.manifest["roles"]["text"]["column"] == "{instruction}\\n{input}\\n{output}"
    assert sum(row >= 2000 for row in chosen.rows) >= 160  # 33 are due to chance
    files = [tmp_path / "pool.jsonl", tmp_path / "target.jsonl"]
    for path, table in zip(files, (pool, target), strict=True):
        rows = [{"messages": [{"content": "\n".join(filter(None, row.values()))}]} for row in table.to_pylist()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert tamis.select(files[0], "dsir", target=files[1], budget=200).rows.tolist() == chosen.rows.tolist()
