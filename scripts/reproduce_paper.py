"""Write docs/paper.md: what de Lima et al. (IEEE CCMCC 2025) report, and what comes out here.

Nothing is tuned to match. It takes some three minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from paper_mappings import (
    ADCS,
    DENSE,
    LINEAR,
    MAPPINGS,
    NAMES,
    OURS,
    PHASED,
    PRESET,
    SPARSE,
    TOKENS,
    USUAL,
    Figure,
    Mapping,
    better,
    busy,
    energy,
    energy_with_movement,
    fewer_operations,
    holding,
    latency,
    mapped,
    swept,
    weights,
)
from paper_pictures import draw_pictures

from sbdopt.cost import ADC_MODELS, Cost

DOCS = Path(__file__).parent.parent / "docs"


def table(header: Iterable[str], rows: Iterable[Iterable[object]], text: int = 0) -> list[str]:
    """A table; all columns but the first and the last `text` are right-aligned."""
    cells = [*header]
    rule = ["---", *["---:"] * (len(cells) - 1 - text), *["---"] * text]
    return [*("| " + " | ".join(map(str, row)) + " |" for row in (cells, rule, *rows)), ""]


def times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}x"


def verdicts() -> list[str]:
    """Published value, our value, and why they differ."""
    each = {mapping: [mapped(model, mapping) for model in NAMES] for mapping in MAPPINGS}

    def fewer(one: Mapping, other: Mapping) -> str:
        shares = [1 - a.arrays / b.arrays for a, b in zip(each[one], each[other], strict=True)]
        return f"{100 * mean(shares):.1f} %"

    def used(mapping: Mapping) -> str:
        return f"{100 * mean(one.utilization for one in each[mapping]):.1f} %"

    def span(figure: Figure, mapping: Mapping) -> str:
        found = [better(figure, mapping, adc, mapping.bits) for adc in ADC_MODELS]
        known = sorted(ratio for ratio in found if ratio is not None)
        return f"{known[0]:.2f}x to {known[-1]:.2f}x"

    fuller = mean(d.utilization / s.utilization for d, s in zip(each[DENSE], each[SPARSE], strict=True))
    dense, factors = weights("bert-large")
    operations = times(fewer_operations("bert-large"))
    rows = [
        ("fewer parameters, BERT-large", "8x", times(dense / factors), PARAMETERS),
        ("fewer operations, BERT-large", "5.7x", operations, "the same to 2 %"),
        ("DenseMap: fewer arrays than Linear", "87 %", fewer(DENSE, LINEAR), FULLER),
        ("DenseMap: fewer arrays than SparseMap", "over 73 %", fewer(DENSE, SPARSE), FULLER),
        ("DenseMap: utilization", "78.8 %", used(DENSE), FULLER),
        ("DenseMap: utilization, times SparseMap's", "about 3x", f"{fuller:.1f}x", FULLER),
        ("sbdopt: fewer arrays than Linear", "", fewer(OURS, LINEAR), "every cell used: proven least"),
        ("SparseMap: latency, times better", "1.59x", span(latency, SPARSE), SLOWER),
        ("DenseMap: latency, times better", "1.73x", span(latency, DENSE), SLOWER_STILL),
        ("SparseMap: time of all arrays", "", span(busy, SPARSE), BUSY),
        ("DenseMap: time of all arrays", "", span(busy, DENSE), BUSY),
        ("DenseMap: energy, times better", "1.74x", span(energy_with_movement, DENSE), ENERGY),
        ("DenseMap: energy without movement", "", span(energy, DENSE), ENERGY),
        ("faster of SparseMap and DenseMap", "DenseMap with few ADCs, SparseMap with 32", "see below", TURN),
    ]
    header = ("against Linear, mean of three models", "published", "here", "why they differ")
    return table(header, rows, text=1)


def counts() -> list[str]:
    rows = []
    for model, name in NAMES.items():
        dense, factors = weights(model)
        saved, operations = times(dense / factors), times(fewer_operations(model))
        rows.append((name, f"{dense:,}", f"{factors:,}", saved, TOKENS[model], operations))
    header = ("model", "dense weights", "in Monarch factors", "fewer", "tokens", "fewer operations")
    return ["## Dense to sparse", "", *table(header, rows), COUNTS]


def arrays() -> list[str]:
    rows = []
    for model, name in NAMES.items():
        for mapping in MAPPINGS:
            one = mapped(model, mapping)
            used = f"{100 * one.utilization:.1f} %"
            rows.append((f"{name}, {mapping.name}", f"{one.arrays:,}", used, f"{one.makespan:,}", one.status))
    header = ("model, mapping", "arrays", "utilization", "makespan, cycles", "status")
    return ["", "## Arrays and utilization", "", "![](paper-arrays.svg)", "", *table(header, rows), ARRAYS]


def costs() -> list[str]:
    lines = ["", "## Latency and energy under each ADC model", "", COSTS, ""]
    for title, figure in (
        ("Latency of a token", latency),
        ("Time that all arrays together are busy with a token", busy),
        ("Energy of a token, movement left out", energy),
        ("Energy of a token with movement", energy_with_movement),
    ):
        rows = []
        for adc in ADC_MODELS:
            for bits in (8, 5, 3):
                ratios = [times(better(figure, one, adc, bits)) for one in MAPPINGS[1:]]
                rows.append((f"{adc}, {bits} bits", *ratios))
        lines += [f"**{title}: times better than Linear with 8 bits**", ""]
        lines += table(("ADC model", *(one.name for one in MAPPINGS[1:])), rows)
    return [*lines, "![](paper-energy.svg)", "", *absolute(), *phased()]


def absolute() -> list[str]:
    """BERT-large in us and uJ, with the bits that the paper gives each mapping."""
    rows: list[tuple[str, ...]] = []
    for adc in ADC_MODELS:
        for mapping in MAPPINGS:
            one = mapped("bert-large", mapping)
            name, cost = f"{adc}, {mapping.name}, {mapping.bits} bits", one.cost(adc, mapping.bits)
            rows.append((name, *"-----") if cost is None else (name, *absolutes(cost)))
            if cost is None and adc == "accelergy":
                rows.append((f"{name}, extrapolated", *absolutes(one.extrapolated(adc, mapping.bits))))
    header = ("BERT-large", "latency, us", "energy, uJ", "of it ADCs", "crossbars", "movement")
    return [ABSOLUTE, "", *table(header, rows)]


def absolutes(cost: Cost) -> list[str]:
    parts = cost.energy_parts
    energies = (cost.energy_pj, parts["adc"], parts["crossbar"], parts["movement"])
    return [f"{cost.latency_ns / 1e3:,.1f}", *(f"{value / 1e6:.3f}" for value in energies)]


def phased() -> list[str]:
    rows = [
        (f"{adc}, {one.name}, 3 bits", *(times(better(figure, one, adc, 3)) for figure in (latency, energy)))
        for adc in holding()
        for one in (DENSE, PHASED)
    ]
    header = ("times better than Linear with 8 bits", "latency", "energy without movement")
    return [PHASES, "", *table(header, rows)]


def sweep() -> list[str]:
    lines = ["## 4 to 32 ADCs an array", "", SWEEP, "", "![](paper-adcs.svg)", ""]
    for adc in holding():
        rows = []
        for adcs in ADCS:
            found = {one.name: swept(one, adc, adcs) or 0.0 for one in MAPPINGS}
            faster = min((SPARSE.name, DENSE.name), key=found.__getitem__)
            rows.append((adcs, *(f"{value / 1e3:,.1f}" for value in found.values()), faster))
        lines += [f"**Latency in us, mean of the models: {adc}**", ""]
        header = ("ADCs", *(one.name for one in MAPPINGS), "faster of SparseMap and DenseMap")
        lines += table(header, rows, text=1)
    return lines


PARAMETERS = (
    "square factors of sqrt(n) blocks; 8x needs 64 x 64 blocks everywhere, and then operations differ"
)
FULLER = "theirs is not released; ours fills arrays with diagonals of any operators, as many as fit"
SLOWER = (
    "here all arrays of a mapping run at once, and Linear takes one step where two factors take two, one "
    "after the other; the paper's assumption is not known to us"
)
SLOWER_STILL = "as above; besides, blocks that share an array are read one after another"
BUSY = "not in the paper; what counts where a chip has fewer arrays than Linear takes"
ENERGY = "follows crossbar, network and ADC model, none of which we know of the paper"
TURN = "whether it turns round depends on how slow a conversion is"
COUNTS = """Every weight is padded to a square of n = max(inputs, outputs) and becomes two factors of
sqrt(n) blocks of sqrt(n) x sqrt(n). Weights are those of the linear layers; operations are
multiplications of a token there and in attention, over all tokens (no causal mask), which the factors
leave as it is. BART's decoder attends twice."""
ARRAYS = """Status is that of the goals unused cells, then makespan, in this order: `optimal` means proven
for the problem that is mapped, which for Linear is the dense model."""
COSTS = f"""Preset `{PRESET.name}` ([cost.md](cost.md)) with {USUAL} ADCs an array; means of the three
models' ratios. A dash: the ADC model does not hold there, and is not extrapolated."""
ABSOLUTE = "BERT-large itself, with the bits that the paper gives each mapping (sbdopt as SparseMap: 5):"
PHASES = """3 bits lose nothing only where at most 8 rows are summed (inputs and cells of one bit). Blocks
have 32 or 64 rows, so DenseMap then needs 4 or 8 phases a block:"""
SWEEP = """With the bits that the paper gives each mapping; only ADC models that hold for all of them.
DenseMap reads 32 or 64 columns of an array at a time, SparseMap 256, Linear 256: where a conversion is
slow against the 100 ns of a read, few ADCs favour DenseMap, as published; where it is fast, DenseMap's
many reads one after another decide."""
HEAD = """# The paper, again

J. P. C. de Lima, M. Dietrich, J. Castrillon, A. A. Khan: *Efficient In-Memory Acceleration of Sparse
Block Diagonal LLMs*, IEEE CCMCC 2025, arXiv 2510.11192. Its code was not released. `python
scripts/reproduce_paper.py` writes this page. Nothing is tuned to match.
"""
RANGES = "Ranges are over the ADC models that hold, each mapping with the bits that the paper gives it."
ASSUMED = """
## Assumptions

- Arrays of 256 x 256, as many as a mapping takes, all running at once; a weight is one cell, an input one
  slice.
- Linear cuts the dense weight into pieces of an array and reads each in one step; adding its partial sums
  takes energy, but no time.
- Attention, norms, additions and activations take what IBM's simulator takes by default (attention:
  assumed).
- A token is one pass through all layers; tokens are not pipelined in the latency.
- Figures of crossbars are assumed and those of drivers, digital units and network are of other nodes: see
  [cost.md](cost.md). Neither the paper's technology nor its ADC model is known to us.
- Movement: with the network of ISAAC, a copy of every input for every step. It is left out of latencies.
- PUMA's ADC is as slow as the reading of its figures in [cost.md](cost.md) says.
"""


def main() -> None:
    page = [HEAD, *verdicts(), RANGES, ASSUMED, *counts(), *arrays(), *costs(), *sweep()]
    (DOCS / "paper.md").write_text("\n".join(page).rstrip() + "\n")
    draw_pictures(DOCS)


if __name__ == "__main__":
    main()
