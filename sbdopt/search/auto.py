"""What to do with a problem, by its size."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.search.annealing import anneal, share_before_exact
from sbdopt.search.baselines import linear
from sbdopt.search.budget import Budget
from sbdopt.search.exact import MOST_BLOCKS, exact
from sbdopt.search.improve import improve
from sbdopt.search.method import Finding, Found, Method
from sbdopt.search.pack import pack
from sbdopt.search.packing import Sizes
from sbdopt.search.patterns import few_sizes
from sbdopt.search.reassigning import can_be_reassigned, reassign
from sbdopt.search.repair import repaired
from sbdopt.search.score import key
from sbdopt.search.sharing import share

_PACKING, _PACKING_FEW = 0.15, 0.03
"""Part of the budget that packing may take beyond its constructions where other goals wait: of many blocks,
and where an exact search follows."""
_FEW = 3
"""Up to so many sizes, numbers of blocks that fit on arrays are soon found."""
_LONG = 10.0
"""Seconds below which numbers for more sizes than that are not looked for: it would come to nothing."""
_EARLIER, _ALONE = 0.4, 0.95
"""Parts of what is left that the local search may take before numbers for many sizes are looked for, and
where these are not."""
_BEFORE = 0.7
"""Part of what is left that the local search may take before places are given to other blocks."""
_SHARE, _SHARE_AT_FIRST, _AT_FIRST = 0.1, 0.7, 3.0
"""Part of the budget that the local search may take where an exact search follows, more as long as it had
less than so many seconds (or units of work): it finds most of what it finds then."""
_CALM, _CALMER = 0.03, 5.0
"""The local search ends sooner if for that part of all time, or so many times as long as it took until then,
nothing becomes better."""


def auto(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Packing and sharing out where cells come first, local searches, then the exact model if it is small.

    Where it is not, the places that these have found are given to other blocks, and searched from once more.

    Where blocks stand already, the first of these leave them there. Where sizes are many, filling arrays
    takes long: every block gets an array of its own at first, so that hardly any time is too short.

    Whoever calls it stops as soon as every goal equals its bound.
    """
    best, best_key = None, None
    if start is not None:
        best, best_key = start, key(blocks, goals, start)
    for stage in _stages(blocks, goals):
        if budget.used_up:
            return
        for finding in stage(blocks, goals, budget, seed, best):
            yield finding
            if isinstance(finding, Found):
                mine = key(blocks, goals, finding.placement)
                if best_key is None or mine < best_key:
                    best, best_key = finding.placement, mine
        if stage is _kept and goals[0] == MOVED and best is not None:
            return


def _stages(blocks: Blocks, goals: Goals) -> Iterator[Method]:
    """What is run, one after the other, each from the best so far."""
    if blocks.standing is not None:
        yield _kept
    if len(blocks) > MOST_BLOCKS and not few_sizes(blocks.hardware.arrays, Sizes.of(blocks)):
        yield linear
    if goals.cells_first:
        yield pack if len(goals) == 1 else _packed_for_a_while
    if len(blocks) > MOST_BLOCKS:
        if goals.cells_first:
            yield from _shared_out(blocks)
        yield reassign
        yield _improved
        yield reassign
        yield _improved_again
    else:
        yield _improved_for_a_while
        yield _annealed
        yield exact


def _shared_out(blocks: Blocks) -> Iterator[Method]:
    """Where there are more than a few sizes, numbers that fit on arrays are hard to find: it may wait."""
    if len(Sizes.of(blocks).count) > _FEW:
        yield _improved_before
        yield _shared_in_time
    else:
        yield share


def _shared_in_time(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    if budget.remaining >= _LONG:
        yield from share(blocks, goals, budget, seed, start)


def _kept(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    yield from repaired(blocks, budget)


def _packed_for_a_while(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    part = _PACKING if len(blocks) > MOST_BLOCKS else _PACKING_FEW
    yield from pack(blocks, goals, budget, seed, start, share=part)


def _improved_before(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Before numbers are looked for; not at all where places cannot be given to other blocks."""
    if can_be_reassigned(blocks, goals, start):
        part = budget.part(_EARLIER if budget.remaining >= _LONG else _ALONE)
        yield from improve(blocks, goals, part, seed, start, packed=True)
        budget.spent = part.spent


def _improved(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Not for all of the time where its places can be given to other blocks afterwards."""
    part = budget.part(_BEFORE if can_be_reassigned(blocks, goals, start) else 1.0)
    yield from improve(blocks, goals, part, seed, start, packed=goals.cells_first)
    budget.spent = part.spent


def _improved_again(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """From the places that other blocks have been given, with moves drawn anew."""
    if can_be_reassigned(blocks, goals, start):
        yield from improve(blocks, goals, budget, seed + 1, start, packed=goals.cells_first)


def _improved_for_a_while(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    left = budget.remaining if budget.remaining_work is None else budget.remaining_work
    part = budget.part(max(_SHARE, min(_SHARE_AT_FIRST, _AT_FIRST / left)) if left else _SHARE)
    most, begin = part.seconds, budget.elapsed
    best = None if start is None else key(blocks, goals, start)
    for finding in improve(blocks, goals, part, seed, start):
        yield finding
        mine = key(blocks, goals, finding.placement) if isinstance(finding, Found) else None
        if mine is not None and (best is None or mine < best):
            best, now = mine, budget.elapsed
            if budget.work is None:
                part.seconds = min(most, now + max(_CALM * budget.seconds, _CALMER * (now - begin)))
    budget.spent = part.spent


def _annealed(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    yield from anneal(blocks, goals, budget, seed, start, share=share_before_exact(blocks))
