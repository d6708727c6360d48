"""JSON Schemas of the documents, generated from their models."""

from __future__ import annotations

import json
from typing import Any, Final

from sbdopt.documents import Document
from sbdopt.errors import InputError
from sbdopt.front import Front
from sbdopt.problem import Problem
from sbdopt.program.document import Program
from sbdopt.solution import Solution

DOCUMENTS: Final[dict[str, type[Document]]] = {
    "problem": Problem,
    "solution": Solution,
    "front": Front,
    "program": Program,
}


def json_schema(document: str) -> dict[str, Any]:
    """The schema (draft 2020-12) of a document in `DOCUMENTS`; InputError for any other.

    It knows the form of a document. What one part says of another (blocks that overlap, circles, sizes) only
    loading a document checks.
    """
    if document not in DOCUMENTS:
        raise InputError(f"there is no document {document!r}; take one of {', '.join(DOCUMENTS)}")
    schema = DOCUMENTS[document].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_bytes(document: str) -> bytes:
    """The schema as it is written to a file."""
    return (json.dumps(json_schema(document), indent=2) + "\n").encode()
