"""What is known of questions about one array, and what follows from it for others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sbdopt.documents import IntArray
from sbdopt.search.exact.scales import Size

Steps = tuple[tuple[Size, ...], ...]


@dataclass(eq=False)
class Answers:
    """Sets of sizes, read alone beside some steps, that have places or have none.

    What has none has none with more or larger blocks either, or with more blocks read together: blocks can be
    left out and made smaller where they stand, and a step that is taken apart asks for no empty crossings.
    """

    heights: Sequence[int]
    """All that occur, ascending."""
    widths: Sequence[int]
    _impossible: dict[Steps, _Sets] = field(default_factory=dict)

    @classmethod
    def of(cls, sizes: Sequence[Size]) -> Answers:
        """Answers to questions about these sizes."""
        return cls(sorted({height for height, _ in sizes}), sorted({width for _, width in sizes}))

    def add_impossible(self, free: Sequence[Size], steps: Steps) -> None:
        """Note that these blocks and steps have no places."""
        counts = self._counts(free)
        self._impossible.setdefault(steps, _Sets()).add(free, counts)

    def impossible(self, free: Sequence[Size], steps: Steps) -> bool:
        """Whether it follows from what is known that these blocks and steps have no places."""
        return any(
            kept in self._impossible and self._impossible[kept].below(blocks, self._counts(blocks))
            for kept, blocks in _taken_apart(free, steps)
        )

    def _counts(self, free: Sequence[Size]) -> IntArray:
        """How many blocks are no smaller than each height and width."""
        sizes = np.array(free, dtype=np.int64).reshape(-1, 2)
        high = sizes[:, 0] >= np.array(self.heights)[:, None]
        wide = sizes[:, 1] >= np.array(self.widths)[:, None]
        return (high.astype(np.int64) @ wide.T.astype(np.int64)).ravel()


@dataclass(eq=False)
class _Sets:
    """Sets of sizes beside the same steps."""

    sizes: list[Sequence[Size]] = field(default_factory=list)
    counts: list[IntArray] = field(default_factory=list)

    def add(self, free: Sequence[Size], counts: IntArray) -> None:
        self.sizes.append(free)
        self.counts.append(counts)

    def below(self, free: Sequence[Size], counts: IntArray) -> bool:
        """Whether each block of a known set can have one of these to itself that is no smaller."""
        known = tuple(self.counts)  # others may add to it meanwhile
        candidates = np.flatnonzero((np.array(known).reshape(-1, len(counts)) <= counts).all(axis=1))
        return any(_replaced(self.sizes[place], free) for place in candidates.tolist())


def _replaced(known: Sequence[Size], by: Sequence[Size]) -> bool:
    small, large = (np.array(sizes, dtype=np.int64).reshape(-1, 1, 2) for sizes in (known, by))
    if not len(small):
        return True
    fits = (small <= large.reshape(1, -1, 2)).all(axis=2)
    return bool((maximum_bipartite_matching(csr_array(fits), perm_type="column") >= 0).all())


def _taken_apart(free: Sequence[Size], steps: Steps) -> Iterator[tuple[Steps, list[Size]]]:
    """The steps with some taken apart, and the blocks that are read alone then."""
    for count in range(len(steps) + 1):
        for kept in combinations(range(len(steps)), count):
            apart = [size for number, step in enumerate(steps) if number not in kept for size in step]
            yield tuple(steps[number] for number in kept), [*free, *apart]
