"""The log of a sweep, to which each point is added as it is done, and the table that is made of it.

The log is a text file of one JSON object a line. A line is on the disk before the point counts as done, and a
line that was cut off by a crash does not count; so a sweep may end in any way and be gone on with. The tables
hold no seconds, so that under a limit of work they are the same every time.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sbdopt.documents import write_atomically
from sbdopt.errors import InputError
from sbdopt.sweep.solving import PointRow


class Results:
    """The results of a sweep at `NAME.jsonl`, `NAME.csv` and `NAME.parquet`."""

    def __init__(self, path: Path) -> None:
        """Read the log, if there is one. `path`: of the table, with any suffix. Raises InputError."""
        self.log = path.with_suffix(".jsonl")
        self.csv = path.with_suffix(".csv")
        self.parquet = path.with_suffix(".parquet")
        self.done: dict[str, PointRow] = {}
        if self.log.exists():
            self._read()

    def _read(self) -> None:
        try:
            content = self.log.read_bytes()
        except OSError as error:
            raise InputError(f"{self.log}: {error.strerror or error}") from error
        whole, _, cut = content.rpartition(b"\n")
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                entry = json.loads(line)
                self.done[entry["key"]] = PointRow(**entry["row"])
            except (ValueError, TypeError, KeyError) as error:
                raise InputError(
                    f"{self.log}: line {number} is no row of a sweep; give the output another name"
                ) from error
        if cut:
            os.truncate(self.log, len(content) - len(cut))

    def add(self, key: str, row: PointRow, seconds: float) -> None:
        """Note that a point is done; it is on the disk when this returns."""
        line = json.dumps({"key": key, "seconds": round(seconds, 3), "row": asdict(row)}) + "\n"
        try:
            with self.log.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.log}: cannot be written: {error.strerror or error}") from error
        self.done[key] = row

    def write_tables(self, keys: Iterable[str]) -> None:
        """The rows of these points, of those that are done, in this order, as CSV and Parquet."""
        rows = [asdict(self.done[key]) for key in keys if key in self.done]
        write_atomically(self.csv, _as_csv(rows))
        write_atomically(self.parquet, _as_parquet(rows))


def _as_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(PointRow.columns()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _as_parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as arrow
    from pyarrow import parquet

    kinds = {str: arrow.string(), int: arrow.int64(), float: arrow.float64()}
    schema = arrow.schema([(name, kinds[kind]) for name, kind in PointRow.columns().items()])
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), buffer)
    return buffer.getvalue()
