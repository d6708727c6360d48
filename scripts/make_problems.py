"""Write problems/: small ones that show one idea each, models, and pruned matrices."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from sbdopt import ArrayKind, BlockColumns, Hardware, Operator, Problem, make_model

PROBLEMS = Path(__file__).parent.parent / "problems"
MAKERS: list[Callable[[], Problem]] = []

Block = tuple[int, int, int, int]
"""Input, output, height and width."""


def problem(maker: Callable[[], Problem]) -> Callable[[], Problem]:
    """A function that makes one of the problems; its docstring says what the problem shows."""
    MAKERS.append(maker)
    return maker


def arrays(rows: int, columns: int, adcs: int, name: str = "xbar", **more: object) -> ArrayKind:
    return ArrayKind(name=name, rows=rows, columns=columns, adcs=adcs, **more)


def crossbar(name: str, blocks: Iterable[Block], *after: str, reads: str | None = None) -> Operator:
    table = np.array(list(blocks), dtype=np.int64)
    ends = table[:, :2] + table[:, 2:]
    names = ("input", "output", "height", "width")
    columns = BlockColumns(**dict(zip(names, table.T, strict=True)))
    return Operator(
        name=name, after=list(after), input=reads, shape=ends.max(axis=0).tolist(), blocks=columns
    )


def digital(name: str, cycles: int, *after: str) -> Operator:
    return Operator(name=name, after=list(after), cycles=cycles)


def diagonal(*sizes: tuple[int, int]) -> list[Block]:
    """Blocks of these heights and widths down the diagonal of a matrix."""
    ends = np.cumsum([(0, 0), *sizes], axis=0).tolist()
    return [(*end, *size) for end, size in zip(ends[:-1], sizes, strict=True)]


def made(name: str, hardware: Hardware | ArrayKind, *operators: Operator) -> Problem:
    if isinstance(hardware, ArrayKind):
        hardware = Hardware(arrays=[hardware])
    return Problem(name=name, hardware=hardware, operators=list(operators))


@problem
def diagonal_pair() -> Problem:
    """Two blocks on the diagonal of an array, with nothing else on their crossings, are read in one step."""
    return made("diagonal-pair", arrays(8, 8, 8), crossbar("a", diagonal((4, 4), (4, 4))))


@problem
def side_by_side() -> Problem:
    """Operators that read the same vector share rows: side by side they are read in one step."""
    blocks = diagonal((4, 3))
    return made(
        "side-by-side",
        arrays(4, 9, 9),
        *(crossbar(name, blocks, reads="x") for name in ("q", "k", "v")),
    )


@problem
def partial_sums() -> Problem:
    """Blocks with the same outputs, one above the other, add up in their columns within one step."""
    return made("partial-sums", arrays(12, 4, 2), crossbar("a", [(0, 0, 5, 4), (5, 0, 4, 4), (9, 0, 3, 4)]))


@problem
def ghost_cell() -> Problem:
    """A third block on a crossing of the diagonal pair would conduct too: it has to stand elsewhere."""
    return made(
        "ghost-cell",
        arrays(8, 12, 8),
        crossbar("a", diagonal((4, 4), (4, 4))),
        crossbar("b", diagonal((4, 4)), "a"),
    )


@problem
def faults() -> Problem:
    """A faulty cell takes no weight and always conducts: blocks stand beside it and off its crossings."""
    broken = [[0, 3, 3, 2, 2], [1, 0, 7, 8, 1]]
    return made(
        "faults",
        arrays(8, 8, 2, count=3, faults=broken),
        crossbar("a", diagonal((3, 3), (3, 3))),
        crossbar("b", diagonal((8, 4), (5, 3)), "a"),
    )


@problem
def tiers() -> Problem:
    """Arrays of one tile are read one after another, so what runs together goes to different tiles."""
    blocks = diagonal((8, 8), (8, 8))
    return made(
        "tiers",
        arrays(8, 8, 4, tiers=2),
        crossbar("a", blocks),
        crossbar("b", blocks, "a"),
        crossbar("c", blocks, "b"),
    )


@problem
def two_kinds() -> Problem:
    """A large array with few converters and small ones with many: each block has its place."""
    kinds = [arrays(16, 16, 2, name="large", count=1), arrays(8, 8, 8, name="small", count=3)]
    return made(
        "two-kinds",
        Hardware(arrays=kinds),
        crossbar("wide", diagonal((4, 16), (12, 10))),
        crossbar("narrow", diagonal((8, 4), (8, 4), (8, 5)), "wide"),
    )


@problem
def bit_slices() -> Problem:
    """A weight takes four columns and an input eight slices: columns are scarce, and every step is long."""
    hardware = Hardware(arrays=[arrays(16, 32, 8)], columns_per_weight=4, input_slices=8)
    return made(
        "bit-slices",
        hardware,
        crossbar("a", diagonal((8, 4), (8, 4))),
        crossbar("b", diagonal((8, 4), (8, 4)), "a"),
    )


@problem
def phases() -> Problem:
    """At most four rows are summed at a time: a tall block takes phases, and so does what is read with it."""
    hardware = Hardware(arrays=[arrays(16, 16, 4)], rows_per_phase=4)
    return made(
        "phases",
        hardware,
        crossbar("tall", diagonal((12, 4), (4, 12))),
        crossbar("flat", diagonal((4, 4), (4, 4), (4, 4)), "tall"),
    )


@problem
def slow_conversions() -> Problem:
    """Every bit of a conversion takes time: partial sums of more rows need more bits."""
    hardware = Hardware(arrays=[arrays(32, 8, 4)], conversion_cycles=2, conversion_cycles_per_bit=1)
    stacked = [(16 * i, 0, 16, 8) for i in range(4)]
    return made("slow-conversions", hardware, crossbar("a", stacked), crossbar("b", stacked[:2], "a"))


@problem
def digital_chain() -> Problem:
    """Two branches meet again: the slow one is the critical path, the other has time to spare."""
    pair = diagonal((8, 8), (8, 8))
    return made(
        "digital-chain",
        arrays(16, 16, 4),
        crossbar("first", pair),
        digital("norm", 20, "first"),
        crossbar("slow.a", pair, "norm"),
        digital("gelu", 30, "slow.a"),
        crossbar("slow.b", pair, "gelu"),
        crossbar("fast", pair, "first"),
        digital("add", 5, "slow.b", "fast"),
    )


@problem
def cells_or_cycles() -> Problem:
    """Four arrays hold everything and leave no cell empty, but then what runs together shares arrays."""
    squares = diagonal((8, 8), (8, 8), (8, 8))
    return made(
        "cells-or-cycles",
        arrays(16, 16, 2),
        *(crossbar(name, squares, reads="x") for name in ("q", "k", "v")),
        digital("attention", 10, "q", "k", "v"),
        crossbar("o", [*squares, (24, 24, 8, 8)], "attention"),
        crossbar("gate", squares, "o"),
    )


def mixed(name: str, seed: int, count: int, side: int = 64) -> Problem:
    rng = np.random.default_rng(seed)
    heights, widths = rng.integers(side // 8, side // 2 + 1, (2, count)).tolist()
    groups = np.array_split(np.arange(count), 4)
    operators: list[Operator] = []
    for number, group in enumerate(groups):
        sizes = [(heights[i], widths[i]) for i in group]
        before = [operators[-1].name] if number else []
        operators.append(crossbar("abcd"[number], diagonal(*sizes), *before))
    return made(name, arrays(side, side, 8), *operators)


@problem
def mixed_12() -> Problem:
    """Twelve blocks of all sizes in a chain of four operators."""
    return mixed("mixed-12", 1, 12)


@problem
def mixed_20() -> Problem:
    """Twenty blocks of all sizes in a chain of four operators."""
    return mixed("mixed-20", 11, 20)


@problem
def mixed_20_tight() -> Problem:
    """Twenty blocks that would leave 161 cells of two arrays empty: whether they fit is hard to say."""
    return mixed("mixed-20-tight", 2, 20)


@problem
def mixed_40() -> Problem:
    """Forty blocks of all sizes in a chain of four operators: hard to prove."""
    return mixed("mixed-40", 3, 40)


def pruned(name: str, seed: int, operators: int, side: int, keep: float, largest: int) -> Problem:
    """Matrices cut into irregular rows and columns, of whose rectangles only some are kept."""
    rng = np.random.default_rng(seed)
    result: list[Operator] = []
    for number in range(operators):
        top, left = (np.cumsum([0, *_cuts(rng, side, largest)]) for _ in range(2))
        kept = np.argwhere(rng.random((len(top) - 1, len(left) - 1)) < keep).tolist() or [[0, 0]]
        blocks = [(top[i], left[j], top[i + 1] - top[i], left[j + 1] - left[j]) for i, j in kept]
        before = [result[-1].name] if number else []
        table = crossbar(f"layer{number}", blocks, *before)
        result.append(table.model_copy(update={"shape": [side, side]}))
    return made(name, arrays(128, 128, 8), *result)


def _cuts(rng: np.random.Generator, side: int, largest: int) -> list[int]:
    sizes: list[int] = []
    while (rest := side - sum(sizes)) > 0:
        sizes.append(min(int(rng.integers(8, largest + 1)), rest))
    return sizes


@problem
def pruned_300() -> Problem:
    """Pruned matrices: some hundred blocks of nearly as many sizes, a chain of six operators."""
    return pruned("pruned-300", 4, 6, 512, 0.20, 56)


@problem
def pruned_1000() -> Problem:
    """Pruned matrices: a thousand blocks of nearly as many sizes, a chain of eight operators."""
    return pruned("pruned-1000", 5, 8, 768, 0.15, 48)


@problem
def pruned_3000() -> Problem:
    """Pruned matrices: three thousand blocks of very many sizes, a chain of twelve operators."""
    return pruned("pruned-3000", 6, 12, 1024, 0.20, 48)


PAPER = Hardware(arrays=[arrays(256, 256, 8)])


@problem
def bert_large() -> Problem:
    """BERT-large, every weight a product of two block-diagonal factors, on 256 x 256 arrays."""
    return make_model("bert-large", PAPER)


@problem
def bart_large() -> Problem:
    """BART-large: an encoder, and a decoder with cross attention."""
    return make_model("bart-large", PAPER)


@problem
def gpt2_medium() -> Problem:
    """GPT-2-medium: like BERT-large, but sublayers normalise what they read."""
    return make_model("gpt2-medium", PAPER)


@problem
def bert_large_dense() -> Problem:
    """BERT-large as it is, unfactored, cut to the size of the arrays: what Linear maps."""
    return make_model("bert-large", PAPER, form="dense")


@problem
def bert_large_1_layer() -> Problem:
    """One layer of BERT-large: on few arrays all cells are used, but what runs together has to queue."""
    return make_model("bert-large", PAPER, layers=1)


@problem
def minilm_l6_1_layer() -> Problem:
    """One layer of MiniLM on 64 x 64 arrays: rectangular factors of several sizes."""
    return make_model("minilm-l6", Hardware(arrays=[arrays(64, 64, 8)]), layers=1)


@problem
def llama_3_8b_1_layer() -> Problem:
    """One layer of Llama 3 8B on 24 tiles of four arrays, 512 x 512 each."""
    kind = arrays(512, 512, 32, tiers=4, count=96)
    return make_model("llama-3-8b", Hardware(arrays=[kind]), layers=1)


OPEN = """
The least makespan on the fewest arrays is known to within 2 % for the layers of BERT-large and MiniLM, but
not for that of Llama 3 8B. The arrays that it needs leave a quarter of one array empty, and empty cells are
what steps of several blocks need. The bound grants them twice. All steps together may save as much as if
all empty cells were on one array, where they are the crossings of far more pairs of blocks; yet each stage
may use these savings on whichever arrays are busy then. In truth an array saves only with cells of its own:
two blocks of 64 x 64 in one step save one cycle and need 8,192 empty cells, so that no more than eight
arrays can hold such a pair, and hardly any stage becomes shorter by that. A proof would have to count empty
cells array by array. Besides, the bound takes a block of 128 rows and one of 64 that read some of the same
inputs to be read together at no cost, though cells beside the smaller one would have to be empty for that.

On all 96 arrays, with the makespan first, the layer of Llama 3 8B takes 417 cycles within a minute, where
384 are proven. Digital operators take 290 of them. A tile reads one of its four arrays at a time, and most
stages have 64 or 128 blocks for 24 tiles, so that some tiles have three of them, or six: read one by one
and dealt as evenly as whole blocks can be, all stages take 125 cycles on the crossbars, 415 in all. Only
blocks that are read together take less, again for empty cells, of which all arrays have as many as five and
a quarter of them hold. The bound lets conversions be divided evenly, as if blocks could be cut, and grants
those cells to every stage anew.
"""
"""What is open, and why."""


def main(folder: Path = PROBLEMS) -> None:
    """Write all problems, and a page that says what each shows."""
    folder.mkdir(exist_ok=True)
    lines = ["# Problems", "", "Written by `python scripts/make_problems.py`.", ""]
    lines += ["| problem | operators | blocks | what it shows |", "| --- | ---: | ---: | --- |"]
    for maker in MAKERS:
        one = maker()
        one.save(folder / f"{one.name}.json")
        blocks = sum(len(operator.blocks) for operator in one.operators if operator.blocks is not None)
        lines.append(
            f"| [{one.name}]({one.name}.json) | {len(one.operators)} | {blocks:,} | {maker.__doc__} |"
        )
    made = "written by `python scripts/make_example.py`"
    lines += ["", f"`pruned.safetensors`, {made}, is a checkpoint for `sbdopt import`."]
    lines += ["", "## Not proven", "", OPEN.strip()]
    (folder / "README.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
