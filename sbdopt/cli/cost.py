"""`sbdopt cost`: nanoseconds, picojoules and square millimetres of a solution, under every ADC model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbdopt.cli.options import Json, ProblemFile, SolutionFile
from sbdopt.cli.output import percent, print_json, print_table
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.blocks import Blocks
    from sbdopt.cost import Cost, Rival
    from sbdopt.placement import Placement


def cost(
    problem: ProblemFile,
    solution: SolutionFile,
    preset: Annotated[
        str, typer.Option(help="What the chip is made of: a name, or a .json file.")
    ] = "pcm-256",
    adc: Annotated[str | None, typer.Option(help="ADC model.", show_default="the preset's")] = None,
    adc_bits: Annotated[int | None, typer.Option(help="Bits of an ADC.", show_default="the preset's")] = None,
    extrapolate: Annotated[
        list[str] | None,
        typer.Option(help="Models that may be used outside their range.", show_default=False),
    ] = None,
    json: Json = False,
) -> int:
    """Estimate latency, energy and area of a legal solution, by component and under every ADC model."""
    from sbdopt.blocks import Blocks
    from sbdopt.cost import Estimate, load_preset
    from sbdopt.problem import Problem

    chip = load_preset(preset)
    blocks = Blocks.of(Problem.load(problem))
    estimate = Estimate(blocks, _placement(blocks, solution), chip, extrapolate or ())
    total = estimate.cost(adc, adc_bits)
    rivals = [] if chip.adc is None else list(estimate.rivals(adc_bits))
    if json:
        print_json({**_document(total), "adc_models": [_rival_document(rival) for rival in rivals]})
    else:
        _print_cost(total)
        _print_rivals(rivals)
    return 0


def _placement(blocks: Blocks, path: SolutionFile) -> Placement:
    from sbdopt.check import check_digest
    from sbdopt.judge import judge
    from sbdopt.placement import Placement
    from sbdopt.solution import Solution

    solution = Solution.load(path)
    check_digest(blocks.problem, solution)
    verdict = judge(blocks, solution)
    if not verdict.legal:
        raise InputError(f"{path}: not legal, so it has no cost: {verdict.violations[0]}")
    return Placement.read(blocks, solution)


def _document(cost: Cost) -> dict[str, Any]:
    steady = {"power_mw": cost.power_mw, "tokens_per_second": cost.tokens_per_second}
    return asdict(cost) | steady


def _rival_document(rival: Rival) -> dict[str, Any]:
    return {
        "model": rival.model,
        "node": rival.node,
        "refusal": rival.refusal or None,
        "conversion": None if rival.conversion is None else asdict(rival.conversion),
        "cost": None if rival.cost is None else _document(rival.cost),
    }


def _print_cost(cost: Cost) -> None:
    adc = "" if cost.adc_model is None else f", ADC model {cost.adc_model} of {cost.adc_bits} bits"
    print(f"preset {cost.preset}{adc}")
    print()
    figures: list[tuple[str, dict[str, float | None], float | None]] = [
        ("latency, ns", {**cost.latency_parts}, cost.latency_ns),
        ("interval, ns", {**cost.interval_parts}, cost.interval_ns),
        ("energy of a token, pJ", {**cost.energy_parts}, cost.energy_pj),
        ("area, mm2", cost.area_parts, cost.area_mm2),
    ]
    rows = [(name, *map(_figure, (*parts.values(), total))) for name, parts, total in figures]
    print_table(("", *cost.energy_parts, "total"), rows, left=("",))
    print()
    rate = "-" if cost.tokens_per_second is None else f"{cost.tokens_per_second:,.0f} tokens/s"
    print(f"steady state: {rate} at {_figure(cost.power_mw)} mW")
    print(
        f"movement: {cost.bits_in:,.0f} bits into arrays, {cost.bits_out:,.0f} out, {cost.bit_hops:,.0f} "
        f"bit-hops; with it the latency is {_figure(cost.latency_with_movement_ns)} ns"
    )


def _print_rivals(rivals: Sequence[Rival]) -> None:
    """The conclusion under every ADC model, and whether they agree."""
    rows = []
    for rival in rivals:
        one, cost = rival.conversion, rival.cost
        if one is None or cost is None:
            rows.append((rival.model, rival.node, *["-"] * 7, "outside its range"))
            continue
        share = cost.energy_parts["adc"] / cost.energy_pj
        figures = (one.ns, one.pj, one.um2, cost.latency_ns, cost.energy_pj)
        area = _figure(cost.area_mm2)
        rows.append((rival.model, rival.node, *map(_figure, figures), percent(share), area, rival.largest))
    if not rows:
        return
    header = ("ADC model", "node", "ns", "pJ", "um2", "latency, ns", "energy, pJ", "ADCs", "mm2", "mostly")
    print()
    print_table(header, rows, left=("ADC model", "node", "mostly"))
    print(_agreement(rivals))


def _agreement(rivals: Sequence[Rival]) -> str:
    costs = [rival.cost for rival in rivals if rival.cost is not None]
    if len(costs) < 2:
        return "models: too few hold here to be compared"
    energy = [cost.energy_pj for cost in costs]
    latency = [cost.latency_ns for cost in costs]
    largest = sorted({rival.largest for rival in rivals if rival.largest})
    agreed = (
        f"all say that most energy goes to: {largest[0]}"
        if len(largest) == 1
        else (f"they disagree on where most energy goes: {', '.join(largest)}")
    )
    return (
        f"models differ by {max(energy) / min(energy):.2f}x in energy and {max(latency) / min(latency):.2f}x "
        f"in latency; {agreed}"
    )


def _figure(value: float | None) -> str:
    """Four digits, thousands apart; `-` for what is not known."""
    if value is None:
        return "-"
    if value and abs(value) < 1000:
        return f"{value:.4g}"
    return f"{value:,.0f}"
