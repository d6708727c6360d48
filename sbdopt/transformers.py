"""The operators of a transformer in the order in which they run, whatever its weights are made of.

Only weights count: embeddings and output heads are left out, and what lies between weights (attention scores,
norms, activations, residual additions) is a digital operator. The vector that a weight reads is named for the
operator that makes it, so that operators with the same `input` (q, k and v; gate and up) share their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns, Operator

Factor = tuple[list[int], BlockColumns]
"""Shape and blocks of an operator."""
Factors = Mapping[str, Factor]
"""The operators of a weight one after another, by what is added to its name."""


@dataclass(frozen=True)
class DigitalCycles:
    """Cycles of the digital operators.

    Norm, addition and activation are what IBM's 3D-CiM LLM simulator (`AcceleratorConfig`) takes by default,
    for cycles of 1 ns. That simulator leaves attention to its user: 100 cycles, the time of one of its
    matrix-vector products, is an assumption. So is the product of gated activations, counted as an addition.
    """

    attention: int = 100
    norm: int = 50
    add: int = 10
    activation: int = 10
    multiply: int = 10

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise InputError(f"{name} takes {value} cycles; it must be at least 0")


@dataclass(frozen=True)
class Structure:
    """What of a transformer decides about the order of its operators."""

    layers: tuple[tuple[str, int], ...]
    """Stacks of layers, a name and a number each. The first feeds the cross attention of a second."""
    norm_first: bool = False
    """Whether sublayers normalise what they read, rather than what they add to."""
    gated: bool = False
    """Whether the feed-forward part is down(silu(gate) * up) rather than ffn2(gelu(ffn1))."""

    def weights(self) -> list[str]:
        """The names of all weights, `layer0.q`, `layer0.k`, ..., in the order in which they run."""
        names: list[str] = []

        def note(name: str) -> Factors:
            names.append(name)
            return {}

        operators_of(self, note, DigitalCycles())
        return names


def operators_of(
    structure: Structure, factors: Callable[[str], Factors], cycles: DigitalCycles
) -> list[Operator]:
    """The operators of a transformer, each after those that make what it reads.

    `factors` says of what a weight is made. Operators are named `layer0.q` and what is added to it,
    `layer0.attention`, ..., in models of two stacks `enc0.q`, `dec0.q`, `dec0.cross_q`, ...
    """
    flow = Flow(factors, cycles)
    memory = None
    for stack, count in structure.layers:
        x = "input" if len(structure.layers) == 1 else f"{stack}.input"
        for layer in range(count):
            at = f"{stack}{layer}"
            x = _sublayer(flow, structure, f"{at}.attention", x, partial(_attention, flow, f"{at}.", None))
            if memory is not None:
                cross = partial(_attention, flow, f"{at}.cross_", memory)
                x = _sublayer(flow, structure, f"{at}.cross_attention", x, cross)
            feed = _gated if structure.gated else _feed_forward
            x = _sublayer(flow, structure, f"{at}.ffn", x, partial(feed, flow, f"{at}."))
        memory = flow.digital(f"{stack}.norm", cycles.norm, x) if structure.norm_first else x
    return flow.operators


@dataclass
class Flow:
    """Operators in the order in which they are added, each after those that make what it reads."""

    factors: Callable[[str], Factors]
    cycles: DigitalCycles
    operators: list[Operator] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def digital(self, name: str, cycles: int, *reads: str) -> str:
        """Add a digital operator that reads the vectors `reads`; returns the name of the vector it makes."""
        self.operators.append(Operator(name=name, after=self._makers(*reads), cycles=cycles))
        self.made.add(name)
        return name

    def weight(self, name: str, reads: str) -> str:
        """Add the operators of a weight that reads the vector `reads`; returns the name of what it makes."""
        for suffix, (shape, blocks) in self.factors(name).items():
            after = self._makers(reads)
            self.operators.append(
                Operator(name=name + suffix, after=after, input=reads, shape=shape, blocks=blocks)
            )
            reads = name + suffix
            self.made.add(reads)
        return reads

    def _makers(self, *reads: str) -> list[str]:
        return [name for name in reads if name in self.made]


def _sublayer(flow: Flow, structure: Structure, name: str, x: str, inner: Callable[[str], str]) -> str:
    """What `inner` makes of x is added to x, and normalised, either x before it or the sum after it."""
    norm = partial(flow.digital, f"{name}_norm", flow.cycles.norm)
    y = inner(norm(x) if structure.norm_first else x)
    total = flow.digital(f"{name}_add", flow.cycles.add, x, y)
    return total if structure.norm_first else norm(total)


def _attention(flow: Flow, at: str, memory: str | None, x: str) -> str:
    """Queries of x; keys and values of x, or of `memory` in cross attention."""
    q = flow.weight(f"{at}q", x)
    k = flow.weight(f"{at}k", memory or x)
    v = flow.weight(f"{at}v", memory or x)
    return flow.weight(f"{at}o", flow.digital(f"{at}attention", flow.cycles.attention, q, k, v))


def _feed_forward(flow: Flow, at: str, x: str) -> str:
    inner = flow.weight(f"{at}ffn1", x)
    return flow.weight(f"{at}ffn2", flow.digital(f"{at}gelu", flow.cycles.activation, inner))


def _gated(flow: Flow, at: str, x: str) -> str:
    gate, up = flow.weight(f"{at}gate", x), flow.weight(f"{at}up", x)
    cycles = flow.cycles.activation + flow.cycles.multiply
    return flow.weight(f"{at}down", flow.digital(f"{at}silu_mul", cycles, gate, up))
