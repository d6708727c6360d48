"""Make the problem of a known transformer: the shapes of its weights, and the order in which they run.

A weight of `inputs` x `outputs` becomes, in one of two forms, the operators of a problem:

- *monarch*: a factor R and after it a factor L, both block-diagonal. The fixed permutation between them is a
  matter of wiring and takes no time. There are two readings of it, and each model has its usual one:
    - *square*: the weight is padded to n x n with n = max(inputs, outputs), and each factor is b = sqrt(n)
      blocks of b x b; block k begins at input k * b and output k * b. This is how the published counts of
      BERT-large, BART-large and GPT-2-medium (de Lima et al. 2025) come out; n must be a square number.
    - *rectangular*, without padding: R is p blocks of (inputs / p) x q and L is q blocks of
      p x (outputs / q), so that every block of R meets every block of L on one value.
- *dense*: the weight as it is, one operator.

In both forms a block larger than the array is cut into pieces of the size of the array.

What lies between weights is described in `transformers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Literal, get_args

import numpy as np

from sbdopt.errors import InputError
from sbdopt.fitting import cut_blocks, largest_block
from sbdopt.problem import Hardware, Problem
from sbdopt.transformers import DigitalCycles, Factor, Factors, Structure, operators_of

Form = Literal["monarch", "square", "rectangular", "dense"]
"""How a weight becomes operators; "monarch" is the model's usual one of square and rectangular."""
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True)
class Architecture:
    """What of a transformer decides about its operators."""

    layers: tuple[tuple[str, int], ...]
    """As in `Structure`, like the last two."""
    hidden: int
    feed_forward: int
    keys: int
    """Outputs of k and of v: fewer than `hidden` where several queries share a key."""
    monarch: Literal["square", "rectangular"]
    """Its usual monarch form."""
    norm_first: bool = False
    gated: bool = False

    def shape(self, weight: str) -> tuple[int, int]:
        """Inputs and outputs of a weight, by its name within a layer."""
        if weight in ("k", "v"):
            return self.hidden, self.keys
        if weight in ("q", "o"):
            return self.hidden, self.hidden
        return (
            (self.feed_forward, self.hidden)
            if weight in ("ffn2", "down")
            else (self.hidden, self.feed_forward)
        )


def _llama(layers: int, hidden: int, feed_forward: int, keys: int) -> Architecture:
    return Architecture((("layer", layers),), hidden, feed_forward, keys, "rectangular", True, True)


MODELS = {
    # Shapes from the public configurations (config.json on huggingface.co) of google-bert/bert-large-uncased,
    # facebook/bart-large, openai-community/gpt2-medium, sentence-transformers/all-MiniLM-L6-v2 and
    # meta-llama/{Llama-2-7b-hf, Meta-Llama-3-8B, Meta-Llama-3-70B, Llama-3.1-405B}.
    "bert-large": Architecture((("layer", 24),), 1024, 4096, 1024, "square"),
    "bart-large": Architecture((("enc", 12), ("dec", 12)), 1024, 4096, 1024, "square"),
    "gpt2-medium": Architecture((("layer", 24),), 1024, 4096, 1024, "square", norm_first=True),
    "minilm-l6": Architecture((("layer", 6),), 384, 1536, 384, "rectangular"),
    "llama-2-7b": _llama(32, 4096, 11008, 4096),
    "llama-3-8b": _llama(32, 4096, 14336, 1024),
    "llama-3-70b": _llama(80, 8192, 28672, 1024),
    "llama-3.1-405b": _llama(126, 16384, 53248, 1024),
}


def make_model(
    name: str,
    hardware: Hardware,
    *,
    form: Form = "monarch",
    layers: int | None = None,
    cycles: DigitalCycles | None = None,
) -> Problem:
    """The problem of the model `name` on `hardware`.

    `layers` takes only the first layers of every stack. Operators are named `layer0.q.R`, `layer0.q.L`,
    `layer0.attention`, ..., in models of two stacks `enc0.q.R`, `dec0.q.R`, `dec0.cross_q.R`, ... Of several
    kinds of arrays the one with the most cells decides how blocks are cut.

    Raises InputError for an unknown name or form, more layers than there are, and squares that there are not.
    """
    if name not in MODELS:
        raise InputError(f"{name!r} is not a known model; the known ones are {', '.join(MODELS)}")
    if form not in FORMS:
        raise InputError(f"{form!r} is not a known form; the known ones are {', '.join(FORMS)}")
    model = MODELS[name]
    most = max(count for _, count in model.layers)
    if layers is not None and not 1 <= layers <= most:
        raise InputError(f"{name!r} has {most} layers; {layers} of them cannot be taken")
    shown: Form = model.monarch if form == "monarch" else form
    made: dict[tuple[int, int], Factors] = {}  # weights of the same shape share their columns

    def factors(name: str) -> Factors:
        shape = model.shape(name.rpartition(".")[2].removeprefix("cross_"))
        if shape not in made:
            made[shape] = make_factors(shown, *shape, hardware)
        return made[shape]

    stacks = tuple((stack, min(count, layers or count)) for stack, count in model.layers)
    structure = Structure(stacks, model.norm_first, model.gated)
    operators = operators_of(structure, factors, cycles or DigitalCycles())
    extra: list[str] = [] if form == "monarch" else [form]
    extra += [] if layers is None else [f"{layers}-layer{'s' if layers > 1 else ''}"]
    return Problem(name="-".join([name, *extra]), hardware=hardware, operators=operators)


def make_factors(form: Form, inputs: int, outputs: int, hardware: Hardware) -> Factors:
    """The operators of a weight, by what is added to its name."""
    rows, columns = largest_block(hardware)
    if form == "dense":
        return {"": _diagonal(1, inputs, outputs, rows, columns)}
    if form == "square":
        side = isqrt(max(inputs, outputs))
        if side**2 != max(inputs, outputs):
            raise InputError(
                f"a weight of {inputs} x {outputs} has no square monarch form, since {max(inputs, outputs)} "
                "is not a square number; take the rectangular form"
            )
        square = _diagonal(side, side, side, rows, columns)
        return {".R": square, ".L": square}
    p, q = rectangular_blocks(inputs, outputs, rows, columns)
    return {
        ".R": _diagonal(p, inputs // p, q, rows, columns),
        ".L": _diagonal(q, p, outputs // q, rows, columns),
    }


def rectangular_blocks(inputs: int, outputs: int, rows: int, columns: int) -> tuple[int, int]:
    """Numbers p and q of blocks in R and L of a rectangular monarch form.

    Of those whose blocks fit `rows` x `columns`, if any: the middle vector, p * q long, is as near as can be
    to the shorter of inputs and outputs (a longer one is redundant, a shorter one loses rank); then p and q
    are as near to each other as can be; then p is the smaller.
    """
    pairs = [(p, q) for p in _divisors(inputs) for q in _divisors(outputs)]
    fitting = [(p, q) for p, q in pairs if max(inputs // p, p) <= rows and max(q, outputs // q) <= columns]
    return min(
        fitting or pairs,
        key=lambda pair: (_ratio(pair[0] * pair[1], min(inputs, outputs)), _ratio(*pair), pair),
    )


def _ratio(one: int, two: int) -> float:
    return max(one, two) / min(one, two)


def _divisors(n: int) -> list[int]:
    small = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


def _diagonal(count: int, height: int, width: int, rows: int, columns: int) -> Factor:
    """`count` blocks of height x width down the diagonal, in pieces of at most rows x columns."""
    place, one = np.arange(count), np.ones(count, dtype=np.int64)
    pieces = cut_blocks(place * height, place * width, one * height, one * width, rows, columns)
    return [count * height, count * width], pieces
