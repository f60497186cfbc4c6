"""Norms of gradients from their factors against the gradients themselves."""

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from tamis.measure import layer_gradients  # noqa: E402
from tamis.measure.layer_gradients import Outer, Rows, Whole, Windows, squared_norms  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("block", [1, 1 << 21])
@pytest.mark.parametrize(("t", "o", "i"), [(1, 3, 4), (3, 30, 40), (50, 3, 4)])
def test_parts_are_added_before_they_are_squared(t, o, i, block, monkeypatch):
    monkeypatch.setattr(layer_gradients, "BLOCK", block)
    outer = [Outer(torch.randn(6, t, o), torch.randn(6, t, i)) for _ in range(2)]
    rows = [Rows(torch.randint(o, (6, t)), torch.randn(6, t, i)) for _ in range(2)]
    whole = [Whole(torch.randn(6, o, i))]
    for parts in (outer[:1], outer, rows[:1], rows, outer + rows, outer + rows + whole, whole + rows, whole * 2):
        total = torch.zeros(6, o, i, dtype=torch.float64)
        for part in parts:
            for row in range(6):
                if isinstance(part, Whole):
                    total[row] += part.gradient[row]
                    continue
                for at in range(t):
                    if isinstance(part, Rows):
                        total[row, part.index[row, at]] += part.right[row, at]
                    else:
                        total[row] += torch.outer(part.left[row, at], part.right[row, at])
        torch.testing.assert_close(squared_norms(parts, (o, i)), total.square().sum((1, 2)), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_windows_are_products_or_matrices(groups):
    x, weight = torch.randn(3, 4, 9, 7), torch.randn(8, 4 // groups, 3, 2)
    delta = torch.randn_like(functional.conv2d(x, weight, None, (2, 1), (1, 0), (1, 2), groups))
    part = Windows(x, delta, (3, 2), (2, 1), (1, 0), (1, 2), groups)
    wanted = layer_gradients._product(*part.factors(), weight.shape)
    torch.testing.assert_close(part.matrix(weight.shape), wanted)
