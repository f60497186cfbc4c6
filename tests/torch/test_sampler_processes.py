"""Samplers in two processes: together the whole, and the losses of both known to each, with large ids."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

torch = pytest.importorskip("torch")
InfoBatch = pytest.importorskip("tamis.torch").InfoBatch

N, EPOCHS, BATCH = 2**24 + 10, 3, 1000  # with ids that float32 could not hold
SMALL = 2**11 + 301

WORKER = """
    import json, sys
    import numpy as np, torch, torch.distributed as dist
    from tamis.errors import Refused
    from tamis.torch import InfoBatch, RS2, SeTa

    rank = int(sys.argv[1])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
    {body}
    dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each of two ranks told of all bodies, which run one after the other."""
    folder = tmp_path_factory.mktemp("ranks")
    bodies = [textwrap.indent(textwrap.dedent(body), "    ").strip() for body in BODIES]
    code = textwrap.dedent(WORKER.format(body="\n    ".join(bodies)))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(rank), str(folder / "meet")], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    told = [one.communicate(timeout=120)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0]
    return [[json.loads(line) for line in one.splitlines()] for one in told]


TRAINING = f"""
    sampler, found = InfoBatch({SMALL}, epochs=9), []
    for epoch in range({EPOCHS}):
        sampler.set_epoch(epoch)
        for ids in sampler.batches({BATCH // 2}):
            sampler.update(torch.from_numpy(ids), torch.from_numpy(ids % 17).to(torch.bfloat16))
            found += ids.tolist()
    print(json.dumps([found, np.nan_to_num(sampler.losses).tolist()]))
"""
TRAVEL = f"""
    sampler = InfoBatch({N}, epochs=9)
    ids = torch.arange(rank * 3, dtype=torch.int64) + {N} - 5  # rank 0 has none
    sampler.update(ids, torch.tensor([0.25, 0.5, 0.75][: len(ids)], dtype=torch.float16))
    print(json.dumps([[int(at), float(sampler.losses[at])] for at in np.flatnonzero(np.isfinite(sampler.losses))]))
"""
REFUSAL = """
    sampler = SeTa(20, epochs=9, groups=2)
    try:
        sampler.update([3, 20 if rank else 4], [1.0, 2.0])
    except Refused as no:
        print(json.dumps([str(no), int(np.isfinite(sampler.losses).sum())]))
"""
PARTS = "print(json.dumps(list(RS2(101, 0.5, seed=3))))"
EVEN = """
    given = [{}, {"even": False}, {"even": True}, {"rank": rank, "world": 2}, {"rank": rank, "world": 2, "even": True}]
    print(json.dumps([len(list(RS2(101, 1.0, **more))) for more in given]))
"""
BODIES = (TRAINING, TRAVEL, REFUSAL, PARTS, EVEN)


def test_two_processes_draw_what_one_draws(both):
    (one, losses), (two, same) = (told[0] for told in both)
    assert losses == same
    whole, place = InfoBatch(SMALL, epochs=9), 0
    for epoch in range(EPOCHS):
        whole.set_epoch(epoch)
        ids = np.array(list(whole))[: len(whole) // 2 * 2]
        half = len(ids) // 2
        assert one[place : place + half] == ids[::2].tolist() and two[place : place + half] == ids[1::2].tolist()
        whole.update(ids, ids % 17)
        place += half
    assert place == len(one) == len(two) and np.nan_to_num(whole.losses).tolist() == losses


def test_ids_travel_as_integers(both):
    expected = [[N - 5, 0.25], [N - 4, 0.5], [N - 3, 0.75]]
    assert [told[1] for told in both] == [expected, expected]


def test_a_refusal_of_one_stops_both(both):
    (one, untouched), (two, same) = (told[2] for told in both)
    assert one.startswith("update: rank 1 refused") and two.startswith("ids: 20 is none of the 20 examples")
    assert untouched == same == 0


def test_ranks_are_those_of_the_group(both):
    one, two = (told[3] for told in both)
    assert [len(one), len(two)] == [25, 25] and not {*one} & {*two}


def test_processes_of_torch_have_as_many_visits_each(both):
    """Of 101 one is left out, unless told otherwise, or where ranks are told."""
    assert [told[4] for told in both] == [[50, 51, 50, 51, 50], [50, 50, 50, 50, 50]]
