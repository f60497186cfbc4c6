"""The recorder in a training loop: number types, resume, its history, and that it finds wrong labels."""

import io
import sys
from unittest import mock

import numpy as np
import pytest

import tamis
from tamis.errors import Refused
from tamis.evidence.tasks.torch_steps import one_thread
from tamis.ops.dynamics import Dynamics, signals_of

torch = pytest.importorskip("torch")
Recorder = pytest.importorskip("tamis.torch").Recorder

RNG = np.random.default_rng(0)
N, K, T = 30, 4, 5
LOGITS = torch.from_numpy(RNG.normal(size=(T, N, K)).astype(np.float32))
LABELS = torch.from_numpy(RNG.integers(0, K, N))
STEPS = [(epoch, part) for epoch in range(T) for part in torch.from_numpy(RNG.permutation(N)).split(7)]


def train(recorder, steps, epochs=False):
    for epoch, ids in steps:
        if epochs:
            recorder.set_epoch(epoch)
        recorder.update(ids, LOGITS[epoch, ids], LABELS[ids])
    return recorder


def same(one, other):
    found, wanted = one.scores(), other.scores()
    return all(found[name].tobytes() == wanted[name].tobytes() for name in wanted) and set(found) == set(wanted)


def saved(state):
    """A state that went through a file, without pickled objects."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_equals_numpy_on_whole_epochs():
    log = Dynamics(N, K)
    for epoch in range(T):
        log.update(range(N), LOGITS[epoch].numpy(), LABELS.numpy())
    assert same(train(Recorder(N, classes=K), STEPS), log)


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_number_type(number):
    recorder = Recorder(N, classes=K)
    logits = (LOGITS[0] * 9).to(number).requires_grad_()
    recorder.update(torch.arange(N, dtype=torch.int32), logits * 1, LABELS.to(torch.uint8))
    wanted = signals_of(logits.detach().double().numpy(), LABELS.numpy())
    np.testing.assert_array_equal(recorder.scores()["aum"], wanted[:, 1])
    np.testing.assert_array_equal(recorder.scores()["el2n"], wanted[:, 4])


def test_under_autocast_and_of_torch_itself():
    model = torch.nn.Linear(3, K)
    recorder = Recorder(N, classes=K)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(torch.ones(N, 3))
        recorder.update(range(N), logits, LABELS)
    assert logits.dtype == torch.bfloat16
    losses = torch.nn.functional.cross_entropy(logits.float(), LABELS, reduction="none")
    np.testing.assert_allclose(recorder.scores()["loss"], losses.detach(), rtol=1e-5)


@pytest.mark.parametrize("cut", [0, 1, 13, len(STEPS)])
def test_resumes_to_the_bit(cut):
    state = train(Recorder(N, classes=K), STEPS[:cut]).state_dict()
    resumed = Recorder(N, classes=K)
    resumed.load_state_dict(saved(state))
    assert same(train(resumed, STEPS[cut:]), train(Recorder(N, classes=K), STEPS))


def test_the_state_is_of_its_moment():
    recorder = train(Recorder(N, classes=K), STEPS[:9])
    state = recorder.state_dict()
    copies = {name: values.clone() for name, values in state.items()}
    scores = recorder.scores()["el2n"].copy()
    before = recorder.scores()["el2n"]
    train(recorder, STEPS[9:])
    assert all(torch.equal(state[name], copies[name]) for name in state)
    np.testing.assert_array_equal(before, scores)


def test_losses_alone():
    recorder = Recorder(3)
    recorder.update([2, 0], losses=torch.tensor([1.5, 2.5], dtype=torch.bfloat16))
    np.testing.assert_array_equal(recorder.scores()["loss"], [2.5, np.nan, 1.5])


@pytest.mark.parametrize("epochs", [False, True])
def test_history_after_a_killed_run(folder, epochs):
    """What was written after the state was saved is gone, and what follows is as if nothing had happened."""
    recorder = train(Recorder(N, classes=K, history="h"), STEPS[:12], epochs)
    state = saved(recorder.state_dict())
    train(recorder, STEPS[12:19], epochs)
    resumed = Recorder(N, classes=K, history="h")
    resumed.load_state_dict(state)
    wanted = np.full((N, T), np.nan, np.float32)
    for epoch, ids in STEPS[:12]:
        wanted[ids, epoch] = signals_of(LOGITS[epoch, ids].numpy(), LABELS[ids].numpy())[:, 1]
    found = np.load("h/margins.npy")
    np.testing.assert_array_equal(found, wanted[:, : found.shape[1]])
    train(resumed, STEPS[12:], epochs)
    for place, name in enumerate(("losses", "margins", None, None, None, "prob", "correct")):
        if name:
            wanted = np.stack(
                [signals_of(LOGITS[epoch].numpy(), LABELS.numpy())[:, place] for epoch in range(T)], axis=1
            )
            np.testing.assert_array_equal(np.load(f"h/{name}.npy", mmap_mode="r"), wanted.astype(np.float32))
    assert same(resumed, train(Recorder(N, classes=K), STEPS))


def test_history_counts_visits_or_epochs(folder):
    for name, epochs in (("counted", False), ("told", True)):
        train(Recorder(N, classes=K, history=name), [(0, torch.tensor([1])), (3, torch.tensor([2, 1]))], epochs)
    counted, told = (np.isfinite(np.load(f"{name}/correct.npy")) for name in ("counted", "told"))
    assert counted.shape == (N, 2) and counted.sum(axis=1).tolist()[:3] == [0, 2, 1] and counted[:, 0].sum() == 2
    assert told.shape == (N, 4) and np.argwhere(told).tolist() == [[1, 0], [1, 3], [2, 3]]


def test_methods_read_the_history(folder):
    recorder = train(Recorder(N, classes=K, history="h"), STEPS)
    pool = {"id": range(N), "text": [f"row {row}" for row in range(N)]}
    for method, use in (("aum", {"margins": "h/margins.npy"}), ("forgetting", {"correct": "h/correct.npy"})):
        chosen = tamis.select(pool, method, budget=N, use=use)
        np.testing.assert_allclose(chosen.scores, recorder.scores()[method][chosen.rows], rtol=1e-5, atol=1e-6)


def test_a_history_in_the_way_records_nothing(folder):
    train(Recorder(N, classes=K, history="h"), STEPS[:3])
    other = Recorder(N, classes=K, history="h")
    with pytest.raises(Refused, match="holds a history already"):
        train(other, STEPS)
    assert not other.scores()["visits"].any()


def test_finds_wrong_labels_of_digits():
    """[measured] Spec 1.1 (iii), 1.2 (ii), 1.3 (iii): AUROC of EL2N (10 epochs) .98, AUM .98, forgetting .95.

    Five seeds gave .998 to .9995, .998 to .9998 and .980 to .988 here.
    """
    from sklearn.datasets import load_digits
    from sklearn.metrics import roc_auc_score

    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(1)
    rows = rng.permutation(len(y))[:1297]
    wrong = np.zeros(1297, bool)
    wrong[rng.choice(1297, 130, replace=False)] = True
    labels = torch.from_numpy(np.where(wrong, (y[rows] + rng.integers(1, 10, 1297)) % 10, y[rows]))
    X = torch.from_numpy(X[rows] / 16).float()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    pace = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    recorder = Recorder(1297, classes=10)
    with one_thread():
        for epoch in range(40):
            for ids in torch.randperm(1297).split(64):
                logits = model(X[ids])
                recorder.update(ids, logits, labels[ids])
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(logits, labels[ids]).backward()
                optimizer.step()
            pace.step()
            if epoch == 9:
                early = recorder.scores()
    found = recorder.scores()
    areas = [roc_auc_score(wrong, one) for one in (early["el2n"], -found["aum"], found["forgetting"])]
    print(areas)
    assert areas[0] >= 0.98 and areas[1] >= 0.98 and areas[2] >= 0.95


def test_without_torch_it_says_so():
    gone = {name: None for name in sys.modules if name.startswith("tamis.torch")}
    with mock.patch.dict(sys.modules, {"torch": None}):
        for name in gone:
            del sys.modules[name]
        with pytest.raises(ImportError, match=r"pip install 'tamis\[torch\]'"):
            import tamis.torch  # noqa: F401
