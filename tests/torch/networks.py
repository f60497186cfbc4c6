"""A network of tests for what measures trained models."""

import torch
from torch import nn


class Network(nn.Module):
    """Dropout and batch norm, and its logits where models of transformers have them."""

    def __init__(self, width=12, classes=5):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, 9), nn.BatchNorm1d(9), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.last = nn.Linear(9, classes)

    def forward(self, x):
        return {"logits": self.last(self.body(x)), "hidden": x}


def a_trained_one():
    """A model with its inputs and labels; one of its modules is in another mode than the others."""
    torch.manual_seed(0)
    model = Network()
    model.body[1].running_mean.normal_()
    model.body[3].eval()  # a user's own mixture of modes
    return model, torch.randn(23, 12), torch.randint(5, (23,))
