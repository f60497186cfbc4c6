"""Files with faults are refused or read as Python's csv module reads them, and no row is lost between the two."""

import os
import random

import pytest

from .csv_reference import Outcome, check
from .mutate import mutations

CASES = int(os.environ.get("TAMIS_FUZZ_CASES", "1500"))
PIECES = [b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b'",', b',"', b'"\n"', b'"a,b"', b'"x\ny"']
PIECES += [b"\xef\xbb\xbf", b"\0", b"\xff", b"\xe9", "é".encode(), "漢".encode(), b"007", b"+1", b"nan", b"NA", b"1e5"]
PIECES += [b"true", b"9223372036854775808", b"-0", b" 1 ", b"0x1F", b'a"b', b'"a"b"', b"x" * 70]
PIECES += [b'"' + b"y\n" * 40 + b'"', b"-", b" ", b"'"]
BASES = {
    "plain": b"id,text,score\n1,one,0.5\n2,two,1\n3,,-3e5\n4,four words here,nan\n",
    "quoted": b'"id","text","ok"\r\n"1","a, ""b""\r\nc",true\r\n"2","",false\r\n,"x",TRUE\r\n"4",,\r\n',
    "semicolons": "id;note;größe\n1;a,b;1,5\n2;\"c;d\";2\n\n3;'e';3\n".encode(),
    "mark": b"\xef\xbb\xbfname,n\nfirst,1\nsecond,2\n\nthird,3",
    "one column": b'text\nfirst\n"sec\nond"\n\n""\nlast\n',
    "wide": b"a,b,c,d,e,f,g,h,i,j\n" + b"1,2,3,4,5,6,7,8,9,10\n" * 12,
    "long": b"id,text\n" + b"".join(b'%d,"%s"\n' % (row, b"words, and more\n" * row) for row in range(9)),
    "carriage returns": b'a,b\r1,2\r"3\r",4\r\r5,6\r',
}
SIZES = [
    {},
    {"BLOCK_BYTES": 32, "COPY_BYTES": 16},
    {"SHARD_BYTES": 40, "BLOCK_BYTES": 48, "COMPILED_FROM_BYTES": 0},
    {"SAMPLE_BYTES": 24, "BLOCK_BYTES": 1000},
    {"SHARD_BYTES": 30, "COPY_BYTES": 5, "SAMPLE_BYTES": 8},
]


def any_case(rng: random.Random, folder) -> Outcome:
    """One mutated file, by any name and in blocks and shards of any size."""
    base = rng.choice(list(BASES.values()))
    suffix = ".csv"
    if rng.random() < 0.2:
        base, suffix = base.replace(b",", b"\t"), rng.choice([".tsv", ".tab", ".csv"])
    return check(mutations(base, rng, PIECES), folder / f"pool{suffix}", **rng.choice(SIZES))


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("sizes", SIZES)
def test_files_without_a_fault_are_read(tmp_path, name, sizes):
    assert check(BASES[name], tmp_path / "pool.csv", **sizes).told == "read"


def test_mutated_files_are_refused_or_read_exactly(tmp_path):
    rng = random.Random(CASES)
    found = [any_case(rng, tmp_path) for _ in range(CASES)]
    told = [outcome.told for outcome in found]
    assert told.count("read") + told.count("refused") == CASES
    assert CASES / 5 < told.count("read") < CASES * 0.8


def test_random_bytes_neither_crash_nor_hang(tmp_path):
    rng = random.Random(5)
    for _ in range(CASES // 8):
        content = bytes(rng.choices(b'a1,;\t\n\r""', k=rng.randrange(60)))
        check(content, tmp_path / "pool.csv", **rng.choice(SIZES))
        check(rng.randbytes(rng.randrange(80)), tmp_path / "pool.csv")
