"""The verbs, and how everything that goes wrong becomes one line and an exit code."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import typer

from sbdopt.cli.bench import bench
from sbdopt.cli.check import check
from sbdopt.cli.clock import BEGIN
from sbdopt.cli.compile import compile
from sbdopt.cli.cost import cost
from sbdopt.cli.design import design
from sbdopt.cli.import_ import import_
from sbdopt.cli.make import make
from sbdopt.cli.pareto import pareto
from sbdopt.cli.project import project
from sbdopt.cli.run import run
from sbdopt.cli.schema import schema
from sbdopt.cli.show import show
from sbdopt.cli.solve import solve
from sbdopt.cli.sweep import sweep
from sbdopt.cli.trace import trace
from sbdopt.errors import SbdoptError

DEBUG = "SBDOPT_DEBUG"
"""If this environment variable is set, errors show where they come from."""
_CLOSED_PIPE = 128 + 13
"""What a shell says of a command that ended because nobody read its output any more: 128 + SIGPIPE."""

app = typer.Typer(
    name="sbdopt",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Map block-diagonal weight matrices onto compute-in-memory arrays, with proof.",
    epilog=f"Exit codes: 0 done; 1 nothing found, or not agreed; 2 wrong input. {DEBUG}=1 shows tracebacks.",
)
for verb in (
    solve, check, pareto, bench, sweep, make, project, design, show, cost, compile, run, trace, schema,
):  # fmt: skip
    app.command()(verb)
app.command("import")(import_)


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


def start() -> int:
    """The command as a process: its time began with the process, and its end is quick."""
    code = main(begin=BEGIN)
    gc.freeze()  # or the interpreter would look for garbage in all that goes away with it
    return code


def main(arguments: Sequence[str] | None = None, begin: float | None = None) -> int:
    """Run the command with these arguments, or those of the process; returns the exit code.

    Limits of time count from `begin` on, of `time.monotonic`; from now if it is left out.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    started = time.monotonic() if begin is None else begin
    try:
        _open_streams()
        command = typer.main.get_command(app)
        code = command.main(given or ["--help"], "sbdopt", standalone_mode=False, obj=started)
        sys.stdout.flush()
    except BaseException as error:
        if isinstance(error, OSError):
            _drop_output()
        if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
            return _CLOSED_PIPE
        if isinstance(error, SystemExit | GeneratorExit) or os.environ.get(DEBUG):
            raise
        said, code = _said(error)
        _complain(said)
    return code if isinstance(code, int) else 0


def _open_streams() -> None:
    """Both streams exist, also where the process was given none, and take any character."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115, it stays open
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Forget what the streams cannot take, or Python would try again as it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(said: str) -> None:
    """One line on standard error, if anybody reads it."""
    try:
        print(f"sbdopt: {' '.join(said.split())}", file=sys.stderr, flush=True)
    except OSError:
        _drop_output()


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
        return "interrupted", 130
    return f"an error of sbdopt itself, {type(error).__name__}: {error} ({DEBUG}=1 shows where)", 1
