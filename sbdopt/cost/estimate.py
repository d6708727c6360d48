"""The cost of a placement under a preset, and under every ADC model."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.cost.activity import Activity, count_activity
from sbdopt.cost.adc import ADC_MODELS, Conversion
from sbdopt.cost.chip import Chip
from sbdopt.cost.components import CROSSBAR_MODELS, DRIVER_MODELS
from sbdopt.cost.figures import PARTS, Cost, Rival
from sbdopt.cost.latency import Schedule, StepTimes, step_times
from sbdopt.cost.movement import Movement, count_movement
from sbdopt.cost.preset import Preset
from sbdopt.cost.ranges import OutOfRangeError
from sbdopt.errors import InputError
from sbdopt.placement import Placement


def cost_of(
    blocks: Blocks,
    placement: Placement,
    preset: Preset,
    adc_bits: int | None = None,
    *,
    adc: str | None = None,
    extrapolate: Collection[str] = (),
) -> Cost:
    """The cost of a legal placement.

    `adc_bits` and `adc` (an ADC model) take the place of the preset's. Raises InputError for what is unknown,
    ADCs of bits that there are not, and, unless `extrapolate` names them, models outside their range.
    """
    return Estimate(blocks, placement, preset, extrapolate).cost(adc, adc_bits)


def compare_adcs(
    blocks: Blocks,
    placement: Placement,
    preset: Preset,
    adc_bits: int | None = None,
    *,
    extrapolate: Collection[str] = (),
) -> Iterator[Rival]:
    """The cost under every ADC model, all else as in the preset; nothing if conversions are not apart."""
    if preset.adc is not None:
        yield from Estimate(blocks, placement, preset, extrapolate).rivals(adc_bits)


class Estimate:
    """All that does not depend on the ADCs, counted once, so that many of them are estimated fast."""

    def __init__(
        self, blocks: Blocks, placement: Placement, preset: Preset, extrapolate: Collection[str] = ()
    ) -> None:
        _check_names(extrapolate)
        self.blocks = blocks
        self.activity: Activity = count_activity(blocks, placement)
        kinds = np.flatnonzero(self.activity.arrays).tolist()
        self.chip = Chip.of(preset, blocks.hardware, kinds, extrapolate)
        self.movement: Movement = count_movement(
            blocks,
            placement,
            self.activity,
            self.chip.network,
            arrays_per_mesh_tile=preset.arrays_per_mesh_tile,
            input_bits=blocks.hardware.input_slices * preset.dac_bits,
            output_bits=preset.output_bits,
        )
        self.schedule = Schedule(blocks, self.activity)

    def cost(self, adc: str | None = None, adc_bits: int | None = None) -> Cost:
        """The cost with an ADC model and bits, or the preset's."""
        preset, movement = self.chip.preset, self.movement
        conversions = self.chip.conversions(adc, adc_bits)
        times = self.step_times(conversions)
        nothing = np.zeros(len(self.blocks.predecessors))
        path = self.schedule.run(times, nothing, nothing)
        interval = self.interval(times)
        energy = self._energy(conversions)
        area = self._area(conversions)
        known = [value for value in area.values() if value is not None]
        return Cost(
            preset=preset.name,
            adc_model=None if preset.adc is None else adc or preset.adc.model,
            adc_bits=None if preset.adc is None else adc_bits or preset.adc.bits,
            latency_ns=path.latency_ns,
            latency_parts=path.parts,
            latency_with_movement_ns=self.schedule.run(times, movement.before, movement.after).latency_ns,
            interval_ns=sum(interval.values()),
            interval_parts=interval,
            energy_pj=sum(energy.values()),
            energy_parts=energy,
            area_mm2=sum(known) if len(known) == len(area) else None,
            area_parts=area,
            bits_in=movement.bits_in,
            bits_out=movement.bits_out,
            bit_hops=movement.bit_hops,
        )

    def rivals(self, adc_bits: int | None = None) -> Iterator[Rival]:
        """The cost under every ADC model; outside its range a model has none."""
        for name, model in ADC_MODELS.items():
            try:
                conversions = self.chip.conversions(name, adc_bits)
                cost = self.cost(name, adc_bits)
            except OutOfRangeError as error:
                yield Rival(name, model.node, None, None, str(error))
            else:
                yield Rival(name, model.node, cost, next(iter(conversions.values()), None))

    def step_times(self, conversions: dict[int, Conversion]) -> StepTimes:
        """Of every step, with these conversions on each kind of array."""
        steps, timing = self.activity.steps, self.chip.preset.timing
        columns = {part: np.zeros(len(steps)) for part in PARTS[:4]}
        for kind, conversion in conversions.items():
            mine = steps.kind == kind
            turns = -(-steps.columns[mine] // self.blocks.hardware.arrays[kind].adcs)
            one = step_times(timing, conversion.ns, self.activity.reads[mine], turns)
            for part, column in columns.items():
                column[mine] = getattr(one, part)
        return StepTimes(**columns)

    def interval(self, times: StepTimes) -> dict[str, float]:
        """What the busiest tile spends its time on, in ns."""
        tile = self.activity.steps.tile
        parts = dict.fromkeys(PARTS, 0.0)
        if len(tile):
            busiest = tile == int(np.bincount(tile, weights=times.total).argmax())
            parts |= {part: float(getattr(times, part)[busiest].sum()) for part in PARTS[:4]}
        return parts

    def _energy(self, conversions: dict[int, Conversion]) -> dict[str, float]:
        """Of one token, in pJ."""
        activity, chip, moved = self.activity, self.chip, self.movement
        parts = dict.fromkeys(PARTS, 0.0)
        for kind in chip.kinds:
            crossbar = chip.crossbars[kind]
            parts["adc"] += activity.conversions[kind] * conversions[kind].pj
            parts["drivers"] += activity.drives[kind] * chip.drivers[kind].pj
            parts["crossbar"] += activity.cell_reads[kind] * crossbar.pj_per_cell
            parts["crossbar"] += activity.array_reads[kind] * crossbar.pj_per_read
        busy = sum(operator.cycles or 0 for operator in self.blocks.problem.operators)
        parts["digital"] = (
            activity.conversions.sum() * chip.digital.pj_per_shift_add
            + activity.additions * chip.digital.pj_per_addition
            + busy * self.blocks.hardware.cycle_ns * chip.digital.operator_mw
        )
        parts["movement"] = (moved.bits_in + moved.bits_out) * chip.network.pj_per_bit
        parts["movement"] += moved.bit_hops * chip.network.pj_per_bit_hop
        return {part: float(value) for part, value in parts.items()}

    def _area(self, conversions: dict[int, Conversion]) -> dict[str, float | None]:
        """Of the arrays that hold a block, and of their mesh tiles, in mm2."""
        activity, chip = self.activity, self.chip
        um2 = dict.fromkeys(PARTS, 0.0)
        unknown = set()
        for kind in chip.kinds:
            array, cell, adc = chip.hardware.arrays[kind], chip.crossbars[kind], conversions[kind]
            shared = activity.peripheries[kind]
            um2["adc"] += shared * array.adcs * (adc.um2 or 0.0)
            um2["drivers"] += shared * array.rows * chip.drivers[kind].um2
            um2["crossbar"] += activity.arrays[kind] * array.rows * array.columns * (cell.um2_per_cell or 0.0)
            um2["digital"] += shared * array.adcs * chip.digital.um2_per_adc
            unknown |= {"adc"} if adc.um2 is None else set()
            unknown |= {"crossbar"} if cell.um2_per_cell is None else set()
        um2["digital"] += self.movement.mesh_tiles * chip.digital.um2_per_mesh_tile
        um2["movement"] += self.movement.mesh_tiles * chip.network.um2_per_mesh_tile
        return {part: None if part in unknown else float(value) / 1e6 for part, value in um2.items()}


def _check_names(extrapolate: Collection[str]) -> None:
    known = {**ADC_MODELS, **DRIVER_MODELS, **CROSSBAR_MODELS}
    for name in extrapolate:
        if name not in known:
            raise InputError(
                f"{name!r} cannot be extrapolated: it is not a model; the known ones are {', '.join(known)}"
            )
