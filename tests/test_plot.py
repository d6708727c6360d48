import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sbdopt.blocks import Blocks
from sbdopt.errors import InputError
from sbdopt.models import make_model
from sbdopt.placement import Placement
from sbdopt.plot import draw_comparison, draw_solution, panels, save_figure
from sbdopt.plot.scene import PALETTE, percent, plain
from sbdopt.problem import ArrayKind, BlockColumns, Hardware, Operator, Problem
from sbdopt.search.baselines import densemap, linear, sparsemap
from sbdopt.search.budget import Budget
from sbdopt.search.method import Method


def operator(name: str, count: int, side: int, *after: str) -> Operator:
    k = np.arange(count) * side
    table = BlockColumns(input=k, output=k, height=np.full(count, side), width=np.full(count, side))
    return Operator(name=name, after=list(after), shape=[count * side] * 2, blocks=table)


def problem(*operators: Operator, **changes: object) -> Blocks:
    kind = ArrayKind(**({"name": "xbar", "rows": 8, "columns": 8, "adcs": 1} | changes))
    return Blocks.of(Problem(name="drawn", hardware=Hardware(arrays=[kind]), operators=list(operators)))


def two_step(**changes: object) -> Blocks:
    """On an array: 5 cycles of a, 7 of a norm, 5 of b, with `linear` and one converter."""
    norm = Operator(name="norm", after=["a"], cycles=7)
    return problem(operator("a", 2, 4), norm, operator("b", 1, 4, "norm"), **changes)


def placed(method: Method, blocks: Blocks) -> Placement:
    return next(method(blocks, ("makespan",), Budget(), 0, None)).placement


def draw(method: Method, blocks: Blocks, **options: int) -> Figure:
    return draw_solution(blocks, placed(method, blocks), **options)


def shapes(axes: Axes) -> list[tuple[tuple[float, float, float, float], tuple]]:
    """Left, top, right and bottom of all rectangles of a panel, and their colour."""
    found = []
    for collection in axes.collections:
        assert isinstance(collection, PolyCollection)
        for path, colour in zip(
            collection.get_paths(), np.resize(collection.get_facecolor(), (99, 4)), strict=False
        ):
            box = path.get_extents()
            found.append(((box.x0, box.y0, box.x1, box.y1), tuple(colour)))
    return found


def panels_of(figure: Figure) -> tuple[list[Axes], Axes]:
    *arrays, timeline = figure.get_axes()
    return arrays, timeline


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in panels_of(figure)[0]]


def test_arrays_show_their_blocks_in_the_colour_of_their_operator() -> None:
    figure = draw(sparsemap, two_step())
    arrays, _ = panels_of(figure)
    one, other = to_rgba(PALETTE[0]), to_rgba(PALETTE[1])
    assert shapes(arrays[0]) == [((0, 0, 4, 4), one), ((4, 4, 8, 8), one)]
    assert shapes(arrays[1]) == [((0, 0, 4, 4), other)]
    assert titles(figure) == ["xbar 0: 50%", "xbar 1: 25%"]
    assert {text.get_text() for text in arrays[0].texts} == {"a[0]", "a[1]"}
    assert figure.get_suptitle() == "drawn: 2 arrays, 37.5% of the cells used, 21 cycles"


def test_the_timeline_shows_steps_and_digital_operators() -> None:
    blocks = two_step()
    _, timeline = panels_of(draw(sparsemap, blocks))
    bars = [(left, right) for (left, _, right, _), _ in shapes(timeline)]
    assert bars == [(0, 9), (16, 21), (9, 16)]
    assert [label.get_text() for label in timeline.get_yticklabels()] == ["xbar 0", "xbar 1", "digital"]
    assert timeline.get_xlim() == (0, 21)
    assert [text.get_text() for text in timeline.texts] == ["a", "b"]


def test_a_legend_only_where_operators_are_few() -> None:
    few = draw(linear, two_step())
    (legend,) = few.subfigs[1].legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    many = draw(linear, problem(*[operator(str(k), 1, 2) for k in range(len(PALETTE) + 1)]))
    assert not many.subfigs[1].legends
    assert "colour" in panels_of(many)[1].get_xlabel()


def test_a_step_of_two_operators_is_divided() -> None:
    blocks = problem(operator("a", 1, 4), operator("b", 1, 4))
    together = Placement(*np.array([[0, 0], [0, 0], [0, 4], [0, 4], [0, 0]]))
    _, timeline = panels_of(draw_solution(blocks, together))
    (a, _), (b, _) = shapes(timeline)
    assert a[0::2] == b[0::2] == (0, 9)
    assert a[3] == pytest.approx(b[1])


def test_faults_are_shown_on_their_array() -> None:
    blocks = problem(operator("a", 1, 4), faults=[[0, 6, 5, 1, 2], [1, 0, 0, 1, 1]])
    corner = Placement(*np.zeros((5, 1), dtype=np.int64))
    (array,), _ = panels_of(draw_solution(blocks, corner))
    assert [box for box, colour in shapes(array) if colour == to_rgba(panels.FAULTY)] == [(5, 6, 7, 7)]


def test_of_many_arrays_some_are_shown_and_the_timeline_is_an_image() -> None:
    blocks = problem(operator("a", 40, 8))
    figure = draw(linear, blocks, arrays=6)
    assert titles(figure) == [f"xbar {number}: 100%" for number in (0, 8, 16, 23, 31, 39)]
    assert figure.subfigs[0].get_suptitle() == "6 of the 40 arrays"
    (image,) = panels_of(figure)[1].images
    assert image.get_extent() == [0, 9, 40, 0]
    assert not shapes(panels_of(figure)[1])


def test_the_image_has_the_colour_of_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "MOST_LANES", 0)
    _, timeline = panels_of(draw(sparsemap, two_step()))
    (image,) = timeline.images
    pixels = np.asarray(image.get_array())
    white = np.ones(3)
    assert pixels.shape == (2, 21, 3)
    assert pixels[0, :9] == pytest.approx(np.tile(to_rgba(PALETTE[0])[:3], (9, 1)))
    assert pixels[1, 16:] == pytest.approx(np.tile(to_rgba(PALETTE[1])[:3], (5, 1)))
    assert pixels[0, 9:] == pytest.approx(np.tile(white, (12, 1)))
    assert pixels[1, :16] == pytest.approx(np.tile(white, (16, 1)))


def test_bins_of_the_image_hold_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "MOST_LANES", 0)
    blocks = problem(operator("a", 2, 8), Operator(name="norm", cycles=2500))
    _, timeline = panels_of(draw(linear, blocks))
    pixels = np.asarray(timeline.images[0].get_array())
    assert pixels.shape == (2, 1200, 3)
    bin_of_cycles = 2500 / 1200
    darkness = 1 - np.array(to_rgba(PALETTE[0])[:3])
    assert (1 - pixels).sum(axis=(0, 1)) * bin_of_cycles == pytest.approx(2 * 9 * darkness)


def test_tiles_name_all_their_arrays() -> None:
    _, timeline = panels_of(draw(linear, problem(operator("a", 3, 8), tiers=2)))
    assert [label.get_text() for label in timeline.get_yticklabels()] == ["xbar 0-1", "xbar 2-3"]


def test_a_problem_without_blocks_has_a_timeline() -> None:
    figure = draw(linear, problem(Operator(name="norm", cycles=3)))
    assert len(figure.get_axes()) == 1
    assert figure.get_suptitle() == "drawn: 0 arrays, 3 cycles"


def test_a_comparison_shows_the_array_of_one_block_of_each() -> None:
    blocks = two_step()
    figure = draw_comparison(
        blocks, {"one": placed(linear, blocks), "two": placed(sparsemap, blocks)}, block=1
    )
    one, two = figure.get_axes()
    assert (one.get_title(), two.get_title()) == ("one", "two")
    assert (len(shapes(one)), len(shapes(two))) == (1, 2)
    assert two.get_xlabel() == "2 arrays, 37.5% of the cells used, 21 cycles"
    assert len(figure.legends) == 1


def test_a_comparison_of_many_operators_has_a_scale_of_cycles() -> None:
    count = len(PALETTE) + 1
    k = np.arange(count)
    blocks = problem(*[operator(str(number), 1, 2) for number in range(count)])
    full = Placement(kind=0 * k, array=0 * k, row=k // 4 * 2, column=k % 4 * 2, start=3 * k)
    figure = draw_comparison(blocks, {"full": full})
    array, scale = figure.get_axes()
    assert scale.get_ylabel() == "read in cycle"
    assert len({colour for _, colour in shapes(array)}) == len(shapes(array)) == count


def test_names_are_shortened_and_no_formulas(tmp_path: Path) -> None:
    assert plain("$x$") == r"\$x\$"
    assert plain("x" * 30) == "x" * 21 + "..."
    blocks = problem(operator(r"$\nonsense{$", 1, 4), operator("_hidden", 1, 4), name="$" * 40)
    save_figure(draw(linear, blocks), tmp_path / "odd.png")


def test_only_what_is_full_is_all_of_it() -> None:
    assert [percent(share, 1) for share in (0.99999, 1.0, 0.375, 0.29)] == [
        "99.9%",
        "100.0%",
        "37.5%",
        "29.0%",
    ]


@pytest.mark.parametrize("shape", [(4, 4096), (4096, 4), (1, 1)])
def test_arrays_of_any_shape(shape: tuple[int, int], tmp_path: Path) -> None:
    blocks = problem(operator("a", 3, min(shape)), rows=shape[0], columns=shape[1])
    save_figure(draw(linear, blocks), tmp_path / "odd.svg")


@pytest.mark.parametrize("suffix", ["png", "svg", "PNG"])
def test_files_are_valid_and_the_same_every_time(suffix: str, tmp_path: Path) -> None:
    blocks = two_step()
    paths = [tmp_path / f"{number}.{suffix}" for number in (1, 2)]
    for path in paths:
        save_figure(draw(sparsemap, blocks), path)
    content = paths[0].read_bytes()
    assert content == paths[1].read_bytes()
    if suffix == "svg":
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
        assert b"<dc:date>" not in content
    else:
        assert content.startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("name", ["picture.pdf", "picture", "picture.svg/x.png"])
def test_what_cannot_be_written(name: str, tmp_path: Path) -> None:
    figure = draw(linear, two_step())
    save_figure(figure, tmp_path / "picture.svg")
    with pytest.raises(InputError, match=r"picture"):
        save_figure(figure, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["picture.svg"]


def test_a_large_model_gives_a_small_file(tmp_path: Path) -> None:
    array = ArrayKind(name="xbar", rows=256, columns=256, adcs=8)
    blocks = Blocks.of(make_model("bert-large", Hardware(arrays=[array])))
    placements = {"SparseMap": placed(sparsemap, blocks), "DenseMap": placed(densemap, blocks)}
    save_figure(draw_comparison(blocks, placements), tmp_path / "both.svg")
    save_figure(draw_solution(blocks, placements["DenseMap"]), tmp_path / "dense.svg")
    assert (tmp_path / "both.svg").stat().st_size < 100_000
    assert (tmp_path / "dense.svg").stat().st_size < 400_000


def test_matplotlib_waits_until_something_is_drawn() -> None:
    code = "import sys, sbdopt.plot; print('matplotlib' in sys.modules, 'sbdopt.plot' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "True"]
