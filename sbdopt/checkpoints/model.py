"""A checkpoint whose tensors are understood: its weights, and the order in which they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sbdopt.checkpoints.files import Checkpoint
from sbdopt.checkpoints.layouts import LAYOUTS, Layout, Listing, Source
from sbdopt.errors import InputError
from sbdopt.monarch.pattern import Array
from sbdopt.problem import Operator
from sbdopt.transformers import DigitalCycles, Factors, Flow, Structure, operators_of

_SHOWN = 6


@dataclass(frozen=True)
class DenseWeight:
    """A weight of a checkpoint, which is read only when it is asked for."""

    checkpoint: Checkpoint
    source: Source
    """With the whole name of its tensor."""
    shape: tuple[int, int]
    """Inputs and outputs."""

    @property
    def dtype(self) -> Literal["F32", "F64"]:
        """The type in which it is read, as safetensors calls it."""
        return "F64" if self.checkpoint.dtype(self.source.tensor) == "F64" else "F32"

    def called(self, name: str) -> tuple[str, str, str]:
        """What other files may call it: its name, its tensor, or that without `.weight`: the module."""
        return name, self.source.tensor, self.source.tensor.removesuffix(".weight")

    def read(self) -> Array:
        """The weight, (inputs, outputs); a view of the tensor."""
        whole = self.checkpoint.read(self.source.tensor)
        turned = whole.T if self.source.stored == "linear" else whole
        if self.source.share is None:
            return turned
        begin = self.source.share[0] * self.shape[1]
        return turned[:, begin : begin + self.shape[1]]


@dataclass(frozen=True)
class Model:
    """The weights of a checkpoint by name, and how they follow each other."""

    checkpoint: Checkpoint
    weights: Mapping[str, DenseWeight]
    order: Structure | Listing

    def operators(self, factors: Callable[[str], Factors], cycles: DigitalCycles) -> list[Operator]:
        """The operators of the model; `factors` says of what each weight is made."""
        if isinstance(self.order, Structure):
            return operators_of(self.order, factors, cycles)
        flow = Flow(factors, cycles)
        made: dict[str, str] = {}
        for operator in self.order.operators:
            after = [made.get(name, name) for name in operator.after]
            before = len(flow.operators)
            if operator.cycles is not None:
                flow.operators.append(Operator(name=operator.name, after=after, cycles=operator.cycles))
                continue
            reads = operator.input or (after[0] if len(after) == 1 else f"{operator.name}.input")
            made[operator.name] = flow.weight(operator.name, made.get(reads, reads))
            first = flow.operators[before]
            flow.operators[before] = first.model_copy(update={"after": after})
        return flow.operators


def understand(checkpoint: Checkpoint, layout: Layout | Listing | None = None) -> Model:
    """What the tensors of a checkpoint are, by `layout`, or else by its configuration and its names.

    InputError: the layout is not known, a tensor is missing or has a shape that it cannot have.
    """
    if isinstance(layout, Listing):
        sources = {one.name: one.source for one in layout.operators if one.source is not None}
        return Model(checkpoint, _located(checkpoint, sources), layout)
    prefix, chosen = _recognised(checkpoint, layout)
    counts = tuple(
        (stack.name, _count(checkpoint, prefix, chosen, i)) for i, stack in enumerate(chosen.stacks)
    )
    structure = Structure(counts, chosen.norm_first, chosen.gated)
    stacks = {stack.name: stack for stack in chosen.stacks}
    sources = {}
    for name in structure.weights():
        at, _, weight = name.rpartition(".")
        stack = stacks[at.rstrip("0123456789")]
        begin = prefix + stack.tensors.replace("{n}", at[len(stack.name) :])
        source = chosen.weights[weight]
        sources[name] = source.model_copy(update={"tensor": begin + source.tensor})
    return Model(checkpoint, _located(checkpoint, sources), structure)


def _recognised(checkpoint: Checkpoint, layout: Layout | None) -> tuple[str, Layout]:
    """What all names begin with, and the layout that they follow."""
    kind = checkpoint.config.get("model_type")
    known = [one for one in LAYOUTS.values() if kind is None or kind in one.model_types]
    best = max(
        (
            (len(there), prefix, one)
            for one in ([layout] if layout else known)
            for prefix, there in _begun(checkpoint, one)
        ),
        key=lambda found: found[0] / len(found[2].weights),
        default=None,
    )
    if best is None or 2 * best[0] < len(best[2].weights):
        names = sorted(name for name in checkpoint if len(checkpoint.shape(name)) == 2) or sorted(checkpoint)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        said = "" if kind is None or layout else f" of model_type {kind!r}"
        what = (
            "do not follow the layout given" if layout else f"follow none of the layouts {', '.join(LAYOUTS)}"
        )
        raise InputError(
            f"{checkpoint.path}: the tensors{said} {what}; found {', '.join(names[:_SHOWN])}{more}; "
            "describe the layout with --layout FILE"
        )
    return best[1], best[2]


def _begun(checkpoint: Checkpoint, layout: Layout) -> Iterator[tuple[str, list[str]]]:
    """For all that names of the layout can begin with, the weights of the first layer that are there."""
    stack = layout.stacks[0]
    own = {name: stack.tensors.replace("{n}", "0") + source.tensor for name, source in layout.weights.items()}
    ends = {name: tensor for name, tensor in own.items() if not name.startswith("cross_")}
    begun: dict[str, list[str]] = {}
    for name in checkpoint:
        for weight, end in ends.items():
            begin = name.removesuffix(end)
            if begin != name and (not begin or begin.endswith(".")):
                begun.setdefault(begin, []).append(weight)
    yield from sorted(begun.items())


def _count(checkpoint: Checkpoint, prefix: str, layout: Layout, stack: int) -> int:
    """Layers of a stack: as many as the configuration says, or as there are names for."""
    said = checkpoint.config.get(layout.stacks[stack].count)
    if isinstance(said, int) and said > 0:
        return said
    before, _, after = (prefix + layout.stacks[stack].tensors).partition("{n}")
    pattern = re.compile(re.escape(before) + r"([0-9]+)" + re.escape(after))
    numbers = [int(found[1]) for name in checkpoint if (found := pattern.match(name))]
    return max(numbers, default=0) + 1


def _located(checkpoint: Checkpoint, sources: Mapping[str, Source]) -> dict[str, DenseWeight]:
    weights = {}
    for name, source in sources.items():
        said = f"{checkpoint.path}: tensor {source.tensor!r}, weight {name!r},"
        if source.tensor not in checkpoint:
            raise InputError(f"{said} is missing")
        shape = checkpoint.shape(source.tensor)
        if len(shape) != 2 or 0 in shape:
            raise InputError(f"{said} has shape {list(shape)}; it must be a matrix")
        inputs, outputs = reversed(shape) if source.stored == "linear" else shape
        parts = 1 if source.share is None else source.share[1]
        if outputs % parts:
            raise InputError(f"{said} has {outputs} outputs, which {parts} weights cannot share equally")
        weights[name] = DenseWeight(checkpoint, source, (inputs, outputs // parts))
    return weights
