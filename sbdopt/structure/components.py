"""Which rows and columns of a matrix belong together: the components of the graph that its non-zeros make."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sbdopt.documents import BoolArray, IntArray

_CHUNK: Final = 1 << 20
"""Cells looked at at a time: their coordinates take 16 times the memory of their mask."""


def components(nonzero: BoolArray) -> tuple[IntArray, IntArray]:
    """The number of the component of every row and every column; -1 where there is nothing.

    Two lines are in one component if steps from non-zero to non-zero along rows and columns lead from one to
    the other. After a permutation that puts components together the matrix is block-diagonal, and no
    permutation gives more blocks. Components are numbered in the order of their first rows.
    """
    rows, columns = nonzero.shape
    number = np.arange(columns)  # of the component, as far as known, of each column
    met = np.full(rows, -1)  # a column that the row meets
    step = max(1, _CHUNK // columns)
    for begin in range(0, rows, step):
        row, column = np.nonzero(nonzero[begin : begin + step])
        first = np.flatnonzero(np.diff(row, prepend=-1))
        met[begin + row[first]] = column[first]
        one, other = number[met[begin + row]], number[column]
        apart = one != other
        if apart.any():
            number = _joined(columns, one[apart], other[apart])[number]
    of_row = np.where(met >= 0, number[met], -1)
    found, first = np.unique(of_row[met >= 0], return_index=True)
    rank = np.full(columns, -1)
    rank[found[np.argsort(first)]] = np.arange(len(found))
    # A column that meets no row is alone in a component that no row has.
    return np.where(met >= 0, rank[of_row], -1), rank[number]


def _joined(count: int, one: IntArray, other: IntArray) -> IntArray:
    """A new number for each old one below `count`, equal for those that pairs connect."""
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    _, number = connected_components(graph, directed=False)
    return np.asarray(number, dtype=np.int64)
