"""Write docs/paper.md: what de Lima et al. (IEEE CCMCC 2025) report, and what comes out here.

Nothing is tuned to match. It takes about five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sbdopt.blocks import Blocks
from sbdopt.cost import ADC_MODELS, Cost, Estimate, load_preset
from sbdopt.cost.ranges import OutOfRangeError
from sbdopt.models import MODELS, make_model
from sbdopt.placement import Placement
from sbdopt.plot import save_figure
from sbdopt.plot.panels import INK, tidy
from sbdopt.plot.scene import PALETTE
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.search.budget import Budget
from sbdopt.solve import solve

DOCS = Path(__file__).parent.parent / "docs"
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
    """A model, mapped, with all that costs need."""

    arrays: int
    utilization: float
    makespan: int
    status: str
    estimate: Estimate

    def cost(self, adc: str, bits: int, extrapolated: bool = False) -> Cost | None:
        """None where the ADC model does not hold."""
        estimate = self.estimate
        if extrapolated:
            chip = estimate.chip
            estimate = Estimate(estimate.blocks, _placement[id(estimate)], chip.preset, [adc])
        try:
            return estimate.cost(adc, bits)
        except OutOfRangeError:
            return None


_placement: dict[int, Placement] = {}


@cache
def mapped(model: str, mapping: Mapping, adcs: int = USUAL) -> Mapped:
    array = ArrayKind(name="xbar", rows=256, columns=256, adcs=adcs)
    hardware = Hardware(arrays=[array], rows_per_phase=mapping.rows_per_phase)
    problem = make_model(model, hardware, form=mapping.form)  # type: ignore[arg-type]
    solution = solve(problem, method=mapping.method, budget=Budget(seconds=60, workers=1))
    assert solution.metrics is not None
    blocks = Blocks.of(problem)
    placement = Placement.read(blocks, solution)
    estimate = Estimate(blocks, placement, PRESET)
    _placement[id(estimate)] = placement
    metrics = solution.metrics
    print(f"{model}, {mapping.name}, {adcs} ADCs: {metrics.arrays} arrays, {solution.status}", flush=True)
    return Mapped(
        metrics.arrays or 0, metrics.utilization or 0.0, metrics.makespan or 0, str(solution.status), estimate
    )


def busy(one: Mapped, adc: str, bits: int) -> float | None:
    """Sum over all arrays of the time that they are busy for a token, in ns."""
    try:
        conversions = one.estimate.chip.conversions(adc, bits)
    except OutOfRangeError:
        return None
    return float(one.estimate.step_times(conversions).total.sum())


def weights(model: str) -> tuple[int, int]:
    """Weights of the linear layers, dense and as Monarch factors."""
    dense, factors = (mapped(model, mapping).estimate.blocks.cells for mapping in (LINEAR, OURS))
    return dense, factors


def attention(model: str) -> int:
    """Multiplications of a token in attention, which stays as it is: scores and their use, of all layers."""
    shape = MODELS[model]
    stacks = dict(shape.layers)
    layers = sum(stacks.values()) + stacks.get("dec", 0)
    return layers * 2 * TOKENS[model] * shape.hidden


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    cells = [*header]
    lines = ["| " + " | ".join(cells) + " |", "| --- |" + " ---: |" * (len(cells) - 1)]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def average(values: Iterable[float | None]) -> float | None:
    found = [*values]
    return None if None in found else mean(value for value in found if value is not None)


def better(value: Callable[[Mapped, str, int], float | None], mapping: Mapping, adc: str, bits: int) -> str:
    """By which factor a mapping is better than Linear with 8 bits, on average of the models."""
    ratios = []
    for model in NAMES:
        base, mine = value(mapped(model, LINEAR), adc, 8), value(mapped(model, mapping), adc, bits)
        ratios.append(None if base is None or mine is None else base / mine)
    found = average(ratios)
    return "-" if found is None else f"{found:.2f}x"


def latency(one: Mapped, adc: str, bits: int) -> float | None:
    cost = one.cost(adc, bits)
    return None if cost is None else cost.latency_ns


def energy(one: Mapped, adc: str, bits: int) -> float | None:
    """Of a token in pJ, movement between arrays left out."""
    cost = one.cost(adc, bits)
    return None if cost is None else cost.energy_pj - cost.energy_parts["movement"]


def energy_with_movement(one: Mapped, adc: str, bits: int) -> float | None:
    cost = one.cost(adc, bits)
    return None if cost is None else cost.energy_pj


def counts() -> list[str]:
    rows = []
    for model, name in NAMES.items():
        dense, factors = weights(model)
        extra = attention(model)
        operations = (dense + extra) / (factors + extra)
        rows.append(
            (
                name,
                f"{dense:,}",
                f"{factors:,}",
                f"{dense / factors:.2f}x",
                TOKENS[model],
                f"{operations:.2f}x",
            )
        )
    header = ("model", "dense weights", "in Monarch factors", "fewer", "tokens", "fewer operations")
    return ["## Dense to sparse", "", *table(header, rows), COUNTS_TEXT]


def arrays() -> list[str]:
    rows = []
    for model, name in NAMES.items():
        for mapping in MAPPINGS:
            one = mapped(model, mapping)
            rows.append(
                (
                    f"{name}, {mapping.name}",
                    f"{one.arrays:,}",
                    f"{one.utilization:.1%}",
                    f"{one.makespan:,}",
                    one.status,
                )
            )
    header = ("model, mapping", "arrays", "utilization", "makespan, cycles", "status")
    return ["## Arrays and utilization", "", "![](paper-arrays.svg)", "", *table(header, rows), ARRAYS_TEXT]


def costs() -> list[str]:
    lines = ["## Latency and energy under each ADC model", "", COSTS_TEXT, ""]
    others = (SPARSE, DENSE, OURS)
    for title, value in (
        ("Latency of a token: times better than Linear with 8 bits", latency),
        ("Time of all arrays for a token: times less than Linear with 8 bits", busy),
        ("Energy of a token, movement left out: times less than Linear with 8 bits", energy),
        ("Energy of a token with movement: times less than Linear with 8 bits", energy_with_movement),
    ):
        rows = [
            (f"{adc}, {bits} bits", *(better(value, mapping, adc, bits) for mapping in others))
            for adc in ADC_MODELS
            for bits in (8, 5, 3)
        ]
        lines += [f"**{title}**", "", *table(("ADC model", *(one.name for one in others)), rows)]
    return [*lines, "![](paper-energy.svg)", "", *absolute(), *phased()]


def absolute() -> list[str]:
    """BERT-large in ns and pJ, with the bits that the paper gives each mapping."""
    rows = []
    for adc in ADC_MODELS:
        for mapping in MAPPINGS:
            cost = mapped("bert-large", mapping).cost(adc, mapping.bits)
            note = ""
            if cost is None and adc == "accelergy":
                cost = mapped("bert-large", mapping).cost(adc, mapping.bits, extrapolated=True)
                note = ", extrapolated"
            name = f"{adc}, {mapping.name}, {mapping.bits} bits{note}"
            if cost is None:
                rows.append((name, *"-----"))
                continue
            parts = cost.energy_parts
            figures = (cost.energy_pj, parts["adc"], parts["crossbar"], parts["movement"])
            rows.append((name, f"{cost.latency_ns / 1e3:,.1f}", *(f"{value / 1e6:.3f}" for value in figures)))
    header = ("BERT-large", "latency, us", "energy, uJ", "of it ADCs", "crossbars", "movement")
    return [ABSOLUTE_TEXT, "", *table(header, rows)]


def phased() -> list[str]:
    rows = []
    for adc in ("zigzag", "neurosim", "puma"):
        for mapping in (DENSE, PHASED):
            values = [better(value, mapping, adc, 3) for value in (latency, energy)]
            rows.append((f"{adc}, {mapping.name}, 3 bits", *values))
    header = ("against Linear with 8 bits", "latency", "energy without movement")
    return [PHASED_TEXT, "", *table(header, rows)]


def sweep() -> list[str]:
    lines = ["## 4 to 32 ADCs an array", "", "![](paper-adcs.svg)", ""]
    for adc, same in SWEPT:
        title = "8 bits for all" if same else "8, 5, 3 and 5 bits"
        rows = []
        for adcs in ADCS:
            values = [swept(mapping, adc, same, adcs) for mapping in MAPPINGS]
            rows.append((adcs, *(f"{value / 1e3:,.1f}" for value in values)))
        lines += [f"**Latency in us, mean of the models: {adc}, {title}**", ""]
        lines += table(("ADCs", *(one.name for one in MAPPINGS)), rows)
    return [*lines, SWEEP_TEXT]


SWEPT = (("accelergy", True), ("zigzag", False), ("puma", False))


def swept(mapping: Mapping, adc: str, same: bool, adcs: int) -> float:
    found = [latency(mapped(model, mapping, adcs), adc, 8 if same else mapping.bits) for model in NAMES]
    return mean(value for value in found if value is not None)


def verdicts() -> list[str]:
    """Published value, our value, and why they differ."""
    each = {mapping: [mapped(model, mapping) for model in NAMES] for mapping in MAPPINGS}

    def fewer(one: Mapping, other: Mapping) -> str:
        return f"{mean(1 - a.arrays / b.arrays for a, b in zip(each[one], each[other], strict=True)):.1%}"

    def used(mapping: Mapping) -> str:
        return f"{mean(one.utilization for one in each[mapping]):.1%}"

    times = mean(d.utilization / s.utilization for d, s in zip(each[DENSE], each[SPARSE], strict=True))
    dense, factors = weights("bert-large")
    extra = attention("bert-large")
    operations = f"{(dense + extra) / (factors + extra):.2f}x"
    ranges = {
        (value, mapping): spread(better(value, mapping, adc, mapping.bits) for adc in ADC_MODELS)
        for value in (latency, busy, energy, energy_with_movement)
        for mapping in (SPARSE, DENSE)
    }
    rows = [
        ("fewer parameters, BERT-large", "8x", f"{dense / factors:.2f}x", REASONS["parameters"]),
        ("fewer operations, BERT-large", "5.7x", operations, "agrees"),
        ("DenseMap: fewer arrays than Linear", "87 %", fewer(DENSE, LINEAR), REASONS["arrays"]),
        ("DenseMap: fewer arrays than SparseMap", "over 73 %", fewer(DENSE, SPARSE), REASONS["arrays"]),
        ("sbdopt: fewer arrays than Linear", "", fewer(OURS, LINEAR), "every cell used, proven least"),
        ("DenseMap: utilization", "78.8 %", used(DENSE), REASONS["arrays"]),
        ("DenseMap: utilization over SparseMap's", "about 3x", f"{times:.1f}x", REASONS["times"]),
        ("SparseMap: utilization", "", used(SPARSE), "b / m: 12.5 % and 25 %"),
        ("SparseMap: latency against Linear", "1.59x", ranges[latency, SPARSE], REASONS["latency"]),
        ("- time of all arrays", "", ranges[busy, SPARSE], REASONS["busy"]),
        ("DenseMap: latency against Linear", "1.73x", ranges[latency, DENSE], REASONS["dense"]),
        ("- time of all arrays", "", ranges[busy, DENSE], REASONS["busy"]),
        ("DenseMap: energy against Linear", "1.74x", ranges[energy_with_movement, DENSE], REASONS["energy"]),
        ("- without movement", "", ranges[energy, DENSE], REASONS["energy"]),
    ]
    return table(("", "published", "here", "why they differ"), rows)


def spread(values: Iterable[str]) -> str:
    found = sorted(float(value[:-1]) for value in values if value != "-")
    return f"{found[0]:.2f}x to {found[-1]:.2f}x"


COUNTS_TEXT = """Every weight is padded to a square of n = max(inputs, outputs) and becomes two factors of sqrt(n) blocks
of sqrt(n) x sqrt(n). Weights are those of the linear layers; operations are multiplications of a token there and in
attention, over all tokens (no causal mask), which the factors leave as it is. BART's decoder attends twice."""
ARRAYS_TEXT = """Status is of the goals unused cells, then makespan, in this order, of the problem that the mapping is
of: `optimal` means proven. Linear is of the dense model."""
COSTS_TEXT = f"""Preset `{PRESET.name}` ([cost.md](cost.md)) with {USUAL} ADCs an array; means of the three models'
ratios. Linear always has 8 bits. A dash: the ADC model does not hold there, and is not extrapolated."""
ABSOLUTE_TEXT = (
    "BERT-large itself, with the bits that the paper gives each mapping (sbdopt reads whole blocks: 5):"
)
PHASED_TEXT = """3 bits lose nothing only where at most 8 rows are summed (inputs and cells of one bit). Blocks have 32
or 64 rows, so DenseMap then needs 4 or 8 phases a block:"""
SWEEP_TEXT = """Published: DenseMap wins where many columns share an ADC, SparseMap at 32. Here DenseMap's array is read
one block at a time, which the ADCs do not change; more ADCs help those that read more columns at once the most. So
SparseMap's lead over DenseMap grows with the number of ADCs, as published, but it does not turn round at four."""
REASONS = {
    "parameters": "square factors of sqrt(n); 8x exactly needs other blocks",
    "arrays": "our DenseMap fills arrays with all diagonals of all operators",
    "times": "blocks of 64 stand in 25 % of SparseMap's arrays, and DenseMap is fuller here",
    "latency": "Linear needs one step where two factors need two, one after another; all arrays run at once here",
    "busy": "what counts where a chip has fewer arrays than a mapping takes",
    "dense": "as above, and blocks of an operator that share an array wait for each other",
    "energy": "depends on the ADC model, the crossbar and the network more than on the mapping",
}


def panels(name: str, width: float, draw: Iterable[Callable[[Axes], None]]) -> None:
    drawings = [*draw]
    figure = Figure(figsize=(width, 3.2), layout="constrained")
    for axes, one in zip(figure.subplots(1, len(drawings), squeeze=False)[0], drawings, strict=True):
        one(axes)
        axes.legend(frameon=False, fontsize=7, labelcolor=INK)
        tidy(axes)
    save_figure(figure, DOCS / name)


def bars(axes: Axes, groups: list[str], series: dict[str, list[float]], label: str) -> None:
    for place, (name, values) in enumerate(series.items()):
        where = [group + 0.2 * place for group in range(len(groups))]
        axes.bar(where, values, 0.18, label=name, color=PALETTE[place])
    axes.set_xticks([group + 0.3 for group in range(len(groups))], groups, fontsize=8)
    axes.set_ylabel(label, color=INK, fontsize=9)


def draw_pictures() -> None:
    models = list(NAMES)

    def utilization(axes: Axes) -> None:
        series = {one.name: [100 * mapped(model, one).utilization for model in models] for one in MAPPINGS}
        bars(axes, list(NAMES.values()), series, "utilization, %")

    def count(axes: Axes) -> None:
        series = {one.name: [float(mapped(model, one).arrays) for model in models] for one in MAPPINGS}
        bars(axes, list(NAMES.values()), series, "arrays")

    panels("paper-arrays.svg", 9, (count, utilization))

    def energies(axes: Axes) -> None:
        adcs = ["zigzag", "neurosim", "puma"]
        series = {
            one.name: [
                (mapped("bert-large", one).cost(adc, one.bits) or nothing()).energy_pj / 1e6 for adc in adcs
            ]
            for one in MAPPINGS
        }
        bars(axes, adcs, series, "BERT-large: uJ a token")
        axes.set_yscale("log")

    panels("paper-energy.svg", 6, (energies,))

    def lines(adc: str, same: bool) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            for place, one in enumerate(MAPPINGS):
                values = [swept(one, adc, same, adcs) / 1e3 for adcs in ADCS]
                axes.plot(ADCS, values, marker="o", markersize=3, label=one.name, color=PALETTE[place])
            axes.set_xscale("log", base=2)
            axes.set_xticks(ADCS, [str(adcs) for adcs in ADCS])
            axes.set_yscale("log")
            axes.set_xlabel("ADCs an array", color=INK, fontsize=9)
            axes.set_ylabel(f"latency, us ({adc})", color=INK, fontsize=9)

        return draw

    panels("paper-adcs.svg", 11, [lines(adc, same) for adc, same in SWEPT])


def nothing() -> Cost:
    raise ValueError("no such ADC")


HEAD = """# The paper, again

J. P. C. de Lima, M. Dietrich, J. Castrillon, A. A. Khan: *Efficient In-Memory Acceleration of Sparse Block Diagonal
LLMs*, IEEE CCMCC 2025, arXiv 2510.11192. Its code was not released. `python scripts/reproduce_paper.py` writes this
page. Nothing is tuned to match.
"""
ASSUMED = """
## Assumptions

- Arrays of 256 x 256, as many as a mapping takes, all running at once; a weight is one cell, an input one slice.
- Linear cuts the dense weight into pieces of an array and reads each in one step; adding its partial sums takes energy,
  but no time.
- Attention, norms, additions and activations take what IBM's simulator takes by default (attention: assumed).
- A token is one pass through all layers; tokens are not pipelined in the latency.
- Figures of crossbars are assumed and those of drivers, digital units and network are of other nodes: see
  [cost.md](cost.md). The paper names neither technology nor ADC model in what we know of it.
- Movement: with the network of ISAAC, a copy of every input for every step. It is left out of latencies.
- Means are of the three models' ratios.
"""


def main() -> None:
    sections = [*counts(), "", *arrays(), "", *costs(), *sweep()]
    page = [
        HEAD,
        *verdicts(),
        "Ranges are over the ADC models that hold, each mapping with the bits that the paper gives it.",
        ASSUMED,
    ]
    (DOCS / "paper.md").write_text("\n".join([*page, *sections]) + "\n")
    draw_pictures()


if __name__ == "__main__":
    main()
