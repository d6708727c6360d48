"""Functions compiled by Numba when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

COMPILING = 8.0
"""Seconds, at most, that the first call takes where nothing compiled is on disk yet."""


def compiled(function: _Function) -> _Function:
    """Compiled when it is first called, and kept on disk if there is a place for that."""
    try:
        return cast(_Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(_Function, njit(nogil=True)(function))
