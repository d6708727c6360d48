"""How far the outputs of a BERT-large layer are off, against the bits of its converters and its noise."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median
from typing import Any

from sbdopt import Precision, Problem, Solution, accuracy
from sbdopt.accuracy import Accuracy

ROOT = Path(__file__).parent.parent
SERIAL = {"weight_bits": 8, "cell_bits": 2, "input_bits": 8, "dac_bits": 1}
PCM = {"weight_bits": 8, "encoding": "differential", "input_bits": 8, "device": "pcm"}


def line(said: str, study: Accuracy) -> str:
    errors = [operator.error.rms for operator in study.operators]
    numbers = "  ".join(f"{100 * value:10.4g} %" for value in (median(errors), max(errors), study.chain.rms))
    return f"{said:<30}  {numbers}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="bert-large-1-layer", help="problem with a solution")
    parser.add_argument("--fewest", type=int, default=4, help="fewest ADC bits")
    arguments = parser.parse_args()
    problem = Problem.load(ROOT / "problems" / f"{arguments.name}.json")
    solution = Solution.load(ROOT / "solutions" / f"{arguments.name}.json")

    def study(**precision: Any) -> Accuracy:
        return accuracy(problem, solution, Precision(**precision))

    print(f"{arguments.name}: relative RMS error of outputs\n")
    print(f"{'':30}  {'median':>12}  {'worst':>12}  {'in a chain':>12}")
    for encoding in ("offset", "differential"):
        ideal = study(**SERIAL, encoding=encoding)
        enough = max(step.bits for step in ideal.steps)
        print(line(f"{encoding}, ideal ADC", ideal))
        for bits in range(enough, arguments.fewest - 1, -1):
            said = f"{encoding}, {bits} bits{' (loss-free)' if bits == enough else ''}"
            print(line(said, study(**SERIAL, encoding=encoding, adc_bits=bits)), flush=True)
    for said, noise in (
        ("PCM as programmed", {"programming_noise": 1}),
        ("PCM with read noise", {"programming_noise": 1, "read_noise": 1}),
        ("PCM after an hour", {"programming_noise": 1, "read_noise": 1, "drift_seconds": 3600}),
        ("PCM after a day", {"programming_noise": 1, "read_noise": 1, "drift_seconds": 86400}),
    ):
        print(line(said, study(**PCM, **noise)), flush=True)


if __name__ == "__main__":
    main()
