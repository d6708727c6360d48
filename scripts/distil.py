"""Distil a sentence-embedding model into one of Monarch products, on text of your own.

    python scripts/distil.py MODEL TEXT -o problem.json --blocks 8x8 --rank 4

MODEL is a folder as Hugging Face stores models (BERT's layout), TEXT a file with a sentence a line; one in
twenty is held out. Writes a problem with the fine-tuned factors as its weights, for `sbdopt solve`, and
beside it, as `problem.pt`, the state of the fine-tuned model. Needs torch and transformers.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from sentences import Batches, ask, embed, encoder_layers, load_model, train_encoder_only
from torch import nn

from sbdopt.monarch import Pattern
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.tuning import Moments, Patterns, Recipe, distil, gather_moments, monarchize, save_problem

CALIBRATION = 512
"""Sentences from which the moments of inputs are gathered."""


def calibration(texts: Sequence[str]) -> list[str]:
    """Some of the sentences, drawn at random."""
    return random.Random(0).sample(list(texts), min(CALIBRATION, len(texts)))


def calibrate(model: nn.Module, folder: Path, texts: Sequence[str]) -> dict[str, Moments]:
    """Moments of what the linear layers are given, from some of the sentences."""
    batches = Batches(folder, calibration(texts))
    return gather_moments(model, encoder_layers(model), lambda: embed(model, batches))


def fitted(folder: Path, plan: Patterns, moments: dict[str, Moments] | None) -> nn.Module:
    """The model with Monarch layers, not yet trained."""
    student = load_model(folder)
    monarchize(student, plan, moments)
    return student


def train(folder: Path, student: nn.Module, texts: Sequence[str], recipe: Recipe) -> float:
    """Train the student to say what the model in the folder says; CPU seconds that it took, all in all."""
    begin = time.process_time()
    train_encoder_only(student)
    batches = Batches(folder, texts, seed=recipe.seed)
    losses: list[float] = []

    def told(step: int, loss: float) -> None:
        losses.append(loss)
        if (step + 1) % 100 == 0:
            spent = time.process_time() - begin
            print(
                f"step {step + 1}, {spent:.0f} s of CPU, cosine {1 - sum(losses[-100:]) / 100:.3f}",
                flush=True,
            )

    distil(load_model(folder), student, batches.batches, ask, recipe, told)
    return time.process_time() - begin


class Measure:
    """How near a student comes to the model in the folder, on some sentences."""

    def __init__(self, folder: Path, texts: Sequence[str]) -> None:
        self.batches = Batches(folder, texts)
        self.wanted = embed(load_model(folder), self.batches)

    def cosine(self, student: nn.Module) -> float:
        """Mean cosine of the student's embeddings to the model's."""
        return float((self.wanted * embed(student, self.batches)).sum(1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--blocks", default="8x8")
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--array", default="256x256")
    parser.add_argument("--adcs", type=int, default=8)
    given = parser.parse_args()
    torch.set_num_threads(1)
    texts = [line.strip() for line in given.text.read_text().splitlines() if line.strip()]
    random.Random(0).shuffle(texts)
    held, known = texts[: len(texts) // 20], texts[len(texts) // 20 :]
    p, q = map(int, given.blocks.split("x"))
    dense = load_model(given.model)
    plan = dict.fromkeys(encoder_layers(dense), Pattern(p, q, given.rank))
    student = fitted(given.model, plan, calibrate(dense, given.model, known))
    measure = Measure(given.model, held)
    print(f"cosine on held-out text before: {measure.cosine(student):.3f}")
    spent = train(given.model, student, known, Recipe(given.steps, given.rate))
    print(f"after {spent:.0f} s of CPU: {measure.cosine(student):.3f}")
    rows, columns = map(int, given.array.split("x"))
    hardware = Hardware(arrays=[ArrayKind(name="xbar", rows=rows, columns=columns, adcs=given.adcs)])
    save_problem(student, given.output, given.output.stem, hardware)
    torch.save(student.state_dict(), given.output.with_suffix(".pt"))


if __name__ == "__main__":
    main()
