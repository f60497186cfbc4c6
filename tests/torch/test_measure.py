"""Measuring with a trained model: each score against its formula, in the dataset's order, and the model put back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.data import DataLoader, Dataset, TensorDataset  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.torch import measure  # noqa: E402
from tamis.torch.measuring import NAMES  # noqa: E402

from .networks import a_trained_one  # noqa: E402


class Rows(Dataset):
    """Rows as users write them."""

    def __init__(self, *columns, named=False):
        self.columns, self.named = columns, named

    def __len__(self):
        return len(self.columns[0])

    def __getitem__(self, row):
        if self.named:
            return {"x": self.columns[0][row], "labels": self.columns[1][row]}
        return tuple(column[row] for column in self.columns)


trained = pytest.fixture(a_trained_one)


def quiet(*arguments, **options):
    return measure(*arguments, progress=False, **options)


def test_every_score_is_its_formula(trained):
    model, x, y = trained
    found = quiet(model, TensorDataset(x, y), what=NAMES, batch=7)
    assert [module.training for module in model.modules()] == [True, True, True, True, True, False, True]
    assert all(p.grad is None for p in model.parameters()) and not model._forward_hooks
    model.eval()
    seen = model.body(x).detach().double()
    z = model(x)["logits"].detach().double()
    p, row = z.softmax(1), torch.arange(23)
    error = (p - functional.one_hot(y, 5)).norm(dim=1)
    others = z.masked_fill(functional.one_hot(y, 5).bool(), -torch.inf)
    norms = []
    for one in row.tolist():
        loss = functional.cross_entropy(model(x[one : one + 1])["logits"], y[one : one + 1])
        norms.append(sum(g.square().sum() for g in torch.autograd.grad(loss, list(model.parameters()))).sqrt())
    wanted = {
        "loss": -p[row, y].log(), "el2n": error, "grand": torch.stack(norms), "entropy": -(p * p.log()).sum(1),
        "grand_last": error * (1 + seen.square().sum(1)).sqrt(), "margin": z[row, y] - others.max(1).values,
        "prob_margin": p[row, y] - others.masked_fill(others == -torch.inf, -99).softmax(1).max(1).values * 0
        - p.masked_fill(functional.one_hot(y, 5).bool(), 0).max(1).values,
        "prob": p[row, y], "correct": z.argmax(1) == y, "probs": p, "embedding": seen,
    }  # fmt: skip
    assert list(found) == list(NAMES) and set(wanted) == set(NAMES)
    for name in NAMES:
        assert found[name].dtype == (np.float32 if name in ("probs", "embedding") else np.float64)
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert found.choices == {"mode": "eval", "loss": "cross entropy", "sequence": "mean", "slow": []}


def test_kinds_of_datasets_and_sizes_of_batches_give_the_same(trained):
    model, x, y = trained
    wanted = quiet(model, TensorDataset(x, y))
    ids = torch.arange(len(x))
    pairs = (Rows(x, y), Rows(x, y, named=True), list(zip(x, y.tolist(), strict=True)), Rows(x.numpy(), y.numpy()))
    for rows in (*pairs, Rows(x, y, ids), TensorDataset(x, y, ids)):
        for batch in (1, 23, 100):
            found = quiet(model, rows, batch=batch)
            for name in wanted:
                np.testing.assert_allclose(found[name], wanted[name], rtol=2e-6)
    again = quiet(model, TensorDataset(x, y))
    assert all((again[name] == wanted[name]).all() for name in wanted)


def test_zero_logits_and_the_mode_after_an_error(trained):
    model, x, y = trained
    nn.init.zeros_(model.last.weight)
    nn.init.zeros_(model.last.bias)
    assert quiet(model, TensorDataset(x, y), what="el2n")["el2n"] == pytest.approx(np.full(23, np.sqrt(1 - 1 / 5)))
    with pytest.raises(Refused):
        quiet(model, TensorDataset(x, y + 9))
    assert model.training and not model.body[3].training


@pytest.mark.parametrize("how", ["mean", "sum"])
def test_sequences_are_means_or_sums_over_what_counts(how):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 11))
    x, y = torch.randint(11, (5, 7)), torch.randint(11, (5, 7))
    y[1, 3:], y[4, :6] = -100, -100
    found = quiet(model, TensorDataset(x, y), what=("loss", "el2n", "grand", "embedding"), sequence=how, batch=2)
    assert found.choices["sequence"] == how
    for row in range(5):
        counted = y[row] != -100
        z = model(x[row][counted])
        loss = functional.cross_entropy(z, y[row][counted], reduction=how)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        error = (z.softmax(1) - functional.one_hot(y[row][counted], 11)).norm(dim=1)
        wanted = [loss, error.mean(), sum(g.square().sum() for g in gradients).sqrt()]
        assert [found[name][row] for name in ("loss", "el2n", "grand")] == pytest.approx(
            [one.item() for one in wanted], rel=1e-5
        )
        assert found["embedding"][row] == pytest.approx(model[0](x[row][counted]).mean(0).tolist(), rel=1e-5)


def test_a_loss_of_the_user_and_a_model_without_classes():
    torch.manual_seed(0)
    model, x, y = nn.Linear(4, 1), torch.randn(6, 4), torch.randn(6)
    found = quiet(model, TensorDataset(x, y), what=("loss", "grand"), loss=lambda z, y: (z[:, 0] - y).square())
    error = (model(x)[:, 0] - y).detach().abs()
    np.testing.assert_allclose(found["loss"], error.square(), rtol=1e-5)
    np.testing.assert_allclose(found["grand"], 2 * error * (1 + x.square().sum(1)).sqrt(), rtol=1e-5)


def test_what_would_be_silent_garbage_is_refused(trained):
    model, x, y = trained
    rows = TensorDataset(x, y)
    wrong = x.clone()
    wrong[9, 2] = torch.nan
    cases = [
        ({"mode": "train"}, rows, r"body\.1"), ({}, [row for row in x], "labels are needed"),
        ({}, TensorDataset(wrong, y), "example 9 is NaN"), ({}, TensorDataset(x, y.float()), "float32"),
        ({}, TensorDataset(x, torch.where(torch.arange(23) == 17, 5, y)), "example 17 is 5"),
        ({"what": "el2m"}, rows, "el2n"), ({"batch": 0}, rows, "batch=0"), ({}, DataLoader(rows), "DataLoader"),
        ({"loss": functional.cross_entropy}, rows, "reduction='none'"), ({"sequence": "max"}, rows, "sequence"),
        ({"mode": "test"}, rows, "mode"), ({}, TensorDataset(x, y, y), "tuples of 3"),
        ({}, TensorDataset(x[:0], y[:0]), "empty"), ({}, rows.tensors[0], "labels"),
    ]  # fmt: skip
    for options, given, said in cases:
        with pytest.raises(Refused, match=said):
            quiet(model, given, **{"batch": 10} | options)
    with pytest.raises(Refused, match="two classes"):
        quiet(nn.Linear(12, 1), rows)
    with pytest.raises(Refused, match="running statistics"):
        quiet(nn.Sequential(nn.BatchNorm1d(12, track_running_stats=False), nn.Linear(12, 5)), rows)
    assert quiet(nn.Linear(12, 5), rows, mode="train")["grand"].shape == (23,)


def test_layers_without_a_fast_way_are_recorded():
    torch.manual_seed(0)
    model, x, y = nn.Sequential(nn.Linear(4, 3), nn.PReLU()), torch.randn(6, 4), torch.arange(6) % 3
    with pytest.warns(UserWarning, match=r"1 \(PReLU\)"):
        found = quiet(model, TensorDataset(x, y), what="grand", batch=4)
    assert found.choices["slow"] == ["1.weight"]
    for row in range(6):
        gradients = torch.autograd.grad(
            functional.cross_entropy(model(x[row])[None], y[row : row + 1]), [*model.parameters()]
        )
        norm = sum(g.square().sum() for g in gradients).sqrt().item()
        assert found["grand"][row] == pytest.approx(norm, rel=1e-5)
