"""The verbs, and how everything that goes wrong becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from sbdopt.cli.bench import bench
from sbdopt.cli.check import check
from sbdopt.cli.design import design
from sbdopt.cli.make import make
from sbdopt.cli.pareto import pareto
from sbdopt.cli.project import project
from sbdopt.cli.schema import schema
from sbdopt.cli.show import show
from sbdopt.cli.solve import solve
from sbdopt.errors import SbdoptError

DEBUG = "SBDOPT_DEBUG"
"""If this environment variable is set, errors show where they come from."""

app = typer.Typer(
    name="sbdopt",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Map block-diagonal weight matrices onto compute-in-memory arrays, with proof.",
    epilog=f"Exit codes: 0 done; 1 nothing found, or not agreed; 2 wrong input. {DEBUG}=1 shows tracebacks.",
)
for verb in (solve, check, pareto, bench, make, project, design, show, schema):
    app.command()(verb)


def _version(wanted: bool) -> None:
    if wanted:
        import sbdopt

        print(sbdopt.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or those of the process; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = typer.main.get_command(app).main(given or ["--help"], "sbdopt", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:
        if isinstance(error, OSError):
            _drop_output()
        if isinstance(error, BrokenPipeError):  # whoever read the output went away, and wants no more
            return 1
        if isinstance(error, SystemExit | GeneratorExit) or os.environ.get(DEBUG):
            raise
        said, code = _said(error)
        print(f"sbdopt: {' '.join(said.split())}", file=sys.stderr)
    return code if isinstance(code, int) else 0


def _drop_output() -> None:
    """Forget what standard output cannot take, or Python would try again as it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _said(error: BaseException) -> tuple[str, int]:
    """One line and an exit code."""
    if isinstance(error, SbdoptError):
        return str(error), error.exit_code
    if hasattr(error, "format_message"):  # an error of usage; not every version of typer has the same class
        return f"{error.format_message()} (see --help)", 2
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}", 2
    if isinstance(error, MemoryError):
        return "not enough memory", 1
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted", 1
    return f"an error of sbdopt itself, {type(error).__name__}: {error} ({DEBUG}=1 shows where)", 1
