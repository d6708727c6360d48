"""What sbdopt refuses, and how it says so.

SbdoptError             anything a user can cause; the command line prints it and exits with `exit_code`
`-- InputError          a file or an argument that cannot be used (exit code 2)
"""

from __future__ import annotations


class SbdoptError(Exception):
    """Base of all errors that sbdopt raises on purpose; its text is one clear line."""

    exit_code = 1


class InputError(SbdoptError):
    """A file or an argument that cannot be used: which thing, what it is, what it must be."""

    exit_code = 2
