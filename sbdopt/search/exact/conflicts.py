"""What no array can hold, and all that follows from it for other blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sbdopt.search.exact.scales import Size

_ANY = -1
"""In place of an operator: it may be any."""


@dataclass(frozen=True)
class Conflict:
    """No array holds these blocks while each of these operators takes no more than so many cycles."""

    blocks: tuple[int, ...]
    cycles: Mapping[int, int]

    def crowds(self, size: Sequence[Size], operator: Sequence[int]) -> Iterator[tuple[frozenset[int], int]]:
        """Sets of blocks and numbers: an array that holds so many of each cannot keep to the cycles.

        A block of the conflict may be replaced by any other that is no smaller in height and width - by one
        of its operator, if that is limited in cycles: made smaller again they would do in the same cycles,
        since no step gets more columns. (One of another operator is taken out of its step. It does not stand
        where rows of the others meet their columns, since members share neither.) All can be replaced if and
        only if for every set of them there are as many blocks on the array that can replace one of the set
        (Hall 1935); so one such set has too few.
        """
        of = [operator[i] if operator[i] in self.cycles else _ANY for i in self.blocks]
        wanted = Counter(zip((size[i] for i in self.blocks), of, strict=True))
        large = {
            (least, of): frozenset(
                i
                for i, other in enumerate(size)
                if of in (_ANY, operator[i]) and other[0] >= least[0] and other[1] >= least[1]
            )
            for least, of in wanted
        }
        crowds = _unions(set(large.values()))
        number = {
            members: sum(count for one, count in wanted.items() if large[one] <= members)
            for members in crowds
        }
        for members in crowds:
            if not any(other < members and number[members] <= number[other] for other in crowds):
                yield members, number[members]


def _unions(sets: set[frozenset[int]]) -> set[frozenset[int]]:
    """All unions of sets of which each meets one before: of others what is asked of the parts is enough."""
    found, new = set(sets), list(sets)
    while new:
        one = new.pop()
        for other in sets:
            union = one | other
            if union not in found and not one.isdisjoint(other):
                found.add(union)
                new.append(union)
    return found
