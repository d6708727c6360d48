"""Finite precision: exact where nothing is lost, and wrong by what was lost where something is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Document, good, said, solved, write
from hypothesis import given, settings
from hypothesis import strategies as st

from sbdopt import InputError, Precision, accuracy
from sbdopt.accuracy import Accuracy
from sbdopt.blocks import Blocks
from sbdopt.cli import main
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.simulate import Chip, Coding, simulate, standing_placement
from sbdopt.simulate.cells import disturb
from sbdopt.simulate.converter import Converter
from sbdopt.solution import Solution
from sbdopt.solve import solve
from sbdopt.weights.references import make_inputs
from sbdopt.weights.store import OperatorWeights, Weights, make_weights
from sbdopt.weights.tensors import FloatArray, Tensor

SERIAL: dict[str, Any] = {"weight_bits": 8, "cell_bits": 2, "input_bits": 8, "dac_bits": 1}
PCM: dict[str, Any] = {"weight_bits": 8, "encoding": "differential", "device": "pcm"}
ROOT = Path(__file__).parent.parent


def problem_of(rows: int = 16, outputs: int = 6, **hardware: Any) -> Problem:
    """One operator, a block that is the whole matrix, alone on an array with two empty columns."""
    blocks = {"input": [0], "output": [0], "height": [rows], "width": [outputs]}
    columns = (outputs + 2) * hardware.get("columns_per_weight", 1)
    kind = {"name": "xbar", "rows": rows, "columns": columns, "adcs": 1}
    operators = [{"name": "a", "shape": [rows, outputs], "blocks": blocks}]
    return Problem.model_validate(
        {"name": "one", "hardware": {"arrays": [kind], **hardware}, "operators": operators}
    )


def alone() -> Placement:
    return Placement(*np.zeros((5, 1), dtype=np.int64))


def outputs_of(
    precision: Precision, weights: FloatArray, x: FloatArray, *, lot: int = 0, **hardware: Any
) -> FloatArray:
    problem = problem_of(*weights.shape, **hardware)
    blocks = Blocks.of(problem)
    table = problem.operators[0].blocks
    assert table is not None
    own: Weights = {"a": OperatorWeights.of(table, Tensor.of(weights.ravel()))}
    return simulate(blocks, alone(), own, {"a": x}, chip=Chip(precision, lot))["a"]


def whole(rng: np.random.Generator, bits: int, *shape: int) -> FloatArray:
    most = 2 ** (bits - 1) - 1
    return rng.integers(-most, most, size=shape, endpoint=True).astype(np.float64)


def studied(name: str, **precision: Any) -> Accuracy:
    problem = Problem.load(ROOT / "problems" / f"{name}.json")
    return accuracy(problem, Solution.load(ROOT / "solutions" / f"{name}.json"), Precision(**precision))


# Exact ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whole_numbers_that_fit_lose_nothing(data: st.DataObject) -> None:
    """Whatever the slices and the encoding, folded or not, in phases or not, with just enough ADC bits."""
    weight_bits, input_bits = data.draw(st.integers(2, 10)), data.draw(st.integers(2, 10))
    precision = Precision(
        weight_bits=weight_bits,
        cell_bits=data.draw(st.none() | st.integers(1, weight_bits)),
        encoding=data.draw(st.sampled_from(["offset", "differential"])),
        input_bits=input_bits,
        dac_bits=data.draw(st.none() | st.integers(1, input_bits)),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    rows = data.draw(st.integers(1, 20))
    phase = data.draw(st.none() | st.integers(1, 20))
    weights, x = whole(rng, weight_bits, rows, 3), whole(rng, input_bits, 2, rows)
    hardware: dict[str, Any] = {"rows_per_phase": phase}
    if data.draw(st.booleans()):
        coding = Coding.of(precision, problem_of().hardware)
        hardware["columns_per_weight"] = len(coding.plane_scales)
        hardware["input_slices"] = len(coding.slice_scales)
    enough = Converter(precision, min(rows, phase or rows)).bits
    for adc_bits in (None, enough, enough + 3):
        exact = precision.model_copy(update={"adc_bits": adc_bits})
        assert np.array_equal(outputs_of(exact, weights, x, **hardware), x @ weights)


@pytest.mark.parametrize("encoding", ["offset", "differential"])
def test_one_bit_too_few_loses_something(encoding: str) -> None:
    """The bits said to be needed are: with the largest weights and 0 to 9 rows driven, one fewer is wrong."""
    weights, x = np.full((9, 1), 127.0), np.tri(10, 9, -1) * 127
    precision = Precision(**SERIAL, encoding=encoding)
    enough = Converter(precision, 9).bits
    assert enough == 5  # 9 rows x level 3 x digit 1 = 27
    for lost, exact in ((0, True), (1, False)):
        y = outputs_of(precision.model_copy(update={"adc_bits": enough - lost}), weights, x)
        assert np.array_equal(y, x @ weights) == exact


def test_the_ideal_chip_is_the_exact_simulator_bit_for_bit() -> None:
    """Numbers of any kind; and a chip with bits, but no loss, yields the same from whole ones."""
    problem = Problem.load(ROOT / "problems" / "bit-slices.json")
    blocks, rng = Blocks.of(problem), np.random.default_rng(0)
    placement = standing_placement(blocks, Solution.load(ROOT / "solutions" / "bit-slices.json"))
    weights, inputs = make_weights(problem, rng), make_inputs(problem, rng)
    odd = {name: x / 3 for name, x in inputs.items()}
    for given_inputs in (inputs, odd):
        plain = simulate(blocks, placement, weights, given_inputs)
        ideal = simulate(blocks, placement, weights, given_inputs, chip=Chip.made(Precision(), rng))
        assert all(plain[name].tobytes() == ideal[name].tobytes() for name in plain)


def test_a_bert_layer_is_exact_and_each_bit_fewer_is_worse() -> None:
    problem = Problem.load(ROOT / "problems" / "bert-large-1-layer.json")
    solution = Solution.load(ROOT / "solutions" / "bert-large-1-layer.json")
    blocks, rng = Blocks.of(problem), np.random.default_rng(0)
    placement = standing_placement(blocks, solution)
    weights = make_weights(problem, rng, largest=127)
    inputs = make_inputs(problem, rng, largest=127)
    wanted = simulate(blocks, placement, weights, inputs)
    errors = []
    for bits in (8, 7, 5):
        y = simulate(blocks, placement, weights, inputs, chip=Chip(Precision(**SERIAL, adc_bits=bits), 0))
        errors.append(sum(float(((y[name] - wanted[name]) ** 2).sum()) for name in wanted))
    assert errors[0] == 0 < errors[1] < errors[2]


def test_the_report_says_how_much_a_bit_fewer_costs() -> None:
    reports = [studied("digital-chain", **SERIAL, adc_bits=bits) for bits in (5, 4, 3, 2)]
    assert {step.bits for step in reports[0].steps} == {5}
    for operators in zip(*(report.operators for report in reports), strict=True):
        errors = [operator.error.rms for operator in operators]
        assert errors == sorted(set(errors))
        assert errors[0] == 0
        fewer = [operator.error_one_bit_fewer.rms for operator in operators]
        assert fewer[:-1] == errors[1:]


def test_rounding_is_bounded_by_half_a_unit() -> None:
    """|sum of w x - w' x'| <= n (u/2 |x| + v/2 |w'|), for units u and v."""
    rng = np.random.default_rng(1)
    weights, x = rng.standard_normal((16, 4)), rng.standard_normal((3, 16))
    last = np.inf
    for bits in (4, 8, 12, 16):
        y = outputs_of(Precision(weight_bits=bits, input_bits=bits), weights, x)
        u, v = (np.abs(values).max() / (2 ** (bits - 1) - 1) for values in (weights, x))
        bound = u / 2 * np.abs(x).sum(axis=1)[:, None] + v / 2 * (np.abs(weights) + u).sum(axis=0)
        error = np.abs(y - x @ weights)
        assert (error <= bound).all()
        assert 0 < error.max() < last
        last = error.max()


def test_a_shortened_range_clips() -> None:
    """Sums of up to 27 on a range of 9 come out as 9, in each of the planes and slices that are full."""
    precision = Precision(**SERIAL, adc_bits=8, adc_range=1 / 3)
    weights, x = np.full((9, 1), 127.0), np.full((1, 9), 127.0)
    # Offset: 127 + 128 = 255, level 3 in all planes; 127 is digit 0, then seven times 1.
    assert outputs_of(precision, weights, x)[0, 0] == 9 * (64 + 16 + 4 + 1) * 127 - 128 * 9 * 127
    assert Converter(precision, 9).bits == 4


# Cells ------------------------------------------------------------------------------------------------------


def levels_and_variance(levels: FloatArray, **precision: Any) -> tuple[FloatArray, FloatArray]:
    programmed = np.ones(levels.shape, dtype=bool)
    return disturb(levels, programmed, 1.0, Precision(**precision), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("target", "programming", "exponent", "read"),
    # By hand from the papers' formulas, in shares of 25 uS.
    [(1.0, 1.0569 / 25, 0.049, 0.0088), (0.5, 0.952725 / 25, 0.049, 0.0088 / 0.5**0.65)],
)
def test_pcm_has_the_moments_of_the_papers(
    target: float, programming: float, exponent: float, read: float
) -> None:
    levels = np.full((300, 300), target)
    held, _ = levels_and_variance(levels, **PCM, programming_noise=1)
    assert held.std() == pytest.approx(programming, rel=0.02)
    assert held.mean() == pytest.approx(target, rel=0.001)
    held, variance = levels_and_variance(levels, **PCM, read_noise=1, drift_seconds=180)
    assert np.log(held).mean() == pytest.approx(np.log(target) - exponent * np.log(10), abs=1e-3)
    ratio = np.sqrt(variance) / held
    assert np.allclose(ratio, read * np.sqrt(np.log((200 + 250e-9) / 500e-9)))


def test_erased_cells_are_silent_and_stuck_ones_are_anywhere() -> None:
    erased = np.zeros((200, 200), dtype=bool)
    noisy = Precision(weight_bits=8, programming_noise=1, read_noise=1)
    held, variance = disturb(np.zeros((200, 200)), erased, 3.0, noisy, np.random.default_rng(0))
    assert not held.any()
    assert not variance.any()
    stuck = Precision(weight_bits=8, stuck_on=0.25, stuck_off=0.5)
    held, _ = disturb(np.ones((200, 200)), erased, 3.0, stuck, np.random.default_rng(0))
    shares = [float((held == level).mean()) for level in (0, 1, 3)]
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.02)


def test_all_cells_stuck() -> None:
    """Off: nothing but the offset; on: every row counts as the largest weight there is."""
    weights, x = np.full((4, 2), 5.0), np.array([[1.0, 2, 3, 4]])
    off = outputs_of(Precision(weight_bits=8, stuck_off=1), weights, x)
    on = outputs_of(Precision(weight_bits=8, stuck_on=1), weights, x)
    assert off.tolist() == [[-128 * 10] * 2]
    assert on.tolist() == [[127 * 10] * 2]


def test_a_stuck_cell_outside_all_blocks_of_its_columns_conducts() -> None:
    """Two blocks side by side share a step but no row: each is disturbed by the stuck cells beside it."""
    columns = {"input": [0, 1], "output": [0, 1], "height": [1, 1], "width": [1, 1]}
    kind = {"name": "xbar", "rows": 2, "columns": 2, "adcs": 1}
    blocks = Blocks.of(
        Problem.model_validate(
            {
                "name": "corner",
                "hardware": {"arrays": [kind]},
                "operators": [{"name": "a", "shape": [2, 2], "blocks": columns}],
            }
        )
    )
    nothing = np.zeros(2, dtype=np.int64)
    placement = Placement(nothing, nothing, np.arange(2), np.arange(2), nothing)
    weights = make_weights(blocks.problem, np.random.default_rng(0), largest=127)
    chip = Chip(Precision(**PCM | {"device": "gaussian"}, stuck_off=0, stuck_on=1), 0)
    x = {"a": np.array([[3.0, 5.0]])}
    # Both cells of every pair conduct alike: 0. Without those of empty places there would be no difference.
    assert simulate(blocks, placement, weights, x, chip=chip)["a"].tolist() == [[0, 0]]
    chip = Chip(Precision(weight_bits=8, stuck_on=1), 0)
    y = simulate(blocks, placement, weights, x, chip=chip)["a"]
    assert y.tolist() == [[255 * 8 - 128 * 3, 255 * 8 - 128 * 5]]


def test_read_noise_is_drawn_anew_and_has_the_variance_of_its_rows() -> None:
    weights, x = np.full((16, 50), 1.0), np.full((200, 16), 2.0)
    y = outputs_of(Precision(weight_bits=8, read_noise=0.01), weights, x)
    assert (y - 32).std() == pytest.approx(0.01 * 255 * 2 * 4, rel=0.03)
    y = outputs_of(Precision(weight_bits=8, programming_noise=0.01), weights, x)
    assert np.allclose(y, y[0])
    assert (y[0] - 32).std() == pytest.approx(0.01 * 255 * 2 * 4, rel=0.4)


def test_more_noise_is_more_error_and_same_seed_is_same_noise() -> None:
    noisy: dict[str, Any] = {**PCM, "programming_noise": 1, "read_noise": 1}
    reports = [studied("side-by-side", **noisy, drift_seconds=t) for t in (0, 3600, 86400)]
    errors = [report.operators[0].error.rms for report in reports]
    assert errors == sorted(set(errors))
    assert studied("side-by-side", **noisy, drift_seconds=0) == reports[0]
    assert studied("side-by-side", **noisy, drift_seconds=0, seed=1) != reports[0]
    # What is drawn for an array does not depend on which operators are run.
    problem = problem_of()
    blocks, rng = Blocks.of(problem), np.random.default_rng(0)
    weights, inputs = make_weights(problem, rng), make_inputs(problem, rng)
    chip = Chip(Precision(**noisy), 5)
    every = simulate(blocks, alone(), weights, inputs, chip=chip)
    assert np.array_equal(
        every["a"], simulate(blocks, alone(), weights, inputs, chip=chip, operators=["a"])["a"]
    )
    assert simulate(blocks, alone(), weights, inputs, chip=chip, operators=[]) == {}


@pytest.mark.parametrize("place", [(-9, 0), (5, 0), (2**31 - 1, 0), (-(2**31), -7), (3, 99)])
def test_a_block_outside_its_array_is_no_error(place: tuple[int, int]) -> None:
    """Whatever it yields: the judge says that it is outside."""
    problem = problem_of()
    rng = np.random.default_rng(0)
    weights, inputs = make_weights(problem, rng, largest=127), make_inputs(problem, rng, largest=127)
    one = np.zeros(1, dtype=np.int64)
    placement = Placement(one, one, one + place[0], one + place[1], one)
    chip = Chip(Precision(**SERIAL, adc_bits=4, read_noise=0.1, stuck_on=0.1), 0)
    y = simulate(Blocks.of(problem), placement, weights, inputs, chip=chip)["a"]
    assert not np.array_equal(y, inputs["a"] @ weights["a"].block(0))


# The chain --------------------------------------------------------------------------------------------------


def chained(**precision: Any) -> Accuracy:
    problem = Problem.model_validate(good())
    return accuracy(problem, solve(problem, method="greedy"), Precision(**precision))


def test_an_ideal_chain_is_exact_to_rounding() -> None:
    report = chained()
    assert report.chain_length == 2
    assert report.chain.rms < 1e-15
    assert report.steps == ()


def test_the_chain_passes_on_what_came_out() -> None:
    """`b` alone is exact; behind `a`, whose outputs are rounded to 8 bits on their way, it is not."""
    first, second = chained(**SERIAL).operators
    assert first.error.rms == first.error_in_chain.rms == second.error.rms == 0
    assert 0 < second.error_in_chain.rms < 0.02


def test_nothing_fits_nothing_is_passed_on() -> None:
    """The predecessor's outputs are not as many as the inputs: both get what is made for them."""
    problem = Problem.load(ROOT / "problems" / "side-by-side.json")
    assert problem.operators
    document = good()
    document["operators"][2]["shape"] = [3, 4]
    document["operators"][2]["blocks"]["height"] = [3]
    small = Problem.model_validate(document)
    report = accuracy(small, solve(small, method="greedy"), Precision(**SERIAL))
    assert report.chain.rms == 0


# What cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"weight_bits": 8, "input_bits": 8, "adc_bits": 0}, "adc_bits: is 0"),
        ({"weight_bits": 4, "cell_bits": 5}, "cell_bits is 5, but weight_bits only 4"),
        ({"cell_bits": 2}, "weight_bits is missing"),
        ({"input_bits": 4, "dac_bits": 5}, "dac_bits is 5, but input_bits only 4"),
        ({"weight_bits": 8, "adc_bits": 8}, "adc_bits needs weight_bits and input_bits"),
        ({"weight_bits": 8, "programming_noise": -0.1}, "programming_noise: is -0.1"),
        ({"read_noise": 0.1}, "need weight_bits"),
        ({"weight_bits": 8, "drift_seconds": 9.0}, "needs device 'pcm'"),
        ({"weight_bits": 8, "stuck_on": 0.6, "stuck_off": 0.6}, "add up to 1.2"),
        ({"weight_bits": 8, "input_bits": 8, "adc_range": 0.5}, "adc_bits is missing"),
        ({"weight_bits": 1}, "weight_bits: is 1"),
        ({"weihgt_bits": 8}, "weihgt_bits: is not a known key"),
        ([8], "is [8]"),
    ],
)
def test_impossible_precisions(
    document: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    files = solved(tmp_path)
    capsys.readouterr()
    write(tmp_path / "f.json", document)
    line = said(capsys, "check", *files, "--precision", "f.json", code=2)
    assert line.startswith("sbdopt: f.json: ")
    assert words in line


def test_slices_that_do_not_fit_the_hardware() -> None:
    for hardware in ({"columns_per_weight": 3}, {"input_slices": 4}):
        coding = problem_of(**hardware).hardware
        with pytest.raises(InputError, match=r"it must be [48], or 1"):
            Coding.of(Precision(**SERIAL), coding)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Options count more than the file; the exit code is that of the exact check."""
    monkeypatch.chdir(tmp_path)
    files = solved(tmp_path)
    capsys.readouterr()
    write(tmp_path / "f.json", Document(SERIAL, adc_bits=9))
    assert main(["check", *files, "--precision", "f.json", "--adc-bits", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["accuracy"]
    assert report["precision"]["adc_bits"] == 2
    assert [operator["operator"] for operator in report["operators"]] == ["a", "b"]
    assert report["operators"][0]["error"]["rms"] > 0
    assert report["steps"][0]["bits"] == 4
    assert main(["check", *files, "--precision", "f.json"]) == 0
    out = capsys.readouterr().out
    assert "converters: 9 bits; 4 lose nothing; too few for 0 of" in out
    assert "assumed: a weight takes 4 columns" in out
    assert main(["check", *files, "--json"]) == 0
    assert "accuracy" not in json.loads(capsys.readouterr().out)


# An independent simulator -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 99))
def test_an_ideal_tile_of_aihwkit_agrees(seed: int) -> None:
    """`pip install aihwkit`; skipped without it."""
    pytest.importorskip("aihwkit")
    import torch
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import InferenceRPUConfig

    config = InferenceRPUConfig()
    config.forward.is_perfect = True
    rng = np.random.default_rng(seed)
    weights, x = rng.uniform(-0.5, 0.5, (16, 6)), rng.uniform(-1, 1, (3, 16))
    layer = AnalogLinear(16, 6, bias=False, rpu_config=config)
    layer.set_weights(torch.tensor(weights.T, dtype=torch.float32))
    with torch.no_grad():
        tile = layer(torch.tensor(x, dtype=torch.float32)).numpy()
    fine = Precision(weight_bits=16, cell_bits=4, input_bits=16, dac_bits=4)
    assert np.allclose(outputs_of(Precision(), weights, x), tile, atol=1e-5)
    assert np.allclose(outputs_of(fine, weights, x), tile, atol=1e-3)
