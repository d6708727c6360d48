"""`sbdopt design`: of what blocks each weight of a model is to be made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.hardware import (
    DEFAULT_ADCS,
    DEFAULT_ARRAY,
    Adcs,
    Array,
    ColumnsPerWeight,
    HardwareOf,
    hardware_of,
)
from sbdopt.cli.options import Json, Seed, Workers, positive
from sbdopt.cli.output import number, print_json, print_table, refuse_target, warn
from sbdopt.cli.project import LayoutName, ModelFile, MomentsFile, UnsafePickle, open_model
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.design import Chooser, Design
    from sbdopt.design.designs import Pack
    from sbdopt.problem import Hardware


def _numbers(text: str) -> str:
    """Refuse what is not a list of numbers from 1 with commas."""
    if re.fullmatch(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*", text) is None:
        raise typer.BadParameter(f"{text!r} is not a list of numbers from 1, such as 8,16,32.")
    return text


def design(
    model: ModelFile,
    workers: Workers,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write the plan here; with --pareto a folder of plans.", show_default=False
        ),
    ] = None,
    arrays: Annotated[
        int | None, typer.Option(min=1, help="Least error on so many arrays.", show_default=False)
    ] = None,
    error: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Fewest arrays with at most this error.", show_default=False),
    ] = None,
    pareto: Annotated[bool, typer.Option("--pareto", help="The trade-off of arrays and error.")] = False,
    points: Annotated[int, typer.Option(min=2, help="Points of the trade-off.")] = 10,
    sides: Annotated[
        str, typer.Option(callback=_numbers, help="Blocks of R, and of L, of candidates.")
    ] = "8,16,32,64",
    ranks: Annotated[str, typer.Option(callback=_numbers, help="Ranks of candidates.")] = "1,2,4,8",
    layout: LayoutName = "",
    moments: MomentsFile = None,
    importance: Annotated[
        Path | None,
        typer.Option(help="What the error of each weight counts: JSON.", show_default="all alike"),
    ] = None,
    unsafe_pickle: UnsafePickle = False,
    time_limit: Annotated[
        float, typer.Option(callback=positive, help="Seconds to choose, and to pack, each.")
    ] = 10.0,
    seed: Seed = 0,
    array: Array = DEFAULT_ARRAY,
    adcs: Adcs = DEFAULT_ADCS,
    columns_per_weight: ColumnsPerWeight = 1,
    source: HardwareOf = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the trade-off: .png or .svg.", show_default=False)
    ] = None,
    json: Json = False,
) -> int:
    """Choose blocks for each weight: least error within arrays, fewest arrays within an error, or all."""
    from sbdopt.checkpoints import Moments
    from sbdopt.design import Chooser, candidates_of, pack, read_importance
    from sbdopt.search.budget import Budget

    if (arrays is not None) + (error is not None) + pareto != 1:
        raise InputError("say what is wanted: one of --arrays N, --error E and --pareto")
    _refuse_targets([model, *filter(None, (moments, importance, source))], output, plot, pareto)
    opened = open_model(model, layout, unsafe_pickle)
    counts = None if importance is None else read_importance(opened, importance)
    hardware = hardware_of(array, adcs, columns_per_weight, source)
    candidates = candidates_of(
        opened,
        hardware,
        sides=_list(sides),
        ranks=_list(ranks),
        moments=None if moments is None else Moments(opened, moments),
    )
    chooser = Chooser(candidates, importance=counts, seconds=time_limit, workers=workers, seed=seed)
    packed = pack(hardware, lambda: Budget(seconds=time_limit, workers=workers))
    name = opened.checkpoint.name
    try:
        found = _found(chooser, name, hardware, packed, arrays, error, points)
    except TimeoutError:
        warn(f"{name}: nothing proven within {time_limit:g} s; give it more time or fewer candidates")
        return 1
    if not found:
        least = -(-chooser.least_cells // hardware.largest.cells)
        warn(f"{name}: no choice of these candidates; the smallest takes at least {number(least)} arrays")
        return 1
    _save(found, output, pareto)
    _show(found, name, plot, json)
    return 0


def _refuse_targets(sources: list[Path], output: Path | None, plot: Path | None, pareto: bool) -> None:
    from sbdopt.plot import check_suffix

    for target in (None if pareto else output, plot):
        refuse_target(target, *sources)
    if pareto and output is not None and output.exists() and not output.is_dir():
        raise InputError(f"{output}: with --pareto the plans go to a folder, but this is a file")
    if plot is not None:
        check_suffix(plot)


def _list(text: str) -> list[int]:
    return sorted(set(map(int, text.split(","))))


def _found(
    chooser: Chooser,
    name: str,
    hardware: Hardware,
    pack: Pack,
    arrays: int | None,
    error: float | None,
    points: int,
) -> list[Design]:
    """The design within arrays or within an error, if there is one; the whole trade-off if none is given."""
    from sbdopt.design import design_for_arrays, design_for_error, design_front

    if arrays is not None:
        one = design_for_arrays(chooser, name, hardware, arrays, pack)
    elif error is not None:
        one = design_for_error(chooser, name, hardware, error, pack)
    else:
        return list(design_front(chooser, name, hardware, pack, points=points))
    return [] if one is None else [one]


def _save(designs: list[Design], output: Path | None, pareto: bool) -> None:
    if output is None:
        return
    if not pareto:
        designs[0].plan.save(output)
        return
    output.mkdir(exist_ok=True)
    for one in designs:
        one.plan.save(output / f"arrays-{one.arrays}.json")


def _show(designs: list[Design], name: str, plot: Path | None, json: bool) -> None:
    if plot is not None:
        from sbdopt.plot import draw_designs, save_figure

        points = [(one.arrays, one.arrays_bound, one.error) for one in designs]
        save_figure(draw_designs(name, points), plot)
    if json:
        print_json([one.plan.model_dump(mode="json", exclude_none=True) for one in designs])
        return
    rows = [
        (
            number(one.arrays),
            number(one.arrays_bound),
            f"{one.error:.4f}",
            f"{one.error_bound:.4f}",
            number(one.plan.cells),
            number(one.cycles),
            "optimal" if one.optimal else "feasible",
        )
        for one in designs
    ]
    header = ("arrays", "bound", "error", "bound", "weights", "cycles", "status")
    print_table(header, rows, left=("status",))
    if len(designs) == 1:
        print()
        _print_choices(designs[0])


def _print_choices(design: Design) -> None:
    """A line for each choice: the weights that it was taken for, by their names within a layer."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, choice in design.plan.weights.items():
        groups.setdefault((str(choice), " x ".join(map(number, choice.shape))), []).append(name)
    rows = []
    for (blocks, shape), names in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        parts: dict[str, int] = {}
        for name in names:
            part = name.rpartition(".")[2]
            parts[part] = parts.get(part, 0) + 1
        said = ", ".join(f"{count} {part}" for part, count in parts.items())
        errors = [design.plan.weights[name].error or 0.0 for name in names]
        rows.append((shape, blocks, number(len(names)), f"{min(errors):.3f} .. {max(errors):.3f}", said))
    header = ("inputs x outputs", "blocks", "weights", "error", "which")
    print_table(header, rows, left=("blocks", "which"))
