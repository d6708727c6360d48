"""What a search has reached so far: live on a terminal, a line for whatever gets better in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sbdopt.cli.output import gap_percent, number
from sbdopt.goals import gap

if TYPE_CHECKING:
    from rich.table import Table

    from sbdopt.record import Record
    from sbdopt.search.budget import Budget
    from sbdopt.solve import Watch


@contextmanager
def shown_progress(goals: Sequence[str], budget: Budget) -> Iterator[Watch]:
    """A `watch` for `solve` that shows progress on standard error."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.live import Live

    live = _Live(goals, budget)
    with Live(live, console=Console(stderr=True), refresh_per_second=4, transient=True):
        yield live.watch


def _rows(goals: Sequence[str], record: Record | None) -> list[tuple[str, str, str, str]]:
    """Goal, best value, bound and gap."""
    found = record is not None and record.measures is not None
    values = record.values() if record is not None and found else (None,) * len(goals)
    bounds = {} if record is None else record.bounds()
    return [
        (goal, number(value), number(bounds.get(goal)), gap_percent(gap(value, bounds.get(goal))))
        for goal, value in zip(goals, values, strict=True)
    ]


def _print_line(record: Record, budget: Budget) -> None:
    parts = (
        f"{goal} {best} (bound {bound}, gap {gap})" for goal, best, bound, gap in _rows(record.goals, record)
    )
    print(f"{budget.elapsed:.1f} s: {', '.join(parts)}", file=sys.stderr, flush=True)


class _Live:
    """A small table that is drawn anew several times a second, by a thread of rich."""

    def __init__(self, goals: Sequence[str], budget: Budget) -> None:
        self.goals, self.budget = goals, budget
        self.rows = _rows(goals, None)

    def watch(self, record: Record, budget: Budget) -> None:
        """Note what is to be shown."""
        self.rows = _rows(self.goals, record)

    def __rich__(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        limit = "" if self.budget.seconds == float("inf") else f" of {self.budget.seconds:g}"
        table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=f"{self.budget.elapsed:.0f}{limit} s")
        for name in ("goal", "best", "bound", "gap"):
            table.add_column(name, justify="left" if name == "goal" else "right")
        for row in self.rows:
            table.add_row(*row)
        return table
