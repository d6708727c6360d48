"""Dual feasible functions: the fewest arrays that rectangles need, by changing their sizes cleverly.

A function f on sizes is dual feasible for a capacity C if sizes that fit together within C still fit within
f(C) after f. If f is so for rows and g for columns, rectangles that stand in one array also have
sum f(height) g(width) <= f(R) g(C). For call one above another if it ends before the other begins, wherever
their columns are. The heights along a chain of rectangles, each above the next, fit R, so their f fits f(R).
Let each begin at the longest such chain above it, measured in f, and the same to the left, in g: rectangles
of f(height) x g(width) that stand in f(R) x g(C), and any two are still one above or left of the other, so
none overlap. The families f0, f1 and f2 are those of Carlier, Clautiaux and Moukrim, *New reduction
procedures and lower bounds for the two-dimensional bin packing problem with fixed orientation* (Computers &
Operations Research 34, 2007).
"""

from __future__ import annotations

import numpy as np

from sbdopt.documents import FloatArray, IntArray

_MOST_PRODUCTS = 4e9


def fewest_arrays(height: IntArray, width: IntArray, count: IntArray, rows: int, columns: int) -> int:
    """Lower bound of the arrays of rows x columns that `count` rectangles of each size need.

    The largest over all pairs of functions of ceil(sum count f(height) g(width) / (f(rows) g(columns))).
    """
    f, f_capacity = _functions(height, count, rows)
    g, g_capacity = _functions(width, count, columns)
    most = max(1, int(_MOST_PRODUCTS / max(1, len(height) * len(f))))
    g, g_capacity = g[:most], g_capacity[:most]
    total = (f * count) @ g.T
    capacity = np.outer(f_capacity, g_capacity)
    usable = capacity > 0
    ratio = np.where(usable, total / np.where(usable, capacity, 1), 0)
    one, two = np.unravel_index(int(ratio.argmax()), ratio.shape)
    exact = sum(
        int(c) * int(a) * int(b) for c, a, b in zip(count, f[one], g[two], strict=True)
    )  # the float product only chooses; the bound itself is counted in whole numbers
    return -(-exact // (int(f_capacity[one]) * int(g_capacity[two])))


def _functions(size: IntArray, count: IntArray, capacity: int) -> tuple[FloatArray, FloatArray]:
    """All functions of the three families applied to the sizes (a row each), and to the capacity.

    Everything is doubled first, so that half of an odd capacity is a parameter like others.
    """
    distinct, place = np.unique(2 * size, return_inverse=True)
    capacity *= 2
    number = np.bincount(place, weights=count).astype(np.int64)
    half = capacity // 2
    candidates = np.unique(np.concatenate([distinct, capacity - distinct, [half]]))
    candidates = candidates[(candidates >= 1) & (candidates <= half)]
    rows = [distinct]
    capacities = [capacity]
    for k in candidates.tolist():
        for values, most in (
            _f0(distinct, capacity, k),
            _f1(distinct, number, capacity, k),
            _f2(distinct, capacity, k),
        ):
            rows.append(values)
            capacities.append(most)
    table = np.unique(np.column_stack([np.array(rows), capacities]), axis=0).astype(np.float64)
    return table[:, :-1][:, place], table[:, -1]


def _f0(size: IntArray, capacity: int, k: int) -> tuple[IntArray, int]:
    """A large size fills the array, as nothing of size k stands beside it; sizes below k do not count."""
    return np.where(size > capacity - k, capacity, np.where(size < k, 0, size)), capacity


def _f1(size: IntArray, number: IntArray, capacity: int, k: int) -> tuple[IntArray, int]:
    """Counts the middle sizes that fit: a large one takes the place of as many as no longer fit beside it.

    M(c), the most rectangles of sizes k .. capacity/2 that fit in c, is of these very rectangles: a chain in
    an array holds each of them at most once.
    """
    middle = (size >= k) & (2 * size <= capacity)
    used = np.repeat(size[middle], np.minimum(number[middle], capacity // k + 1))
    filled = np.cumsum(used)

    def most(room: IntArray) -> IntArray:
        return np.searchsorted(filled, room, side="right").astype(np.int64)

    everything = int(most(np.array([capacity]))[0])
    large = everything - most(capacity - size)
    return np.where(2 * size > capacity, large, middle.astype(np.int64)), everything


def _f2(size: IntArray, capacity: int, k: int) -> tuple[IntArray, int]:
    """Rounds to multiples of k, so that what is wasted beside a large size is seen."""
    fit = capacity // k
    large = 2 * (fit - (capacity - size) // k)
    values = np.where(2 * size > capacity, large, np.where(2 * size == capacity, fit, 2 * (size // k)))
    return values, 2 * fit
