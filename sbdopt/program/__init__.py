"""What a chip executes: the cells of every array, and a stream of commands in order of time."""

from sbdopt.program.compiling import Compiled, compile_program
from sbdopt.program.document import Program
from sbdopt.program.files import LoadedProgram, cells_path, load_program, save_program
from sbdopt.program.inputs import outputs_file, random_inputs, read_inputs, vectors_of
from sbdopt.program.machine import run_program
from sbdopt.program.transfers import Transfers

__all__ = [
    "Compiled",
    "LoadedProgram",
    "Program",
    "Transfers",
    "cells_path",
    "compile_program",
    "load_program",
    "outputs_file",
    "random_inputs",
    "read_inputs",
    "run_program",
    "save_program",
    "vectors_of",
]
