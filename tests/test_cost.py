"""Costs: published figures of ADCs and simulators, counts by hand and one by one, and what is refused."""

from __future__ import annotations

import json
from itertools import pairwise
from math import floor, log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import good, one_line, said, solved
from hypothesis import given, settings
from strategies import problems

from sbdopt import Blocks, InputError, Placement, Problem, cost_of, load_preset
from sbdopt.cli import main
from sbdopt.cost import ADC_MODELS, PARTS, PRESETS, Cost, Estimate, compare_adcs
from sbdopt.cost.activity import count_activity
from sbdopt.cost.adc import Conversion
from sbdopt.cost.components import CROSSBAR_MODELS, DIGITAL_MODELS, DRIVER_MODELS, NETWORK_MODELS
from sbdopt.cost.ranges import OutOfRangeError, Setting
from sbdopt.judge import judge_placement
from sbdopt.search.baselines import linear, sparsemap
from sbdopt.search.budget import Budget
from sbdopt.search.method import Found


def setting(**changes: Any) -> Setting:
    base = {
        "technology_nm": 32,
        "rows": 256,
        "columns": 256,
        "adc_bits": 8,
        "megasamples": 100,
        "dac_bits": 1,
    }
    return Setting(**(base | changes))


def crossbar(name: str, *blocks: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    keys = ("input", "output", "height", "width")
    table = {key: [block[place] for block in blocks] for place, key in enumerate(keys)}
    shape = [max(b[0] + b[2] for b in blocks), max(b[1] + b[3] for b in blocks)]
    return {"name": name, "shape": shape, "blocks": table, **more}


def placed(
    operators: list[dict[str, Any]], entries: list[tuple[int, ...]], array: dict[str, Any], **hardware: Any
) -> tuple[Blocks, Placement]:
    """Blocks that stand at (kind, array, row, column, start)."""
    kind = {"name": "x", **array}
    document = {"name": "p", "hardware": {"arrays": [kind], **hardware}, "operators": operators}
    blocks = Blocks.of(Problem.model_validate(document))
    placement = Placement(*np.array(entries, dtype=np.int64).reshape(-1, 5).T)
    assert judge_placement(blocks, placement).violations == ()
    return blocks, placement


@pytest.mark.parametrize(
    ("node", "bits", "pj", "um2"),
    [
        (32, 4, 0.924, 3274),
        (32, 5, 0.936, 3287),
        (32, 6, 1.065, 3417),
        (32, 7, 1.312, 3637),
        (32, 8, 1.714, 3939),
        (65, 8, 6.49, 11860),
        (14, 4, 0.195, 905),
        (14, 8, 0.362, 1089),
    ],
)
def test_accelergy_as_published(node, bits, pj, um2):
    found = ADC_MODELS["accelergy"](setting(technology_nm=node, adc_bits=bits))
    for value, published in ((found.pj, pj), (found.um2, um2)):
        assert abs(value - published) <= 0.5 * 10 ** (floor(log10(published)) - 2)
    assert found.ns == 10


@pytest.mark.parametrize(
    ("name", "ratio"), [("accelergy", 1.86), ("zigzag", 2.16), ("neurosim", 2.4), ("puma", 4)]
)
def test_energy_of_8_bits_over_4(name, ratio):
    high, low = (ADC_MODELS[name](setting(technology_nm=22, adc_bits=bits)).pj for bits in (8, 4))
    assert high / low == pytest.approx(ratio, rel=5e-3)


def test_the_other_adcs_by_their_formulas():
    zigzag = ADC_MODELS["zigzag"](setting(rows=128))
    assert (zigzag.pj, zigzag.ns, zigzag.um2) == pytest.approx((0.70108, 11.807, 2084.7), rel=1e-4)
    neurosim = ADC_MODELS["neurosim"](setting(adc_bits=5))
    assert (neurosim.ns, neurosim.um2) == (6, None)
    puma = ADC_MODELS["puma"](setting())
    assert (puma.ns, puma.pj) == pytest.approx((100, 180))
    for bits, pj, um2 in ((8, 2 / 1.28, 1200), (6, 1.26, 580)):
        mnsim = ADC_MODELS["mnsim"](setting(adc_bits=bits))
        assert (mnsim.pj, mnsim.um2) == pytest.approx((pj, um2))


def test_models_refuse_what_they_do_not_hold_for_unless_named():
    with pytest.raises(
        OutOfRangeError, match=r"'accelergy' holds for adc_bits 4 to 16, but it is 3.*--extrapolate"
    ):
        ADC_MODELS["accelergy"](setting(adc_bits=3))
    assert ADC_MODELS["accelergy"](setting(adc_bits=3), ["accelergy"]).pj > 0
    with pytest.raises(OutOfRangeError, match="isaac-driver"):
        DRIVER_MODELS["isaac-driver"](setting(), ["accelergy"])
    for bits in (0, -1, 17):
        with pytest.raises(InputError, match=f"an ADC of {bits} bits"):
            setting(adc_bits=bits)


def test_every_model_says_where_it_comes_from():
    for models in (ADC_MODELS, DRIVER_MODELS, CROSSBAR_MODELS, DIGITAL_MODELS, NETWORK_MODELS):
        for name, model in models.items():
            assert model.name == name
            assert model.source
            assert model.node


@pytest.mark.parametrize(("adcs", "ns"), [(1, 10_314), (2, 5_194), (16, 714), (128, 294)])
def test_an_array_of_pimsim(adcs, ns):
    array = {"rows": 128, "columns": 128, "adcs": adcs}
    blocks, placement = placed([crossbar("a", (0, 0, 128, 128))], [(0, 0, 0, 0, 0)], array, input_slices=8)
    found = cost_of(blocks, placement, load_preset("pimsim"))
    assert found.latency_ns == found.interval_ns == ns


@pytest.mark.parametrize("tiers", [1, 2])
@pytest.mark.parametrize(("spread", "ns"), [(False, 300), (True, 200)])
def test_two_levels_of_ibm(tiers, spread, ns):
    """Four blocks on two arrays (or on two tiles of two tiers), then two dependent ones; and on four."""
    blocks = [(8 * k, 8 * k, 8, 8) for k in range(4)]
    operators = [crossbar("a", *blocks), crossbar("b", *blocks[:2], after=["a"])]
    tile = 1 if tiers == 1 else tiers
    if spread:
        first = [(0, tile * k, 0, 0, 0) for k in range(4)]
    elif tiers == 1:
        first = [(0, k // 2, 8 * (k % 2), 0, 20 * (k % 2)) for k in range(4)]
    else:
        first = [(0, k, 0, 0, 20 * (k % 2)) for k in range(4)]
    second = [(0, tile * (4 + k), 0, 0, 50) for k in range(2)]
    array = {"rows": 16, "columns": 16, "adcs": 8, "tiers": tiers}
    found = cost_of(*placed(operators, first + second, array), load_preset("ibm-3d"))
    assert found.latency_ns == ns
    assert found.energy_parts["crossbar"] == 6 * 10_000


def test_counts_by_hand():
    """Two blocks side by side in two steps, with the same outputs: phases, slices, columns of a weight."""
    parts = crossbar("a", (0, 0, 6, 2), (6, 0, 4, 2), (10, 2, 1, 1))
    entries = [(0, 0, 0, 0, 0), (0, 0, 6, 4, 100), (0, 1, 0, 0, 0)]
    array = {"rows": 16, "columns": 16, "adcs": 2}
    more = {"input_slices": 3, "rows_per_phase": 4, "columns_per_weight": 2}
    counts = count_activity(*placed([parts], entries, array, **more))
    assert counts.reads.tolist() == [6, 3, 3]
    assert counts.conversions.tolist() == [6 * 4 + 3 * 4 + 3 * 2]
    assert counts.drives.tolist() == [3 * (6 + 4 + 1)]
    assert counts.cell_reads.tolist() == [3 * (6 * 4 + 4 * 4 + 1 * 2)]
    assert counts.additions == 2
    assert (counts.arrays.tolist(), counts.peripheries.tolist()) == ([2], [2])


@settings(max_examples=60, deadline=None)
@given(problems())
def test_counts_agree_with_the_judge(problem):
    blocks = Blocks.of(problem)
    for method in (linear, sparsemap):
        for found in method(blocks, (), Budget(seconds=5), 0, None):
            assert isinstance(found, Found)
            measures = judge_placement(blocks, found.placement).metrics
            if measures is None:
                continue
            counts = count_activity(blocks, found.placement)
            assert counts.conversions.sum() == measures.conversions
            assert counts.drives.sum() == measures.drives
            assert counts.arrays.sum() == measures.arrays
            outputs = {
                (operator, output)
                for operator, begin, width in zip(blocks.operator, blocks.output, blocks.width, strict=True)
                for output in range(begin, begin + width)
            }
            yielded = counts.steps.columns.sum() // blocks.hardware.columns_per_weight
            assert counts.additions == yielded - len(outputs)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_times_of_the_format_give_its_makespan(problem):
    """With the times of the problem itself, a schedule that wastes no time takes its makespan."""
    hardware = problem.hardware
    if hardware.conversion_cycles_per_bit:
        return
    blocks = Blocks.of(problem)
    own = load_preset("ibm-3d")
    timing = own.timing.model_copy(update={"crossbar_ns": float(hardware.settle_cycles)})
    own = own.model_copy(update={"timing": timing})
    for found in linear(blocks, (), Budget(seconds=5), 0, None):
        assert isinstance(found, Found)
        measures = judge_placement(blocks, found.placement).metrics
        assert measures is not None
        estimate = Estimate(blocks, found.placement, own, CROSSBAR_MODELS)
        conversion = Conversion(ns=float(hardware.conversion_cycles), pj=0.0, um2=0.0)
        times = estimate.step_times(dict.fromkeys(estimate.chip.kinds, conversion))
        nothing = np.zeros(len(problem.operators))
        assert estimate.schedule.run(times, nothing, nothing).latency_ns == measures.makespan
        assert sum(estimate.interval(times).values()) == measures.interval


def small(preset: str = "pcm-256", **changes: Any) -> Cost:
    operators = [
        crossbar("a", (0, 0, 8, 8), (8, 8, 8, 8)),
        {"name": "norm", "cycles": 7, "after": ["a"]},
        crossbar("b", (0, 0, 8, 8), after=["norm"]),
    ]
    entries = [(0, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 9, 0, 0, 50)]
    return cost_of(
        *placed(operators, entries, {"rows": 64, "columns": 64, "adcs": 4}), load_preset(preset), **changes
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_parts_add_up_under_every_preset(preset):
    found = small(preset)
    for total, parts in (
        (found.latency_ns, found.latency_parts),
        (found.interval_ns, found.interval_parts),
        (found.energy_pj, found.energy_parts),
    ):
        assert tuple(parts) == PARTS
        assert sum(parts.values()) == pytest.approx(total)
    assert found.latency_with_movement_ns >= found.latency_ns >= 7
    if found.area_mm2 is not None:
        assert sum(part or 0 for part in found.area_parts.values()) == pytest.approx(found.area_mm2)


def test_a_small_chip_by_hand():
    found = small()
    step = 1 + 100 + 2 * 10 + 1
    assert found.latency_ns == 2 * step + 7
    assert found.interval_ns == step
    assert found.latency_parts == {"adc": 40, "drivers": 2, "crossbar": 200, "digital": 9, "movement": 0}
    assert found.energy_parts["adc"] == pytest.approx(3 * 8 * 0.36221, rel=1e-4)
    assert found.energy_parts["drivers"] == pytest.approx(3 * 8 * (0.4 + 0.0224) * 0.81)
    assert found.energy_parts["crossbar"] == pytest.approx(3 * 64 * 0.02)
    assert found.area_parts["crossbar"] == pytest.approx(3 * 64 * 64 * 0.25e-6)
    assert (found.bits_in, found.bits_out) == (3 * 8 * 8, 3 * 8 * 8)
    # Mesh tiles of 8 arrays: b stands on the second, a on the first; its inputs come from there.
    assert found.bit_hops == 64
    assert found.latency_with_movement_ns == pytest.approx(found.latency_ns + (128 + 128 + 64 + 64) / 32 + 1)


def test_more_bits_cost_more_energy_and_never_less_time():
    for model in ("zigzag", "neurosim", "puma"):
        costs = [small(adc_bits=bits, adc=model) for bits in range(2, 11)]
        for fewer, more in pairwise(costs):
            assert fewer.energy_pj < more.energy_pj
            assert fewer.latency_ns < more.latency_ns


def test_all_adc_models_side_by_side():
    operators, entries = [crossbar("a", (0, 0, 8, 8))], [(0, 0, 0, 0, 0)]
    where = placed(operators, entries, {"rows": 64, "columns": 64, "adcs": 4})
    rivals = {rival.model: rival for rival in compare_adcs(*where, load_preset("pcm-256"), 3)}
    assert set(rivals) == set(ADC_MODELS)
    assert {name for name, rival in rivals.items() if rival.cost is None} == {"accelergy", "mnsim"}
    assert "holds for adc_bits" in rivals["accelergy"].refusal
    assert rivals["neurosim"].cost is not None
    assert rivals["neurosim"].cost.area_mm2 is None
    assert [*compare_adcs(*where, load_preset("ibm-3d"))] == []


def test_nothing_on_arrays():
    blocks, placement = placed([{"name": "d", "cycles": 4}], [], {"rows": 8, "columns": 8, "adcs": 1})
    found = cost_of(blocks, placement, load_preset("pcm-256"))
    assert (found.latency_ns, found.interval_ns, found.power_mw, found.tokens_per_second) == (4, 0, 0, None)


def test_the_command(folder, capsys):
    problem, solution = solved(folder)
    assert main(["cost", problem, solution]) == 0
    shown = capsys.readouterr().out
    for word in ("latency, ns", "area, mm2", "tokens/s", "bit-hops", *ADC_MODELS, "models differ by"):
        assert word in shown
    assert main(["cost", problem, solution, "--json", "--adc", "zigzag", "--adc-bits", "5"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["adc_model"], document["adc_bits"]) == ("zigzag", 5)
    assert {one["model"] for one in document["adc_models"]} == set(ADC_MODELS)
    assert main(["cost", problem, solution, "--adc-bits", "3", "--extrapolate", "accelergy"]) == 0
    assert main(["cost", problem, solution, "--preset", "ibm-3d"]) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--adc-bits", "0"], "an ADC of 0 bits: it must have 1 to 16"),
        (["--adc-bits", "3"], "--extrapolate accelergy"),
        (["--preset", "none"], "'none' is not a preset; the known ones are ibm-3d"),
        (["--preset", "none.json"], "none.json: No such file"),
        (["--adc", "flash"], "'flash' is not a model of ADCs"),
        (["--extrapolate", "flash"], "'flash' cannot be extrapolated"),
        (["--preset", "ibm-3d", "--adc-bits", "8"], "has no ADC model or bits to set"),
    ],
)
def test_what_is_refused(folder, capsys, options, words):
    problem, solution = solved(folder)
    capsys.readouterr()
    assert words in said(capsys, "cost", problem, solution, *options, code=2)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("crossbar", "diamond", "'diamond' is not a model of crossbars"),
        ("technology_nm", 0, "technology_nm"),
        ("technology_nm", "32", "it should be a number"),
        ("adc", {"model": "accelergy", "bits": 0}, "adc.bits"),
        ("adc", {"model": "accelergy", "bits": 8, "rate": 1}, "adc.rate: is not a known key"),
        ("arrays_per_mesh_tile", 0, "arrays_per_mesh_tile"),
    ],
)
def test_bad_presets(folder, capsys, key, value, words):
    problem, solution = solved(folder)
    preset = load_preset("pcm-256").model_dump(mode="json") | {key: value}
    Path("mine.json").write_text(json.dumps(preset))
    capsys.readouterr()
    assert words in said(capsys, "cost", problem, solution, "--preset", "mine.json", code=2)


def test_an_own_preset_is_read(folder, capsys):
    problem, solution = solved(folder)
    preset = load_preset("pcm-256").model_dump(mode="json") | {"name": "mine"}
    Path("mine.json").write_text(json.dumps(preset))
    assert main(["cost", problem, solution, "--preset", "mine.json"]) == 0
    assert capsys.readouterr().out.count("preset mine") == 1


def test_an_illegal_solution_has_no_cost(folder, capsys):
    problem, solution = solved(folder, good())
    document = json.loads(Path(solution).read_text())
    document["operators"]["b"]["start"] = [0]
    Path(solution).write_text(json.dumps(document))
    capsys.readouterr()
    assert main(["cost", problem, solution]) == 2
    assert "not legal, so it has no cost" in one_line(capsys.readouterr().err)


def test_tiers_share_drivers_and_converters_but_not_cells():
    parts, entries = crossbar("a", (0, 0, 8, 8), (8, 8, 8, 8)), [(0, 0, 0, 0, 0), (0, 1, 0, 0, 50)]
    array = {"rows": 64, "columns": 64, "adcs": 4}
    alone = cost_of(*placed([parts], entries, array), load_preset("pcm-256")).area_parts
    entries[1] = (0, 1, 0, 0, 500)
    tile = cost_of(*placed([parts], entries, array | {"tiers": 2}), load_preset("pcm-256")).area_parts
    assert alone["adc"] == pytest.approx(2 * tile["adc"])
    assert alone["crossbar"] == tile["crossbar"]
