"""Gradient norms of single examples against torch.func, a loop, and one backward pass of the whole batch.

Run `python benchmarks/gradient_norms.py [rounds]`; it prints a table and writes it to
`benchmarks/results/gradient_norms.md`.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from common import SEED, write_page
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from tamis.measure.gradient_norms import GradientNorms
from tamis.ops.dynamics import signals_of

BATCH, ALONE = 256, 16
HEAD = ["model", "parameters", "forward µs", "EL2N / forward", "backward µs", "GraNd / backward", "vmap / GraNd",
        "loop / GraNd", "largest difference"]  # fmt: skip
NOTE = (
    "Microseconds are of one example in a batch of 256 with 28 × 28 pixels; *backward* is a forward and a backward "
    "pass of the summed loss, which is the floor of anything that makes all gradients. `vmap` is "
    "`torch.func.vmap(grad)` over the whole batch, or over 32 examples at a time where that is faster; the loop does "
    "one example after another. Rounds are interleaved, and ratios are medians over rounds. The last column compares "
    "norms with those of the loop, as a share of them. Pixels are random numbers, on which the cost does not depend."
)


def models() -> dict[str, tuple[nn.Module, Tensor]]:
    """The networks, and their inputs."""
    mlp = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    cnn = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    return {
        "MLP 784-512-256-10": (mlp.eval(), torch.randn(BATCH, 784)),
        "CNN, 2 convolutions and 2 layers": (cnn.eval(), torch.randn(BATCH, 1, 28, 28)),
    }


def losses(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy of each example."""
    logits = model(x)
    return functional.cross_entropy(logits, y, reduction="none"), logits


def ways(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, Callable[[], object]]:
    """What is timed, each for all examples but the loop, which does some."""
    norms, parameters = GradientNorms(model, losses), {name: p.detach() for name, p in model.named_parameters()}

    def loss(p: dict[str, Tensor], one: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(model, p, (one[None],)), label[None])

    def mapped(size: int | None) -> Tensor:
        found = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=size)(parameters, x, y)
        return sum(g.flatten(1).square().sum(1) for g in found.values()).sqrt()

    def forward() -> Tensor:
        with torch.inference_mode():
            return model(x)

    def backward() -> None:
        model.zero_grad()
        losses(model, x, y)[0].sum().backward()

    def loop() -> Tensor:
        found = []
        for row in range(ALONE):
            gradients = torch.autograd.grad(losses(model, x[row : row + 1], y[row : row + 1])[0].sum(),
                                            list(model.parameters()))  # fmt: skip
            found.append(sum(g.double().square().sum() for g in gradients).sqrt())
        return torch.stack(found)

    return {
        "forward": forward, "el2n": lambda: signals_of(forward().numpy(), y.numpy()), "backward": backward,
        "ours": lambda: norms(x, y)[0], "vmap": lambda: mapped(None), "vmap 32": lambda: mapped(32), "loop": loop,
    }  # fmt: skip


def line(name: str, model: nn.Module, x: Tensor, rounds: int) -> list[str]:
    """A row of the table."""
    calls = ways(model, x, torch.randint(10, (BATCH,)))
    found = {way: call() for way, call in calls.items()}  # which also warms all of them
    away = ((found["ours"][:ALONE] - found["loop"]) / found["loop"]).abs().max()
    took: list[dict[str, float]] = []
    for _ in range(rounds):
        took.append({})
        for way, call in calls.items():
            times = []
            for _ in range(1 if "vmap" in way or way == "loop" else 5):
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
            took[-1][way] = median(times) / (ALONE if way == "loop" else BATCH)

    def ratio(one: Callable[[dict[str, float]], float], other: str) -> str:
        return f"{median(one(each) / each[other] for each in took):.2f}"

    return [
        name,
        f"{sum(p.numel() for p in model.parameters()):,}",
        f"{1e6 * median(each['forward'] for each in took):.1f}",
        ratio(lambda each: each["el2n"], "forward"),
        f"{1e6 * median(each['backward'] for each in took):.1f}",
        ratio(lambda each: each["ours"], "backward"),
        ratio(lambda each: min(each["vmap"], each["vmap 32"]), "ours"),
        ratio(lambda each: each["loop"], "ours"),
        f"{float(away):.0e}",
    ]


def main(rounds: int) -> None:
    """Time both networks."""
    torch.manual_seed(SEED)
    rows = [line(name, model, x, rounds) for name, (model, x) in models().items()]
    write_page("gradient_norms", "Gradient norms of examples", NOTE, [HEAD, *rows], "torch numpy")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
