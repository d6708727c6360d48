"""Functions compiled by Numba when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

MOST_LINES = 64
"""Lines of an array are bits of one number; the last is its sign."""
_COMPILING, _LOADING = 12.0, 0.5
"""Seconds, at most, that a first call takes where nothing compiled is on disk, and where it is."""


def compiled(function: _Function) -> _Function:
    """Compiled when it is first called, and kept on disk if there is a place for that."""
    try:
        return cast(_Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(_Function, njit(nogil=True)(function))


def seconds_to_call(function: Callable[..., Any]) -> float:
    """What a call of a compiled function takes at most before it begins."""
    dispatcher = cast(Any, function)
    try:
        if dispatcher.signatures:
            return 0.0
        on_disk = bool(dispatcher._cache._cache_file._load_index())
    except AttributeError:  # Numba has no public way to ask for the latter, and may be told not to compile
        on_disk = False
    return _LOADING if on_disk else _COMPILING
