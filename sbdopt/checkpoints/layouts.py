"""How the tensors of a transformer are called and stored, and the order in which its parts run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sbdopt.documents import Document, parse, read_json
from sbdopt.problem import Cycles, Name

Count = Annotated[int, Field(ge=0)]


class Source(Document):
    """Where a weight is stored."""

    tensor: Name
    stored: Literal["linear", "conv1d"] = Field(
        "linear", description="(outputs, inputs) as PyTorch's Linear, or (inputs, outputs) as GPT-2's Conv1D."
    )
    share: Annotated[list[Count], Field(min_length=2, max_length=2)] | None = Field(
        None, description="[i, n]: share i, from 0, of n equal ones side by side in the outputs."
    )

    @model_validator(mode="after")
    def _share_exists(self) -> Self:
        if self.share is not None and self.share[0] >= self.share[1]:
            raise ValueError(f"share {self.share} is none; the first number must be below the second")
        return self


class Stack(Document):
    """Layers one after another."""

    name: Name
    tensors: Name = Field(description="What tensors of layer {n} begin with, after what all begin with.")
    count: Name = Field("num_hidden_layers", description="Key of config.json with the number of layers.")
    cross: bool = Field(False, description="Whether layers also attend to what the first stack made.")


class Layout(Document):
    """A transformer: stacks of layers, whose weights q, k, v, o, and ffn1, ffn2 or gate, up, down have names.

    In cross attention they are called cross_q, cross_k, cross_v and cross_o.
    """

    format: Literal["sbdopt/layout@1"] = "sbdopt/layout@1"
    stacks: Annotated[list[Stack], Field(min_length=1)]
    weights: dict[str, Source]
    norm_first: bool = False
    model_types: list[str] = Field(default_factory=list, description="`model_type` in config.json.")

    @property
    def gated(self) -> bool:
        """Whether the feed-forward part is down(silu(gate) * up)."""
        return "gate" in self.weights

    @model_validator(mode="after")
    def _weights_are_all_there(self) -> Self:
        wanted = {*"qkvo", *(("gate", "up", "down") if self.gated else ("ffn1", "ffn2"))}
        if any(stack.cross for stack in self.stacks):
            wanted |= {f"cross_{name}" for name in "qkvo"}
        if wanted != set(self.weights):
            odd = sorted(wanted ^ set(self.weights))[0]
            what = "is missing" if odd in wanted else "is not known"
            raise ValueError(f"weight {odd!r} {what}; the weights must be {', '.join(sorted(wanted))}")
        return self


class ListedOperator(Document):
    """A weight (`source`) or a digital operator (`cycles`)."""

    name: Name
    after: list[Name] = Field(default_factory=list)
    input: Name | None = None
    source: Source | None = None
    cycles: Cycles | None = None

    @model_validator(mode="after")
    def _source_or_cycles(self) -> Self:
        if (self.source is None) == (self.cycles is None):
            raise ValueError(f"operator {self.name!r} must have either source or cycles")
        return self


class Listing(Document):
    """Any other model: all its operators, one by one, in an order in which they can run."""

    format: Literal["sbdopt/layout@1"] = "sbdopt/layout@1"
    operators: Annotated[list[ListedOperator], Field(min_length=1)]


def load_layout(path: Path) -> Layout | Listing:
    """A layout from a JSON file; anything wrong with it is one InputError."""
    data: Any = read_json(path)[0]
    listed = isinstance(data, dict) and "operators" in data
    return parse(Listing, data, str(path)) if listed else parse(Layout, data, str(path))


def _linear(**tensors: str) -> dict[str, Source]:
    return {name: Source(tensor=f"{tensor}.weight") for name, tensor in tensors.items()}


def _conv1d(tensor: str, share: list[int] | None = None) -> Source:
    return Source(tensor=f"{tensor}.weight", stored="conv1d", share=share)


LAYOUTS = {
    # Names as Hugging Face's transformers gives them.
    "bert": Layout(
        stacks=[Stack(name="layer", tensors="encoder.layer.{n}.")],
        weights=_linear(
            q="attention.self.query",
            k="attention.self.key",
            v="attention.self.value",
            o="attention.output.dense",
            ffn1="intermediate.dense",
            ffn2="output.dense",
        ),
        model_types=["bert", "roberta", "xlm-roberta", "camembert", "electra"],
    ),
    "gpt2": Layout(
        stacks=[Stack(name="layer", tensors="h.{n}.", count="n_layer")],
        weights={
            **{name: _conv1d("attn.c_attn", [part, 3]) for part, name in enumerate("qkv")},
            "o": _conv1d("attn.c_proj"),
            "ffn1": _conv1d("mlp.c_fc"),
            "ffn2": _conv1d("mlp.c_proj"),
        },
        norm_first=True,
        model_types=["gpt2"],
    ),
    "bart": Layout(
        stacks=[
            Stack(name="enc", tensors="encoder.layers.{n}.", count="encoder_layers"),
            Stack(name="dec", tensors="decoder.layers.{n}.", count="decoder_layers", cross=True),
        ],
        weights=_linear(
            **{name: f"self_attn.{name}_proj" for name in "qkv"},
            o="self_attn.out_proj",
            **{f"cross_{name}": f"encoder_attn.{name}_proj" for name in "qkv"},
            cross_o="encoder_attn.out_proj",
            ffn1="fc1",
            ffn2="fc2",
        ),
        model_types=["bart"],
    ),
    "llama": Layout(
        stacks=[Stack(name="layer", tensors="layers.{n}.")],
        weights=_linear(
            **{name: f"self_attn.{name}_proj" for name in "qkvo"},
            **{name: f"mlp.{name}_proj" for name in ("gate", "up", "down")},
        ),
        norm_first=True,
        model_types=["llama", "mistral", "qwen2"],
    ),
}
"""The layouts that are understood without being told."""
