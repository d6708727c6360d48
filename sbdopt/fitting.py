"""Cut blocks into pieces of at most the size of an array."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns, Hardware


def largest_block(hardware: Hardware) -> tuple[int, int]:
    """Height and width of the largest block: that of the kind of array with the most cells.

    InputError: not even one weight fits.
    """
    kind = hardware.largest
    columns = kind.columns // hardware.columns_per_weight
    if not columns:
        raise InputError(
            f"hardware: a weight takes {hardware.columns_per_weight} columns, but {kind.name!r} has only "
            f"{kind.columns}; lower columns_per_weight or take a wider array"
        )
    return kind.rows, columns


def cut_blocks(
    inputs: IntArray, outputs: IntArray, heights: IntArray, widths: IntArray, rows: int, columns: int
) -> BlockColumns:
    """Blocks in pieces of at most rows x columns: block after block, each from the top left."""
    down, across = -(-heights // rows), -(-widths // columns)
    block = np.repeat(np.arange(len(heights)), down * across)
    piece = np.arange(len(block)) - np.repeat(np.cumsum(down * across) - down * across, down * across)
    top, left = piece // across[block] * rows, piece % across[block] * columns
    return BlockColumns(
        input=(inputs[block] + top).tolist(),
        output=(outputs[block] + left).tolist(),
        height=np.minimum(heights[block] - top, rows).tolist(),
        width=np.minimum(widths[block] - left, columns).tolist(),
    )
