"""The models of de Lima et al. (IEEE CCMCC 2025), mapped in every way that is compared, and their costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from statistics import mean

from sbdopt.blocks import Blocks
from sbdopt.cost import ADC_MODELS, Cost, Estimate, load_preset
from sbdopt.cost.ranges import OutOfRangeError
from sbdopt.models import MODELS, make_model
from sbdopt.placement import Placement
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.search.budget import Budget
from sbdopt.solve import solve

NAMES = {"bert-large": "BERT-large", "bart-large": "BART-large", "gpt2-medium": "GPT-2-medium"}
TOKENS = {"bert-large": 512, "bart-large": 1024, "gpt2-medium": 1024}
ADCS = (4, 8, 16, 32)
USUAL = 8
"""ADCs of an array where nothing else is said: the paper gives a range only."""
PRESET = load_preset("pcm-256")


@dataclass(frozen=True)
class Mapping:
    """A way to map a model, and the bits of an ADC that the paper gives it."""

    name: str
    form: str
    method: str
    bits: int
    rows_per_phase: int | None = None


LINEAR = Mapping("Linear", "dense", "linear", 8)
SPARSE = Mapping("SparseMap", "square", "sparsemap", 5)
DENSE = Mapping("DenseMap", "square", "densemap", 3)
OURS = Mapping("sbdopt", "square", "auto", 5)
PHASED = Mapping("DenseMap, 8 rows at a time", "square", "densemap", 3, 8)
MAPPINGS = (LINEAR, SPARSE, DENSE, OURS)


@dataclass(frozen=True)
class Mapped:
    """A model, mapped."""

    arrays: int
    utilization: float
    makespan: int
    status: str
    placement: Placement
    estimate: Estimate

    def cost(self, adc: str, bits: int) -> Cost | None:
        """None where the ADC model does not hold."""
        try:
            return self.estimate.cost(adc, bits)
        except OutOfRangeError:
            return None

    def extrapolated(self, adc: str, bits: int) -> Cost:
        """The cost, whether the ADC model holds or not."""
        return Estimate(self.estimate.blocks, self.placement, PRESET, [adc]).cost(adc, bits)


@cache
def _mapped(model: str, mapping: Mapping, adcs: int) -> Mapped:
    array = ArrayKind(name="xbar", rows=256, columns=256, adcs=adcs)
    hardware = Hardware(arrays=[array], rows_per_phase=mapping.rows_per_phase)
    problem = make_model(model, hardware, form=mapping.form)  # type: ignore[arg-type]
    solution = solve(problem, method=mapping.method, budget=Budget(seconds=60, workers=1))
    metrics = solution.metrics
    assert metrics is not None
    assert metrics.arrays is not None
    assert metrics.utilization is not None
    assert metrics.makespan is not None
    blocks = Blocks.of(problem)
    placement = Placement.read(blocks, solution)
    print(f"{model}, {mapping.name}, {adcs} ADCs: {metrics.arrays} arrays, {solution.status}", flush=True)
    return Mapped(
        arrays=metrics.arrays,
        utilization=metrics.utilization,
        makespan=metrics.makespan,
        status=str(solution.status),
        placement=placement,
        estimate=Estimate(blocks, placement, PRESET),
    )


def mapped(model: str, mapping: Mapping, adcs: int = USUAL) -> Mapped:
    """A model, mapped on arrays with so many ADCs; done once."""
    return _mapped(model, mapping, adcs)


Figure = Callable[[Mapped, str, int], float | None]
"""A figure of something mapped, with an ADC model and its bits; None where that does not hold."""


def latency(one: Mapped, adc: str, bits: int) -> float | None:
    """Of a token, in ns."""
    cost = one.cost(adc, bits)
    return None if cost is None else cost.latency_ns


def busy(one: Mapped, adc: str, bits: int) -> float | None:
    """Sum over all arrays of the time that they are busy for a token, in ns."""
    try:
        conversions = one.estimate.chip.conversions(adc, bits)
    except OutOfRangeError:
        return None
    return float(one.estimate.step_times(conversions).total.sum())


def energy(one: Mapped, adc: str, bits: int) -> float | None:
    """Of a token in pJ, movement between arrays left out."""
    cost = one.cost(adc, bits)
    return None if cost is None else cost.energy_pj - cost.energy_parts["movement"]


def energy_with_movement(one: Mapped, adc: str, bits: int) -> float | None:
    """Of a token in pJ."""
    cost = one.cost(adc, bits)
    return None if cost is None else cost.energy_pj


def average(values: Iterable[float | None]) -> float | None:
    """The mean, if all are known."""
    found = [*values]
    known = [value for value in found if value is not None]
    return mean(known) if len(known) == len(found) else None


def better(figure: Figure, mapping: Mapping, adc: str, bits: int) -> float | None:
    """By which factor a mapping is better than Linear with 8 bits, on average of the models."""
    ratios = []
    for model in NAMES:
        base, mine = figure(mapped(model, LINEAR), adc, 8), figure(mapped(model, mapping), adc, bits)
        ratios.append(None if base is None or mine is None else base / mine)
    return average(ratios)


def swept(mapping: Mapping, adc: str, adcs: int) -> float | None:
    """Mean latency of the models in ns, with the bits that the paper gives the mapping."""
    return average(latency(mapped(model, mapping, adcs), adc, mapping.bits) for model in NAMES)


def holding() -> list[str]:
    """The ADC models that hold for the bits of every mapping."""
    some = mapped("bert-large", LINEAR)
    return [adc for adc in ADC_MODELS if all(some.cost(adc, mapping.bits) for mapping in MAPPINGS)]


def weights(model: str) -> tuple[int, int]:
    """Weights of the linear layers, dense and as Monarch factors."""
    return mapped(model, LINEAR).estimate.blocks.cells, mapped(model, OURS).estimate.blocks.cells


def fewer_operations(model: str) -> float:
    """Multiplications of a token, dense over factors; attention stays as it is: scores and their use."""
    shape = MODELS[model]
    stacks = dict(shape.layers)
    layers = sum(stacks.values()) + stacks.get("dec", 0)
    attention = layers * 2 * TOKENS[model] * shape.hidden
    dense, factors = weights(model)
    return (dense + attention) / (factors + attention)
