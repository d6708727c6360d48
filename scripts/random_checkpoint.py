"""A checkpoint of random weights with the shapes and names of a known model.

    python scripts/random_checkpoint.py bert-large FOLDER [--layers 2]

Weights are normally distributed float32; embeddings and norms are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from sbdopt.checkpoints import LAYOUTS
from sbdopt.models import MODELS
from sbdopt.transformers import Structure

LAYOUT_OF = {"bert-large": "bert", "minilm-l6": "bert", "bart-large": "bart", "gpt2-medium": "gpt2"}


def write_checkpoint(name: str, folder: Path, layers: int | None = None) -> None:
    """A shard for each layer, an index and a config.json."""
    model, kind = MODELS[name], LAYOUT_OF.get(name, "llama")
    layout = LAYOUTS[kind]
    stacks = {stack.name: stack for stack in layout.stacks}
    counts = tuple((stack, min(count, layers or count)) for stack, count in model.layers)
    rng = np.random.default_rng(0)
    shards: dict[str, dict[str, np.ndarray]] = {}
    for weight in Structure(counts, model.norm_first, model.gated).weights():
        at, _, part = weight.rpartition(".")
        stack = stacks[at.rstrip("0123456789")]
        source = layout.weights[part]
        tensor = stack.tensors.replace("{n}", at[len(stack.name) :]) + source.tensor
        inputs, outputs = model.shape(part.removeprefix("cross_"))
        outputs *= 1 if source.share is None else source.share[1]
        shape = (outputs, inputs) if source.stored == "linear" else (inputs, outputs)
        shard = shards.setdefault(f"{at}.safetensors", {})
        if tensor not in shard:
            shard[tensor] = rng.standard_normal(shape, dtype=np.float32)
        if part in ("ffn2", "down"):
            save_file(shard, folder / f"{at}.safetensors")
            shards[f"{at}.safetensors"] = dict.fromkeys(shard)  # only the names are needed from here on
    places = {tensor: file for file, shard in shards.items() for tensor in shard}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    config = {"model_type": kind, **{stacks[stack].count: count for stack, count in counts}}
    (folder / "config.json").write_text(json.dumps(config))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    write_checkpoint(options.model, options.folder, options.layers)


if __name__ == "__main__":
    main()
