"""Two processes that train together know what one process knows, and a refusal of one stops both."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
Recorder = pytest.importorskip("tamis.torch").Recorder

N, K, EPOCHS = 2**11 + 300, 5, 3  # ids that neither half precision could hold


def logits_of(epoch):
    return torch.randn(N, K, generator=torch.Generator().manual_seed(epoch)).to(torch.bfloat16)


LABELS = torch.arange(N) * 7 % K
STEPS = [
    (epoch, step)
    for epoch in range(EPOCHS)
    for step in torch.randperm(N, generator=torch.Generator().manual_seed(epoch)).split(512)
]

WORKER = """
    import json, sys
    import numpy as np, torch, torch.distributed as dist
    sys.path.insert(0, {here!r})
    from test_recorder_processes import K, LABELS, N, STEPS, logits_of
    from tamis.errors import Refused
    from tamis.torch import Recorder

    rank = int(sys.argv[1])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
    {body}
    dist.destroy_process_group()
"""


def both(folder, body):
    """Run `body` on two ranks; what each of them printed."""
    indented = textwrap.indent(textwrap.dedent(body), "    ").strip()
    code = textwrap.dedent(WORKER.format(here=str(Path(__file__).parent), body=indented))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(rank), str(folder / "meet")], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    told = [one.communicate(timeout=120)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0]
    return told


def test_two_processes_know_what_one_knows(folder):
    """Batches are shared unevenly, one of them is empty on a rank, and both resume from what rank 0 saved."""
    alone = Recorder(N, K, history="alone")
    for epoch, ids in STEPS:
        alone.update(ids, logits_of(epoch)[ids], LABELS[ids])
    both(
        folder,
        """
        recorder = Recorder(N, K, history="shared")
        for number, (epoch, ids) in enumerate(STEPS):
            if number == 7:
                if rank == 0:
                    torch.save(recorder.state_dict(), "state.pt")
                dist.barrier()
                recorder = Recorder(N, K, history="shared")
                recorder.load_state_dict(torch.load("state.pt", weights_only=True))
            cut = (0, 100, 300, 512)[number % 4]
            own = ids[:cut] if rank == 0 else ids[cut:]
            recorder.update(own, logits_of(epoch)[own], LABELS[own])
        np.savez(f"rank{rank}.npz", **recorder.scores())
        """,
    )
    for rank in range(2):
        with np.load(folder / f"rank{rank}.npz", allow_pickle=False) as found:
            for name, values in alone.scores().items():
                assert found[name].tobytes() == values.tobytes(), name
    for name in ("losses", "margins", "prob", "correct"):
        assert (folder / f"shared/{name}.npy").read_bytes() == (folder / f"alone/{name}.npy").read_bytes()


def test_a_refusal_of_one_stops_both(folder):
    """An update that one rank refuses, and one that is wrong only in common, is recorded by none; then work goes on."""
    told = both(
        folder,
        """
        recorder, z = Recorder(N, K), torch.zeros(2, K)
        said = []
        for ids, labels in (([0, 1], [0, 9 * rank]), ([7, 8 + rank], [0, 0]), ([2 * rank, 2 * rank + 1], [0, 0])):
            try:
                recorder.update(ids, z, labels)
                said.append(np.flatnonzero(recorder.scores()["visits"]).tolist())
            except Refused as refused:
                said.append(refused.kind)
        print(json.dumps(said))
        """,
    )
    first, second = (json.loads(text) for text in told)
    assert first == ["record-elsewhere", "record-twice", [0, 1, 2, 3]]
    assert second == ["record-outside", "record-twice", [0, 1, 2, 3]]
