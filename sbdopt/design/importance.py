"""Importance of weights, from a file."""

from __future__ import annotations

from pathlib import Path

from sbdopt.checkpoints import Model
from sbdopt.documents import read_json
from sbdopt.errors import InputError

_MOST = 1e30
"""Largest number, so that sums are numbers as well."""


def read_importance(model: Model, path: Path) -> dict[str, float]:
    """What an error of each weight counts, by its name, from a JSON object of numbers.

    A weight is called as in a plan (`layer0.q`), as its tensor in the checkpoint, or as that without
    `.weight`, the name of the module. InputError: the file has none for a weight, something else than a
    number from 0, or a name that the model does not have.
    """
    data, _ = read_json(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: must be one object, with a number for the name of each weight")
    for name, value in data.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
            raise InputError(f"{path}: {name!r} is {value!r:.20}; it must be a number from 0 to {_MOST:g}")
    calls = {name: weight.called(name) for name, weight in model.weights.items()}
    for name in data:
        if not any(name in called for called in calls.values()):
            raise InputError(f"{path}: names weight {name!r}, which the model does not have")
    found = {}
    for name, called in calls.items():
        known = next((one for one in called if one in data), None)
        if known is None:
            raise InputError(f"{path}: there is no {name!r} or {called[1]!r}; say what each weight counts")
        found[name] = float(data[known])
    return found
