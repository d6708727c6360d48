"""Whether some blocks can stand on one array if operators may take only so long, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from sbdopt.search.exact.candidates import Candidate
from sbdopt.search.exact.conflicts import Conflict
from sbdopt.search.exact.fits import PATIENCE, Fits
from sbdopt.search.exact.scales import Size

_Steps = tuple[tuple[int, ...], ...]

_MOST_CHOICES = 2000
"""Ways to read an operator's blocks together, and of all in all, that are tried before it is given up."""
_MOST_SAVINGS = 50_000
"""Sets of steps, of which many may be of the same sizes, that are looked at for these ways."""
_IMPATIENT = 0.005
"""What a question may take that only makes a conflict smaller (see `PATIENCE`)."""


@dataclass(frozen=True)
class Standing:
    """Places of the blocks of an array, by block, and the steps of several blocks."""

    places: Mapping[int, tuple[int, int]]
    steps: Sequence[tuple[int, ...]]


class _Reading(NamedTuple):
    """What is read alone and what together, as a question about sizes, and the blocks in the order of it."""

    free: tuple[Size, ...]
    steps: tuple[tuple[Size, ...], ...]
    order: Sequence[int]
    read: Sequence[tuple[int, ...]]


@dataclass(eq=False)
class Questions:
    """Questions about arrays of one kind, on which every step reads blocks of one operator."""

    fits: Fits
    size: Sequence[Size]
    """Of each block."""
    operator: Sequence[int]
    """Of each block."""
    candidates: Mapping[int, Sequence[tuple[Candidate, int]]]
    """The steps of each operator, and the cycles of each."""
    _known: dict[tuple[object, ...], Standing | None] = field(default_factory=dict)
    _ways: dict[tuple[frozenset[int], int], list[_Steps] | None] = field(default_factory=dict)

    def standing(
        self, blocks: Sequence[int], cycles: Mapping[int, int], patience: float = PATIENCE
    ) -> Standing | bool | None:
        """How blocks can stand on an array, None if they cannot, False if that could not be decided.

        Operators that are not in `cycles` may take any time. It is enough to read together what saves the
        cycles that must be saved: a step that is taken apart asks for no empty crossings.
        """
        key = (tuple(sorted(blocks)), tuple(sorted(cycles.items())))
        if key not in self._known:
            answer = self._ask(blocks, cycles, patience)
            if answer is False:
                return False
            assert not isinstance(answer, bool)
            self._known[key] = answer
        return self._known[key]

    def _ask(
        self, blocks: Sequence[int], cycles: Mapping[int, int], patience: float
    ) -> Standing | bool | None:
        """Operator by operator ways to read it are chosen, as long as bounds do not show them impossible.

        What is not chosen yet is read alone. Operators of which there are too many ways stay so: then it is
        never decided that blocks can stand.
        """
        choices = self._choices(blocks, cycles)
        few = [ways for ways in choices if len(ways) <= _MOST_CHOICES]
        if len(few) < len(choices):
            patience = 0
        few.sort(key=len)
        undecided = 0
        stack: list[tuple[_Steps, ...]] = [()]
        while stack:
            if self.fits.ended or undecided > _MOST_CHOICES:
                return False
            chosen = stack.pop()
            if not (self._can(blocks, chosen[-1:]) and self._can(blocks, chosen)):
                continue
            if len(chosen) < len(few):
                stack += [(*chosen, way) for way in reversed(few[len(chosen)])]
                continue
            reading = self._reading(blocks, chosen)
            places = self.fits.places(reading.free, reading.steps, patience)
            if isinstance(places, list) and len(few) == len(choices):
                return Standing(dict(zip(reading.order, places, strict=True)), reading.read)
            if places is not False:
                undecided += 1
                if patience < PATIENCE:
                    return False
        return False if undecided else None

    def _can(self, blocks: Sequence[int], chosen: Sequence[_Steps]) -> bool:
        """Whether bounds do not exclude that blocks are read like that, and the others alone."""
        reading = self._reading(blocks, chosen)
        return self.fits.places(reading.free, reading.steps, 0) is not False

    def _reading(self, blocks: Sequence[int], chosen: Sequence[_Steps]) -> _Reading:
        size = self.size
        read = sorted(
            (tuple(sorted(step, key=lambda i: (size[i], i))) for steps in chosen for step in steps),
            key=lambda step: [size[i] for i in step],
        )
        together = {i for step in read for i in step}
        free = sorted((i for i in blocks if i not in together), key=lambda i: (size[i], i))
        return _Reading(
            tuple(size[i] for i in free),
            tuple(tuple(size[i] for i in step) for step in read),
            [*free, *(i for step in read for i in step)],
            read,
        )

    def _choices(self, blocks: Sequence[int], cycles: Mapping[int, int]) -> list[list[_Steps]]:
        """For each operator that would take too long block by block the ways to read it in time."""
        choices = []
        for operator, most in cycles.items():
            mine = frozenset(i for i in blocks if self.operator[i] == operator)
            if (mine, most) not in self._ways:
                self._ways[mine, most] = self._ways_to_read(operator, mine, most)
            ways = self._ways[mine, most]
            if ways is not None:
                choices.append(ways)
        return choices

    def _ways_to_read(self, operator: int, mine: frozenset[int], most: int) -> list[_Steps] | None:
        """None if blocks can be read one by one; more than `_MOST_CHOICES` if there are too many."""
        inside = [(c, spent) for c, spent in self.candidates[operator] if mine.issuperset(c.members)]
        alone = {c.members[0]: spent for c, spent in inside if len(c.members) == 1}
        excess = sum(alone.values()) - most
        if excess <= 0:
            return None
        saving = [
            (c.members, sum(alone[i] for i in c.members) - spent) for c, spent in inside if len(c.members) > 1
        ]
        savings = _savings([(members, saved) for members, saved in saving if saved > 0], excess)
        ways: dict[tuple[tuple[Size, ...], ...], _Steps] = {}
        for way in islice(savings, _MOST_SAVINGS):
            ways.setdefault(tuple(sorted(tuple(sorted(self.size[i] for i in step)) for step in way)), way)
            if len(ways) > _MOST_CHOICES:
                break
        return list(ways.values()) if next(savings, None) is None else [()] * (_MOST_CHOICES + 1)

    def conflict(self, blocks: Sequence[int], cycles: Mapping[int, int]) -> Conflict:
        """Why these blocks cannot stand on an array: few blocks and much time that still are too much."""
        rest, least = list(blocks), dict(cycles)
        for operator in list(least):
            fewer = {o: most for o, most in least.items() if o != operator}
            if self.impossible(rest, fewer, _IMPATIENT):
                least = fewer
        for block in sorted(blocks, key=lambda i: self.size[i][0] * self.size[i][1]):
            fewer_blocks = [i for i in rest if i != block]
            if self.impossible(fewer_blocks, least, _IMPATIENT):
                rest = fewer_blocks
        for operator in list(least):
            while operator in least:
                slower = {**least, operator: least[operator] + 1}
                if slower[operator] >= self.unhurried(rest, operator):
                    del slower[operator]
                if not self.impossible(rest, slower, _IMPATIENT):
                    break
                least = slower
        return Conflict(tuple(sorted(rest)), least)

    def impossible(self, blocks: Sequence[int], cycles: Mapping[int, int], patience: float) -> bool:
        """Whether it is known that blocks cannot stand on an array, or soon found."""
        return self.standing(blocks, cycles, patience) is None

    def unhurried(self, blocks: Sequence[int], operator: int) -> int:
        """The cycles that an operator takes on an array if its blocks are read one by one."""
        return sum(
            spent
            for candidate, spent in self.candidates[operator]
            if len(candidate.members) == 1 and candidate.members[0] in blocks
        )


def _savings(steps: Sequence[tuple[tuple[int, ...], int]], wanted: int) -> Iterator[_Steps]:
    """All sets of disjoint steps that save `wanted` cycles, but would not with any block less."""
    saved = dict(steps)
    share: dict[int, Fraction] = {}
    for step, cycles in steps:
        for i in step:
            share[i] = max(share.get(i, Fraction(0)), Fraction(cycles, len(step)))
    stack: list[tuple[int, _Steps, int]] = [(0, (), 0)]
    while stack:
        begin, chosen, total = stack.pop()
        if total >= wanted:
            if all(total - saved[step] + _most_without_one(step, saved) < wanted for step in chosen):
                yield chosen
            continue
        used = {i for step in chosen for i in step}
        if total + sum(most for i, most in share.items() if i not in used) < wanted:
            continue
        for k in range(begin, len(steps)):
            step, more = steps[k]
            if used.isdisjoint(step):
                stack.append((k + 1, (*chosen, step), total + more))


def _most_without_one(step: tuple[int, ...], saved: Mapping[tuple[int, ...], int]) -> int:
    """What a step saves at most if one of its blocks is read alone."""
    return max(saved.get(step[:k] + step[k + 1 :], 0) for k in range(len(step)))
