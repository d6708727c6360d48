"""Blocks of each weight chosen within arrays or within an error."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sbdopt.design import Candidate, Chooser, design_for_arrays, design_for_error, design_front, pack
from sbdopt.design.table import Table
from sbdopt.errors import InputError
from sbdopt.monarch import Pattern, errors_by_rank, project
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.projection import Choice
from sbdopt.search.budget import Budget

HARDWARE = Hardware(arrays=[ArrayKind(name="xbar", rows=16, columns=16, adcs=4)])


def random_candidates(seed: int, weights: int = 5) -> dict[str, list[Candidate]]:
    rng = np.random.default_rng(seed)
    result = {}
    for weight in range(weights):
        some = []
        for blocks, rank in ((None, 1), ([2, 2], 1), ([4, 4], 2), ([8, 8], 1)):
            error = 0.0 if blocks is None else float(rng.random())
            choice = Choice(shape=[16, 16], blocks=blocks, rank=rank, error=error)
            some.append(Candidate(choice, choice.cells, 1))
        result[f"w{weight}"] = some
    return result


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_choices_are_the_best_of_all(seed, weighted):
    candidates = random_candidates(seed)
    every = list(product(*candidates.values()))
    counts = [0.0, 0.2, 3.0, 30.0, 1.0] if weighted else [1.0] * 5
    share = [count / sum(counts) * 5 for count in counts]
    chooser = Chooser(candidates, importance=dict(zip(candidates, counts, strict=True)) if weighted else None)

    def squares(choice):
        pairs = zip(share, choice, strict=True)
        return sum(int(np.ceil(count * one.error**2 * 10**6)) for count, one in pairs)

    for cells in (4 * 16 * 5, 500, 700, 5 * 256):
        least = min((squares(c) for c in every if sum(one.cells for one in c) <= cells), default=None)
        found = chooser.least_error(cells)
        assert (found is None) == (least is None)
        if found is not None:
            assert found.cells <= cells
            assert found.error == found.error_bound == pytest.approx((least / 10**6 / 5) ** 0.5)
    for error in (0.0, 0.3, 0.6):
        limit = np.floor(error**2 * 5 * 10**6)
        fewest = min(sum(one.cells for one in c) for c in every if squares(c) <= limit)
        found = chooser.fewest_cells(error)
        assert found.cells == found.cells_bound == fewest
        assert found.error <= error


def test_only_ratios_of_importance_count():
    candidates = random_candidates(7)
    counts = dict(zip(candidates, [1.0, 2.0, 8.0, 16.0, 16.0], strict=True))
    small = Chooser(candidates, importance=counts).least_error(600)
    large = Chooser(candidates, importance={name: 1024 * count for name, count in counts.items()})
    assert large.least_error(600) == small
    huge = Chooser(candidates, importance={name: 2.0**1019 * count for name, count in counts.items()})
    assert huge.least_error(600) == small
    more = Chooser(candidates, importance=counts | {"elsewhere": float("inf")})
    assert more.least_error(600) == small
    alike = Chooser(candidates, importance=dict.fromkeys(candidates, 0.3)).least_error(600)
    assert alike == Chooser(candidates).least_error(600)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "none of weight 'w0'"),
        (dict.fromkeys(["w0", "w1", "w2", "w3", "w4"], 0.0), "0 for every weight"),
        ({"w0": -1.0}, "weight 'w0' is -1.0"),
        ({"w0": float("inf")}, "weight 'w0' is inf"),
        ({"w0": float("nan")}, "weight 'w0' is nan"),
    ],
)
def test_importance_that_says_nothing_is_refused(counts, text):
    with pytest.raises(InputError, match=text):
        Chooser(random_candidates(0), importance=counts)


@pytest.mark.parametrize("seed", range(40))
def test_the_table_is_exact(seed):
    rng = np.random.default_rng(seed)
    options = {
        str(weight): [tuple(pair) for pair in rng.integers(1, 9, (rng.integers(1, 5), 2)).tolist()]
        for weight in range(4)
    }
    every = [
        (sum(size for size, _ in chosen), sum(cost for _, cost in chosen))
        for chosen in product(*options.values())
    ]
    least = min(size for size, _ in every)
    assert Table.of(options, least - 1) is None
    table = Table.of(options, 30)
    for cells in range(least, 31):
        picked = [options[name][option] for name, option in table.pick(cells).items()]
        assert sum(size for size, _ in picked) <= cells
        assert sum(cost for _, cost in picked) == min(cost for size, cost in every if size <= cells)


def test_cpsat_agrees_where_the_table_is_too_large(monkeypatch):
    candidates = random_candidates(5)
    cells = sum(some[1].cells for some in candidates.values())
    by_table = Chooser(candidates).least_error(cells)
    monkeypatch.setattr("sbdopt.design.table._MOST_BYTES", 0)
    by_cpsat = Chooser(candidates).least_error(cells)
    assert by_table.error_bound == by_cpsat.error_bound
    assert Chooser(candidates).least_error(0) is None


def test_designs_are_packed():
    packed = pack(HARDWARE, lambda: Budget(seconds=5))
    chooser = Chooser(random_candidates(9))
    front = list(design_front(chooser, "model", HARDWARE, packed, points=4))
    assert [one.error for one in front] == sorted((one.error for one in front), reverse=True)
    assert front[-1].error == 0
    assert front[-1].arrays == 5
    within = design_for_arrays(chooser, "model", HARDWARE, 3, packed)
    assert within.arrays <= 3
    assert within.optimal == (within.error <= within.error_bound)
    again = design_for_error(chooser, "model", HARDWARE, within.error + 1e-9, packed)
    assert again.arrays_bound <= within.arrays
    assert design_for_arrays(chooser, "model", HARDWARE, 1, packed) is None


def test_packing_that_needs_more_than_the_cells_is_said():
    """Estimated at 2 arrays, but 3 blocks of 9 x 16 need 3: so only a choice of fewer cells is left."""
    choice = Choice(shape=[9, 16], error=0.0)
    small = Choice(shape=[9, 16], blocks=[1, 1], rank=1, error=0.5)
    some = [Candidate(choice, choice.cells, 1), Candidate(small, small.cells, 1)]
    chooser = Chooser(dict.fromkeys("abc", some))
    packed = pack(HARDWARE, lambda: Budget(seconds=5))
    found = design_for_arrays(chooser, "model", HARDWARE, 2, packed)
    assert found.arrays <= 2
    assert found.error > found.error_bound == 0
    assert not found.optimal


@pytest.mark.parametrize("moment", [False, True])
def test_errors_are_those_of_the_projection(moment):
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((12, 18))
    blocks = np.zeros((12, 12))
    for rows in (slice(0, 6), slice(6, 12)):
        x = rng.standard_normal((40, 6))
        blocks[rows, rows] = x.T @ x
    metric = blocks if moment else np.eye(12)
    errors = errors_by_rank(weight, Pattern(2, 3), [1, 2, 4], blocks if moment else None)
    for rank, error in zip([1, 2, 4], errors, strict=True):
        off = weight - project(weight, Pattern(2, 3, rank), blocks if moment else None).dense()
        whole = np.trace(weight.T @ metric @ weight)
        assert error == pytest.approx(np.sqrt(np.trace(off.T @ metric @ off) / whole), rel=1e-3)
