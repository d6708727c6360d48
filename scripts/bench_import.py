"""What `sbdopt import` is measured by: scrambled matrices that it recovers, and what a large matrix takes.

    python scripts/bench_import.py [--cases 1000] [--large]

Block-diagonal matrices of random block sizes, with some rows and columns all zero, are scrambled by random
permutations; each must come back block by block, and the weights that are written must multiply to the same.
With --large: time and peak memory of importing matrices of 4096 x 11008 in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from sbdopt import ArrayKind, BlockStore, Hardware, import_model, open_checkpoint

Matrix = npt.NDArray[np.float32]
INPUTS, OUTPUTS = 4096, 11008
HARDWARE = Hardware(arrays=[ArrayKind(name="xbar", rows=256, columns=256, adcs=8)])


def scrambled(rng: np.random.Generator, count: int, most: int) -> tuple[Matrix, set[tuple[bytes, bytes]]]:
    """A matrix, and the inputs and outputs of its blocks."""
    sizes = rng.integers(1, most + 1, (count, 2))
    inputs, outputs = sizes.sum(axis=0) + rng.integers(0, most + 1, 2)
    of_input, of_output = rng.permutation(inputs), rng.permutation(outputs)
    matrix, blocks = np.zeros((inputs, outputs), dtype=np.float32), set()
    for (row, column), (height, width) in zip(np.cumsum(sizes, axis=0) - sizes, sizes, strict=True):
        mine = np.sort(of_input[row : row + height]), np.sort(of_output[column : column + width])
        matrix[np.ix_(*mine)] = rng.choice([-1, 1], (height, width)) * rng.integers(1, 100, (height, width))
        blocks.add((mine[0].tobytes(), mine[1].tobytes()))
    return matrix, blocks


def recovered(rng: np.random.Generator, folder: Path) -> bool:
    """Whether one random case comes back exactly: its blocks, and what it multiplies to."""
    matrix, blocks = scrambled(rng, int(rng.integers(1, 20)), int(rng.integers(1, 40)))
    save_file({"w": np.ascontiguousarray(matrix.T)}, folder / "model.safetensors")
    imported = import_model(open_checkpoint(folder / "model.safetensors"), HARDWARE, name="case")
    store = BlockStore(imported.save(folder / "case.json"))
    found, origin = store.blocks("w"), store.origin("w")
    mine = {
        (
            np.sort(origin.inputs[row : row + height]).tobytes(),
            np.sort(origin.outputs[column : column + width]).tobytes(),
        )
        for row, column, height, width in zip(
            found.input, found.output, found.height, found.width, strict=True
        )
    }
    x = rng.integers(-50, 50, (3, len(matrix))).astype(np.float64)
    own = store.matrix("w")[np.ix_(origin.inputs, origin.outputs)]
    same = np.array_equal(origin.scatter(origin.gather(x) @ own), x @ matrix.astype(np.float64))
    return mine == blocks and same and imported.structures["w"].zeros == 0


def large(name: str, rng: np.random.Generator, folder: Path) -> None:
    """Import one large matrix in a process of its own; memory is what it takes beyond one of 2 x 2."""
    shape = (OUTPUTS, INPUTS)
    matrix = rng.standard_normal(shape, dtype=np.float32)
    if name == "half pruned":
        matrix[rng.random(shape, dtype=np.float32) < 0.5] = 0
    elif name == "99 % pruned":
        matrix[rng.random(shape, dtype=np.float32) < 0.99] = 0
    elif name == "tiles of 32x32":
        matrix *= np.kron(rng.random((OUTPUTS // 32, INPUTS // 32)) < 0.3, np.ones((32, 32), dtype=np.bool_))
    elif name == "scrambled":
        group = rng.integers(0, 100, OUTPUTS)[:, None] == rng.integers(0, 100, INPUTS)
        matrix *= group
    save_file({"w": matrix}, folder / "model.safetensors")
    _, _, least = imported_alone(folder, folder / "tiny.safetensors")
    wall, cpu, most = imported_alone(folder, folder / "model.safetensors")
    share = (most - least) / matrix.nbytes
    print(f"{name}: {wall:.1f} s ({cpu:.1f} s of CPU), {share:.2f} x the matrix's memory", flush=True)


def imported_alone(folder: Path, model: Path) -> tuple[float, float, int]:
    """Seconds, CPU seconds and peak bytes of the command."""
    save_file({"w": np.ones((2, 2), dtype=np.float32)}, folder / "tiny.safetensors")
    # The peak that getrusage knows is that of the process which started it, if that is larger.
    code = (
        "import sys, time; from pathlib import Path; from sbdopt.cli import main; main(sys.argv[1:]); "
        "status = Path('/proc/self/status').read_text(); "
        "print(time.process_time(), status.split('VmHWM:')[1].split()[0])"
    )
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "import", str(model), "-o", str(folder / "large.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    cpu, peak = done.stdout.splitlines()[-1].split()
    return time.perf_counter() - begin, float(cpu), int(peak) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        if options.large:
            for name in ("dense", "half pruned", "99 % pruned", "tiles of 32x32", "scrambled"):
                large(name, rng, Path(folder))
            return
        done = sum(recovered(rng, Path(folder)) for _ in range(options.cases))
    print(f"{done} of {options.cases} scrambled matrices recovered exactly")
    sys.exit(done < options.cases)


if __name__ == "__main__":
    main()
