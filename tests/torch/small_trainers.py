"""A small trainer of transformers with the door to it, for tests."""

import numpy as np
import torch
import transformers

from tamis.torch import RS2, InfoBatch, TrainerMixin

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
N, CLASSES, EPOCHS, SIZE = 46, 3, 4, 4
DRAW = torch.Generator().manual_seed(0)
WORDS = torch.randint(2, 30, (N, 6), generator=DRAW)
LABELS = WORDS.sum(1) % CLASSES
ROWS = [{"input_ids": words, "labels": label, "note": "dropped"} for words, label in zip(WORDS, LABELS, strict=True)]
SAMPLERS = {
    "rs2": lambda: RS2(N, 0.5, seed=3),
    "infobatch": lambda: InfoBatch(N, 0.9, epochs=EPOCHS, seed=3),
}


class Selecting(TrainerMixin, transformers.Trainer):
    """Keeps epoch and ids of every step, which have to be those of its examples."""

    def compute_loss(self, model, inputs, *given, **named):
        if self._ids is not None:
            assert torch.equal(WORDS[self._ids], inputs["input_ids"])
            self.seen = [*getattr(self, "seen", []), (self.train_sampler.epoch, self._ids.tolist())]
        return super().compute_loss(model, inputs, *given, **named)


def classifier():
    """With dropout: what chance decides goes on as well."""
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(vocab_size=30, num_labels=CLASSES, max_position_embeddings=8, **sizes)
    torch.manual_seed(1)
    return transformers.BertForSequenceClassification(config)


def speaker():
    torch.manual_seed(1)
    config = transformers.GPT2Config(vocab_size=30, n_positions=8, n_embd=8, n_layer=1, n_head=2)
    return transformers.GPT2LMHeadModel(config)


def trainer(folder, sampler=None, recorder=None, *, kind=Selecting, model=None, rows=ROWS, **arguments):
    usual = {"num_train_epochs": EPOCHS, "save_strategy": "no", "learning_rate": 0.01, "logging_strategy": "no"}
    usual |= {"report_to": [], "disable_tqdm": True, "use_cpu": True, "per_device_train_batch_size": SIZE}
    args = transformers.TrainingArguments(str(folder), **{**usual, **arguments})
    own = {"train_sampler": sampler, "recorder": recorder} if kind is Selecting else {}
    return kind(model=model or classifier(), args=args, train_dataset=rows, eval_dataset=ROWS[:5], **own)


def weights(one):
    return [values.clone() for values in one.model.state_dict().values()]


def same(left, right):
    return all(np.array_equal(left[name], right[name], equal_nan=True) for name in left)


class Flow(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(ROWS)


def regressor():
    model = classifier()
    model.classifier, model.num_labels, model.config.num_labels = torch.nn.Linear(8, 1), 1, 1
    return model
