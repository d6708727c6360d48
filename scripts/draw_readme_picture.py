"""Draw docs/packed.svg: an array of BERT-large as SparseMap fills it, beside one as sbdopt does."""

from pathlib import Path

from sbdopt.blocks import Blocks
from sbdopt.models import make_model
from sbdopt.placement import Placement
from sbdopt.plot import draw_comparison, save_figure
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.solve import solve


def main() -> None:
    array = ArrayKind(name="xbar", rows=256, columns=256, adcs=8)
    problem = make_model("bert-large", Hardware(arrays=[array]))
    blocks = Blocks.of(problem)
    placements = {
        name: Placement.read(blocks, solve(problem, method=method))
        for name, method in {"SparseMap": "sparsemap", "sbdopt": "auto"}.items()
    }
    path = Path(__file__).parent.parent / "docs" / "packed.svg"
    path.parent.mkdir(exist_ok=True)
    save_figure(draw_comparison(blocks, placements), path)


if __name__ == "__main__":
    main()
