"""What a sweep is made of: lists whose product is its points."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from sbdopt.cost import load_preset
from sbdopt.documents import Document, FileDocument
from sbdopt.errors import InputError
from sbdopt.goals import DEFAULT_GOALS
from sbdopt.problem import ArrayKind, Size
from sbdopt.solve import check_goals, check_method

ArraySize = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}x[1-9][0-9]{0,8}$")]
"""Rows and columns, such as 256x256."""


class Model(Document):
    """A known transformer, as `sbdopt make` writes it."""

    model: Annotated[str, Field(min_length=1)]
    form: Literal["monarch", "square", "rectangular", "dense"] = "monarch"
    layers: Size | None = Field(None, description="Only the first layers of every stack.")


class Point(Document):
    """One problem on one hardware, to be solved in one way."""

    problem: str | Model
    """A problem file, or a model."""
    array: ArraySize | None
    """None: the arrays of the problem as they are (of a model: 256x256)."""
    adcs: Size | None
    """None: those of the problem (of a model: 8)."""
    method: str
    goals: tuple[str, ...]
    seed: int
    preset: str | None
    """Of the costs; None: they are not counted."""
    adc_bits: int | None
    """None: those of the preset."""
    time_limit: float | None
    work: float | None

    def key(self, content: str) -> str:
        """What this point is known by: it changes with anything that may change its row.

        `content` is the SHA-256 of the problem file, empty for a model.
        """
        preset = None if self.preset is None else load_preset(self.preset).model_dump(mode="json")
        said = {**self.model_dump(mode="json"), "preset": preset, "content": content}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]


class Spec(FileDocument):
    """A sweep: every list is an axis, and each combination of one entry of each is a point."""

    problems: list[str | Model] = Field(
        min_length=1, description="Problem files, relative to this file, or models."
    )
    arrays: list[ArraySize] = Field(
        default_factory=list, description='Such as "256x256"; empty: those of the problems.'
    )
    adcs: list[Size] = Field(default_factory=list, description="Converters an array; empty: as they are.")
    methods: list[str] = Field(["auto"], min_length=1)
    goals: list[str] = Field(
        [",".join(DEFAULT_GOALS)], min_length=1, description="Each one order of goals, with commas."
    )
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field([0], min_length=1)
    presets: list[str] = Field(
        default_factory=list, description="Of `sbdopt cost`, by name or file; empty: no costs."
    )
    adc_bits: list[Annotated[int, Field(ge=1, le=32)]] = Field(
        default_factory=list, description="Of the converters, for costs; empty: those of the preset."
    )
    time_limit: Annotated[float, Field(gt=0, strict=False)] | None = Field(
        None, description="Seconds for a point; 20 if work is not limited either."
    )
    work: Annotated[float, Field(gt=0, strict=False)] | None = Field(
        None, description="Units of work for a point, which make rows repeatable."
    )
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _can_be_solved(self) -> Self:
        for axis in ("problems", "arrays", "adcs", "methods", "goals", "seeds", "presets", "adc_bits"):
            entries = [repr(entry) for entry in getattr(self, axis)]
            if len(set(entries)) < len(entries):
                raise ValueError(f"{axis}: an entry stands twice; each point would be solved twice")
        if self.adc_bits and not self.presets:
            raise ValueError("adc_bits count in costs only, and there are none: name presets")
        try:
            for preset in self.presets:
                load_preset(preset)
            for method in self.methods:
                check_method(method)
            for goals in self.goals:
                check_goals(_goals(goals))
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The sweep in a JSON file. Raises InputError for anything that is wrong with it."""
        spec = super().load(path)
        spec._folder = Path(path).parent
        return spec

    def read(self, problem: str) -> tuple[bytes, str]:
        """The bytes of a problem file, and their SHA-256. Raises InputError if it cannot be read."""
        path = self._folder / problem
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from error
        return content, hashlib.sha256(content).hexdigest()

    def points(self) -> Iterator[Point]:
        """All points, in the order of their axes; the last axis changes fastest."""
        limit = 20.0 if self.time_limit is None and self.work is None else self.time_limit
        arrays: list[str | None] = [*self.arrays] or [None]
        adcs_each: list[int | None] = [*self.adcs] or [None]
        presets: list[str | None] = [*self.presets] or [None]
        bits: list[int | None] = [*self.adc_bits] or [None]
        for problem, array, adcs, method, goals, seed, preset, adc_bits in product(
            self.problems, arrays, adcs_each, self.methods, self.goals, self.seeds, presets, bits
        ):
            yield Point(
                problem=problem,
                array=array,
                adcs=adcs,
                method=method,
                goals=_goals(goals),
                seed=seed,
                preset=preset,
                adc_bits=adc_bits,
                time_limit=limit,
                work=self.work,
            )

    def keyed_points(self) -> list[tuple[str, Point]]:
        """All points, each with its key. Reads the problem files; raises InputError if one cannot be read."""
        digests = {problem: self.read(problem)[1] for problem in self.problems if isinstance(problem, str)}
        return [
            (point.key(digests[point.problem] if isinstance(point.problem, str) else ""), point)
            for point in self.points()
        ]


def array_kind(array: str, adcs: int) -> ArrayKind:
    """Arrays of this size with so many converters, as many as are wanted."""
    rows, columns = map(int, array.split("x"))
    return ArrayKind(name="xbar", rows=rows, columns=columns, adcs=adcs)


def _goals(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))
