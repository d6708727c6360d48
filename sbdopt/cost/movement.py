"""What it takes to bring inputs to the arrays and outputs away, where blocks are spread over a mesh of tiles.

Arrays are numbered as they stand: `arrays_per_mesh_tile` of one kind are a mesh tile, and the tiles that are
used form a square, row by row. Every operator has a home, the median of the tiles that its blocks stand on,
where its outputs are gathered (and partial sums added); a digital operator's home is the median of those of
what it is after. Inputs come from the median of the homes of what an operator is after - from the corner of
the mesh if there is none - and go to each array on their own, with no multicast: what two steps need is moved
twice. Distances are Manhattan.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.cost.activity import Activity
from sbdopt.cost.components import Network
from sbdopt.documents import FloatArray, IntArray
from sbdopt.judge.steps import numbered
from sbdopt.placement import Placement


@dataclass(frozen=True, eq=False)
class Movement:
    """Traffic of one token."""

    bits_in: float
    """Into arrays."""
    bits_out: float
    bit_hops: float
    mesh_tiles: int
    before: FloatArray
    """For each operator: ns from the end of those before it until its arrays have their inputs."""
    after: FloatArray
    """For each operator: ns until its outputs are at its home."""


def count_movement(
    blocks: Blocks,
    placement: Placement,
    activity: Activity,
    network: Network,
    *,
    arrays_per_mesh_tile: int,
    input_bits: int,
    output_bits: int,
) -> Movement:
    """The traffic of a legal placement. Bits of a step are shared out to its blocks by their size."""
    steps, hardware = activity.steps, blocks.hardware
    tile = numbered(placement.kind, placement.array // arrays_per_mesh_tile)
    tiles = int(tile.max(initial=-1)) + 1
    side = max(1, isqrt(max(0, tiles - 1)) + 1)
    place = np.stack([tile // side, tile % side], axis=1)
    homes, sources = _homes(blocks, place)
    into = _shared(steps.of, blocks.height, steps.rows) * input_bits
    out = _shared(steps.of, blocks.columns, steps.columns) / hardware.columns_per_weight * output_bits
    hops_in = np.abs(place - sources[blocks.operator]).sum(axis=1)
    hops_out = np.abs(place - homes[blocks.operator]).sum(axis=1)
    return Movement(
        bits_in=float(into.sum()),
        bits_out=float(out.sum()),
        bit_hops=float((into * hops_in).sum() + (out * hops_out).sum()),
        mesh_tiles=tiles,
        before=_times(blocks, tile, into, hops_in, network),
        after=_times(blocks, tile, out, hops_out, network),
    )


def _shared(of: IntArray, size: IntArray, total: IntArray) -> FloatArray:
    """For each block its share of its step's `total`, in proportion to `size`."""
    sizes = np.zeros(len(total), dtype=np.int64)
    np.add.at(sizes, of, size)
    shares: FloatArray = size * (total / sizes)[of]
    return shares


def _homes(blocks: Blocks, place: IntArray) -> tuple[IntArray, IntArray]:
    """For each operator its home, and where its inputs come from."""
    count = len(blocks.predecessors)
    homes = np.zeros((count, 2), dtype=np.int64)
    sources = np.zeros((count, 2), dtype=np.int64)
    for operator in blocks.order:
        before = blocks.predecessors[operator]
        if before:
            sources[operator] = np.median(homes[list(before)], axis=0)
        mine = place[blocks.first[operator] : blocks.first[operator + 1]]
        homes[operator] = np.median(mine, axis=0) if len(mine) else sources[operator]
    return homes, sources


def _times(blocks: Blocks, tile: IntArray, bits: FloatArray, hops: IntArray, network: Network) -> FloatArray:
    """For each operator: the way of the farthest of its blocks, and the bits of its busiest tile."""
    result = np.zeros(len(blocks.predecessors))
    np.maximum.at(result, blocks.operator, hops * network.ns_per_hop)
    if network.bits_per_ns is not None and len(blocks):
        pair = numbered(blocks.operator, tile)
        operator = np.zeros(int(pair.max()) + 1, dtype=np.int64)
        operator[pair] = blocks.operator
        busiest = np.zeros(len(result))
        np.maximum.at(busiest, operator, np.bincount(pair, weights=bits))
        result += busiest / network.bits_per_ns
    return result
