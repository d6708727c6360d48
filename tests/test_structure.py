"""Blocks are found wherever they stand, and what is written multiplies to what the matrix does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from sbdopt import ArrayKind, Blocks, BlockStore, Budget, Hardware, InputError, Problem, check, solve
from sbdopt.simulate import simulate, standing_placement
from sbdopt.structure import Plan, find_structure, import_model, plan_of
from sbdopt.structure.components import components
from sbdopt.weights.checkpoint import open_checkpoint
from sbdopt.weights.store import read_weights


def hardware(rows=16, columns=16, **more):
    return Hardware(arrays=[ArrayKind(name="xbar", rows=rows, columns=columns, adcs=4)], **more)


def stored(folder: Path, **tensors: np.ndarray) -> Path:
    path = folder / "model.safetensors"
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path)
    return path


def scrambled(rng, sizes, spare):
    """A block-diagonal matrix of whole numbers, permuted, and its blocks as pairs of inputs and outputs."""
    sizes = np.array(sizes)
    inputs, outputs = sizes.sum(axis=0) + spare
    of_input, of_output = rng.permutation(inputs), rng.permutation(outputs)
    matrix, blocks = np.zeros((inputs, outputs), dtype=np.float32), set()
    for (row, column), (height, width) in zip(np.cumsum(sizes, axis=0) - sizes, sizes, strict=True):
        mine = of_input[row : row + height], of_output[column : column + width]
        matrix[np.ix_(*mine)] = rng.integers(1, 100, (height, width))
        blocks.add(tuple(frozenset(places.tolist()) for places in mine))
    return matrix, blocks


def block_sets(structure):
    origin, blocks = structure.origin, structure.blocks
    return {
        (frozenset(origin.inputs[i : i + h].tolist()), frozenset(origin.outputs[o : o + w].tolist()))
        for i, o, h, w in zip(blocks.input, blocks.output, blocks.height, blocks.width, strict=True)
    }


def covered(structure):
    """Where the matrix may be other than zero."""
    mask = np.zeros(structure.origin.shape, dtype=int)
    blocks, origin = structure.blocks, structure.origin
    for i, o, h, w in zip(blocks.input, blocks.output, blocks.height, blocks.width, strict=True):
        mask[np.ix_(origin.inputs[i : i + h], origin.outputs[o : o + w])] += 1
    return mask


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=8),
    spare=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    seed=st.integers(0, 2**31),
    turned=st.booleans(),
)
def test_a_scrambled_block_diagonal_matrix_is_recovered(sizes, spare, seed, turned):
    matrix, blocks = scrambled(np.random.default_rng(seed), sizes, spare)
    nonzero = np.asfortranarray(matrix != 0) if turned else matrix != 0
    structure = find_structure(nonzero, 16, 16)
    assert block_sets(structure) == blocks
    assert structure.zeros == 0
    assert structure.cut_away == spare
    assert structure.diagonal == len(sizes)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    density=st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0]),
    tile=st.sampled_from([None, (1, 1), (4, 3), (9, 11)]),
    seed=st.integers(0, 2**31),
)
def test_every_non_zero_is_in_one_block_that_fits(shape, density, tile, seed):
    nonzero = np.random.default_rng(seed).random(shape) < density
    for given_matrix in (nonzero, np.asfortranarray(nonzero)):
        structure = find_structure(given_matrix, 9, 11, tile=tile)
        mask = covered(structure)
        assert mask.max() <= 1
        assert (mask[nonzero] == 1).all()
        assert structure.zeros == mask.sum() - nonzero.sum()
        assert (structure.blocks.height <= (tile or (9, 11))[0]).all()
        assert (structure.blocks.width <= (tile or (9, 11))[1]).all()
        if tile == (1, 1):
            assert structure.zeros == 0
    assert (structure.kind == "empty") == (not nonzero.any())


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_components_are_those_of_a_walk(rows, columns, seed):
    nonzero = np.random.default_rng(seed).random((rows, columns)) < 0.15
    of_row, of_column = components(nonzero)
    linked = {(r, c) for r, c in np.argwhere(nonzero).tolist()}
    group = {("r", r): {r} for r, _ in linked}
    for r in sorted({r for r, _ in linked}):  # rows that share a column, again and again
        reached, todo = set(), [r]
        while todo:
            row = todo.pop()
            if row not in reached:
                reached.add(row)
                mine = {c for one, c in linked if one == row}
                todo += [one for one, c in linked if c in mine]
        group["r", r] = reached
    for r in range(rows):
        assert (of_row[r] < 0) == (not nonzero[r].any())
        for other in range(rows):
            if of_row[r] >= 0 and of_row[other] >= 0:
                assert (of_row[r] == of_row[other]) == (other in group["r", r])
    for c in range(columns):
        assert {int(of_row[r]) for r in np.flatnonzero(nonzero[:, c])} <= {int(of_column[c])}
        assert (of_column[c] < 0) == (not nonzero[:, c].any())


def test_components_of_many_chunks_are_joined(monkeypatch):
    matrix, blocks = scrambled(np.random.default_rng(4), [(9, 7), (20, 3), (1, 1), (5, 30)], (2, 1))
    monkeypatch.setattr("sbdopt.structure.components._CHUNK", 50)
    assert block_sets(find_structure(matrix != 0, 32, 32)) == blocks


def test_blocks_in_place_stay_there():
    nonzero = np.zeros((20, 30), dtype=bool)
    nonzero[:7, :11] = nonzero[7:20, 11:] = True
    structure = find_structure(nonzero, 32, 32)
    assert (structure.kind, structure.permuted, structure.cut_away) == ("block-diagonal", False, (0, 0))
    assert structure.blocks.input.tolist() == [0, 7]


def test_the_grid_is_found_and_tiles_stay_in_place():
    rng = np.random.default_rng(0)
    for height, width, share in ((32, 32, 0.3), (16, 8, 0.5), (20, 14, 0.6), (4, 4, 0.2)):
        tiles = rng.random((24, 24)) < share
        nonzero = np.kron(tiles, np.ones((height, width), dtype=bool))
        structure = find_structure(nonzero, 64, 64)
        assert structure.kind == f"block-sparse {height}x{width}"
        assert (len(structure.blocks), structure.zeros, structure.permuted) == (tiles.sum(), 0, False)


def test_the_grid_is_found_where_tiles_have_gaps_and_lines_are_cut_away():
    rng = np.random.default_rng(1)
    tiles = rng.random((16, 16)) < 0.3
    nonzero = np.kron(tiles, np.ones((16, 16), dtype=bool)) & (rng.random((256, 256)) < 0.8)
    nonzero &= (rng.random(256) < 0.9)[:, None]
    structure = find_structure(nonzero, 64, 64)
    assert structure.kind == "block-sparse 16x16"
    assert len(structure.blocks) == tiles.sum()
    assert structure.cut_away[0] > 5


def test_dense_matrices_and_large_blocks_are_cut():
    structure = find_structure(np.ones((300, 100), dtype=bool), 256, 64)
    assert structure.kind == "dense"
    sizes = list(zip(structure.blocks.height.tolist(), structure.blocks.width.tolist(), strict=True))
    assert sizes == [(256, 64), (256, 36), (44, 64), (44, 36)]


def test_what_is_no_matrix_is_refused():
    for shape in ((3,), (0, 4), (2, 2, 2)):
        with pytest.raises(InputError, match="a matrix must be"):
            find_structure(np.ones(shape, dtype=bool), 4, 4)
    with pytest.raises(InputError, match="tiles of 5x4 are larger than arrays, 4x4 weights"):
        find_structure(np.ones((8, 8), dtype=bool), 4, 4, tile=(5, 4))


def test_the_arrays_yield_what_the_original_does(tmp_path):
    """Permuted, cut away, split, turned: x through the arrays is x times the matrix of the model."""
    rng = np.random.default_rng(2)
    first, _ = scrambled(rng, [(5, 9), (20, 30), (3, 2)], (2, 3))
    second = np.kron(rng.random((6, 6)) < 0.3, np.ones((4, 4))) * rng.integers(1, 9, (24, 24))
    models = {
        "first": first,
        "second": second.astype(np.float16),
        "third": rng.integers(1, 9, (20, 20)) * 1.0,
    }
    path = stored(tmp_path, **{name: matrix.T for name, matrix in models.items()})
    imported = import_model(open_checkpoint(path), hardware(columns_per_weight=2), name="all")
    imported.save(tmp_path / "all.json")
    problem = Problem.load(tmp_path / "all.json")
    solution = solve(problem, method="greedy", budget=Budget(seconds=60))
    assert check(problem, solution).agrees
    store = BlockStore(problem.weights_path)
    weights = read_weights(problem, problem.weights_path)
    blocks = Blocks.of(problem)
    x = {name: rng.integers(-9, 9, (2, len(matrix))).astype(float) for name, matrix in models.items()}
    inputs = {name: store.origin(name).gather(values) for name, values in x.items()}
    outputs = simulate(blocks, standing_placement(blocks, solution), weights, inputs)
    for name, matrix in models.items():
        assert np.array_equal(store.matrix(name), matrix)
        assert np.array_equal(store.origin(name).scatter(outputs[name]), x[name] @ matrix.astype(float))
        assert store.values(name).dtype == {"first": "F32", "second": "F16", "third": "F64"}[name]


def test_a_threshold_makes_small_weights_zero(tmp_path):
    matrix = np.eye(6) + 0.01
    imported = import_model(open_checkpoint(stored(tmp_path, w=matrix)), hardware(), name="p", threshold=0.01)
    assert imported.structures["w"].kind == "block-diagonal"
    assert imported.dropped["w"] == 30
    store = BlockStore(imported.save(tmp_path / "p.json"))
    assert np.array_equal(store.matrix("w"), np.where(matrix > 0.01, matrix, 0))
    whole = import_model(
        open_checkpoint(stored(tmp_path, w=matrix)), hardware(), name="p", threshold=0.005, tile=(3, 3)
    )
    assert np.array_equal(BlockStore(whole.save(tmp_path / "p.json")).matrix("w"), matrix)


def test_the_threshold_is_applied_inside_blocks(tmp_path):
    matrix = np.full((4, 4), 2.0, dtype=np.float32)
    matrix[1, 2] = -0.5
    imported = import_model(open_checkpoint(stored(tmp_path, w=matrix)), hardware(), name="p", threshold=0.5)
    assert imported.structures["w"].zeros == 1
    matrix[1, 2] = 0
    assert np.array_equal(BlockStore(imported.save(tmp_path / "p.json")).matrix("w"), matrix.T)


def test_operators_run_in_the_natural_order_of_names(tmp_path):
    one = np.ones((2, 2), dtype=np.float32)
    path = stored(
        tmp_path, **{"l.10.w": one, "l.9.w": one, "l.9.bias": one[0], "ids": np.ones((1, 4), np.int64)}
    )
    checkpoint = open_checkpoint(path)
    plan = plan_of(checkpoint)
    assert [(operator.name, operator.after) for operator in plan.operators] == [
        ("l.9.w", []),
        ("l.10.w", ["l.9.w"]),
    ]
    assert [one.name for one in plan_of(checkpoint, only=["ids", "l.9*"], after="none").operators] == [
        "ids",
        "l.9.w",
    ]
    assert [one.name for one in plan_of(checkpoint, skip=["*9*"]).operators] == ["l.10.w"]
    with pytest.raises(InputError, match=r"no tensor fits 'q'; it holds 'ids', 'l.10.w'"):
        plan_of(checkpoint, only=["q"])
    with pytest.raises(InputError, match="no matrix is left"):
        plan_of(checkpoint, skip=["l*"])
    with pytest.raises(InputError, match="'chain' or 'none', but not 'all'"):
        plan_of(checkpoint, after="all")


def test_operators_that_read_one_vector_share_it_where_their_inputs_are_alike(tmp_path):
    whole, cut = np.ones((3, 4), dtype=np.float32), np.ones((3, 4), dtype=np.float32)
    cut[1] = 0
    path = stored(tmp_path, q=whole, k=cut, v=2 * cut, o=whole)
    reads = [{"name": name, "input": "x"} for name in "qkv"]
    plan = Plan.model_validate(
        {"operators": [*reads, {"name": "mix", "cycles": 3, "after": ["q"]}, {"name": "out", "tensor": "o"}]}
    )
    problem = import_model(
        open_checkpoint(path), hardware(), name="p", plan=plan, layout="inputs-outputs"
    ).problem
    operators = {operator.name: operator for operator in problem.operators}
    assert [operators[name].input for name in ("q", "k", "v", "out")] == ["x", "x[k]", "x[k]", None]
    assert operators["k"].shape == [2, 4]
    assert operators["mix"].cycles == 3
