"""The generated schemas accept what the models accept, and refuse what has the wrong form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sbdopt import InputError
from sbdopt.schema import json_schema

CASES = Path(__file__).parent / "cases"


def validator(document: str) -> Draft202012Validator:
    schema = json_schema(document)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("document", ["problem", "solution"])
def test_all_cases_are_valid(document):
    check = validator(document)
    paths = list(CASES.glob(f"*.{document}.json"))
    assert len(paths) == 28
    for path in paths:
        check.validate(json.loads(path.read_text()))


def broken(document: str, *path: str | int, value: object) -> object:
    """A valid document in which one value is replaced."""
    result = json.loads((CASES / f"single.{document}.json").read_text())
    part = result
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return result


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        ("problem", ["wieghts"], "w"),
        ("problem", ["format"], "sbdopt/problem@2"),
        ("problem", ["name"], 3),
        ("problem", ["hardware", "arrays"], []),
        ("problem", ["hardware", "arrays", 0, "rows"], 0),
        ("problem", ["hardware", "arrays", 0, "rows"], "8"),
        ("problem", ["hardware", "arrays", 0, "faults"], [[0, 0, 0, 1]]),
        ("problem", ["operators", 0, "blocks", "height"], [0]),
        ("problem", ["operators", 0, "blocks", "height"], [1.5]),
        ("problem", ["operators", 0, "shape"], [4]),
        ("solution", ["status"], "perfect"),
        ("solution", ["problem_sha256"], "abc"),
        ("solution", ["operators", "a", "array"], "0"),
        ("solution", ["metrics"], {"cells": 1}),
        ("solution", ["bounds"], {"makespan": -1}),
    ],
)
def test_wrong_form_is_refused(document, path, value):
    assert not validator(document).is_valid(broken(document, *path, value=value))


def test_solutions_in_the_repository_are_valid():
    check = validator("solution")
    for path in (CASES.parent.parent / "solutions").glob("*.json"):
        check.validate(json.loads(path.read_text()))


def test_another_document_is_refused():
    with pytest.raises(InputError, match="there is no document 'answer'"):
        json_schema("answer")
