"""A small causal language model that is trained on the spot: a tokenizer, the model, and steps on some texts."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, PreTrainedTokenizerFast

CONTEXT, BATCH = 128, 32
VOCABULARY, WIDTH, LAYERS = 4096, 128, 3


def new_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte pairs of some texts, and a token before each text."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>")


def new_model(seed: int) -> PreTrainedModel:
    """An untrained model, whose weights the seed decides."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    return AutoModelForCausalLM.from_config(config)


def learn(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], steps: int, rate: float, seed: int
) -> PreTrainedModel:
    """Some steps of AdamW, their size falling to zero, on windows of the texts that the seed draws."""
    stream = torch.tensor([token for text in texts for token in [0, *tokenizer(text)["input_ids"]]])
    windows = stream[: len(stream) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.95), weight_decay=0.1)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, step / 20) * (1 - step / steps))
    model.train()
    for _ in range(steps):
        batch = windows[torch.randint(len(windows), (BATCH,), generator=generator)]
        optimiser.zero_grad()
        model(input_ids=batch, labels=batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        falling.step()
    return model.eval()


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A folder of both, as `--model` and `--represent` take it."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
