"""Small causal language models that have learned bundled text for some seconds."""

import functools

import torch

from ..refusals.small_models import CONTEXT, documents, files, folder_files, saved, small, tokenizer

__all__ = ["CONTEXT", "conditional", "documents", "files", "folder_files", "prior", "saved", "small", "tokenizer"]


def train(model, texts, steps, rate=3e-3):
    """Some steps of AdamW on windows of texts."""
    stream = torch.tensor([i for text in texts for i in [0, *tokenizer()(text)["input_ids"]]])
    windows = stream[: len(stream) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    optimiser = torch.optim.AdamW(model.parameters(), rate)
    generator = torch.Generator().manual_seed(0)
    model.train()
    for _ in range(steps):
        batch = windows[torch.randint(len(windows), (16,), generator=generator)]
        optimiser.zero_grad()
        model(input_ids=batch, labels=batch).loss.backward()
        optimiser.step()
    return model.eval()


@functools.cache
def prior(kind="llama"):
    """A model that has learned both sources."""
    return train(small(kind), documents("tldr")[:300] + documents("pep")[:300], 60)


@functools.cache
def conditional():
    """That model after more steps on `tldr` alone."""
    model = small()
    model.load_state_dict(prior().state_dict())
    return train(model, documents("tldr")[:150], 30, 1e-3)
