"""Sweeps: their points, rows, tables, and that what is done is never done again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import parquet

import sbdopt.sweep.running
import sbdopt.sweep.solving
from sbdopt.cli import main
from sbdopt.errors import InputError
from sbdopt.solution import Solution
from sbdopt.solve import solve
from sbdopt.sweep import Point, PointRow, Results, Spec, run_sweep
from sbdopt.sweep.running import _in_processes
from sbdopt.sweep.solving import failed, solve_point

PROBLEMS = Path(__file__).parent.parent / "problems"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A sweep of 16 points, the last 4 of which cannot be solved."""
    (tmp_path / "pair.json").write_bytes((PROBLEMS / "diagonal-pair.json").read_bytes())
    document = {
        "problems": ["pair.json", {"model": "minilm-l6", "layers": 1}, {"model": "nobody"}],
        "arrays": ["64x64", "128x128"],
        "methods": ["linear", "greedy"],
        "work": 1,
    }
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(document))
    return path


def swept(spec: Path, name: str, **options: object) -> Results:
    results = Results(spec.with_name(name))
    run_sweep(Spec.load(spec), results, **options)  # type: ignore[arg-type]
    results.write_tables(key for key, _ in Spec.load(spec).keyed_points())
    return results


def test_points_are_the_product_of_the_axes(spec: Path) -> None:
    points = list(Spec.load(spec).points())
    assert len(points) == 3 * 2 * 2
    assert [point.method for point in points[:2]] == ["linear", "greedy"]
    assert [point.array for point in points[:4]] == ["64x64"] * 2 + ["128x128"] * 2


def test_every_point_is_a_row_also_where_it_failed(spec: Path) -> None:
    results = swept(spec, "r")
    rows = [results.done[key] for key, _ in Spec.load(spec).keyed_points()]
    assert [row.status for row in rows[-4:]] == ["failed"] * 4
    assert all("'nobody' is not a known model" in row.note for row in rows[-4:])
    assert all(row.arrays is not None for row in rows[4:8])
    table = parquet.read_table(results.parquet).to_pylist()
    assert [row["makespan"] for row in table] == [row.makespan for row in rows]
    assert len(results.csv.read_text().splitlines()) == 1 + len(rows)


def test_a_row_is_what_solving_by_hand_gives(spec: Path) -> None:
    from sbdopt import Budget, Hardware, make_model, solve
    from sbdopt.problem import ArrayKind

    problem = make_model(
        "minilm-l6", Hardware(arrays=[ArrayKind(name="xbar", rows=128, columns=128, adcs=8)]), layers=1
    )
    expected = solve(problem, method="greedy", budget=Budget(work=1)).metrics
    results = swept(spec, "r")
    row = next(
        row
        for row in results.done.values()
        if (row.method, row.array) == ("greedy", "128x128") and row.problem.startswith("minilm")
    )
    assert expected is not None
    assert (row.arrays, row.makespan) == (expected.arrays, expected.makespan)


def test_what_is_done_is_not_done_again(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = swept(spec, "whole")
    lines = whole.log.read_bytes().splitlines(keepends=True)
    spec.with_name("cut.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:-9])
    todo = []

    def noted(given, workers):  # type: ignore[no-untyped-def]
        todo.extend(given)
        return [(key, *solve_point(point, content)) for key, point, content in given]

    monkeypatch.setattr(sbdopt.sweep.running, "_in_processes", noted)
    cut = swept(spec, "cut")
    assert len(todo) == 12 - 5
    assert cut.csv.read_bytes() == whole.csv.read_bytes()
    assert cut.parquet.read_bytes() == whole.parquet.read_bytes()
    assert Results(spec.with_name("cut")).done == whole.done  # nothing is left of the line that was cut off


def test_a_changed_problem_is_solved_again(spec: Path) -> None:
    before = {key for key, _ in Spec.load(spec).keyed_points()}
    document = json.loads(spec.with_name("pair.json").read_text())
    document["hardware"]["settle_cycles"] = 7
    spec.with_name("pair.json").write_text(json.dumps(document))
    after = {key for key, _ in Spec.load(spec).keyed_points()}
    assert len(before - after) == 4


def children(process: int) -> list[str]:
    """The processes that a process has started and that run."""
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="lists processes as Linux does")
def test_killed_and_started_again(spec: Path) -> None:
    whole = swept(spec, "whole")
    command = [sys.executable, "-m", "sbdopt", "sweep", str(spec), "-o", str(spec.with_name("again"))]
    log = spec.with_name("again.jsonl")
    process = subprocess.Popen(
        [*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not log.exists() or not log.read_bytes():
        assert process.poll() is None
        time.sleep(0.01)
    workers = children(process.pid)
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(3000):
        if not any(Path(f"/proc/{worker}").exists() for worker in workers):
            break
        time.sleep(0.01)
    else:
        pytest.fail("the processes did not end with the one that had started them")
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "12 of 12" in run.stderr
    assert spec.with_name("again.csv").read_bytes() == whole.csv.read_bytes()


def test_two_dask_workers_give_the_same_rows(spec: Path) -> None:
    distributed = pytest.importorskip("distributed")
    whole = swept(spec, "whole")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        dask = swept(spec, "dask", dask=cluster.scheduler_address)
    assert dask.csv.read_bytes() == whole.csv.read_bytes()


def test_no_scheduler_is_one_line(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    assert main(["sweep", str(spec), "--dask", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("sbdopt: no Dask scheduler answers at 'nowhere'")


def test_arrays_of_a_problem_with_faults_stay_as_they_are(spec: Path) -> None:
    document = json.loads(spec.read_text())
    spec.with_name("faults.json").write_bytes((PROBLEMS / "faults.json").read_bytes())
    document["problems"] = ["faults.json"]
    spec.write_text(json.dumps(document))
    assert {row.status for row in swept(spec, "r").done.values()} == {"failed"}
    document["arrays"] = []
    spec.write_text(json.dumps(document))
    rows = swept(spec, "s").done.values()
    assert {row.array for row in rows} != {""}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": ["magic"]}, "there is no method 'magic'"),
        ({"goals": ["beauty"]}, "there is no goal 'beauty'"),
        ({"arrays": ["64"]}, "arrays[0]"),
        ({"arrays": ["64x64", "64x64"]}, "arrays: an entry stands twice"),
        ({"adcs": [0]}, "adcs[0]"),
        ({"problems": ["gone.json"]}, "gone.json"),
        ({"colour": 1}, "colour"),
        ({"presets": ["gold"]}, "'gold' is not a preset"),
        ({"adc_bits": [8]}, "name presets"),
        ({"presets": ["puma"], "adc_bits": [0]}, "adc_bits[0]"),
        ({"work": -1}, "work"),
    ],
)
def test_bad_sweeps(
    spec: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], said: str
) -> None:
    spec.write_text(json.dumps({**json.loads(spec.read_text()), **change}))
    assert main(["sweep", str(spec)]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    assert not list(spec.parent.glob("sweep-results*"))


def test_costs_are_columns_and_ask_for_no_solution_of_their_own(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(spec.read_text())
    document |= {"problems": ["pair.json"], "methods": ["greedy"], "arrays": ["64x64"]}
    document |= {"presets": ["pcm-256"], "adc_bits": [8, 6, 1]}
    spec.write_text(json.dumps(document))
    solved = []

    def counted(*given: object, **options: object) -> Solution:
        solved.append(given)
        return solve(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sbdopt.sweep.solving, "solve", counted)
    points = [point for _, point in Spec.load(spec).keyed_points()]
    content = spec.with_name("pair.json").read_bytes()
    rows = [solve_point(point, content)[0] for point in points]
    assert len(solved) == 1
    assert rows[0].energy_pj > rows[1].energy_pj > 0
    assert rows[2].energy_pj is None
    assert rows[2].makespan == rows[0].makespan
    assert rows[2].note.startswith("no costs: ")


def test_the_table_shows_costs_where_there_are_any(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(spec.read_text())
    document |= {"problems": ["pair.json"], "arrays": ["64x64"]}
    spec.write_text(json.dumps(document))
    assert main(["sweep", str(spec)]) == 0
    assert "energy" not in capsys.readouterr().out
    spec.write_text(json.dumps(document | {"presets": ["puma"], "adc_bits": [8, 6]}))
    assert main(["sweep", str(spec), "-o", str(spec.with_name("costs"))]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[-2:] == ["area,", "mm2"]
    assert len(set(lines)) == len(lines) == 2 * 2 + 1


def test_a_log_of_something_else_is_refused(spec: Path) -> None:
    spec.with_name("r.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(InputError, match="line 1 is no row of a sweep"):
        Results(spec.with_name("r"))


def deadly(point: Point, content: bytes | None) -> tuple[PointRow, float]:
    """Ends the process it runs in, if the point is solved by the first method."""
    if point.method == "linear":
        os.kill(os.getpid(), signal.SIGKILL)
    return failed(point, "reached"), 0.0


def test_a_killed_process_is_a_row_and_ends_nothing_else(spec: Path) -> None:
    todo = [(key, point, None) for key, point in Spec.load(spec).keyed_points()]
    found = {key: row for key, row, _ in _in_processes(todo, 2, deadly)}
    assert [found[key].note for key, _, _ in todo] == ["the process that solved it was killed", "reached"] * (
        len(todo) // 2
    )
