"""Whether a solution is legal, and what it uses; shares no code with the methods that search."""

from __future__ import annotations

from dataclasses import dataclass

from sbdopt.blocks import Blocks
from sbdopt.judge.metrics import Measures, measure
from sbdopt.judge.moved import Moved, moved
from sbdopt.judge.rules import RULES, complete, inside
from sbdopt.judge.steps import group
from sbdopt.placement import Placement
from sbdopt.solution import Solution

__all__ = ["Measures", "Moved", "Verdict", "Violation", "judge", "judge_placement", "moved"]


@dataclass(frozen=True)
class Violation:
    """A broken rule, and the first place where it is broken; as text `rule: message`."""

    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


@dataclass(frozen=True)
class Verdict:
    """The first violation of each broken rule, in the order of the rules; metrics only if there is none."""

    violations: tuple[Violation, ...]
    metrics: Measures | None

    @property
    def legal(self) -> bool:
        """Whether no rule is broken."""
        return not self.violations


def judge(blocks: Blocks, solution: Solution) -> Verdict:
    """Judge a solution document; whether it was made for this very problem (its digest) is not looked at.

    If it is not complete, no other rule is looked at.
    """
    said = complete(blocks, solution)
    if said is not None:
        return Verdict((Violation("complete", said),), None)
    return judge_placement(blocks, Placement.read(blocks, solution))


def judge_placement(blocks: Blocks, placement: Placement) -> Verdict:
    """Judge a placement, which has one entry a block. If a block lies outside, no later rule is looked at."""
    said = inside(blocks, placement)
    if said is not None:
        return Verdict((Violation("inside", said),), None)
    steps = group(blocks, placement)
    violations = []
    for rule in RULES:
        said = rule(blocks, placement, steps)
        if said is not None:
            violations.append(Violation(rule.__name__.replace("_", " "), said))
    return Verdict(tuple(violations), None if violations else measure(blocks, steps))
