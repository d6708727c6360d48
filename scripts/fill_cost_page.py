"""Write the tables of presets and models into docs/cost.md, below the heading "Presets"."""

from __future__ import annotations

from pathlib import Path

from sbdopt.cost import ADC_MODELS, PRESETS, load_preset
from sbdopt.cost.components import CROSSBAR_MODELS, DIGITAL_MODELS, DRIVER_MODELS, NETWORK_MODELS

PAGE = Path(__file__).parent.parent / "docs" / "cost.md"
AFTER = """
A preset is a JSON file; the ones here are in `sbdopt/cost/presets`, and `--preset FILE.json` takes one's
own. `adc` left out means that conversions are part of the crossbar's read. Inputs have `input_slices` (of
the problem) times `dac_bits` bits.
"""
CAUTION = """
Figures are not scaled from one technology to another: a preset that mixes nodes says so. Where a source
gives no range, the one here is that of the designs that its figures were taken from, or, for the bits of
ADCs, where they are commonly built. PUMA's 12.5 ns and 0.225 mW a bit are taken for one conversion; if
they are meant for all 128 columns of an array, they are 128 times too much. Leakage is in no model.
"""


def main() -> None:
    head = PAGE.read_text().split("## Presets\n")[0]
    lines = ["## Presets", "", "| preset | ADC | row driver | crossbar | digital | network | |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for name in PRESETS:
        one = load_preset(name)
        adc = "-" if one.adc is None else f"{one.adc.model}, {one.adc.bits} bits"
        lines.append(
            f"| `{name}` | {adc} | {one.driver} | {one.crossbar} | {one.digital} | {one.network} "
            f"| {one.about} |"
        )
    lines += [
        AFTER.rstrip(),
        "",
        "## Models",
        "",
        "| model | holds for | node | source |",
        "| --- | --- | --- | --- |",
    ]
    for models in (ADC_MODELS, DRIVER_MODELS, CROSSBAR_MODELS, DIGITAL_MODELS, NETWORK_MODELS):
        for name, model in models.items():
            ranges = ", ".join(f"{part} {low:g} to {high:g}" for part, low, high in model.ranges) or "any"
            lines.append(f"| `{name}` | {ranges} | {model.node} | {model.source} |")
    PAGE.write_text(head + "\n".join(lines) + "\n" + CAUTION)


if __name__ == "__main__":
    main()
