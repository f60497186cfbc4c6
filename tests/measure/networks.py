"""Networks of tests, and gradients of one example after another."""

import warnings

import torch
from torch import nn
from torch.nn import functional

from tamis.measure.gradient_norms import GradientNorms


def mlp(width=20, classes=4):
    return nn.Sequential(nn.Linear(width, 16), nn.ReLU(inplace=True), nn.Linear(16, 8, bias=False), nn.Tanh(),
                         nn.Linear(8, classes)).eval()  # fmt: skip


def cnn():
    """Groups, strides, dilation, `same`, other paddings, depthwise, and batch norm whose statistics are not 0 and 1."""
    made = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, (3, 2), groups=4, dilation=2, padding="same", bias=False), nn.GroupNorm(4, 16), nn.GELU(),
        nn.Conv2d(16, 16, 3, padding=2, padding_mode="reflect", groups=16), nn.BatchNorm2d(16, affine=False),
        nn.Conv2d(16, 32, 3), nn.AdaptiveAvgPool2d(3), nn.Flatten(1, 2), nn.Conv1d(96, 40, 2, padding=1), nn.Flatten(),
        nn.BatchNorm1d(160), nn.Linear(160, 4),
    )  # fmt: skip
    for module in made:
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.normal_(module.weight)
    return made.eval()


class Transformer(nn.Module):
    """A language model: tied words, one block used twice, learned positions of two kinds, attention past padding."""

    def __init__(self, words=30, width=16, places=8, batch_first=True, functional=False):
        super().__init__()
        self.words = nn.Embedding(words, width, padding_idx=0)
        self.places = nn.Embedding(places, width)
        self.offset = nn.Parameter(torch.randn(1, places, width) / 10)
        block = nn.TransformerEncoderLayer(width, 2, 32, batch_first=batch_first)
        self.blocks = nn.ModuleList([block, nn.TransformerEncoderLayer(width, 2, 32, batch_first=batch_first), block])
        self.norm, self.scale = nn.LayerNorm(width), nn.Parameter(torch.rand(width))
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.words.weight
        self.batch_first, self.functional = batch_first, functional

    def forward(self, x):
        h = self.words(x) + self.places(torch.arange(x.shape[1])) + self.offset
        h = h if self.batch_first else h.transpose(0, 1)
        for block in self.blocks:
            h = block(h, src_key_padding_mask=x == 0)
        h = self.norm(h) * self.scale
        h = h if self.batch_first else h.transpose(0, 1)
        return functional.linear(h, self.words.weight) if self.functional else self.head(h)


def sentences(count, length=8, words=30, seed=0):
    """Tokens, of which 0 is padding, and the next ones as labels; -100 where there is none."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(1, words, (count, length), generator=generator)
    for row in range(1, count):
        x[row, length - row % (length - 2) :] = 0
    x[0, 3] = x[0, 4]  # a word twice
    y = torch.roll(x, -1, 1)
    y[:, -1] = 0
    return x, torch.where((x == 0) | (y == 0), -100, y)


def classes(model, x, y):
    """Cross entropy of each example."""
    logits = model(x)
    return functional.cross_entropy(logits, y, reduction="none"), logits


def next_words(model, x, y):
    """The mean over the words of each sentence."""
    logits = model(x)
    losses = functional.cross_entropy(logits.transpose(1, 2), y, reduction="none")
    return losses.sum(1) / (y >= 0).sum(1), logits


def alone(model, losses, x, y):
    """Norms by autograd, one example after another."""
    learning, found = [p for p in model.parameters() if p.requires_grad], []
    for row in range(len(x)):
        loss = losses(model, x[row : row + 1], y[row : row + 1])[0].sum()
        gradients = torch.autograd.grad(loss, learning, allow_unused=True)
        found.append(sum(float(g.double().square().sum()) for g in gradients if g is not None) ** 0.5)
    return torch.tensor(found, dtype=torch.float64)


def check(model, losses, x, y, slow=()):
    """Norms are those of autograd, by the ways that are expected; nothing of the model is changed."""
    before = {name: (id(p), p.detach().clone(), p.grad) for name, p in model.state_dict(keep_vars=True).items()}
    norms = GradientNorms(model, losses)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found, each, _ = norms(x, y)
        again = norms(x[: len(x) // 2], y[: len(x) // 2])[0]
    torch.testing.assert_close(found, alone(model, losses, x, y), rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(again, found[: len(x) // 2], rtol=1e-5, atol=1e-9)
    assert norms.slow == set(slow)
    assert [str(one.message)[:14] for one in told] == ["gradient norms"] * bool(slow), [str(one) for one in told]
    assert not found.requires_grad and not each.requires_grad
    for name, p in model.state_dict(keep_vars=True).items():
        was, value, grad = before[name]
        assert id(p) == was and torch.equal(p, value) and p.grad is grad
    return str(told[0].message) if told else ""
