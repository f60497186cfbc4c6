"""The door to Lightning: a run that was cut off goes on exactly, wherever in an epoch its checkpoint was saved."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from tamis.torch import Recorder  # noqa: E402

from .small_lightning import EPOCHS, MAKE, NAMES, SIZE, N, fit  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("kind", "accumulated", "more"),
    [
        ("rs2", 1, {}),
        ("rs2", 2, {"workers": 1}),
        ("rs2", 2, {"batches": True, "name": NAMES[1]}),
        ("infobatch", 1, {}),
        ("infobatch", 1, {"drop": True}),
        ("infobatch", 2, {}),
        ("infobatch", 2, {"batches": True, "name": NAMES[1]}),
    ],
)
def test_a_run_that_was_cut_off_goes_on_exactly(kind, accumulated, more, tmp_path):
    if "name" in more:
        pytest.importorskip(more["name"])
    recorder, more = Recorder(N, classes=2), {"accumulate_grad_batches": accumulated, **more}
    whole, trainer = fit(tmp_path, MAKE[kind](), recorder, **more)
    epochs = [[id for at, ids in whole.seen if at == epoch for id in ids] for epoch in range(EPOCHS)]
    assert all(len(one) == len({*one}) for one in epochs)
    if kind == "rs2":
        sampler = MAKE[kind]()
        assert epochs == [list(sampler) for _ in range(EPOCHS)]
    assert not more.get("drop") or all(len(ids) == SIZE for _, ids in whole.seen)
    lengths = [-(-len(one) // SIZE) for one in epochs]
    assert trainer.global_step == sum(-(-length // accumulated) for length in lengths)
    assert whole.validated == 2 * (EPOCHS + 1), "an epoch that is shorter than the first was not validated"
    saved = sorted(tmp_path.glob("*.ckpt"))
    middles = 0
    for path in saved[-4:] if more.get("workers") else saved:
        known = Recorder(N, classes=2)
        again, resumed = fit(tmp_path, MAKE[kind](), known, resume=path, save=False, **more)
        place = len(whole.seen) - len(again.seen)
        assert again.seen == whole.seen[place:], path.name
        if again.seen:
            middles += whole.seen[place - 1][0] == again.seen[0][0]
            before, done = again.place
            served = sum(len(ids) for epoch, ids in whole.seen[:place] if epoch == before)
            assert 0 <= done - served < (SIZE if more.get("drop") else 1)
            assert before == again.seen[0][0] or (before == again.seen[0][0] - 1 and served == len(epochs[before]))
        assert resumed.global_step == trainer.global_step
        left, right = recorder.scores(), known.scores()
        assert all(np.array_equal(left[one], right[one], equal_nan=True) for one in left)
        assert all(map(torch.equal, whole.state_dict().values(), again.state_dict().values()))
    assert middles > 0


def test_no_false_alarm(tmp_path):
    fit(tmp_path, MAKE["rs2"](), None)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit(tmp_path, MAKE["rs2"](), None, resume=tmp_path / "step=2.ckpt", save=False)
    assert [one for one in told if "resuming from a checkpoint" in str(one.message)] == []


def test_nothing_is_imported_before_it_is_used():
    code = "import sys, tamis.torch; tamis.torch.RS2; print({'lightning', 'transformers'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
