"""Budgets in tokens: the documented default, and a local tokenizer.json."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis import Refused, select
from tamis.ops.ngrams import token_counts

TEXTS = ["one two three four", "five, six", "seven", "eight nine ten", "a b c d e f g"]


@pytest.fixture
def pool(tmp_path):
    path = tmp_path / "pool.parquet"
    pq.write_table(pa.table({"text": TEXTS, "x": [5.0, 4.0, 3.0, 2.0, 1.0]}), path)
    return path


def test_a_token_budget_counts_words_and_marks(pool, tmp_path):
    chosen = select(pool, "top:x", budget="8 tokens", output=tmp_path / "out")
    assert token_counts(pa.array(TEXTS)).tolist() == [4, 3, 1, 3, 7]
    assert chosen.rows.tolist() == [0, 1, 2]
    assert chosen.manifest["budget"] == {"asked": "8 tokens", "unit": "tokens", "limit": 8.0, "spent": 8.0}


def test_a_token_budget_by_a_tokenizer_file(pool, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.save(str(tmp_path / "tokenizer.json"))
    chosen = select(pool, "top:x", budget="7 tokens", tokenizer=str(tmp_path / "tokenizer.json"))
    assert chosen.rows.tolist() == [0, 1, 2]
    assert chosen.manifest["budget"]["spent"] == 7.0


def test_a_file_that_is_no_tokenizer_is_refused(pool, tmp_path):
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(Refused, match=r"give a tokenizer\.json"):
        select(pool, "top:x", budget="7 tokens", tokenizer=str(tmp_path / "tokenizer.json"))
