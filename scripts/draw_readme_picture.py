"""Draw docs/packed.svg: an array of BERT-large as SparseMap fills it, beside one as sbdopt does."""

from pathlib import Path

from sbdopt.blocks import Blocks
from sbdopt.goals import DEFAULT_GOALS
from sbdopt.models import make_model
from sbdopt.placement import Placement
from sbdopt.plot import draw_comparison, save_figure
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.search.baselines import sparsemap
from sbdopt.search.budget import Budget
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Found, Method


def last_found(method: Method, blocks: Blocks) -> Placement:
    findings = method(blocks, DEFAULT_GOALS, Budget(), 0, None)
    return [finding.placement for finding in findings if isinstance(finding, Found)][-1]


def main() -> None:
    array = ArrayKind(name="xbar", rows=256, columns=256, adcs=8)
    blocks = Blocks.of(make_model("bert-large", Hardware(arrays=[array])))
    placements = {"SparseMap": last_found(sparsemap, blocks), "sbdopt": last_found(greedy, blocks)}
    path = Path(__file__).parent.parent / "docs" / "packed.svg"
    path.parent.mkdir(exist_ok=True)
    save_figure(draw_comparison(blocks, placements), path)


if __name__ == "__main__":
    main()
