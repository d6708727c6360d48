"""Sentence-embedding models of the BERT family: loading, batches of sentences, and what a model says to them.

Needs torch and transformers, which are no dependencies of sbdopt.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from sbdopt.tuning import Said

LONGEST = 32
"""Tokens of a sentence that are read."""


class Sentences(NamedTuple):
    """Sentences of about the same length."""

    places: list[int]
    tokens: Tensor
    """(batch, longest)"""
    mask: Tensor
    """(batch, longest): 1 where there is a token."""


def load_model(folder: Path) -> nn.Module:
    """The model in a folder as Hugging Face stores it, without dropout."""
    return AutoModel.from_pretrained(str(folder), attn_implementation="sdpa").eval()


class Batches:
    """Sentences in batches of about `size` tokens, each of sentences of about the same length."""

    def __init__(self, folder: Path, texts: Sequence[str], size: int = 1024, seed: int = 0) -> None:
        tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self.ids = tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]
        rng = random.Random(seed)
        order = sorted(range(len(self.ids)), key=lambda place: (len(self.ids[place]), rng.random()))
        self.batches: list[Sentences] = []
        begin = 0
        for end in range(1, len(order) + 1):
            if end == len(order) or len(self.ids[order[end]]) * (end + 1 - begin) > size:
                self.batches.append(self._padded(order[begin:end]))
                begin = end

    def _padded(self, places: list[int]) -> Sentences:
        longest = max(len(self.ids[place]) for place in places)
        tokens = torch.zeros(len(places), longest, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, place in enumerate(places):
            tokens[row, : len(self.ids[place])] = torch.tensor(self.ids[place])
            mask[row, : len(self.ids[place])] = 1
        return Sentences(places, tokens, mask)


def ask(model: nn.Module, batch: Sentences) -> Said:
    """The embedding of each sentence (the mean of its tokens), and every second layer's tokens."""
    whole = bool(batch.mask.all())
    said = model(
        input_ids=batch.tokens, attention_mask=None if whole else batch.mask, output_hidden_states=True
    )
    weights = batch.mask[..., None].float()
    mean = (said.last_hidden_state * weights).sum(1) / weights.sum(1)
    hidden = tuple(layer[batch.mask.bool()] for layer in said.hidden_states[2::2])
    return Said(nn.functional.normalize(mean, dim=1), hidden)


@torch.no_grad()
def embed(model: nn.Module, batches: Batches) -> Tensor:
    """The embeddings of all sentences in their order, of length 1."""
    found = torch.zeros(len(batches.ids), model.config.hidden_size)
    for batch in batches.batches:
        found[batch.places] = ask(model, batch).result
    return found


def train_encoder_only(model: nn.Module) -> None:
    """Leave embeddings and the pooler, which embeddings of sentences do not use, as they are."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith("encoder."))


def encoder_layers(model: nn.Module) -> list[str]:
    """The names of the linear layers of the encoder."""
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return [name for name in linear if name.startswith("encoder.")]
